"""What every importer is made of: the facts about a dataset, a row as it stands, its meaning, and a refusal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from app.errors import ChanceryError
from app.importers.cells import BadCell

# A row longer than this is no row of any dataset we know (the longest real one is 40 kB); it is refused unread.
LONGEST_ROW_BYTES = 1_000_000
# How much of a raw line a report shows.
SHOWN_CHARACTERS = 2_000

# What an importer met and put up with, counted: `fallback-encoding`, `header-missing` … (see NOTES).
Notes = Counter[str]

NOTES: dict[str, str] = {
    "byte-order-mark": "The file begins with a byte order mark, which was skipped.",
    "carriage-returns": "Lines end in a carriage return, alone or before the line feed.",
    "blank-line": "Blank lines were skipped.",
    "fallback-encoding": "Lines that are not UTF-8 were read in the dataset's older encoding.",
    "replacement-character": "Rows hold U+FFFD: whoever made the file had already lost a character there.",
    "header-missing": "The file has no header; its columns were taken in the layout's order.",
    "header-unexpected": "A header stands where the layout has none; it was skipped.",
    "header-repeated": "The header stands again between the rows; it was skipped.",
    "extra-columns-ignored": "The header names columns that the layout does not know; they were left out.",
    "empty-trailing-columns": "Rows have more columns than they should, all of them empty.",
    "leading-zero-restored": "Event codes had lost their leading zero (a spreadsheet does that); the root code told where.",
    "moment-damaged": "The moment of the report is in powers of ten (a spreadsheet does that); it was left out.",
    "fifth-column-ignored": "The fifth column of an id file says nothing we know of; it was left out.",
}

REASONS: dict[str, str] = {
    "bad-encoding": "The line is not in the encoding that the dataset declares.",
    "nul-byte": "The line holds a NUL byte.",
    "row-too-long": f"The line is longer than {LONGEST_ROW_BYTES:,} bytes.",
    "bad-quoting": "A quotation mark is not closed, or closed in the middle of a cell.",
    "missing-column": "The row, or the header, has fewer columns than the layout.",
    "extra-column": "The row has more columns than the layout, and they are not empty.",
    "bad-id": "The cell that identifies the row is empty or malformed.",
    "unknown-id": "A number stands for nothing in the map that came with the file.",
    "bad-date": "A date is missing, malformed, or no day of the calendar.",
    "ambiguous-date": "A date could be read in two ways.",
    "bad-number": "A number is malformed, not finite or out of range.",
    "bad-coordinate": "A latitude or longitude is not on the globe.",
    "bad-code": "A code is malformed.",
    "missing-value": "A cell that the row makes no sense without is empty.",
}


class FileRefused(ChanceryError):
    """A file that cannot be imported as a whole; its text says what was seen and what to do."""

    status, kind, title = 422, "file-refused", "File refused"
    exit_status: ClassVar[int] = 2


class Bytes(Protocol):
    """Anything that gives bytes in order, none of them at its end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which a dataset's rows are written down."""

    name: str
    columns: tuple[str, ...]
    header: bool
    separator: str
    encodings: tuple[str, ...] = ("utf-8",)
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to know about a dataset before its first row."""

    name: str
    title: str
    publisher: str
    licence: str | None
    url: str | None
    words: str
    layouts: tuple[Layout, ...]
    # What a file of this dataset looks like when nothing is wrong with it, in sentences.
    expectations: tuple[str, ...]
    # What the layout holds and we do not carry, in sentences.
    cannot: tuple[str, ...]
    # Whether the first actor acts upon the second. Where not, both merely take part.
    directed: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file: cells in the layout's order, the dataset's nulls as None."""

    line: int
    fields: tuple[str | None, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that cannot be used, why, and what it looked like."""

    line: int
    reason: str
    detail: str
    text: str


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in a row, as the dataset names and codes them."""

    name: str | None
    code: str | None = None
    country: str | None = None
    sectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coded:
    """What one row means. Days are counted from 1970-01-01."""

    native: str
    first: int
    last: int
    initiator: Party | None = None
    recipient: Party | None = None
    code: str | None = None
    label: str | None = None
    plover: str | None = None
    mode: str | None = None
    contexts: tuple[str, ...] = ()
    quad: int | None = None
    intensity: float | None = None
    kind: str | None = None
    country: str | None = None
    place: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    reported: int | None = None
    story: str | None = None
    sentence: int | None = None
    publisher: str | None = None
    url: str | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Mention:
    """One report of an event that another file holds under `event`. Offsets count the report's characters, in English."""

    native: str
    event: str
    happened: int
    reported: int
    kind: str
    identifier: str
    url: str | None = None
    publisher: str | None = None
    sentence: int | None = None
    initiator_at: int | None = None
    recipient_at: int | None = None
    action_at: int | None = None
    in_raw_text: bool | None = None
    confidence: int | None = None
    language: str | None = None


# Long cells and more parties than any file has are not remembered, so that no file can fill the memory with them.
_REMEMBERED_CHARACTERS = 500
_REMEMBERED_PARTIES = 50_000
_Key = TypeVar("_Key", bound=Hashable)


def remember(known: dict[_Key, Party], key: _Key, party: Party, *cells: str | None) -> Party:
    """The party, kept in `known`: the same few thousand parties make up a file, and looking one up costs a tenth."""
    if sum([len(cell) for cell in cells if cell is not None]) <= _REMEMBERED_CHARACTERS:
        if len(known) >= _REMEMBERED_PARTIES:
            known.clear()
        known[key] = party
    return party


def refuse(row: Row, problem: BadCell) -> Refused:
    """The refusal of a row whose cell has a problem."""
    return Refused(row.line, problem.reason, problem.detail, row.text)


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file as detection looks at it: whole lines, and the file's name."""

    name: str
    lines: tuple[str, ...]

    @property
    def first(self) -> str:
        """The first line, without a byte order mark."""
        return self.lines[0] if self.lines else ""


def mostly(sound: int, rows: int) -> bool:
    """Whether enough of a sample is as a layout wants it; a damaged line or two hide nothing."""
    return sound > 0 and sound * 5 >= rows * 4


class Seen(Protocol):
    """How an importer says whether a file is one of its own: the layout and the reason in words, or None."""

    def __call__(self, sample: Sample, /) -> tuple[Layout, str] | None: ...
