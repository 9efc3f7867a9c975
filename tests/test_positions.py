"""Whether positions are what the plain lists say, in an order that is known, and no shift is claimed where it is not."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from app.query import cursor as cursors
from tests.base import KnowledgeBase
from tests.brute import actor, cite, date, source, statement
from tests.test_query_counts import cost
from tests.timelines import DATED, TOPICS, below, everything, fits_span, put_coded, put_random, reach, walked

Record = dict[str, Any]
NOUNS = ("agreement", "statement", "claim")
QUESTIONS: list[Record] = [
    {"actor": "arden"},
    {"actor": "lena-voss"},
    {"actor": "belmont", "topic": ["harbours"]},
    {"actor": "arden", "topic": ["piers", "fairs"]},
    {"actor": "arden", "type": ["statement"]},
    {"actor": "arden", "topic": ["harbours"], "type": ["claim"]},
    {"actor": "arden", "from": "2013-12-01", "before": "2014-02-01"},
    {"actor": "belmont", "from": "2013-12-01", "undated": "true"},
    {"actor": "arden", "before": "2014-02-01", "dates": "certain"},
]


def address(asked: Record, **more: Any) -> str:
    return f"/v1/positions?{urlencode({**asked, **more}, doseq=True)}"


def is_position(noun: str, record: Record, who: set[str]) -> bool:
    """Whether a record tells of the actors' position."""
    if noun == "statement":
        return bool({record["speaker"], record["on_behalf_of"]} & who)
    if noun == "agreement":
        return bool({one["actor"] for one in record["parties"]} & who)
    ascribed = record["kind"].startswith("attributed_") or ((record["commitment"] or {}).get("rank") or 0) > 0
    return record["subject"] in who and ascribed


def level_of(kb: KnowledgeBase, noun: str, record: Record) -> Record | None:
    """The level of a record; of an agreement the highest that it lays down."""
    if noun != "agreement":
        return record["commitment"]
    laid = kb.json(f"/v1/provisions?agreement={record['id']}&limit=500")["items"]
    levels = [one["commitment"] for one in laid if one["commitment"]]
    return max(levels, key=lambda one: one["rank"]) if levels else None


def sequence(kb: KnowledgeBase, world: dict[str, list[Record]], asked: Record) -> list[Record]:
    """The utterances that a question has, in order, by brute force."""
    found = []
    for noun in asked.get("type", NOUNS):
        for record in world[noun]:
            topics = asked.get("topic", [])
            if (
                is_position(noun, record, reach(asked["actor"]))
                and (not topics or below(topics) & set(record["topics"]))
                and fits_span(noun, record, asked)
            ):
                when = record.get(DATED[noun] or "") or {}
                level = level_of(kb, noun, record) or {}
                place = record["evidence"][0]
                found.append(
                    {
                        "key": (when.get("first") or "~", place["source"], place["start"], noun, record["id"]),
                        "id": (noun, record["id"]),
                        "first": when.get("first"),
                        "last": when.get("last"),
                        "place": (place["source"], place["start"]),
                        "level": level.get("level"),
                        "rank": level.get("rank"),
                        "polarity": (record.get("modality") or {}).get("polarity"),
                        "families": {one["family"] for one in record.get("constraints") or ()},
                        "topics": {up for up in TOPICS if below([up]) & set(record["topics"])},
                    }
                )
    return sorted(found, key=lambda one: one["key"])


def known_order(one: Record, two: Record) -> str | None:
    if one["last"] and two["first"] and one["last"] < two["first"]:
        return "time"
    return "reading" if one["place"][0] == two["place"][0] and one["place"][1] < two["place"][1] else None


def differ(one: Record, two: Record) -> bool:
    levels = None not in (one["rank"], two["rank"]) and one["rank"] != two["rank"]
    turned = None not in (one["polarity"], two["polarity"]) and one["polarity"] != two["polarity"]
    return levels or turned or one["families"] != two["families"]


def expected_shifts(told: list[Record], asked: Record) -> dict[tuple[Any, Any], tuple[str, set[str]]]:
    """Every shift with its order and topics."""
    found: dict[tuple[Any, Any], tuple[str, set[str]]] = {}
    groups = [{one} for one in asked.get("topic", TOPICS)]
    for topics in groups:
        for one, two in pairwise([each for each in told if each["topics"] & topics]):
            how = known_order(one, two)
            if how is not None and differ(one, two):
                found.setdefault((one["id"], two["id"]), (how, set()))[1].update(topics)
    if "topic" not in asked:
        for one, two in pairwise([each for each in told if not each["topics"]]):
            how = known_order(one, two)
            if how is not None and differ(one, two):
                found.setdefault((one["id"], two["id"]), (how, set()))
    return found


