"""How records are said as JSON-LD: schema.org, PROV-O, Web Annotation and SKOS terms where they mean what our fields mean.

A record keeps the names that it has in JSON; what changes are its values: an id becomes the IRI of what it names, a term of a
vocabulary that of its concept, a citation a passage with selectors. Nothing that a reader needs stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import orjson

from app.formats import Chunk, Format
from app.query.fields import Field, Resource

OWN: Final = "urn:chancery:"  # what the software brings means the same on every server: fields, classes, vocabularies
MEDIA_TYPE: Final = "application/ld+json"

REF: Final = {"@type": "@id"}
# The context stands in the document: a reader needs no network, and a stored file means the same for ever.
CONTEXT: Final[Mapping[str, Any]] = {
    "@version": 1.1,
    "@vocab": f"{OWN}field:",
    "chancery": f"{OWN}class:",
    "voc": f"{OWN}vocabulary:",
    "schema": "https://schema.org/",
    "prov": "http://www.w3.org/ns/prov#",
    "oa": "http://www.w3.org/ns/oa#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "skosxl": "http://www.w3.org/2008/05/skos-xl#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "id": "schema:identifier",
    "self": {"@type": "xsd:anyURI"},
    "evidence": "prov:qualifiedDerivation",
    "prov:wasDerivedFrom": {"@id": "prov:wasDerivedFrom", **REF},
    "prov:hadPrimarySource": {"@id": "prov:hadPrimarySource", **REF},
    "prov:wasAttributedTo": {"@id": "prov:wasAttributedTo", **REF},
    "prov:wasGeneratedBy": {"@id": "prov:wasGeneratedBy", **REF},
    "passage": {"@id": "prov:entity", **REF},
    "source": {"@id": "oa:hasSource", **REF},
    "selector": "oa:hasSelector",
    "start": {"@id": "oa:start", "@type": "xsd:nonNegativeInteger"},
    "end": {"@id": "oa:end", "@type": "xsd:nonNegativeInteger"},
    "exact": "oa:exact",
    "prefix": "oa:prefix",
    "suffix": "oa:suffix",
    "enrichment": {
        "@id": f"{OWN}field:enrichment",
        "@context": {"source": "schema:citation", "note": "skos:note"},
    },
    "name": "schema:name",
    "names": {"@id": "skosxl:altLabel", "@context": {"text": "skosxl:literalForm", "language": "schema:inLanguage"}},
    "identifiers": {
        "@id": f"{OWN}field:identifiers",
        "@context": {"scheme": "schema:propertyID", "value": "schema:value"},
    },
    "title": "schema:name",
    "gloss": "schema:description",
    "label": "skos:prefLabel",
    "definition": "skos:definition",
    "broader": {"@id": "skos:broader", **REF},
    "speaker": {"@id": "schema:spokenByCharacter", **REF},
    "quote": "schema:text",
    "about": {"@id": "schema:about", **REF},
    "topics": {"@id": "schema:keywords", **REF},
    "addressee": {"@id": "schema:recipient", **REF},
    "place": {"@id": "schema:location", **REF},
    "within": {"@id": "schema:containedInPlace", **REF},
    "language": "schema:inLanguage",
    "publisher": "schema:publisher",
    "author": "schema:author",
    "licence": "schema:license",
    "url": {"@id": "schema:url", "@type": "xsd:anyURI"},
    "release": "schema:version",
    "subject": REF,
    "object": REF,
    "via": REF,
    "of": REF,
    "office": REF,
    "on_behalf_of": REF,
    "occasion": REF,
    "signing": REF,
    "venue": REF,
    "dataset": REF,
    "provider": REF,
    "recipient": REF,
    "cited_by": REF,
    "agreement": {"@id": "schema:isPartOf", **REF},
    "provisions": {"@id": "schema:hasPart", **REF},
    "edtf": {"@id": f"{OWN}field:edtf", "@type": "http://id.loc.gov/datatypes/edtf/EDTF"},
    "first": {"@id": "schema:startDate", "@type": "xsd:date"},
    "last": {"@id": "schema:endDate", "@type": "xsd:date"},
    "latitude": "schema:latitude",
    "longitude": "schema:longitude",
    # An edge is spoken of, never asserted: a hypothetical one must not become a fact in somebody's triple store.
    "rdf:subject": {"@id": "rdf:subject", **REF},
    "rdf:predicate": {"@id": "rdf:predicate", **REF},
    "rdf:object": {"@id": "rdf:object", **REF},
}

TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "statement": ("schema:Quotation",),
    "claim": ("schema:Claim",),
    "event": ("schema:Event",),
    "source": ("schema:Article",),
    "passage": ("oa:SpecificResource",),
    "topic": ("skos:Concept",),
    "place": ("schema:Place",),
    "dataset": ("schema:Dataset",),
    "agreement": ("schema:CreativeWork",),
    "provision": ("schema:CreativeWork",),
    "office": ("schema:Role",),
    "relation": ("rdf:Statement",),
}
ACTOR_TYPES: Final[Mapping[str, str]] = {
    "person": "schema:Person",
    "state": "schema:Country",
    "government": "schema:GovernmentOrganization",
}

# Which vocabulary a value is of, by noun and field, or by field alone where it is the same everywhere.
TERMS: Final[Mapping[str, str]] = {
    "actor.kind": "actor_kind",
    "actor.existence": "existence",
    "actor.names.kind": "name_kind",
    "statement.kind": "statement_kind",
    "statement.form": "statement_form",
    "claim.kind": "claim_kind",
    "event.kind": "event_type",
    "event.status": "event_status",
    "agreement.kind": "agreement_kind",
    "provision.type": "provision_type",
    "relation.kind": "relation_type",
    "relation.status": "relation_status",
    "place.kind": "place_kind",
    "source.text": "text_access",
    "participants.role": "participant_role",
    "parties.role": "party_role",
    "commitment.level": "commitment_level",
    "modality.type": "modality_type",
    "modality.polarity": "polarity",
    "constraints.family": "constraint_family",
    "constraints.voice": "voice",
    "characterisations.voice": "voice",
    "evidence.support": "support",
    "basis": "date_basis",
}
PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def context(base: str | None) -> dict[str, Any]:
    """The meaning of every name; `base` is the address of the server whose records they are."""
    names = f"{base}/id/" if base else f"{OWN}id:"
    revisions = f"{base}/v1/revisions/" if base else f"{OWN}revision:"
    return {**CONTEXT, "kb": names, "revision": revisions}


def iri(id: str) -> str:
    """An id as a compact IRI: what an IRI cannot hold is percent-encoded, as in addresses."""
    return f"kb:{quote(id, safe=':@')}"


def concept(vocabulary: str, term: str) -> str:
    """A term of a vocabulary as a compact IRI."""
    return f"voc:{vocabulary}:{term if PLAIN.issuperset(term) else quote(term, safe='')}"


def node(resource: Resource, record: Mapping[str, Any], base: str | None = None) -> dict[str, Any]:
    """A record as a node."""
    told: dict[str, Any] = {"@id": iri(record["id"]), "@type": classes(resource, record), "id": record["id"]}
    for line in resource.fields:
        if (value := record.get(line.name)) not in (None, []):
            told[line.name] = field(resource.noun, line, value)
    if record.get("enrichment"):
        told["enrichment"] = record["enrichment"]
    if "self" in record:
        told["self"] = (base or "") + record["self"]
    if record.get("since") is not None:
        told["since"] = record["since"]
        told["prov:wasGeneratedBy"] = f"revision:{record['since']}"
    if record.get("until") is not None:
        told["until"] = record["until"]
    if resource.noun == "passage":
        return selected(told)
    return derived(spoken_of(told) if resource.noun == "relation" else told)


def classes(resource: Resource, record: Mapping[str, Any]) -> list[str]:
    """What a record is: its noun, and the class of a common vocabulary."""
    own = f"chancery:{resource.noun.capitalize()}"
    if resource.noun == "actor":
        return [own, ACTOR_TYPES.get(record.get("kind") or "", "schema:Organization"), "prov:Agent"]
    return [own, *TYPES.get(resource.noun, ())]


def field(noun: str, line: Field, value: Any) -> Any:
    """A field's value: its ids as IRIs, its terms as concepts, its citations as passages."""
    if line.name == "evidence":
        return [citation(item) for item in value]
    whole = next((True for link in line.links if link.at is None), False)
    if whole:
        return [iri(item) for item in value] if isinstance(value, list) else iri(value)
    if (vocabulary := TERMS.get(f"{noun}.{line.name}")) is not None:
        return {"@id": concept(vocabulary, str(value))}
    ids = frozenset(link.at for link in line.links)
    if isinstance(value, list):
        return [inner(noun, line.name, ids, item) if isinstance(item, Mapping) else item for item in value]
    return inner(noun, line.name, ids, value) if isinstance(value, Mapping) else value


