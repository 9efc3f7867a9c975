"""GDELT events: 61 columns since 2015 (2.0), 58 or 57 in the daily files (1.0), and re-exports of them by spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from app.importers import cells
from app.importers.base import (
    SHOWN_CHARACTERS,
    Coded,
    Facts,
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
from app.importers.cameo import KINDS, is_code
from app.importers.cells import BadCell
from app.importers.countries import countries
from app.importers.lines import blocks

_ACTOR = (
    "Code", "Name", "CountryCode", "KnownGroupCode", "EthnicCode", "Religion1Code", "Religion2Code", "Type1Code",
    "Type2Code", "Type3Code",
)  # fmt: skip
_GEO = ("Type", "FullName", "CountryCode", "ADM1Code", "ADM2Code", "Lat", "Long", "FeatureID")
_HEAD = (
    "GLOBALEVENTID", "SQLDATE", "MonthYear", "Year", "FractionDate",
    *(f"Actor1{name}" for name in _ACTOR), *(f"Actor2{name}" for name in _ACTOR),
    "IsRootEvent", "EventCode", "EventBaseCode", "EventRootCode", "QuadClass", "GoldsteinScale", "NumMentions",
    "NumSources", "NumArticles", "AvgTone",
)  # fmt: skip
_PLACES = ("Actor1Geo", "Actor2Geo", "ActionGeo")
COLUMNS_2 = (*_HEAD, *(f"{place}_{name}" for place in _PLACES for name in _GEO), "DATEADDED", "SOURCEURL")
COLUMNS_1 = tuple(name for name in COLUMNS_2 if not name.endswith("ADM2Code"))

GDELT_2 = Layout("gdelt-2", COLUMNS_2, header=False, separator="\t")
GDELT_1 = Layout("gdelt-1", COLUMNS_1, header=False, separator="\t")
GDELT_1_BACKFILE = Layout("gdelt-1-backfile", COLUMNS_1[:-1], header=False, separator="\t")
REEXPORT = Layout("gdelt-2-reexport", COLUMNS_2, header=True, separator=";")

FACTS = Facts(
    name="gdelt",
    title="GDELT events",
    publisher="The GDELT Project",
    licence="free for any use with a citation of the GDELT Project and a link to it",
    url="https://www.gdeltproject.org/",
    words="Events since 1979, coded by machine from the world's news every fifteen minutes, with a CAMEO code and an address.",
    layouts=(GDELT_2, GDELT_1, GDELT_1_BACKFILE, REEXPORT),
    expectations=(
        "Every file carries rows dated a day, a week, a month or a year before it.",
        "About four rows in ten lack one of the two actors.",
        "The number of an event says nothing about its place in time.",
        "The same story gives several rows that differ in little.",
    ),
    cannot=(
        "Ethnic, religious and known-group codes of the actors are left out; their type codes are carried as sectors.",
        "Of three places only the action's is carried, without its administrative codes and its feature number.",
        "Tone, numbers of sources and articles, and whether an event is the root of its story are left out.",
        "The address is of one report; the others are in the mentions.",
    ),
)

# Where a row of each width has its place, country, latitude (the longitude is next) and report (the address is next).
_CELLS = ("ActionGeo_FullName", "ActionGeo_CountryCode", "ActionGeo_Lat", "DATEADDED")
_AT = {
    width: tuple([columns.index(name) for name in _CELLS])
    for width, columns in ((61, COLUMNS_2), (58, COLUMNS_1), (57, COLUMNS_1))
}
_WIDTHS = frozenset(_AT)
_PARTIES: dict[tuple[str | None, ...], Party] = {}


def seen(sample: Sample) -> tuple[Layout, str] | None:
    """Whether these are GDELT events: 57, 58 or 61 columns that begin with a number and a day, or say so in a header."""
    rows = [line for line in sample.lines if line]
    if not rows:
        return None
    separator = ";" if rows[0].count(";") >= 56 and "\t" not in rows[0] else "\t"
    parts = rows[0].split(separator)
    if _is_header(parts) and len(parts) >= 57:
        what = "semicolons" if separator == ";" else "tabs"
        return REEXPORT, f"a header begins with GLOBALEVENTID, and {len(parts)} columns are separated by {what}"
    trimmed = [_trimmed(line.split(separator), None) for line in rows]
    sound = [parts for parts in trimmed if len(parts) in _WIDTHS and _is_row(parts)]
    if not mostly(len(sound), len(rows)):
        return None
    widths = {len(parts) for parts in sound}
    found = {61: GDELT_2, 58: GDELT_1, 57: GDELT_1_BACKFILE}[max(widths)] if separator == "\t" else REEXPORT
    counts = " and ".join(str(width) for width in sorted(widths))
    return found, f"there is no header, and {counts} columns begin with an event's number and a day without hyphens"


def _is_header(parts: Sequence[str]) -> bool:
    return parts[0].strip().casefold() == "globaleventid"


def _is_row(parts: Sequence[str]) -> bool:
    return parts[0].isdigit() and len(parts[1]) == 8 and parts[1].isdigit()


def _trimmed(parts: list[str], notes: Notes | None) -> list[str]:
    """The cells without empty ones beyond the widest layout that they can be."""
    width = len(parts)
    if width in _WIDTHS or width < 57:
        return parts
    target = 58 if width < 61 else 61
    if any(parts[target:]):
        return parts
    if notes is not None:
        notes["empty-trailing-columns"] += 1
    return parts[:target]


def read(file: BinaryIO, notes: Notes | None = None) -> Iterator[Row | Refused]:
    """Rows of one file of events: 61, 58 or 57 columns each, told apart row by row, since daily files mix the last two.

    Position decides what a column is: the one header in circulation misplaces three of its names.
    """
    notes = notes if notes is not None else Notes()
    separator = ""
    for block in blocks(file, notes):
        if isinstance(block, Refused):
            yield block
            continue
        for line, text in enumerate(block.texts, block.line):
            if not separator and text:
                separator = ";" if text.count(";") >= 56 and text.count("\t") < 56 else "\t"
            parts = text.split(separator) if text else []
            if len(parts) not in _WIDTHS:
                if not text:
                    notes["blank-line"] += 1
                    continue
                parts = _trimmed(parts, notes)
                if len(parts) not in _WIDTHS:
                    reason = "missing-column" if len(parts) < 57 else "extra-column"
                    detail = f"The row has {len(parts)} columns; 61, 58 or 57 are allowed."
                    yield Refused(line, reason, detail, text[:SHOWN_CHARACTERS])
                    continue
            if not parts[0].isdigit() and _is_header(parts):
                notes["header-unexpected" if line == 1 else "header-repeated"] += 1
                continue
            # Both are marks of a spreadsheet, and both can be told from the row itself.
            if len(parts[28]) == 1:
                _restore(parts)
                notes["leading-zero-restored"] += 1
            if "E+" in parts[-2]:
                parts[-2] = ""
                notes["moment-damaged"] += 1
            yield Row(line, tuple([cell or None for cell in parts]), text[:SHOWN_CHARACTERS])


def _restore(parts: list[str]) -> None:
    """Give the three codes back the zero that they all lost: a root code has two digits, and begins the others."""
    root = parts[28]
    for at in (26, 27, 28):
        if parts[at].startswith(root):
            parts[at] = "0" + parts[at]


def translate(row: Row) -> Coded | Refused:
    """One row's meaning. The country of an actor is CAMEO's, that of a place is FIPS; both become ISO where they can."""
    fields = row.fields
    if (at := _AT.get(len(fields))) is None:
        return refuse(row, BadCell("missing-column", f"The row has {len(fields)} columns; 61, 58 or 57 are needed."))
    place, country, latitude, added = at
    try:
        number = cells.identifier(fields[0], "GLOBALEVENTID")
        first = cells.compact_day(fields[1], "SQLDATE")
        code = fields[26]
        if code is None or not is_code(code):
            seen = "empty" if code is None else cells.shown(code)
            raise BadCell("bad-code", f"EventCode is {seen}; two to four digits from 01 to 20 are allowed.")
        point = cells.point(fields[latitude], fields[latitude + 1])
        address = fields[added + 1] if len(fields) > 57 else None
        url = cells.web_address(address)
        return Coded(
            native=number,
            first=first,
            last=first,
            initiator=_PARTIES.get(fields[5:15]) or _party(fields[5:15]),
            recipient=_PARTIES.get(fields[15:25]) or _party(fields[15:25]),
            code=code,
            quad=cells.whole(fields[29], "QuadClass", 1, 4),
            intensity=cells.decimal(fields[30], "GoldsteinScale", -10, 10),
            kind=KINDS.get(code),
            country=countries().fips.get(fields[country] or ""),
            place=fields[place],
            latitude=point[0],
            longitude=point[1],
            reported=_added(fields[added]),
            publisher=address if url is None else None,
            url=url,
            weight=cells.whole(fields[31], "NumMentions") or 1,
        )
    except BadCell as problem:
        return refuse(row, problem)


def _added(text: str | None) -> int | None:
    """The day of the report: eight digits in the daily files, fourteen in the others."""
    if text is None:
        return None
    return cells.compact_day(text, "DATEADDED") if len(text) == 8 else cells.compact_moment(text, "DATEADDED")


def _party(fields: tuple[str | None, ...]) -> Party | None:
    code, name, country = fields[:3]
    if code is None and name is None:
        return None
    sectors = tuple(dict.fromkeys(sector for sector in fields[7:] if sector is not None))
    party = Party(name, code, countries().alpha3.get(country or ""), sectors)
    return remember(_PARTIES, fields, party, *fields)
