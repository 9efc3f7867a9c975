"""What came back: a page's records with everything that belongs to them, in a fixed number of statements, never one per row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import orjson
from sqlalchemy import ColumnElement, Connection, Row, false, func, select

from app import straight
from app.models.revision import record_id
from app.query import cursor as cursors
from app.query import picks, sql
from app.query.describe import sentence
from app.query.evidence import Texts
from app.query.fields import By, Field, Holds, Is, Match, Ref, Resource, Store, View
from app.query.once import Once
from app.query.params import is_ref
from app.query.plan import Condition, Plan, forms_of
from app.times import from_day_number

Record = dict[str, Any]
BARREN: Once[tuple[Any, ...], bool] = Once(20_000)  # whether a resource's own table holds nothing of a reference
PLAIN = re.compile(r"[A-Za-z0-9_.~:@-]+")  # what an address holds as it is: nearly every id


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far an answer goes."""

    count_rows_most: int = 10_000
    facet_values_most: int = 100
    chunk_rows: int = 500
    bulk_rows: int = 2_500  # of what a store says without making records: 2 MB as JSON


@dataclass(slots=True)
class Coverage:
    """What the knowledge base covers, remembered for each revision: it changes with nothing else."""

    known: dict[tuple[str, View], dict[str, Any]] = field(default_factory=dict)

    def of(
        self, connection: Connection, resource: Resource, view: View, resources: Mapping[str, Resource]
    ) -> dict[str, Any]:
        """The sources, datasets and dates that a resource's records come from."""
        key = (resource.name, view)
        if key not in self.known:
            if len(self.known) > 500:
                self.known.clear()
            self.known[key] = covered(connection, resource, view, resources)
        return self.known[key]


def covered(
    connection: Connection, resource: Resource, view: View, resources: Mapping[str, Resource]
) -> dict[str, Any]:
    """What is covered, read from the database with one statement each."""
    found: dict[str, Any] = {"searched": resource.name}
    for name in ("sources", "datasets"):
        table = resources[name].table
        if name == "datasets" and not resource.stores and resource.name != name:
            # No dataset could hold such a record.
            found[name] = []
            continue
        found[name] = list(
            connection.scalars(select(table.c.id).where(sql.standing(table, view)).order_by(table.c.id).limit(100))
        )
    found["dates"] = None
    dated = resource.dated
    if dated is not None and dated.first.table is resource.table:
        query = select(func.min(dated.first), func.max(dated.last)).where(sql.standing(resource.table, view))
        ends = [tuple(connection.execute(query).one()), *(store.dates(connection, view) for store in resource.stores)]
        first = min((one for one, _ in ends if one is not None), default=None)
        last = max((one for _, one in ends if one is not None), default=None)
        found["dates"] = {"first": day(first), "last": day(last)} if first is not None or last is not None else None
    return found


def day(number: int | None) -> str | None:
    """A day number as an ISO day."""
    return None if number is None else from_day_number(number).isoformat()


def answer(
    connection: Connection, plan: Plan, resources: Mapping[str, Resource], bounds: Bounds, coverage: Coverage
) -> dict[str, Any]:
    """The page as the contract shapes it."""
    texts = Texts(connection)
    limit, query = plan.query.limit, plan.query
    found = matching(connection, plan, limit + 1, plan.after)
    more, found = len(found) > limit, found[:limit]
    plain = not query.fields and not query.include
    items: list[Any] = (said if plain else records)(connection, plan.resource, plan.view, found, texts)
    # What the resource's own table does not hold need not be counted there.
    counting = (query.facets or query.count != "none") and not kept_elsewhere(plan)
    condition = sql.where(plan, connection) if counting else false()
    whole = {
        "items": chosen(items, query.fields),
        "next_cursor": cursors.write(plan.view, plan.mark, (found[-1].key, found[-1].id)) if more else None,
        "revision": plan.view.revision,
        "count": counted(connection, plan, condition, bounds),
        "facets": {name: facet(connection, plan, condition, name, bounds) for name in plan.query.facets},
        "included": included(connection, plan.resource, plan.query.include, plan.view, items, resources, texts),
        "coverage": coverage_of(connection, plan, resources, coverage, empty=not items and plan.after is None),
    }
    return whole


