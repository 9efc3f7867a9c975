"""How agreements and their provisions are asked for: instruments between parties, and what each lays down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from app.models.agreement import agreement, agreement_characterisation, agreement_party, agreement_topic, provision
from app.models.source import citation
from app.query.fields import (
    Asked,
    By,
    Facet,
    Field,
    Holds,
    Is,
    Keep,
    Link,
    On,
    Period,
    Record,
    Ref,
    Resource,
    Rows,
    Sort,
    Sought,
    Term,
    View,
)
from app.query.shapes import at, date, evidence, items, listed, maybe, ref, refs, string, term, text
from app.query.sql import standing
from app.resources.cited import cited_source
from app.times import day_number, parse_edtf


def parties(record: Record) -> list[dict[str, str]]:
    return [{"actor": item["actor"], "role": item["role"]} for item in record.get("parties") or ()]


def characterisations(record: Record) -> list[dict[str, str]]:
    return [{"gloss": item["gloss"], "voice": item["voice"]} for item in record.get("characterisations") or ()]


def in_force(name: str, end: str) -> Any:
    """A function that takes the first or last day of an end of `in_force`."""

    def take(record: Record) -> int | None:
        edtf = at("in_force", name)(record)
        found = None if edtf is None else getattr(parse_edtf(edtf), end)
        return None if found is None else day_number(found)

    return take


def by_provision(asked: Asked) -> ColumnElement[bool]:
    """Agreements that lay down something of one of these types."""
    chosen = select(provision.c.agreement).where(provision.c.type.in_(asked.values), standing(provision, asked.view))
    return agreement.c.id.in_(chosen)


def by_party(asked: Asked) -> ColumnElement[bool]:
    """Provisions that name each actor as provider or recipient, or whose agreement has it as a party."""
    conditions = []
    for ids in asked.values:
        signed = select(agreement_party.c.id).where(
            agreement_party.c.actor.in_(ids), standing(agreement_party, asked.view)
        )
        conditions.append(
            or_(provision.c.provider.in_(ids), provision.c.recipient.in_(ids), provision.c.agreement.in_(signed))
        )
    whole = conditions[0]
    for condition in conditions[1:]:
        whole = whole & condition
    return whole


def provisions_of(connection: Connection, view: View, ids: list[str]) -> Mapping[str, Mapping[str, Any]]:
    """The ids of each agreement's provisions."""
    query = (
        select(provision.c.agreement, provision.c.id)
        .where(provision.c.agreement.in_(ids), standing(provision, view))
        .order_by(provision.c.id)
    )
    found: dict[str, list[str]] = {name: [] for name in ids}
    for row in connection.execute(query):
        found[row.agreement].append(row.id)
    return {name: {"provisions": listing} for name, listing in found.items()}


SIGNED = Period("signed", "When it was signed.", agreement.c.signed_first, agreement.c.signed_last, "2024")

