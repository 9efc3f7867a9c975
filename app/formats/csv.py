"""How a list is said as CSV: RFC 4180, UTF-8, with a header; text that a spreadsheet would run as a formula is defused."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any

from app.formats import Chunk, Format
from app.formats.columns import columns, values
from app.query.fields import Resource

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(resource: Resource, chunks: Iterable[Chunk], fields: tuple[str, ...]) -> Iterator[bytes]:
    """The header, then the rows of each chunk."""
    table = columns(resource, fields)
    yield lines([[column.name for column in table]])
    for chunk in chunks:
        yield lines(zip(*map(cells, values(chunk, table)), strict=True))


def lines(rows: Iterable[Iterable[Any]]) -> bytes:
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def cells(column: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as cells; hardly ever is any of them another one."""
    changed = {value: said for value in set(column) if (said := cell(value)) is not value}
    return [changed.get(value, value) for value in column] if changed else column


def cell(value: Any) -> Any:
    """A value as a cell: `'` goes before text that begins like a formula; numbers stay as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


FORMAT = Format("csv", "text/csv; charset=utf-8; header=present", "csv", write)
