"""Whether every declared filter finds exactly what a look at each record finds, alone, negated, repeated and exactly."""

from __future__ import annotations

import itertools
from datetime import date as day
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.query.fields import Bound, Period, Term
from app.query.params import facetable
from app.resources import RESOURCES
from app.times import day_number, parse_edtf
from tests.base import KnowledgeBase, ids
from tests.brute import (
    EXACTLY,
    HELD,
    Record,
    address,
    event,
    fitting,
    looking,
    quoted,
    shown,
    statement,
    undeclared,
    values_of,
    world_of,
)

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
EITHER_FACE = pytest.mark.parametrize("enrichment", [False, True], ids=("plain", "enriched"))


def listed(kb: KnowledgeBase, resource: str, enrichment: bool = False, **asked: Any) -> set[str]:
    """The ids of a list, which must fit on a page and hold each record once."""
    found = ids(kb.json(address(resource, limit=500, enrichment=str(enrichment).lower(), **asked))["items"])
    assert len(found) == len(set(found))
    return set(found)


def test_every_declared_filter_has_a_meaning_of_its_own_in_these_tests() -> None:
    assert undeclared() == set()


@EVERY_RESOURCE
@EITHER_FACE
def test_a_filter_finds_what_a_look_at_every_record_finds(rich: KnowledgeBase, resource: Any, enrichment: bool) -> None:
    world = world_of(rich, enrichment)
    for line in looking(resource):
        beside = {} if line.name == "status" else shown(resource.name)
        for value in values_of(world, resource, line):
            found = listed(rich, resource.name, enrichment, **{**beside, line.name: value})
            assert found == fitting(world, resource, line, [value]), f"{line.name}={value}"
            if line.name != "status":
                left = listed(rich, resource.name, enrichment, **{**beside, f"{line.name}_not": value})
                everything = set(ids(world.records(resource.name)))
                assert left == everything - fitting(world, resource, line, [value]), f"{line.name}.not={value}"


@EVERY_RESOURCE
def test_a_repeated_filter_means_any_of_or_where_it_says_so_all_of(rich: KnowledgeBase, resource: Any) -> None:
    world = world_of(rich)
    for line in looking(resource):
        values = values_of(world, resource, line, 4)
        beside = {} if line.name == "status" else shown(resource.name)
        for two in itertools.pairwise(values):
            found = listed(rich, resource.name, **{**beside, line.name: two})
            assert found == fitting(world, resource, line, two), f"{line.name}={two}"
            neither = listed(rich, resource.name, **{**beside, f"{line.name}_not": two})
            each = [fitting(world, resource, line, [value]) for value in two]
            everything = set(ids(world.records(resource.name)))
            if line.name == "status":
                continue
            assert neither == everything - each[0] - each[1], f"{line.name}.not={two}"


@EVERY_RESOURCE
def test_asked_exactly_a_filter_reaches_nothing_but_the_value_and_asks_for_each(
    rich: KnowledgeBase, resource: Any
) -> None:
    world = world_of(rich)
    for line in looking(resource):
        if not facetable(resource, line):
            continue
        values = values_of(world, resource, line, 4)
        beside = {} if line.name == "status" else shown(resource.name)
        for two in [*itertools.pairwise(values), *((value,) for value in values)]:
            found = listed(rich, resource.name, **{**beside, f"{line.name}_is": two})
            holds = EXACTLY.get((resource.name, line.name), HELD[resource.name][line.name])
            wanted = {
                item["id"] for item in world.records(resource.name) if set(two) <= {str(v) for v in holds(world, item)}
            }
            assert found == wanted, f"{line.name}.is={two}"


@EVERY_RESOURCE
def test_filters_combine_with_and(rich: KnowledgeBase, resource: Any) -> None:
    world = world_of(rich)
    lines = [line for line in looking(resource) if line.name not in ("status", "role")]
    for one, other in itertools.pairwise(lines):
        for value in values_of(world, resource, one, 2):
            for second in values_of(world, resource, other, 2):
                asked = {**shown(resource.name), one.name: value, other.name: second}
                wanted = fitting(world, resource, one, [value]) & fitting(world, resource, other, [second])
                assert listed(rich, resource.name, **asked) == wanted, asked


@EVERY_RESOURCE
def test_every_example_of_the_data_dictionary_works(seeded: KnowledgeBase, resource: Any) -> None:
    entry = seeded.json(f"/v1/resources/{resource.name}")
    for line in [*entry["filters"], *entry["common"]]:
        if line["example"] is not None:
            assert seeded.get(line["example"]).status_code == 200, line["example"]


