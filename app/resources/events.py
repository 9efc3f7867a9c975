"""How events are asked for: what happened, happens, is planned or is imagined, and who took part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select, true, union

from app.coded.question import codes, days
from app.coded.store import CodedEvents
from app.models.coded import coded_month
from app.models.event import event, event_participant, event_topic
from app.models.place import place
from app.models.source import citation
from app.query.fields import (
    Asked,
    Bound,
    By,
    Facet,
    Field,
    Holds,
    Is,
    Keep,
    LeftOut,
    Link,
    Number,
    Period,
    Record,
    Ref,
    Resource,
    Rows,
    Sort,
    Sought,
    Term,
    View,
    Whole,
    Word,
)
from app.query.shapes import at, date, evidence, items, maybe, number, one_of, ref, refs, term, text, whole
from app.query.sql import standing
from app.resources.cited import cited_source
from app.times import day_number, parse_day

COUNTRY = Word(2, "[A-Za-z]{2}", "two letters, such as JP")
HAPPENED = Period("happened", "When it happened.", event.c.happened_first, event.c.happened_last, "2024-06")


def participants(record: Record) -> Iterable[dict[str, Any]]:
    first = at("happened", "first")(record)
    for item in record.get("participants") or ():
        yield {
            "actor": item["actor"],
            "role": item["role"],
            "inferred": int(bool(item.get("inferred"))),
            "happened_first": None if first is None else day_number(parse_day(first)),
        }


def only(role: str) -> Any:
    """A function that takes the one participant in that role, or None where there is none or are several."""

    def take(record: Record) -> str | None:
        found = [item["actor"] for item in record.get("participants") or () if item["role"] == role]
        return found[0] if len(found) == 1 else None

    return take


def taking_part(asked: Asked, who: ColumnElement[bool], roles: tuple[str, ...]) -> ColumnElement[bool]:
    """The events in which such a participant has one of the roles, or any where none is named."""
    part = event_participant
    chosen = select(part.c.id).where(who, part.c.role.in_(roles) if roles else true(), standing(part, asked.view))
    return event.c.id.in_(chosen)


def by_participant(asked: Asked) -> ColumnElement[bool]:
    """Events in which each of the actors takes part."""
    roles = asked.others.get("role", ())
    return and_(*[taking_part(asked, event_participant.c.actor.in_(ids), roles) for ids in asked.values])


def by_role(asked: Asked) -> ColumnElement[bool]:
    """Events in which somebody has the role; beside `participant` it is the participant's role that is asked for."""
    if "participant" not in asked.others:
        return taking_part(asked, true(), asked.values)
    if not asked.negated:
        return true()
    who = [one for ids in asked.others["participant"] for one in ids]
    return taking_part(asked, event_participant.c.actor.in_(who), asked.values)


def of_role(others: Mapping[str, tuple[Any, ...]]) -> ColumnElement[bool]:
    """The participants that a facet counts: those in the roles asked for."""
    return event_participant.c.role.in_(others["role"]) if "role" in others else true()


def of_participant(others: Mapping[str, tuple[Any, ...]]) -> ColumnElement[bool]:
    """The roles that a facet counts: those of the participants asked for."""
    who = [one for ids in others.get("participant", ()) for one in ids]
    return event_participant.c.actor.in_(who) if who else true()


def by_country(asked: Asked) -> ColumnElement[bool]:
    """Events that a dataset places in the country, or whose place lies in it."""
    countries = [country.upper() for country in asked.values]
    there = select(place.c.id).where(place.c.country.in_(countries), standing(place, asked.view))
    return or_(event.c.country.in_(countries), event.c.place.in_(there))


def by_code(asked: Asked) -> ColumnElement[bool]:
    """Events of a CAMEO code, a prefix matching its leaves, or of the exact label that a dataset uses."""
    if asked.itself:
        return or_(event.c.label.in_(asked.values), event.c.cameo.in_(asked.values))
    prefixes = [code for code, form in zip(asked.values, asked.forms, strict=True) if form == "prefix"]
    return or_(
        event.c.label.in_(asked.values),
        *[and_(event.c.cameo >= code, event.c.cameo < code + ":") for code in prefixes],  # ':' follows '9'
    )


