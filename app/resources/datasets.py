"""How datasets are asked for: bodies of coded events loaded from files."""

from __future__ import annotations

from app.models.dataset import dataset
from app.query.fields import Facet, Field, Is, Keep, Period, Resource, Sort, Sought, Word
from app.query.shapes import at, date, evidence, text, whole

COVERS = Period("covers", "Which days its events cover.", dataset.c.covers_first, dataset.c.covers_last, "2018")

DATASETS = Resource(
    name="datasets",
    noun="dataset",
    words="Bodies of coded events loaded from files: publisher, licence, release, coverage, counts, what was rejected.",
    table=dataset,
    fields=(
        text("name", "What it is called.", column=dataset.c.name, null=False),
        text("publisher", "Who publishes it.", column=dataset.c.publisher),
        text("licence", "Under which licence.", column=dataset.c.licence),
        text("release", "Which release was loaded.", column=dataset.c.release),
        text("url", "Where it stands.", format="uri"),
        date("covers", "Which days its events cover.", first=dataset.c.covers_first, last=dataset.c.covers_last),
        Field("events", "Events it brought.", whole(), (Keep(dataset.c.events, at("events")),)),
        Field("reports", "Records that say so.", whole(), (Keep(dataset.c.reports, at("reports")),)),
        Field("rejected", "Rows that were refused.", whole(), (Keep(dataset.c.rejected, at("rejected")),)),
        evidence(),
    ),
    filters=(
        Is("publisher", "Who publishes it.", dataset.c.publisher, Word(), "Lockheed Martin"),
        Is("release", "Which release.", dataset.c.release, Word(), "2018"),
        COVERS,
    ),
    sorts=(
        Sort("name", "By name.", dataset.c.name),
        Sort("id", "By id.", dataset.c.id),
        Sort("since", "By the revision of the version.", dataset.c.since),
    ),
    facets=(Facet("publisher", dataset.c.publisher), Facet("release", dataset.c.release)),
    sought=(
        Sought("name", "name", lambda record: [record["name"]]),
        Sought("publisher", "text", lambda record: [record.get("publisher")]),
    ),
    naming=("id",),
    shows_words=False,
)
