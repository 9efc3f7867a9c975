"""Whether a request that is answered by its bytes gets what any other would, however it comes, and never anything stale."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from app.routes.memory import MET_MOST, WHOLE, Answer, Met, Remembering
from app.routes.metrics import Metrics
from app.standing import Standing
from tests.base import KnowledgeBase, plant
from tests.conftest import BACKENDS, database_url
from tests.making import dossier, person
from tests.test_serve import ROOT, Server, serving

PATH = "/v1/actors?limit=2"
FRESH = re.compile(rb"(?im)^(x-request-id|date|server-timing): .*\r\n")


@pytest.fixture(scope="module", params=BACKENDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the seed was loaded into, as `make run` starts it, on each database."""
    folder = tmp_path_factory.mktemp("wire")
    url = database_url(request.param, request, folder)
    with closing(KnowledgeBase.at(url)) as base:
        plant(base)
    with serving(folder, "--no-seed", CHANCERY_DATABASE=url) as made:
        yield made


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, on each."""
    return database_url(request.param, request, tmp_path)


def asked(path: str = PATH, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: a", *headers, "", ""]).encode()


class Wire:
    """A connection, and the bytes that come over it."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection((server.host, server.port), timeout=20)
        self.rest = b""

    def send(self, *pieces: bytes) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            self.socket.sendall(piece)

    def close(self) -> None:
        self.socket.close()

    def more(self) -> bool:
        came = self.socket.recv(65_536)
        self.rest += came
        return bool(came)

    def answer(self, *, body: bool = True) -> tuple[bytes, bytes]:
        """The next answer: status and headers, and body."""
        while b"\r\n\r\n" not in self.rest:
            assert self.more(), self.rest
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: (\d+)", head)
        size = int(length[1]) if length and body else 0
        while len(self.rest) < size:
            assert self.more(), self.rest
        told, self.rest = self.rest[:size], self.rest[size:]
        return head + b"\r\n", told

    def ask(self, *pieces: bytes, body: bool = True) -> tuple[bytes, bytes]:
        self.send(*pieces)
        return self.answer(body=body)


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with closing(Wire(server)) as made:
        yield made


def remembered(server: Server) -> float:
    _, body = server.get("/metrics")
    found = re.search(rb"^chancery_remembered_answers_total (\S+)", body, re.MULTILINE)
    assert found is not None
    return float(found[1])


def test_the_tenth_answer_is_the_first_one_with_an_id_of_its_own(server: Server, wire: Wire) -> None:
    before = remembered(server)
    answers = [wire.ask(asked()) for _ in range(10)]

    assert {FRESH.sub(b"", head) for head, _ in answers} == {FRESH.sub(b"", answers[0][0])}
    assert {body for _, body in answers} == {answers[0][1]}
    assert len({re.search(rb"(?im)^x-request-id: (.*)\r", head)[1] for head, _ in answers}) == 10  # type: ignore[index]
    assert all(head.lower().count(b"\r\ndate: ") == 1 for head, _ in answers)
    assert remembered(server) == before + 9


def test_who_has_the_answer_is_told_so_by_every_way(wire: Wire) -> None:
    head, _ = wire.ask(asked())
    tag = re.search(r"(?im)^etag: (.*)\r", head.decode())
    assert tag is not None
    known = asked(PATH, f"If-None-Match: {tag[1]}")
    answers = [wire.ask(known) for _ in range(5)]

    assert all(head.startswith(b"HTTP/1.1 304 Not Modified\r\n") and not body for head, body in answers)
    assert len({FRESH.sub(b"", head) for head, _ in answers}) == 1


@pytest.mark.parametrize("cut", [1, 3, 10, 21, 30, -3, -1])
def test_a_request_in_two_pieces_is_read_as_one(wire: Wire, cut: int) -> None:
    known = [wire.ask(asked()) for _ in range(3)][-1][1]
    whole = asked()
    wire.send(whole[:cut])
    assert wire.ask(whole[cut:])[1] == known
    # A whole known request as the rest of another one's head is a header's value, no request.
    wire.send(b"GET /v1/roles HTTP/1.1\r\nHost: a\r\nX-Note: ")
    assert wire.ask(whole)[0].startswith((b"HTTP/1.1 200", b"HTTP/1.1 404", b"HTTP/1.1 400"))


