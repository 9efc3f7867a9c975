"""Whether a timeline is what the plain lists say, merged in time: compared with brute force over random knowledge bases."""

from __future__ import annotations

import csv
from base64 import urlsafe_b64decode
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from app.query import cursor as cursors
from app.query.evidence import citations_in
from tests import making
from tests.base import KnowledgeBase
from tests.brute import statement
from tests.making import PASSAGES, TEXT, dossier, person, state
from tests.test_query_counts import cost
from tests.timelines import everything, expected, put_coded, put_random, reach, walked

QUESTIONS: list[dict[str, Any]] = [
    {},
    {"sort": "-date"},
    {"actor": "arden"},
    {"actor": "arden", "sort": "-date"},
    {"actor": "lena-voss"},
    {"actor": "belmont", "type": ["event"]},
    {"actor": "belmont", "type": ["claim", "statement"]},
    {"actor": "arden", "topic": ["harbours"]},
    {"topic": ["piers", "fairs"]},
    {"topic": ["jetties"], "type": ["claim", "event"]},
    {"actor": "arden", "from": "2013-12-15"},
    {"actor": "arden", "from": "2013-12-15", "before": "2014-01-20", "sort": "-date"},
    {"actor": "lena-voss", "from": "2013-12-15", "before": "2014-01-20", "undated": "true"},
    {"before": "2014-01-01", "dates": "certain"},
    {"before": "2013-12-10", "dates": "certain", "undated": "true", "sort": "-date"},
    {"actor": "belmont", "dataset": ["none"]},
    {"actor": "belmont", "dataset": ["ferry"]},
    {"actor": "arden", "dataset": ["ferry"], "type": ["event"], "sort": "-date"},
    {"actor": "arden", "status": ["planned", "hypothetical"]},
    {"status": ["occurred", "planned"], "dataset": ["none"], "type": ["event"]},
]


def address(asked: dict[str, Any], **more: Any) -> str:
    return f"/v1/timeline?{urlencode({**asked, **more}, doseq=True)}"


def told(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["type"], item["id"]) for item in items]


