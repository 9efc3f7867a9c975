"""The command that mirrors, over real HTTP: another one that is away, closed or a stranger, and itself killed at any moment."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from app import ledger
from app.cli import app as command
from app.errors import ChanceryError
from tests.base import KnowledgeBase
from tests.conftest import database_url
from tests.making import dossier, topic
from tests.serving import Program, answer, free_port, started
from tests.test_import_runner import icews_file, load, row
from tests.test_migrations import CHECKOUT
from tests.test_mirror_events import rows_of

CHANCERY = (sys.executable, "-m", "app.cli")


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database to be served."""
    return database_url("sqlite", request, tmp_path)


def own_of(folder: Path) -> str:
    """The address of a database of the mirror's own, which is not there yet."""
    (folder / "own").mkdir(exist_ok=True)
    return f"sqlite:///{folder / 'own' / 'mirror.db'}"


@contextmanager
def served(url: str, folder: Path, port: int, **settings: str) -> Iterator[Program]:
    """A server of a database."""
    told = {"CHANCERY_DATA": str(folder), **settings}
    with started(
        [*CHANCERY, "serve", "--port", str(port), "--database", url], folder=CHECKOUT, settings=told
    ) as program:
        answer(program, port, "/readyz")
        yield program


def run(*arguments: str) -> tuple[bool, str]:
    """Whether the command failed, and what it said."""
    done = CliRunner().invoke(command, ["mirror", *arguments])
    assert done.exception is None or isinstance(done.exception, (ChanceryError, SystemExit)), done.exception
    told = done.exception.detail if isinstance(done.exception, ChanceryError) else ""
    return done.exit_code != 0, done.output + told


def mirrored(port: int, own: str, *more: str) -> tuple[bool, str]:
    """What the command did once to follow a server."""
    return run(f"http://127.0.0.1:{port}", "--once", "--database", own, *more)


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something to come about."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.02)


def test_an_address_where_nobody_ever_answered_is_given_up_at_once(tmp_path: Path) -> None:
    begun = time.monotonic()

    failed, said = run(f"http://127.0.0.1:{free_port()}", "--database", own_of(tmp_path), "--every", "0.1")

    assert failed
    assert "does not answer" in said
    assert "Is the address right" in said
    assert time.monotonic() - begun < 15


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    for address in ("ftp://example.org", "example.org", "http://", "http://[::1", "https://a b", "http://a:99999"):
        failed, said = run(address, "--once", "--database", own_of(tmp_path))

        assert failed, address
        assert 0 < len(said) < 1_000, address


def test_one_that_goes_away_and_comes_back_is_followed_on(url: str, tmp_path: Path) -> None:
    base = KnowledgeBase.at(url)
    base.load(dossier(topics=[topic("ferries")]))
    port, own = free_port(), own_of(tmp_path)
    follow = [*CHANCERY, "mirror", f"http://127.0.0.1:{port}", "--every", "0.3", "--database", own]

    with served(url, tmp_path, port):
        mirror = started(follow, folder=CHECKOUT, settings={"CHANCERY_DATA": str(tmp_path)})
        program = mirror.__enter__()
        until(lambda: "Revision 1," in program.output)
    try:
        until(lambda: "Trying again" in program.output)
        load(base, icews_file(tmp_path, [row(1), row(2)]))
        with served(url, tmp_path, port):
            until(lambda: "Revision 2," in program.output)
            assert not program.ended
    finally:
        mirror.__exit__(None, None, None)
    mine = KnowledgeBase.at(own)
    assert rows_of(mine) == rows_of(base)
    mine.close()
    base.close()


def test_a_base_whose_reads_are_closed_is_mirrored_with_a_key(url: str, tmp_path: Path) -> None:
    base = KnowledgeBase.at(url)
    load(base, icews_file(tmp_path, [row(1), row(2)]))
    key = tmp_path / "key"
    key.write_text(base.key("read"))
    port, own = free_port(), own_of(tmp_path)

    with served(url, tmp_path, port, CHANCERY_READS="closed"):
        failed, said = mirrored(port, own)
        assert failed
        assert "answered 401" in said
        failed, said = mirrored(port, own, "--key-file", str(key))

    assert not failed, said
    assert "Revision 1," in said
    base.close()


