"""What a date, a duration or a moment means as days and UTC time, and what time it is now.

    "2024-06~"      parse_edtf      2024-06-01 … 2024-06-30, approximate     how sources date things
    "2024-06"       first_day       2024-06-01                               _from and _before filters
    "2024-06-05"    parse_day       2024-06-05                               a calendar day and nothing else
    "P1Y6M"         parse_duration  18 months                                terms of agreements
    "2024-06-05T10:00:00+02:00"     parse_moment    08:00 UTC on June 5th    as_of

Every refusal is a BadDate that says what was read, what is allowed, and gives an example.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from app.errors import BadDate

Clock = Callable[[], datetime]

LONGEST: Final = 64  # characters: a choice of twelve years fits

_EDTF_ALLOWED: Final = (
    "Allowed are a year, a month or a day (2024, 2024-06, 2024-06-05), a season (2024-21 is spring, 2024-24 winter), "
    "X for digits that are not known (202X, 2024-XX), ? or ~ or % at the end for uncertain, approximate or both, "
    "an interval (2024-06/2025, 2024/.. where the end is open, 2024/ where it is unknown), and a choice ([2023,2024], "
    "[2024..]), in the years 0001 to 9999; for example 2024-06."
)
_DAY_ALLOWED: Final = "Allowed is a calendar day in the years 0001 to 9999; for example 2024-06-05."
_FIRST_DAY_ALLOWED: Final = (
    "Allowed are a day, a month or a year, each standing for its first day, in the years 0001 to 9999; "
    "for example 2024-06-05, 2024-06 or 2024."
)
_MOMENT_ALLOWED: Final = (
    "Allowed are a day, or an RFC 3339 timestamp with Z, with an offset, or with neither for UTC, that is in the years "
    "0001 to 9999 also in UTC; for example 2024-06-05 or 2024-06-05T10:00:00Z."
)
_DURATION_ALLOWED: Final = (
    "Allowed are whole years, months, weeks and days in that order, as in ISO 8601; "
    "for example P10Y, P1Y6M, P2W or P90D."
)

# [0-9] and fullmatch throughout: \d takes the digits of every script, and $ a newline at the end.
_SINGLE: Final = re.compile(
    r"([0-9]{4}|[0-9]{3}X|[0-9]{2}XX|[0-9]XXX|XXXX)(?:-([0-9]{2}|XX)(?:-([0-9]{2}|XX))?)?([?~%])?"
)
_SET: Final = re.compile(r"\[([^\[\]{}]+)\]|\{([^\[\]{}]+)\}")
_PLAIN: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))?"
)
_PLUS_LOST: Final = re.compile(r"[^ ]+[Tt ][0-9:.]+ [0-9]{2}:[0-9]{2}")
_DURATION: Final = re.compile(r"P(?=[0-9])(?:([0-9]{1,6})Y)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})W)?(?:([0-9]{1,7})D)?")

# The first month of each season of the northern hemisphere, as meteorologists count them; each lasts three months.
_SEASONS: Final = {21: 3, 22: 6, 23: 9, 24: 12}
_EPOCH: Final = date(1970, 1, 1).toordinal()


# ---- what a source calls a date


@dataclass(frozen=True, slots=True)
class Edtf:
    """A date as EDTF (ISO 8601-2) writes it, with the first and the last calendar day it can mean.

    None on a side is open or unknown there, so XXXX and `../..` are None on both. A set such as [2021,2023] spans from
    its first member to its last: the gap between them is not kept.
    """

    text: str
    first: date | None
    last: date | None
    uncertain: bool
    approximate: bool


def parse_edtf(text: str) -> Edtf:
    """The date that an EDTF text of level 0 or 1, or a set of level 2, stands for.

    Seasons are northern: 2024-21 is March to May 2024, and 2024-24 is the winter that begins in that year, December
    2024 to February 2025. Raises BadDate for everything else: other forms of level 2, days that do not exist, intervals
    that run backwards, years outside 0001 to 9999.
    """
    _refuse_long(text, _EDTF_ALLOWED)
    return _edtf(text)


@lru_cache(maxsize=4096)  # 0.1 µs instead of 2, and records repeat their dates
def _edtf(text: str) -> Edtf:
    if "/" in text:
        return _interval(text)
    if members := _SET.fullmatch(text):
        return _set(text, members[1] or members[2])
    return _single(text, text)


def _single(text: str, whole: str) -> Edtf:
    """One year, month, day or season; `whole` is the text it was found in, for the refusal."""
    found = _SINGLE.fullmatch(text)
    if not found:
        raise _refused(whole, "is not a date we can read", _EDTF_ALLOWED)
    year, month, day, doubt = found.groups()
    if ("X" in year and month) or (month == "XX" and day not in (None, "XX")):
        raise _refused(whole, "has a month or day after digits that are not known", _EDTF_ALLOWED)
    first, last = _days(year, month, day, whole)
    return Edtf(text, first, last, uncertain=doubt in ("?", "%"), approximate=doubt in ("~", "%"))


def _days(year: str, month: str | None, day: str | None, whole: str) -> tuple[date | None, date | None]:
    """The first and last day of a year, month, season or day whose digits may be X."""
    if year == "XXXX":
        return None, None
    if month is None or month == "XX":
        least = 1 if year in ("000X", "00XX", "0XXX") else int(year.replace("X", "0"))  # there is no year 0
        return _calendar(least, 1, 1, whole, _EDTF_ALLOWED), date(int(year.replace("X", "9")), 12, 31)
    if int(month) in _SEASONS and day is None:
        start = _calendar(int(year), _SEASONS[int(month)], 1, whole, _EDTF_ALLOWED)
        return start, _month_end(start.year, start.month + 2)
    if day is None or day == "XX":
        start = _calendar(int(year), int(month), 1, whole, _EDTF_ALLOWED)
        return start, _month_end(start.year, start.month)
    exact = _calendar(int(year), int(month), int(day), whole, _EDTF_ALLOWED)
    return exact, exact


def _interval(text: str) -> Edtf:
    """`A/B`, where a side may be `..` (open) or empty (unknown)."""
    start, _, end = text.partition("/")
    if not start and not end:
        raise _refused(text, "says nothing; leave the date out (null) instead", _EDTF_ALLOWED)
    return _between(text, _side(start, text), _side(end, text))


def _set(text: str, inside: str) -> Edtf:
    """`[A,B..C]` (one of them) or `{A,B..C}` (all of them); `..` before the first or after the last is an open end."""
    pieces = inside.split(",")
    members = []
    for place, piece in enumerate(pieces):
        start, dots, end = piece.partition("..")
        opens, closes = bool(dots and not start), bool(dots and not end)
        if (opens and place > 0) or (closes and place < len(pieces) - 1) or (opens and closes):
            raise _refused(text, "has an open end in the middle, or no date at all", _EDTF_ALLOWED)
        if dots:
            members.append(_between(text, _side(start, text), _side(end, text)))
        else:
            members.append(_single(piece, text))
    firsts, lasts = [m.first for m in members], [m.last for m in members]
    return Edtf(
        text,
        None if None in firsts else min(d for d in firsts if d),
        None if None in lasts else max(d for d in lasts if d),
        uncertain=any(m.uncertain for m in members),
        approximate=any(m.approximate for m in members),
    )


def _side(text: str, whole: str) -> Edtf:
    """One side of an interval or range; nothing and `..` have no days."""
    if text in ("", ".."):
        return Edtf(text, None, None, uncertain=False, approximate=False)
    return _single(text, whole)


def _between(text: str, start: Edtf, end: Edtf) -> Edtf:
    """From the first day that `start` can mean to the last day that `end` can mean."""
    if start.first and end.last and start.first > end.last:
        raise _refused(text, "runs backwards: it ends before it begins", _EDTF_ALLOWED)
    return Edtf(
        text,
        start.first,
        end.last,
        uncertain=start.uncertain or end.uncertain,
        approximate=start.approximate or end.approximate,
    )


# ---- plain days


def parse_day(text: str) -> date:
    """The calendar day that `2024-06-05` names; no other spelling."""
    _refuse_long(text, _DAY_ALLOWED)
    found = _PLAIN.fullmatch(text)
    if not found or found[3] is None:
        raise _refused(text, "is not a day", _DAY_ALLOWED)
    return _calendar(int(found[1]), int(found[2]), int(found[3]), text, _DAY_ALLOWED)


def first_day(text: str) -> date:
    """The first day of a day, month or year: where a `_from` filter begins and a `_before` filter ends."""
    _refuse_long(text, _FIRST_DAY_ALLOWED)
    found = _PLAIN.fullmatch(text)
    if not found:
        raise _refused(text, "is not a day, month or year", _FIRST_DAY_ALLOWED)
    year, month, day = (int(digits or "1") for digits in found.groups())
    return _calendar(year, month, day, text, _FIRST_DAY_ALLOWED)


def day_number(day: date) -> int:
    """How many days after 1970-01-01 this day is; negative before."""
    return day.toordinal() - _EPOCH


def from_day_number(number: int) -> date:
    """The day that `day_number` numbers so. Raises BadDate outside the years 0001 to 9999."""
    try:
        return date.fromordinal(number + _EPOCH)
    except (ValueError, OverflowError):
        raise BadDate("A day number is outside the years 0001 to 9999; for example 0 is 1970-01-01.") from None


# ---- durations


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of calendar time; how many days it has depends on where it begins."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0


def parse_duration(text: str) -> Duration:
    """The length that an ISO 8601 duration of whole years, months, weeks and days names."""
    _refuse_long(text, _DURATION_ALLOWED)
    found = _DURATION.fullmatch(text)
    if not found:
        raise _refused(text, "is not a duration we can read", _DURATION_ALLOWED)
    years, months, weeks, days = (int(digits or "0") for digits in found.groups())
    return Duration(years, months, weeks, days)


def add(day: date, duration: Duration) -> date:
    """The day that is `duration` after `day`: years and months first, then weeks and days.

    A day that its month does not have becomes the month's last, so a month after January 31st is February 28th or 29th.
    Raises BadDate when that is after the year 9999.
    """
    months = day.year * 12 + day.month - 1 + duration.years * 12 + duration.months
    year, month = months // 12, months % 12 + 1
    try:
        landed = date(year, month, min(day.day, monthrange(year, month)[1]))
        return landed + timedelta(weeks=duration.weeks, days=duration.days)
    except (ValueError, OverflowError):
        raise BadDate(
            f"{duration.years} years, {duration.months} months, {duration.weeks} weeks and {duration.days} days after "
            f"{day.isoformat()} is beyond the year 9999. Allowed is what ends before; for example P10Y."
        ) from None


# ---- moments


def utc_now() -> datetime:
    """The time, in UTC; the only place that asks the machine for it."""
    return datetime.now(UTC)


def parse_moment(text: str) -> date | datetime:
    """What `as_of` names: a plain date for a day, a datetime in UTC for a timestamp.

    A datetime is a date to Python, so ask for `isinstance(moment, datetime)` first. Digits beyond the microsecond are
    cut, which keeps "at or before this moment" right for clocks that count microseconds.
    """
    _refuse_long(text, _MOMENT_ALLOWED)
    if (plain := _PLAIN.fullmatch(text)) and plain[3]:
        return _calendar(int(plain[1]), int(plain[2]), int(plain[3]), text, _MOMENT_ALLOWED)
    found = _TIMESTAMP.fullmatch(text)
    if not found:
        hint = "; in a URL, write the + of an offset as %2B" if _PLUS_LOST.fullmatch(text) else ""
        raise _refused(text, f"is not a moment we can read{hint}", _MOMENT_ALLOWED)
    day, hour, minute, second, fraction, _, sign, offset_hours, offset_minutes = found.groups()
    if second == "60":
        raise _refused(text, "is a leap second, which our clock does not count; use second 59", _MOMENT_ALLOWED)
    year, month, of_month = (int(part) for part in day.split("-"))
    _calendar(year, month, of_month, text, _MOMENT_ALLOWED)
    try:
        if int(offset_minutes or "0") > 59:
            raise ValueError
        offset = timedelta(hours=int(offset_hours or "0"), minutes=int(offset_minutes or "0"))
        zone = timezone(-offset if sign == "-" else offset)
        microsecond = int((fraction or "0").ljust(6, "0")[:6])
        local = datetime(year, month, of_month, int(hour), int(minute), int(second), microsecond, tzinfo=zone)
    except ValueError:
        raise _refused(text, "has an hour, minute, second or offset that does not exist", _MOMENT_ALLOWED) from None
    try:
        return local.astimezone(UTC)
    except OverflowError:
        raise _refused(text, "is outside the years 0001 to 9999 in UTC", _MOMENT_ALLOWED) from None


def rfc3339(moment: datetime) -> str:
    """This moment in UTC as our answers write it, `2024-06-05T08:00:00Z`; microseconds only where there are any.

    A moment without a zone is taken as UTC: that is how SQLite gives them back.
    """
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat().removesuffix("+00:00") + "Z"


# ---- what they share


def _calendar(year: int, month: int, day: int, whole: str, allowed: str) -> date:
    """This day, or the refusal of one that no calendar has."""
    try:
        return date(year, month, day)
    except ValueError:
        if year == 0:
            why = "is in the year 0000, which our calendar does not have"
        elif not 1 <= month <= 12:
            why = f"has no month {month:02d}"
        else:
            why = f"has a day {day:02d} that its month does not have"
        raise _refused(whole, why, allowed) from None


def _month_end(year: int, month: int) -> date:
    """The last day of a month, which may be counted past December; no later than 9999-12-31."""
    year, month = (year + 1, month - 12) if month > 12 else (year, month)
    return date(year, month, monthrange(year, month)[1]) if year <= date.max.year else date.max


def _refuse_long(text: str, allowed: str) -> None:
    if len(text) > LONGEST:
        raise _refused(text, f"has {len(text)} characters; {LONGEST} are the most", allowed)


def _refused(text: str, why: str, allowed: str) -> BadDate:
    """The refusal of `text`; what it shows is short, and safe to print and to encode, whatever was read."""
    shown = repr(text) if len(text) <= LONGEST else repr(text[:24]) + "…"
    return BadDate(f"{shown} {why}. {allowed}")
