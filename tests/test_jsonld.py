"""Whether programs of other people read our JSON-LD as we mean it: nothing dropped, every name an IRI, without a network."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from pyld import jsonld
from rdflib import RDF, BNode, Graph, Literal, Namespace, URIRef

from app.formats.jsonld import CONTEXT, TERMS, context
from app.query.fields import Resource
from app.resources import RESOURCES
from tests.base import KnowledgeBase
from tests.brute import actor, address, shown
from tests.making import PASSAGES, SOURCE, TEXT, dossier, topic

# rdflib's own parser uses what rdflib gave up.
pytestmark = pytest.mark.filterwarnings("ignore:.*(ConjunctiveGraph|Dataset).* is deprecated:DeprecationWarning")

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
KB = Namespace("urn:chancery:id:")
OWN = Namespace("urn:chancery:field:")
SCHEMA = Namespace("https://schema.org/")
PROV = Namespace("http://www.w3.org/ns/prov#")
OA = Namespace("http://www.w3.org/ns/oa#")
SKOS = Namespace("http://www.w3.org/2004/02/skos/core#")
XSD = Namespace("http://www.w3.org/2001/XMLSchema#")


def offline(url: str, options: Any) -> Any:
    """What pyld calls for a context that stands elsewhere."""
    raise AssertionError(f"A reader would have to fetch {url}.")


def expanded(document: Any) -> list[dict[str, Any]]:
    """A document as pyld expands it."""
    found: list[dict[str, Any]] = jsonld.expand(document, {"documentLoader": offline})
    return found


def graph_of(content: bytes) -> Graph:
    """A document as rdflib reads it."""
    return Graph().parse(data=content, format="json-ld")


def triples(graph: Graph) -> Counter[tuple[Any, ...]]:
    """The triples of a graph; nodes without a name are told apart by what is said of them."""
    said = {one: tuple(sorted(str(pair) for pair in graph.predicate_objects(one))) for one in graph.subjects()}

    def name(one: Any) -> Any:
        return tuple(part for part in said.get(one, ()) if "BNode" not in part) if isinstance(one, BNode) else one

    return Counter((name(one), predicate, name(other)) for one, predicate, other in graph)


def leaves(value: Any) -> Iterator[Any]:
    """Every value in a document but those of its keywords."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in ("@context", "@id", "@type"):
                yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value is not None:
        yield value


def counted(nodes: Any) -> tuple[int, list[str]]:
    """How many values an expanded document has, and every name and IRI in it."""
    if isinstance(nodes, list):
        parts = [counted(item) for item in nodes]
        return sum(n for n, _ in parts), [name for _, names in parts for name in names]
    if not isinstance(nodes, Mapping):
        return 0, []
    n, names = (1 if "@value" in nodes or set(nodes) == {"@id"} else 0), [nodes["@id"]] if "@id" in nodes else []
    for name, inner in nodes.items():
        if name == "@type":
            names += inner if isinstance(inner, list) else [inner]
        elif name not in ("@id", "@value"):
            more, others = counted(inner)
            n, names = n + more, [*names, name, *others]
    return n, names


def references(value: Any) -> int:
    """How many values of a document are nothing but an IRI."""
    if isinstance(value, Mapping):
        return (set(value) == {"@id"}) + sum(references(inner) for name, inner in value.items() if name != "@context")
    return sum(references(inner) for inner in value) if isinstance(value, list) else 0


@EVERY_RESOURCE
@pytest.mark.parametrize("enrichment", ["false", "true"])
def test_no_value_is_dropped_and_every_name_is_an_absolute_iri(
    rich: KnowledgeBase, resource: Resource, enrichment: str
) -> None:
    path = address(resource.name, format="jsonld", enrichment=enrichment, **shown(resource.name))
    document = rich.json(path)
    n, names = counted(expanded(document))

    assert n == len(list(leaves(document["@graph"]))) + references(document["@graph"])
    assert all(re.match(r"(https?://|urn:chancery:)[^\s<>\"{}|\\^`]+$", name) for name in names)


@EVERY_RESOURCE
def test_rdflib_and_pyld_read_the_same_triples(seeded: KnowledgeBase, resource: Resource) -> None:
    content = seeded.get(f"/v1/{resource.name}?format=jsonld&enrichment=true").content
    quads = jsonld.to_rdf(json.loads(content), {"format": "application/n-quads", "documentLoader": offline})

    assert triples(graph_of(content)) == triples(Graph().parse(data=quads, format="nquads"))


