"""How many events there are by time, actor, code and place: one row a cell, each with the link that lists its members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from sqlalchemy import Connection, select

from app.coded import counts as coded
from app.coded.counts import CELLS_MOST, Cell, Mean, Number, bounded
from app.coded.namesakes import twice
from app.coded.question import Question, numbers, read
from app.errors import BadQuery, Fault
from app.models.event import event, event_participant
from app.query import sql
from app.query.fields import View
from app.query.once import Once
from app.query.params import nearest, shown
from app.query.plan import Plan
from app.query.sql import standing
from app.times import from_day_number

BY = coded.BY
MEASURES = coded.MEASURES
TIMES = coded.TIMES
ACTORS = ("initiator", "recipient", "participant")
TAKERS_MOST = 10_000  # beyond so many the curated events are always asked
TAKERS: Once[str, frozenset[str]] = Once(100)  # who takes part in curated events


@dataclass(frozen=True, slots=True)
class Row:
    """A cell: its values along `by`, and its number."""

    values: tuple[Any, ...]
    n: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A page of cells, the sum over all of them (for intensity how many there are), and whether there are more."""

    rows: Sequence[Row]
    total: float
    more: bool
    spans: tuple[Sequence[int], Sequence[int]] | None = None  # instead of rows: spans of time, and the number of each


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


def table(connection: Connection, plan: Plan, by: Sequence[str], measure: str, start: int, limit: int) -> Table:
    """Some cells with their numbers, in the order of time where there is time, else the largest first.

    Only what is shown is named. Raises BadQuery where there are too many cells to be counted.
    """
    own = curated(connection, plan, by, measure)
    asked = read(connection, plan)
    if asked is None:
        return page(connection, plan.view, list(own.items()), by, measure, start, limit)
    along = coded.spans(connection, asked, by[0], measure) if not own and len(by) == 1 and by[0] in TIMES else None
    if along is not None:
        times, sums = along
        end = start + limit
        return Table((), sum(sums), end < len(times), (times[start:end], sums[start:end]))
    first = first_of(connection, asked, by, measure, own, start + limit)
    if first is not None:
        return first_page(connection, plan.view, first, by, measure, start, limit)
    told = coded.counts(connection, asked, by, measure)
    cells = merged(connection, plan.view, told, own, by, twice(connection, asked, by, measure))
    return page(connection, plan.view, cells, by, measure, start, limit)


def heavy(connection: Connection, plan: Plan, by: Sequence[str], measure: str) -> bool:
    """Whether this takes looking at very many events."""
    asked = read(connection, plan)
    if asked is None or plan.nothing:
        return False
    # Whom an actor met is held too, but for all time and codes only.
    met = len(by) == 1 and by[0] in ACTORS and len(asked.parties) == 1 and not asked.codes and asked.period is None
    return not met and coded.heavy(connection, asked, by, measure)


def merged(
    connection: Connection,
    view: View,
    told: dict[Cell, Number],
    own: Mapping[Cell, Number],
    by: Sequence[str],
    less: Mapping[Cell, Number],
) -> list[tuple[Cell, Number]]:
    """Coded cells by the values that the API shows, but for actors that are nobody here: those keep their numbers until shown.

    `less` is what stands in them twice.
    """
    plain = not own and len(by) == 1 and by[0] in TIMES
    if plain:
        return list(told.items())
    linked = coded.links(connection, view) if any(name in ACTORS for name in by) else {}
    known = own_numbers(connection, view, own, by)
    convert = [converter(name, linked) for name in by]
    cells: dict[Cell, Number] = {}
    for cell, n in told.items():
        values = tuple([one(value) for one, value in zip(convert, cell, strict=True)])
        cells[values] = cells[values] + n if values in cells else n
    for cell, n in less.items():
        cells[tuple([one(value) for one, value in zip(convert, cell, strict=True)])] -= n
    for cell, n in own.items():
        values = tuple(
            known.get(value, value) if name in ACTORS else value for name, value in zip(by, cell, strict=True)
        )
        cells[values] = cells[values] + n if values in cells else n
    bounded(cells, CELLS_MOST)
    return list(cells.items())


def own_numbers(connection: Connection, view: View, own: Iterable[Cell], by: Sequence[str]) -> dict[str, int]:
    """The numbers of actors of curated cells that only datasets know."""
    ids = {value for cell in own for name, value in zip(by, cell, strict=True) if name in ACTORS and ":" in str(value)}
    linked = coded.links(connection, view) if ids else {}
    found = {id: sorted(numbers(connection, view, (id,)) - set(linked)) for id in ids}
    return {id: some[0] for id, some in found.items() if some}


