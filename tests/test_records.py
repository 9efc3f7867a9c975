"""Whether one record can be read by its id, through its versions, under its old names, and with what belongs to it."""

from __future__ import annotations

from typing import Any

import pytest

from app import ledger
from app.ledger import Change
from app.query.fields import Resource
from app.resources import RESOURCES
from tests.base import KnowledgeBase, ids
from tests.brute import STATUSES, actor, quoted, statement

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))


def some(kb: KnowledgeBase, resource: str) -> list[dict[str, Any]]:
    extra = "&".join(f"status={one}" for one in STATUSES) if resource == "events" else ""
    found: list[dict[str, Any]] = kb.json(f"/v1/{resource}?limit=5&{extra}".rstrip("?&"))["items"]
    return found


@EVERY_RESOURCE
def test_a_record_is_the_same_alone_as_in_its_list(rich: KnowledgeBase, resource: Resource) -> None:
    for item in some(rich, resource.name):
        answer = rich.get(item["self"])
        assert answer.json() == item
        assert answer.headers["kb-revision"] == str(rich.latest)
        assert f'<{item["self"]}/revisions>; rel="version-history"' in answer.headers["link"]


@EVERY_RESOURCE
def test_a_record_brings_along_what_it_links_to(rich: KnowledgeBase, resource: Resource) -> None:
    names = [line.name for line in resource.fields if line.links]
    for item in some(rich, resource.name)[:2]:
        if not names:
            continue
        whole = rich.json(f"{item['self']}?include={','.join(names)}")
        brought = whole.pop("included")
        assert whole == item
        for found in brought.values():
            for id, record in found.items():
                assert record["id"] == id
                assert record == rich.json(record["self"])


@EVERY_RESOURCE
def test_a_record_can_be_cut_to_some_fields(rich: KnowledgeBase, resource: Resource) -> None:
    first = resource.fields[0].name
    for item in some(rich, resource.name)[:1]:
        assert rich.json(f"{item['self']}?fields={first}") == {"id": item["id"], first: item[first]}


@EVERY_RESOURCE
def test_the_versions_of_a_record_begin_with_its_creation(rich: KnowledgeBase, resource: Resource) -> None:
    for item in some(rich, resource.name)[:2]:
        page = rich.json(f"{item['self']}/revisions")
        first = page["items"][0]
        assert first["act"] == "create"
        assert {"revision", "act", "by", "why", "at", "since", "until", "changed", "record"} <= set(first)
        assert page["items"][-1]["record"]["id"] == item["id"]
        assert page["next_cursor"] is None


def test_each_version_says_what_changed_who_and_why(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("one")), why="First")
    kb.put(("statement", statement("one", gloss="Better said.", kind="offer")), why="Second")
    kb.retract("statement", "one", why="It was never said.")
    kb.put(("statement", statement("one")), why="It was after all.")

    versions = kb.json("/v1/statements/one/revisions")["items"]

    assert [one["act"] for one in versions] == ["create", "update", "retract", "create"]
    assert [one["revision"] for one in versions] == [1, 2, 3, 4]
    assert [one["why"] for one in versions] == ["First", "Second", "It was never said.", "It was after all."]
    assert versions[1]["changed"] == ["gloss", "kind"]
    assert {one["by"] for one in versions} == {"a test"}
    assert len(kb.json("/v1/statements/one/revisions?as_of=2")["items"]) == 2


def test_as_of_shows_a_record_as_it_was_and_knows_nothing_of_later(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("one")))
    before = kb.get("/v1/statements/one?as_of=1").json()
    kb.put(("statement", statement("one", gloss="Better said.")))

    assert kb.get("/v1/statements/one?as_of=1").json() == before
    assert before["until"] is None
    assert kb.json("/v1/statements/one")["gloss"] == "Better said."
    assert kb.json("/v1/statements/one")["since"] == 2


