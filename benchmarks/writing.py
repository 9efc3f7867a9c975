"""How fast single records are written over HTTP, and how long readers wait while a very large dossier is published."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks import load, servers
from benchmarks.servers import Server

RECORDS = 100_000
QUICK_RECORDS = 2_000
EDITORS = 8
PAGE = "/v1/claims?limit=50&enrichment=true"
TEXT = "Fenwick will open its lock in May."
KNOBS = {
    "CHANCERY_RATE_LIMIT": "off",
    "CHANCERY_BODY_BYTES": "20000000",
    "CHANCERY_DOSSIER_RECORDS": "200000",
    "CHANCERY_WRITE_BUSY_SECONDS": "30",
}


def key(environment: Mapping[str, str]) -> str:
    """A key to write with."""
    command = [*servers.CHANCERY, "keys", "add", "bench", "--scope", "write"]
    return subprocess.run(
        command, cwd=servers.ROOT, env=dict(environment), check=True, capture_output=True, text=True
    ).stdout.strip()


def dossier(records: int) -> bytes:
    """A dossier of very many topics."""
    digest = sha256(TEXT.encode()).hexdigest()
    passage = {"id": "p1s1", "paragraph": 1, "sentence": 1, "start": 0, "end": len(TEXT), "sha256": digest}
    source = {"id": "fenwick-note", "text": "withheld", "sha256": digest, "characters": len(TEXT), "sentences": [1]}
    told = {
        "chancery": 1,
        "id": "fenwick",
        "title": "Very many topics",
        "source": source,
        "passages": [passage],
        "unrecorded": [{"passage": "p1s1", "why": "Not needed."}],
        "topics": [{"id": f"topic-{n:06}", "label": f"Topic {n}"} for n in range(records)],
    }
    return json.dumps(told, separators=(",", ":")).encode()


def edits(server: Server, secret: str, seconds: float) -> tuple[float, list[float]]:
    """Edits a second by several editors, each of records of its own, and how long each edit took in milliseconds."""
    until = time.monotonic() + seconds
    took: list[float] = []

    def edit(editor: int) -> None:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        n = 0
        while time.monotonic() < until:
            begun = time.monotonic()
            body = json.dumps({"label": f"Round {n}", "definition": "What belongs to it."})
            condition = {"If-Match": "*"} if n else {"If-None-Match": "*"}
            connection.request("PUT", f"/v1/topics/editor-{editor}", body, {**headers, **condition})
            answer = connection.getresponse()
            answer.read()
            # The first one makes the record, unless an earlier round did.
            if answer.status not in ((200,) if n else (200, 201, 412)):
                raise RuntimeError(f"An edit was answered with {answer.status}.")
            took.append((time.monotonic() - begun) * 1000)
            n += 1

    editors = [threading.Thread(target=edit, args=(n,)) for n in range(EDITORS)]
    begun = time.monotonic()
    for one in editors:
        one.start()
    for one in editors:
        one.join()
    return len(took) / (time.monotonic() - begun), sorted(took)


def commits(folder: Path, seconds: float) -> float:
    """Commits a second of one row, by the standard module, with the same promise: each has reached the disk."""
    with sqlite3.connect(folder / "commits.db", isolation_level=None) as rows:
        rows.execute("PRAGMA journal_mode=WAL")
        rows.execute("PRAGMA synchronous=FULL")
        rows.execute("CREATE TABLE IF NOT EXISTS topic (id TEXT PRIMARY KEY, body TEXT)")
        n, begun = 0, time.monotonic()
        while time.monotonic() - begun < seconds:
            rows.execute("BEGIN IMMEDIATE")
            rows.execute("INSERT OR REPLACE INTO topic VALUES (?, ?)", (f"editor-{n % EDITORS}", f"Round {n}"))
            rows.execute("COMMIT")
            n += 1
    return n / (time.monotonic() - begun)


def publish(server: Server, secret: str, body: bytes) -> dict[str, Any]:
    """Publish a dossier; how long that took, and what was answered."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/v1/dossiers", body, headers)
    begun = time.monotonic()
    try:
        with servers.DIRECT.open(request, timeout=900) as answer:
            return {"status": answer.status, "seconds": time.monotonic() - begun}
    except urllib.error.HTTPError as problem:
        with problem:
            return {"status": problem.status, "said": problem.read()[:500]}


def beside(server: Server, secret: str, body: bytes) -> tuple[dict[str, Any], load.Load]:
    """Publish a dossier while readers read; what became of both."""
    done: dict[str, Any] = {}
    writer = threading.Thread(target=lambda: done.update(publish(server, secret, body)))
    writer.start()
    found = []
    while writer.is_alive():
        found.append(load.put(server.port, [PAGE], {}, connections=4, seconds=2))
    writer.join()
    if done.get("status") != 201:
        raise RuntimeError(f"The dossier was answered with {done}.")
    whole = load.Load(
        sum(one.requests for one in found),
        sum(one.seconds for one in found),
        max(one.p50_ms for one in found),
        max(one.p99_ms for one in found),
        sum(one.wrong for one in found),
    )
    return done, whole
