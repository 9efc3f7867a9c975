"""How a list is said as CSV: RFC 4180, UTF-8, with a header; text that a spreadsheet would run as a formula is defused."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from app.formats import Chunk, Format
from app.formats.columns import columns
from app.query.fields import Resource

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(resource: Resource, chunks: Iterable[Chunk], fields: tuple[str, ...]) -> Iterator[bytes]:
    """The header, then the rows of each chunk."""
    table = columns(resource, fields)
    yield lines([[column.name for column in table]])
    for chunk in chunks:
        yield lines([[cell(column.take(record)) for column in table] for record in chunk])


def lines(rows: list[list[Any]]) -> bytes:
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def cell(value: Any) -> Any:
    """A value as a cell: `'` goes before text that begins like a formula; numbers stay as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


FORMAT = Format("csv", "text/csv; charset=utf-8; header=present", "csv", write)
