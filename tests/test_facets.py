"""Whether each value of every facet leads to exactly the records that it counted, whatever else was asked and of whomever."""

from __future__ import annotations

from typing import Any

import pytest

from app.query.fields import Resource
from app.resources import RESOURCES
from tests.base import KnowledgeBase
from tests.brute import address, shown
from tests.test_coded import Fact, ferry  # noqa: F401

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
VALUES = 3  # of each facet that are followed

# What may be asked beside a facet, by resource.
BESIDE: dict[str, tuple[dict[str, Any], ...]] = {
    "actors": ({"kind": "person"}, {"valid_on": "2025-08-18"}, {"member_of": "g7"}, {"valid_on_not": "2025-08-18"}),
    "statements": ({"topic": "security-guarantees"}, {"said_from": "2024", "undated": "true"}, {"q": "ukraine"}),
    "claims": ({"about": "japan"}, {"commitment_from": "might"}),
    "agreements": ({"party": ["japan", "ukraine"]}, {"kind_not": "bilateral_accord"}),
    "provisions": ({"party": "ukraine"}, {"type_not": "military_equipment"}),
    "events": ({"role": "host"}, {"participant": "japan", "dates": "certain"}, {"kind": "summit_meeting"}),
    "relations": ({"status": "hypothetical"}, {"subject": "japan"}),
    "sources": ({"paragraph": 3},),
    "passages": ({"publisher_not": "Reuters"}, {"paragraph": [3, 4]}),
    "topics": ({"broader": "security-guarantees"}, {"q": "security"}),
    "places": ({"kind": "city"},),
    "offices": ({"of": "japan"},),
    "datasets": ({"covers_from": "2000"},),
}


def followed(kb: KnowledgeBase, resource: str, **asked: Any) -> int:
    """Follow the links of every facet of a list; how many values there were."""
    facets = [line.name for line in RESOURCES[resource].facets]
    page = kb.json(address(resource, limit=1, facet=facets, **asked))
    assert list(page["facets"]) == facets
    for name, values in page["facets"].items():
        for value in values[:VALUES]:
            listed = kb.json(f"{value['items']}&limit=1&count=exact")
            assert listed["count"] == {"n": value["n"], "exact": True}, (name, value)
            assert listed["revision"] == page["revision"]
    return sum(len(values) for values in page["facets"].values())


def test_every_resource_has_facets() -> None:
    assert all(resource.facets for resource in RESOURCES.values())


@EVERY_RESOURCE
@pytest.mark.parametrize("enrichment", ["false", "true"])
def test_a_facets_links_list_what_it_counted_beside_other_filters(
    seeded: KnowledgeBase, resource: Resource, enrichment: str
) -> None:
    for beside in ({}, shown(resource.name), *BESIDE[resource.name]):
        followed(seeded, resource.name, enrichment=enrichment, **beside)


@EVERY_RESOURCE
@pytest.mark.parametrize("enrichment", ["false", "true"])
def test_a_facets_links_list_what_it_counted_then(rich: KnowledgeBase, resource: Resource, enrichment: str) -> None:
    for revision in (0, 2, 3):
        followed(rich, resource.name, as_of=revision, enrichment=enrichment, **shown(resource.name))


def test_a_facets_links_list_what_it_counted_where_datasets_bring_records(
    ferry: tuple[KnowledgeBase, list[Fact]],  # noqa: F811
) -> None:
    kb, _ = ferry
    latest = kb.json("/v1/events?limit=1")["revision"]

    for resource in ("actors", "events", "datasets"):
        for asked in ({}, {"enrichment": "true"}, {"as_of": latest - 1}):
            many = followed(kb, resource, **asked)
            assert many or resource != "events" or "as_of" in asked


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_dictionary_says_every_facet_in_words_with_a_request_that_works(
    seeded: KnowledgeBase, resource: str
) -> None:
    told = seeded.json(f"/v1/resources/{resource}")["facets"]

    assert [one["name"] for one in told] == [line.name for line in RESOURCES[resource].facets]
    for one in told:
        assert one["words"].endswith(".")
        assert list(seeded.json(one["example"])["facets"]) == [one["name"]]


def test_what_has_no_value_is_counted_in_none(seeded: KnowledgeBase) -> None:
    page = seeded.json("/v1/topics?facet=broader&limit=500&count=exact")

    assert sum(one["n"] for one in page["facets"]["broader"]) == sum(bool(one["broader"]) for one in page["items"])
    assert None not in [one["value"] for one in page["facets"]["broader"]]
    assert page["count"]["n"] == len(page["items"])
