"""Are actors Popolo: people and organisations with their posts and memberships, every reference leading somewhere?"""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from app.formats import popolo
from tests.base import KnowledgeBase
from tests.making import dossier, person, state

# What the classes of the specification demand, in our words: required properties, types, and how a date looks.
TEXT = {"type": "string", "minLength": 1}
DAY = {"type": "string", "pattern": r"^[0-9]{4}(-[0-9]{2}){0,2}$"}
NAMED = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": TEXT,
        "name": TEXT,
        "other_names": {
            "type": "array",
            "items": {"type": "object", "required": ["name"], "properties": {"name": TEXT}},
        },
        "identifiers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["identifier"],
                "properties": {"identifier": TEXT, "scheme": TEXT},
            },
        },
        "sources": {"type": "array", "items": {"type": "object", "required": ["url"], "properties": {"url": TEXT}}},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["persons", "organizations", "memberships", "posts"],
    "additionalProperties": False,
    "properties": {
        "persons": {"type": "array", "items": NAMED},
        "organizations": {"type": "array", "items": {**NAMED, "required": ["id", "name", "classification"]}},
        "memberships": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["organization_id"],
                "oneOf": [{"required": ["person_id"]}, {"required": ["member"]}],
                "properties": {"start_date": DAY, "end_date": DAY, "role": TEXT, "post_id": TEXT},
            },
        },
        "posts": {
            "type": "array",
            "items": {"type": "object", "required": ["id", "label", "role", "organization_id"]},
        },
    },
}


def told(kb: KnowledgeBase, query: str = "") -> dict[str, Any]:
    answer = kb.get(f"/v1/actors?format=popolo{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == popolo.MEDIA_TYPE
    found: dict[str, Any] = answer.json()
    jsonschema.validate(found, SCHEMA)
    return found


@pytest.mark.parametrize("query", ["", "&enrichment=true"])
def test_every_actor_is_a_person_or_an_organisation_and_every_reference_leads_to_one(seeded: KnowledgeBase, query: str):
    found, actors = told(seeded, query), seeded.json(f"/v1/actors?limit=500{query}")["items"]
    people, bodies = ({one["id"] for one in found[name]} for name in ("persons", "organizations"))

    assert people == {one["id"] for one in actors if one["kind"] == "person"}
    assert bodies == {one["id"] for one in actors if one["kind"] != "person"}
    assert {one["organization_id"] for one in (*found["memberships"], *found["posts"])} <= bodies
    assert {one["person_id"] for one in found["memberships"] if "person_id" in one} <= people
    assert {one["member"]["id"] for one in found["memberships"] if "member" in one} <= bodies
    assert {one["post_id"] for one in found["memberships"] if "post_id" in one} == {one["id"] for one in found["posts"]}
    held = sum(len(one["offices"]) + len(one["memberships"]) for one in actors)
    assert len(found["memberships"]) == held > 0


def test_what_is_known_of_the_prime_minister_stands_where_popolo_wants_it(seeded: KnowledgeBase):
    found = told(seeded, "&enrichment=true&id=fumio-kishida")
    (kishida,), (post,) = found["persons"], found["posts"]

    assert kishida["name"] == "Fumio Kishida"
    assert {"name": "岸田文雄", "note": "name", "lang": "ja"} in kishida["other_names"]
    assert post == {
        "id": "prime-minister-of-japan",
        "label": "Prime Minister",
        "role": "Prime Minister",
        "organization_id": "japan",
    }
    assert found["memberships"] == [
        {
            "person_id": "fumio-kishida",
            "organization_id": "japan",
            "post_id": "prime-minister-of-japan",
            "role": "Prime Minister",
            "start_date": "2021-10-04",
            "end_date": "2024-10-01",
        }
    ]


def test_its_sources_are_the_passages_that_name_it(seeded: KnowledgeBase):
    (japan,) = told(seeded, "&id=japan")["organizations"]
    first = japan["sources"][0]["url"]

    assert seeded.json(first)["type"] == "passage"


def test_hostile_names_stay_text(kb: KnowledgeBase):
    name = '"},{"id":"x"}]\u0000</script>\u202e'.replace("\u0000", "")
    kb.load(dossier(actors=[person("odd", name), state("belmont", "Belmont")]))

    assert [one["name"] for one in told(kb)["persons"]] == [name]


@pytest.mark.parametrize(("span", "said"), [("2034?", None), ("2024", "2024"), ("2024-03~", None), (None, None)])
def test_only_plain_dates_are_said(span: str | None, said: str | None):
    assert popolo.days({"from": span}).get("start_date") == said


def test_what_waits_for_its_turn_is_not_held_in_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(popolo, "SPOOL_BYTES", 100)
    from app.resources import RESOURCES

    records = [{"id": f"s{n}", "kind": "state", "name": f"State {n}"} for n in range(500)]
    body = b"".join(popolo.write(RESOURCES["actors"], [records], ()))

    assert body.count(b'"classification":"state"') == 500


def test_it_is_chosen_by_accept_and_is_only_for_actors(seeded: KnowledgeBase):
    assert seeded.get("/v1/actors", Accept=popolo.MEDIA_TYPE).json() == told(seeded)
    assert seeded.get("/v1/events", Accept=popolo.MEDIA_TYPE).status_code == 406
    assert seeded.get("/v1/events?format=popolo").status_code == 422


def test_one_actor_is_a_document_too_and_fields_are_refused(seeded: KnowledgeBase):
    told = seeded.json("/v1/actors/shigeru-ishiba?format=popolo")

    assert [one["id"] for one in told["persons"]] == ["shigeru-ishiba"]
    assert told["organizations"] == []
    assert [one["post_id"] for one in told["memberships"]] == [one["id"] for one in told["posts"]]
    accepted = seeded.get("/v1/actors/shigeru-ishiba", Accept="application/popolo+json")
    assert accepted.json() == told
    for path in ("/v1/actors?format=popolo&fields=name", "/v1/actors/japan?format=popolo&fields=name"):
        assert seeded.json(path, 422)["errors"][0]["name"] == "fields"
    assert seeded.json("/v1/topics/ukraine-security-support?format=popolo", 422)["errors"][0]["name"] == "format"
