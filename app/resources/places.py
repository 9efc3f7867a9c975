"""How places are asked for."""

from __future__ import annotations

from app.models.place import place
from app.query.fields import Facet, Is, Ref, Resource, Sort, Sought, Term, Word
from app.query.shapes import evidence, items, ref, term, text

PLACES = Resource(
    name="places",
    noun="place",
    words="Where things happen. A capital that stands for its government is no place: see actors.",
    table=place,
    fields=(
        text("name", "What it is called.", column=place.c.name, null=False),
        term("kind", "What kind of place it is.", "place_kind", column=place.c.kind),
        ref("within", "The place that holds it.", "places", column=place.c.within),
        text("country", "ISO 3166-1 alpha-2.", column=place.c.country),
        items("identifiers", "Its identifiers in other schemes.", "Identifier"),
        evidence(),
    ),
    filters=(
        Is("kind", "Kind of place.", place.c.kind, Term("place_kind"), "city"),
        Is("name", "Its name.", place.c.name, Word(), "Washington"),
        Is("within", "The place that holds it.", place.c.within, Ref("places"), "washington"),
        Is("country", "ISO 3166-1 alpha-2.", place.c.country, Word(2), "US"),
    ),
    sorts=(
        Sort("name", "By name.", place.c.name),
        Sort("id", "By id.", place.c.id),
        Sort("since", "By the revision of the version.", place.c.since),
    ),
    facets=(Facet("kind", place.c.kind), Facet("within", place.c.within), Facet("country", place.c.country)),
    sought=(Sought("name", "name", lambda record: [record["name"]]),),
    naming=(
        "id",
        "within",
    ),
)