def test_the_triples_say_who_spoke_how_strongly_and_where_it_stands(seeded: KnowledgeBase) -> None:
    told = seeded.json("/v1/statements/ishiba-follows-discussions")
    graph = graph_of(seeded.get("/v1/statements?format=jsonld").content)
    statement, cited = KB[told["id"]], told["evidence"][0]

    assert (statement, RDF.type, SCHEMA.Quotation) in graph
    assert graph.value(statement, SCHEMA.spokenByCharacter) == KB["shigeru-ishiba"]
    assert graph.value(statement, PROV.wasAttributedTo) == KB["shigeru-ishiba"]
    commitment = graph.value(statement, OWN.commitment)
    assert graph.value(commitment, OWN.level) == URIRef("urn:chancery:vocabulary:commitment_level:observes")
    assert graph.value(commitment, OWN.rank) == Literal(1)
    passage = KB[cited["passage"]]
    assert (statement, PROV.wasDerivedFrom, passage) in graph
    assert (statement, PROV.hadPrimarySource, KB[cited["source"]]) in graph
    assert (passage, RDF.type, OA.SpecificResource) in graph
    assert graph.value(passage, OA.hasSource) == KB[cited["source"]]
    selector = graph.value(passage, OA.hasSelector)
    assert graph.value(selector, RDF.type) == OA.TextPositionSelector
    assert graph.value(selector, OA.start) == Literal(cited["start"], datatype=XSD.nonNegativeInteger)
    assert graph.value(selector, OA.end) == Literal(cited["end"], datatype=XSD.nonNegativeInteger)
    qualified = graph.value(statement, PROV.qualifiedDerivation)
    assert graph.value(qualified, OWN.support) == URIRef("urn:chancery:vocabulary:support:states")
    assert graph.value(statement, PROV.wasGeneratedBy) == URIRef(f"urn:chancery:revision:{told['since']}")


def test_topics_are_skos_concepts(seeded: KnowledgeBase) -> None:
    graph = graph_of(seeded.get("/v1/topics?format=jsonld").content)
    topic = KB["japan-ukraine-agreement"]

    assert (topic, RDF.type, SKOS.Concept) in graph
    assert graph.value(topic, SKOS.prefLabel) == Literal("Agreement of Japan and Ukraine")
    assert graph.value(topic, SKOS.broader) == KB["ukraine-security-support"]


def test_a_relation_is_spoken_of_and_never_asserted(seeded: KnowledgeBase) -> None:
    told = seeded.json("/v1/relations?kind=might_join&limit=1")["items"][0]
    graph = graph_of(seeded.get("/v1/relations?format=jsonld").content)
    edge, ends = KB[told["id"]], (KB[told["subject"]], KB[told["object"]])

    assert (edge, RDF.type, RDF.Statement) in graph
    assert (graph.value(edge, RDF.subject), graph.value(edge, RDF.object)) == ends
    assert graph.value(edge, RDF.predicate) == URIRef("urn:chancery:vocabulary:relation_type:might_join")
    assert not list(graph.triples((ends[0], None, ends[1])))


def test_words_that_are_withheld_are_in_no_triple_and_come_with_the_text(kb: KnowledgeBase) -> None:
    kb.load(dossier(topics=[topic("piers")]))
    before = graph_of(kb.get("/v1/passages?format=jsonld").content)
    kb.attach(f"arden-{SOURCE}", TEXT)
    after = graph_of(kb.get("/v1/passages?format=jsonld").content)

    assert not list(before.triples((None, OA.exact, None)))
    cited = [one for one in PASSAGES if (None, OA.exact, Literal(words(one))) in after]
    assert len(cited) == len(PASSAGES)


def words(passage: Mapping[str, Any]) -> str:
    return TEXT[passage["start"] : passage["end"]]


HOSTILE = (
    'quote " and \\ back',
    "<script>alert(1)</script>",
    "@id",
    "@context",
    "urn:x",
    "kb:japan",
    "//evil.example/x",
    "https://evil.example/ a b",
    "_:blank",
    "name",
    "line\nbreak\u2028 \x07",
    "石破茂 🕊 e\u0301",
    "{}|^`",
    "x" * 3000,
)


