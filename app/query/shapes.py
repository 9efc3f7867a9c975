"""Which JSON shapes a field can have, as JSON Schema, and the short forms in which declarations name them.

The named ones (`Date`, `Evidence`, `Enrichment`, …) become components of the OpenAPI document; generators make one class of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Column

from app.query.fields import Field, Keep, Link, Record, Rows
from app.times import day_number, parse_day

Shape = Mapping[str, Any]


def string(words: str = "", *, null: bool = False, **more: Any) -> dict[str, Any]:
    """A string, or null where `null`."""
    return {"type": ["string", "null"] if null else "string", "maxLength": 100_000, **described(words), **more}


def whole(words: str = "", *, null: bool = False, **more: Any) -> dict[str, Any]:
    """A whole number of 32 bits."""
    limits = {"format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
    return {"type": ["integer", "null"] if null else "integer", **limits, **described(words), **more}


def number(words: str = "", *, null: bool = False) -> dict[str, Any]:
    """A decimal number."""
    return {"type": ["number", "null"] if null else "number", "format": "double", **described(words)}


def boolean(words: str = "") -> dict[str, Any]:
    """True or false."""
    return {"type": "boolean", **described(words)}


def listed(item: Shape, words: str = "") -> dict[str, Any]:
    """An array of `item`."""
    return {"type": "array", "maxItems": 100_000, "items": dict(item), **described(words)}


def one_of(name: str) -> dict[str, Any]:
    """The component of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(name: str, words: str = "") -> dict[str, Any]:
    """The component of that name, or null."""
    return {"oneOf": [one_of(name), {"type": "null"}], **described(words)}


