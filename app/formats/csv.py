"""How a list is said as CSV: RFC 4180, UTF-8, with a header; text that a spreadsheet would run as a formula is defused."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any

from app.formats import Chunk, Format
from app.formats.columns import columns, values
from app.query.fields import Resource
from app.query.whole import Joined, Same

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(resource: Resource, chunks: Iterable[Chunk], fields: tuple[str, ...]) -> Iterator[bytes]:
    """The header, then the rows of each chunk."""
    table = columns(resource, fields)
    yield lines([[column.name for column in table]])
    for chunk in chunks:
        if len(chunk):
            yield rows(values(chunk, table))


def lines(rows: Iterable[Iterable[Any]]) -> bytes:
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def rows(columns: Sequence[Sequence[Any]]) -> bytes:
    """Rows that are given by their columns: a form for all, which what is not the same in each goes into."""
    if len(columns) == 1:
        return lines([[cell(value)] for value in columns[0]])  # an empty cell alone is quoted
    forms, varying = [], []
    for column in columns:
        form, parts = placed(column)
        forms.append(form)
        varying += parts
    form = ",".join(forms)
    if not varying:
        return (form % () + "\r\n").encode() * len(columns[0])
    line = f"{form}\r\n"
    return b"".join([(line % row).encode() for row in zip(*varying, strict=True)])


def placed(column: Sequence[Any]) -> tuple[str, list[Sequence[Any]]]:
    """How a column stands in the form of a row, and what goes into it."""
    if isinstance(column, Same):
        return said(column.value).replace("%", "%%"), []
    if isinstance(column, Joined) and column.form[0] not in ("%", *FORMULA):
        several = [set(part) for part in column.parts]
        if all('"' in one for one in several[0]):
            # Each is quoted, so what goes into it is doubled there once for all.
            doubled = [{one: one.replace('"', '""') for one in some} for some in several]
            parts: list[Sequence[Any]] = [
                [known[one] for one in part] for known, part in zip(doubled, column.parts, strict=True)
            ]
            return '"' + column.form.replace('"', '""') + '"', parts
    return "%s", [cells(list(column) if isinstance(column, Joined) else column)]


def cells(column: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as they are written."""
    types = set(map(type, column))
    if types <= {int, float}:
        return column
    if types == {str}:
        told = "\0".join(column)
        plain = "\n" not in told and "\r" not in told and told.count("\0") == len(column) - 1
        if plain and {one[:1] for one in column}.isdisjoint(FORMULA):
            return quoted(column, told)
    several = set(column)
    if len(several) * 2 > len(column):
        return list(map(said, column))
    known = {value: said(value) for value in several}
    return [known[value] for value in column]


def quoted(column: Sequence[str], told: str) -> Sequence[str]:
    """Texts in quotation marks where they need them, all of them looked at in one: `told` is them with `\0` between."""
    if '"' in told:
        doubled = told.replace('"', '""').split("\0")
        return [f'"{new}"' if new != old or "," in old else old for old, new in zip(column, doubled, strict=True)]
    return [f'"{one}"' if "," in one else one for one in column] if "," in told else column


def said(value: Any) -> str:
    """A value as it is written."""
    if value is None:
        return ""
    text = str(cell(value))
    if '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return f'"{text}"' if "," in text or "\n" in text or "\r" in text else text


def cell(value: Any) -> Any:
    """A value as a cell: `'` goes before text that begins like a formula; numbers stay as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


FORMAT = Format("csv", "text/csv; charset=utf-8; header=present", "csv", write)