AGREEMENTS = Resource(
    name="agreements",
    noun="agreement",
    words="Instruments between parties: who signed what, when, for how long, and what it lays down.",
    table=agreement,
    fields=(
        text("gloss", "What it is, in our own words.", null=False),
        term("kind", "What kind of instrument it is.", "agreement_kind", column=agreement.c.kind),
        items(
            "parties",
            "Who is bound, in which role.",
            "Party",
            rows=Rows(agreement_party, parties),
            links=(Link("actors", "actor"),),
        ),
        date("signed", "When it was signed.", first=agreement.c.signed_first, last=agreement.c.signed_last),
        ref("signing", "The event of its signing.", "events", column=agreement.c.signing),
        text("term", "For how long it is concluded, an ISO 8601 duration."),
        Field(
            "in_force",
            "When it is in force.",
            maybe("InForce", "When it is in force."),
            (
                Keep(agreement.c.in_force_first, in_force("from", "first")),
                Keep(agreement.c.in_force_last, in_force("until", "last")),
            ),
        ),
        ref("occasion", "The event at which it was signed.", "events", column=agreement.c.occasion),
        items(
            "characterisations",
            "How somebody characterises it, and in whose voice.",
            "Characterisation",
            rows=Rows(agreement_characterisation, characterisations),
        ),
        Field(
            "provisions",
            "The ids of what it lays down.",
            listed(string(), "Ids of provisions."),
            links=(Link("provisions"),),
            late=True,
        ),
        refs("topics", "Its topics.", "topics", table=agreement_topic, column="topic"),
        evidence(),
    ),
    filters=(
        Holds(
            "party",
            "A party; repeated, each of them.",
            agreement_party,
            agreement_party.c.actor,
            Ref("actors"),
            "Tokyo",
            every=True,
        ),
        By("provision", "A type of thing it lays down.", Term("provision_type"), by_provision, "military_equipment"),
        On(
            "in_force_on",
            "A day on which it is in force; an unknown end counts as open.",
            agreement.c.in_force_first,
            agreement.c.in_force_last,
            "2028-01-01",
        ),
        SIGNED,
        Holds(
            "topic",
            "A topic, narrower ones included.",
            agreement_topic,
            agreement_topic.c.topic,
            Ref("topics"),
            "ukraine-security-support",
        ),
        Is("kind", "Kind of instrument.", agreement.c.kind, Term("agreement_kind"), "bilateral_accord"),
        Is("occasion", "The event at which it was signed.", agreement.c.occasion, Ref("events"), "g7-summit-2024"),
        cited_source("agreement", agreement),
    ),
    sorts=(
        Sort("signed", "By the first day on which it can have been signed; undated last.", agreement.c.signed_first),
        Sort("id", "By id.", agreement.c.id),
        Sort("since", "By the revision of the version.", agreement.c.since),
    ),
    facets=(
        Facet("kind", agreement.c.kind),
        Facet("party", agreement_party.c.actor),
        Facet("occasion", agreement.c.occasion),
        Facet("topic", agreement_topic.c.topic),
        Facet("source", citation.c.source),
    ),
    sought=(
        Sought("gloss", "gloss", lambda record: [record["gloss"]]),
        Sought(
            "characterisations", "text", lambda record: [one["gloss"] for one in record.get("characterisations") or ()]
        ),
    ),
    naming=("id", "parties", "occasion", "topics"),
    late=provisions_of,
    dated=SIGNED,
)

PROVISIONS = Resource(
    name="provisions",
    noun="provision",
    words="What agreements lay down, one thing each. Here `type` is the type of provision.",
    table=provision,
    fields=(
        ref("agreement", "The agreement that lays it down.", "agreements", column=provision.c.agreement, null=False),
        term("type", "The type of provision.", "provision_type", column=provision.c.type),
        text("gloss", "What is laid down, in our own words.", null=False),
        ref("provider", "Who gives.", "actors", column=provision.c.provider),
        ref("recipient", "Who receives.", "actors", column=provision.c.recipient),
        text("quantity", "How much, as the source puts it."),
        Field(
            "commitment",
            "How strongly it binds, and to which act.",
            maybe("Commitment", "How strongly it binds."),
            (Keep(provision.c.commitment, at("commitment", "level")), Keep(provision.c.rank, at("commitment", "rank"))),
        ),
        evidence(),
    ),
    filters=(
        Is(
            "agreement",
            "The agreement that lays it down.",
            provision.c.agreement,
            Ref("agreements"),
            "japan-ukraine-accord-2024",
        ),
        Is("type", "Type of provision.", provision.c.type, Term("provision_type"), "military_equipment"),
        By(
            "party",
            "Who gives, receives, or is a party of its agreement; repeated, each of them.",
            Ref("actors"),
            by_party,
            "ukraine",
            every=True,
        ),
        Is("provider", "Who gives.", provision.c.provider, Ref("actors"), "japan"),
        Is("recipient", "Who receives.", provision.c.recipient, Ref("actors"), "ukraine"),
        Is("commitment", "How strongly it binds.", provision.c.commitment, Term("commitment_level"), "pledged"),
        cited_source("provision", provision),
    ),
    sorts=(
        Sort("agreement", "By agreement.", provision.c.agreement),
        Sort("type", "By type.", provision.c.type),
        Sort("id", "By id.", provision.c.id),
        Sort("since", "By the revision of the version.", provision.c.since),
    ),
    facets=(
        Facet("type", provision.c.type),
        Facet("agreement", provision.c.agreement),
        Facet("provider", provision.c.provider),
        Facet("recipient", provision.c.recipient),
        Facet("commitment", provision.c.commitment),
        Facet("source", citation.c.source),
    ),
    sought=(
        Sought("gloss", "gloss", lambda record: [record["gloss"]]),
        Sought("quantity", "text", lambda record: [record.get("quantity")]),
    ),
    naming=("id", "agreement", "provider", "recipient"),
)
