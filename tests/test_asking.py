"""Does the command line ask what HTTP asks, byte for byte, of a database and of a server, and say what went wrong?"""

from __future__ import annotations

import csv
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from app import cli
from app.commands import asking, exporting, tables
from tests.base import KnowledgeBase
from tests.serving import answer, free_port, started

FORMATS = ["json", "ndjson", "csv", "parquet", "jsonld"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a run of the command came to."""

    status: int
    out: bytes
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """`chancery` in this process: a process of its own for each question would take a second."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")

    def ask(*arguments: Any) -> Done:
        monkeypatch.setattr(sys, "argv", ["chancery", *map(str, arguments)])
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capfdbinary.readouterr()
        assert b"Traceback" not in told.err
        return Done(int(ended.value.code or 0), told.out, told.err.decode())

    return ask


@pytest.fixture
def ask(run: Run, seeded: KnowledgeBase) -> Run:
    """`chancery` on the seed."""
    return lambda *arguments: run(*arguments, "--database", seeded.settings.database)


# ── list ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("resource", "filters"),
    [
        ("statements", ["speaker=Ishiba", "sort=-commitment"]),
        ("events", ["status.not=occurred", "enrichment=true"]),
        ("passages", ["as_of=2", "fields=paragraph,sentence"]),
        ("actors", ["name=Zelensky", "kind=person", "kind=state"]),
    ],
)
def test_a_list_is_what_http_answers_byte_for_byte(
    ask: Run, seeded: KnowledgeBase, form: str, resource: str, filters: list[str]
):
    done = ask("list", resource, *filters, "--as", form)

    assert (done.status, done.err) == (0, "")
    assert done.out == seeded.get(f"/v1/{resource}?{'&'.join([*filters, f'format={form}'])}").content


@pytest.mark.parametrize(
    ("question", "path"),
    [
        (["events/counts", "by=year"], "/v1/events/counts?by=year"),
        (["search", "q=security guarantees"], "/v1/search?q=security+guarantees"),
        (["agreements/japan-ukraine-accord-2024/revisions"], "/v1/agreements/japan-ukraine-accord-2024/revisions"),
        (["/v1/vocabularies/commitment_level"], "/v1/vocabularies/commitment_level"),
        (["network", "actor=Japan"], "/v1/network?actor=Japan"),
    ],
)
def test_what_is_no_list_of_records_can_be_asked_too(ask: Run, seeded: KnowledgeBase, question: list[str], path: str):
    assert ask("list", *question, "--as", "json").out == seeded.get(path).content
    assert ask("list", *question).status == 0


def test_a_table_shows_each_record_in_a_line_with_what_matters(ask: Run, seeded: KnowledgeBase):
    done = ask("list", "statements", "speaker=Ishiba", "sort=-commitment", "limit=3")

    header, *lines = done.out.decode().splitlines()
    assert header.split() == ["id", "said", "speaker", "kind", "commitment", "gloss"] or "commitment" in header
    assert [line.split()[0] for line in lines] == seeded.ids("/v1/statements?speaker=Ishiba&sort=-commitment")[:3]
    assert "commits" in lines[0]
    assert "More follow" in done.err


def test_a_table_shows_the_fields_that_were_asked_for(ask: Run):
    done = ask("list", "provisions", "fields=gloss,type")

    assert done.out.decode().splitlines()[0].split() == ["id", "gloss", "type"]


def test_an_empty_list_says_what_that_is_worth(ask: Run):
    known, unknown = ask("list", "statements", "speaker=Zelensky"), ask("list", "statements", "speaker=Adenauer")

    assert (known.status, known.out) == (0, b"")
    assert known.err.startswith("None found. statements: speaker is volodymyr-zelenskyy")
    assert unknown.err.startswith("Not covered.")


