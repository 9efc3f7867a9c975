"""How relations are asked for: typed edges between two records."""

from __future__ import annotations

from app.models.relation import relation
from app.models.source import citation
from app.query.fields import Facet, Is, Ref, Resource, Sort, Sought, Term
from app.query.shapes import evidence, ref, term, text
from app.resources.cited import cited_source

RELATIONS = Resource(
    name="relations",
    noun="relation",
    words="Typed edges between two records, each with its status: asserted, reported, inferred, hypothetical or enrichment.",
    table=relation,
    fields=(
        ref("subject", "Where the edge starts.", "*", column=relation.c.subject, null=False),
        term("kind", "The type of the edge.", "relation_type", column=relation.c.kind),
        ref("object", "Where it ends.", "*", column=relation.c.object, null=False),
        term("status", "How sure it is.", "relation_status", column=relation.c.status),
        ref("via", "The record that carries it.", "*", column=relation.c.via),
        text("gloss", "What it says, in our own words."),
        evidence(),
    ),
    filters=(
        Is(
            "subject",
            "Where the edge starts: an id of any resource, or an actor's name.",
            relation.c.subject,
            Ref("*"),
            "Japan",
        ),
        Is(
            "object",
            "Where it ends: an id of any resource, or an actor's name.",
            relation.c.object,
            Ref("*"),
            "Ukraine",
        ),
        Is("kind", "Type of the edge.", relation.c.kind, Term("relation_type"), "might_join"),
        Is("status", "How sure it is.", relation.c.status, Term("relation_status"), "hypothetical"),
        Is("via", "The record that carries it.", relation.c.via, Ref("*"), "japan-ukraine-accord-2024"),
        cited_source("relation", relation),
    ),
    sorts=(
        Sort("subject", "By subject.", relation.c.subject),
        Sort("kind", "By type.", relation.c.kind),
        Sort("id", "By id.", relation.c.id),
        Sort("since", "By the revision of the version.", relation.c.since),
    ),
    facets=(
        Facet("kind", relation.c.kind),
        Facet("status", relation.c.status),
        Facet("subject", relation.c.subject),
        Facet("object", relation.c.object),
        Facet("via", relation.c.via),
        Facet("source", citation.c.source),
    ),
    sought=(Sought("gloss", "gloss", lambda record: [record.get("gloss")]),),
    naming=("id", "subject", "object"),
)