def test_hostile_names_stay_words(kb: KnowledgeBase) -> None:
    kb.put(
        *[("actor", {**actor(f"a{n:02d}"), "name": name, "names": [named(name)]}) for n, name in enumerate(HOSTILE)],
        *[("source", source(f"s{n:02d}", name)) for n, name in enumerate(HOSTILE)],
    )
    actors = graph_of(kb.get("/v1/actors?format=jsonld").content)
    sources = graph_of(kb.get("/v1/sources?format=jsonld").content)

    for n, name in enumerate(HOSTILE):
        assert actors.value(KB[f"a{n:02d}"], SCHEMA.name) == Literal(name)
        assert str(sources.value(KB[f"s{n:02d}"], SCHEMA.url)) == name
    assert len(set(actors.subjects(RDF.type, PROV.Agent))) == len(HOSTILE)


def named(text: str) -> dict[str, Any]:
    return {"text": text, "kind": "name", "language": text[:20], "evidence": [], "enrichment": None}


def source(id: str, url: str) -> dict[str, Any]:
    return {"id": id, "title": url, "author": url, "language": url[:20], "url": url, "licence": url, "text": "withheld"}


def test_hostile_ids_and_terms_are_percent_encoded(kb: KnowledgeBase, caplog: pytest.LogCaptureFixture) -> None:
    odd = ["icews:1@2018-06-01", "a b", 'a"b<c>', "a{b}|c", "//x", "日本", "a%20b"]
    kb.put(*[("actor", {**actor(id), "kind": 'odd "kind" <x>'}) for id in odd])
    with caplog.at_level(logging.WARNING):
        graph = graph_of(kb.get("/v1/actors?format=jsonld").content)

    assert {str(one) for one in graph.subjects(RDF.type, PROV.Agent)} == {
        f"urn:chancery:id:{quote(id, safe=':@')}" for id in odd
    }
    assert not caplog.records  # rdflib warns of what is no IRI


def test_the_names_are_addresses_where_the_settings_say_which_and_they_lead_to_the_records(kb: KnowledgeBase) -> None:
    kb.put(("actor", actor("a1")), ("topic", {"id": "t/1 x", "label": "T", "evidence": []}))
    public = KnowledgeBase.at(str(kb.settings.database), public_url="https://kb.example.org/")
    plain, told = kb.get("/v1/actors?format=jsonld"), public.get("/v1/actors?format=jsonld")
    graph = graph_of(told.content)
    iri = URIRef("https://kb.example.org/id/a1")

    assert (iri, RDF.type, PROV.Agent) in graph
    assert str(graph.value(iri, OWN.self)) == "https://kb.example.org/v1/actors/a1"
    assert plain.headers["etag"] != told.headers["etag"]
    there = public.get("/id/a1?format=jsonld")
    assert there.status_code == 303
    assert there.headers["location"] == "/v1/actors/a1?format=jsonld"
    assert (iri, RDF.type, PROV.Agent) in graph_of(public.get(there.headers["location"]).content)
    public.close()


@pytest.mark.parametrize("id", ["nobody", "%00", "a" * 600, "%ff", "%0d%0aX: y"])
def test_the_iri_of_nothing_is_404(seeded: KnowledgeBase, id: str) -> None:
    assert seeded.json(f"/id/{id}", 404)["status"] == 404


def test_an_iri_leads_on_whatever_became_of_the_record(own_seeded: KnowledgeBase) -> None:
    own_seeded.retract("claim", "support-central-to-foreign-policy")
    there = own_seeded.get("/id/support-central-to-foreign-policy").headers["location"]

    assert own_seeded.get(there).status_code == 410
    assert own_seeded.client.head("/id/japan").status_code == 303


def test_the_context_stands_at_an_address_too_and_is_the_one_in_every_document(seeded: KnowledgeBase) -> None:
    served = seeded.get("/v1/context.jsonld")

    assert served.headers["content-type"] == "application/ld+json"
    assert served.json()["@context"] == seeded.json("/v1/actors?format=jsonld")["@context"] == context(None)
    (node,) = expanded({**served.json(), "@id": "kb:x", "speaker": "kb:japan"})
    assert node[str(SCHEMA.spokenByCharacter)] == [{"@id": "urn:chancery:id:japan"}]


def test_every_field_that_holds_terms_or_ids_is_known_to_the_context(seeded: KnowledgeBase) -> None:
    vocabularies = {item["name"] for item in seeded.json("/v1/vocabularies")["items"]}

    assert set(TERMS.values()) == vocabularies
    assert {"kb", "voc", "revision", "chancery"}.isdisjoint(
        line.name for one in RESOURCES.values() for line in one.fields
    )
    for resource in RESOURCES.values():
        for line in resource.fields:
            if any(link.at is None for link in line.links):
                assert CONTEXT[line.name]["@type"] == "@id", f"{resource.noun}.{line.name}"