def test_without_a_resource_it_says_what_can_be_listed(ask: Run):
    said = ask("list").out.decode()

    assert [line.split()[0] for line in said.splitlines()][:3] == ["name", "actors", "statements"]


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["statments"], 2, "The nearest is 'statements'"),
        (["statements", "speakr=Ishiba"], 2, "The nearest is 'speaker'"),
        (["statements", "speaker"], 2, "FILTER=VALUE"),
        (["statements", "=x"], 2, "FILTER=VALUE"),
        (["speaker=Ishiba"], 2, "is not a resource"),
        (["../readyz"], 2, "is not a resource"),
        (["statements?limit=1"], 2, "is not a resource"),
        (["statements", "limit=0"], 2, "limit"),
        (["statements", "as_of=999"], 2, "future"),
        (["statements", "q=\udcff"], 2, "UTF-8"),
        (["statements", "q=" + "x" * 9000], 2, "bytes"),
        (["statements", "format=csv", "--as", "csv"], 2, "once"),
        (["statements/nobody-said-this"], 2, "nobody-said-this"),
        (["statements", "--as", "gexf"], 2, "gexf"),
        (["statements", "--as", "xml"], 2, "xml"),
        (["statements", "--output", "x.doc"], 2, "does not say its format"),
        (["statements", "--output", "/"], 2, "folder"),
        (["statements", "--output", "/nowhere/at/all.csv"], 1, "cannot be written"),
        (["statements", "--key-file", "x"], 2, "--server"),
        (["statements", "--server", "http://127.0.0.1:1"], 2, "either"),
    ],
)
def test_a_mistake_is_said_with_what_to_do(ask: Run, arguments: list[str], status: int, told: str):
    done = ask("list", *arguments)

    assert (done.status, done.out) == (status, b"")
    assert told in done.err


def test_a_file_says_its_format_by_its_name_and_appears_whole(ask: Run, seeded: KnowledgeBase, tmp_path: Path):
    file = tmp_path / "said.csv"

    assert ask("list", "statements", "--output", file).status == 0
    assert file.read_bytes() == seeded.get("/v1/statements?format=csv").content
    assert ask("list", "statements", "nothing=1", "--output", file).status == 2
    assert ask("list", "statements", "--output", tmp_path / "table.txt").status == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["said.csv", "table.txt"]
    assert len(list(csv.DictReader(io.StringIO(file.read_text())))) == 8


# ── Tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_in_a_table_is_obeyed_by_a_terminal():
    hostile = "\x1b[2J\x07red\u202eelb\nline\ttab\x9b31m\u200b"
    line = tables.table({"items": [{"id": "a", "name": hostile}]}, [], None).splitlines()[1]

    assert line == "a   �[2J�red�elb line tab�31m�"


@pytest.mark.parametrize("width", [1, 20, 40, 80, 200])
@pytest.mark.parametrize("text", ["short", "long " * 100, "東京都" * 40, "e\u0301" * 90, ""])
def test_a_table_fits_its_terminal(width: int, text: str):
    items = [{"id": f"record-{n}", "kind": "statement", "name": text, "gloss": text} for n in range(3)]
    lines = tables.table({"items": items}, [], width).splitlines()

    assert len(lines) == 4
    assert all(cell_len(line) <= max(width, 4 * tables.LEAST + 3 * len(tables.GAP)) for line in lines)


