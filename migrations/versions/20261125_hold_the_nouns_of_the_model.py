"""hold the nouns of the model: the clock, records as versions with their parts, citations, and texts at hand."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "20261125a"
down_revision = None
branch_labels = None
depends_on = None

# Text that sorts by code point on both databases.
key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def day(name: str, comment: str) -> sa.Column[Any]:
    """A day of the years 1 to 9999, as days since 1970-01-01; `table` adds the check."""
    return sa.Column(name, sa.Integer, comment=comment, info={"day": True})


def table(name: str, *parts: Any, comment: str) -> None:
    """A table, its days kept in range."""
    days = [part.name for part in parts if isinstance(part, sa.Column) and part.info.get("day")]
    ranges = [
        sa.CheckConstraint(f"{one} BETWEEN -719162 AND 2932896", name=op.f(f"ck_{name}_{one}_range")) for one in days
    ]
    op.create_table(name, *parts, *ranges, comment=comment)


def record(name: str, *parts: Any, comment: str) -> None:
    """The table of a noun: a row a version and face."""
    table(
        name,
        sa.Column("id", key, primary_key=True, comment="The record's id: readable, never reused."),
        sa.Column(
            "since", sa.Integer, primary_key=True, autoincrement=False, comment="The revision that opened this version."
        ),
        sa.Column(
            "face", sa.SmallInteger, primary_key=True, autoincrement=False, comment="0 whole, 1 plain, 2 enriched."
        ),
        sa.Column("until", sa.Integer, comment="The revision that closed this version; null while it stands."),
        sa.Column("origin", key, comment="What published it: the dossier's or dataset's id; null for an edit."),
        sa.Column(
            "body", sa.Text, nullable=False, comment="The record of this face as JSON, less what is computed when read."
        ),
        sa.Column("words", sa.Text, nullable=False, server_default="", comment="Folded words that `q` looks in."),
        *parts,
        sa.CheckConstraint("face IN (0, 1, 2)", name=op.f(f"ck_{name}_face")),
        sa.CheckConstraint("until IS NULL OR until > since", name=op.f(f"ck_{name}_until")),
        comment=comment,
    )
    versions(name)


def part(name: str, of: str, *parts: Any, comment: str) -> None:
    """The table of a repeated part of a noun: its rows belong to one version of the parent."""
    table(
        name,
        sa.Column("id", key, primary_key=True, comment=f"The {of} it belongs to."),
        sa.Column("since", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("face", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False, comment="Its place in the list, from 0."),
        sa.Column("until", sa.Integer),
        *parts,
        sa.ForeignKeyConstraint(
            ["id", "since", "face"], [f"{of}.id", f"{of}.since", f"{of}.face"], name=op.f(f"fk_{name}_id_since_face")
        ),
        comment=comment,
    )
    versions(name)


def versions(name: str) -> None:
    """The indexes by which the log is read."""
    op.create_index(f"ix_{name}_since", name, ["since", "id"])
    op.create_index(f"ix_{name}_until", name, ["until"])


def upgrade() -> None:
    clock()
    sources()
    actors()
    topics()
    statements()
    events()
    agreements()


def clock() -> None:
    """The clock, and what became of ids."""
    table(
        "revision",
        sa.Column(
            "number",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="The knowledge base's clock; never reused.",
        ),
        sa.Column("state", key, nullable=False, comment="open, published or abandoned."),
        sa.Column(
            "kind", key, nullable=False, comment="What made it: vocabularies, dossier, import, edit, retraction."
        ),
        sa.Column("origin", key, comment="The dossier or dataset it published."),
        sa.Column(
            "digest", key, comment="sha256 of the file it was made from, so that a resume continues the same one."
        ),
        sa.Column(
            "job",
            sa.Text,
            nullable=False,
            comment="How to do it again, as JSON: what `chancery revisions resume` runs.",
        ),
        sa.Column("by", sa.Text, nullable=False, comment="Who: the key's name, or the user of the command line."),
        sa.Column("why", sa.Text, nullable=False, comment="The reason given."),
        sa.Column("opened_at", key, nullable=False, comment="RFC 3339, UTC."),
        sa.Column("published_at", key, comment="RFC 3339, UTC; null while open."),
        sa.Column(
            "counts", sa.Text, nullable=False, comment="Records created, updated and retracted, by noun, as JSON."
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_revision_number")),
        sa.CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name=op.f("ck_revision_published_at")),
        sa.CheckConstraint("state IN ('open', 'published', 'abandoned')", name=op.f("ck_revision_state")),
        comment="One published change of the knowledge base.",
    )
    op.create_index("ix_revision_published_at", "revision", ["published_at"])
    op.create_index(
        "uq_revision_open",
        "revision",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )

    table(
        "record_id",
        sa.Column("id", key, primary_key=True),
        sa.Column("noun", key, nullable=False, comment="The noun whose record carries this id."),
        sa.Column("since", sa.Integer, nullable=False, comment="The revision that first used it."),
        comment="Every id a curated record ever had: ids are unique over all nouns and never reused.",
    )

    table(
        "redirect",
        sa.Column("id", key, primary_key=True, comment="The id that was given up."),
        sa.Column(
            "since",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="The revision that renamed or merged it.",
        ),
        sa.Column("until", sa.Integer, comment="The revision that undid it."),
        sa.Column("noun", key, nullable=False),
        sa.Column("now", key, nullable=False, comment="The id to use instead."),
        comment="Where a renamed or merged record went.",
    )
    op.create_index("ix_redirect_since", "redirect", ["since", "id"])

    table(
        "retraction",
        sa.Column("id", key, primary_key=True),
        sa.Column(
            "since", sa.Integer, primary_key=True, autoincrement=False, comment="The revision that retracted it."
        ),
        sa.Column("noun", key, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        comment="Why a record was retracted.",
    )
    op.create_index("ix_retraction_since", "retraction", ["since", "id"])


def sources() -> None:
    """Sources, the spans that are cited, who cites them, and the texts at hand."""
    record(
        "source",
        sa.Column("title", key),
        sa.Column("publisher", key),
        sa.Column("language", key),
        day("published_first", "The first day its date can mean."),
        day("published_last", "The last day its date can mean."),
        sa.Column("sha256", key, comment="Of the text's UTF-8 bytes."),
        sa.Column("characters", sa.Integer, comment="Its length in Unicode code points."),
        sa.Column(
            "open",
            sa.Integer,
            nullable=False,
            server_default="0",
            comment="1 where the licence lets everybody carry the text.",
        ),
        comment="A document somebody published.",
    )
    op.create_index("ix_source_publisher", "source", ["publisher", "id"])

    record(
        "passage",
        sa.Column("source", key, nullable=False),
        sa.Column("paragraph", sa.Integer, nullable=False),
        sa.Column("sentence", sa.Integer, nullable=False),
        sa.Column("start", sa.Integer, nullable=False, comment="First code point, from 0."),
        sa.Column("end", sa.Integer, nullable=False, comment="The code point after the last."),
        sa.Column("sha256", key, nullable=False, comment="Of the exact text's UTF-8 bytes."),
        sa.CheckConstraint('start >= 0 AND "end" > start', name=op.f("ck_passage_span")),
        comment="A span of a source.",
    )
    op.create_index("ix_passage_source_start", "passage", ["source", "start", "id"])

    table(
        "citation",
        sa.Column("id", key, primary_key=True, comment="The record that cites."),
        sa.Column("since", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("face", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("until", sa.Integer),
        sa.Column("noun", key, nullable=False),
        sa.Column("part", key, nullable=False, comment="Which part of the record: the record itself is ''."),
        sa.Column("passage", key, nullable=False),
        sa.Column("source", key, nullable=False),
        sa.Column("support", key, nullable=False, comment="states, implies or mentions."),
        comment="A record's evidence, a row each.",
    )
    op.create_index("ix_citation_passage", "citation", ["passage", "id"])
    op.create_index("ix_citation_since", "citation", ["since", "id"])
    op.create_index("ix_citation_source_noun", "citation", ["source", "noun", "id"])
    op.create_index("ix_citation_until", "citation", ["until"])

    table(
        "source_text",
        sa.Column("source", key, primary_key=True),
        sa.Column("sha256", key, nullable=False, comment="The digest under which it was accepted."),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("attached_at", key, nullable=False, comment="RFC 3339, UTC."),
        comment="The text of a source, where it is at hand. Access, not knowledge: it has no revision.",
    )

    table(
        "text_access",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "changes",
            sa.Integer,
            nullable=False,
            comment="How often a text was attached or withdrawn: part of every ETag.",
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_text_access_single")),
        comment="The counter of changes of access, one row.",
    )
    # The one row, so that two writers who change access at once wait for each other.
    op.execute("INSERT INTO text_access (id, changes) VALUES (1, 0)")


def actors() -> None:
    """Actors with their names, identifiers, tenures and memberships; offices and places."""
    record(
        "actor",
        sa.Column("kind", key, nullable=False),
        sa.Column("name", key, nullable=False),
        sa.Column("existence", key, nullable=False),
        comment="Somebody who can speak, sign, take part or be acted upon.",
    )
    op.create_index("ix_actor_kind", "actor", ["kind", "id"])
    op.create_index("ix_actor_name", "actor", ["name", "id"])

    part(
        "actor_name",
        "actor",
        sa.Column("text", sa.Text, nullable=False),
        sa.Column(
            "folded", key, nullable=False, comment="The key for equality: case, width, accents and apostrophes folded."
        ),
        sa.Column("skeleton", key, nullable=False, comment="The folded name with usual respellings made equal."),
        sa.Column("kind", key, nullable=False),
        sa.Column("language", key),
        sa.Column("how", key, nullable=False, comment="listed, or how it was derived: family_name, government_form."),
        sa.Column("enrichment", sa.Integer, nullable=False, comment="1 where the name comes from outside the source."),
        sa.Column(
            "outsider", sa.Integer, nullable=False, comment="1 where the whole actor comes from outside the source."
        ),
        comment="A surface form under which people look for an actor.",
    )
    op.create_index("ix_actor_name_folded", "actor_name", ["folded", "id"])
    op.create_index("ix_actor_name_skeleton", "actor_name", ["skeleton", "id"])

    part(
        "actor_identifier",
        "actor",
        sa.Column("scheme", key, nullable=False),
        sa.Column("value", key, nullable=False),
        comment="An actor's identifier in somebody else's scheme.",
    )
    op.create_index("ix_actor_identifier_value", "actor_identifier", ["scheme", "value", "id"])

    part(
        "tenure",
        "actor",
        sa.Column("office", key, nullable=False),
        sa.Column("of", key, comment="The state or body whose office it is."),
        day("from_first", "The first day on which it can have begun; null is unknown."),
        day("until_last", "The last day on which it can have ended; null is unknown or still held."),
        comment="A person holds an office.",
    )
    op.create_index("ix_tenure_office", "tenure", ["office", "id"])

    part(
        "membership",
        "actor",
        sa.Column("organisation", key, nullable=False),
        day("from_first", "The first day on which it can have begun; null is unknown."),
        day("until_last", "The last day on which it can have ended; null is unknown or still held."),
        comment="An actor belongs to an organisation or coalition.",
    )
    op.create_index("ix_membership_organisation", "membership", ["organisation", "id"])

    record(
        "office",
        sa.Column("title", key, nullable=False),
        sa.Column("of", key, comment="The state or body whose office it is."),
        comment="An office of a state or body.",
    )

    record(
        "place",
        sa.Column("kind", key, nullable=False),
        sa.Column("name", key, nullable=False),
        sa.Column("within", key, comment="The place that holds this one."),
        sa.Column("country", key, comment="ISO 3166-1 alpha-2."),
        comment="Where things happen.",
    )


def topics() -> None:
    """Topics, and the terms of the vocabularies."""
    record(
        "topic",
        sa.Column("label", key, nullable=False),
        sa.Column("broader", key),
        comment="What statements, claims, events and agreements are about (a SKOS concept).",
    )
    op.create_index("ix_topic_broader", "topic", ["broader", "id"])

    record(
        "term",
        sa.Column("vocabulary", key, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False, comment="Its place in the vocabulary."),
        comment="A term of a controlled vocabulary.",
    )
    op.create_index("ix_term_vocabulary", "term", ["vocabulary", "place", "id"])


def statements() -> None:
    """Statements and claims."""
    record(
        "statement",
        sa.Column("speaker", key, nullable=False),
        sa.Column("on_behalf_of", key),
        sa.Column("office", key),
        sa.Column("addressee", key),
        sa.Column("occasion", key),
        sa.Column("kind", key, nullable=False),
        sa.Column("form", key, nullable=False),
        sa.Column("modality", key),
        sa.Column("commitment", key),
        sa.Column("rank", sa.SmallInteger, comment="The commitment's place on its scale, 0 to 8."),
        sa.Column("quote", sa.Text),
        day("said_first", "The first day on which it can have been said."),
        day("said_last", "The last day on which it can have been said."),
        sa.Column(
            "place", key, nullable=False, comment="Source and position of its first passage: the order of reading."
        ),
        comment="An utterance that a source reports.",
    )
    op.create_index("ix_statement_place", "statement", ["place", "id"])
    op.create_index("ix_statement_said", "statement", ["said_first", "id"])
    op.create_index("ix_statement_speaker", "statement", ["speaker", "place", "id"])

    part(
        "statement_about",
        "statement",
        sa.Column("about", key, nullable=False),
        comment="The records a statement is about.",
    )
    op.create_index("ix_statement_about_about", "statement_about", ["about", "id"])

    part("statement_topic", "statement", sa.Column("topic", key, nullable=False), comment="The topics of a statement.")
    op.create_index("ix_statement_topic_topic", "statement_topic", ["topic", "id"])

    part(
        "statement_constraint",
        "statement",
        sa.Column("family", key, nullable=False),
        sa.Column("gloss", sa.Text, nullable=False),
        sa.Column("voice", key, nullable=False),
        comment="What a statement says it depends on.",
    )
    op.create_index("ix_statement_constraint_family", "statement_constraint", ["family", "id"])

    record(
        "claim",
        sa.Column("subject", key),
        sa.Column("kind", key, nullable=False),
        sa.Column("modality", key),
        sa.Column("commitment", key),
        sa.Column("rank", sa.SmallInteger, comment="The commitment's place on its scale, 0 to 8."),
        sa.Column(
            "place", key, nullable=False, comment="Source and position of its first passage: the order of reading."
        ),
        comment="Something the author of a source asserts in their own voice.",
    )
    op.create_index("ix_claim_place", "claim", ["place", "id"])
    op.create_index("ix_claim_subject", "claim", ["subject", "id"])

    part("claim_about", "claim", sa.Column("about", key, nullable=False), comment="The records a claim is about.")
    op.create_index("ix_claim_about_about", "claim_about", ["about", "id"])

    part("claim_topic", "claim", sa.Column("topic", key, nullable=False), comment="The topics of a claim.")
    op.create_index("ix_claim_topic_topic", "claim_topic", ["topic", "id"])

    part(
        "claim_constraint",
        "claim",
        sa.Column("family", key, nullable=False),
        sa.Column("gloss", sa.Text, nullable=False),
        sa.Column("voice", key, nullable=False),
        comment="What a claim says it depends on.",
    )
    op.create_index("ix_claim_constraint_family", "claim_constraint", ["family", "id"])


def events() -> None:
    """Events and who took part; the datasets that coded ones come from."""
    record(
        "event",
        sa.Column("kind", key, nullable=False),
        sa.Column("status", key, nullable=False),
        sa.Column("place", key),
        sa.Column("country", key, comment="ISO 3166-1 alpha-2 of where it happened."),
        sa.Column("initiator", key),
        sa.Column("recipient", key),
        sa.Column("cameo", key, comment="CAMEO code, leading zeros kept."),
        sa.Column("label", key, comment="The dataset's own label of the code."),
        sa.Column("plover", key),
        sa.Column("quad", sa.SmallInteger),
        sa.Column("intensity", sa.Float),
        sa.Column("dataset", key),
        sa.Column(
            "reports", sa.Integer, nullable=False, server_default="0", comment="How many records of a dataset say so."
        ),
        day("happened_first", "The first day its date can mean."),
        day("happened_last", "The last day its date can mean."),
        comment="Something that happened, happens, is planned or is imagined.",
    )
    op.create_index("ix_event_happened", "event", ["happened_first", "id"])
    op.create_index("ix_event_initiator", "event", ["initiator", "cameo", "happened_first", "id"])
    op.create_index("ix_event_kind", "event", ["kind", "happened_first", "id"])
    op.create_index("ix_event_pair", "event", ["initiator", "recipient", "cameo", "happened_first", "id"])

    part("event_topic", "event", sa.Column("topic", key, nullable=False), comment="The topics of an event.")
    op.create_index("ix_event_topic_topic", "event_topic", ["topic", "id"])

    table(
        "event_participant",
        sa.Column("actor", key, primary_key=True),
        sa.Column("id", key, primary_key=True, comment="The event."),
        sa.Column("since", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("face", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("until", sa.Integer),
        sa.Column("role", key, nullable=False),
        sa.Column(
            "inferred",
            sa.SmallInteger,
            nullable=False,
            comment="1 where the source implies the part rather than states it.",
        ),
        day("happened_first", "As the event's, so that an actor's page is one range of one index."),
        comment="A part that an actor has in an event.",
    )
    op.create_index("ix_event_participant_event", "event_participant", ["id"])
    op.create_index("ix_event_participant_page", "event_participant", ["actor", "happened_first", "id"])
    op.create_index("ix_event_participant_since", "event_participant", ["since", "id"])
    op.create_index("ix_event_participant_until", "event_participant", ["until"])

    record(
        "dataset",
        sa.Column("name", key, nullable=False),
        sa.Column("publisher", key),
        sa.Column("licence", key),
        sa.Column("release", key),
        sa.Column("events", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reports", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rejected", sa.Integer, nullable=False, server_default="0"),
        day("covers_first", "The first day its events cover."),
        day("covers_last", "The last day its events cover."),
        comment="A body of coded events loaded from files.",
    )


def agreements() -> None:
    """Agreements with their parties and provisions; relations."""
    record(
        "agreement",
        sa.Column("kind", key, nullable=False),
        sa.Column("signing", key),
        sa.Column("occasion", key),
        day("signed_first", "The first day on which it can have been signed."),
        day("signed_last", "The last day on which it can have been signed."),
        day("in_force_first", "The first day on which it can have been in force."),
        day("in_force_last", "The last day on which it can have been in force."),
        comment="An instrument between parties.",
    )
    op.create_index("ix_agreement_signed", "agreement", ["signed_first", "id"])

    part(
        "agreement_party",
        "agreement",
        sa.Column("actor", key, nullable=False),
        sa.Column("role", key, nullable=False),
        comment="A party of an agreement.",
    )
    op.create_index("ix_agreement_party_actor", "agreement_party", ["actor", "id"])

    part(
        "agreement_characterisation",
        "agreement",
        sa.Column("gloss", sa.Text, nullable=False),
        sa.Column("voice", key, nullable=False),
        comment="How an agreement is characterised, and in whose voice.",
    )

    part("agreement_topic", "agreement", sa.Column("topic", key, nullable=False), comment="The topics of an agreement.")
    op.create_index("ix_agreement_topic_topic", "agreement_topic", ["topic", "id"])

    record(
        "provision",
        sa.Column("agreement", key, nullable=False),
        sa.Column("type", key, nullable=False),
        sa.Column("provider", key),
        sa.Column("recipient", key),
        sa.Column("commitment", key),
        sa.Column("rank", sa.SmallInteger, comment="The commitment's place on its scale, 0 to 8."),
        comment="One thing an agreement lays down.",
    )
    op.create_index("ix_provision_agreement", "provision", ["agreement", "id"])
    op.create_index("ix_provision_type", "provision", ["type", "agreement", "id"])

    record(
        "relation",
        sa.Column("subject", key, nullable=False),
        sa.Column("object", key, nullable=False),
        sa.Column("kind", key, nullable=False),
        sa.Column("status", key, nullable=False),
        sa.Column("via", key, comment="The record that carries it."),
        comment="A typed edge between two records.",
    )
    op.create_index("ix_relation_object", "relation", ["object", "kind", "subject", "id"])
    op.create_index("ix_relation_subject", "relation", ["subject", "kind", "object", "id"])


def downgrade() -> None:
    for name in reversed(NAMES):
        op.drop_table(name)


NAMES = (
    "revision",
    "record_id",
    "redirect",
    "retraction",
    "source",
    "passage",
    "citation",
    "source_text",
    "text_access",
    "actor",
    "actor_name",
    "actor_identifier",
    "tenure",
    "membership",
    "office",
    "place",
    "topic",
    "term",
    "statement",
    "statement_about",
    "statement_topic",
    "statement_constraint",
    "claim",
    "claim_about",
    "claim_topic",
    "claim_constraint",
    "event",
    "event_topic",
    "event_participant",
    "dataset",
    "agreement",
    "agreement_party",
    "agreement_characterisation",
    "agreement_topic",
    "provision",
    "relation",
)