def obj(words: str, properties: Mapping[str, Shape], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object with these properties, all required but the `optional` ones."""
    return {
        "type": "object",
        **described(words),
        "properties": {name: dict(shape) for name, shape in properties.items()},
        "required": [name for name in properties if name not in optional],
    }


def described(words: str) -> dict[str, str]:
    """The description of a shape, where it has one."""
    return {"description": words} if words else {}


ENRICHMENT: Final = obj(
    "Knowledge from outside the cited source.",
    {"source": string("Where it comes from."), "note": string("What to know about it.", null=True)},
)
DATE: Final = obj(
    "A date as the source gives it, with the days it can mean.",
    {
        "edtf": string("The date in EDTF (ISO 8601-2); null where the source gives only words.", null=True),
        "first": string("The first day it can mean; null where open or unknown.", null=True, format="date"),
        "last": string("The last day it can mean; null where open or unknown.", null=True, format="date"),
        "words": string("The source's own time words.", null=True),
        "basis": string("stated, derived or enrichment; null where there is no date.", null=True),
        "enrichment": maybe("Enrichment", "Where the date comes from, when not from the source."),
    },
    optional=("enrichment",),
)
EVIDENCE: Final = obj(
    "Where in a source it stands. Offsets are Unicode code points, from 0, the end exclusive.",
    {
        "passage": string("The passage's id."),
        "source": string("The source's id."),
        "paragraph": whole("From 1."),
        "sentence": whole("Within the paragraph, from 1."),
        "start": whole("First code point."),
        "end": whole("The code point after the last."),
        "sha256": string("Digest of the exact text's UTF-8 bytes."),
        "exact": string("The words; null while the text of the source is not available here.", null=True),
        "support": string("states (the passage says it), implies (it follows) or mentions (it only names it)."),
    },
)
NAME: Final = obj(
    "A name under which an actor is known.",
    {
        "text": string(),
        "kind": string("name, title_name, metonym or description."),
        "language": string("BCP 47.", null=True),
        "evidence": listed(one_of("Evidence")),
        "enrichment": maybe("Enrichment"),
    },
    optional=("evidence", "enrichment"),
)
IDENTIFIER: Final = obj(
    "An identifier in somebody else's scheme.",
    {"scheme": string(), "value": string(), "evidence": listed(one_of("Evidence")), "enrichment": maybe("Enrichment")},
    optional=("evidence", "enrichment"),
)
TENURE: Final = obj(
    "An office held.",
    {
        "office": string("The office's id."),
        "title": string(),
        "of": string("The state or body whose office it is.", null=True),
        "from": string("EDTF; null where the source does not say.", null=True),
        "until": string("EDTF; null where the source does not say.", null=True),
        "evidence": listed(one_of("Evidence")),
        "enrichment": maybe("Enrichment"),
    },
    optional=("evidence", "enrichment"),
)
MEMBERSHIP: Final = obj(
    "A membership of an organisation or coalition.",
    {
        "actor": string("The organisation's id."),
        "from": string("EDTF; null where the source does not say.", null=True),
        "until": string("EDTF; null where the source does not say.", null=True),
        "evidence": listed(one_of("Evidence")),
        "enrichment": maybe("Enrichment"),
    },
    optional=("evidence", "enrichment"),
)
MODALITY: Final = obj(
    "How the content is put.",
    {
        "type": string("Modality type, see /v1/vocabularies/modality_type."),
        "cue": string("The word that shows it.", null=True),
        "polarity": string("positive or negative.", null=True),
    },
)
COMMITMENT: Final = obj(
    "How strongly the actor commits to an act of their own.",
    {
        "level": string("The value, see /v1/vocabularies/commitment_level."),
        "rank": whole("Its place on the scale, 0 to 8; only sorts."),
        "toward": string("The act it is about.", null=True),
    },
)
CONSTRAINT: Final = obj(
    "What it is said to depend on.",
    {
        "family": string("See /v1/vocabularies/constraint_family."),
        "gloss": string("In our own words."),
        "voice": string("Who says so: speaker or author."),
        "evidence": listed(one_of("Evidence")),
        "enrichment": maybe("Enrichment"),
    },
    optional=("evidence", "enrichment"),
)
PARTICIPANT: Final = obj(
    "A part in an event.",
    {
        "actor": string("The actor's id."),
        "role": string("See /v1/vocabularies/participant_role."),
        "inferred": boolean("Whether the source implies the part rather than states it."),
        "evidence": listed(one_of("Evidence")),
        "enrichment": maybe("Enrichment"),
    },
    optional=("evidence", "enrichment"),
)
PARTY: Final = obj(
    "A party of an agreement.",
    {
        "actor": string("The actor's id."),
        "role": string(),
        "evidence": listed(one_of("Evidence")),
        "enrichment": maybe("Enrichment"),
    },
    optional=("evidence", "enrichment"),
)
CHARACTERISATION: Final = obj(
    "How somebody characterises an agreement.",
    {
        "gloss": string("In our own words."),
        "voice": string("speaker or author."),
        "evidence": listed(one_of("Evidence")),
        "enrichment": maybe("Enrichment"),
    },
    optional=("evidence", "enrichment"),
)
IN_FORCE: Final = obj(
    "When an agreement is in force.",
    {
        "from": string("EDTF.", null=True),
        "until": string("EDTF.", null=True),
        "basis": string("stated, derived or enrichment.", null=True),
        "enrichment": maybe("Enrichment"),
    },
    optional=("enrichment",),
)
CODES: Final = obj(
    "Codes of coded datasets.",
    {
        "cameo": string("CAMEO code, leading zeros kept.", null=True),
        "plover": string("PLOVER type.", null=True),
        "quad": whole(
            "Quad class: 1 verbal cooperation, 2 material cooperation, 3 verbal conflict, 4 material conflict.",
            null=True,
        ),
    },
)
UNRECORDED: Final = obj(
    "A sentence that holds no record, and why.", {"passage": string("The passage's id."), "why": string()}
)

LOCATION: Final = obj(
    "Where a dataset places an event.",
    {
        "name": string("", null=True),
        "country": string("ISO 3166-1 alpha-2.", null=True),
        "latitude": number("", null=True),
        "longitude": number("", null=True),
    },
)

COMPONENTS: Final[Mapping[str, dict[str, Any]]] = {
    "Enrichment": ENRICHMENT,
    "Date": DATE,
    "Evidence": EVIDENCE,
    "Name": NAME,
    "Identifier": IDENTIFIER,
    "Tenure": TENURE,
    "Membership": MEMBERSHIP,
    "Modality": MODALITY,
    "Commitment": COMMITMENT,
    "Constraint": CONSTRAINT,
    "Participant": PARTICIPANT,
    "Party": PARTY,
    "Characterisation": CHARACTERISATION,
    "InForce": IN_FORCE,
    "Codes": CODES,
    "Location": LOCATION,
    "Unrecorded": UNRECORDED,
}


# ── Short forms for declarations ────────────────────────────────────────────────────────────────────────────────────


def at(*path: str) -> Callable[[Record], Any]:
    """A function that takes what stands at that path of a record, or None."""

    def take(record: Record) -> Any:
        value: Any = record
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    return take


def text(name: str, words: str, *, column: Column[Any] | None = None, null: bool = True, **more: Any) -> Field:
    """A field of text."""
    return Field(name, words, string(words, null=null, **more), _keep(name, column))


def term(name: str, words: str, vocabulary: str, *, column: Column[Any] | None = None, null: bool = False) -> Field:
    """A field that holds a term of a vocabulary; vocabularies grow, so the schema does not close the list."""
    return Field(name, words, string(f"{words} See /v1/vocabularies/{vocabulary}.", null=null), _keep(name, column))


def ref(name: str, words: str, to: str, *, column: Column[Any] | None = None, null: bool = True) -> Field:
    """A field that holds the id of a record."""
    return Field(name, words, string(f"{words} An id of {to}.", null=null), _keep(name, column), links=(Link(to),))


def refs(name: str, words: str, to: str, *, table: Any = None, column: str | None = None) -> Field:
    """A field that lists ids of records, kept in a link table."""
    rows = (
        ()
        if table is None
        else (Rows(table, lambda record: [{column or name: item} for item in record.get(name) or ()]),)
    )
    return Field(name, words, listed(string(), words), rows=rows, links=(Link(to),))


def date(name: str, words: str, *, first: Column[Any], last: Column[Any]) -> Field:
    """A field that holds a date, kept as its first and last day."""
    keep = (
        Keep(first, lambda record: _day(record, name, "first")),
        Keep(last, lambda record: _day(record, name, "last")),
    )
    return Field(name, words, maybe("Date", words), keep)


def items(name: str, words: str, component: str, *, rows: Rows | None = None, links: tuple[Link, ...] = ()) -> Field:
    """A field that lists objects of a component."""
    return Field(name, words, listed(one_of(component), words), rows=(rows,) if rows else (), links=links)


def evidence() -> Field:
    """The passages that a record rests on."""
    return Field(
        "evidence",
        "The passages this record rests on, and how each supports it.",
        listed(one_of("Evidence"), "The passages this record rests on."),
        links=(Link("passages", "passage"), Link("sources", "source")),
    )


def _keep(name: str, column: Column[Any] | None) -> tuple[Keep, ...]:
    return () if column is None else (Keep(column, at(name)),)


def _day(record: Record, name: str, end: str) -> int | None:
    value = at(name, end)(record)
    return None if value is None else day_number(parse_day(value))
