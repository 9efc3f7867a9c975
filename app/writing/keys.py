"""Who may read or write: keys are made, shown once, recognised, revoked; what is kept cannot be used to get in.

    chy_ 3kq7x2mw _ 0rPq…   43 characters of a random number of 256 bits
         the id, by which a person and the table recognise the key

A key is kept as the sha256 of the whole of it. A slow hash, as for passwords, would protect secrets that can be guessed; nobody
guesses 256 random bits, however fast the hash is, and each request pays for it.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from app.errors import BadQuery, Conflict, NotFound, Unauthorized
from app.ledger import stamp
from app.models.access import access_key

SCOPES: Final = ("read", "write", "admin")
LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # without those that are taken for one another
FORM: Final = re.compile(r"chy_([a-z2-9]{8})_[A-Za-z0-9_-]{43}")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,79}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was recognised: its id, whose it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]

    def may(self, scope: str) -> bool:
        """Whether the key reaches a scope: `admin` writes and `write` reads as well."""
        return any(SCOPES.index(own) >= SCOPES.index(scope) for own in self.scopes)


def add(
    connection: Connection, name: str, scopes: Sequence[str], now: datetime, expires: datetime | None = None
) -> tuple[Key, str]:
    """Make a key, and the secret that is shown this once.

    Raises BadQuery for an impossible name, scope or end, Conflict for a name that is or was another key's.
    """
    if not NAME.fullmatch(name):
        raise BadQuery(
            "A key's name is up to 80 letters, digits, blanks and . _ @ -, such as `desk` or `ann@example.org`."
        )
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        raise BadQuery(f"{', '.join(wrong) or 'Nothing'} is no scope. There are: {', '.join(SCOPES)}.")
    if expires is not None and expires <= now:
        raise BadQuery(f"The key would have ended on {stamp(expires)} already. Name a day in the future.")
    if connection.execute(select(access_key.c.id).where(access_key.c.name == name)).first() is not None:
        raise Conflict(
            f"There is or was a key of the name {name}. The log names keys, so a name is never used again: take another one."
        )
    id = "".join(secrets.choice(LETTERS) for _ in range(8))
    secret = f"chy_{id}_{secrets.token_urlsafe(32)}"
    kept = tuple(scope for scope in SCOPES if scope in scopes)
    connection.execute(
        insert(access_key).values(
            id=id,
            name=name,
            digest=digest_of(secret),
            scopes=",".join(kept),
            made_at=stamp(now),
            expires_at=None if expires is None else stamp(expires),
        )
    )
    return Key(id, name, kept), secret


def digest_of(secret: str) -> str:
    """What is kept of a key."""
    return sha256(secret.encode()).hexdigest()


def revoke(connection: Connection, name: str, now: datetime) -> bool:
    """End a key, named by its name or its id; says whether it was good until now. Raises NotFound where there is none."""
    row = connection.execute(
        select(access_key).where((access_key.c.name == name) | (access_key.c.id == plain_id(name)))
    ).first()
    if row is None:
        raise NotFound(f"There is no key {name[:80]!r}. `chancery keys list` shows them.")
    if row.revoked_at is not None:
        return False
    connection.execute(update(access_key).where(access_key.c.id == row.id).values(revoked_at=stamp(now)))
    return True


def plain_id(name: str) -> str:
    """The id in what somebody calls a key: `chy_3kq7x2mw` or `3kq7x2mw`."""
    return name.removeprefix("chy_").partition("_")[0]


def listed(connection: Connection) -> Sequence[Row[Any]]:
    """Every key, revoked ones included, in the order of their names."""
    return connection.execute(select(access_key).order_by(access_key.c.name)).all()


def state_of(row: Row[Any], now: datetime) -> str:
    """Whether a key is good, expired or revoked."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= stamp(now) else "good"


def recognise(connection: Connection, secret: str, now: datetime) -> Key:
    """The key that a secret is. Raises Unauthorized for one that is malformed, unknown, expired or revoked."""
    form = FORM.fullmatch(secret)
    if form is None:
        raise malformed()
    row = connection.execute(select(access_key).where(access_key.c.id == form[1])).first()
    # Compared even where there is none, and in constant time: how long it takes tells nothing.
    if not hmac.compare_digest(digest_of(secret), "" if row is None else row.digest) or row is None:
        raise refused("This key is unknown here. `chancery keys add` makes one.")
    state = state_of(row, now)
    if state != "good":
        raise refused(f"This key is {state}. Ask whoever gave it to you for another one.")
    return Key(row.id, row.name, tuple(row.scopes.split(",")))


def malformed() -> Unauthorized:
    """The refusal of what cannot be a key."""
    return refused("This is no key of ours: they look like chy_xxxxxxxx_ and 43 letters and digits.")


def refused(detail: str) -> Unauthorized:
    """The refusal of a key that was given, as RFC 6750 (3.1) says it."""
    return Unauthorized(detail, headers={"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'})


CHALLENGE: Final = 'Bearer realm="chancery"'
