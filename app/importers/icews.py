"""ICEWS coded event data: the original `.tab` files, one row for each sentence that reports an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from app.importers import cells
from app.importers.base import Coded, Facts, Layout, Notes, Party, Refused, Row, Sample, refuse, remember
from app.importers.cameo import KINDS, QUADS, is_code
from app.importers.cells import BadCell
from app.importers.countries import named
from app.importers.lines import Shape, table

COLUMNS = (
    "Event ID", "Event Date", "Source Name", "Source Sectors", "Source Country", "Event Text", "CAMEO Code",
    "Intensity", "Target Name", "Target Sectors", "Target Country", "Story ID", "Sentence Number", "Publisher", "City",
    "District", "Province", "Country", "Latitude", "Longitude",
)  # fmt: skip

LAYOUT = Layout("icews", COLUMNS, header=True, separator="\t")

FACTS = Facts(
    name="icews",
    title="ICEWS coded event data",
    publisher="Lockheed Martin, on the Harvard Dataverse",
    licence=None,
    url="https://doi.org/10.7910/DVN/28075",
    words="Events coded by machine from news: who did what to whom, on which day and where, with a CAMEO code.",
    layouts=(LAYOUT,),
    expectations=(
        "An event that goes both ways, such as a meeting, stands as two mirrored rows with neighbouring numbers.",
        "One story gives about two rows.",
        "The number of an event repeats between files; number and day together do not.",
    ),
    cannot=(
        "City, district and province stand as one place.",
        "The order of an actor's sectors, which varies from row to row, is not kept.",
    ),
)

_NULLS = frozenset(("", "NA"))
_PARTIES: dict[tuple[str | None, str | None, str | None], Party] = {}


def _is_row(cells_: Sequence[str]) -> bool:
    return len(cells_) >= len(COLUMNS) and cells_[0].isdigit() and cells_[1][:1].isdigit()


_SHAPE = Shape(
    LAYOUT,
    required=frozenset(("Event ID", "Event Date", "Source Name", "Event Text", "CAMEO Code", "Target Name")),
    nulls=_NULLS,
    is_row=_is_row,
)


def seen(sample: Sample) -> tuple[Layout, str] | None:
    """Whether this is an ICEWS file: by its header, or by twenty columns that begin with a number and a day."""
    titles = sample.first.split("\t")
    if {"Event ID", "Event Date", "CAMEO Code", "Event Text"} <= set(titles):
        return LAYOUT, "the header names Event ID, Event Date, Event Text and CAMEO Code, separated by tabs"
    if len(titles) == len(COLUMNS) and _is_row(titles) and (is_code(titles[6]) or titles[6] in _NULLS):
        return LAYOUT, "there is no header, and 20 columns hold an event's number, a day and a CAMEO code"
    return None


def read(file: BinaryIO, notes: Notes | None = None) -> Iterator[Row | Refused]:
    """Rows of one `.tab` file: 20 tab-separated columns, quotation marks mean nothing, `NA` or nothing is missing."""
    return table(file, _SHAPE, notes if notes is not None else Notes())


def translate(row: Row) -> Coded | Refused:
    """One row's meaning. Its key is number and day, since the number alone repeats between files."""
    if len(row.fields) != len(COLUMNS):
        return refuse(row, BadCell("missing-column", f"The row has {len(row.fields)} columns; 20 are needed."))
    (
        number, day, source, source_sectors, source_country, text, code, intensity, target, target_sectors,
        target_country, story, sentence, publisher, city, district, province, country, latitude, longitude,
    ) = row.fields  # fmt: skip
    try:
        number = cells.identifier(number, "Event ID")
        first = _day(day)
        if code is not None and not is_code(code):
            raise BadCell(
                "bad-code", f"CAMEO Code is {cells.shown(code)}; two to four digits from 01 to 20 are allowed."
            )
        if text is None and code is None:
            raise BadCell(
                "missing-value", "Event Text and CAMEO Code are both empty; the row does not say what happened."
            )
        at = cells.point(latitude, longitude)
        return Coded(
            native=f"{number}@{cells.iso_text(first)}",
            first=first,
            last=first,
            initiator=_party(source, source_sectors, source_country),
            recipient=_party(target, target_sectors, target_country),
            code=code,
            label=text,
            quad=QUADS[code[:2]] if code is not None else None,
            intensity=cells.decimal(intensity, "Intensity", -10, 10),
            kind=KINDS.get(code) if code is not None else None,
            country=named(country),
            place=", ".join([name for name in (city, district, province) if name is not None]) or None,
            latitude=at[0],
            longitude=at[1],
            story=story,
            sentence=cells.whole(sentence, "Sentence Number"),
            publisher=publisher,
        )
    except BadCell as problem:
        return refuse(row, problem)


def _party(name: str | None, sectors: str | None, country: str | None) -> Party | None:
    known = _PARTIES.get((name, sectors, country))
    if known is not None:
        return known
    if name is None and country is None:
        return None
    # Some files put the list in quotation marks, although marks mean nothing in them.
    listed = sectors[1:-1] if sectors is not None and len(sectors) > 1 and sectors[0] == sectors[-1] == '"' else sectors
    party = Party(name, None, named(country), cells.items(listed, ","))
    return remember(_PARTIES, (name, sectors, country), party, name, sectors, country)


def _day(text: str | None) -> int:
    """The day, written 2018-06-01; one file of 2017 writes 6/1/2017, month first."""
    if text is None or "/" not in text:
        return cells.iso_day(text, "Event Date")
    parts = text.split("/")
    if len(parts) != 3 or len(parts[2]) != 4 or not all(1 <= len(part) <= 2 for part in parts[:2]):
        raise BadCell(
            "bad-date", f"Event Date is {cells.shown(text)}; a day is written 2018-06-01, or 6/1/2018, month first."
        )
    month, day, year = parts
    return cells.day_of(year, month, day, text=text, column="Event Date (month first)")
