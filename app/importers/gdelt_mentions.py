"""GDELT mentions: which report named which event, in the raw tab layout and as comma-separated values with a header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from app.importers import cells
from app.importers.base import Bytes, Facts, Layout, Mention, Notes, Refused, Row, Sample, refuse
from app.importers.cells import BadCell
from app.importers.lines import Shape, table

COLUMNS = (
    "GLOBALEVENTID", "EventTimeDate", "MentionTimeDate", "MentionType", "MentionSourceName", "MentionIdentifier",
    "SentenceID", "Actor1CharOffset", "Actor2CharOffset", "ActionCharOffset", "InRawText", "Confidence",
    "MentionDocLen", "MentionDocTone", "MentionDocTranslationInfo", "Extras",
)  # fmt: skip

RAW = Layout("gdelt-mentions", COLUMNS, header=False, separator="\t")
CSV = Layout("gdelt-mentions-csv", COLUMNS, header=True, separator=",", quoted=True)

FACTS = Facts(
    name="gdelt-mentions",
    title="GDELT mentions",
    publisher="The GDELT Project",
    licence="free for any use with a citation of the GDELT Project and a link to it",
    url="https://www.gdeltproject.org/",
    words="Each report of each GDELT event, every fifteen minutes: where, when, in which sentence, and how surely.",
    layouts=(RAW, CSV),
    expectations=(
        "Many mentions are of events in earlier files; the events themselves are not in here.",
        "An offset of -1 means that the actor is not named.",
    ),
    cannot=(
        "The length and tone of the report are left out.",
        "Of the translation only the report's language is carried.",
        "The moment is cut to the day.",
    ),
)

_TYPES = {"1": "web", "2": "citation", "3": "core", "4": "dtic", "5": "jstor", "6": "nontextual"}


def _is_row(parts: Sequence[str]) -> bool:
    return len(parts) >= len(COLUMNS) and parts[0].isdigit() and len(parts[1]) == 14 and parts[1].isdigit()


_SHAPES = {
    layout.separator: Shape(
        layout,
        required=frozenset(COLUMNS[:7]),
        nulls=frozenset(("",)),
        is_row=_is_row,
    )
    for layout in (RAW, CSV)
}


def seen(sample: Sample) -> tuple[Layout, str] | None:
    """Whether these are mentions: 16 columns that begin with a number and two moments, or a header that names them."""
    for layout in (RAW, CSV):
        parts = [part.strip(' "').casefold() for part in sample.first.split(layout.separator)]
        what = "tabs" if layout is RAW else "commas"
        if {"globaleventid", "mentiontimedate", "mentionidentifier"} <= set(parts):
            return layout, f"the header names GLOBALEVENTID, MentionTimeDate and MentionIdentifier, separated by {what}"
        if _is_row(parts) and len(parts[2]) == 14 and parts[2].isdigit():
            return (
                layout,
                f"there is no header, and 16 columns begin with an event's number and two moments, separated by {what}",
            )
    return None


def read(file: BinaryIO, notes: Notes | None = None) -> Iterator[Row | Refused]:
    """Rows of one file of mentions: 16 columns, separated as the first line is."""
    notes = notes if notes is not None else Notes()
    peeked = _Peeked(file)
    first = peeked.head.split(b"\n", 1)[0].split(b"\r", 1)[0]
    yield from table(peeked, _SHAPES["\t" if first.count(b"\t") >= first.count(b",") else ","], notes)


class _Peeked:
    """A file whose beginning has been looked at."""

    def __init__(self, file: Bytes) -> None:
        self._file = file
        self.head = file.read(1 << 16)
        self._rest = self.head

    def read(self, size: int, /) -> bytes:
        """The next bytes, those that were looked at first."""
        if self._rest:
            block, self._rest = self._rest, b""
            return block
        return self._file.read(size)


def translate(row: Row) -> Mention | Refused:
    """One report of an event. Its key is made of event, moment, report and sentence."""
    if len(row.fields) != len(COLUMNS):
        return refuse(row, BadCell("missing-column", f"The row has {len(row.fields)} columns; 16 are needed."))
    event, happened, reported, kind, source, identifier, sentence, at1, at2, at, raw, sure, _, _, translated, _ = (
        row.fields
    )
    try:
        number = cells.identifier(event, "GLOBALEVENTID")
        if identifier is None:
            raise BadCell("missing-value", "MentionIdentifier is empty; it says which report this is.")
        if kind not in _TYPES:
            seen = "empty" if kind is None else cells.shown(kind)
            raise BadCell("bad-code", f"MentionType is {seen}; 1 to 6 are allowed.")
        if raw not in (None, "0", "1"):
            raise BadCell("bad-code", f"InRawText is {cells.shown(raw or '')}; 0 and 1 are allowed.")
        return Mention(
            native=cells.digest(number, reported, identifier, sentence),
            event=number,
            happened=cells.compact_moment(happened, "EventTimeDate"),
            reported=cells.compact_moment(reported, "MentionTimeDate"),
            kind=_TYPES[kind],
            identifier=identifier,
            url=cells.web_address(identifier) if kind == "1" else None,
            publisher=source,
            sentence=cells.whole(sentence, "SentenceID"),
            initiator_at=_offset(at1, "Actor1CharOffset"),
            recipient_at=_offset(at2, "Actor2CharOffset"),
            action_at=_offset(at, "ActionCharOffset"),
            in_raw_text=None if raw is None else raw == "1",
            confidence=cells.whole(sure, "Confidence", 0, 100),
            language=_language(translated),
        )
    except BadCell as problem:
        return refuse(row, problem)


def _offset(text: str | None, column: str) -> int | None:
    at = cells.whole(text, column, -1)
    return None if at == -1 else at


def _language(translated: str | None) -> str | None:
    """The language that a report was translated from, as the three letters of `srclc:fra;eng:Moses 2.1.1`."""
    if translated is None:
        return None
    for part in translated.split(";"):
        name, _, value = part.strip(" ").partition(":")
        if name == "srclc" and len(value) == 3 and value.isascii() and value.isalpha():
            return value.lower()
    return None
