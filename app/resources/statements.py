"""How statements and claims are asked for: who said what, how strongly, on which condition; and what authors assert themselves."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select

from app.models.source import citation
from app.models.statement import (
    claim,
    claim_about,
    claim_constraint,
    claim_topic,
    statement,
    statement_about,
    statement_constraint,
    statement_topic,
)
from app.query.fields import (
    Asked,
    Bound,
    By,
    Facet,
    Field,
    Holds,
    Is,
    Keep,
    Period,
    Present,
    Record,
    Ref,
    Resource,
    Rows,
    Sort,
    Sought,
    Term,
)
from app.query.shapes import at, date, evidence, items, maybe, ref, refs, term, text
from app.query.sql import standing
from app.resources.cited import cited_source


def place(record: Record) -> str:
    """Where a record's first passage stands, as text that sorts in the order of reading; outside knowledge comes last."""
    first = next(iter(record.get("evidence") or ()), None)
    return "~" if first is None else f"{first['source']} {first['start']:09d}"


def constraints(record: Record) -> list[dict[str, str]]:
    return [
        {"family": item["family"], "gloss": item["gloss"], "voice": item["voice"]}
        for item in record.get("constraints") or ()
    ]


SAID_WORDS = (
    Sought("gloss", "gloss", lambda record: [record.get("gloss")]),
    Sought("quote", "quote", lambda record: [record.get("quote")]),
    Sought("commitment", "text", lambda record: [at("commitment", "toward")(record)]),
    Sought("constraints", "text", lambda record: [item["gloss"] for item in record.get("constraints") or ()]),
)


def ids_of(asked: Asked) -> list[str]:
    """Every record that the values of a reference stand for."""
    return [one for ids in asked.values for one in ids]


def by_involved(asked: Asked) -> ColumnElement[bool]:
    """Statements in which an actor has any part."""
    s, ids = statement.c, ids_of(asked)
    spoken = select(statement_about.c.id).where(statement_about.c.about.in_(ids), standing(statement_about, asked.view))
    return or_(s.speaker.in_(ids), s.on_behalf_of.in_(ids), s.addressee.in_(ids), s.id.in_(spoken))


def by_position(asked: Asked) -> ColumnElement[bool]:
    """Statements by an actor or on their behalf."""
    return or_(statement.c.speaker.in_(ids_of(asked)), statement.c.on_behalf_of.in_(ids_of(asked)))


def by_involved_in_claim(asked: Asked) -> ColumnElement[bool]:
    """Claims whose subject an actor is, or that are about them."""
    ids = ids_of(asked)
    told = select(claim_about.c.id).where(claim_about.c.about.in_(ids), standing(claim_about, asked.view))
    return or_(claim.c.subject.in_(ids), claim.c.id.in_(told))


def by_ascription(asked: Asked) -> ColumnElement[bool]:
    """Claims that ascribe an act, an aim or a view to an actor; what is merely said of them is no position of theirs."""
    ascribed = or_(claim.c.kind.in_(ASCRIBING), claim.c.rank > 0)
    return and_(claim.c.subject.in_(ids_of(asked)), ascribed)


ASCRIBING = ("attributed_intent", "attributed_goal", "attributed_perception")
SAID = Period("said", "When it was said.", statement.c.said_first, statement.c.said_last, "2025-08")