def test_as_of_takes_a_day_and_a_moment(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("one")))
    between = kb.clock.moment.isoformat().replace("+00:00", "Z")
    day = kb.clock.moment.date().isoformat()
    kb.put(("statement", statement("one", gloss="Better said.")))

    assert kb.get(f"/v1/statements/one?as_of={between}").headers["kb-revision"] == "1"
    assert kb.get(f"/v1/statements/one?as_of={day}").headers["kb-revision"] == "2"
    assert kb.get("/v1/statements?as_of=2001-01-01").headers["kb-revision"] == "0"
    assert kb.get(f"/v1/statements/one?as_of={quoted(between.replace('Z', '+00:00'))}").headers["kb-revision"] == "1"
    assert kb.get("/v1/statements?as_of=0001-01-01T00:00:00%2B14:00").status_code == 422


def renamed(kb: KnowledgeBase, old: str, new: str) -> None:
    with kb.database.write() as connection:
        number = ledger.start(connection, Change("edit", "a test", "Renamed"), kb.clock())
        ledger.put(connection, number, "actor", [actor(new, "person")], origin="test")
        ledger.rename(connection, number, "actor", old, new)
        ledger.retract(connection, number, "actor", {old: f"It is {new} now."})
        ledger.publish(connection, number, kb.clock())


def test_a_renamed_id_leads_to_the_new_one_with_its_question(kb: KnowledgeBase) -> None:
    kb.put(("actor", actor("old-name", "person")), ("statement", statement("one", speaker="new-name")))
    renamed(kb, "old-name", "new-name")
    answer = kb.get("/v1/actors/old-name?fields=name")

    assert answer.status_code == 308
    assert answer.headers["location"] == "/v1/actors/new-name?fields=name"
    assert answer.headers["content-type"] == "application/problem+json"
    assert kb.get("/v1/actors/old-name?as_of=1").status_code == 200
    page = kb.json("/v1/statements?speaker=old-name")
    assert ids(page["items"]) == ["one"]
    assert any("new-name" in note for note in page["coverage"]["notes"])


def test_a_renamed_record_leads_on_from_its_versions_too(kb: KnowledgeBase) -> None:
    kb.put(("actor", actor("old-name", "person")))
    renamed(kb, "old-name", "new-name")
    answer = kb.get("/v1/actors/old-name/revisions")

    assert answer.status_code in (200, 308)


def test_an_id_with_signs_of_its_own_has_an_address_that_works(kb: KnowledgeBase) -> None:
    odd = ("coded:32889836@2018-06-01", "a.b", "a~b", "a+b", "a&b=c", "a b", "a%b", "ü", "a?b", "a#b")
    kb.put(*[("statement", statement(id)) for id in odd])

    for item in kb.json("/v1/statements")["items"]:
        assert kb.json(item["self"])["id"] == item["id"]
        assert kb.json(f"{item['self']}/revisions")["items"][0]["record"]["id"] == item["id"]
        listed = kb.json(f"/v1/relations?subject={quoted(item['id'])}")
        assert listed["coverage"]["notes"] == []
    assert set(ids(kb.json("/v1/statements")["items"])) == set(odd)


def test_the_reports_of_an_event_are_listed_even_where_there_are_none(seeded: KnowledgeBase) -> None:
    page = seeded.json("/v1/events/white-house-summit/reports")

    assert page == {"items": [], "next_cursor": None, "revision": seeded.latest}


def test_the_index_leads_to_everything(seeded: KnowledgeBase) -> None:
    index = seeded.json("/v1")
    linked = [one["items"] for one in index["resources"]] + [one["dictionary"] for one in index["resources"]]
    linked += [one["example"] for one in index["questions"]] + [index["docs"], index["openapi"]]

    assert {one["name"] for one in index["resources"]} == set(RESOURCES)
    assert all(one["words"] for one in index["resources"])
    for path in linked:
        assert seeded.get(path).status_code == 200, path
