"""Whether what is counted and told by a short way is byte for byte what the long way says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from app.answers import network
from app.coded import counts as coded
from tests import test_counts
from tests.base import KnowledgeBase
from tests.test_coded import bring, facts

PERIODS = (
    "",
    "&happened_from=2013-12",
    "&happened_from=2013-11-25&happened_before=2014-02-10",
    "&happened_from=2013-12-05&happened_before=2013-12-20",
    "&happened_from=2013-12-05&happened_before=2014-01-03&dates=certain",
    "&happened_before=2014-01-15",
)
WHO = (
    "",
    "&participant=ferry:corvo",
    "&participant=arden",
    "&initiator=barge:corvo",
    "&recipient=arden",
    "&participant=ferry:nobody",
)
NETWORKS = (
    "actor=arden",
    "actor=ferry:corvo&depth=2&limit=3",
    "actor=lena-voss&actor=barge:corvo&depth=3",
    "actor=arden&depth=2&among=true&dataset=ferry",
    "actor=arden&from=2013-12-01&before=2014-01-10&depth=2",
    "actor=arden&status.not=occurred",
    "actor=ferry:corvo&kind=event&depth=2&nodes=3",
)


@pytest.fixture
def mixed(kb: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    """Two datasets and a dossier; then a few events more, so that sums are of several revisions."""
    made: KnowledgeBase = test_counts.mixed.__wrapped__(kb, tmp_path)  # type: ignore[attr-defined]
    bring(made, tmp_path, facts(4, 40))
    return made


def paths(kb: KnowledgeBase) -> Iterator[str]:
    """Questions that short ways answer, and some that they must leave alone; with `as_of`, so that no answer is remembered."""
    for who, period, revision in product(WHO, PERIODS, (kb.latest, kb.latest - 2)):
        more = f"{who}{period}&as_of={revision}"
        for by in ("month", "year"):
            yield f"/v1/events/counts?by={by}{more}"
        yield f"/v1/events/counts?by=month&limit=2{more}"
        yield f"/v1/events/counts?by=code{more}"
        yield f"/v1/events/counts?{more[1:]}"
    for who in WHO[1:4]:
        more = f"{who}&as_of={kb.latest}"
        yield f"/v1/events/counts?by=month&measure=reports{more}"
        yield f"/v1/events/counts?by=month&normalize=share{more}"
        yield f"/v1/events/counts?by=month,code{more}"
        yield f"/v1/events?facet=code&facet=initiator&limit=1{more}{PERIODS[2]}"


def answers(kb: KnowledgeBase, asked: list[str]) -> dict[str, bytes]:
    """The bytes of each answer."""
    told = {path: kb.get(path) for path in asked}
    assert {answer.status_code for answer in told.values()} == {200}
    return {path: answer.content for path, answer in told.items()}


def test_counts_are_the_same_bytes_by_the_long_way(mixed: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list(paths(mixed))
    short = answers(mixed, asked)

    event.listen(mixed.database.reader, "before_cursor_execute", lambda *_: None)  # every statement takes the long way
    monkeypatch.setattr(coded, "spans", lambda *_: None)
    monkeypatch.setattr(coded, "counted_ahead", lambda *_: None)
    long = answers(mixed, asked)

    assert [path for path in asked if short[path] != long[path]] == []


def test_a_network_is_the_same_bytes_with_its_edges_said_one_by_one(
    mixed: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        f"/v1/network?{query}&as_of={revision}" for query in NETWORKS for revision in (mixed.latest, mixed.latest - 1)
    ]
    short = answers(mixed, asked)

    event.listen(mixed.database.reader, "before_cursor_execute", lambda *_: None)
    told = network.told
    monkeypatch.setattr(network, "told", lambda *arguments, **_: told(*arguments))
    long = answers(mixed, asked)

    assert [path for path in asked if short[path] != long[path]] == []


def test_what_is_understood_of_a_network_once_is_not_mistaken_for_another_question(mixed: KnowledgeBase) -> None:
    def ties(query: str) -> set[Any]:
        edges = mixed.json(f"/v1/network?actor=arden&depth=2&{query}&as_of={mixed.latest}")["edges"]
        return {tie["kind"] for one in edges for tie in one["ties"]}

    assert ties("kind=event") == {"event"}
    assert ties("kind=office") <= {"office"}
    assert ties("kind.not=event") == ties("kind.not=event&enrichment=false")
    assert "event" not in ties("kind.not=event")
    assert ties("kind=event") == {"event"}
