"""How many events there are by time, actor, code and place: one row a cell, each with the link that lists its members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, select

from app.coded import counts as coded
from app.coded.counts import Cell, Sums
from app.coded.question import read
from app.coded.store import named
from app.errors import BadQuery, Fault
from app.models.event import event, event_participant
from app.query import sql
from app.query.params import nearest, shown
from app.query.plan import Plan
from app.query.sql import standing
from app.times import from_day_number

BY = coded.BY
MEASURES = coded.MEASURES
CELLS_MOST = 100_000  # beyond so many a table is no answer any more, and its sorting costs more than the counting
TIMES = ("day", "month", "year")
ACTORS = ("initiator", "recipient", "participant")


@dataclass(frozen=True, slots=True)
class Row:
    """A cell: its values along `by`, and its number."""

    values: tuple[Any, ...]
    n: float | None


def parse_by(text: str | None) -> tuple[str, ...]:
    """What to count by, as asked: names separated by commas, each once."""
    names = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    for name in names:
        if name not in BY:
            near = nearest(name, BY)
            detail = (
                f"by={shown(name)} is not possible. "
                + (f"Did you mean {near!r}? " if near else "")
                + f"There are: {', '.join(BY)}."
            )
            raise BadQuery(detail, errors=[Fault("by", detail)])
    if sum(name in TIMES for name in names) > 1:
        detail = f"by={','.join(names)} names more than one span of time; a month lies in its year already."
        raise BadQuery(detail, errors=[Fault("by", detail)])
    return names


def rows(connection: Connection, plan: Plan, by: Sequence[str], measure: str) -> list[Row]:
    """Every cell with its number, in the order of time where there is time, else the largest first."""
    cells = curated(connection, plan, by)
    asked = read(connection, plan)
    if asked is not None:
        told = coded.counts(connection, asked, by, measure)
        if len(told) > CELLS_MOST:
            detail = f"There are {len(told)} cells; at most {CELLS_MOST} are counted at once. Count by less, or narrow the filters."
            raise BadQuery(detail, errors=[Fault("by", detail)])
        numbers = {
            value for cell in told for name, value in zip(by, cell, strict=True) if name in ACTORS and value is not None
        }
        actors = named(connection, plan.view, numbers)
        for cell, total in told.items():
            values = tuple(value_of(name, value, actors) for name, value in zip(by, cell, strict=True))
            cells[values] = cells.get(values, Sums()) + total
    found = [Row(cell, number(total, measure)) for cell, total in cells.items()]
    place = next((n for n, name in enumerate(by) if name in TIMES), None)
    if place is not None:
        found.sort(key=lambda row: (row.values[place] is None, str(row.values[place]), -(row.n or 0), texts(row)))
    else:
        found.sort(key=lambda row: (-(row.n or 0), texts(row)))
    return found


def texts(row: Row) -> tuple[str, ...]:
    """A cell's values as text, to break ties by."""
    return tuple("" if value is None else str(value) for value in row.values)


def number(total: Sums, measure: str) -> float | None:
    """What is measured of a cell; intensity is the mean over the events that have one, None where none has."""
    if measure == "intensity":
        return round(total.intensity / total.weighed, 4) if total.weighed else None
    return total.reports if measure == "reports" else total.events


def value_of(name: str, value: Any, actors: Mapping[int, tuple[str, str]]) -> Any:
    """A coded cell's value as the API says it."""
    if value is None or value == "":
        return None
    match name:
        case "day":
            return from_day_number(value).isoformat()
        case "month":
            return f"{value // 12:04d}-{value % 12 + 1:02d}"
        case "year":
            return f"{value:04d}"
        case "code":
            return coded.as_code(value)
        case "root":
            code = coded.as_code(value)
            return code[:2] if isinstance(code, str) and code.isdigit() else None
        case "quad":
            return coded.quad_of(value)
        case "initiator" | "recipient" | "participant":
            return actors[value][0]
        case _:
            return value


# ── Curated events ──────────────────────────────────────────────────────────────────────────────────────────────────


