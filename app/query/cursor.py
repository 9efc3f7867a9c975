"""Where a walk through a list goes on: an opaque cursor that pins the revision of the first page.

It holds the revision with its mark, a fingerprint of the question and the sort key of the last record. It is no secret and no
promise: a forged one can only ask what its bearer could ask anyway, and is refused unless its parts have the types of the sort.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from app.errors import BadCursor, Fault
from app.query.fields import View

if TYPE_CHECKING:
    from app.query.params import Query

VERSION = 2
# What a later page may change, or what does not change which records a walk sees.
FREE = ("cursor", "limit", "as_of", "min_revision", "include", "fields", "facet", "count", "format")


def fingerprint(resource: str, query: Query) -> str:
    """A short digest of the question that a cursor belongs to."""
    pairs = sorted(pair for pair in query.pairs if pair[0] not in FREE)
    return sha256(orjson.dumps([resource, pairs])).hexdigest()[:12]


class Walk(NamedTuple):
    """The revision that a walk is pinned to, and what tells it from another one of its number."""

    revision: int
    stamp: str


def write(view: View, mark: str, key: tuple[Any, ...]) -> str:
    """The cursor that goes on after `key`."""
    return written(Walk(view.revision, view.stamp), mark, key)


def written(walk: Walk, mark: str, key: tuple[Any, ...]) -> str:
    """The same, by its parts."""
    return urlsafe_b64encode(orjson.dumps([VERSION, walk.revision, mark + walk.stamp, *key])).rstrip(b"=").decode()


def read(cursor: str, mark: str, types: tuple[type, ...]) -> tuple[Walk, tuple[Any, ...]]:
    """The walk and the key of a cursor. Raises BadCursor for one that is not ours or of another question."""
    try:
        loaded = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        parts = orjson.loads(loaded)
        version, revision, found, *key = parts
        if orjson.dumps(parts) != loaded or urlsafe_b64encode(loaded).rstrip(b"=").decode() != cursor:
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise refused(
            "This is not a cursor of ours. Take `next_cursor` of the page before as it is, or start without one."
        ) from None
    if version != VERSION or type(revision) is not int or not 0 <= revision < 2**31:
        raise refused("This cursor is of another version of the API. Start again without it.")
    if type(found) is not str or not found.startswith(mark):
        raise refused(
            "This cursor belongs to a different query. Repeat the same parameters with it, or start again without it."
        )
    fits = len(key) == len(types) and all(_fits(value, wanted) for value, wanted in zip(key, types, strict=True))
    if not fits:
        raise refused("This cursor was changed. Take `next_cursor` of the page before as it is, or start without one.")
    return Walk(revision, found.removeprefix(mark)), tuple(key)


def refused(detail: str) -> BadCursor:
    """The refusal of a cursor."""
    return BadCursor(detail, errors=[Fault("cursor", detail)])


def _fits(value: Any, wanted: type) -> bool:
    if wanted is float:
        return type(value) is float or (type(value) is int and abs(value) < 2**53)
    if wanted is int:
        return type(value) is int and -(2**31) < value < 2**31
    return type(value) is str and "\0" not in value
