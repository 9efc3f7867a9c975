"""Whether a search finds the coded events whose actors' names and labels hold its words, newest first, at every revision."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from app import indexing
from app.coded import wording
from app.query.text import beginnings, matches, read
from tests.base import KnowledgeBase
from tests.making import dossier, person, state
from tests.test_coded import Fact, bring, facts
from tests.test_query_counts import counting


def walk(kb: KnowledgeBase, q: str, limit: int = 7, **more: Any) -> list[dict[str, Any]]:
    """Every hit that is an event, page by page."""
    found, cursor = [], ""
    while cursor is not None:
        asked = {"q": q, "type": "event", "limit": limit, **({"cursor": cursor} if cursor else {}), **more}
        page = kb.json(f"/v1/search?{urlencode(asked)}")
        found += page["items"]
        cursor = page["next_cursor"]
    return found


def events(kb: KnowledgeBase) -> dict[str, Any]:
    """The coded events by id."""
    page = kb.json("/v1/events?dataset=ferry&limit=500")
    return {item["id"]: item for item in page["items"]}


def wanted(some: Iterable[Fact], q: str) -> list[tuple[str, str, str, str]]:
    """The facts that hold the words, newest first."""
    terms = read(q)
    found = [
        fact
        for fact in some
        if matches(
            terms,
            {
                "one": indexing.folded([fact.initiator]),
                "other": indexing.folded([fact.recipient]),
                **indexing.wording_of(fact.label),
            },
        )
    ]
    return sorted(((f.day.isoformat(), f.initiator, f.label, f.recipient) for f in found), reverse=True)


def told(kb: KnowledgeBase, hits: Iterable[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """The facts that hits are."""
    known = events(kb)
    found = []
    for hit in hits:
        one = known[hit["id"]]
        names = {part["role"]: part["name"] for part in one["participants"]}
        found.append((one["happened"]["first"], names["initiator"], one["label"], names["recipient"]))
    return found


QUERIES = (
    "Belmont",
    "belm*",
    "consult",
    "consults",
    "visit",
    "Belmont visit",
    "Belmont Corvo",
    "Corvo consult Belmont",
    "police",
    "Arden",
    "Arden Belmont",
    "Lena Voss statement",
    '"Lena Voss"',
    '"Voss Lena"',
    "Voss Corvo military force",
    "make",
    "make Arden police",
    "cor* make",
    "nobody",
    "Belmont nobody",
    "Corvo Corvo",
    "weapons",
)


READINGS: dict[str, dict[str, int]] = {
    "stretches": {},
    "spans of time": {"BRANCHES_MOST": 0, "ESTIMATED": 1, "PROBED": 10},
    "by day": {"BRANCHES_MOST": 0, "READ_FOR_A_SEEK": 1_000_000},
    "places": {"BRANCHES_MOST": 0, "READ_FOR_A_SEEK": 0, "SPARSE": 3},
    "whole lists": {"BRANCHES_MOST": 0, "READ_FOR_A_SEEK": 0, "SEEKS_MOST": 0},
}


@pytest.mark.parametrize("reading", READINGS)
def test_a_search_finds_the_events_that_a_look_at_every_event_finds(
    kb: KnowledgeBase, tmp_path: Path, reading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in READINGS[reading].items():
        monkeypatch.setattr(wording, name, value)
    some = facts(7, 160)
    bring(kb, tmp_path, some)

    for q in QUERIES:
        hits = walk(kb, q)
        found = told(kb, hits)
        assert len({hit["id"] for hit in hits}) == len(hits), q
        assert sorted(found, reverse=True) == wanted(some, q), q
        assert [one[0] for one in found] == sorted((one[0] for one in found), reverse=True), q


def test_earlier_revisions_find_the_events_of_then(kb: KnowledgeBase, tmp_path: Path) -> None:
    some = facts(8, 80)
    bring(kb, tmp_path, some[:40])
    first = kb.latest
    bring(kb, tmp_path, some[20:], whole=True)

    for q in ("Belmont", "Corvo visit", "make"):
        assert len(walk(kb, q, as_of=first)) == len(wanted(some[:40], q))
        assert sorted(told(kb, walk(kb, q)), reverse=True) == wanted(some[20:], q)
    assert walk(kb, "Belmont", as_of=first - 1 or 0) == [] if first > 1 else True


def test_a_name_that_somebody_has_here_finds_the_events_of_the_actor(kb: KnowledgeBase, tmp_path: Path) -> None:
    names = [{"text": one, "kind": "name", "language": "en"} for one in ("Lena Voss", "Mayoress")]
    kb.load(dossier(actors=[person(names=names), state()]))
    some = facts(9, 60)
    bring(kb, tmp_path, some)

    hits = walk(kb, "Mayoress")
    assert sorted(told(kb, hits), reverse=True) == wanted(some, '"Lena Voss"')
    assert {hit["why"] for hit in hits} == {"an actor of it goes by that name here"}
    first = kb.json("/v1/search?q=Voss")["items"][0]
    assert (first["id"], first["type"]) == ("lena-voss", "actor")


def test_an_actor_that_only_a_dataset_names_is_a_hit(kb: KnowledgeBase, tmp_path: Path) -> None:
    bring(kb, tmp_path, facts(9, 60))
    answer = kb.json("/v1/search?q=police&limit=3&count=bounded")
    hit = answer["items"][0]

    assert (hit["type"], hit["title"]) == ("actor", "Police (Arden)")
    assert kb.json(hit["self"])["name"] == "Police (Arden)"
    assert {one["value"] for one in answer["facets"]["type"]} == {"actor", "event"}
    assert "newest first" in answer["ranking"]
    assert answer["items"][1]["snippets"][0]["field"] == "gloss"


def test_what_a_code_means_finds_its_events(kb: KnowledgeBase, tmp_path: Path) -> None:
    some = facts(9, 60)
    bring(kb, tmp_path, some)
    hit = walk(kb, "narrower statement")[0]

    assert hit["snippets"][0]["field"] == "gloss"
    assert hit["snippets"][1]["field"] == "codes"
    assert "<mark>narrower</mark>" in hit["snippets"][1]["html"]


def test_a_slip_in_the_name_of_a_datasets_actor_is_told(kb: KnowledgeBase, tmp_path: Path) -> None:
    bring(kb, tmp_path, facts(9, 60))

    assert kb.json("/v1/search?q=Belmnot")["did_you_mean"][0]["q"] == "belmont"


def test_events_take_as_many_statements_for_many_hits_as_for_few(kb: KnowledgeBase, tmp_path: Path) -> None:
    bring(kb, tmp_path, facts(9, 300))

    def cost(limit: int, q: str) -> int:
        path = f"/v1/search?q={quote(q)}&limit={limit}"
        kb.get(path, x_request_id="warm")
        with counting(kb) as sent:
            assert kb.get(path, x_request_id="counted").status_code == 200
        return len(sent)

    for q in ("Corvo", "Corvo visit", "make"):
        assert cost(100, q) <= cost(3, q) + 2 <= 11


def test_an_abandoned_import_leaves_nothing_to_be_found(kb: KnowledgeBase, tmp_path: Path) -> None:
    from app import ledger

    with kb.database.write() as connection:
        number = ledger.start(connection, ledger.Change("import", "a test", "Test"), kb.clock())
        ledger.abandon(connection, number)
    bring(kb, tmp_path, facts(9, 20))

    assert kb.json("/v1/search?q=Corvo")["items"]
    with kb.database.read() as connection:
        assert list(indexing.ailments(connection)) == []


# ── As a filter ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("few", [500, 3], ids=["named", "looked through"])
def test_q_narrows_a_list_of_events_to_those_that_hold_the_words(
    kb: KnowledgeBase, tmp_path: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wording, "FEW", few)
    some = facts(7, 160)
    bring(kb, tmp_path, some)

    def holds(fact: Fact, q: str) -> bool:
        words = {"one": indexing.folded([fact.initiator]), "other": indexing.folded([fact.recipient])}
        return matches(beginnings(q), {**words, **indexing.wording_of(fact.label)})

    for q in ("belm", "consul", "cor vis", "voss", "lena belm", "make stat", "nobody", "pol"):
        for more, also in (
            ("", lambda fact: True),
            ("&code=04", lambda fact: fact.code.startswith("04")),
            ("&participant=Corvo", lambda fact: "Corvo" in fact.parties),
            ("&initiator=Belmont&sort=-happened", lambda fact: fact.initiator == "Belmont"),
            ("&participant=Belmont&role=initiator", lambda fact: fact.initiator == "Belmont"),
            ("&happened_from=2013-12-15", lambda fact: fact.day.isoformat() >= "2013-12-15"),
        ):
            expected = {f for f in some if holds(f, q) and also(f)}
            ids = kb.ids(f"/v1/events?limit=9&q={quote(q)}{more}")
            counted = kb.json(f"/v1/events?limit=1&count=exact&q={quote(q)}{more}")["count"]["n"]

            assert len(ids) == len(set(ids)) == counted == len(expected), (q, more)
            assert set(told(kb, [{"id": id} for id in ids])) == {
                (f.day.isoformat(), f.initiator, f.label, f.recipient) for f in expected
            }


def test_q_narrows_a_list_of_actors_to_the_names_that_datasets_give(kb: KnowledgeBase, tmp_path: Path) -> None:
    kb.load(dossier(actors=[person(), state()]))
    bring(kb, tmp_path, facts(9, 60))

    assert kb.ids("/v1/actors?q=ard") == ["arden", "ferry:police-arden"]
    assert kb.ids("/v1/actors?q=ard+pol") == ["ferry:police-arden"]
    assert kb.ids("/v1/actors?q=nobody") == []
    assert kb.json("/v1/actors?q=pol&count=exact")["count"] == {"n": 1, "exact": True}