def test_a_known_request_within_a_body_is_no_request(wire: Wire) -> None:
    for _ in range(3):
        wire.ask(asked())
    inner = asked()
    outer = asked("/v1/dossiers", f"Content-Length: {len(inner)}", "Content-Type: application/json", method="POST")
    wire.send(outer)
    head, _ = wire.ask(inner)

    assert head.startswith(b"HTTP/1.1 4")


def test_many_at_once_are_answered_in_their_order(wire: Wire) -> None:
    other = "/v1/actors?limit=3"
    known, third = (
        [wire.ask(asked()) for _ in range(3)][-1][1],
        [wire.ask(asked(other)) for _ in range(3)][-1][1],
    )
    wire.send(asked() + asked(other) + asked(), asked(other), asked())

    assert [wire.answer()[1] for _ in range(5)] == [known, third, known, third, known]


def test_whoever_wants_to_go_goes(server: Server) -> None:
    for last in (asked(PATH, "Connection: close"), asked(version="1.0"), asked(PATH, "Connection: Close, TE")):
        for _ in range(3):
            with closing(Wire(server)) as wire:
                _, body = wire.ask(last)
                assert body.startswith(b"{")
                assert not wire.more()


def test_head_has_no_body_and_odd_requests_stay_odd(wire: Wire) -> None:
    for _ in range(3):
        wire.ask(asked())
        head, _ = wire.ask(asked(method="HEAD"), body=False)
        assert head.startswith(b"HTTP/1.1 200")
        assert wire.ask(asked(PATH, "X-Request-ID: mine"))[0].lower().count(b"x-request-id: mine") == 1
        assert wire.ask(asked("/v1/actors?limti=2"))[0].startswith(b"HTTP/1.1 422")
        assert wire.ask(asked(PATH, "Accept: image/png"))[0].startswith(b"HTTP/1.1 406")


def test_what_another_process_publishes_is_in_the_very_next_answer(tmp_path: Path, url: str) -> None:
    with serving(tmp_path, "--no-seed", CHANCERY_DATABASE=url) as server, closing(Wire(server)) as wire:
        first = [wire.ask(asked()) for _ in range(4)][-1][1]
        for number in range(3):
            new = tmp_path / "new.json"
            new.write_bytes(orjson.dumps(dossier(id=f"d{number}", actors=[person(id=f"aa-{number}")], statements=[])))
            load = [sys.executable, "-m", "app.cli", "load", str(new), "--database", url]
            subprocess.run(load, check=True, cwd=ROOT, capture_output=True, timeout=60)
            after = [wire.ask(asked()) for _ in range(3)]
            assert len({body for _, body in after}) == 1
            assert after[0][1] != first
            first = after[0][1]


def test_a_server_that_ends_lets_known_requests_go_too(tmp_path: Path, url: str) -> None:
    with serving(tmp_path, "--no-seed", CHANCERY_DATABASE=url) as server, closing(Wire(server)) as wire:
        for _ in range(3):
            wire.ask(asked())
        server.process.terminate()
        while True:
            head, body = wire.ask(asked())
            assert body.startswith(b"{")
            if b"connection: close" in head.lower():
                break
        assert not wire.more()
        assert server.process.wait(30) == 0


def test_whoever_leaves_before_the_answer_keeps_nobody_waiting(server: Server, wire: Wire) -> None:
    known = [wire.ask(asked()) for _ in range(3)][-1][1]
    for _ in range(20):
        with closing(Wire(server)) as other:
            other.send(asked(), asked())
    wire.send(asked(), asked() + asked("/v1/actors?limti=2"), asked())

    answers = [wire.answer() for _ in range(4)]
    assert [body for head, body in answers if head.startswith(b"HTTP/1.1 200")] == [known] * 3
    assert answers[2][0].startswith(b"HTTP/1.1 422")