def test_most_examples_of_the_data_dictionary_find_something(seeded: KnowledgeBase) -> None:
    examples = [
        line["example"]
        for name in RESOURCES
        if name != "datasets"
        for entry in [seeded.json(f"/v1/resources/{name}")]
        for line in entry["filters"] + entry["common"]
        if line["example"] is not None and ".not" not in line["name"] and line["name"] != "cite"
    ]
    found = [example for example in examples if seeded.json(example)["items"]]

    assert len(found) > 0.75 * len(examples)


# ── Roles, offices and what else means something beside another filter ──────────────────────────────────────────────


def test_role_beside_participant_is_that_participants_role(rich: KnowledgeBase) -> None:
    assert listed(rich, "events", participant="arden", role="host") == {"fair"}
    assert "fair" not in listed(rich, "events", participant="belmont", role="host")
    assert listed(rich, "events", participant="belmont", role="host", status="planned") == {"ball"}
    assert "fair" not in listed(rich, "events", participant="arden", role_not="host")
    assert "fair" in listed(rich, "events", participant="belmont", role_not="host")
    assert "fair" in listed(rich, "events", role_not="belligerent")


def test_valid_on_is_the_day_of_the_office_or_membership(rich: KnowledgeBase) -> None:
    office = {"holds_office": "mayor-of-arden"}
    assert listed(rich, "actors", **office) == {"lena-voss", "old-mayor"}
    assert listed(rich, "actors", **office, valid_on="2020-01-01") == {"lena-voss"}
    assert listed(rich, "actors", **office, valid_on="2018-06-01") == {"old-mayor"}
    assert listed(rich, "actors", **office, valid_on="2021-06-30") == {"lena-voss"}
    assert listed(rich, "actors", **office, valid_on="2021-07-01") == set()
    assert listed(rich, "actors", member_of="league", valid_on="2018-12-31") == {"lena-voss"}
    assert listed(rich, "actors", member_of="league", valid_on="2019-01-01") == set()
    assert {"lena-voss", "old-mayor"} <= listed(rich, "actors", valid_on="2018-06-01")
    assert "lena-voss" not in listed(rich, "actors", valid_on_not="2020-01-01")
    assert "old-mayor" in listed(rich, "actors", valid_on_not="2020-01-01")


def test_an_office_is_found_by_its_id_and_by_its_title(seeded: KnowledgeBase) -> None:
    def holders(office: str) -> set[str]:
        return {one["id"] for one in seeded.json(f"/v1/actors?holds_office={office}")["items"]}

    assert holders("prime minister") == holders("Prime Minister of Japan") == holders("prime-minister-of-japan")
    assert holders("President") == {"donald-trump", "volodymyr-zelenskyy"}
    assert holders("President of Ukraine") == {"volodymyr-zelenskyy"}
    assert seeded.json("/v1/statements?office=Prime+Minister&count=exact&limit=1")["count"]["n"] == 8
    assert seeded.json("/v1/actors?holds_office=Doge")["coverage"]["zero"] == "not_covered"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("intensity_from=5&intensity_before=1", "intensity_before"),
        ("intensity_from=5&intensity_before=5", "intensity_before"),
        ("country=Japan", "country"),
    ],
)
def test_what_no_event_can_be_is_refused_and_said_how_it_looks(seeded: KnowledgeBase, query: str, name: str) -> None:
    (fault,) = seeded.json(f"/v1/events?{query}", 422)["errors"]

    assert fault["name"] == name
    assert "exclusive" in fault["detail"] or "two letters, such as JP" in fault["detail"]


def test_a_code_is_a_prefix_of_its_leaves(rich: KnowledgeBase) -> None:
    assert listed(rich, "events", code="04") == {"coded:0", "coded:1", "coded:2", "coded:5"}
    assert listed(rich, "events", code="042") == {"coded:1", "coded:2", "coded:5"}
    assert listed(rich, "events", code="0421") == {"coded:2"}
    assert listed(rich, "events", code="4") == set()
    assert listed(rich, "events", code="19") == {"coded:3", "coded:4", "coded:6"}


def test_country_is_that_of_the_place_whatever_its_case(rich: KnowledgeBase) -> None:
    assert listed(rich, "events", country="AR") == listed(rich, "events", country="ar") == {"fair"}
    assert rich.get("/v1/events?country=ARG").status_code == 422


def test_a_name_finds_the_actors_that_go_by_it(rich: KnowledgeBase) -> None:
    assert listed(rich, "actors", name="VOSS") == {"lena-voss"}
    assert listed(rich, "actors", name="Arden") == {"arden"}
    assert "lena-voss" not in listed(rich, "actors", name_not="Voss")


