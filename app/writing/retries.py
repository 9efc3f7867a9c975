"""Whether this very request was answered before: the answer of a write is kept in its own transaction, for whoever asks again.

Refusals are not kept: nothing was done, and a repetition may do better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select

from app.errors import Fault, KeyReused
from app.ledger import stamp
from app.models.access import answered_write
from app.writing.keys import Key


@dataclass(frozen=True, slots=True)
class Asked:
    """A write as it came: whose it is, the Idempotency-Key where there is one, and the digest of all of it."""

    by: Key
    retry: str | None
    digest: str
    hours: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write is answered: the status, the body, and the headers that belong to it."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    repeated: bool = False

    @classmethod
    def of(cls, status: int, content: Any, **headers: str) -> Answer:
        """An answer of JSON; header names are given with `_` for `-`."""
        return cls(
            status, orjson.dumps(content), {name.replace("_", "-"): value for name, value in headers.items() if value}
        )


def answered(connection: Connection, asked: Asked, now: datetime) -> Answer | None:
    """The answer that this request got before, or None. Raises KeyReused where the key came with another request."""
    if asked.retry is None:
        return None
    kept = answered_write.c
    row = connection.execute(
        select(answered_write).where(kept.key == asked.by.id, kept.id == asked.retry, kept.expires_at > stamp(now))
    ).first()
    if row is None:
        return None
    if row.digest != asked.digest:
        detail = (
            "This Idempotency-Key came with another request before: another address, body or precondition. Nothing was done. Take "
            "a new key for a new request."
        )
        raise KeyReused(detail, errors=[Fault("Idempotency-Key", detail, "header")])
    return replace(Answer(row.status, row.body.encode(), orjson.loads(row.headers)), repeated=True)


def keep(connection: Connection, asked: Asked, answer: Answer, now: datetime) -> None:
    """Keep an answer for whoever repeats the request, in the transaction that did what was asked."""
    if asked.retry is None:
        return
    # Only what has expired goes: where another process was first with this very request, the insert below fails, and so it must.
    connection.execute(delete(answered_write).where(answered_write.c.expires_at <= stamp(now)))
    connection.execute(
        insert(answered_write).values(
            key=asked.by.id,
            id=asked.retry,
            digest=asked.digest,
            status=answer.status,
            headers=orjson.dumps(dict(answer.headers)).decode(),
            body=answer.body.decode(),
            expires_at=stamp(now + timedelta(hours=asked.hours)),
        )
    )