def unheard_codes(connection: Connection, view: View, values: Sequence[str]) -> dict[str, str]:
    """Those of these codes that neither a scheme has nor a dataset or record here, each with what to tell."""
    known = codes()
    strange = [
        one for one in values if not (known.within(one) or known.leaves(one) or known.code_of(one) or known.plover(one))
    ]
    if not strange:
        return {}

    def so_coded(column: ColumnElement[str]) -> ColumnElement[bool]:
        return or_(column.in_(strange), *(and_(column >= one, column < one + ":") for one in strange if one.isdigit()))

    sums = coded_month.c
    places = ((sums.code, sums.since), (event.c.cameo, event.c.since), (event.c.label, event.c.since))
    used = union(*(select(code).where(so_coded(code), since <= view.revision) for code, since in places))
    here = set(connection.scalars(used))
    return {
        one: f"{one!r} is no code or label that a scheme, a dataset or a record here has. /v1/codes lists the schemes."
        for one in strange
        if one not in here and not (one.isdigit() and any(code.startswith(one) for code in here))
    }


def form_of_code(value: str) -> str:
    """Whether a code is a number, whose beginning is looked for too."""
    return "prefix" if value.isascii() and value.isdigit() else "label"


def days_of(asked: Asked) -> list[tuple[int | None, int | None]]:
    """The first and last day of the events that the values name, wherever they are kept."""
    return days(asked.connection, asked.view, [one for ids in asked.values for one in ids])


def by_after(asked: Asked) -> ColumnElement[bool]:
    """Events that began after the named one had ended."""
    return or_(false(), *[event.c.happened_first > last for _, last in days_of(asked) if last is not None])


def by_before(asked: Asked) -> ColumnElement[bool]:
    """Events that had ended before the named one began."""
    return or_(false(), *[event.c.happened_last < first for first, _ in days_of(asked) if first is not None])


def by_same_day(asked: Asked) -> ColumnElement[bool]:
    """Events of the same day as the named one, where both are known to the day."""
    known = [first for first, last in days_of(asked) if first is not None and first == last]
    return or_(false(), *[and_(event.c.happened_first == day, event.c.happened_last == day) for day in known])


