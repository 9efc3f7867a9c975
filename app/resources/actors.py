"""How actors are asked for and answered: people, states, governments, organisations, coalitions and groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select, true

from app.coded.actors import CodedActors
from app.models.actor import actor, actor_identifier, actor_name, membership, office, tenure
from app.names import family_names, fold, skeleton, words
from app.query.fields import Asked, By, Day, Facet, Is, Link, Ref, Resource, Rows, Sort, Sought, Term, View, Word
from app.query.shapes import evidence, items, ref, term, text
from app.query.sql import standing
from app.times import day_number, parse_edtf

Item = Mapping[str, Any]


def names(record: Item) -> Iterable[dict[str, Any]]:
    """Every name under which the actor is found: those listed, the name it goes by here, and a person's family name."""
    outsider = int(bool(record.get("enrichment")))
    seen: set[tuple[str, str]] = set()
    for name in (*(record.get("names") or ()), {"text": record["name"], "kind": "name"}):
        forms = [(name["text"], "listed")]
        if record["kind"] == "person" and name["kind"] == "name" and given_name_first(name):
            forms += [(form, "family_name") for form in family_names(name["text"])]
        for form, how in forms:
            folded = fold(form)
            if not folded or (folded, how) in seen or (how == "family_name" and (folded, "listed") in seen):
                continue
            seen.add((folded, how))
            yield {
                "text": name["text"],
                "folded": folded,
                "skeleton": skeleton(form),
                "kind": name["kind"],
                "language": name.get("language"),
                "how": how,
                "enrichment": int(bool(name.get("enrichment"))),
                "outsider": outsider,
            }


def given_name_first(name: Item) -> bool:
    """Whether the family name is to be looked for at the end: not in the languages that put it first."""
    return (name.get("language") or "en")[:2] not in ("ja", "zh", "ko")


def respellings(record: Item) -> list[str]:
    """The keys under which usual respellings of the names are found: a search for Zelensky finds Zelenskyy."""
    texts = [record["name"], *(name["text"] for name in record.get("names") or ())]
    folded = {word for text in texts for word in words(text)}
    return [" ".join(dict.fromkeys(bone for text in texts for bone in skeleton(text).split() if bone not in folded))]


def span(item: Item) -> dict[str, int | None]:
    """The widest days between which a tenure or membership can have held; None is open or unknown."""
    begins = parse_edtf(item["from"]).first if item.get("from") else None
    ends = parse_edtf(item["until"]).last if item.get("until") else None
    return {
        "from_first": None if begins is None else day_number(begins),
        "until_last": None if ends is None else day_number(ends),
    }


def tenures(record: Item) -> Iterable[dict[str, Any]]:
    for item in record.get("offices") or ():
        yield {"office": item["office"], "of": item.get("of"), **span(item)}


def memberships(record: Item) -> Iterable[dict[str, Any]]:
    for item in record.get("memberships") or ():
        yield {"organisation": item["actor"], **span(item)}


def identifiers(record: Item) -> Iterable[dict[str, Any]]:
    for item in record.get("identifiers") or ():
        yield {"scheme": item["scheme"], "value": item["value"]}


def held(
    table: Table, asked: Asked, condition: ColumnElement[bool], days: tuple[int, ...] | None = None
) -> ColumnElement[bool]:
    """The actors with such a tenure or membership, on one of the days, or else on the day that `valid_on` names."""
    days = asked.others.get("valid_on", ()) if days is None else days
    chosen = select(table.c.id).where(condition, standing(table, asked.view), within(table, days))
    return actor.c.id.in_(chosen)


def within(table: Table, days: tuple[int, ...]) -> ColumnElement[bool]:
    """The tenures or memberships of one of the days; all of them where no day is asked for. An unknown end counts as open."""
    on = [
        and_(
            or_(table.c.from_first.is_(None), table.c.from_first <= day),
            or_(table.c.until_last.is_(None), table.c.until_last >= day),
        )
        for day in days
    ]
    return or_(*on) if on else true()


def on_day(table: Table) -> Callable[[Mapping[str, tuple[Any, ...]]], ColumnElement[bool]]:
    """The tenures or memberships that a facet counts: those of the day asked for, as its links list them."""
    return lambda others: within(table, others.get("valid_on", ()))


def by_name(asked: Asked) -> ColumnElement[bool]:
    """Those any of whose names is the one asked, usual respellings included."""
    folded, respelt = [fold(name) for name in asked.values], [skeleton(name) for name in asked.values]
    alike = or_(actor_name.c.folded.in_(folded), actor_name.c.skeleton.in_([word for word in respelt if word]))
    # Names from outside are used to find, in either view: they are not shown unless enrichment is asked for.
    stands = and_(
        actor_name.c.since <= asked.view.revision,
        or_(actor_name.c.until.is_(None), actor_name.c.until > asked.view.revision),
    )
    return actor.c.id.in_(select(actor_name.c.id).where(alike, stands))


def by_identifier(asked: Asked) -> ColumnElement[bool]:
    """Those with one of the identifiers, each `scheme:value`."""
    table = actor_identifier
    pairs = [value.partition(":") for value in asked.values]
    same = or_(*[and_(table.c.scheme == scheme, table.c.value == value) for scheme, _, value in pairs])
    return actor.c.id.in_(select(table.c.id).where(same, standing(table, asked.view)))


