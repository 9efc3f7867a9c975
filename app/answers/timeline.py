"""What happened to an actor or a topic in time: statements, claims, events and agreements merged in one order, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Connection, func, select

from app.answers import together
from app.answers.together import Line, Part, Reach, Sought
from app.coded import counts as coded
from app.coded.question import read
from app.query import page, sql
from app.query.evidence import Texts
from app.query.fields import Match, View
from app.query.page import Bounds, Coverage
from app.query.sql import LAST_INTEGER
from app.query.whole import Connect
from app.resources import RESOURCES
from app.times import from_day_number

# On one day: what happened, what was concluded, what was said about it, what somebody makes of it.
LINES = {
    "event": Line("events", "participant", "happened"),
    "agreement": Line("agreements", "party", "signed"),
    "statement": Line("statements", "involves", "said"),
    "claim": Line("claims", "involves", None),
}
PLACE = {noun: number for number, noun in enumerate(LINES)}
LOWEST, HIGHEST = "", "\U0010ffff"  # before and after every id

Key = tuple[int, int, str]  # the day, the kind's place among those of one day, the id


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with its place in the order."""

    key: Key
    part: Part
    match: Match


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a page goes: from a key on, so many entries, forwards or backwards in time."""

    limit: int
    after: Key | None = None
    descending: bool = False


def answer(
    connection: Connection,
    view: View,
    parts: Sequence[Part],
    reach: Reach,
    walk: Walk,
    *,
    sought: Sought,
    count: str,
    facets: Sequence[str],
    include: Sequence[str],
    bounds: Bounds,
    coverage: Coverage,
) -> tuple[dict[str, Any], Key | None]:
    """The page, less its cursor, and the key that the next one goes on after."""
    found = entries(connection, parts, walk)
    shown = found[: walk.limit]
    texts = Texts(connection)
    items = records(connection, view, shown, reach, texts)
    lists = {part.plan.resource.name: share(connection, part, count, bounds) for part in parts}
    told = {
        "items": items,
        "revision": view.revision,
        "count": total(lists.values()) if count != "none" else None,
        "lists": lists,
        "facets": {name: FACETS[name](connection, view, parts, sought) for name in dict.fromkeys(facets)},
        "included": included(connection, view, items, include, texts),
        "coverage": together.coverage_of(
            connection, parts, coverage, empty=not items and walk.after is None, notes=notes(parts, reach)
        ),
    }
    return told, shown[-1].key if len(found) > walk.limit else None


def chunks(
    connect: Connect, view: View, parts: Sequence[Part], reach: Reach, walk: Walk, *, most: int | None = None
) -> Iterator[list[dict[str, Any]]]:
    """Every entry, or the first `most`, a chunk of `walk.limit` at a time, each a short read of its own at one revision."""
    left = most
    while left is None or left > 0:
        size = walk.limit if left is None else min(left, walk.limit)
        with connect() as connection:
            found = entries(connection, parts, replace(walk, limit=size))
            items = records(connection, view, found[:size], reach, Texts(connection))
        if items:
            yield items
        if len(found) <= size:
            return
        walk = replace(walk, after=found[size - 1].key)
        left = None if left is None else left - size


def table(items: Iterable[dict[str, Any]]) -> list[list[Any]]:
    """Entries as rows of a table, in the order of COLUMNS."""
    return [[taken(item, name) for name in COLUMNS] for item in items]


def taken(item: dict[str, Any], name: str) -> Any:
    """A column's value: a list of words joined by `|`, whatever else holds more as JSON."""
    value: Any = item
    for part in name.split("."):
        value = None if value is None else value.get(part)
    if name == "actors":
        return "|".join(f"{one['actor']} ({one['role']})" for one in value) or None
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "|".join(value) or None
    return orjson.dumps(value).decode() if isinstance(value, (list, dict)) else value


COLUMNS = (
    *("type", "id", "self", "gloss", "kind", "status"),
    *("date.edtf", "date.first", "date.last", "date.words", "date.basis", "date_of", "precision", "undated"),
    *("reported.source", "reported.published.edtf", "roles", "actors", "topics"),
    *("commitment.level", "commitment.rank", "commitment.toward", "occasion", "dataset", "evidence", "since"),
)


def entries(connection: Connection, parts: Sequence[Part], walk: Walk) -> list[Entry]:
    """The next entries of every list in one order, one more than asked where there are more."""
    found: list[Entry] = []
    for part in parts:
        after = resume(part, walk)
        if part.out or after is EXHAUSTED:
            continue
        matches = page.matching(connection, part.plan, walk.limit + 1, after or None)
        found += [Entry((day_of(part, match, walk), PLACE[part.noun], match.id), part, match) for match in matches]
    found.sort(key=lambda entry: entry.key, reverse=walk.descending)
    return found[: walk.limit + 1]


def day_of(part: Part, match: Match, walk: Walk) -> int:
    """The day a record is placed at."""
    return int(match.key) if part.line.dated is not None else undated(walk)


def undated(walk: Walk) -> int:
    """Where what has no day stands: after all that has one, whichever way the order goes."""
    return -LAST_INTEGER if walk.descending else LAST_INTEGER


EXHAUSTED = (None,)  # where a list has nothing more to give


def resume(part: Part, walk: Walk) -> tuple[Any, ...]:
    """The key after which a list goes on, in its own terms; () from its start, EXHAUSTED where it was read to its end."""
    if walk.after is None:
        return ()
    day, reached, id = walk.after
    place = PLACE[part.noun]
    ahead = place < reached if walk.descending else place > reached
    if part.line.dated is None:
        if day != undated(walk) or ahead:
            return ()
        return (id, id) if place == reached else EXHAUSTED
    before_all, after_all = (HIGHEST, LOWEST) if walk.descending else (LOWEST, HIGHEST)
    return (day, id if place == reached else before_all if ahead else after_all)