def test_an_identifier_without_its_scheme_is_refused_with_an_example(rich: KnowledgeBase) -> None:
    problem = rich.json("/v1/actors?identifier=0001", 422)

    assert "scheme:value" in problem["detail"]
    assert listed(rich, "actors", identifier="isni:0001") == {"lena-voss"}


@pytest.mark.parametrize("has", ["true", "false"])
def test_has_quote_finds_those_with_or_without_one(rich: KnowledgeBase, has: str) -> None:
    wanted = {item["id"] for item in world_of(rich).records("statements") if bool(item["quote"]) == (has == "true")}

    assert wanted
    assert listed(rich, "statements", has_quote=has) == wanted


@pytest.mark.parametrize("resource", ["statements", "claims"])
def test_commitment_from_finds_that_level_and_all_above(rich: KnowledgeBase, resource: str) -> None:
    for term in rich.vocabularies["commitment_level"]:
        wanted = {
            item["id"]
            for item in world_of(rich).records(resource)
            if item["commitment"] and item["commitment"]["rank"] >= term.rank
        }
        assert listed(rich, resource, commitment_from=term.id) == wanted, term.id


@pytest.mark.parametrize("bound", ["-10", "-2.5", "0", "1", "2.5", "10"])
def test_intensity_bounds_are_inclusive_below_and_exclusive_above(rich: KnowledgeBase, bound: str) -> None:
    known = [item for item in world_of(rich).records("events") if item["intensity"] is not None]

    found = listed(rich, "events", intensity_from=bound), listed(rich, "events", intensity_before=bound)

    assert found[0] == {item["id"] for item in known if item["intensity"] >= float(bound)}
    assert found[1] == {item["id"] for item in known if item["intensity"] < float(bound)}


def test_every_bound_takes_what_its_kind_says() -> None:
    bounds = [line for one in RESOURCES.values() for line in one.filters if isinstance(line, Bound)]
    assert {line.name for line in bounds} == {"commitment_from", "intensity_from", "intensity_before"}
    assert all(isinstance(line.kind, Term) or line.op in ("from", "before") for line in bounds)


# ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_period(record: Record, name: str, lower: str | None, upper: str | None, certain: bool, undated: bool) -> bool:
    """Whether the days that a date can mean may, or certainly do, lie from `lower` on and before `upper`."""
    value = record[name] or {}
    first, last = value.get("first"), value.get("last")
    if first is None and last is None:
        return undated
    begins, ends = first or "0000", last or "9999-99-99"
    if certain:
        return (lower is None or begins >= lower) and (upper is None or ends < upper)
    return (lower is None or ends >= lower) and (upper is None or begins < upper)


PERIODS = [(one, line) for one in RESOURCES.values() for line in one.filters if isinstance(line, Period)]
PERIODS = [(one, line) for one, line in PERIODS if one.name != "passages"]
BOUNDS = (
    "2017-12-31",
    "2018-01-01",
    "2018-01-02",
    "2018-02-01",
    "2020-05-05",
    "2020-05-31",
    "2020-06-01",
    "2021-01-01",
)


@pytest.mark.parametrize(("resource", "line"), PERIODS, ids=[f"{one.name}-{line.name}" for one, line in PERIODS])
@pytest.mark.parametrize("certain", [False, True], ids=("possible", "certain"))
@pytest.mark.parametrize("undated", [False, True], ids=("dated", "undated"))
def test_a_period_finds_the_dates_that_may_or_must_lie_in_it(
    rich: KnowledgeBase, resource: Any, line: Period, certain: bool, undated: bool
) -> None:
    records = world_of(rich).records(resource.name)
    extra = {**shown(resource.name), "dates": "certain" if certain else "possible", "undated": str(undated).lower()}
    pairs = (
        [(low, None) for low in BOUNDS]
        + [(None, high) for high in BOUNDS]
        + list(zip(BOUNDS, BOUNDS[2:], strict=False))
    )
    for lower, upper in pairs:
        asked = {f"{line.name}_from": lower, f"{line.name}_before": upper}
        asked = {name: value for name, value in asked.items() if value is not None}
        wanted = {one["id"] for one in records if in_period(one, line.name, lower, upper, certain, undated)}
        assert listed(rich, resource.name, **extra, **asked) == wanted, asked


def test_passages_are_found_by_the_date_of_their_source(rich: KnowledgeBase) -> None:
    assert listed(rich, "passages", published_before="2021") == {"gazette:p1", "gazette:p2"}
    assert listed(rich, "passages", published_from="2021") == {"herald:p1", "herald:p2"}


