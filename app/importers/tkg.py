"""Temporal knowledge graphs: facts of subject, relation, object and time, by name or as numbers with their maps."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date
from typing import BinaryIO, Literal

from app.importers import cells
from app.importers.base import (
    SHOWN_CHARACTERS,
    Coded,
    Facts,
    FileRefused,
    Layout,
    Notes,
    Party,
    Refused,
    Row,
    Sample,
    mostly,
    refuse,
    remember,
)
from app.importers.cameo import KINDS_BY_LABEL
from app.importers.cells import BadCell
from app.importers.countries import behind
from app.importers.lines import blocks

COLUMNS = ("subject", "relation", "object", "date", "split")
NAMED = Layout("tkg-named", COLUMNS, header=True, separator="\t")
PLAIN = Layout("tkg-plain", COLUMNS[:4], header=False, separator="\t")
NUMBERED = Layout("tkg-numbered", ("subject", "relation", "object", "time", "fifth"), header=False, separator="\t")

FACTS = Facts(
    name="tkg",
    title="Temporal knowledge graph",
    publisher="many: ICEWS14, ICEWS05-15 and their like are excerpts of ICEWS",
    licence=None,
    url="https://github.com/mniepert/mmkb",
    words="Facts of subject, relation, object and day, as published for the study of temporal knowledge graphs.",
    layouts=(NAMED, PLAIN, NUMBERED),
    expectations=(
        "A fact has no number of its own: the same four values are the same fact, whichever file they stand in.",
        "An event that goes both ways stands as two facts.",
        "Some facts have the same subject and object.",
    ),
    cannot=(
        "The split into training, validation and test says nothing about the world.",
        "A relation is carried by its words; its code is not in these files.",
        "There is no source, story, place or intensity, and how often a fact was reported is lost.",
        "Times finer than a day are cut to the day.",
    ),
)

Unit = Literal["minute", "quarter-hour", "hour", "day", "week", "month", "year"]
_MINUTES: dict[str, int] = {"minute": 1, "quarter-hour": 15, "hour": 60, "day": 1440, "week": 10080}


@dataclass(frozen=True, slots=True)
class Maps:
    """What the numbers of an id file stand for: names, and the day of a time step."""

    entities: Mapping[str, str]
    relations: Mapping[str, str]
    origin: date
    unit: Unit = "day"

    def day(self, step: str) -> str | None:
        """The day on which a time step begins, as `2018-06-01`; None for what is no step or beyond the calendar."""
        if len(step) > 12 or not step.isascii() or not step.isdigit():
            return None
        number = int(step)
        try:
            if self.unit in _MINUTES:
                return date.fromordinal(self.origin.toordinal() + number * _MINUTES[self.unit] // 1440).isoformat()
            months = self.origin.year * 12 + self.origin.month - 1 + number * (12 if self.unit == "year" else 1)
            year, month = divmod(months, 12)
            if year > MAXYEAR:
                return None
            day = min(self.origin.day, calendar.monthrange(year, month + 1)[1])
            return date(year, month + 1, day).isoformat()
        except (ValueError, OverflowError):
            return None


def maps(entities: BinaryIO, relations: BinaryIO, *, origin: date, unit: Unit = "day") -> Maps:
    """The maps of an id file from its companions `entity2id` and `relation2id`, with what time step 0 is.

    A companion has a name and its number on each line, separated by a tab; a first line that only counts the others is
    skipped, and further columns are ignored. Raises FileRefused for one that is malformed or gives a number twice.
    """
    return Maps(_numbers(entities, "entity2id"), _numbers(relations, "relation2id"), origin, unit)


def _numbers(file: BinaryIO, what: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for block in blocks(file, Notes()):
        if isinstance(block, Refused):
            raise FileRefused(f"Line {block.line} of {what} cannot be read: {block.detail}")
        for line, text in enumerate(block.texts, block.line):
            parts = text.split("\t")
            if not text or (line == 1 and len(parts) == 1 and text.strip().isdigit()):
                continue
            if len(parts) < 2 or not parts[0] or not (parts[1].isascii() and parts[1].isdigit()):
                raise FileRefused(
                    f"Line {line} of {what} is {cells.shown(text)}; a name, a tab and its number are needed."
                )
            if names.setdefault(parts[1], _unquoted(parts[0])) != _unquoted(parts[0]):
                raise FileRefused(f"Line {line} of {what} gives the number {parts[1]} a second time.")
    if not names:
        raise FileRefused(f"{what} holds no names.")
    return names


def _unquoted(name: str) -> str:
    """A name without a spreadsheet's quotation marks: the maps in circulation hold `"Ann_""Anna""_Example"`."""
    inner = name[1:-1].replace('""', "")
    return name[1:-1].replace('""', '"') if len(name) > 1 and name[0] == name[-1] == '"' and '"' not in inner else name


