"""What one cell means: a day, a number, a point on the globe, a list."""

from __future__ import annotations

import hashlib
import math
from datetime import date

from app.times import day_number, from_day_number

# Files repeat the same few thousand days, so a day is parsed once and looked up afterwards (0.05 µs against 0.6 µs).
# There are 3.6 million days that could be asked for; the bound keeps a hostile file from keeping them all.
_KEPT = 50_000
_iso: dict[str, int] = {}
_compact: dict[str, int] = {}
_text: dict[int, str] = {}
# Written out, since the calendar module speaks the language of the machine it runs on.
_MONTHS = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12,
}  # fmt: skip


class BadCell(Exception):
    """A cell that cannot be read: a stable reason, and a sentence with what was read and what is allowed."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def shown(text: str) -> str:
    """A cell as a message may repeat it: quoted, and cut."""
    return repr(text if len(text) <= 60 else text[:59] + "…")


def iso_day(text: str | None, column: str) -> int:
    """The day of `2018-06-01`."""
    known = _iso.get(text) if text is not None else None
    if known is not None:
        return known
    if text is None:
        raise BadCell("bad-date", f"{column} is empty; a day such as 2018-06-01 is needed.")
    parts = text.split("-")
    if len(text) != 10 or list(map(len, parts)) != [4, 2, 2]:
        raise BadCell("bad-date", f"{column} is {shown(text)}; a day is written 2018-06-01.")
    return _keep(_iso, text, _day(parts[0], parts[1], parts[2], text=text, column=column))


def iso_text(day: int) -> str:
    """A day as `2018-06-01`."""
    known = _text.get(day)
    if known is not None:
        return known
    if len(_text) >= _KEPT:
        _text.clear()
    return _text.setdefault(day, from_day_number(day).isoformat())


def compact_day(text: str | None, column: str) -> int:
    """The day of `20180601`."""
    known = _compact.get(text) if text is not None else None
    if known is not None:
        return known
    if text is None:
        raise BadCell("bad-date", f"{column} is empty; a day such as 20180601 is needed.")
    if len(text) != 8:
        raise BadCell("bad-date", f"{column} is {shown(text)}; a day is written 20180601.")
    return _keep(_compact, text, _day(text[:4], text[4:6], text[6:], text=text, column=column))


def compact_moment(text: str | None, column: str) -> int:
    """The day of `20180601134500`, whose time of day must exist but is dropped."""
    if text is None or len(text) != 14 or not _digits(text):
        seen = "empty" if text is None else shown(text)
        raise BadCell("bad-date", f"{column} is {seen}; a moment is written 20180601134500.")
    if text[8:10] > "23" or text[10:12] > "59" or text[12:] > "60":
        raise BadCell("bad-date", f"{column} is {shown(text)}; there is no such time of day.")
    return compact_day(text[:8], column)


def worded_day(text: str, column: str) -> int:
    """The day of `01 January 2023`."""
    parts = text.split(" ")
    if len(parts) != 3 or parts[1].lower() not in _MONTHS or not 1 <= len(parts[0]) <= 2 or len(parts[2]) != 4:
        raise BadCell(
            "bad-date", f"{column} is {shown(text)}; a day is written 2023-01-31, 31-01-2023 or 31 January 2023."
        )
    return _day(parts[2], str(_MONTHS[parts[1].lower()]), parts[0], text=text, column=column)


def day_of(year: str, month: str, day: str, *, text: str, column: str) -> int:
    """The day that three numbers name, wherever in `text` they stood."""
    return _day(year, month, day, text=text, column=column)


def _day(year: str, month: str, day: str, *, text: str, column: str) -> int:
    if not (_digits(year) and _digits(month) and _digits(day)):
        raise BadCell("bad-date", f"{column} is {shown(text)}; a day is made of digits.")
    try:
        return day_number(date(int(year), int(month), int(day)))
    except ValueError:
        raise BadCell("bad-date", f"{column} is {shown(text)}; there is no such day.") from None


def _keep(known: dict[str, int], text: str, day: int) -> int:
    if len(known) >= _KEPT:
        known.clear()
    known[text] = day
    return day


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def identifier(text: str | None, column: str) -> str:
    """A key made of digits only."""
    # Twenty digits hold any 64-bit number.
    if text is None or len(text) > 20 or not _digits(text):
        seen = "empty" if text is None else shown(text)
        raise BadCell("bad-id", f"{column} is {seen}; it is made of up to 20 digits.")
    return text


def key(text: str | None, column: str) -> str:
    """A key that is one short word without white space."""
    if not text or len(text) > 200 or not text.isprintable() or " " in text:
        seen = shown(text) if text else "empty"
        raise BadCell("bad-id", f"{column} is {seen}; it is one word of up to 200 characters.")
    return text


def whole(text: str | None, column: str, low: int = 0, high: int = 2**31 - 1) -> int | None:
    """A whole number between `low` and `high`, or None for an empty cell. `3.0` counts as 3, as spreadsheets write it."""
    if text is None:
        return None
    plain = text.removesuffix(".0")
    if len(plain) <= 12 and _digits(plain.removeprefix("-")) and low <= (number := int(plain)) <= high:
        return number
    raise BadCell("bad-number", f"{column} is {shown(text)}; a whole number from {low} to {high} is allowed.")


def decimal(text: str | None, column: str, low: float, high: float, reason: str = "bad-number") -> float | None:
    """A decimal number between `low` and `high`, or None for an empty cell."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # `1_000` and digits of other scripts are numbers to Python, and to nobody else.
    if low <= number <= high and text.isascii() and "_" not in text:
        return number
    raise BadCell(reason, f"{column} is {shown(text)}; a number from {low:g} to {high:g} is allowed.")


def point(latitude: str | None, longitude: str | None) -> tuple[float | None, float | None]:
    """A point on the globe; neither number where one is missing."""
    if latitude is None or longitude is None:
        return None, None
    return (
        decimal(latitude, "the latitude", -90, 90, "bad-coordinate"),
        decimal(longitude, "the longitude", -180, 180, "bad-coordinate"),
    )


def items(text: str | None, separators: str) -> tuple[str, ...]:
    """The items of a list cell, without repeats, in alphabetical order.

    The datasets repeat the same list in any order, and a new order alone must not look like a new value.
    """
    if text is None:
        return ()
    for separator in separators[1:]:
        text = text.replace(separator, separators[0])
    return tuple(sorted({item for part in text.split(separators[0]) if (item := part.strip(" "))}))


def web_address(text: str | None) -> str | None:
    """The cell where it is a web address, else None."""
    return text if text is not None and text[:8].lower().startswith(("http://", "https://")) else None


def digest(*cells: str | None) -> str:
    """A key for a row that has none: the same cells give the same 24 characters."""
    content = "\t".join([cell if cell is not None else "" for cell in cells])
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