# ── export ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet", "jsonld"])
def test_an_export_is_everything_at_one_revision_with_its_digests(
    ask: Run, seeded: KnowledgeBase, tmp_path: Path, form: str
):
    done = ask("export", tmp_path / "all", "--as", form, "--enrichment")
    manifest = json.loads((tmp_path / "all" / "manifest.json").read_bytes())

    assert done.status == 0, done.err
    assert manifest["revision"]["number"] == 2
    names = [one["name"] for one in seeded.json("/v1/resources")["items"]]
    assert [one["resource"] for one in manifest["files"]] == names
    statuses = "".join(f"&status={one['term']}" for one in seeded.json("/v1/vocabularies/event_status")["items"])
    for one in manifest["files"]:
        body = (tmp_path / "all" / one["file"]).read_bytes()
        more = statuses if one["resource"] == "events" else ""
        path = f"/v1/{one['resource']}?enrichment=true&as_of=2{more}"
        assert (len(body), sha256(body).hexdigest()) == (one["bytes"], one["sha256"])
        assert body == seeded.get(f"{path}&format={form}").content
        assert one["records"] == seeded.json(f"{path}&count=exact")["count"]["n"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["all"]


def test_an_export_holds_what_stood_then(ask: Run, tmp_path: Path):
    assert ask("export", tmp_path / "then", "--as-of", "1").status == 0
    manifest = json.loads((tmp_path / "then" / "manifest.json").read_bytes())

    assert {one["records"] for one in manifest["files"]} == {0}
    assert ask("export", tmp_path / "never", "--as-of", "99").status == 2
    assert not (tmp_path / "never").exists()


def test_an_export_never_writes_over_anything(ask: Run, tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()

    assert [ask("export", tmp_path / name).status for name in ("full", "file", "empty")] == [2, 2, 0]
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    assert len(list((tmp_path / "empty").iterdir())) == 14


def test_an_export_that_breaks_off_leaves_nothing(tmp_path: Path):
    def content(path: str, pairs: exporting.Pairs) -> dict[str, Any]:
        return {"revision": 1, "items": [{"name": "topics"}], "count": {"n": 1}}

    def broken(path: str, pairs: exporting.Pairs) -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exporting.write_all(tmp_path / "cut", exporting.Asked(content, broken), "ndjson", None, False)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_knowledge_base_can_be_exported(run: Run, kb: KnowledgeBase, tmp_path: Path):
    assert run("export", tmp_path / "all", "--database", kb.settings.database).status == 0


# ── Of a server ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_running_server_answers_the_same_and_wants_its_key(run: Run, tmp_path: Path):
    port, file = free_port(), f"sqlite:///{tmp_path}/kb.db"
    assert run("migrate", "--database", file).status == run("seed", "--database", file).status == 0
    key = tmp_path / "key"
    key.write_bytes(run("keys", "add", "reader", "--scope", "read", "--database", file).out)
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", port, "--database", file]
    settings = {"PYTHONPATH": str(Path(cli.__file__).parent.parent), "CHANCERY_READS": "closed"}
    with started([str(one) for one in command], folder=tmp_path, settings=settings) as server:
        answer(server, port, "/readyz")
        there = ["--server", f"http://127.0.0.1:{port}"]
        closed = run("list", "statements", *there)
        asked = [run("list", "statements", "--as", form, *there, "--key-file", key) for form in ("csv", "parquet")]
        exported = run("export", tmp_path / "all", *there, "--key-file", key)

    assert closed.status == 1
    assert "key" in closed.err
    own = [run("list", "statements", "--as", form, "--database", file) for form in ("csv", "parquet")]
    assert [one.out for one in asked] == [one.out for one in own]
    assert exported.status == 0, exported.err


@contextmanager
def strange_server(body: bytes, status: int = 200, length: int | None = None) -> Iterator[str]:
    """A server that is no Chancery."""

    class Strange(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Strange) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("body", "status", "length", "told"),
    [
        (b"<html>hello</html>", 200, None, "is it a Chancery server?"),
        (b"[]", 200, None, "does not answer as Chancery does"),
        (b"nginx", 502, None, "answered 502"),
        (b"[]", 500, None, "answered 500"),
        (b'{"items": [', 200, 100, "broke off"),
    ],
)
def test_a_server_that_is_none_of_ours_is_told_from_ours(
    run: Run, tmp_path: Path, body: bytes, status: int, length: int | None, told: str
):
    with strange_server(body, status, length) as address:
        done = run("list", "statements", "--server", address, "--output", tmp_path / "x.txt")

    assert done.status == 1
    assert told in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "status", "told"),
    [
        ("http://127.0.0.1:1", 1, "does not answer"),
        ("127.0.0.1:8000", 2, "begins with http"),
        ("http://[::1", 2, "not an address"),
    ],
)
def test_a_server_that_is_not_there(run: Run, address: str, status: int, told: str):
    done = run("list", "statements", "--server", address)

    assert (done.status, done.out) == (status, b"")
    assert told in done.err


def test_a_large_answer_is_never_held_whole(seeded: KnowledgeBase):
    """The application waits until what it has said is read."""
    said = 0

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        nonlocal said
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            said += 1
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})

    import httpx

    from app.commands.inside import Inside

    with httpx.Client(transport=Inside(endless), base_url="http://database") as client:
        found = asking.parts(client, "/v1/events", [])
        taken = [next(found) for _ in range(5)]
        found.close()  # type: ignore[attr-defined]

    assert len(taken) == 5
    assert said < 12