def one(connection: Connection, resource: Resource, view: View, id: str) -> Record | None:
    """The record of this id as this reader sees it."""
    items = records(connection, resource, view, of_ids(connection, resource, view, [id]), Texts(connection))
    return items[0] if items else None


def matching(connection: Connection, plan: Plan, limit: int, after: tuple[Any, ...] | None) -> list[Match]:
    """The next records after a key, from wherever they are kept, in the plan's order."""
    if plan.nothing:
        return []
    if plan.pick is not None and plan.pick.per:
        chosen = picks.following(picks.winners(connection, plan), limit, after, down=plan.descending)
        found = {match.id: match for match in of_ids(connection, plan.resource, plan.view, [one.id for one in chosen])}
        return [found[one.id]._replace(key=one.key) for one in chosen if one.id in found]
    if plan.pick is not None:
        # One record, whatever it is sorted by: of what each place found, the first or last day decides.
        by_day, down = plan.resource.sorts[0], plan.pick.which == "last"
        if plan.sort is not by_day or plan.descending != down:
            plan = replace(plan, sort=by_day, descending=down)
    found_here: list[Match] = []
    barren = plan.resource.stores and any(holds_none(connection, plan, line) for line in plan.conditions)
    if not barren:
        statement, told = sql.page(connection, plan, limit, after)
        # Without places for its values it was made for this one question.
        own = straight.rows(connection, statement, told) if told else connection.execute(statement)
        found_here = [Match(row.sort_key, row.id, row) for row in own]
    if barren or (not found_here and after is None):
        plan.read["elsewhere"] = (plan.conditions, plan.period)
    if not plan.resource.stores:
        return found_here
    for store in plan.resource.stores:
        found_here += store.page(connection, plan, limit, after)
    if plan.pick is not None and len(found_here) > 1:
        found_here.sort(key=lambda match: (end_of(connection, plan, match), match.id), reverse=plan.descending)
        return found_here[:1]
    found_here.sort(key=itemgetter(0, 1), reverse=plan.descending)
    return found_here[:limit]


def holds_none(connection: Connection, plan: Plan, line: Condition) -> bool:
    """Whether the resource's own table holds nothing that a reference alone asks for, and so nothing of the whole question.

    Most of what is asked of datasets is of actors that only they know; the question itself takes longer, each time.
    """
    if line.negated or not is_ref(line.filter) or plan.query.q is not None:
        return False
    every = line.itself or (isinstance(line.filter, (Holds, By)) and line.filter.every)
    # Of several that must hold together, one that nothing holds will do.
    choices = [(n,) for n in range(len(line.values))] if every else [tuple(range(len(line.values)))]
    return any(_holds_none(connection, plan, line, chosen) for chosen in choices)


def _holds_none(connection: Connection, plan: Plan, line: Condition, chosen: tuple[int, ...]) -> bool:
    values = tuple(line.values[n] for n in chosen)

    def find() -> bool:
        forms = tuple(line.forms[n] for n in chosen) if line.forms else ()
        alone = replace(line, values=values, forms=forms)
        everything = replace(plan.resource, leaves_out=None)
        asked = replace(plan, resource=everything, conditions=(alone,), period=None, pick=None, read={})
        query = select(plan.resource.table.c.id).where(sql.where(asked, connection)).limit(1)
        return connection.execute(query).first() is None

    return BARREN.get(connection, plan.view, (plan.resource.name, line.filter.name, line.itself, values), find)


def end_of(connection: Connection, plan: Plan, match: Match) -> str:
    """The first day of a record, or where the last one is picked, the last."""
    assert plan.pick is not None
    assert plan.resource.dated is not None
    body = (
        orjson.loads(match.row.body)
        if match.store is None
        else match.store.bodies(connection, plan.view, [match])[match.id]
    )
    told: str = body[plan.resource.dated.name][plan.pick.which]
    return told


def kept_elsewhere(plan: Plan) -> bool:
    """Whether the page has shown that the resource's own table holds nothing of what is asked."""
    known = plan.read.get("elsewhere")
    return known is not None and known[0] is plan.conditions and known[1] is plan.period


