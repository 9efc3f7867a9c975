"""Whether a request asks the database a fixed number of questions, whatever the size of its page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from app.query.fields import Resource
from app.resources import RESOURCES
from tests.base import KnowledgeBase
from tests.brute import actor, address, shown, statement
from tests.test_coded import bring, facts

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))


@contextmanager
def counting(kb: KnowledgeBase) -> Iterator[list[str]]:
    """The statements that the database is sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(kb.database.reader, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(kb.database.reader, "before_cursor_execute", note)


def cost(kb: KnowledgeBase, path: str) -> int:
    """How many statements a request takes, once what is remembered for a revision is."""
    kb.json(path)
    with counting(kb) as sent:
        kb.json(path)
    return len(sent)


@EVERY_RESOURCE
def test_a_list_takes_as_many_statements_for_a_long_page_as_for_a_short_one(
    rich: KnowledgeBase, resource: Resource
) -> None:
    links = ",".join(line.name for line in resource.fields if line.links)
    facets = [line.name for line in resource.facets]
    for more in ({}, {"include": links} if links else {}, {"facet": facets, "count": "exact"} if facets else {}):
        few, many = (
            cost(rich, address(resource.name, limit=limit, **shown(resource.name), **more)) for limit in (2, 500)
        )
        # One more where only the longer page cites a source, and what a page's records link to may be of more kinds.
        assert many <= few + (len(RESOURCES) if "include" in more else 1), more
        places = 1 + len(resource.stores)
        assert many <= 12 + 6 * (places - 1) + len(facets) * places + (20 if "include" in more else 0)


def test_a_page_of_three_hundred_takes_as_many_statements_as_one_of_ten(kb: KnowledgeBase) -> None:
    kb.put(
        ("topic", {"id": "t", "label": "T", "definition": None, "broader": None, "evidence": []}),
        *[("actor", actor(f"a{n}")) for n in range(300)],
        *[("statement", statement(f"s{n}", speaker=f"a{n}", about=[f"a{n}", "t"], topics=["t"])) for n in range(300)],
    )
    for more in ("", "&include=speaker,about,topics", "&facet=speaker&facet=topic&count=exact", "&q=what&topic=t"):
        assert cost(kb, f"/v1/statements?limit=300{more}") == cost(kb, f"/v1/statements?limit=10{more}") <= 14


@EVERY_RESOURCE
def test_a_plain_list_and_a_record_take_a_handful_of_statements(rich: KnowledgeBase, resource: Resource) -> None:
    page = rich.json(address(resource.name, limit=1, **shown(resource.name)))

    assert cost(rich, address(resource.name, limit=500)) <= 7
    assert cost(rich, page["items"][0]["self"]) <= 7


def test_an_export_takes_a_statement_or_few_a_chunk(rich: KnowledgeBase) -> None:
    with counting(rich) as sent:
        rich.get("/v1/statements?format=ndjson")

    assert len(sent) <= 8


def test_what_a_client_has_already_takes_a_statement_or_two(rich: KnowledgeBase) -> None:
    tag = rich.get("/v1/statements").headers["etag"]
    with counting(rich) as sent:
        assert rich.get("/v1/statements", If_None_Match=tag).status_code == 304

    assert len(sent) <= 2


def test_a_dataset_s_event_is_looked_for_in_one_place_and_so_are_its_actors(kb: KnowledgeBase, tmp_path: Path) -> None:
    bring(kb, tmp_path, facts(0, 20))
    one = kb.json("/v1/events?limit=1")["items"][0]

    assert kb.json(f"{one['self']}?include=participants")["included"]["actors"]
    assert cost(kb, f"{one['self']}?include=participants") <= 2