def converter(name: str, linked: Mapping[int, str]) -> Callable[[Any], Any]:
    """What makes a coded value one that the API shows."""
    if name in ACTORS:
        return lambda value: linked.get(value, value)
    if name in TIMES:
        # Spans of time stay numbers: those of curated events are too.
        return lambda value: value
    return lambda value: value_of(name, value)


def first_of(
    connection: Connection, asked: Question, by: Sequence[str], measure: str, own: Mapping[Cell, Number], most: int
) -> tuple[dict[Any, int], int] | None:
    """The first of an order of actors where it was counted ahead, so that neither the others nor their names are read."""
    if len(by) != 1 or measure == "intensity":
        return None
    linked = coded.links(connection, asked.view)
    several = coded.several(connection, asked.view)
    here = {value for (value,) in own if value is not None}
    besides = several | {number for number, id in linked.items() if id in here}
    known = own_numbers(connection, asked.view, own, by)
    besides |= set(known.values())
    if len(besides) > coded.BESIDES_MOST:
        return None
    told = coded.ranked(connection, asked, by[0], measure, most + len(several) + 1, sorted(besides))
    if told is None:
        return None
    found: dict[Any, int] = {}
    for number, n in told.found.items():
        value = linked.get(number, number) if number is not None else None
        found[value] = found.get(value, 0) + n
    total = told.total
    for (value,), n in twice(connection, asked, by, measure).items():
        if value in found:  # where it is not, it is none of the first ones
            found[value] -= n
        total -= n
    for (value,), n in own.items():
        key = known.get(value, value)
        found[key] = found.get(key, 0) + n
        total += n
    return found, total


def first_page(
    connection: Connection, view: View, first: tuple[dict[Any, int], int], by: Sequence[str], measure: str, start: int,
    limit: int,
) -> Table:  # fmt: skip
    """A page of the first of an order."""
    found, total = first
    told = page(connection, view, [((value,), n) for value, n in found.items()], by, measure, start, limit)
    return Table(told.rows, total, told.more)


def page(
    connection: Connection, view: View, cells: list[tuple[Cell, Number]], by: Sequence[str], measure: str, start: int,
    limit: int,
) -> Table:  # fmt: skip
    """Some of the cells in their order, named."""
    time = next((n for n, name in enumerate(by) if name in TIMES), None)
    total: float = len(cells) if measure == "intensity" else sum([n for _, n in cells])
    more = start + limit < len(cells)
    if time is not None and len(by) == 1:
        # One cell for each span of time: there are no ties.
        cells.sort(key=by_time)
        label = span_labels(by[0])
        return Table([Row((label(cell[0]),), value(n)) for cell, n in cells[start : start + limit]], total, more)

    def place(pair: tuple[Cell, Number]) -> tuple[Any, ...]:
        cell, n = pair
        size = -(value(n) or 0)
        return (size,) if time is None else (cell[time] is None, cell[time] or 0, size)

    ordered = sorted([(place(pair), pair) for pair in cells], key=itemgetter(0))
    # What shares a place with the first or the last cell of the page is named too: names decide.
    low, high = start, min(start + limit, len(ordered))
    while 0 < low < len(ordered) and ordered[low - 1][0] == ordered[low][0]:
        low -= 1
    while 0 < high < len(ordered) and ordered[high][0] == ordered[high - 1][0]:
        high += 1
    some = ordered[low:high]
    wanted = {
        value
        for _, (cell, _) in some
        for name, value in zip(by, cell, strict=True)
        if name in ACTORS and type(value) is int
    }
    ids = coded.ids(connection, view, wanted) if wanted else {}
    label_of = [labels(name, ids) for name in by]
    rows = [
        (place, Row(tuple([one(part) for one, part in zip(label_of, cell, strict=True)]), value(n)))
        for place, (cell, n) in some
    ]
    rows.sort(key=lambda pair: (pair[0], texts(pair[1])))
    return Table([row for _, row in rows[start - low : start - low + limit]], total, more)


def rows_of(name: str, spans: tuple[Sequence[int], Sequence[int]]) -> list[Row]:
    """Cells of spans of time, named."""
    label = span_labels(name)
    return [Row((label(span),), n) for span, n in zip(*spans, strict=True)]


