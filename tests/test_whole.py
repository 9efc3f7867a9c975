"""Whether a whole result, said by the thousand, says just what the pages say, in every order and on both databases."""

from __future__ import annotations

import asyncio
import csv
import json
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app.coded import bulk
from app.formats.columns import columns
from app.formats.csv import cell
from app.importers.runner import run
from app.query.page import Bounds
from app.resources import RESOURCES
from app.routes.reading import State
from tests.base import KnowledgeBase

SAMPLES = Path(__file__).parent / "importers"
EVENTS = RESOURCES["events"]


@pytest.fixture
def diverse(own_seeded: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> KnowledgeBase:
    """A knowledge base with curated events and those of several datasets, exported a few at a time."""
    for name in ("icews.tab", "polecat.txt", "acled.csv", "ucdp.csv", "gdelt-2.CSV", "tkg-named.tsv"):
        run(
            own_seeded.database, SAMPLES / name, clock=lambda: datetime(2099, 1, 1, tzinfo=UTC), by="a test", accept=1.0
        )
    monkeypatch.setattr(State, "bounds", Bounds(chunk_rows=3, bulk_rows=7))
    return own_seeded


ASKED = ("", "sort=-happened", "sort=id", "sort=-kind", "sort=intensity", "pick=first&per=pair")


def test_lines_and_cells_are_those_of_the_pages(diverse: KnowledgeBase) -> None:
    for asked in ASKED:
        records = diverse.json(f"/v1/events?limit=500&{asked}")["items"]

        lines = diverse.get(f"/v1/events?format=ndjson&{asked}").content.splitlines()
        table = list(csv.reader(StringIO(diverse.get(f"/v1/events?format=csv&{asked}").text, newline="")))

        assert len(records) > 20
        assert [json.loads(line) for line in lines] == records
        wanted = [[cell(column.take(record)) for column in columns(EVENTS, ())] for record in records]
        assert table[1:] == [["" if value is None else str(value) for value in row] for row in wanted]
    # Chosen fields, and the first few only.
    records = diverse.json("/v1/events?limit=40&fields=codes,happened")["items"]
    lines = diverse.get("/v1/events?limit=40&fields=codes,happened&format=ndjson").content.splitlines()
    assert [json.loads(line) for line in lines] == records


def test_what_was_the_same_in_all_events_so_far_is_read_where_it_is_not(
    own_seeded: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Facts say one thing in most columns; in a later import, and where one is told twice, they do not."""
    names = ('A "quoted" one', "Two, with a comma", "100 % sure", "=1+1", "Ōsaka", "plain")
    facts = [f'{names[n % 6]}\tMake, or "deny" a {n % 4} % claim\t{names[(n + 1) % 5]}\t' for n in range(40)]
    days = [f"2001-{1 + n // 20:02}-{1 + n % 20 // 3:02}" for n in range(40)]
    lines = [fact + day for fact, day in zip(facts, days, strict=True)]
    for name, some in (("first", [*lines[:30], lines[25]]), ("later", lines[30:])):
        file = tmp_path / f"{name}.tsv"
        file.write_text("subject\trelation\tobject\tdate\n" + "\n".join(some) + "\n", encoding="utf-8")
        run(own_seeded.database, file, dataset="tkg", clock=lambda: datetime(2099, 1, 1, tzinfo=UTC), by="a test")
    monkeypatch.setattr(State, "bounds", Bounds(chunk_rows=3, bulk_rows=7))

    for asked in ("dataset=tkg", "dataset=tkg&sort=-happened", "dataset=tkg&sort=id", "dataset=tkg&sort=kind"):
        records = own_seeded.json(f"/v1/events?limit=500&{asked}")["items"]
        said = own_seeded.get(f"/v1/events?format=ndjson&{asked}").content.splitlines()
        table = list(csv.reader(StringIO(own_seeded.get(f"/v1/events?format=csv&{asked}").text, newline="")))

        assert len(records) == 40
        assert len({record["since"] for record in records}) == 2
        assert [json.loads(line) for line in said] == records
        wanted = [[cell(column.take(record)) for column in columns(EVENTS, ())] for record in records]
        assert table[1:] == [["" if value is None else str(value) for value in row] for row in wanted]


def test_an_order_that_no_index_has_is_sorted_once_for_many_chunks(
    diverse: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def note(*asked: Any) -> None:
        told.append(asked[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        lines = diverse.get("/v1/events?format=ndjson&sort=-intensity").content.splitlines()
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    sorting = [sql for sql in told if "FROM coded_event" in sql and "ORDER BY" in sql]
    reading = [sql for sql in told if "FROM coded_event" in sql and "coded_event.number IN (" in sql]
    assert len(lines) > 5 * 7
    assert len(sorting) <= len(lines) // (bulk.AHEAD * 7) + 2
    assert len(reading) >= 5


def test_an_export_that_breaks_off_never_looks_whole(diverse: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(100))
    following = bulk.following

    def breaks(*asked: object) -> object:
        if next(calls) == 2:
            raise RuntimeError("The disk is gone.")
        return following(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(bulk, "following", breaks)

    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(10)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "query_string": b"format=ndjson",
        "headers": [(b"host", b"testserver")],
        "server": ("testserver", 80),
        "scheme": "http",
    }
    with suppress(Exception):
        asyncio.run(diverse.client.app(scope, receive, send))

    # Without the last part the server closes the connection before the chunked encoding ends, which every client notices.
    assert told[0]["status"] == 200
    assert len(told) > 1
    assert all(message["more_body"] for message in told[1:])
