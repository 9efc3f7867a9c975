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