def of_ids(connection: Connection, resource: Resource, view: View, ids: Sequence[str]) -> list[Match]:
    """The records of these ids that a reader sees; what a store keeps is not looked for in the resource's own table."""
    found = [match for store in resource.stores for match in store.by_ids(connection, view, ids)]
    kept = {match.id for match in found}
    rest = [id for id in ids if id not in kept]
    rows = sql.by_ids(connection, resource.table, view, rest) if rest else []
    return [*[Match(None, row.id, row) for row in rows], *found]


def records(
    connection: Connection, resource: Resource, view: View, found: Sequence[Match], texts: Texts
) -> list[Record]:
    """Matches as records: what was stored, what is computed when read, and the words of the citations that are at hand."""
    own = [match for match in found if match.store is None]
    late = resource.late(connection, view, [match.id for match in own]) if resource.late and own else {}
    bodies: dict[str, Mapping[str, Any]] = {}
    for store in resource.stores:
        kept = [match for match in found if match.store is store]
        bodies |= store.bodies(connection, view, kept) if kept else {}
    items = [
        rendered(resource, match.row, view, late.get(match.id, {}), bodies[match.id] if match.store else None)
        for match in found
    ]
    # What another store keeps cites no passage.
    texts.fill([item for item, match in zip(items, found, strict=True) if match.store is None])
    return items


def said(connection: Connection, resource: Resource, view: View, found: Sequence[Match], texts: Texts) -> list[Any]:
    """Matches as JSON says them: records, or where a store knows it already, the text of one."""
    stores = {match.store for match in found}
    if len(stores) == 1:
        return _said(connection, resource, view, stores.pop(), found, texts)
    places: dict[Store | None, list[Match]] = {}
    for match in found:
        places.setdefault(match.store, []).append(match)
    told = {store: iter(_said(connection, resource, view, store, some, texts)) for store, some in places.items()}
    return [next(told[match.store]) for match in found]


def _said(
    connection: Connection, resource: Resource, view: View, store: Store | None, found: Sequence[Match], texts: Texts
) -> list[Any]:
    """Matches of one place."""
    return (
        records(connection, resource, view, found, texts)
        if store is None
        else store.said(connection, resource, view, found)
    )


def rendered(
    resource: Resource, row: Row[Any], view: View, late: Mapping[str, Any], body: Mapping[str, Any] | None = None
) -> Record:
    """One row as a record. `until` is what was known of it at the view's revision: nothing, or it would not be seen."""
    body = orjson.loads(row.body) if body is None else body
    record: Record = {"id": row.id, "type": resource.noun, "self": address(resource, row.id)}
    for line in resource.fields:
        record[line.name] = late[line.name] if line.name in late else body.get(line.name)
    if body.get("enrichment"):
        record["enrichment"] = body["enrichment"]
    if "evidence" not in record:
        record["evidence"] = []
    record["since"] = row.since
    record["until"] = row.until if row.until is not None and row.until <= view.revision else None
    return record


def address(resource: Resource, id: str) -> str:
    """Where a record stands."""
    return f"/v1/{resource.name}/{id if PLAIN.fullmatch(id) else quote(id, safe=':@')}"


def chosen(items: list[Record], fields: Sequence[str]) -> list[Record]:
    """Only the fields asked for; the id stays, so that a record can be found again."""
    if not fields:
        return items
    keep = {"id", *fields}
    return [{name: value for name, value in item.items() if name in keep} for item in items]


def counted(
    connection: Connection, plan: Plan, condition: ColumnElement[bool], bounds: Bounds
) -> dict[str, Any] | None:
    """How many records the plan asks for, or None where that was not asked."""
    if plan.query.count == "none":
        return None
    if plan.nothing:
        return {"n": 0, "exact": True}
    most = bounds.count_rows_most if plan.query.count == "bounded" else None
    if plan.pick is not None:
        number = len(picks.winners(connection, plan)) if plan.pick.per else len(matching(connection, plan, 1, None))
        return {"n": number, "exact": True}
    number = 0
    if not kept_elsewhere(plan):
        number = connection.execute(sql.count(plan, condition, most)).scalar_one()
    number += sum(store.count(connection, plan, most) for store in plan.resource.stores)
    return {"n": number, "exact": True} if most is None or number <= most else {"n": most, "exact": False}


