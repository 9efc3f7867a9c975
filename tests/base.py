"""A knowledge base as a test sees it: its HTTP side, its dossiers, its ledger and its clock."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import make_url

from app import ledger, texts
from app.db import Database, open_database
from app.dossiers.publish import Published, prepare, publish
from app.ledger import Change
from app.main import create_app, with_memory
from app.seeding import seed
from app.settings import Settings
from app.standing import Watch
from app.vocabularies import Vocabularies, load
from app.writing import keys


@dataclass
class Now:
    """A clock that goes on by a second with each look, and can be set."""

    moment: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@dataclass
class KnowledgeBase:
    """A knowledge base under test."""

    database: Database
    settings: Settings
    vocabularies: Vocabularies
    clock: Now
    client: TestClient
    watch: Watch
    dossiers: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def at(cls, url: str, **knobs: Any) -> KnowledgeBase:
        """The knowledge base at a database's address."""
        settings = Settings(database=url, **knobs)
        database = open_database(make_url(url), threads=4)
        clock = Now()
        app = create_app(settings, database=database, clock=clock)
        client = TestClient(with_memory(app), raise_server_exceptions=False)
        client.follow_redirects = False
        return cls(database, settings, load(settings.seed / "vocabularies"), clock, client, app.state.watch)

    def get(self, path: str, **headers: str) -> Response:
        """The answer to a GET; header names are given with `_` for `-`."""
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def json(self, path: str, status: int = 200) -> Any:
        """The body of an answer that must have this status."""
        answer = self.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def ids(self, path: str) -> list[str]:
        """The ids that a list gives, every page of it, in order."""
        found, cursor = [], None
        while True:
            joined = path if cursor is None else f"{path}{'&' if '?' in path else '?'}cursor={cursor}"
            page = self.json(joined)
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def key(self, *scopes: str, name: str = "", expires: datetime | None = None) -> str:
        """A key with these scopes."""
        with self.database.write() as connection:
            made = name or f"the {'-'.join(scopes)} desk {len(keys.listed(connection)) + 1}"
            return keys.add(connection, made, scopes, self.clock(), expires)[1]

    def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str | bytes
    ) -> Response:
        """The answer to a write; a body that is not bytes goes as JSON; header names are given with `_` for `-`."""
        told: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            told["Authorization"] = f"Bearer {key}"
        if body is not None and not isinstance(body, (bytes, Iterator)):
            told.setdefault("Content-Type", "application/json")
            body = orjson.dumps(body)
        return self.client.request(method, path, content=body, headers=told)

    def load(self, dossier: dict[str, Any], **more: Any) -> Published:
        """Publish a dossier."""
        return self.load_bytes(orjson.dumps(dossier), **more)

    def load_bytes(self, data: bytes, *, by: str = "a test", why: str | None = None) -> Published:
        """Publish a dossier as a file holds it."""
        with self.database.read() as connection:
            prepared = prepare(connection, data, self.vocabularies)
        return publish(self.database, prepared, by=by, clock=self.clock, why=why, wait_seconds=0)

    def put(self, *records: tuple[str, dict[str, Any]], origin: str | None = "test", why: str = "Test") -> int:
        """Publish records as they are, by (noun, record), in one revision."""
        with self.database.write() as connection:
            number = ledger.start(connection, Change("edit", "a test", why), self.clock())
            for noun, record in records:
                ledger.put(connection, number, noun, [record], origin=origin)
            ledger.publish(connection, number, self.clock())
        return number

    def retract(self, noun: str, *ids: str, why: str = "It was wrong.") -> int:
        """Retract records in one revision."""
        with self.database.write() as connection:
            number = ledger.start(connection, Change("retraction", "a test", why), self.clock())
            ledger.retract(connection, number, noun, dict.fromkeys(ids, why))
            ledger.publish(connection, number, self.clock())
        return number

    def attach(self, source: str, text: str) -> bool:
        """Attach the text of a source."""
        with self.database.write() as connection:
            return texts.attach(connection, source, text, self.clock())

    def withdraw(self, source: str) -> bool:
        """Take the text of a source away."""
        with self.database.write() as connection:
            return texts.withdraw(connection, source)

    @property
    def latest(self) -> int:
        """The last published revision."""
        with self.database.read() as connection:
            return ledger.latest(connection)

    def close(self) -> None:
        """Let go of the database, as soon as every thread of a request has."""
        self.client.close()
        self.watch.close()
        self.database.let_go()
        limit = time.monotonic() + 5
        while any(engine.pool.checkedout() for engine in (self.database.reader, self.database.writer)):  # type: ignore[attr-defined]
            assert time.monotonic() < limit, "a connection was never given back"
            time.sleep(0.01)
        self.database.close()


def plant(base: KnowledgeBase) -> None:
    """Publish the seed."""
    seed(base.database, base.settings.seed, base.vocabularies, clock=base.clock)


def ids(items: Iterable[dict[str, Any]]) -> list[str]:
    """The ids of some records."""
    return [item["id"] for item in items]


def scope_of(path: str, query: str = "", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a server tells the application of a GET: for tests that read an answer as it comes, or leave before its end."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "state": {},
    }
