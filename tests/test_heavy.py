"""Whether heavy requests take turns, on threads of their own, and quick ones never stand behind them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response

from app.coded import counts as coded
from app.errors import Unavailable
from app.routes import heavy
from app.settings import Settings
from tests.base import KnowledgeBase
from tests.test_coded import bring, facts


def asked(**knobs: Any) -> Request:
    """A request to an application with these settings."""
    here = SimpleNamespace(settings=Settings(**knobs))
    app = SimpleNamespace(state=SimpleNamespace(chancery=here))
    return Request({"type": "http", "method": "GET", "path": "/v1", "query_string": b"", "headers": [], "app": app})


def quick(_: Request) -> Response:
    return Response("quick")


def test_heavy_requests_take_turns_and_quick_ones_pass_them() -> None:
    release, running, most = threading.Event(), [0, 0], 2

    def slow(request: Request) -> Response:
        heavy.only(request)
        running[0] += 1
        running[1] = max(running)
        release.wait(10)
        running[0] -= 1
        return Response("slow")

    async def run() -> tuple[list[bytes], bytes]:
        told: list[bytes] = []

        async def ask() -> None:
            answer = await heavy.answered(slow, asked(heavy_requests=most, heavy_wait_seconds=10))
            told.append(bytes(answer.body))

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(ask)
            await anyio.sleep(0.2)
            with anyio.fail_after(2):
                passed = await heavy.answered(quick, asked(heavy_requests=most))
            release.set()
        return told, bytes(passed.body)

    told, passed = anyio.run(run)

    assert passed == b"quick"
    assert told == [b"slow"] * 6
    assert running[1] == most


def test_a_heavy_request_that_finds_no_turn_in_time_is_told_when_to_come_again() -> None:
    release = threading.Event()

    def slow(request: Request) -> Response:
        heavy.only(request)
        release.wait(10)
        return Response("slow")

    async def run() -> Unavailable:
        async with anyio.create_task_group() as group:
            group.start_soon(heavy.answered, slow, asked(heavy_requests=1, heavy_wait_seconds=10))
            await anyio.sleep(0.1)
            with pytest.raises(Unavailable) as refused:
                await heavy.answered(slow, asked(heavy_requests=1, heavy_wait_seconds=0.1))
            release.set()
        return refused.value

    refused = anyio.run(run)

    assert refused.status == 503
    assert refused.headers["Retry-After"] == "2"


def test_a_slow_reader_of_a_stream_holds_no_thread() -> None:
    def parts() -> Iterator[int]:
        yield from range(3)

    async def run() -> list[int]:
        streams = [heavy.streamed(parts(), 1) for _ in range(5)]
        begun = [await anext(one) for one in streams]
        with anyio.fail_after(2):
            answer = await heavy.answered(
                lambda request: heavy.only(request) or Response("slow"), asked(heavy_requests=1)
            )  # type: ignore[func-returns-value]
        assert answer.body == b"slow"
        return [*begun, *[part async for part in streams[0]]]

    assert anyio.run(run) == [0, 0, 0, 0, 0, 1, 2]


@pytest.mark.parametrize(
    ("path", "scans"),
    [
        ("/v1/events/counts?by=month", False),
        ("/v1/events/counts?by=month&participant=ferry:corvo", False),
        ("/v1/events/counts?by=participant&participant=ferry:corvo", False),
        ("/v1/events/counts?by=day,recipient", True),
        ("/v1/events/counts?by=month&quad=1", True),
        ("/v1/events?limit=2", False),
        ("/v1/events?participant=ferry:corvo&facet=code", False),
        ("/v1/events?count=exact", False),
        ("/v1/events?quad.not=1&count=exact", True),
        ("/v1/events?sort=intensity", True),
        ("/v1/events?pick=last&per=pair", True),
        ("/v1/events?format=csv", True),
    ],
)
def test_only_what_looks_at_very_much_waits_for_a_turn(
    kb: KnowledgeBase, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, path: str, scans: bool
) -> None:
    bring(kb, tmp_path, facts(1, 60))
    monkeypatch.setattr(coded, "HEAVY_ROWS", 5)
    turns: list[str] = []
    only = heavy.only

    def noted(request: Request) -> None:
        turns.append(request.url.path)
        only(request)

    monkeypatch.setattr(heavy, "only", noted)

    assert kb.get(path).status_code == 200
    assert bool(turns) is scans
