"""How records are said as JSON-LD: schema.org, PROV-O, Web Annotation and SKOS terms where they mean what our fields mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from app.formats import Chunk, Format
from app.query.fields import Resource

# The context stands in the document: a reader needs no network, and a stored file means the same for ever.
CONTEXT: Final[Mapping[str, Any]] = {
    "@version": 1.1,
    "@vocab": "urn:chancery:",
    "schema": "https://schema.org/",
    "prov": "http://www.w3.org/ns/prov#",
    "oa": "http://www.w3.org/ns/oa#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "id": "@id",
    "name": "schema:name",
    "title": "schema:headline",
    "gloss": "schema:description",
    "definition": "skos:definition",
    "label": "skos:prefLabel",
    "broader": {"@id": "skos:broader", "@type": "@id"},
    "speaker": {"@id": "schema:spokenByCharacter", "@type": "@id"},
    "quote": "schema:text",
    "about": {"@id": "schema:about", "@type": "@id"},
    "topics": {"@id": "schema:keywords", "@type": "@id"},
    "place": {"@id": "schema:location", "@type": "@id"},
    "language": "schema:inLanguage",
    "publisher": "schema:publisher",
    "author": "schema:author",
    "licence": "schema:license",
    "source": {"@id": "prov:hadPrimarySource", "@type": "@id"},
    "passage": {"@id": "prov:wasQuotedFrom", "@type": "@id"},
    "start": "oa:start",
    "end": "oa:end",
    "exact": "oa:exact",
    "prefix": "oa:prefix",
    "suffix": "oa:suffix",
    "actor": {"@id": "schema:agent", "@type": "@id"},
    "subject": {"@type": "@id"},
    "object": {"@type": "@id"},
    "agreement": {"@id": "schema:isPartOf", "@type": "@id"},
}

TYPES: Final[Mapping[str, str]] = {
    "statement": "schema:Quotation",
    "claim": "schema:Claim",
    "event": "schema:Event",
    "source": "schema:Article",
    "passage": "oa:SpecificResource",
    "topic": "skos:Concept",
    "place": "schema:Place",
    "dataset": "schema:Dataset",
    "agreement": "schema:CreativeWork",
}
ACTOR_TYPES: Final[Mapping[str, str]] = {
    "person": "schema:Person",
    "state": "schema:Country",
    "government": "schema:GovernmentOrganization",
}


def node(resource: Resource, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a node; its id becomes an IRI under `urn:chancery:`, so that references meet."""
    kind = (
        ACTOR_TYPES.get(record.get("kind", ""), "schema:Organization")
        if resource.noun == "actor"
        else TYPES.get(resource.noun)
    )
    own = resource.noun.capitalize()
    return {
        "@type": [own, kind] if kind else own,
        **{name: value for name, value in record.items() if value not in (None, []) and name != "type"},
    }


def document(resource: Resource, record: Mapping[str, Any]) -> bytes:
    """One record as a document of its own."""
    return orjson.dumps({"@context": {"@base": "urn:chancery:", **CONTEXT}, **node(resource, record)})


def write(resource: Resource, chunks: Iterable[Chunk], fields: tuple[str, ...]) -> Iterator[bytes]:
    """A document with every record in its graph; it is whole only with its closing bracket, so a cut one is no JSON."""
    yield b'{"@context":' + orjson.dumps({"@base": "urn:chancery:", **CONTEXT}) + b',"@graph":['
    first = True
    for chunk in chunks:
        nodes = b",".join(orjson.dumps(node(resource, record)) for record in chunk)
        yield nodes if first else b"," + nodes
        first = False
    yield b"]}"


FORMAT = Format("jsonld", "application/ld+json", "jsonld", write)