def facet(
    connection: Connection, plan: Plan, condition: ColumnElement[bool], name: str, bounds: Bounds
) -> list[dict[str, Any]]:
    """The values of a facet, each with the link that lists its records."""
    if plan.nothing:
        return []
    line = next(facet for facet in plan.resource.facets if facet.name == name)
    most = bounds.facet_values_most
    # Values of several places are added up before the list is cut.
    own = most if not plan.resource.stores else 100 * most
    found: Counter[Any] = Counter()
    if not kept_elsewhere(plan):
        found.update({row.value: row.n for row in connection.execute(sql.facet(plan, condition, line, own))})
    for store in plan.resource.stores:
        found.update(store.facet(connection, plan, line, most))
    # By value, then by number: a sort keeps the order of what is equal.
    ordered = sorted(sorted(found.items(), key=itemgetter(0)), key=itemgetter(1), reverse=True)[:most]
    narrow = narrowing(plan, name)
    return [{"value": value, "n": n, "items": narrow + quoted(str(value))} for value, n in ordered]


@lru_cache(20_000)
def quoted(text: str) -> str:
    """A value in an address: codes and actors come again in most facets."""
    return quote_plus(text, safe=":@")


def narrowing(plan: Plan, name: str) -> str:
    """The address of the same question narrowed to one value of a facet, up to that value."""
    line = plan.resource.filter(name)
    single = isinstance(line, Is)
    asked = any(pair[0] == name for pair in plan.query.pairs)
    # A plain filter would ask for more where a reference reaches further than itself (a state's government, a topic's
    # narrower ones), or where it would be one more of several to choose from.
    exact = any(line_.name == name and line_.exactly for line_ in plan.resource.facets)
    exactly = exact or reaches(plan, name) or (asked and not single)
    kept = [
        pair
        for pair in plan.query.pairs
        if pair[0] not in ("facet", "cursor", "limit", "count", "include", "fields") and (exactly or pair[0] != name)
    ]
    return f"/v1/{plan.resource.name}?{urlencode([*kept, (f'{name}.is' if exactly else name, '')], safe=':@')}"


def reaches(plan: Plan, name: str) -> bool:
    """Whether a filter's values are looked up and may stand for more than one record."""
    line = plan.resource.filter(name)
    return line is not None and is_ref(line) and isinstance(line.kind, Ref) and line.kind.to in plan.reaching  # type: ignore[union-attr]


def included(
    connection: Connection,
    resource: Resource,
    names: Sequence[str],
    view: View,
    items: Sequence[Record],
    resources: Mapping[str, Resource],
    texts: Texts,
) -> dict[str, dict[str, Record]]:
    """The linked records that were asked for, each once, by resource and id."""
    wanted: dict[str, set[str]] = {}
    for line in resource.fields:
        for link in line.links:
            if line.name in names or link.to in names:
                wanted.setdefault(link.to, set()).update(ids_in(items, line, link.at))
    for name, ids in by_resource(connection, wanted.pop("*", set()), resources).items():
        wanted.setdefault(name, set()).update(ids)
    found: dict[str, dict[str, Record]] = {}
    for name in sorted(wanted):
        matches = of_ids(connection, resources[name], view, sorted(wanted[name]))
        linked = records(connection, resources[name], view, matches, texts)
        found[name] = {item["id"]: item for item in sorted(linked, key=lambda item: item["id"])}
    return found


def ids_in(items: Iterable[Record], line: Field, key: str | None) -> Iterator[str]:
    """Every id that a field of these records holds."""
    for item in items:
        value = item.get(line.name)
        for each in value if isinstance(value, list) else [value]:
            inner = each.get(key) if key is not None and isinstance(each, dict) else each
            if isinstance(inner, str):
                yield inner


def by_resource(connection: Connection, ids: set[str], resources: Mapping[str, Resource]) -> dict[str, set[str]]:
    """Ids of any resource, sorted by the resource that they belong to."""
    if not ids:
        return {}
    names = {resource.noun: resource.name for resource in resources.values()}
    found: dict[str, set[str]] = {}
    for row in connection.execute(select(record_id.c.id, record_id.c.noun).where(record_id.c.id.in_(sorted(ids)))):
        if row.noun in names:
            found.setdefault(names[row.noun], set()).add(row.id)
    return found