def named(end: Record) -> tuple[str, str]:
    return end["type"], end["id"]


def test_positions_and_shifts_are_what_the_plain_lists_say(kb: KnowledgeBase) -> None:
    put_random(kb, 21, n=14)
    world = everything(kb)
    for asked in QUESTIONS:
        right = sequence(kb, world, asked)
        for limit in (4, 500):
            items, pages = walked(kb, address(asked, limit=limit))
            assert [(named(one), (one["commitment"] or {}).get("level")) for one in items] == [
                (one["id"], one["level"]) for one in right
            ], asked
            shifts = {(named(one["from"]), named(one["to"])): one for page in pages for one in page["shifts"]}
            wanted = expected_shifts(right, asked)
            assert {pair: (one["order"], set(one["topics"])) for pair, one in shifts.items()} == wanted, asked
            assert sum(len(page["shifts"]) for page in pages) == len(wanted)


def test_each_number_of_a_summary_leads_to_its_records(kb: KnowledgeBase) -> None:
    put_random(kb, 22, n=14)
    world = everything(kb)
    for asked in QUESTIONS:
        page = kb.json(address(asked, limit=500))
        right = sequence(kb, world, asked)
        for name, share in page["lists"].items():
            there = [] if share["items"] is None else kb.ids(share["items"])
            assert sorted(there) == sorted(id for noun, id in (one["id"] for one in right) if f"{noun}s" == name)
            assert share["count"] == {"n": len(there), "exact": True}
        for group in page["topics"]:
            members = [
                one for one in right if (group["topic"] in one["topics"] if group["topic"] else not one["topics"])
            ]
            assert (
                group["n"]
                == len(members)
                == sum(one["level"] is not None for one in members) + sum(one["level"] is None for one in members)
            )
            pairs = list(pairwise(members))
            known = [pair for pair in pairs if known_order(*pair) is not None]
            counted = group["shifts"]
            assert counted["compared"] == len(known)
            assert counted["unordered"] == len(pairs) - len(known)
            assert counted["n"] == sum(differ(*pair) for pair in known)
            assert group["undated"] == sum(not one["first"] and not one["last"] for one in members)
            ranks = [one["rank"] for one in members if one["rank"]] or [
                one["rank"] for one in members if one["rank"] is not None
            ]
            for end, rank in (("highest", max(ranks, default=None)), ("lowest", min(ranks, default=None))):
                assert (group[end] or {"rank": None})["rank"] == rank
            if group["topic"] is None:
                continue
            assert {named(one) for one in kb.json(f"{group['items']}&limit=500")["items"]} == {
                one["id"] for one in members
            }
            for level in group["levels"]:
                listed = {named(one) for one in kb.json(f"{level['items']}&limit=500")["items"]}
                assert listed == {one["id"] for one in members if one["level"] == level["level"]}
                assert level["n"] == len(listed)


# ── What can be claimed of an order ─────────────────────────────────────────────────────────────────────────────────


def say(kb: KnowledgeBase, *some: Record) -> Record:
    """What is answered of Lena Voss on piers when she said these things."""
    kb.put(
        ("source", source("gazette")),
        ("source", source("herald")),
        ("actor", actor("lena-voss", "person")),
        ("topic", {"id": "piers", "label": "Piers", "definition": None, "broader": None, "evidence": []}),
        *[("statement", {**statement("x", speaker="lena-voss", topics=["piers"]), **one}) for one in some],
    )
    return kb.json("/v1/positions?actor=lena-voss&topic=piers")


def level(name: str, rank: int, toward: str | None = "a pier") -> Record:
    return {"level": name, "rank": rank, "toward": toward}


MIGHT, INTENDS, NONE = level("might", 3), level("intends", 5), level("none", 0, None)
MAY, JUNE = date("2020-05-05", "2020-05-05"), date("2020-06", "2020-06-01", "2020-06-30")


