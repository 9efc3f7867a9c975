"""What a line says that tells what a revision did to coded events: its cells, how each is said, and how it is read again.

A line is a JSON object whose `type` and `act` say which kind it is; its other names are those of the columns. Nulls are left out.
Whoever reads one believes nothing: each cell has its type and its range, and what does not fit is refused with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Column, Table

from app.models.base import FIRST_DAY, LAST_DAY
from app.models.coded import coded_actor, coded_event, coded_link, coded_report, rejected_row
from app.query.shapes import number, string, whole
from app.times import day_number, from_day_number

KEY_CHARACTERS: Final = 500  # of a name, a code or an id: an index of PostgreSQL takes entries of up to 2,700 bytes
ID_CHARACTERS: Final = 2_600  # folding can make a name longer
TEXT_CHARACTERS: Final = 1_000_000
DIGITS: Final = frozenset("0123456789abcdef")
MOST: Final = 2**31 - 1
LARGEST: Final = 1e12


class Unfit(ValueError):
    """A cell that does not say what it may."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a cell may say: how it is said, how it is read, and its JSON Schema."""

    say: Callable[[Any], Any]
    read: Callable[[Any], Any]
    schema: Callable[[str], dict[str, Any]]


def same(value: Any) -> Any:
    return value


def numbered(least: int = 0, most: int = MOST) -> Kind:
    """A whole number."""

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise Unfit(f"a whole number from {least} to {most}")
        return value

    return Kind(same, read, whole)


def words(most: int = KEY_CHARACTERS) -> Kind:
    """A text."""

    def read(value: Any) -> str:
        if type(value) is not str or len(value) > most or "\0" in value:
            raise Unfit(f"a text of at most {most} characters, none of them NUL")
        return value

    return Kind(same, read, string)


def read_real(value: Any) -> float:
    if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST:
        raise Unfit(f"a number from {-LARGEST:.0e} to {LARGEST:.0e}")
    return float(value)


@lru_cache(20_000)
def say_day(days: int) -> str:
    return from_day_number(days).isoformat()


@lru_cache(20_000)
def read_day(value: Any) -> int:
    try:
        found = day_number(date.fromisoformat(value)) if len(value) == 10 else None
    except (TypeError, ValueError):
        found = None
    if found is None or not FIRST_DAY <= found <= LAST_DAY:
        raise Unfit("a day such as 2018-06-01")
    return found


def read_hashable_day(value: Any) -> int:
    if type(value) is not str:
        raise Unfit("a day such as 2018-06-01")
    return read_day(value)


def say_digest(value: int) -> str:
    return f"{value:016x}"


def read_digest(value: Any) -> int:
    if type(value) is not str or len(value) != 16 or not DIGITS.issuperset(value):
        raise Unfit("16 hexadecimal digits")
    found = int(value, 16)
    if found >= 2**63:
        raise Unfit("16 hexadecimal digits, the first of them at most 7")
    return found


