"""How a list is shown as a table: the columns that matter, cells that fit, nothing that a terminal would obey."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

# Which fields a record is recognised by, in the order they are shown in; the last ones are long and take what room is left.
TELLING = (
    "number",
    "revision",
    "id",
    "type",
    "date",
    "happened",
    "said",
    "signed",
    "published",
    "published_at",
    "change",
    "speaker",
    "subject",
    "kind",
    "commitment",
    "status",
    "participants",
    "parties",
    "object",
    "agreement",
    "publisher",
    "paragraph",
    "sentence",
    "matched",
    "score",
    "actor",
    "name",
    "label",
    "title",
    "words",
    "gloss",
    "why",
)
LEFT_OUT = {"self", "evidence", "since", "until", "enrichment", "items", "snippets", "source_text"}
BEST = ("words", "edtf", "level", "actor", "name", "text", "value", "id", "cameo")  # what stands for a nested value
GAP = "  "
LEAST = 6
MOST = 600  # of a cell where no terminal is too narrow for it


def table(answer: Mapping[str, Any], fields: Sequence[str], width: int | None) -> str:
    """The items of an answer, a line each, under the names of their fields; shortened to `width` columns where one is given.

    An answer without items is one record, or a matrix: its own fields are listed, a line each.
    """
    items = answer.get("items")
    if not isinstance(items, list):
        items = [{"field": name, "value": value} for name, value in answer.items()]
        fields = ["field", "value"]
    rows = [item if isinstance(item, dict) else {"value": item} for item in items]
    if not rows:
        return ""
    names = columns(rows, fields)
    body = [[cell(row.get(name)) for name in names] for row in rows]
    widths = fitted([names, *body], width)
    lines = [GAP.join(map(padded, line, widths)).rstrip() for line in [names, *body]]
    return "\n".join(lines) + "\n"


def columns(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> list[str]:
    """Which fields to show: those asked for, else what a record is recognised by, else all."""
    present = list(dict.fromkeys(name for row in rows for name, value in row.items() if value not in (None, [], "")))
    if fields:
        asked = list(dict.fromkeys(name.partition(".")[0] for name in fields))
        return asked if "id" in asked or "id" not in present else ["id", *asked]
    if "id" in present or "number" in present or "actor" in present:
        # In a list of one resource every type says its name; not in one of provisions, whose type is their own.
        plain = len({row.get("type") for row in rows}) == 1 and all(
            str(row.get("self", "")).startswith(f"/v1/{row.get('type')}") for row in rows
        )
        return [name for name in TELLING if name in present and not (name == "type" and plain)]
    return [name for name in present if name not in LEFT_OUT] or present


def cell(value: Any) -> str:
    """A value in a cell: one line, and nothing in it that a terminal would obey."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        found = next((value[name] for name in BEST if value.get(name) not in (None, "")), None)
        return (
            cell(found) if found is not None else ", ".join(f"{name} {cell(one)}" for name, one in value.items() if one)
        )
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(cell, value)))
    return harmless(str(value))


def harmless(text: str) -> str:
    """A text without control, format and separator characters: they move cursors, hide words and turn directions round."""
    plain = text.replace("\n", " ").replace("\t", " ")
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(one)[0] == "C" else one for one in plain)


def fitted(lines: Sequence[Sequence[str]], width: int | None) -> list[int]:
    """How wide each column is: as its widest cell, the widest ones cut until the line fits."""
    widths = [min(max(cell_len(line[at]) for line in lines), MOST) for at in range(len(lines[0]))]
    if width is None:
        return widths
    room = max(width - len(GAP) * (len(widths) - 1), LEAST * len(widths))
    while sum(widths) > room and max(widths) > LEAST:
        widest = max(range(len(widths)), key=lambda at: (widths[at], at))
        second = max((one for at, one in enumerate(widths) if at != widest), default=LEAST)
        widths[widest] = max(LEAST, min(widths[widest] - 1, max(second, widths[widest] - (sum(widths) - room))))
    return widths


def padded(text: str, width: int) -> str:
    """A cell of just that width."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return text + " " * (width - cell_len(text))
