"""Whether a large write leaves room for those who read, and leaves everything as it was."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest

from app.dossiers import publish
from app.writing import room
from tests.base import KnowledgeBase
from tests.making import dossier, topic


def manners() -> tuple[float, int]:
    """How long a thread may keep the interpreter, and how seldom all garbage is looked through."""
    return round(sys.getswitchinterval(), 5), gc.get_threshold()[2]


ROOMY = (room.HAND_ON_SECONDS, room.NEVER)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """How the process behaves whenever a dossier is compared with what stands."""
    told: list[tuple[float, int]] = []
    plain: Callable[..., publish.Prepared] = publish.prepare

    def noting(*given: object, **more: object) -> publish.Prepared:
        told.append(manners())
        return plain(*given, **more)

    monkeypatch.setattr(publish, "prepare", noting)
    return told


def large() -> dict[str, object]:
    return dossier(topics=[topic(f"t{n}", "words " * 30) for n in range(700)])


def test_a_large_dossier_leaves_room_and_a_small_one_needs_none(kb: KnowledgeBase, seen: list[tuple[float, int]]):
    key, usual = kb.key("write"), manners()

    kb.send("POST", "/v1/dossiers", dossier(topics=[topic("ferries")]), key=key)
    kb.send("POST", "/v1/dossiers", large(), key=key)
    kb.send("POST", "/v1/dossiers", b"{" + b" " * 200_000, key=key, Content_Type="application/json")

    assert seen == [usual, ROOMY]
    assert manners() == usual != ROOMY


def test_a_large_proposal_leaves_room_when_it_is_accepted(kb: KnowledgeBase, seen: list[tuple[float, int]]):
    key, usual = kb.key("admin"), manners()
    made = kb.send("POST", "/v1/dossiers?state=proposed", large(), key=key)
    seen.clear()

    answer = kb.send("POST", f"{made.headers['location']}/accept", {"why": "Well read."}, key=key)

    assert answer.json()["state"] == "accepted"
    assert seen[-1] == ROOMY
    assert manners() == usual


def test_several_at_once_leave_it_until_the_last_one_is_done():
    usual = manners()

    with room.left(1_000_000):
        with pytest.raises(ZeroDivisionError), room.left(1_000_000):
            _ = 1 / 0
        assert manners() == ROOMY

    assert manners() == usual