EVENTS = Resource(
    name="events",
    noun="event",
    words="What happened, happens, is planned or is imagined, with its participants. Planned and imagined ones are left out "
    "unless `status` asks for them.",
    table=event,
    fields=(
        text("gloss", "What happened, in our own words.", null=False),
        term("kind", "The event type.", "event_type", column=event.c.kind),
        term(
            "status",
            "Whether it occurred, is ongoing, planned, hypothetical or habitual.",
            "event_status",
            column=event.c.status,
        ),
        date("happened", "When it happened.", first=event.c.happened_first, last=event.c.happened_last),
        ref("place", "Where.", "places", column=event.c.place),
        ref("venue", "The building or room.", "places"),
        text("purpose", "What it was for, as the source puts it."),
        items(
            "participants",
            "Who took part, in which role.",
            "Participant",
            rows=Rows(event_participant, participants),
            links=(Link("actors", "actor"),),
        ),
        Field(
            "codes",
            "Codes of coded datasets.",
            one_of("Codes"),
            (
                Keep(event.c.cameo, at("codes", "cameo")),
                Keep(event.c.plover, at("codes", "plover")),
                Keep(event.c.quad, at("codes", "quad")),
            ),
        ),
        Field(
            "intensity",
            "The dataset's weight, from -10 (conflict) to +10 (cooperation).",
            number("", null=True),
            (Keep(event.c.intensity, at("intensity")),),
        ),
        ref(
            "dataset",
            "The dataset it comes from; null for one that a source reports.",
            "datasets",
            column=event.c.dataset,
        ),
        Field(
            "reports",
            "How many records of a dataset say so.",
            whole(),
            (Keep(event.c.reports, lambda record: record.get("reports") or 0),),
        ),
        refs("topics", "Its topics.", "topics", table=event_topic, column="topic"),
        text("label", "The dataset's own words for it."),
        Field("location", "Where a dataset places it.", maybe("Location", "Where a dataset places it.")),
        evidence(),
    ),
    filters=(
        Is("kind", "Event type.", event.c.kind, Term("event_type"), "summit_meeting"),
        Is(
            "status",
            "Whether it occurred, is ongoing, planned, hypothetical or habitual.",
            event.c.status,
            Term("event_status"),
            "occurred",
        ),
        By(
            "participant",
            "An actor that takes part; repeated, each of them.",
            Ref("actors"),
            by_participant,
            "Zelenskyy",
            every=True,
            form=lambda _: None,
        ),
        By(
            "role",
            "The role of a participant.",
            Term("participant_role"),
            by_role,
            "host",
            form=lambda _: None,
        ),
        Is("initiator", "Who acts, in a dyadic event.", event.c.initiator, Ref("actors"), "russia"),
        Is("recipient", "Who is acted upon, in a dyadic event.", event.c.recipient, Ref("actors"), "ukraine"),
        By(
            "code",
            "A CAMEO code, whose prefix matches its leaves, or a dataset's exact label.",
            Word(200),
            by_code,
            "04",
            form=form_of_code,
            unheard=unheard_codes,
        ),
        Is("plover", "PLOVER type.", event.c.plover, Word(40), "CONSULT"),
        Is("quad", "Quad class, 1 to 4.", event.c.quad, Whole(1, 4), "1"),
        Is("dataset", "The dataset it comes from.", event.c.dataset, Ref("datasets"), "icews"),
        Is("place", "Where.", event.c.place, Ref("places"), "washington"),
        By("country", "Country of where it happened, ISO 3166-1 alpha-2.", COUNTRY, by_country, "US"),
        Holds(
            "topic", "A topic, narrower ones included.", event_topic, event_topic.c.topic, Ref("topics"), "peace-talks"
        ),
        HAPPENED,
        Bound("intensity_from", "At least this intensity.", event.c.intensity, "from", Number(-100, 100), "5"),
        Bound("intensity_before", "Less than this intensity.", event.c.intensity, "before", Number(-100, 100), "0"),
        By("after", "Later than the event of this id.", Ref("events"), by_after, "g7-summit-2024"),
        By("before", "Earlier than the event of this id.", Ref("events"), by_before, "g7-summit-2024"),
        By("same_day_as", "On the day of the event of this id.", Ref("events"), by_same_day, "g7-summit-2024"),
        cited_source("event", event),
    ),
    sorts=(
        Sort("happened", "By the first day on which it can have happened; undated last.", event.c.happened_first),
        Sort("kind", "By event type.", event.c.kind),
        Sort("intensity", "By intensity.", event.c.intensity),
        Sort("id", "By id.", event.c.id),
        Sort("since", "By the revision of the version.", event.c.since),
    ),
    facets=(
        Facet("kind", event.c.kind),
        Facet("status", event.c.status),
        Facet("participant", event_participant.c.actor, of_role),
        Facet("role", event_participant.c.role, of_participant),
        Facet("initiator", event.c.initiator),
        Facet("recipient", event.c.recipient),
        Facet("quad", event.c.quad),
        Facet("place", event.c.place),
        Facet("topic", event_topic.c.topic),
        Facet("code", event.c.cameo, exactly=True),
        Facet("dataset", event.c.dataset),
        Facet("source", citation.c.source),
    ),
    keep=(Keep(event.c.initiator, only("initiator")), Keep(event.c.recipient, only("recipient"))),
    sought=(
        Sought("gloss", "gloss", lambda record: [record.get("gloss")]),
        Sought("purpose", "text", lambda record: [record.get("purpose")]),
        Sought("happened", "text", lambda record: [at("happened", "words")(record)]),
    ),
    naming=("id", "place", "participants", "topics"),
    dated=HAPPENED,
    stores=(CodedEvents(),),
    leaves_out=LeftOut(
        "status", event.c.status, ("planned", "hypothetical"), "they did not happen; ask for them with `status`"
    ),
    pick={
        "initiator": (event.c.initiator,),
        "recipient": (event.c.recipient,),
        "code": (event.c.cameo,),
        "pair": (event.c.initiator, event.c.recipient),
    },
)