def seen(sample: Sample) -> tuple[Layout, str] | None:
    """Whether these are facts: by the header, or by four or five columns that are numbers or end in a day."""
    titles = [title.strip().casefold() for title in sample.first.split("\t")]
    if {"subject", "relation", "object", "date"} <= set(titles):
        return NAMED, "the header names subject, relation, object and date, separated by tabs"
    rows = [line.split("\t") for line in sample.lines if line]
    if mostly(sum(len(row) in (4, 5) and all(map(_is_number, row)) for row in rows), len(rows)):
        return NUMBERED, "there is no header, and four or five columns hold numbers only: facts by number"
    if mostly(sum(len(row) in (4, 5) and all(row[:3]) and _is_day(row[3]) for row in rows), len(rows)):
        return PLAIN, "there is no header, and the fourth column of four holds days: facts by name"
    return None


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit()


def _is_day(text: str) -> bool:
    return len(text) == 10 and text[4] == text[7] == "-" and text[:4].isdigit()


# Given the number of a block's first line, its lines and how many cells each should have: the lines that it leaves, numbered.
Take = Callable[[int, Sequence[str], int], Iterable[tuple[int, str]]]


def read(
    file: BinaryIO, notes: Notes | None = None, *, maps: Maps | None = None, take: Take | None = None
) -> Iterator[Row | Refused]:
    """Facts as five cells: subject, relation, object, date, split. With `maps`, the file's numbers are resolved by them.

    `take` may take lines for itself, by the block, where cells stand in the usual order; only what it leaves is given.
    """
    notes = notes if notes is not None else Notes()
    cells_of: Callable[[list[str]], tuple[str | None, ...] | BadCell] | None = None
    header: list[str] | None = None
    width: int | None = None
    for block in blocks(file, notes):
        if isinstance(block, Refused):
            yield block
            continue
        if take is not None and width is not None:
            lines = take(block.line, block.texts, width)
        else:
            lines = enumerate(block.texts, block.line)
        for line, text in lines:
            parts = text.split("\t")
            if cells_of is None:
                if not text:
                    notes["blank-line"] += 1
                    continue
                if maps is not None:
                    cells_of = _by_number(maps, notes)
                elif "date" in (titles := [part.strip().casefold() for part in parts]):
                    if missing := [name for name in COLUMNS[:4] if name not in titles]:
                        detail = (
                            f"The header lacks {', '.join(missing)}; subject, relation, object and date are needed."
                        )
                        yield Refused(line, "missing-column", detail, text[:SHOWN_CHARACTERS])
                        return
                    cells_of, header, width = _by_header(titles, notes), parts, _usual(titles)
                    continue
                else:
                    titles = list(COLUMNS[: max(4, min(len(parts), 5))])
                    cells_of, width = _by_header(titles, notes), _usual(titles)
            if parts == header:
                notes["header-repeated"] += 1
                continue
            fields = cells_of(parts)
            if not isinstance(fields, BadCell):
                yield Row(line, fields, text[:SHOWN_CHARACTERS])
            elif text:
                yield Refused(line, fields.reason, fields.detail, text[:SHOWN_CHARACTERS])
            else:
                notes["blank-line"] += 1