@pytest.fixture
def random_kb(kb: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    """A knowledge base of random records and coded events."""
    put_random(kb, 11)
    put_coded(kb, tmp_path, 11)
    return kb


def test_a_timeline_is_the_lists_merged_in_time_whatever_is_asked(random_kb: KnowledgeBase) -> None:
    world = everything(random_kb)
    for asked in QUESTIONS:
        right = expected(world, asked)
        for limit in (9, 500):
            items, pages = walked(random_kb, address(asked, limit=limit, count="exact"))
            assert told(items) == right, (asked, limit)
            assert all(page["count"] == {"n": len(right), "exact": True} for page in pages), asked


def test_each_part_of_a_timeline_is_listed_by_its_address(random_kb: KnowledgeBase) -> None:
    for asked in QUESTIONS:
        items, pages = walked(random_kb, address(asked, limit=200, count="exact"))
        for name, share in pages[0]["lists"].items():
            here = sorted(item["id"] for item in items if f"{item['type']}s" == name)
            there = [] if share["items"] is None else sorted(random_kb.ids(share["items"]))
            assert here == there, (asked, name)
            assert share["count"] == {"n": len(here), "exact": True}, (asked, name)


def year_of(item: dict[str, Any], asked: dict[str, Any]) -> str | None:
    """The one year that an entry lies in, within the days asked for."""
    first, last = ((item["date"] or {}).get(end) for end in ("first", "last"))
    if first is None or last is None or first[:4] != last[:4]:
        return None
    inside = first >= asked.get("from", "") and last < asked.get("before", "~")
    return str(first[:4]) if inside else None


def test_facets_count_kinds_and_years_and_lead_to_what_they_count(random_kb: KnowledgeBase) -> None:
    for asked in QUESTIONS:
        page = random_kb.json(address(asked, limit=500, facet=["type", "year"]))
        kinds = Counter(item["type"] for item in page["items"])
        years = Counter(year_of(item, asked) for item in page["items"])
        assert {one["value"]: one["n"] for one in page["facets"]["type"]} == kinds, asked
        assert {one["value"]: one["n"] for one in page["facets"]["year"]} == years, asked
        for facet in page["facets"].values():
            for one in facet:
                if one["items"] is not None:
                    assert len(random_kb.json(f"{one['items']}&limit=500")["items"]) == one["n"], one


def test_an_entry_says_what_its_record_says(random_kb: KnowledgeBase) -> None:
    world = {(noun, one["id"]): one for noun, some in everything(random_kb).items() for one in some}
    for item in random_kb.json("/v1/timeline?actor=arden&limit=500")["items"]:
        record = world[item["type"], item["id"]]
        assert item["self"] == record["self"]
        assert item["evidence"] == record["evidence"]
        assert item["date"] == (record[item["date_of"]] if item["date_of"] else None)
        assert item["commitment"] == record.get("commitment")
        assert item["undated"] is not bool(item["date"] and (item["date"]["first"] or item["date"]["last"]))
        assert item["roles"]
        assert {one["actor"] for one in item["actors"]} & reach("arden")


def test_undated_entries_stand_last_and_say_so(random_kb: KnowledgeBase) -> None:
    for sort in ("date", "-date"):
        items = random_kb.json(f"/v1/timeline?limit=500&sort={sort}")["items"]
        known = [item["date"] is not None and item["date"]["first"] is not None for item in items]
        assert known == sorted(known, reverse=True)
        assert {item["precision"] for item in items} >= {"day", "year", "month", "span", "open", "undated"}


def test_a_walk_sees_each_entry_once_whatever_is_published_meanwhile(kb: KnowledgeBase, tmp_path: Path) -> None:
    put_random(kb, 3, n=6)
    put_coded(kb, tmp_path, 3, rows=20)
    before = told(walked(kb, "/v1/timeline?actor=arden&limit=500")[0])
    page = kb.json("/v1/timeline?actor=arden&limit=4")
    seen = told(page["items"])
    number = 0
    while page["next_cursor"] is not None:
        number += 1
        kb.put(("statement", statement(f"new-{number}", None, speaker="arden")))
        kb.retract("statement", f"new-{number}")
        page = kb.json(f"/v1/timeline?actor=arden&limit=4&cursor={page['next_cursor']}")
        seen += told(page["items"])

    assert seen == before


def test_a_timeline_as_of_a_revision_stays_what_it_was(kb: KnowledgeBase, tmp_path: Path) -> None:
    put_random(kb, 5, n=6)
    put_coded(kb, tmp_path, 5, rows=20)
    then, was = kb.latest, told(kb.json("/v1/timeline?actor=arden&limit=500")["items"])
    kb.retract("statement", *[one["id"] for one in everything(kb)["statement"]])
    kb.put(("statement", statement("later", None, speaker="arden")))

    assert told(kb.json(f"/v1/timeline?actor=arden&limit=500&as_of={then}")["items"]) == was
    assert ("statement", "later") in told(kb.json("/v1/timeline?actor=arden&limit=500")["items"])
    assert told(kb.json("/v1/timeline?actor=arden&as_of=0")["items"]) == []


def test_a_long_page_takes_as_many_statements_as_a_short_one(random_kb: KnowledgeBase) -> None:
    for more in ("", "&include=actors,topics,sources&count=exact&facet=year&facet=type", "&topic=harbours"):
        few, many = (cost(random_kb, f"/v1/timeline?actor=arden&limit={limit}{more}") for limit in (12, 300))
        assert many <= min(few + 3, 60), (more, few, many)


def test_what_only_outside_knowledge_dates_is_undated_without_it(seeded: KnowledgeBase) -> None:
    path = "/v1/timeline?actor=Trump&type=event&limit=500"
    plain, enriched = (
        {item["id"]: item for item in seeded.json(f"{path}{more}")["items"]} for more in ("", "&enrichment=true")
    )

    assert plain["white-house-summit"]["undated"]
    assert enriched["white-house-summit"]["date"]["first"] == "2025-08-18"


def test_included_records_are_those_that_the_page_names(seeded: KnowledgeBase) -> None:
    page = seeded.json("/v1/timeline?actor=Ishiba&limit=5&include=actors,topics")

    assert set(page["included"]["actors"]) == {one["actor"] for item in page["items"] for one in item["actors"]}
    assert set(page["included"]["topics"]) == {one for item in page["items"] for one in item["topics"]}


def test_an_unknown_actor_is_not_covered_and_a_known_one_without_entries_is_none_found(kb: KnowledgeBase) -> None:
    put_random(kb, 7, n=0)

    unknown, known = (kb.json(f"/v1/timeline?actor={name}")["coverage"] for name in ("Adenauer", "belmont"))

    assert (unknown["zero"], known["zero"]) == ("not_covered", "none_found")
    assert "actor: nothing is known here by 'Adenauer'." in unknown["notes"]


def test_a_whole_timeline_comes_as_csv_and_as_lines(random_kb: KnowledgeBase) -> None:
    for asked in ({}, {"actor": "arden", "sort": "-date"}, {"actor": "nobody"}):
        items = walked(random_kb, address(asked, limit=500))[0]
        lines = random_kb.get(address(asked, format="ndjson")).content.splitlines()
        rows = list(csv.DictReader(StringIO(random_kb.get(address(asked), Accept="text/csv").text)))
        assert [orjson.loads(line) for line in lines] == items
        assert [(row["type"], row["id"], row["date.first"] or None) for row in rows] == [
            (item["type"], item["id"], (item["date"] or {}).get("first")) for item in items
        ]
        assert len(random_kb.get(address(asked, format="ndjson", limit=3)).content.splitlines()) == min(3, len(items))


def test_a_whole_timeline_has_no_pages_and_no_counts(seeded: KnowledgeBase) -> None:
    for query in ("cursor=x", "facet=year", "count=exact", "include=actors"):
        assert "JSON pages" in seeded.json(f"/v1/timeline?format=csv&{query}", 422)["detail"]
    assert seeded.json("/v1/timeline?format=parquet", 422)["errors"][0]["name"] == "format"
    assert seeded.get("/v1/timeline", Accept="image/png").status_code == 406
    assert "attachment" in seeded.client.head("/v1/timeline?format=csv").headers["content-disposition"]


def test_the_words_of_a_text_that_is_at_hand_stand_in_every_answer(kb: KnowledgeBase) -> None:
    made = [
        dossier(
            n,
            actors=[person(f"{n}-voss", n.title()), state(n, n.upper())],
            statements=[told_by(n)],
            agreements=[pact(n)],
        )
        for n in ("one", "two")
    ]
    for one in made:
        kb.load(one)
        kb.attach(one["source"]["id"], TEXT)
    answers = [
        kb.json("/v1/timeline"),
        kb.json("/v1/positions?actor=one-voss"),
        kb.json("/v1/agreements/compare?id=one-pact&id=two-pact"),
    ]
    kb.withdraw(made[0]["source"]["id"])
    kb.withdraw(made[1]["source"]["id"])

    for answer in answers:
        words = {cited["exact"] for cited in citations_in(answer)}
        assert words <= {TEXT[one["start"] : one["end"]] for one in PASSAGES}
        assert words
    assert {cited["exact"] for cited in citations_in(kb.json("/v1/timeline"))} == {None}


def told_by(name: str) -> dict[str, Any]:
    return making.statement(f"{name}-pier", speaker=f"{name}-voss")


def pact(name: str) -> dict[str, Any]:
    """A pact of a dossier's own state."""
    return {
        "id": f"{name}-pact",
        "kind": "treaty",
        "gloss": "A pact on ferries.",
        "parties": [{"actor": name, "role": "party", "evidence": ["p2s3"]}],
        "evidence": ["p2s3"],
    }


def test_an_actor_that_only_a_dataset_names_has_its_timeline(random_kb: KnowledgeBase) -> None:
    for name in ("Corvo", "Police%20(Arden)"):
        timeline, events = (
            random_kb.json(f"/v1/{path}={name}&limit=500") for path in ("timeline?actor", "events?participant")
        )
        assert told(timeline["items"]) == [("event", item["id"]) for item in events["items"]]
        assert timeline["items"]


def test_an_ambiguous_actor_is_refused_with_the_candidates(kb: KnowledgeBase) -> None:
    put_random(kb, 7, n=1)
    names = [{"text": "Port", "kind": "name", "language": "en"}]
    old = {one: kb.json(f"/v1/actors/{one}") for one in ("arden", "belmont")}
    kb.put(
        *[
            (
                "actor",
                {
                    **{
                        k: old[one][k]
                        for k in ("id", "kind", "name", "identifiers", "existence", "offices", "memberships")
                    },
                    "evidence": [],
                    "names": names,
                },
            )
            for one in old
        ]
    )

    for route in ("timeline", "positions"):
        problem = kb.json(f"/v1/{route}?actor=Port", 422)
        assert {fault["detail"] for fault in problem["errors"]} == {"arden", "belmont"}
        assert {fault["name"] for fault in problem["errors"]} == {"actor"}


HOSTILE = [
    ("actr=arden", "actr"),
    ("actor=a&actor=b", "actor"),
    ("actor=", "actor"),
    ("actor=%00", "actor"),
    ("actor=%ed%a0%80", "actor"),
    (f"actor={'x' * 501}", "actor"),
    ("from=2020&before=2019", "before"),
    ("from=2020&before=2020", "before"),
    ("from=yesterday", "from"),
    ("from=20200", "from"),
    ("before=0000-01-01", "before"),
    ("dates=maybe", "dates"),
    ("undated=1", "undated"),
    ("type=relation", "type"),
    ("limit=0", "limit"),
    ("limit=501", "limit"),
    ("limit=1e3", "limit"),
    ("sort=happened", "sort"),
    ("status=over", "status"),
    ("count=all", "count"),
    ("include=agents", "include"),
    ("include=,", "include"),
    ("dataset=none&dataset=icews", "dataset"),
    ("cursor=abc", "cursor"),
    ("cursor=WzEsMl0", "cursor"),
    ("format=xml", "format"),
    ("facet=actor", "facet"),
    ("q=x", "q"),
    ("fields=id", "fields"),
]


@pytest.mark.parametrize(("query", "name"), HOSTILE)
def test_what_makes_no_sense_is_refused_by_name(seeded: KnowledgeBase, query: str, name: str) -> None:
    problem = seeded.json(f"/v1/timeline?{query}", 422)

    assert name in {fault["name"] for fault in problem["errors"]}


@pytest.mark.parametrize(
    "name", ["' OR 1=1 --", "%25", "_", "a\u202eb", "😀" * 100, "../..", "*", "japan;drop", "0" * 500]
)
def test_a_hostile_name_is_an_honest_empty_answer(seeded: KnowledgeBase, name: str) -> None:
    for route in ("timeline", "positions"):
        for parameter in ("actor", "topic", "dataset"):
            if route == "positions" and parameter == "dataset":
                continue
            asked = {"actor": "Japan", "type": "event" if route == "timeline" else "statement", parameter: name}
            page = seeded.json(f"/v1/{route}?{urlencode(asked)}")
            assert (page["items"], page["coverage"]["zero"]) == ([], "not_covered"), (route, parameter)


def test_a_cursor_belongs_to_its_question(seeded: KnowledgeBase) -> None:
    cursor = seeded.json("/v1/timeline?actor=Japan&limit=1")["next_cursor"]

    for query in ("actor=Ukraine", "actor=Japan&type=event", "actor=Japan&sort=-date"):
        assert "different query" in seeded.json(f"/v1/timeline?{query}&cursor={cursor}", 422)["detail"]
    assert "cursor" in seeded.json(f"/v1/positions?actor=Japan&cursor={cursor}", 422)["errors"][0]["name"]


@pytest.mark.parametrize("query", ["actor=Japan&limit=1", "limit=1&sort=-date", "type=claim&limit=1"])
def test_a_forged_cursor_lists_what_its_bearer_could_ask_anyway(seeded: KnowledgeBase, query: str) -> None:
    _, revision, mark, *_ = orjson.loads(urlsafe_b64decode(seeded.json(f"/v1/timeline?{query}")["next_cursor"] + "=="))
    every = {(item["type"], item["id"]) for item in seeded.json("/v1/timeline?limit=500")["items"]}

    for day in (-(2**31) + 1, -1, 19723, 2**31 - 1):
        for place in (-1, 0, 3, 2**31 - 1):
            for id in ("", "a", "\U0010ffff", "' OR 1=1"):
                cursor = cursors.written(cursors.Walk(revision, ""), mark, (day, place, id))
                assert set(told(seeded.json(f"/v1/timeline?{query}&cursor={cursor}")["items"])) <= every