def test_a_year_or_a_month_stands_for_its_first_day(rich: KnowledgeBase) -> None:
    month = listed(rich, "statements", said_from="2020-05", said_before="2020-06")

    assert month == listed(rich, "statements", said_from="2020-05-01", said_before="2020-06-01")
    assert {"said-day", "said-month"} <= month


def test_dates_without_a_bound_change_nothing(rich: KnowledgeBase) -> None:
    everything = listed(rich, "statements")

    assert listed(rich, "statements", dates="possible") == listed(rich, "statements", dates="certain") == everything
    assert listed(rich, "statements", undated="true") == everything


def test_a_period_that_ends_before_it_begins_is_refused(rich: KnowledgeBase) -> None:
    problem = rich.json("/v1/statements?said_from=2021&said_before=2020", 422)

    assert problem["errors"][0]["name"] == "said_before"


@pytest.mark.parametrize("on", ["2019-12-31", "2020-01-01", "2021-03-01", "2030-06-30", "2030-07-01"])
def test_in_force_on_finds_what_may_be_in_force_that_day(rich: KnowledgeBase, on: str) -> None:
    wanted = set()
    for item in world_of(rich).records("agreements"):
        ends = item["in_force"] or {}
        begins = parse_edtf(ends["from"]).first if ends.get("from") else None
        expires = parse_edtf(ends["until"]).last if ends.get("until") else None
        asked = day.fromisoformat(on)
        if (begins or expires) and (begins is None or begins <= asked) and (expires is None or expires >= asked):
            wanted.add(item["id"])

    assert listed(rich, "agreements", in_force_on=on) == wanted
    assert listed(rich, "agreements", in_force_on_not=on) == set(ids(world_of(rich).records("agreements"))) - wanted


DATES = st.sampled_from([
    *["2018", "2018-01", "2018-01-01", "2018-01-02", "2018-01-31", "2018-02", "2018-02-01", "2018-01?", "2018-01-01~", "201X"],
    *["XXXX", "2018/..", "../2018", "2018-01/2018-02", "2018/", "[2017,2018-01]", "2019", "2017-12-31"],
    None,
])  # fmt: skip
NEAR = st.sampled_from(
    (None, "2017-12-31", "2018", "2018-01-01", "2018-01-02", "2018-02", "2018-02-01", "2019", "2020")
)


def read(edtf: str | None) -> Record | None:
    if edtf is None:
        return None
    known = parse_edtf(edtf)
    ends = [None if one is None else one.isoformat() for one in (known.first, known.last)]
    return {"edtf": edtf, "first": ends[0], "last": ends[1], "words": None, "basis": "stated"}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    dates=st.lists(DATES, min_size=1, max_size=8),
    bounds=st.lists(st.tuples(NEAR, NEAR, st.booleans(), st.booleans()), min_size=4, max_size=4),
)
def test_any_dates_are_found_by_the_days_that_they_can_mean(
    kb: KnowledgeBase, dates: list[str | None], bounds: list[tuple[str | None, str | None, bool, bool]]
) -> None:
    run = f"r{kb.latest}"
    records = [event(f"{run}-{n}", read(edtf), dataset=run) for n, edtf in enumerate(dates)]
    kb.put(*[("event", record) for record in records], ("dataset", bare_dataset(run)))

    for lower, upper, certain, undated in bounds:
        low, high = (None if one is None else parse_edtf(one).first.isoformat() for one in (lower, upper))
        if low is not None and high is not None and low >= high:
            continue
        asked = {f"happened_{end}": one for end, one in (("from", lower), ("before", upper)) if one is not None}
        extra = {"dates": "certain" if certain else "possible", "undated": str(undated).lower(), "dataset": run}
        wanted = {one["id"] for one in records if not asked or in_period(one, "happened", low, high, certain, undated)}
        assert listed(kb, "events", **asked, **extra) == wanted, (asked, extra)


def bare_dataset(id: str) -> Record:
    """A dataset about which nothing is known."""
    none = dict.fromkeys(("publisher", "licence", "release", "url", "covers"))
    return {"id": id, "name": id, **none, "events": 0, "reports": 0, "rejected": 0, "evidence": []}


def span(record: Record) -> tuple[int | None, int | None]:
    value = record["happened"] or {}
    ends = [None if value.get(end) is None else day_number(day.fromisoformat(value[end])) for end in ("first", "last")]
    return ends[0], ends[1]


