"""How topics are asked for, and the terms of the vocabularies."""

from __future__ import annotations

from app.models.topic import term as term_table
from app.models.topic import topic
from app.query.fields import Facet, Field, Is, Keep, Ref, Resource, Sort, Sought, Word
from app.query.shapes import at, evidence, ref, text, whole

TOPICS = Resource(
    name="topics",
    noun="topic",
    words="What statements, claims, events and agreements are about; a topic reaches its narrower ones.",
    table=topic,
    fields=(
        text("label", "What it is called.", column=topic.c.label, null=False),
        text("definition", "What belongs to it."),
        ref("broader", "The topic it is part of.", "topics", column=topic.c.broader),
        evidence(),
    ),
    filters=(
        Is("broader", "The topic it is directly part of.", topic.c.broader, Ref("topics"), "security-guarantees"),
        Is("label", "Its label.", topic.c.label, Word(), "Security guarantees"),
    ),
    sorts=(
        Sort("label", "By label.", topic.c.label),
        Sort("id", "By id.", topic.c.id),
        Sort("since", "By the revision of the version.", topic.c.since),
    ),
    facets=(Facet("broader", topic.c.broader),),
    sought=(
        Sought("label", "name", lambda record: [record["label"]]),
        Sought("definition", "gloss", lambda record: [record.get("definition")]),
    ),
    naming=("id",),
)

# Kept by the ledger as everything else is, so that a definition can be read as of a revision; asked for at /v1/vocabularies.
TERMS = Resource(
    name="terms",
    noun="term",
    words="Terms of the controlled vocabularies.",
    table=term_table,
    fields=(
        text("vocabulary", "The vocabulary it belongs to.", column=term_table.c.vocabulary, null=False),
        text("term", "The value as records carry it.", null=False),
        text("label", "What it is called.", column=term_table.c.label, null=False),
        text("definition", "What it means, and what it does not."),
        Field("rank", "Its place on a scale; null where there is none.", whole("", null=True)),
        Field("place", "Its place in the vocabulary.", whole(), (Keep(term_table.c.place, at("place")),)),
    ),
    filters=(Is("vocabulary", "The vocabulary it belongs to.", term_table.c.vocabulary, Word(), "commitment_level"),),
    sorts=(Sort("place", "In the vocabulary's own order.", term_table.c.place), Sort("id", "By id.", term_table.c.id)),
    shows_words=False,
)
