"""Where marks stand in the drawings that a page carries as SVG: pure numbers from dates and levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 96, 24, 16, 36
LEVELS = ("none", "observes", "considers", "might", "hopes", "intends", "commits", "pledged", "does")


@dataclass(frozen=True, slots=True)
class Mark:
    """An utterance in the chart: where it stands, and what it is."""

    x: float
    y: float
    width: float  # of the days that its date can mean; 0 for one day
    dated: bool
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Steps:
    """A chart of levels over time."""

    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[tuple[float, str], ...]
    line: str
    width: int = WIDTH
    height: int = HEIGHT


def steps(items: Sequence[Mapping[str, Any]]) -> Steps:
    """How firmly somebody spoke, utterance by utterance: by day where days are known, else in the order of the answer."""
    days = [day_of(item) for item in items]
    known = [one for one in days if one is not None]
    first, last = (min(known), max(known)) if known else (0, 0)
    by_day = last > first
    places = [
        (one - first) / (last - first) if by_day and one is not None else (n + 0.5) / len(items)
        for n, one in enumerate(days)
    ]
    marks = tuple(
        Mark(
            LEFT + place * (WIDTH - LEFT - RIGHT),
            height((item.get("commitment") or {}).get("rank") or 0),
            0.0,
            one is not None,
            item,
        )
        for place, one, item in zip(places, days, items, strict=True)
    )
    drawn = [mark for mark in marks if mark.dated or not by_day]
    ticks = tuple((LEFT + (WIDTH - LEFT - RIGHT) * k / 4, iso(first + (last - first) * k // 4)) for k in range(5))
    return Steps(
        marks,
        ticks if by_day else (),
        tuple((height(rank), level) for rank, level in enumerate(LEVELS)),
        stairs([(mark.x, mark.y) for mark in drawn]),
    )


def stairs(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path that goes level until the next point, and then up or down."""
    if not points:
        return ""
    parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    parts += [f"H{x:.1f}V{y:.1f}" for x, y in points[1:]]
    return "".join(parts)


def height(rank: int) -> float:
    """Where a level stands, the strongest at the top."""
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - rank / (len(LEVELS) - 1))


def day_of(item: Mapping[str, Any]) -> int | None:
    """The first day that an utterance's date can mean, as an ordinal; None for an undated one."""
    told = item.get("date") or item.get("said") or item.get("signed") or {}
    first = told.get("first")
    return date.fromisoformat(first).toordinal() if first else None


def iso(ordinal: int) -> str:
    return date.fromordinal(max(1, ordinal)).isoformat()


@dataclass(frozen=True, slots=True)
class Bar:
    """The term of an agreement on a scale of years: shares of the width, in percent."""

    start: float
    length: float
    open: bool
    ticks: tuple[tuple[float, str], ...]


def bar(agreement: Mapping[str, Any]) -> Bar | None:
    """The time in which an agreement holds; None where nothing is known of its beginning."""
    force = agreement.get("in_force") or {}
    start = year_of(force.get("from")) or year_of((agreement.get("signed") or {}).get("edtf"))
    if start is None:
        return None
    end = year_of(force.get("until"))
    low, high = start - 1, (end if end is not None else start + 5) + 1
    span = high - low
    step = max(1, round(span / 6))
    ticks = tuple((100 * (year - low) / span, str(year)) for year in range(low, high + 1, step))
    return Bar(100 * (start - low) / span, 100 * ((end or high) - start) / span, end is None, ticks)


def year_of(edtf: Any) -> int | None:
    """The year that an EDTF date begins with."""
    return int(edtf[:4]) if isinstance(edtf, str) and edtf[:4].isdigit() else None
