"""UCDP GED: single events of organised violence with at least one death, coded by people, 49 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from app.importers import cells
from app.importers.base import Coded, Facts, Layout, Notes, Party, Refused, Row, Sample, refuse
from app.importers.cells import BadCell
from app.importers.countries import behind, countries, named
from app.importers.lines import Shape, table

COLUMNS = (
    "id", "relid", "year", "active_year", "code_status", "type_of_violence", "conflict_dset_id", "conflict_new_id",
    "conflict_name", "dyad_dset_id", "dyad_new_id", "dyad_name", "side_a_dset_id", "side_a_new_id", "side_a",
    "side_b_dset_id", "side_b_new_id", "side_b", "number_of_sources", "source_article", "source_office", "source_date",
    "source_headline", "source_original", "where_prec", "where_coordinates", "where_description", "adm_1", "adm_2",
    "latitude", "longitude", "geom_wkt", "priogrid_gid", "country", "country_id", "region", "event_clarity", "date_prec",
    "date_start", "date_end", "deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "best", "high", "low",
    "gwnoa", "gwnob",
)  # fmt: skip

LAYOUT = Layout("ucdp-ged", COLUMNS, header=True, separator=",", quoted=True)

FACTS = Facts(
    name="ucdp",
    title="UCDP Georeferenced Event Dataset",
    publisher="Uppsala Conflict Data Program",
    licence="CC BY 4.0",
    url="https://ucdp.uu.se/downloads/",
    words="Events of organised violence since 1989 in which somebody died, coded by people, placed and dated with care.",
    layouts=(LAYOUT,),
    expectations=(
        "An event lasts from a day to months: its two dates are the first and the last day it can have happened on.",
        "The second side of one-sided violence is Civilians.",
    ),
    cannot=(
        "Deaths, the reason of the dataset, are left out.",
        "Conflict and dyad are left out; the two sides are carried.",
        "Of the sources their offices and the first date are carried, not the articles.",
        "Administrative divisions and precision of place and date are left out.",
    ),
    directed=False,
)

_TYPES = {"1": "State-based violence", "2": "Non-state violence", "3": "One-sided violence"}


def _is_row(parts: Sequence[str]) -> bool:
    return len(parts) >= len(COLUMNS) and parts[0].isdigit() and parts[5] in _TYPES


_SHAPE = Shape(
    LAYOUT,
    required=frozenset(("id", "type_of_violence", "side_a", "side_b", "date_start", "date_end")),
    nulls=frozenset(("",)),
    is_row=_is_row,
)


def seen(sample: Sample) -> tuple[Layout, str] | None:
    """Whether this is a GED file: by its header, or by 49 columns with a number and a type of violence."""
    titles = [title.strip(' "').casefold() for title in sample.first.split(",")]
    if {"id", "type_of_violence", "side_a", "side_b", "date_start"} <= set(titles):
        return LAYOUT, "the header names id, type_of_violence, side_a, side_b and date_start, separated by commas"
    if _is_row(titles) and titles[2].isdigit() and len(titles[2]) == 4:
        return LAYOUT, "there is no header, and 49 columns begin with an event's number, its key, its year and its type"
    return None


def read(file: BinaryIO, notes: Notes | None = None) -> Iterator[Row | Refused]:
    """Rows of one file, whose header has all 49 columns, fewer of them (older releases), or is not there at all."""
    return table(file, _SHAPE, notes if notes is not None else Notes())


def translate(row: Row) -> Coded | Refused:
    """One event's meaning. Only in one-sided violence does side A act upon side B; elsewhere both fight."""
    fields = row.fields
    if len(fields) != len(COLUMNS):
        return refuse(row, BadCell("missing-column", f"The row has {len(fields)} columns; 49 are needed."))
    try:
        number = cells.identifier(fields[0], "id")
        if (violence := _TYPES.get(fields[5] or "")) is None:
            seen = "empty" if fields[5] is None else cells.shown(fields[5])
            raise BadCell("bad-code", f"type_of_violence is {seen}; 1, 2 and 3 are allowed.")
        first, last = _day(fields[38], "date_start"), _day(fields[39], "date_end")
        if last < first:
            raise BadCell("bad-date", f"date_end is {fields[39]}, before date_start, which is {fields[38]}.")
        point = cells.point(fields[29], fields[30])
        return Coded(
            native=number,
            first=first,
            last=last,
            initiator=_party(fields[14], fields[13], fields[47]),
            recipient=_party(fields[17], fields[16], fields[48]),
            label=violence,
            country=countries().gleditsch_ward.get(fields[34] or "") or named(fields[33]),
            place=fields[25],
            latitude=point[0],
            longitude=point[1],
            reported=_reported(fields[21]),
            publisher=fields[20],
            weight=max(cells.whole(fields[18], "number_of_sources", -1) or 1, 1),
        )
    except BadCell as problem:
        return refuse(row, problem)


def _day(text: str | None, column: str) -> int:
    """The day, alone or with the midnight that the API and older releases write behind it."""
    if text is not None and len(text) > 10 and text[10:].strip("T 0:.Z") == "":
        text = text[:10]
    return cells.iso_day(text, column)


def _reported(dates: str | None) -> int | None:
    """The first of the days on which the sources appeared; None where they are not written as days."""
    days = []
    for text in cells.items(dates, ";"):
        try:
            days.append(cells.iso_day(text, "source_date"))
        except BadCell:
            # What the coders wrote there is a remark as often as a day, and nothing else depends on it.
            continue
    return min(days, default=None)


def _party(name: str | None, code: str | None, gw: str | None) -> Party | None:
    if name is None:
        return None
    return Party(name, code, countries().gleditsch_ward.get(gw or "") or behind(name))