def coverage_of(
    connection: Connection, plan: Plan, resources: Mapping[str, Resource], coverage: Coverage, *, empty: bool
) -> dict[str, Any]:
    """What was searched, and for an empty list whether that means `none_found` or `not_covered`."""
    known = coverage.of(connection, plan.resource, plan.view, resources)
    told: dict[str, Any] = {
        **known,
        "revision": plan.view.revision,
        "query": sentence(plan),
        "zero": None,
        "notes": notes(plan),
    }
    if empty:
        lacking, nothing = unheard(connection, plan)
        told["zero"] = "not_covered" if nothing or not_covered(plan, known) else "none_found"
        told["notes"] += lacking + elsewhere(connection, plan)
    return told


def notes(plan: Plan) -> list[str]:
    """How names were read, what is not known here, and what the list leaves out."""
    told = []
    if plan.wordless:
        told.append("q: there is no letter or digit in it to look for.")
    for one_ in plan.reached:
        if not one_.ids:
            near = f" Known are for example: {', '.join(one_.near)}." if one_.near else ""
            told.append(f"{one_.parameter}: nothing is known here by {one_.asked!r}.{near}")
        elif one_.said:
            told.append(f"{one_.parameter}: {one_.said}.")
    if plan.period is not None and not plan.period.undated:
        told.append("What has no date is left out; undated=true brings it in.")
    if plan.words and plan.resource.stores:
        told.append("q finds what datasets brought by the names of actors, and by what the code of an event is called.")
    left_out = plan.resource.leaves_out
    if left_out is not None and not any(line.filter.name == left_out.filter for line in plan.conditions):
        told.append(f"Left out: {left_out.filter} {' and '.join(left_out.values)}; {left_out.why}.")
    return told


def unheard(connection: Connection, plan: Plan) -> tuple[list[str], bool]:
    """What the values of filters name that nothing here could have, in words; and whether nothing can match for that."""
    told, nothing = [], False
    for line in plan.conditions:
        ask = line.filter.unheard if isinstance(line.filter, By) else None
        if ask is None or line.negated or plan.nothing:
            continue
        found = ask(connection, plan.view, line.values)
        told += [f"{line.filter.name}: {said}" for said in found.values()]
        nothing = nothing or found.keys() >= set(line.values)
    return told, nothing


def elsewhere(connection: Connection, plan: Plan) -> list[str]:
    """Where the same question finds something, when it is asked of the filter that a declaration points to."""
    told = []
    for line in plan.conditions:
        name = getattr(line.filter, "see_also", None)
        other = plan.resource.filter(name) if name is not None else None
        if other is None or line.negated or plan.nothing:
            continue
        forms = forms_of(other, line.values)
        swapped = tuple(replace(one_, filter=other, forms=forms) if one_ is line else one_ for one_ in plan.conditions)
        asked = replace(plan, conditions=swapped)
        if matching(connection, asked, 1, None):
            pairs = [
                (other.name if name == line.filter.name else name, value)
                for name, value in plan.query.pairs
                if name not in ("limit", "cursor")
            ]
            there = f"/v1/{plan.resource.name}?{urlencode(pairs, safe=':@')}"
            told.append(f"{line.filter.name} finds nothing, {other.name} does: {there}")
    return told


def not_covered(plan: Plan, known: Mapping[str, Any]) -> bool:
    """Whether an empty list says nothing about the world, since nothing here could have held an answer."""
    if any(not one_.ids for one_ in plan.reached) and plan.nothing:
        return True
    if not (known["sources"] or known["datasets"]):
        return True
    if plan.period is None or plan.resource.dated is not plan.period.line:
        return False
    if known["dates"] is None:
        return not plan.period.undated
    first, last = known["dates"]["first"], known["dates"]["last"]
    lower, upper = day(plan.period.lower), day(plan.period.upper)
    return (lower is not None and last is not None and last < lower) or (
        upper is not None and first is not None and first >= upper
    )
