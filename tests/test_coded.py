"""Whether coded events are listed and counted as a scan of the file would, at every revision, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event as event_of

from app.coded import ahead
from app.importers.runner import run
from tests.base import KnowledgeBase
from tests.conftest import database_url
from tests.making import dossier, event, person, state

LABELS = {
    "Make statement": "010",
    "Consult": "040",
    "Make a visit": "042",
    "Use conventional military force": "190",
    "Express intent to cooperate": "030",
}
NAMES = ("Arden", "Belmont", "Police (Arden)", "Lena Voss", "Corvo")


@dataclass(frozen=True)
class Fact:
    """A row of the file."""

    initiator: str
    label: str
    recipient: str
    day: date

    @property
    def code(self) -> str:
        return LABELS[self.label]

    @property
    def parties(self) -> set[str]:
        return {self.initiator, self.recipient}


def facts(seed: int, rows: int) -> list[Fact]:
    """Some facts, the same for a seed; each once."""
    random = Random(seed)
    found = {
        Fact(
            random.choice(NAMES),
            random.choice(list(LABELS)),
            random.choice(NAMES),
            date(2013, 11, 20) + timedelta(days=random.randrange(100)),
        )
        for _ in range(rows)
    }
    return sorted(found, key=lambda fact: (fact.day, fact.initiator, fact.label, fact.recipient))


def bring(kb: KnowledgeBase, folder: Path, some: Iterable[Fact], *, whole: bool = False) -> None:
    """Import facts as a file of the named layout."""
    file = folder / "facts.tsv"
    lines = [
        "subject\trelation\tobject\tdate",
        *("\t".join([f.initiator, f.label, f.recipient, f.day.isoformat()]) for f in some),
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(kb.database, file, dataset="ferry", clock=kb.clock, by="a test", whole=whole, accept=1.0)


def said(item: dict[str, Any]) -> Fact:
    """An event of the API as the fact that it came from."""
    names = {part["role"]: part["name"] for part in item["participants"]}
    return Fact(names["initiator"], item["label"], names["recipient"], date.fromisoformat(item["happened"]["first"]))


def listed(kb: KnowledgeBase, query: str, limit: int = 7) -> list[Fact]:
    """Every event that a query lists, page by page."""
    found, cursor = [], None
    while True:
        more = "" if cursor is None else f"&cursor={cursor}"
        page = kb.json(f"/v1/events?{query}&limit={limit}{more}")
        found += [said(item) for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


QUESTIONS: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda f: True),
    ({"participant": "Corvo"}, lambda f: "Corvo" in f.parties),
    ({"participant": ["Corvo", "Belmont"]}, lambda f: {"Corvo", "Belmont"} <= f.parties),
    ({"participant.not": "Corvo"}, lambda f: "Corvo" not in f.parties),
    ({"initiator": "Lena Voss"}, lambda f: f.initiator == "Lena Voss"),
    ({"recipient": "Lena Voss"}, lambda f: f.recipient == "Lena Voss"),
    ({"initiator": "Corvo", "recipient": "Belmont"}, lambda f: (f.initiator, f.recipient) == ("Corvo", "Belmont")),
    ({"initiator.not": "Corvo"}, lambda f: f.initiator != "Corvo"),
    ({"participant": "Corvo", "role": "recipient"}, lambda f: f.recipient == "Corvo"),
    ({"participant": ["Corvo", "Belmont"], "role": "initiator"}, lambda f: False),
    (
        {"participant": ["Belmont", "Corvo"], "role": ["initiator", "recipient"]},
        lambda f: {"Corvo", "Belmont"} <= f.parties,
    ),
    (
        {"participant": "Corvo", "role": "recipient", "initiator": "Corvo"},
        lambda f: f.initiator == f.recipient == "Corvo",
    ),
    ({"participant.not": "Corvo", "role": "recipient"}, lambda f: f.recipient != "Corvo"),
    ({"initiator": "Corvo", "role": "recipient"}, lambda f: f.initiator == "Corvo"),
    ({"code": "04"}, lambda f: f.code.startswith("04")),
    ({"code": "Consult"}, lambda f: f.label == "Consult"),
    ({"code": ["010", "19"]}, lambda f: f.code == "010" or f.code.startswith("19")),
    ({"code.not": "04"}, lambda f: not f.code.startswith("04")),
    ({"participant": "Belmont", "code": "04"}, lambda f: "Belmont" in f.parties and f.code.startswith("04")),
    ({"quad": "4"}, lambda f: f.code == "190"),
    ({"quad.not": "4"}, lambda f: f.code != "190"),
    ({"dataset": "ferry"}, lambda f: True),
    ({"dataset.not": "ferry"}, lambda f: False),
    ({"happened_from": "2013-12-05"}, lambda f: f.day >= date(2013, 12, 5)),
    (
        {"happened_from": "2013-12", "happened_before": "2014-02-11"},
        lambda f: date(2013, 12, 1) <= f.day < date(2014, 2, 11),
    ),
    (
        {"participant": "Corvo", "happened_from": "2013-12-15", "happened_before": "2014-01-20", "dates": "certain"},
        lambda f: "Corvo" in f.parties and date(2013, 12, 15) <= f.day < date(2014, 1, 20),
    ),
    ({"status": "hypothetical"}, lambda f: False),
    ({"topic.not": "ferries"}, lambda f: True),
    ({"source": "arden-arden-courier-article"}, lambda f: False),
    ({"intensity_from": "0"}, lambda f: False),
]
TESTED = [pytest.param(query, holds, id=urlencode(query, doseq=True) or "everything") for query, holds in QUESTIONS]


@pytest.fixture
def ferry(kb: KnowledgeBase, tmp_path: Path) -> tuple[KnowledgeBase, list[Fact]]:
    """A knowledge base with two hundred facts, and the facts."""
    some = facts(1, 200)
    kb.load(dossier(actors=[person(), state()]))
    bring(kb, tmp_path, some)
    return kb, some


def test_every_filter_lists_what_a_scan_of_the_file_finds_in_its_order(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, some = ferry
    for query, holds in QUESTIONS:
        asked = urlencode(query, doseq=True)
        expected = Counter(f for f in some if holds(f))

        forth, back = listed(kb, asked), listed(kb, f"{asked}&sort=-happened", limit=500)

        assert Counter(forth) == expected, asked
        assert [f.day for f in forth] == sorted(f.day for f in forth), asked
        assert list(reversed(back)) == forth, asked


def test_exact_counts_are_the_number_of_records_that_the_list_gives(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, some = ferry
    for query, holds in QUESTIONS:
        asked = urlencode(query, doseq=True)

        counted = kb.json(f"/v1/events?{asked}&limit=1&count=exact")["count"]
        total = kb.json(f"/v1/events/counts?{asked}")["total"]

        assert counted == {"n": sum(1 for f in some if holds(f)), "exact": True}, asked
        assert total == counted["n"], asked


def test_a_label_that_only_a_dataset_has_is_known_from_its_import_on(kb: KnowledgeBase, tmp_path: Path) -> None:
    kb.load(dossier(actors=[person(), state()]))
    before = kb.latest
    bring(kb, tmp_path, [Fact("Corvo", "Waves a flag", "Belmont", date(2014, 1, 1))])

    def zero(asked: str) -> str:
        return str(kb.json(f"/v1/events?{asked}&initiator=lena-voss")["coverage"]["zero"])

    assert kb.json("/v1/events?code=Waves+a+flag")["items"]
    assert zero("code=Waves+a+flag") == "none_found"
    assert zero(f"code=Waves+a+flag&as_of={before}") == "not_covered"
    assert zero("code=Waves+two+flags") == "not_covered"


AXES: dict[str, Any] = {
    "day": lambda f: [f.day.isoformat()],
    "month": lambda f: [f.day.isoformat()[:7]],
    "year": lambda f: [f.day.isoformat()[:4]],
    "code": lambda f: [f.code],
    "root": lambda f: [f.code[:2]],
    "quad": lambda f: [4 if f.code == "190" else 1],
    "dataset": lambda f: ["ferry"],
    "initiator": lambda f: [f.initiator],
    "recipient": lambda f: [f.recipient],
    "participant": lambda f: sorted(f.parties),
}


def test_cells_count_what_a_scan_counts_and_their_links_list_just_that(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, some = ferry
    names = {id: name for name in NAMES for id in [kb.json(f"/v1/resolve?name={name}")["items"][0]["actor"]]}
    narrow = [one for one in QUESTIONS if "participant" in one[0] or "happened_from" in one[0] or not one[0]]
    for query, holds in narrow:
        for by in ("month", "year,code", "participant", "month,root", "initiator,recipient", "quad", "dataset", "day"):
            asked = urlencode({**query, "by": by}, doseq=True)
            expected: Counter[tuple[Any, ...]] = Counter()
            for fact in some:
                if holds(fact):
                    cells: list[tuple[Any, ...]] = [()]
                    for axis in by.split(","):
                        one_role = axis == "participant" and query.get("role") == "recipient"
                        own = [fact.recipient] if one_role else AXES[axis](fact)
                        cells = [(*cell, value) for cell in cells for value in own]
                    expected.update(cells)

            items = kb.json(f"/v1/events/counts?{asked}&limit=10000")["items"]

            told = {tuple(names.get(item[axis], item[axis]) for axis in by.split(",")): item["n"] for item in items}
            assert told == expected, asked
            for item in items[:2]:
                assert kb.json(f"{item['items']}&limit=1&count=exact")["count"]["n"] == item["n"], item["items"]


# From most of a year to most of another, and from little of one; cut in a month and not; one that holds no whole year.
PERIODS = [
    ("2010-03-15", "2013-10-15"),
    ("2010-03", "2013-10"),
    ("2010-08-02", "2013-03-31"),
    ("2010-12-31", "2013-01-02"),
    ("2010-02-01", "2011-12-31"),
    ("2011-02", "2011-12"),
    ("2009-05", "2020-08"),
]


@pytest.mark.parametrize("busy", [0, 1_000_000])
def test_a_period_of_years_counts_what_a_scan_counts_wherever_it_begins_and_ends(
    kb: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    monkeypatch.setattr(ahead, "SKIPPING_FROM", busy)
    random = Random(11)
    drawn = {
        Fact(random.choice(NAMES), random.choice(list(LABELS)), random.choice(NAMES), day)
        for day in (date(2010, 1, 1) + timedelta(days=random.randrange(1461)) for _ in range(500))
    }
    every = sorted(drawn, key=lambda fact: (fact.day, fact.initiator, fact.label, fact.recipient))
    bring(kb, tmp_path, every)
    fewer = [fact for fact in every if random.random() < 0.7]
    bring(kb, tmp_path, fewer, whole=True)
    revision = kb.json("/v1/events?limit=1")["revision"]

    for lower, upper in PERIODS:
        first, end = (date.fromisoformat(f"{one}-01" if len(one) == 7 else one) for one in (lower, upper))
        for some, as_of in ((every, revision - 1), (fewer, revision)):
            asked = f"happened_from={lower}&happened_before={upper}&as_of={as_of}"
            within = [fact for fact in some if first <= fact.day < end]
            roles = {
                "participant": [fact for fact in within if "Corvo" in fact.parties],
                "recipient": [fact for fact in within if fact.recipient == "Corvo"],
            }
            for role, mine in roles.items():
                expected = {
                    "code": Counter(fact.code for fact in mine),
                    "year": Counter(f"{fact.day:%Y}" for fact in mine),
                    "year,code": Counter(f"{fact.day:%Y},{fact.code}" for fact in mine),
                    "root": Counter(fact.code[:2] for fact in mine),
                }
                for by, cells in expected.items():
                    for measure in ("events", "reports"):
                        path = f"/v1/events/counts?by={by}&measure={measure}&{role}=Corvo&{asked}"
                        items = kb.json(path)["items"]
                        assert {",".join(item[one] for one in by.split(",")): item["n"] for item in items} == cells, (
                            path
                        )
                values = kb.json(f"/v1/events?facet=code&{role}=Corvo&limit=1&{asked}")["facets"]["code"]
                assert {value["value"]: value["n"] for value in values} == expected["code"]


def test_facets_count_what_their_links_list(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, _ = ferry
    for query in ("", "participant=Corvo&", "code=04&", "happened_from=2013-12-15&"):
        for facet in ("code", "participant", "initiator", "recipient", "dataset", "quad", "status"):
            values = kb.json(f"/v1/events?{query}facet={facet}&limit=1")["facets"][facet]

            assert values, (query, facet)
            for value in values[:3]:
                assert kb.json(f"{value['items']}&limit=1&count=exact")["count"]["n"] == value["n"], value["items"]


def test_the_first_and_last_of_each_pair_are_those_of_a_scan(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, some = ferry
    pairs: dict[tuple[str, str], list[date]] = {}
    for fact in some:
        pairs.setdefault((fact.initiator, fact.recipient), []).append(fact.day)

    first = {(f.initiator, f.recipient): f.day for f in listed(kb, "pick=first&per=pair")}
    last = {(f.initiator, f.recipient): f.day for f in listed(kb, "pick=last&per=pair")}
    (only,) = listed(kb, "pick=last&initiator=Corvo&recipient=Belmont&happened_before=2014-01-10")

    assert first == {pair: min(days) for pair, days in pairs.items()}
    assert last == {pair: max(days) for pair, days in pairs.items()}
    assert only.day == max(d for d in pairs["Corvo", "Belmont"] if d < date(2014, 1, 10))


def test_every_import_leaves_the_answers_of_earlier_revisions_as_they_were(kb: KnowledgeBase, tmp_path: Path) -> None:
    asked = (
        "/v1/events?participant=Corvo&limit=500",
        "/v1/events/counts?by=month,code",
        "/v1/events/counts?by=participant&participant=Corvo",
    )
    kept: dict[tuple[int, str], dict[str, Any]] = {}
    for turn, some in enumerate((facts(1, 60), facts(2, 80), facts(1, 40) + facts(3, 10), facts(3, 10))):
        bring(kb, tmp_path, dict.fromkeys(some), whole=turn != 1)
        now = kb.latest
        kept |= {(now, path): kb.json(path) for path in asked}

        for (revision, path), before in kept.items():
            then = kb.json(f"{path}&as_of={revision}")
            assert [strip(item) for item in then["items"]] == [strip(item) for item in before["items"]], (
                revision,
                path,
            )

    scan = Counter(f.day.isoformat()[:7] for f in facts(3, 10))
    assert {item["month"]: item["n"] for item in kb.json("/v1/events/counts?by=month")["items"]} == scan


def strip(item: dict[str, Any]) -> dict[str, Any]:
    """An item without its link, which names the revision that was asked for."""
    return {name: value for name, value in item.items() if name != "items"}


def test_curated_and_coded_events_stand_in_one_list_and_one_count(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, some = ferry
    part = {"actor": "arden", "role": "host", "evidence": ["p2s3"]}
    kb.load(dossier(actors=[person(), state()], events=[event(happened="2013-12-24", participants=[part])]))

    items = kb.json("/v1/events?participant=Arden&happened_from=2013-12-24&happened_before=2013-12-25&limit=500")[
        "items"
    ]
    january = kb.json("/v1/events/counts?by=month&participant=Arden")["items"]

    expected = [f for f in some if "Arden" in f.parties and f.day == date(2013, 12, 24)]
    assert len(items) == len(expected) + 1
    assert "ferry-signing" in {item["id"] for item in items}
    assert {item["month"]: item["n"] for item in january}["2013-12"] == 1 + sum(
        1 for f in some if "Arden" in f.parties and f.day.month == 12
    )


@pytest.mark.parametrize(
    "sort", ["kind", "-kind", "intensity", "-intensity", "id", "-id", "since", "-since", "-happened"]
)
def test_a_walk_through_both_places_sees_each_event_once_whatever_it_sorts_by(
    ferry: tuple[KnowledgeBase, list[Fact]], sort: str
) -> None:
    kb, some = ferry
    curated = [event(f"event-{n}", happened=None if n % 2 else "2013-12-24") for n in range(6)]
    kb.load(dossier(actors=[person(), state()], events=curated))

    walked = kb.ids(f"/v1/events?sort={sort}&limit=7")

    assert len(walked) == len(set(walked)) == len(some) + len(curated)
    assert walked == kb.ids(f"/v1/events?sort={sort}&limit=500")


def test_a_label_finds_the_events_of_a_dataset_that_has_codes_too(kb: KnowledgeBase, tmp_path: Path) -> None:
    bring(kb, tmp_path, facts(1, 60))

    for word, code in LABELS.items():
        by_label, by_code = (
            kb.json(f"/v1/events?{urlencode({'code': one})}&count=exact")["count"]["n"] for one in (word, code)
        )

        assert by_label == by_code > 0


def test_after_and_before_a_coded_event_stand_curated_ones_too(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, _ = ferry
    kb.load(dossier(actors=[person(), state()], events=[event(happened="2020-01-01")]))
    first = kb.json("/v1/events?limit=1")["items"][0]["id"]

    assert "ferry-signing" in kb.ids(f"/v1/events?after={first}&limit=500")
    assert kb.ids("/v1/events?before=ferry-signing&limit=500")
    assert first in kb.ids(f"/v1/events?same_day_as={first}&limit=500")


def test_a_coded_event_and_its_actors_are_records_with_an_address_of_their_own(
    ferry: tuple[KnowledgeBase, list[Fact]],
) -> None:
    kb, some = ferry
    item = kb.json("/v1/events?initiator=Corvo&limit=1&include=participants")["items"][0]

    alone = kb.json(item["self"])
    actor = kb.json("/v1/actors/ferry:corvo")

    assert alone == item
    assert said(alone) in some
    assert actor["name"] == "Corvo"
    assert actor["kind"] is None
    assert kb.json("/v1/events?participant=ferry:corvo&count=exact")["count"]["n"] == sum(
        1 for f in some if "Corvo" in f.parties
    )


def test_an_actor_that_a_dataset_shares_with_a_dossier_is_one_actor(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, _ = ferry

    (found, *_) = kb.json("/v1/resolve?name=Lena Voss")["items"]
    parts = {
        part["actor"]
        for item in kb.json("/v1/events?participant=lena-voss&limit=500")["items"]
        for part in item["participants"]
    }

    assert found["actor"] == "lena-voss"
    assert "lena-voss" in parts
    assert "ferry:lena-voss" not in parts
    assert kb.json("/v1/actors?name=Lena Voss")["items"][0]["id"] == "lena-voss"


@pytest.mark.parametrize(
    "query",
    [
        "/v1/events/counts?by=month&happened_from=9999-12-31",
        "/v1/events/counts?by=year&happened_from=9999-12",
        "/v1/events/counts?by=participant&happened_before=9999-12-31",
        "/v1/events?happened_from=9999-12-31&facet=initiator",
        "/v1/network?actor=lena-voss&from=9999-12-31",
        "/v1/paths?from_actor=lena-voss&to_actor=arden&from=9999-12-31",
        "/v1/timeline?actor=lena-voss&from=9999-12-31",
        "/v1/positions?actor=lena-voss&from=9999-12-31",
    ],
)
def test_the_last_day_that_can_be_named_is_a_day_like_others(
    ferry: tuple[KnowledgeBase, list[Fact]], query: str
) -> None:
    assert ferry[0].get(query).status_code == 200


def test_counting_by_what_does_not_exist_names_what_does(kb: KnowledgeBase) -> None:
    unknown = kb.json("/v1/events/counts?by=moth", 422)
    twice = kb.json("/v1/events/counts?by=month,year", 422)
    paged = kb.json("/v1/events/counts?facet=code", 422)

    assert "'month'" in unknown["detail"]
    assert unknown["errors"][0]["name"] == "by"
    assert "year" in twice["detail"]
    assert "facet" in paged["detail"]


def test_a_table_of_counts_is_walked_page_by_page(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, _ = ferry
    whole = kb.json("/v1/events/counts?by=code,initiator")["items"]

    walked, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = kb.json(f"/v1/events/counts?by=code,initiator&limit=7{more}")
        walked, cursor = [*walked, *page["items"]], page["next_cursor"]

    assert walked == whole


def test_refused_rows_are_kept_with_their_line_reason_and_text(kb: KnowledgeBase, tmp_path: Path) -> None:
    file = tmp_path / "facts.tsv"
    rows = [
        "subject\trelation\tobject\tdate",
        "Arden\tConsult\tBelmont\t2014-01-02",
        "Arden\tConsult\tBelmont\t2014-02-30",
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    run(kb.database, file, dataset="ferry", clock=kb.clock, by="a test", accept=1.0)

    (item,) = kb.json("/v1/datasets/ferry/rejected")["items"]

    assert (item["line"], item["reason"]) == (3, "bad-date")
    assert item["text"] == rows[2]
    assert kb.json("/v1/datasets/nothing/rejected", 404)["status"] == 404


def test_the_reports_of_an_event_and_its_versions_can_be_read(ferry: tuple[KnowledgeBase, list[Fact]]) -> None:
    kb, _ = ferry
    item = kb.json("/v1/events?limit=1")["items"][0]

    reports = kb.json(f"{item['self']}/reports")["items"]
    versions = kb.json(f"{item['self']}/revisions")["items"]

    assert len(reports) <= 1
    assert [version["act"] for version in versions] == ["create"]
    assert versions[0]["record"]["label"] == item["label"]


@pytest.mark.parametrize("by", ["day", "month", "year", "month,code"])
def test_events_of_several_days_stand_in_the_cell_that_holds_all_of_them_or_in_one_without_a_value(
    kb: KnowledgeBase, by: str
) -> None:
    own = Path(__file__).resolve().parent / "importers" / "ucdp.csv"
    kb.clock.moment = datetime(2040, 1, 1, tzinfo=UTC)
    run(kb.database, own, clock=kb.clock, by="a test", accept=1.0)
    kb.load(dossier(actors=[person(), state()], events=[event(happened="2024-05-30/2024-06-02")]))

    days = [item["happened"]["first"] for item in kb.json("/v1/events?limit=500")["items"]]
    cut = sorted(days)[len(days) // 2]
    for period in ("", f"happened_from={cut}&", f"happened_before={cut}&"):
        told = kb.json(f"/v1/events/counts?{period}by={by}&limit=1000")

        assert told["total"] == kb.json(f"/v1/events?{period}limit=1&count=exact")["count"]["n"]
        for item in [item for item in told["items"] if item["items"] is not None]:
            assert kb.json(f"{item['items']}&limit=1&count=exact")["count"]["n"] == item["n"], item["items"]


@pytest.mark.parametrize("sort", ["happened", "-happened"])
def test_a_page_of_all_events_begins_where_the_last_one_ended_and_looks_up_nothing_before(
    request: pytest.FixtureRequest, tmp_path: Path, sort: str
) -> None:
    kb = KnowledgeBase.at(database_url("sqlite", request, tmp_path))
    bring(kb, tmp_path, facts(3, 60))
    path = f"/v1/events?sort={sort}&limit=5&happened_from=2013-11-25&happened_before=2014-02"
    after = kb.json(path)["next_cursor"]
    told: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        if "FROM coded_event" in sql and "ORDER BY" in sql:
            told.append((sql, values))

    event_of.listen(kb.database.reader, "before_cursor_execute", note)
    kb.json(f"{path}&cursor={after}")
    event_of.remove(kb.database.reader, "before_cursor_execute", note)

    with kb.database.read() as connection:
        plans = [
            [line.detail for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
            for sql, values in told
        ]
    kb.close()
    ends = "(day,id)>(?,?) AND day<?" if sort == "happened" else "day>? AND (day,id)<(?,?)"
    assert plans == [[f"SEARCH coded_event USING INDEX ix_coded_event_day ({ends})"]]


def test_coverage_names_the_days_that_stood_at_the_revision(kb: KnowledgeBase, tmp_path: Path) -> None:
    early = facts(3, 60)
    late = [replace(one, day=one.day + timedelta(days=1_000)) for one in facts(4, 30)]
    before = kb.latest
    for some in (late, [one for one in early if one.day.month < 6], early):
        bring(kb, tmp_path, some)

    for revision in range(before, kb.latest + 1):
        page = kb.json(f"/v1/events?limit=500&as_of={revision}")
        days = sorted(item["happened"]["first"] for item in page["items"])
        told = page["coverage"]["dates"]
        assert (told and (told["first"], told["last"])) == ((days[0], days[-1]) if days else None)