def _usual(titles: Sequence[str]) -> int | None:
    """How many columns there are where they stand in the layout's order, with a split or without; None for another order."""
    return len(titles) if tuple(titles) in (COLUMNS, COLUMNS[:4]) else None


def _by_header(titles: Sequence[str], notes: Notes) -> Callable[[list[str]], tuple[str | None, ...] | BadCell]:
    """How cells under these titles become the five cells."""
    width = len(titles)
    order = [titles.index(name) if name in titles else None for name in COLUMNS]
    straight = _usual(titles) is not None

    def cells_of(parts: list[str]) -> tuple[str | None, ...] | BadCell:
        if len(parts) != width:
            if len(parts) < width:
                return BadCell("missing-column", f"The row has {len(parts)} columns; {width} are needed.")
            if any(parts[width:]):
                return BadCell("extra-column", f"The row has {len(parts)} columns; {width} are allowed.")
            notes["empty-trailing-columns"] += 1
            parts = parts[:width]
        if straight:
            return (
                parts[0] or None,
                parts[1] or None,
                parts[2] or None,
                parts[3] or None,
                parts[4] if width == 5 else None,
            )
        return tuple([parts[at] or None if at is not None else None for at in order])

    return cells_of


def _by_number(maps: Maps, notes: Notes) -> Callable[[list[str]], tuple[str | None, ...] | BadCell]:
    """How numbers become the five cells."""
    entities, relations = maps.entities, maps.relations
    days: dict[str, str] = {}

    def cells_of(parts: list[str]) -> tuple[str | None, ...] | BadCell:
        if not 4 <= len(parts) <= 5:
            return BadCell(
                "missing-column" if len(parts) < 4 else "extra-column", f"{len(parts)} columns; 4 or 5 are allowed."
            )
        day = days.get(parts[3])
        if day is None:
            if (day := maps.day(parts[3])) is None:
                return BadCell("bad-date", f"The time is {cells.shown(parts[3])}; a step of the calendar is needed.")
            if len(days) < 100_000:
                days[parts[3]] = day
        try:
            fields = (entities[parts[0]], relations[parts[1]], entities[parts[2]], day, None)
        except KeyError as unknown:
            return BadCell("unknown-id", f"The maps have no {cells.shown(str(unknown.args[0]))}.")
        if len(parts) == 5:
            notes["fifth-column-ignored"] += 1
        return fields

    return cells_of


_PARTIES: dict[str, Party] = {}


def translate(row: Row) -> Coded | Refused:
    """One fact's meaning. Its key is made of the four values, so that every layout of one dataset gives the same."""
    try:
        subject, relation, object_, day, _ = row.fields
    except ValueError:
        return refuse(row, BadCell("missing-column", f"The row has {len(row.fields)} cells; five are needed."))
    try:
        if subject is None or relation is None or object_ is None:
            raise BadCell("missing-value", "Subject, relation or object is empty; a fact needs all three.")
        initiator = _PARTIES.get(subject) or _party(subject)
        recipient = _PARTIES.get(object_) or _party(object_)
        first = cells.iso_day(day, "date")
        label = relation.replace("_", " ") if " " not in relation else relation
        return Coded(
            cells.digest(initiator.name, label, recipient.name, day),
            first,
            first,
            initiator,
            recipient,
            None,
            label,
            kind=KINDS_BY_LABEL.get(label),
        )
    except BadCell as problem:
        return refuse(row, problem)


def _party(text: str) -> Party:
    """An actor; a name without spaces has its underscores for them."""
    name = text.replace("_", " ") if " " not in text else text
    party = Party(name, None, behind(name))
    return remember(_PARTIES, text, party, text)
