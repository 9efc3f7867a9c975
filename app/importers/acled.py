"""ACLED: political violence and protest, coded by people, in the comma-separated export of up to 31 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import BinaryIO

from app.importers import cells
from app.importers.base import Coded, Facts, Layout, Notes, Party, Refused, Row, Sample, refuse
from app.importers.cells import BadCell
from app.importers.countries import behind, countries, named
from app.importers.lines import Shape, table
from app.times import day_number, from_day_number

COLUMNS = (
    "event_id_cnty", "event_date", "year", "time_precision", "disorder_type", "event_type", "sub_event_type", "actor1",
    "assoc_actor_1", "inter1", "actor2", "assoc_actor_2", "inter2", "interaction", "civilian_targeting", "iso", "region",
    "country", "admin1", "admin2", "admin3", "location", "latitude", "longitude", "geo_precision", "source",
    "source_scale", "notes", "fatalities", "tags", "timestamp",
)  # fmt: skip

LAYOUT = Layout("acled", COLUMNS, header=True, separator=",", quoted=True)

FACTS = Facts(
    name="acled",
    title="ACLED",
    publisher="Armed Conflict Location & Event Data",
    licence="ACLED's terms of use: attribution, and no passing on of the data itself",
    url="https://acleddata.com/",
    words="Political violence, protest and what prepares them, coded by people from news and local partners.",
    layouts=(LAYOUT,),
    expectations=(
        "A newer export repeats events with changed values; the event's id stays.",
        "Many events have one actor only.",
    ),
    cannot=(
        "Fatalities, notes and tags are left out.",
        "Associated actors are left out.",
        "The first two administrative levels stand only in the place's name where it has none of its own.",
        "Which actor did what to which is not told by their order.",
    ),
    directed=False,
)

_INTERACTIONS = {
    "1": "State Forces", "2": "Rebel Forces", "3": "Militia Groups", "4": "Communal/Identity", "5": "Rioters",
    "6": "Protesters", "7": "Civilians", "8": "Foreign/Others",
}  # fmt: skip
_EARLIEST, _LATEST = day_number(date.min), day_number(date.max)


def _is_row(parts: Sequence[str]) -> bool:
    return len(parts) >= 30 and _is_id(parts[0]) and parts[2].isdigit() and len(parts[2]) == 4


def _is_id(text: str) -> bool:
    return text[:3].isalpha() and text[3:].isascii() and text[3:].isdigit() and text.isascii()


_SHAPE = Shape(
    LAYOUT,
    required=frozenset(("event_id_cnty", "event_date", "event_type", "sub_event_type", "actor1", "country")),
    nulls=frozenset(("",)),
    is_row=_is_row,
)


def seen(sample: Sample) -> tuple[Layout, str] | None:
    """Whether this is an ACLED export: by its header, or by columns that begin with an id such as IRN22059."""
    titles = [title.strip(' "').casefold() for title in sample.first.split(",")]
    if {"event_id_cnty", "event_date", "sub_event_type"} <= set(titles):
        return LAYOUT, "the header names event_id_cnty, event_date and sub_event_type, separated by commas"
    if _is_row(titles) and titles[3] in ("1", "2", "3"):
        return LAYOUT, "there is no header, and the columns begin with an id, a day, a year and a precision"
    return None


def read(file: BinaryIO, notes: Notes | None = None) -> Iterator[Row | Refused]:
    """Rows of one export: comma-separated, cells in quotation marks where needed, nothing is missing but the empty cell."""
    return table(file, _SHAPE, notes if notes is not None else Notes())


def translate(row: Row) -> Coded | Refused:
    """One event's meaning. Both actors take part; ACLED gives their order no sense."""
    if len(row.fields) != len(COLUMNS):
        return refuse(row, BadCell("missing-column", f"The row has {len(row.fields)} columns; 31 are needed."))
    (
        number, day, _, precision, _, event_type, sub_event_type, actor1, _, inter1, actor2, _, inter2, _, _, iso, _,
        country, admin1, admin2, admin3, location, latitude, longitude, _, source, *_,
    ) = row.fields  # fmt: skip
    try:
        number = cells.key(number, "event_id_cnty")
        if event_type is None:
            raise BadCell("missing-value", "event_type is empty; the row does not say what happened.")
        first, last = _days(day, cells.whole(precision, "time_precision", 1, 3))
        point = cells.point(latitude, longitude)
        return Coded(
            native=number,
            first=first,
            last=last,
            initiator=_party(actor1, inter1),
            recipient=_party(actor2, inter2),
            label=event_type if sub_event_type is None else f"{event_type}: {sub_event_type}",
            country=_country(iso, country),
            place=location or admin3 or admin2 or admin1,
            latitude=point[0],
            longitude=point[1],
            publisher=source,
        )
    except BadCell as problem:
        return refuse(row, problem)


def _days(text: str | None, precision: int | None) -> tuple[int, int]:
    """The first and last day that an event's date can mean: precision 2 says about a week, 3 about a month."""
    day = _day(text)
    if precision == 2:
        # The codebook puts the date somewhere in the week; where, it leaves to the coder.
        return max(day - 6, _EARLIEST), min(day + 6, _LATEST)
    if precision == 3:
        on = from_day_number(day)
        # The 28th and four days are in the next month, whichever this one is.
        following = on.replace(day=28) + timedelta(days=4) if on.year < 9999 or on.month < 12 else None
        end = day_number(following.replace(day=1)) - 1 if following is not None else day_number(on.replace(day=31))
        return day_number(on.replace(day=1)), end
    return day, day


def _day(text: str | None) -> int:
    """The day, written 2023-01-31, 31-01-2023 (older exports) or 31 January 2023."""
    if text is None or (len(text) == 10 and text[4] == "-"):
        return cells.iso_day(text, "event_date")
    if "/" in text:
        detail = (
            f"event_date is {cells.shown(text)}: day and month could change places. No export of ACLED writes strokes"
        )
        raise BadCell("ambiguous-date", f"{detail}; write 2023-01-31.")
    parts = text.split("-")
    if len(text) == 10 and list(map(len, parts)) == [2, 2, 4]:
        return cells.day_of(parts[2], parts[1], parts[0], text=text, column="event_date (day first)")
    return cells.worded_day(text, "event_date")


def _country(iso: str | None, name: str | None) -> str | None:
    """The country, by its number where there is one. Kosovo has none: ACLED writes 0."""
    return countries().numeric.get(iso.zfill(3)) or named(name) if iso is not None and len(iso) <= 3 else named(name)


def _party(name: str | None, inter: str | None) -> Party | None:
    if name is None:
        return None
    sector = _INTERACTIONS.get(inter, inter) if inter not in (None, "0") else None
    return Party(name, None, behind(name), () if sector is None else (sector,))
