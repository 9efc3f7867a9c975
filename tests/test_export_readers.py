"""Whether programs of other people read our tables as we mean them, and see when one was cut off."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import orjson
import polars
import pytest
import uvicorn

from app.query import whole
from tests.base import KnowledgeBase
from tests.brute import statement

STREAMED = (
    "csv",
    "ndjson",
    "jsonld",
)  # Parquet of so few rows is one part, whose failure is a 500 before the first byte


def test_duckdb_reads_csv_and_ndjson_too(rich: KnowledgeBase, tmp_path: Path) -> None:
    for form, reader in (("csv", "read_csv"), ("ndjson", "read_json")):
        file = tmp_path / f"statements.{form}"
        file.write_bytes(rich.get(f"/v1/statements?format={form}").content)
        found = duckdb.sql(f"SELECT id FROM {reader}('{file}')").fetchall()  # noqa: S608 - a path of ours
        assert [row[0] for row in found] == [item["id"] for item in rich.json("/v1/statements?limit=500")["items"]]


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_cut_parquet_or_json_ld_file_cannot_be_opened(rich: KnowledgeBase, share: float) -> None:
    tables = rich.get("/v1/events?format=parquet").content
    graph = rich.get("/v1/events?format=jsonld").content

    with pytest.raises(polars.exceptions.ComputeError):
        polars.read_parquet(BytesIO(tables[: int(len(tables) * share)]))
    with pytest.raises(ValueError, match=r".+"):
        orjson.loads(graph[: int(len(graph) * share)])


@pytest.mark.parametrize("form", STREAMED)
def test_an_export_that_breaks_midway_never_ends_as_a_whole_one(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    kb.put(*[("statement", statement(f"s{n:03d}", evidence=[])) for n in range(100)])
    made = whole.chunks

    def breaking(*args: Any, **more: Any) -> Iterator[Any]:
        yield from made(*args, **more)
        raise OSError("The disk is gone.")

    with served(kb) as port:
        complete = fetched(port, form)
        monkeypatch.setattr(whole, "chunks", breaking)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            fetched(port, form)
    assert len(complete) > 1000


def fetched(port: int, form: str) -> bytes:
    """An export as a client gets it that takes care of how an answer ends, as all but the simplest do."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", f"/v1/statements?format={form}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.getheader("transfer-encoding") == "chunked"
        return answer.read()


class served:
    """The knowledge base behind a real server, for as long as the block runs."""

    def __init__(self, kb: KnowledgeBase) -> None:
        config = uvicorn.Config(kb.client.app, log_level="critical", lifespan="off")  # type: ignore[arg-type]
        self.server = uvicorn.Server(config)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],), daemon=True)

    def __enter__(self) -> int:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        port: int = self.socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(20)
        self.socket.close()