def curated(connection: Connection, plan: Plan, by: Sequence[str]) -> dict[Cell, Sums]:
    """The curated events of a plan, counted here: they are few."""
    table = event.c
    members = table.id.in_(sql.matched(plan, sql.where(plan, connection)))
    query = select(
        table.id,
        table.happened_first,
        table.happened_last,
        table.initiator,
        table.recipient,
        table.cameo,
        table.quad,
        table.dataset,
        table.country,
        table.reports,
        table.intensity,
    ).where(members, standing(event, plan.view))
    found = list(connection.execute(query))
    parts: dict[str, set[str]] = {}
    if "participant" in by and found:
        part = event_participant.c
        taking = select(part.id, part.actor).where(
            part.id.in_([row.id for row in found]), standing(event_participant, plan.view)
        )
        for one in connection.execute(taking):
            parts.setdefault(one.id, set()).add(one.actor)
    cells: dict[Cell, Sums] = {}
    for row in found:
        total = Sums(1, row.reports, row.intensity or 0.0, int(row.intensity is not None))
        takers: list[str | None] = [*sorted(parts.get(row.id, ()))]
        for who in takers or [None]:
            cell = tuple(curated_value(name, row, who, plan) for name in by)
            cells[cell] = cells.get(cell, Sums()) + total
    return cells


def curated_value(name: str, row: Any, who: str | None, plan: Plan) -> Any:
    """A curated event's value along one axis; None where its date may lie in several spans, or outside what is asked."""
    if name in TIMES:
        if row.happened_first is None or row.happened_last is None or not inside(row, plan):
            return None
        first, last = from_day_number(row.happened_first).isoformat(), from_day_number(row.happened_last).isoformat()
        length = {"day": 10, "month": 7, "year": 4}[name]
        return first[:length] if first[:length] == last[:length] else None
    if name == "participant":
        return who
    if name == "root":
        return row.cameo[:2] if row.cameo else None
    return row.cameo if name == "code" else getattr(row, name)


def inside(row: Any, plan: Plan) -> bool:
    """Whether every day that an event's date can mean lies within the dates asked for."""
    period = plan.period
    lower = None if period is None else period.lower
    upper = None if period is None else period.upper
    return (lower is None or row.happened_first >= lower) and (upper is None or row.happened_last < upper)


# ── Links ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def link(plan: Plan, by: Sequence[str], values: Sequence[Any]) -> str | None:
    """The request that lists a cell's members; None for a cell without a value, which no filter can ask for."""
    if any(value is None for value in values):
        return None
    own = ("by", "measure", "normalize", "limit", "cursor")
    pairs = [pair for pair in plan.query.pairs if pair[0] not in own]
    for name, value in zip(by, values, strict=True):
        if name in TIMES:
            pairs = within(pairs, str(value))
        elif name == "root":
            pairs = within_root(pairs, str(value))
        elif name == "country":
            pairs = [*(pair for pair in pairs if pair[0] != "country"), ("country", str(value))]
        elif name == "quad":
            pairs.append(("quad.is", str(value)))
        else:
            pairs.append((f"{name}.is", str(value)))
    return f"/v1/{plan.resource.name}?{urlencode(pairs, safe=':@')}"


def within(pairs: Sequence[tuple[str, str]], span: str) -> list[tuple[str, str]]:
    """The parameters narrowed to a day, a month or a year."""
    given = dict(pairs)
    kept = [pair for pair in pairs if pair[0] not in ("happened_from", "happened_before", "dates")]
    lower = max(span, given.get("happened_from", ""))
    upper = min(following(span), given.get("happened_before", "~"))
    return [*kept, ("happened_from", lower), ("happened_before", upper), ("dates", "certain")]


def within_root(pairs: Sequence[tuple[str, str]], root: str) -> list[tuple[str, str]]:
    """The parameters narrowed to the codes of a root: those asked for that lie in it, or all of it."""
    asked = [value for name, value in pairs if name == "code"]
    kept = [pair for pair in pairs if pair[0] != "code"]
    narrower = [value for value in asked if value.startswith(root)]
    whole = not asked or any(root.startswith(value) for value in asked)
    return [*kept, *(("code", value) for value in ([root] if whole else narrower or asked))]


def following(span: str) -> str:
    """The day after a span of time, written as the span is."""
    if len(span) == 4:
        return f"{int(span) + 1:04d}"
    if len(span) == 7:
        year, month = int(span[:4]), int(span[5:])
        return f"{year + month // 12:04d}-{month % 12 + 1:02d}"
    return (date.fromisoformat(span) + timedelta(days=1)).isoformat()