def by_time(pair: tuple[Cell, Number]) -> tuple[bool, int]:
    """The place of a cell of one span of time, those without last."""
    value = pair[0][0]
    return value is None, value or 0


def labels(name: str, ids: Mapping[int, str]) -> Callable[[Any], Any]:
    """What makes a value as it was counted one that the API shows."""
    if name in ACTORS:
        return lambda value: ids.get(value, value)
    if name in TIMES:
        return span_labels(name)
    return lambda value: value


def span_labels(name: str) -> Callable[[int | None], str | None]:
    """What a span of time is called."""
    return SPAN_LABELS[name]


@lru_cache(50_000)
def day_label(value: int | None) -> str | None:
    """A day in ISO 8601."""
    return None if value is None else from_day_number(value).isoformat()


@lru_cache(20_000)
def month_label(value: int | None) -> str | None:
    """A month in ISO 8601."""
    return None if value is None else f"{value // 12:04d}-{value % 12 + 1:02d}"


def year_label(value: int | None) -> str | None:
    """A year in ISO 8601."""
    return None if value is None else f"{value:04d}"


SPAN_LABELS: Mapping[str, Callable[[int | None], str | None]] = {
    "day": day_label,
    "month": month_label,
    "year": year_label,
}


def texts(row: Row) -> tuple[str, ...]:
    """A cell's values as text, to break ties by."""
    return tuple("" if value is None else str(value) for value in row.values)


def value(n: Number) -> float | None:
    """What is measured of a cell; intensity is the mean over the events that have one, None where none has."""
    if type(n) is Mean:
        return round(n.intensity / n.weighed, 4) if n.weighed else None
    told: float = n
    return told


@lru_cache(20_000)
def value_of(name: str, value: Any) -> Any:
    """A coded cell's value as the API says it."""
    if value is None or value == "":
        return None
    match name:
        case "code":
            return coded.as_code(value)
        case "root":
            code = coded.as_code(value)
            return code[:2] if isinstance(code, str) and code.isdigit() else None
        case "quad":
            return coded.quad_of(value)
        case _:
            return value


# ── Curated events ──────────────────────────────────────────────────────────────────────────────────────────────────


def curated(connection: Connection, plan: Plan, by: Sequence[str], measure: str) -> dict[Cell, Number]:
    """The curated events of a plan, counted here: they are few."""
    if untouched(connection, plan):
        return {}
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
    cells: dict[Cell, Number] = {}
    for row in found:
        weighed = Mean(row.intensity or 0.0, int(row.intensity is not None))
        total: Number = {"events": 1, "reports": row.reports, "intensity": weighed}[measure]
        takers: list[str | None] = [*sorted(parts.get(row.id, ()))]
        for who in takers or [None]:
            cell = tuple(curated_value(name, row, who, plan) for name in by)
            cells[cell] = cells[cell] + total if cell in cells else total
    return cells


def untouched(connection: Connection, plan: Plan) -> bool:
    """Whether an actor is asked for that takes part in no curated event: then none need be looked at."""
    asked = [
        line
        for line in plan.conditions
        if line.filter.name in ACTORS and not line.negated and all(isinstance(ids, tuple) for ids in line.values)
    ]
    if not asked:
        return False

    def find() -> frozenset[str]:
        part = event_participant.c
        query = select(part.actor).where(standing(event_participant, plan.view)).distinct().limit(TAKERS_MOST + 1)
        return frozenset(connection.scalars(query))

    takers = TAKERS.get(connection, plan.view, "", find)
    return len(takers) <= TAKERS_MOST and any(
        takers.isdisjoint(one for ids in line.values for one in ids) for line in asked
    )


def curated_value(name: str, row: Any, who: str | None, plan: Plan) -> Any:
    """A curated event's value along one axis; None where its date may lie in several spans, or outside what is asked."""
    if name in TIMES:
        if row.happened_first is None or row.happened_last is None or not inside(row, plan):
            return None
        first, last = coded.span_of(name, row.happened_first), coded.span_of(name, row.happened_last)
        return first if first == last else None
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

OWN = ("by", "measure", "normalize", "limit", "cursor", "format")