def test_a_known_request_is_answered_when_the_connection_to_the_database_broke(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = database_url("postgresql", request, tmp_path)
    base = KnowledgeBase.at(url)
    with closing(base), serving(tmp_path, "--no-seed", CHANCERY_DATABASE=url) as server, closing(Wire(server)) as wire:
        known = [wire.ask(asked()) for _ in range(3)][-1][1]
        with base.database.write() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
        told = [wire.ask(asked()) for _ in range(5)]

    assert told[-1][1] == known
    # The first one after the cut may be refused; never told wrong.
    assert {head[:12] for head, body in told if body != known} <= {b"HTTP/1.1 503"}


SHORT = (
    "/v1/actors?limit=2&as_of=1",
    "/v1/actors?as_of=1&name=nobody%20at+all",
    "/v1/events?as_of=1&pick=last",
    "/v1/statements?as_of=1&limti=2",
    "/v1/statements?as_of=1&fields=",
    "/v1/actors/nobody?as_of=1",
)


@pytest.mark.parametrize("path", SHORT)
def test_what_is_answered_on_the_spot_is_what_the_application_says(wire: Wire, server: Server, path: str) -> None:
    def lines(head: bytes) -> list[bytes]:
        return sorted(line for line in FRESH.sub(b"", head).split(b"\r\n") if line.lower() != b"connection: close")

    def plain(body: bytes) -> bytes:
        return re.sub(rb'"request_id":"[^"]*"', b"", body)

    for _ in range(2):
        spot = wire.ask(asked(path))
        with closing(Wire(server)) as last:
            long = last.ask(asked(path, "Connection: close"))
        assert (lines(spot[0]), plain(spot[1])) == (lines(long[0]), plain(long[1]))
    tag = re.search(r"(?im)^etag: (.*)\r", spot[0].decode())
    if tag is not None:
        head, body = wire.ask(asked(path, f"If-None-Match: {tag[1]}"))
        assert head.startswith(b"HTTP/1.1 304 Not Modified\r\n")
        assert not body


def test_a_log_line_and_a_count_are_made_of_what_is_answered_on_the_spot(server: Server, wire: Wire) -> None:
    def counted() -> float:
        found = re.search(
            rb'^chancery_requests_total\{method="GET",status="200"\} (\S+)', server.get("/metrics")[1], re.M
        )
        return float(found[1]) if found is not None else 0.0

    before = counted()
    for number in range(5):
        assert wire.ask(asked(f"/v1/actors?limit=1&as_of=1&id=nobody-{number}"))[0].startswith(b"HTTP/1.1 200")
    assert counted() >= before + 5


UNUSUAL = {
    "another version": {"http_version": "1.0"},
    "an end": {"headers": [(b"connection", b"close")]},
    "a choice": {"headers": [(b"connection", b"keep-alive, TE")]},
    "a body": {"headers": [(b"transfer-encoding", b"chunked")]},
    "an expectation": {"headers": [(b"expect", b"100-continue")]},
    "an upgrade": {"headers": [(b"upgrade", b"h2c")]},
    "no bytes": {"extensions": {}},
}
PLAIN = {"http_version": "1.1", "headers": [(b"host", b"a"), (b"connection", b"Keep-Alive")], "path": "/v1/actors"}


async def nothing(*_: object) -> None:
    """No application."""


def memory() -> Remembering:
    return Remembering(nothing, standing=nothing, most_bytes=10_000, metrics=Metrics())  # type: ignore[arg-type]


@pytest.mark.parametrize("what", UNUSUAL)
def test_a_request_with_something_unusual_is_never_known_by_its_bytes(what: str) -> None:
    ours = memory()
    scope = {**PLAIN, "extensions": {WHOLE: {"bytes": b"x"}}}

    ours.meet({**scope, **UNUSUAL[what]}, (None,), whole=True)
    assert not ours.met
    ours.meet(scope, (None,), whole=True)
    assert set(ours.met) == {b"x"}


def test_what_is_known_by_its_bytes_does_not_fill_the_memory() -> None:
    ours = memory()
    for number in range(3 * MET_MOST):
        ours.meet({**PLAIN, "extensions": {WHOLE: {"bytes": b"%d" % number}}}, (None,), whole=True)

    assert len(ours.met) <= MET_MOST


def test_another_standing_and_a_forgotten_answer_are_asked_for_anew() -> None:
    first, second = Standing(1, "a", 0), Standing(1, "a", 1)
    ours = memory()
    stands: list[Standing | None] = [first]
    ours.unchanged = lambda: stands[0]
    key = (b"/v1/actors", first)
    shared = [(b"date", b"now")]

    def known() -> bool:
        ours.answers[key] = Answer.of([(b"etag", b"t")], b"t", b"body")
        ours.met[b"x"] = Met(key, True, "/v1/actors")
        return ours.at_once(b"x", shared) is not None

    assert known()
    stands[0] = second
    assert not known()
    assert not ours.met
    stands[0] = None
    assert not known()
    stands[0] = first
    assert known()
    ours.answers.clear()
    assert ours.at_once(b"x", shared) is None