WHOLE: Final = numbered()
KEY: Final = words()
ID: Final = words(ID_CHARACTERS)
TEXT: Final = words(TEXT_CHARACTERS)
REAL: Final = Kind(same, read_real, number)
DAY: Final = Kind(say_day, read_hashable_day, lambda text: string(text, format="date"))
DIGEST: Final = Kind(say_digest, read_digest, string)


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a line: the column that holds it, and what it may say."""

    column: Column[Any]
    kind: Kind
    words: str = ""

    @property
    def name(self) -> str:
        """The name of the column, which is that of the cell."""
        return str(self.column.name)

    @property
    def needed(self) -> bool:
        """Whether no line leaves it out."""
        return not self.column.nullable


@dataclass(frozen=True, slots=True)
class Section:
    """The lines of one kind: where they stand, what makes a row one of a revision, in which order they come."""

    type: str
    act: str
    counted: str  # what their number is called
    table: Table
    of: Column[Any]
    keys: tuple[Cell, ...]
    cells: tuple[Cell, ...]
    words: str

    @property
    def name(self) -> str:
        """What a position calls it."""
        return f"{self.type}-{self.act}"

    def said(self, row: Sequence[Any]) -> dict[str, Any]:
        """A row, in the order of the cells, as a line."""
        told: dict[str, Any] = {"type": self.type, "act": self.act}
        for cell, value in zip(self.cells, row, strict=True):
            if value is not None:
                told[cell.name] = cell.kind.say(value)
        return told

    def read(self, line: Mapping[str, Any]) -> tuple[Any, ...]:
        """The cells of a line in their order. Raises Unfit, naming what does not fit."""
        found: list[Any] = []
        taken = 2
        for cell in self.cells:
            value = line.get(cell.name)
            if value is None:
                if cell.needed:
                    raise Unfit(f"{cell.name} is missing")
                found.append(None)
                taken += cell.name in line
                continue
            try:
                found.append(cell.kind.read(value))
            except Unfit as error:
                raise Unfit(f"{cell.name} is not {error}") from None
            taken += 1
        if taken != len(line):
            known = {"type", "act", *(cell.name for cell in self.cells)}
            odd = next((name for name in line if name not in known), "")
            raise Unfit(f"it says {odd[:40]!r}, which nothing here knows")
        return tuple(found)


def cells(table: Table, kinds: Mapping[str, Kind]) -> tuple[Cell, ...]:
    """The cells of some columns of a table, in this order."""
    return tuple(Cell(table.c[name], kind, table.c[name].comment or "") for name, kind in kinds.items())


ACTOR: Final = cells(
    coded_actor,
    {"number": WHOLE, "id": ID, "name": KEY, "code": KEY, "country": KEY, "sectors": TEXT},
)
LINK: Final = cells(coded_link, {"number": WHOLE, "actor": KEY, "why": TEXT})
EVENT: Final = cells(
    coded_event,
    {
        "number": DIGEST,
        "id": ID,
        "day": DAY,
        "last": DAY,
        "initiator": WHOLE,
        "recipient": WHOLE,
        "code": KEY,
        "label": KEY,
        "plover": KEY,
        "mode": KEY,
        "contexts": TEXT,
        "quad": numbered(-(2**15), 2**15 - 1),
        "intensity": REAL,
        "kind": KEY,
        "country": KEY,
        "place": TEXT,
        "latitude": REAL,
        "longitude": REAL,
        "reports": WHOLE,
    },
)
REPORT: Final = cells(
    coded_report,
    {
        "number": DIGEST,
        "native": KEY,
        "reported": DAY,
        "story": words(2_000),
        "sentence": numbered(-MOST - 1),
        "publisher": TEXT,
        "url": TEXT,
        "weight": WHOLE,
    },
)
REJECTED: Final = cells(
    rejected_row, {"n": WHOLE, "line": numbered(-MOST - 1), "reason": KEY, "detail": TEXT, "text": TEXT}
)

# In the order in which they come: who, before what they do; what goes, before what comes in its place.
SECTIONS: Final = (
    Section(
        "actor", "open", "actors_opened", coded_actor, coded_actor.c.since, ACTOR[:1], ACTOR,
        "An actor that the dataset names and that was met first.",
    ),
    Section(
        "link", "close", "links_closed", coded_link, coded_link.c.until, LINK[:1], LINK[:1],
        "A dataset's actor is not any more whom it was tied to.",
    ),
    Section(
        "link", "open", "links_opened", coded_link, coded_link.c.since, LINK[:1], LINK,
        "Who a dataset's actor is here, and by which rule.",
    ),
    Section(
        "event", "close", "events_closed", coded_event, coded_event.c.until, EVENT[:1], EVENT[:1],
        "The version of an event that stood stands no more.",
    ),
    Section(
        "event", "open", "events_opened", coded_event, coded_event.c.since, EVENT[:1], EVENT,
        "An event as it stands from this revision on.",
    ),
    Section(
        "report", "close", "reports_closed", coded_report, coded_report.c.until, REPORT[:2], REPORT[:2],
        "A report that stands no more.",
    ),
    Section(
        "report", "open", "reports_opened", coded_report, coded_report.c.since, REPORT[:2], REPORT,
        "A record of the dataset that says an event happened.",
    ),
    Section(
        "row", "reject", "rows_rejected", rejected_row, rejected_row.c.revision, REJECTED[:1], REJECTED,
        "A row of the file that was refused, with its text.",
    ),
)  # fmt: skip
BY_NAME: Final = {(one.type, one.act): one for one in SECTIONS}