def linker(plan: Plan, by: Sequence[str]) -> Callable[[Sequence[Any]], str | None]:
    """What makes the request that lists a cell's members; None for a cell without a value, which no filter can ask for.

    What all cells have in common is written once.
    """
    start, lower, upper, codes = beginning(plan, by)

    def part(name: str) -> Callable[[Any], str]:
        if name in TIMES:
            bounded_by = lower != "" or upper != "~"
            return (lambda value: within(value, lower, upper)) if bounded_by else spanned
        if name == "root":
            return lambda value: urlencode(within_root(codes, value), safe=":@")
        called = {"quad": "quad.is", "country": "country"}.get(name, f"{name}.is")
        return lambda value: f"{called}={quoted(str(value))}"

    parts = [part(name) for name in by]
    if len(parts) == 1:
        only = parts[0]
        return lambda values: None if values[0] is None else start + only(values[0])

    def link(values: Sequence[Any]) -> str | None:
        if None in values:
            return None
        return start + "&".join([one(value) for one, value in zip(parts, values, strict=True)])

    return link


def beginning(plan: Plan, by: Sequence[str]) -> tuple[str, str, str, list[str]]:
    """How the requests of all cells begin, and what narrows them: the dates as written ('' and '~' for none) and the codes."""
    base, pairs = f"/v1/{plan.resource.name}?", [pair for pair in plan.query.pairs if pair[0] not in OWN]
    narrowing = {"root": "code", "country": "country"}
    gone = {narrowing[name] for name in by if name in narrowing}
    if any(name in TIMES for name in by):
        gone |= {"happened_from", "happened_before", "dates"}
    given = dict(pairs)
    lower, upper = given.get("happened_from", ""), given.get("happened_before", "~")
    codes = [value for name, value in pairs if name == "code"]
    common = urlencode([pair for pair in pairs if pair[0] not in gone], safe=":@")
    return base + common + ("&" if common and by else ""), lower, upper, codes


KNOWN_SPANS = 500  # of so many the text is remembered: 65 KB
LINK = "\0"  # where the beginning of the links goes; no JSON holds it


def said(plan: Plan, name: str, spans: tuple[Sequence[int], Sequence[int]]) -> bytes:
    """Cells of spans of time as JSON, each with its link: what is the same for all of them is put in as text."""
    start, lower, upper, _ = beginning(plan, (name,))
    times, sums = spans
    if lower == "" and upper == "~":
        made = (form_known if len(times) <= KNOWN_SPANS else form)(name, tuple(times))
        told = made % tuple(sums)
        return told.replace(LINK, orjson.dumps(start)[1:-1].decode()).encode()
    cells = []
    for span, n in zip(times, sums, strict=True):
        label = span_labels(name)(span)
        items = orjson.dumps(start + within(str(label), lower, upper)).decode()
        cells.append(f'{{"{name}":"{label}","n":{n},"items":{items}}}')
    return f"[{','.join(cells)}]".encode()


def form(name: str, times: tuple[int, ...]) -> str:
    """The text of some spans of time, but for their numbers and the beginning of their links."""
    labels = [str(span_labels(name)(span)) for span in times]
    cells = [f'{{"{name}":"{label}","n":%d,"items":"{LINK}{spanned(label)}"}}' for label in labels]
    return f"[{','.join(cells)}]"


form_known = lru_cache(100)(form)  # most actors have the same spans


@lru_cache(20_000)
def quoted(text: str) -> str:
    """A value in an address."""
    return quote(text, safe=":@").replace("%20", "+")


@lru_cache(60_000)
def spanned(span: str) -> str:
    """The parameters of a day, a month or a year."""
    return within(span, "", "~")


def within(span: str, lower: str, upper: str) -> str:
    """The parameters of a day, a month or a year, narrowed to what is asked for."""
    return f"happened_from={max(span, lower)}&happened_before={min(following(span), upper)}&dates=certain"


def within_root(asked: Sequence[str], root: str) -> list[tuple[str, str]]:
    """The parameters of the codes of a root: those asked for that lie in it, or all of it."""
    narrower = [value for value in asked if value.startswith(root)]
    whole = not asked or any(root.startswith(value) for value in asked)
    return [("code", value) for value in ([root] if whole else narrower or asked)]


@lru_cache(60_000)
def following(span: str) -> str:
    """The day after a span of time, written as the span is."""
    if len(span) == 4:
        return f"{int(span) + 1:04d}"
    if len(span) == 7:
        year, month = int(span[:4]), int(span[5:])
        return f"{year + month // 12:04d}-{month % 12 + 1:02d}"
    return (date.fromisoformat(span) + timedelta(days=1)).isoformat()
