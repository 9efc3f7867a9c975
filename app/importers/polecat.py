"""POLECAT: events in the PLOVER ontology since 2018, 40 tab-separated columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from app.importers import cells
from app.importers.base import Coded, Facts, Layout, Notes, Party, Refused, Row, Sample, refuse, remember
from app.importers.cells import BadCell
from app.importers.countries import coded
from app.importers.lines import Shape, table

COLUMNS = (
    "Event ID", "Event Date", "Event Type", "Event Mode", "Intensity", "Quad Code", "Contexts", "Actor Name",
    "Actor Country", "Actor COW", "Primary Actor Sector", "Actor Sectors", "Actor Title", "Actor Name Raw",
    "Wikipedia Actor ID", "Recipient Name", "Recipient Country", "Recipient COW", "Primary Recipient Sector",
    "Recipient Sectors", "Recipient Title", "Recipient Name Raw", "Wikipedia Recipient ID", "Placename", "City",
    "District", "Province", "Country", "Latitude", "Longitude", "GeoNames ID", "Raw Placename", "Feature Type", "Source",
    "Publication Date", "Story People", "Story Organizations", "Story Locations", "Language", "Version",
)  # fmt: skip

# Two loaders read these files as ISO-8859-1 and others as UTF-8: a line that is not UTF-8 is taken for the former.
LAYOUT = Layout("polecat", COLUMNS, header=True, separator="\t", encodings=("utf-8", "iso-8859-1"))

FACTS = Facts(
    name="polecat",
    title="POLECAT",
    publisher="the POLECAT project, on the Harvard Dataverse",
    licence=None,
    url="https://doi.org/10.7910/DVN/AJGVIT",
    words="Events since 2018, coded by machine from news in several languages in the PLOVER ontology.",
    layouts=(LAYOUT,),
    expectations=(
        "The number of an event repeats where it has several actors or recipients.",
        "Some files name more columns than the codebook, or end in empty ones.",
    ),
    cannot=(
        "Titles, raw names and Correlates of War numbers of the actors are left out.",
        "People, organisations and locations of the story are left out; so are its language and the coder's version.",
        "City, district and province stand as one place where the place has no name of its own.",
    ),
)

# The manual's types. Its drafts of 2017 have a longer list, which must not be mixed with this one.
TYPES = frozenset((
    "AGREE", "CONSULT", "SUPPORT", "CONCEDE", "COOPERATE", "AID", "RETREAT", "REQUEST", "ACCUSE", "REJECT", "THREATEN",
    "PROTEST", "SANCTION", "MOBILIZE", "COERCE", "ASSAULT",
))  # fmt: skip
_QUADS = {
    "verbal cooperation": 1, "material cooperation": 2, "verbal conflict": 3, "material conflict": 4,
    "v-coop": 1, "m-coop": 2, "v-conf": 3, "m-conf": 4,
}  # fmt: skip
_SEPARATORS = ";,"
_PARTIES: dict[tuple[str | None, ...], Party] = {}


def _is_row(parts: Sequence[str]) -> bool:
    return len(parts) >= len(COLUMNS) and len(parts[1]) >= 10 and parts[1][:4].isdigit() and parts[2] in TYPES


_SHAPE = Shape(
    LAYOUT,
    required=frozenset(("Event ID", "Event Date", "Event Type", "Actor Name", "Recipient Name")),
    nulls=frozenset(("", "None")),
    is_row=_is_row,
    aliases={"event intensity": "Intensity"},
)


def seen(sample: Sample) -> tuple[Layout, str] | None:
    """Whether this is a POLECAT file: by its header, or by forty columns with a PLOVER type in the third."""
    titles = sample.first.split("\t")
    if {"Event ID", "Event Type", "Event Mode", "Actor Name", "Recipient Name"} <= set(map(_SHAPE.column, titles)):
        return LAYOUT, "the header names Event Type, Event Mode, Actor Name and Recipient Name, separated by tabs"
    if _is_row(titles):
        return LAYOUT, "there is no header, and 40 columns hold a day and a PLOVER type"
    return None


def read(file: BinaryIO, notes: Notes | None = None) -> Iterator[Row | Refused]:
    """Rows of one file: 40 tab-separated columns, quotation marks mean nothing, `None` or nothing is missing."""
    return table(file, _SHAPE, notes if notes is not None else Notes())


def translate(row: Row) -> Coded | Refused:
    """One row's meaning. Its key is the event's number with a digest of both actors, since the number alone repeats."""
    fields = row.fields
    if len(fields) != len(COLUMNS):
        return refuse(row, BadCell("missing-column", f"The row has {len(fields)} columns; 40 are needed."))
    number, day, plover, mode, intensity, quad, contexts = fields[:7]
    placename, city, district, province, country, latitude, longitude = fields[23:30]
    try:
        number = cells.key(number, "Event ID")
        first = _day(day, "Event Date")
        if plover is None or (plover := plover.upper()) not in TYPES:
            seen = "empty" if plover is None else cells.shown(plover)
            raise BadCell(
                "bad-code", f"Event Type is {seen}; the sixteen types of PLOVER are allowed, such as CONSULT."
            )
        point = cells.point(latitude, longitude)
        return Coded(
            native=f"{number}@{cells.digest(fields[7] or fields[13], fields[15] or fields[21])[:8]}",
            first=first,
            last=first,
            initiator=_PARTIES.get(fields[7:15]) or _party(fields[7:15]),
            recipient=_PARTIES.get(fields[15:23]) or _party(fields[15:23]),
            plover=plover,
            mode=mode,
            contexts=cells.items(contexts, _SEPARATORS),
            quad=_quad(quad),
            intensity=cells.decimal(intensity, "Intensity", -10, 10),
            country=coded(country),
            place=placename or ", ".join([name for name in (city, district, province) if name is not None]) or None,
            latitude=point[0],
            longitude=point[1],
            reported=None if fields[34] is None else _day(fields[34], "Publication Date"),
            publisher=fields[33],
        )
    except BadCell as problem:
        return refuse(row, problem)


def _day(text: str | None, column: str) -> int:
    """The day, with or without a time behind it."""
    plain = text[:10] if text is not None and len(text) > 10 and text[10] in " T" else text
    return cells.iso_day(plain, column)


def _quad(text: str | None) -> int | None:
    """The quad class, as a number or in words."""
    return _QUADS.get(text.casefold()) or cells.whole(text, "Quad Code", 1, 4) if text is not None else None


def _party(fields: tuple[str | None, ...]) -> Party | None:
    name, country, _, primary, sectors, _, raw, wikipedia = fields
    if name is None and raw is None and country is None:
        return None
    listed = cells.items(sectors, _SEPARATORS)
    first = () if primary is None else (primary,)
    party = Party(name or raw, wikipedia, coded(country), (*first, *(each for each in listed if each != primary)))
    return remember(_PARTIES, fields, party, *fields)