STATEMENTS = Resource(
    name="statements",
    noun="statement",
    words="Utterances that a source reports: who is reported as saying what, how strongly, on what condition, and where it stands.",
    table=statement,
    fields=(
        ref("speaker", "Who is reported as speaking.", "actors", column=statement.c.speaker, null=False),
        ref("office", "The office the speaker held at the time.", "offices", column=statement.c.office),
        ref("on_behalf_of", "For whom the speaker speaks.", "actors", column=statement.c.on_behalf_of),
        ref("occasion", "The event at which it was said.", "events", column=statement.c.occasion),
        text("reporting_verb", "The source's verb: the author's colouring, not the speaker's word."),
        term("form", "How the source renders it.", "statement_form", column=statement.c.form),
        text("quote", "The words inside quotation marks, and nothing more.", column=statement.c.quote),
        text("gloss", "What was said, in our own words.", null=False),
        term("kind", "What kind of statement it is.", "statement_kind", column=statement.c.kind),
        Field(
            "modality",
            "How it is put.",
            maybe("Modality", "How it is put."),
            (Keep(statement.c.modality, at("modality", "type")),),
        ),
        Field(
            "commitment",
            "How strongly the speaker commits to an act of their own, and to which.",
            maybe("Commitment", "How strongly the speaker commits, and to which act."),
            (Keep(statement.c.commitment, at("commitment", "level")), Keep(statement.c.rank, at("commitment", "rank"))),
        ),
        refs("about", "The records it is about.", "*", table=statement_about),
        refs("topics", "Its topics.", "topics", table=statement_topic, column="topic"),
        items("constraints", "What it says it depends on.", "Constraint", rows=Rows(statement_constraint, constraints)),
        ref("addressee", "To whom it was said.", "actors", column=statement.c.addressee),
        date("said", "When it was said.", first=statement.c.said_first, last=statement.c.said_last),
        evidence(),
    ),
    filters=(
        Is("speaker", "Who is reported as speaking.", statement.c.speaker, Ref("actors"), "Ishiba", "on_behalf_of"),
        Is("on_behalf_of", "For whom.", statement.c.on_behalf_of, Ref("actors"), "Tokyo"),
        Holds(
            "about",
            "A record it is about: an id of any resource, or an actor's name.",
            statement_about,
            statement_about.c.about,
            Ref("*"),
            "Ukraine",
        ),
        Holds(
            "topic",
            "A topic, narrower ones included.",
            statement_topic,
            statement_topic.c.topic,
            Ref("topics"),
            "security-guarantees",
        ),
        Is("kind", "Kind of statement.", statement.c.kind, Term("statement_kind"), "policy_possibility"),
        Is("form", "How the source renders it.", statement.c.form, Term("statement_form"), "indirect_speech"),
        Is("commitment", "Level of commitment.", statement.c.commitment, Term("commitment_level"), "might"),
        Bound(
            "commitment_from",
            "At least this level of commitment.",
            statement.c.rank,
            "from",
            Term("commitment_level"),
            "might",
        ),
        Is("modality", "Type of modality.", statement.c.modality, Term("modality_type"), "epistemic_possibility"),
        Holds(
            "constraint",
            "Family of something it depends on.",
            statement_constraint,
            statement_constraint.c.family,
            Term("constraint_family"),
            "legal",
        ),
        Present("has_quote", "Whether the source quotes words of it.", statement.c.quote),
        Is("occasion", "The event at which it was said.", statement.c.occasion, Ref("events"), "ishiba-remarks"),
        Is("addressee", "To whom it was said.", statement.c.addressee, Ref("actors"), "ukraine"),
        By(
            "involves",
            "An actor with any part in it: who speaks, for whom, to whom or about whom.",
            Ref("actors"),
            by_involved,
            "Japan",
        ),
        By(
            "position_of",
            "An actor whose position it tells: who speaks, or for whom.",
            Ref("actors"),
            by_position,
            "Japan",
        ),
        Is(
            "office",
            "The office the speaker held, by its id or title.",
            statement.c.office,
            Ref("offices"),
            "prime-minister-of-japan",
        ),
        cited_source("statement", statement),
        SAID,
    ),
    sorts=(
        Sort("place", "In the order of reading: source, then position.", statement.c.place),
        Sort("said", "By the first day on which it can have been said; undated last.", statement.c.said_first),
        Sort("commitment", "By level of commitment.", statement.c.rank),
        Sort("speaker", "By speaker.", statement.c.speaker),
        Sort("id", "By id.", statement.c.id),
        Sort("since", "By the revision of the version.", statement.c.since),
    ),
    facets=(
        Facet("speaker", statement.c.speaker),
        Facet("on_behalf_of", statement.c.on_behalf_of),
        Facet("office", statement.c.office),
        Facet("topic", statement_topic.c.topic),
        Facet("about", statement_about.c.about),
        Facet("kind", statement.c.kind),
        Facet("form", statement.c.form),
        Facet("commitment", statement.c.commitment),
        Facet("modality", statement.c.modality),
        Facet("constraint", statement_constraint.c.family),
        Facet("occasion", statement.c.occasion),
        Facet("addressee", statement.c.addressee),
        Facet("source", citation.c.source),
    ),
    keep=(Keep(statement.c.place, place),),
    sought=SAID_WORDS,
    naming=("id", "speaker", "office", "on_behalf_of", "occasion", "about", "topics", "addressee"),
    dated=SAID,
)