def records(
    connection: Connection, view: View, shown: Sequence[Entry], reach: Reach, texts: Texts
) -> list[dict[str, Any]]:
    """The entries as the API shows them: a few statements for each kind of record on the page."""
    whole: dict[tuple[str, str], dict[str, Any]] = {}
    for part in {entry.part.noun: entry.part for entry in shown}.values():
        matches = [entry.match for entry in shown if entry.part.noun == part.noun]
        for record in page.records(connection, part.resource, view, matches, texts):
            whole[part.noun, record["id"]] = record
    known = together.actors_among(connection, whole.values()) if whole else frozenset()
    when = together.reported(connection, view, whole.values())
    return [together.entry(whole[one.part.noun, one.match.id], one.part, reach.ids, known, when) for one in shown]


def share(connection: Connection, part: Part, count: str, bounds: Bounds) -> dict[str, Any]:
    """A list's share: how many, where that was asked, and the request that lists exactly them."""
    return {
        "count": together.counted(connection, part, count, bounds),
        "items": None if part.out else part.address,
    }


def total(shares: Any) -> dict[str, Any]:
    """The counts of all lists together."""
    counts = [one["count"] for one in shares]
    return {"n": sum(one["n"] for one in counts), "exact": all(one["exact"] for one in counts)}


# ── Counted by kind and by year ─────────────────────────────────────────────────────────────────────────────────────


def by_type(connection: Connection, view: View, parts: Sequence[Part], sought: Sought) -> list[dict[str, Any]]:
    """How many entries of each kind there are, the most frequent first."""
    bounds = Bounds()
    counted = {part.noun: together.counted(connection, part, "exact", bounds) or {"n": 0} for part in parts}
    told = [
        {"value": noun, "n": one["n"], "items": address(together.again(sought, view, type=noun))}
        for noun, one in counted.items()
        if one["n"]
    ]
    return sorted(told, key=lambda one: (-one["n"], one["value"]))


def by_year(connection: Connection, view: View, parts: Sequence[Part], sought: Sought) -> list[dict[str, Any]]:
    """How many entries lie wholly in each year; those that may lie in several, and undated ones, under no year."""
    found: Counter[int | None] = Counter()
    for part in parts:
        if not part.out:
            found.update(dict(years(connection, part)))
    known = sorted(year for year in found if year is not None)
    told = [{"value": f"{year:04d}", "n": found[year], "items": within(sought, view, year)} for year in known]
    return [*told, *([{"value": None, "n": found[None], "items": None}] if found[None] else [])]


def years(connection: Connection, part: Part) -> Iterator[tuple[int | None, int]]:
    """The years of a list with how many records lie in each: a statement for each place where they are kept."""
    plan, totals = part.plan, Counter[int | None]()
    condition = sql.where(plan, connection)
    if plan.resource.dated is None:
        totals[None] += connection.execute(sql.count(plan, condition, None)).scalar_one()
    else:
        first, last = plan.resource.dated.first, plan.resource.dated.last
        query = select(first, last, func.count()).where(condition).group_by(first, last)
        for begin, end, n in connection.execute(query):
            totals[year_of(part, begin, end)] += n
    if plan.resource.stores and (asked := read(connection, plan)) is not None:
        for (year,), n in coded.counts(connection, asked, ("year",)).items():
            totals[year] += n
    yield from totals.items()


def year_of(part: Part, first: int | None, last: int | None) -> int | None:
    """The one year that a date lies in, within the days asked for; None where that is not certain."""
    period = part.plan.period
    lower, upper = (None, None) if period is None else (period.lower, period.upper)
    if first is None or last is None or (lower is not None and first < lower) or (upper is not None and last >= upper):
        return None
    begin, end = from_day_number(first).year, from_day_number(last).year
    return begin if begin == end else None


def within(sought: Sought, view: View, year: int) -> str:
    """The same question narrowed to a year."""
    begin = max(f"{year:04d}", sought.lower or "")
    end = min(f"{year + 1:04d}" if year < 9999 else "~", sought.upper or "~")
    before = None if end == "~" else end
    return address(together.again(sought, view, **{"from": begin}, before=before, dates="certain", undated=None))


def address(pairs: Sequence[tuple[str, str]]) -> str:
    """The address of a timeline."""
    return f"/v1/timeline?{urlencode(pairs, safe=':@')}"


FACETS = {"type": by_type, "year": by_year}


def included(
    connection: Connection, view: View, items: Sequence[dict[str, Any]], names: Sequence[str], texts: Texts
) -> dict[str, Any]:
    """The actors, topics and sources of the entries that were asked for, each once."""
    wanted = {
        "actors": {one["actor"] for item in items for one in item["actors"]},
        "topics": {one for item in items for one in item["topics"]},
        "sources": {cited["source"] for item in items for cited in item["evidence"]},
    }
    found: dict[str, Any] = {}
    for name in names:
        resource = RESOURCES[name]
        matches = page.of_ids(connection, resource, view, sorted(wanted[name])) if wanted[name] else []
        linked = page.records(connection, resource, view, matches, texts)
        found[name] = {one["id"]: one for one in sorted(linked, key=lambda one: str(one["id"]))}
    return found


def notes(parts: Sequence[Part], reach: Reach) -> list[str]:
    """What the merged order leaves out or cannot tell."""
    told = []
    if any(part.out for part in parts):
        told.append(
            "Claims carry no date of their own, so a span of time leaves them out; undated=true brings them in."
        )
    if reach.topics and any(part.noun == "event" for part in parts):
        told.append("Coded events of datasets carry no topics, so a topic leaves them out.")
    return told