def test_a_later_and_higher_level_is_a_firmer_shift_in_time_with_both_passages(kb: KnowledgeBase) -> None:
    told = say(
        kb,
        {"id": "a", "said": MAY, "commitment": MIGHT, "evidence": [cite("herald", 2)]},
        {"id": "b", "said": JUNE, "commitment": INTENDS, "evidence": [cite("gazette", 1)]},
    )
    (shift,) = told["shifts"]

    assert (shift["order"], shift["direction"], shift["steps"], shift["caveats"]) == ("time", "firmer", 2, [])
    assert shift["days"] == {"least": 27, "most": 56}
    assert shift["words"] == "From might to intends: firmer."
    assert [shift[end]["evidence"][0]["passage"] for end in ("from", "to")] == ["herald:p2", "gazette:p1"]
    assert told["topics"][0]["current"]["in_time"]["id"] == "b"


def test_what_is_undated_is_never_called_a_shift_in_time(kb: KnowledgeBase) -> None:
    told = say(
        kb,
        {"id": "a", "said": MAY, "commitment": MIGHT, "evidence": [cite("herald", 2)]},
        {"id": "b", "said": None, "commitment": INTENDS, "evidence": [cite("gazette", 1)]},
    )

    assert told["shifts"] == []
    assert told["topics"][0]["shifts"]["unordered"] == 1
    assert [one["undated"] for one in told["items"]] == [False, True]


def test_within_one_source_the_order_of_reading_is_told_as_such(kb: KnowledgeBase) -> None:
    told = say(
        kb,
        {"id": "a", "said": None, "commitment": INTENDS, "evidence": [cite("gazette", 2)]},
        {"id": "b", "said": None, "commitment": MIGHT, "evidence": [cite("gazette", 1)]},
    )
    (shift,) = told["shifts"]

    assert (shift["from"]["id"], shift["to"]["id"], shift["order"]) == ("b", "a", "reading")
    assert (shift["caveats"], shift["days"]) == (["reading_order"], None)
    assert told["topics"][0]["current"] == {
        "in_time": None,
        "in_reading": {"level": "intends", "rank": 5, "type": "statement", "id": "a", "self": "/v1/statements/a"},
    }


def test_dates_that_may_be_the_same_give_no_order(kb: KnowledgeBase) -> None:
    told = say(
        kb,
        {
            "id": "a",
            "said": date("2020", "2020-01-01", "2020-12-31"),
            "commitment": MIGHT,
            "evidence": [cite("herald", 2)],
        },
        {"id": "b", "said": JUNE, "commitment": INTENDS, "evidence": [cite("gazette", 1)]},
    )

    assert told["shifts"] == []
    assert told["topics"][0]["current"]["in_time"] is None


def test_the_same_level_can_shift_by_constraint_and_polarity(kb: KnowledgeBase) -> None:
    legal = [{"family": "legal", "gloss": "Law.", "voice": "speaker"}]
    no = {"type": "indicative", "cue": None, "polarity": "negative"}
    told = say(
        kb,
        {"id": "a", "said": MAY, "commitment": MIGHT, "constraints": legal},
        {"id": "b", "said": JUNE, "commitment": MIGHT, "modality": no, "evidence": [cite("herald")]},
    )
    (shift,) = told["shifts"]

    assert (shift["direction"], shift["changes"]) == ("same", ["polarity_turned", "constraint_dropped"])
    assert shift["constraints_dropped"] == ["legal"]


def test_what_names_no_act_is_neither_firmer_nor_softer(kb: KnowledgeBase) -> None:
    told = say(kb, {"id": "a", "said": MAY, "commitment": MIGHT}, {"id": "b", "said": JUNE, "commitment": NONE})
    (shift,) = told["shifts"]

    assert (shift["direction"], "no_act" in shift["caveats"], "other_act" in shift["caveats"]) == (None, True, True)
    assert told["topics"][0]["lowest"]["level"] == "might"


def test_two_voices_are_told_apart(kb: KnowledgeBase) -> None:
    told = say(
        kb,
        {"id": "a", "said": MAY, "commitment": MIGHT},
        {"id": "b", "said": JUNE, "commitment": INTENDS, "speaker": "old-mayor", "on_behalf_of": "lena-voss"},
    )

    assert told["shifts"][0]["caveats"] == ["other_voice"]