CLAIMS = Resource(
    name="claims",
    noun="claim",
    words="What the author of a source asserts in their own voice, attitudes ascribed without a reported utterance included.",
    table=claim,
    fields=(
        ref("subject", "Whom or what it is chiefly about.", "*", column=claim.c.subject),
        text("gloss", "What is claimed, in our own words.", null=False),
        term("kind", "What kind of claim it is.", "claim_kind", column=claim.c.kind),
        Field(
            "modality",
            "How it is put.",
            maybe("Modality", "How it is put."),
            (Keep(claim.c.modality, at("modality", "type")),),
        ),
        Field(
            "commitment",
            "How strongly the author ascribes an act to the subject, and which.",
            maybe("Commitment", "How strongly an act is ascribed, and which."),
            (Keep(claim.c.commitment, at("commitment", "level")), Keep(claim.c.rank, at("commitment", "rank"))),
        ),
        refs("about", "The records it is about.", "*", table=claim_about),
        refs("topics", "Its topics.", "topics", table=claim_topic, column="topic"),
        items("constraints", "What it says things depend on.", "Constraint", rows=Rows(claim_constraint, constraints)),
        evidence(),
    ),
    filters=(
        Holds(
            "about",
            "A record it is about: an id of any resource, or an actor's name.",
            claim_about,
            claim_about.c.about,
            Ref("*"),
            "Japan",
        ),
        Holds(
            "topic",
            "A topic, narrower ones included.",
            claim_topic,
            claim_topic.c.topic,
            Ref("topics"),
            "security-guarantees",
        ),
        Is("kind", "Kind of claim.", claim.c.kind, Term("claim_kind"), "assessment"),
        Is("subject", "Whom or what it is chiefly about.", claim.c.subject, Ref("*"), "Japan"),
        By(
            "involves",
            "An actor who is its subject or whom it is about.",
            Ref("actors"),
            by_involved_in_claim,
            "Japan",
        ),
        By(
            "position_of",
            "An actor to whom it ascribes an act, an aim or a view: a level of commitment, or an attributed kind.",
            Ref("actors"),
            by_ascription,
            "Japan",
        ),
        Holds(
            "constraint",
            "Family of something it says things depend on.",
            claim_constraint,
            claim_constraint.c.family,
            Term("constraint_family"),
            "legal",
        ),
        Is("modality", "Type of modality.", claim.c.modality, Term("modality_type"), "indicative"),
        Is("commitment", "Level of commitment ascribed.", claim.c.commitment, Term("commitment_level"), "intends"),
        Bound(
            "commitment_from",
            "At least this level of commitment.",
            claim.c.rank,
            "from",
            Term("commitment_level"),
            "might",
        ),
        cited_source("claim", claim),
    ),
    sorts=(
        Sort("place", "In the order of reading: source, then position.", claim.c.place),
        Sort("commitment", "By level of commitment.", claim.c.rank),
        Sort("id", "By id.", claim.c.id),
        Sort("since", "By the revision of the version.", claim.c.since),
    ),
    facets=(
        Facet("subject", claim.c.subject),
        Facet("topic", claim_topic.c.topic),
        Facet("about", claim_about.c.about),
        Facet("kind", claim.c.kind),
        Facet("modality", claim.c.modality),
        Facet("commitment", claim.c.commitment),
        Facet("constraint", claim_constraint.c.family),
        Facet("source", citation.c.source),
    ),
    keep=(Keep(claim.c.place, place),),
    sought=SAID_WORDS,
    naming=("id", "subject", "about", "topics"),
)