def test_a_mirror_killed_at_any_moment_is_finished_by_running_it_again(url: str, tmp_path: Path) -> None:
    base = KnowledgeBase.at(url)
    rows = [
        row(n, Source_Name=f"Town {n % 900}", Event_Date=f"2018-{n % 12 + 1:02}-{n % 28 + 1:02}") for n in range(15_000)
    ]
    load(base, icews_file(tmp_path, rows))
    port, own = free_port(), own_of(tmp_path)
    mirror = [*CHANCERY, "mirror", f"http://127.0.0.1:{port}", "--once", "--database", own]
    left = 0

    with served(url, tmp_path, port):
        assert CliRunner().invoke(command, ["migrate", "--database", own]).exit_code == 0
        mine = KnowledgeBase.at(own)

        def opened() -> bool:
            with mine.database.read() as connection:
                return ledger.opened(connection) is not None

        for later in (0.0, 0.25):
            with started(mirror, folder=CHECKOUT, settings={"CHANCERY_DATA": str(tmp_path)}) as program:
                until(opened)
                time.sleep(later)
                program.process.send_signal(signal.SIGKILL)
                program.process.wait()
            assert mine.latest == 0
            assert mine.json("/v1/events?limit=5&count=exact")["count"]["n"] == 0
            left += opened()
        again = subprocess.run(mirror, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert left == 2
    assert again.returncode == 0, again.stderr
    assert rows_of(mine) == rows_of(base)
    mine.close()
    base.close()


# ── Somebody else ───────────────────────────────────────────────────────────────────────────────────────────────────

REVISION = {
    "number": 1, "type": "revision", "self": "/v1/revisions/1", "kind": "import", "origin": "icews", "by": "desk", "why": "Import",
    "opened_at": "2026-01-01T00:00:00.000000Z", "published_at": "2026-01-01T00:00:01.000000Z", "counts": {},
    "changes": "/v1/changes?after=0", "events": "/v1/revisions/1/events",
}  # fmt: skip
LOG = orjson.dumps({"items": [REVISION], "next_cursor": None, "revision": 1})
FULL = 40_000_000  # bytes that a hostile server sends at the most: more than a line may have


class Stranger(BaseHTTPRequestHandler):
    """Answers the log, and for everything else what its server is told to."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.end_headers()

    def do_GET(self) -> None:
        if self.path.startswith("/v1/revisions?"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.log)  # type: ignore[attr-defined]
            return
        self.server.act(self)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def stranger(act: Callable[[Stranger], None], log: bytes = LOG) -> Iterator[int]:
    """Somebody else's server, at a port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    server.act, server.log = act, log  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(status: int, body: bytes = b"", **headers: str) -> Callable[[Stranger], None]:
    """An answer."""

    def act(one: Stranger) -> None:
        one.send_response(status)
        for name, value in headers.items():
            one.send_header(name.replace("_", "-"), value)
        one.end_headers()
        one.wfile.write(body)

    return act


def endless(one: Stranger) -> None:
    """A line without an end."""
    one.send_response(200)
    one.end_headers()
    try:
        for _ in range(FULL // 100_000):
            one.wfile.write(b"x" * 100_000)
    except OSError:
        pass  # whoever reads has had enough


STRANGERS: list[tuple[str, Callable[[Stranger], None], bytes, str]] = [
    ("a page", says(200, b"<html>Welcome</html>"), b"<html>Welcome</html>", "is it a knowledge base"),
    ("nothing", says(200), LOG, "stopped before its end"),
    ("a line without an end", endless, LOG, "line without an end"),
    ("an error", says(500, b"oops"), LOG, "answered 500"),
    ("a refusal", says(403, b'{"detail":"Not you.","status":403}'), LOG, "Not you."),
    ("a refusal that is none", says(403, b"[1]"), LOG, "answered 403"),
    ("not found", says(404), LOG, "is not there"),
    ("round and round", says(302, Location="/v1/elsewhere"), LOG, "does not answer"),
    ("packed and broken", says(200, b"\x1f\x8bnot gzip", Content_Encoding="gzip"), LOG, "does not answer"),
    ("too short", says(200, b'{"type":"rev', Content_Length="1000"), LOG, "broke off"),
]  # fmt: skip


def test_somebody_who_is_no_knowledge_base_is_told_from_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.writing.mirror.TRIES", 2)
    own = own_of(tmp_path)

    for name, act, log, words in STRANGERS:
        with stranger(act, log) as port:
            failed, said = mirrored(port, own)

        assert failed, name
        assert words in said, (name, said)
        assert len(said) < 1_500, name
        mine = KnowledgeBase.at(own)
        assert mine.latest == 0, name
        with mine.database.read() as connection:
            assert ledger.opened(connection) is None, name
        mine.close()