def test_a_state_is_heard_through_its_government_and_a_minister_by_himself(seeded: KnowledgeBase) -> None:
    state, person = (seeded.json(f"/v1/positions?actor={name}&limit=500") for name in ("Japan", "Shigeru%20Ishiba"))

    assert "ishiba-might-join-coalition" in {one["id"] for one in state["items"]}
    assert {one["speaker"] for one in person["items"] if one["type"] == "statement"} == {"shigeru-ishiba"}
    assert "japan-ukraine-accord-2024" in {one["id"] for one in state["items"]} - {one["id"] for one in person["items"]}
    assert any("government-of-japan" in note for note in person["coverage"]["notes"])


def test_positions_as_of_a_revision_stay_what_they_were(kb: KnowledgeBase) -> None:
    was = say(kb, {"id": "a", "said": MAY, "commitment": MIGHT}, {"id": "b", "said": JUNE, "commitment": INTENDS})
    then = kb.latest
    kb.retract("statement", "b")

    again = kb.json(f"/v1/positions?actor=lena-voss&topic=piers&as_of={then}")
    assert (again["items"], again["shifts"]) == (was["items"], was["shifts"])
    assert kb.json("/v1/positions?actor=lena-voss&topic=piers")["shifts"] == []


def test_a_walk_stays_at_its_revision(kb: KnowledgeBase) -> None:
    say(kb, {"id": "a", "said": MAY, "commitment": MIGHT}, {"id": "b", "said": JUNE, "commitment": INTENDS})
    first = kb.json("/v1/positions?actor=lena-voss&limit=1")
    kb.put(("statement", statement("0", MAY, speaker="lena-voss")))
    second = kb.json(f"/v1/positions?actor=lena-voss&limit=1&cursor={first['next_cursor']}")

    assert [one["id"] for page in (first, second) for one in page["items"]] == ["a", "b"]
    assert (first["shifts"], len(second["shifts"]), second["next_cursor"]) == ([], 1, None)


def test_more_utterances_take_no_more_statements(kb: KnowledgeBase) -> None:
    put_random(kb, 23, n=30)

    few, many = (cost(kb, f"/v1/positions?actor=arden{more}") for more in ("&topic=fairs&limit=1", "&limit=500"))
    assert many <= min(few + 3, 30)


def test_too_many_utterances_are_refused_with_advice(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    put_random(kb, 23, n=10)
    monkeypatch.setattr("app.answers.positions.UTTERANCES_MOST", 3)

    assert "Narrow the question by topic" in kb.json("/v1/positions?actor=arden", 422)["detail"]


def test_an_actor_without_a_position_is_none_found_and_an_unknown_one_not_covered(seeded: KnowledgeBase) -> None:
    zeros = [seeded.json(f"/v1/positions?actor={name}")["coverage"]["zero"] for name in ("NATO", "Adenauer")]

    assert zeros == ["none_found", "not_covered"]


HOSTILE = [
    ("", "actor"),
    ("topic=piers", "actor"),
    ("actor=a&actor=b", "actor"),
    ("actor=a&type=event", "type"),
    ("actor=a&commitment=maybe", "commitment"),
    ("actor=a&level=might", "level"),
    ("actor=a&from=2020&before=2019", "before"),
    ("actor=a&limit=9999", "limit"),
    ("actor=a&cursor=x", "cursor"),
    ("actor=a&status=planned", "status"),
]


@pytest.mark.parametrize(("query", "name"), HOSTILE)
def test_what_makes_no_sense_is_refused_by_name(seeded: KnowledgeBase, query: str, name: str) -> None:
    problem = seeded.json(f"/v1/positions?{query}", 422)

    assert name in {fault["name"] for fault in problem["errors"]}


def test_a_forged_cursor_is_refused_or_ends(seeded: KnowledgeBase) -> None:
    real = seeded.json("/v1/positions?actor=Japan&limit=1")
    mark = orjson.loads(urlsafe_b64decode(real["next_cursor"] + "=="))[2]
    for start, status in ((-1, 422), (10**6, 200), (2**40, 422)):
        seeded.json(
            f"/v1/positions?actor=Japan&limit=1&cursor={cursors.written(cursors.Walk(real['revision'], ''), mark, (start,))}",
            status,
        )


def test_imports_of_coded_events_change_no_position(kb: KnowledgeBase, tmp_path: Path) -> None:
    put_random(kb, 24, n=5)
    before = kb.json("/v1/positions?actor=arden&limit=500")["items"]
    put_coded(kb, tmp_path, 24, rows=10)

    assert kb.json("/v1/positions?actor=arden&limit=500")["items"] == before