def inner(noun: str, name: str, ids: frozenset[str | None], value: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a record, such as a name, a date or a commitment."""
    told: dict[str, Any] = {}
    for key, part in value.items():
        if part in (None, []):
            continue
        vocabulary = TERMS.get(f"{noun}.{name}.{key}") or TERMS.get(f"{name}.{key}") or TERMS.get(key)
        if key == "evidence":
            told[key] = [citation(item) for item in part]
        elif key in ids:
            told[key] = {"@id": iri(part)}
        elif vocabulary is not None and isinstance(part, str):
            told[key] = {"@id": concept(vocabulary, part)}
        else:
            told[key] = part
    return told


def citation(item: Mapping[str, Any]) -> dict[str, Any]:
    """A citation: that it derives from a passage, how the passage supports it, and where the passage stands."""
    passage = {
        "@id": iri(item["passage"]),
        "@type": "oa:SpecificResource",
        **{name: item[name] for name in ("source", "paragraph", "sentence", "start", "end", "sha256", "exact")},
    }
    told: dict[str, Any] = {"@type": "prov:Derivation", "passage": selected({**passage, "source": iri(item["source"])})}
    if item.get("support"):
        told["support"] = {"@id": concept("support", item["support"])}
    return told


def selected(passage: dict[str, Any]) -> dict[str, Any]:
    """A passage with its selectors: where it stands, and its words where they are at hand."""
    told = {name: value for name, value in passage.items() if name not in SELECTING and value is not None}
    selectors: list[dict[str, Any]] = []
    if passage.get("start") is not None and passage.get("end") is not None:
        place = {"start": passage["start"], "end": passage["end"]}
        selectors.append({"@type": "oa:TextPositionSelector", **place})
    if passage.get("exact") is not None:
        words = {name: passage[name] for name in ("exact", "prefix", "suffix") if passage.get(name) is not None}
        selectors.append({"@type": "oa:TextQuoteSelector", **words})
    return {**told, "selector": selectors} if selectors else told


SELECTING: Final = frozenset({"start", "end", "exact", "prefix", "suffix"})


def derived(told: dict[str, Any]) -> dict[str, Any]:
    """A node with what it derives from said shortly too, so that nobody has to go through its citations."""
    cited = [item["passage"] for item in told.get("evidence", ())]
    if cited:
        told["prov:wasDerivedFrom"] = list(dict.fromkeys(passage["@id"] for passage in cited))
        told["prov:hadPrimarySource"] = list(dict.fromkeys(passage["source"] for passage in cited))
    if "speaker" in told:
        told["prov:wasAttributedTo"] = told["speaker"]
    return told


def spoken_of(told: dict[str, Any]) -> dict[str, Any]:
    """A relation with its ends and its kind as RDF says them of a statement that nobody makes."""
    for part, name in (("subject", "subject"), ("predicate", "kind"), ("object", "object")):
        if name in told:
            told[f"rdf:{part}"] = told[name]
    return told


def document(resource: Resource, record: Mapping[str, Any], base: str | None = None) -> bytes:
    """One record as a document of its own."""
    return orjson.dumps({"@context": context(base), **node(resource, record, base)})


def write(
    resource: Resource, chunks: Iterable[Chunk], fields: tuple[str, ...], *, base: str | None = None
) -> Iterator[bytes]:
    """A document with every record in its graph; it is whole only with its closing bracket, so a cut one is no JSON."""
    yield b'{"@context":' + orjson.dumps(context(base)) + b',"@graph":['
    begun = False
    for chunk in chunks:
        nodes = b",".join([orjson.dumps(node(resource, record, base)) for record in chunk])
        if nodes:
            yield b"," + nodes if begun else nodes
            begun = True
    yield b"]}"


def of(base: str | None) -> Format:
    """The format, for the server at an address."""
    made: Callable[..., Iterator[bytes]] = partial(write, base=base) if base else write
    return Format("jsonld", MEDIA_TYPE, "jsonld", made)


FORMAT = of(None)