def test_after_before_and_same_day_as_go_by_the_days_that_are_known(rich: KnowledgeBase) -> None:
    events = world_of(rich).records("events")
    for one in events:
        first, last = span(one)
        later = {e["id"] for e in events if last is not None and span(e)[0] is not None and span(e)[0] > last}
        earlier = {e["id"] for e in events if first is not None and span(e)[1] is not None and span(e)[1] < first}
        same = {e["id"] for e in events if first is not None and first == last and span(e) == (first, last)}
        every = shown("events")
        assert listed(rich, "events", **every, after=one["id"]) == later, one["id"]
        assert listed(rich, "events", **every, before=one["id"]) == earlier, one["id"]
        assert listed(rich, "events", **every, same_day_as=one["id"]) == same, one["id"]


@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.parametrize("per", [None, "initiator", "recipient", "code", "pair"])
@pytest.mark.parametrize(
    "narrowed", [{}, {"code": "04"}, {"initiator": "arden"}, {"happened_from": "2018-01-02"}], ids=str
)
def test_pick_takes_the_first_or_last_dated_event_of_each_group(
    rich: KnowledgeBase, which: str, per: str | None, narrowed: dict[str, str]
) -> None:
    among = listed(rich, "events", dataset="coded", **narrowed)
    groups: dict[Any, list[tuple[Any, str]]] = {}
    for item in world_of(rich).records("events"):
        first, last = span(item)
        who = {part["role"]: part["actor"] for part in item["participants"]}
        keys = {
            None: (),
            "initiator": (who.get("initiator"),),
            "recipient": (who.get("recipient"),),
            "code": (item["codes"]["cameo"],),
            "pair": (who.get("initiator"), who.get("recipient")),
        }
        if item["id"] in among and first is not None and last is not None:
            groups.setdefault(keys[per], []).append((first if which == "first" else last, item["id"]))
    wanted = {(min if which == "first" else max)(members)[1] for members in groups.values()}

    asked = {"pick": which, "dataset": "coded", **narrowed, **({"per": per} if per else {})}

    assert listed(rich, "events", **asked) == wanted
    assert rich.json(address("events", **asked, count="exact"))["count"]["n"] == len(wanted)


def test_pick_and_facet_exclude_each_other_in_words(rich: KnowledgeBase) -> None:
    problem = rich.json("/v1/events?pick=first&facet=kind", 422)

    assert problem["errors"][0]["name"] == "facet"


def test_per_without_pick_is_refused_with_advice(rich: KnowledgeBase) -> None:
    assert "pick=first" in rich.json("/v1/events?per=pair", 422)["detail"]


# ── What lists leave out ────────────────────────────────────────────────────────────────────────────────────────────


def test_planned_and_imagined_events_are_left_out_unless_asked_for_and_the_answer_says_so(rich: KnowledgeBase) -> None:
    page = rich.json("/v1/events?limit=500")
    everything = world_of(rich).records("events")

    assert {item["status"] for item in page["items"]} <= {"occurred", "ongoing", "habitual"}
    assert len(page["items"]) == sum(item["status"] in ("occurred", "ongoing", "habitual") for item in everything)
    assert any("planned" in note for note in page["coverage"]["notes"])
    assert listed(rich, "events", status_not="occurred") == {e["id"] for e in everything if e["status"] != "occurred"}


# ── q ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_q_finds_the_words_that_people_type_and_wildcards_are_plain(kb: KnowledgeBase) -> None:
    typed = ("100%", "snake_case", "back\\slash", "net-zero", "U.S.", "EU's CO2 (2030) 40%", "C++")
    kb.put(
        *[
            ("statement", statement(f"said{n}", gloss=f"It is about {asked} and more."))
            for n, asked in enumerate(typed)
        ],
        ("statement", statement("other", gloss="Nothing of the kind.")),
    )
    for n, asked in enumerate(typed):
        found = listed(kb, "statements", q=asked)
        assert f"said{n}" in found
        assert "other" not in found


def test_q_without_a_word_finds_nothing_and_says_why(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("said", gloss="Near to everything.")))
    for asked in ("%", "_", "\\", '"', "???", "((((((", "*"):
        page = kb.json(f"/v1/statements?q={quoted(asked)}")
        assert page["items"] == []
        assert any(note.startswith("q:") for note in page["coverage"]["notes"])
    assert listed(kb, "statements", q="NEAR(") == {"said"}


def test_q_asks_for_each_of_its_words_as_the_beginning_of_one(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("said", gloss="Security guarantees for the harbour.")))

    assert listed(kb, "statements", q="guarantee harb") == {"said"}
    assert listed(kb, "statements", q="guarantee pier") == set()
    assert listed(kb, "statements", q="arantee") == set()