def unheard_schemes(connection: Connection, view: View, values: Sequence[str]) -> dict[str, str]:
    """Those of these identifiers whose scheme no actor here has an identifier in, each with what to tell."""
    table = actor_identifier
    shown = list(
        connection.scalars(select(table.c.scheme).where(standing(table, view)).distinct().order_by(table.c.scheme))
    )
    known = f"Known are for example: {', '.join(shown[:5])}." if shown else "No actor here has any."
    more = "" if view.enrichment else " Those from outside the sources need enrichment=true."
    found = {value: value.partition(":")[0] for value in values}
    return {
        value: f"no actor here has an identifier of the scheme {scheme!r}. {known}{more}"
        for value, scheme in found.items()
        if scheme not in shown
    }


def by_member_of(asked: Asked) -> ColumnElement[bool]:
    """Members of one of the organisations."""
    return held(membership, asked, membership.c.organisation.in_([one for ids in asked.values for one in ids]))


def by_office(asked: Asked) -> ColumnElement[bool]:
    """Holders of one of the offices."""
    return held(tenure, asked, tenure.c.office.in_([one for ids in asked.values for one in ids]))


def by_valid_on(asked: Asked) -> ColumnElement[bool]:
    """Those with an office or membership on that day; beside `member_of` or `holds_office` it narrows these instead."""
    if {"member_of", "holds_office"} & asked.others.keys() and not asked.negated:
        return true()
    return or_(held(tenure, asked, true(), asked.values), held(membership, asked, true(), asked.values))


ACTORS = Resource(
    name="actors",
    noun="actor",
    words="Who can speak, sign, take part or be acted upon: people, states, governments, organisations, coalitions, groups.",
    table=actor,
    formats=("popolo",),
    fields=(
        text("name", "The name it goes by here.", column=actor.c.name, null=False),
        term(
            "kind",
            "What kind of actor it is; null where only a dataset names it.",
            "actor_kind",
            column=actor.c.kind,
            null=True,
        ),
        items(
            "names",
            "Every name under which the source, or with enrichment somebody else, knows it.",
            "Name",
            rows=Rows(actor_name, names),
        ),
        items(
            "identifiers", "Its identifiers in other schemes.", "Identifier", rows=Rows(actor_identifier, identifiers)
        ),
        term(
            "existence", "Whether it is certain to exist: certain or uncertain.", "existence", column=actor.c.existence
        ),
        items(
            "offices",
            "The offices it holds or held.",
            "Tenure",
            rows=Rows(tenure, tenures),
            links=(Link("offices", "office"), Link("actors", "of")),
        ),
        items(
            "memberships",
            "What it belongs to.",
            "Membership",
            rows=Rows(membership, memberships),
            links=(Link("actors", "actor"),),
        ),
        ref("dataset", "The dataset that names it; null for one that a source names.", "datasets"),
        evidence(),
    ),
    filters=(
        Is("id", "The actor of this id.", actor.c.id, Word(), "japan"),
        Is("kind", "Kind of actor.", actor.c.kind, Term("actor_kind"), "person"),
        By(
            "name",
            "Any of its names, whatever the case, accents, apostrophes or usual respelling.",
            Word(),
            by_name,
            "Zelensky",
        ),
        By(
            "identifier",
            "An identifier as `scheme:value`; those from outside the source need `enrichment=true`.",
            Word(500, ".+:.+", "scheme:value, such as iso3166-1-alpha2:JP"),
            by_identifier,
            "iso3166-1-alpha2:JP",
            unheard=unheard_schemes,
        ),
        By("member_of", "An organisation or coalition it belongs to.", Ref("actors"), by_member_of, "g7"),
        By(
            "holds_office",
            "An office it holds or held, by its id or title.",
            Ref("offices"),
            by_office,
            "prime-minister-of-japan",
        ),
        By(
            "valid_on",
            "The day on which the office or membership must hold; unknown ends count as open.",
            Day(),
            by_valid_on,
            "2025-08-18",
        ),
    ),
    sorts=(
        Sort("name", "By name.", actor.c.name),
        Sort("id", "By id.", actor.c.id),
        Sort("since", "By the revision of the version.", actor.c.since),
    ),
    facets=(
        Facet("kind", actor.c.kind),
        Facet("member_of", membership.c.organisation, on_day(membership)),
        Facet("holds_office", tenure.c.office, on_day(tenure)),
    ),
    stores=(CodedActors(),),
    sought=(
        Sought("name", "name", lambda record: [record["name"]]),
        Sought("names", "name", lambda record: [name["text"] for name in record.get("names") or ()]),
        Sought("names", "linked", respellings),
    ),
    naming=(
        "id",
        "offices",
    ),
)

OFFICES = Resource(
    name="offices",
    noun="office",
    words="Offices of states and bodies; who held one, and when, stands with the actors.",
    table=office,
    fields=(
        text("title", "What the office is called.", column=office.c.title, null=False),
        ref("of", "The state or body whose office it is.", "actors", column=office.c.of),
        evidence(),
    ),
    filters=(Is("of", "The state or body whose office it is.", office.c.of, Ref("actors"), "japan"),),
    sorts=(
        Sort("title", "By title.", office.c.title),
        Sort("id", "By id.", office.c.id),
        Sort("since", "By the revision of the version.", office.c.since),
    ),
    facets=(Facet("of", office.c.of),),
    sought=(Sought("title", "name", lambda record: [record["title"]]),),
    naming=("id", "of"),
)
