"""Whether a walk through a list sees each record once and in order, whatever is written meanwhile, and refuses any other cursor."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson
import pytest

from app.query.fields import Resource
from app.resources import RESOURCES
from tests.base import KnowledgeBase, ids
from tests.brute import address, date, event, quoted, shown, statement

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))


def walk(kb: KnowledgeBase, path: str) -> list[str]:
    """The ids of every page, by following the links."""
    found: list[str] = []
    target: str | None = path
    while target is not None:
        answer = kb.get(target)
        assert answer.status_code == 200, answer.text[:300]
        page = answer.json()
        found += ids(page["items"])
        link = answer.headers.get("link")
        target = None if link is None else link[1 : link.index(">")]
        assert (page["next_cursor"] is None) == (target is None)
        assert target is None or f"cursor={page['next_cursor']}" in target
    return found


@EVERY_RESOURCE
def test_a_walk_sees_every_record_once_in_order_for_every_sort(rich: KnowledgeBase, resource: Resource) -> None:
    for line in resource.sorts:
        for sort in (line.name, f"-{line.name}"):
            asked = {"sort": sort, **shown(resource.name)}
            whole = ids(rich.json(address(resource.name, limit=500, **asked))["items"])
            for limit in (2, 7) if len(whole) > 20 else (1, 2, 7):
                assert walk(rich, address(resource.name, limit=limit, **asked)) == whole, (sort, limit)


def test_a_page_that_is_exactly_full_is_the_last_one(rich: KnowledgeBase) -> None:
    n = len(rich.json("/v1/agreements")["items"])

    assert rich.json(f"/v1/agreements?limit={n}")["next_cursor"] is None
    assert rich.json(f"/v1/agreements?limit={n - 1}")["next_cursor"] is not None


def test_ties_and_missing_values_are_walked_through_whole(kb: KnowledgeBase) -> None:
    days = ["2020-01-01", None, "2020-01-01", "2019", None, "2020-01-01"]
    said = [None if day is None else date(day, day if len(day) > 4 else "2019-01-01") for day in days]
    kb.put(*[("statement", statement(f"s{n}", one)) for n, one in enumerate(said)])

    for sort, order in (("said", "302514"), ("-said", "520341")):
        expected = [f"s{n}" for n in order]
        expected = sorted(expected, key=lambda id: (days[int(id[1])] is None, days[int(id[1])] or "", id))
        if sort.startswith("-"):
            dated = [id for id in expected if days[int(id[1])] is not None][::-1]
            expected = dated + sorted((id for id in expected if days[int(id[1])] is None), reverse=True)
        for limit in (1, 2, 3):
            assert walk(kb, f"/v1/statements?sort={sort}&limit={limit}") == expected


def test_a_walk_keeps_the_revision_of_its_first_page_while_others_publish(kb: KnowledgeBase) -> None:
    first = kb.put(*[("statement", statement(f"s{n}")) for n in range(6)])
    page = kb.json("/v1/statements?sort=id&limit=2&count=exact&facet=speaker")
    kb.put(("statement", statement("s2a")), ("statement", statement("s5", gloss="Another one.")))
    kb.retract("statement", "s3", "s0")
    seen = ids(page["items"])
    while page["next_cursor"]:
        answer = kb.get(f"/v1/statements?sort=id&limit=2&count=exact&facet=speaker&cursor={page['next_cursor']}")
        page = answer.json()
        assert page["revision"] == first
        assert answer.headers["kb-revision"] == str(first)
        assert page["count"]["n"] == page["facets"]["speaker"][0]["n"] == 6
        assert all(item["until"] is None for item in page["items"])
        seen += ids(page["items"])

    assert seen == [f"s{n}" for n in range(6)]
    assert ids(kb.json("/v1/statements?sort=id")["items"]) == ["s1", "s2", "s2a", "s4", "s5"]


def test_a_walk_as_of_a_revision_goes_on_there_and_nowhere_else(kb: KnowledgeBase) -> None:
    first = kb.put(*[("statement", statement(f"s{n}")) for n in range(4)])
    kb.put(("statement", statement("s9")))
    cursor = kb.json(f"/v1/statements?as_of={first}&limit=2")["next_cursor"]

    assert ids(kb.json(f"/v1/statements?as_of={first}&limit=2&cursor={cursor}")["items"]) == ["s2", "s3"]
    assert ids(kb.json(f"/v1/statements?limit=2&cursor={cursor}")["items"]) == ["s2", "s3"]
    problem = kb.json(f"/v1/statements?as_of={first + 1}&cursor={cursor}", 422)
    assert problem["type"].endswith("#bad-cursor")


def test_a_later_page_may_have_another_size_fields_and_includes(rich: KnowledgeBase) -> None:
    cursor = rich.json("/v1/statements?sort=id&limit=2")["next_cursor"]
    page = rich.json(f"/v1/statements?sort=id&limit=3&fields=gloss&include=speaker&facet=kind&cursor={cursor}")

    assert ids(page["items"]) == ids(rich.json("/v1/statements?sort=id&limit=5")["items"])[2:]


@pytest.mark.parametrize(
    "other",
    [
        "/v1/statements?limit=2&sort=-id",
        "/v1/statements?limit=2&sort=said",
        "/v1/statements?limit=2&sort=id&kind=demand",
        "/v1/statements?limit=2&sort=id&enrichment=true",
        "/v1/statements?limit=2&sort=id&q=what",
        "/v1/statements?limit=2",
        "/v1/claims?limit=2&sort=id",
    ],
)
def test_a_cursor_of_another_query_is_refused(rich: KnowledgeBase, other: str) -> None:
    cursor = rich.json("/v1/statements?limit=2&sort=id")["next_cursor"]
    problem = rich.json(f"{other}&cursor={cursor}", 422)

    assert problem["type"].endswith("#bad-cursor")
    assert "different query" in problem["detail"]
    assert problem["errors"][0]["name"] == "cursor"


def parts(cursor: str) -> list[Any]:
    return list(orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))


def made(*values: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(list(values))).rstrip(b"=").decode()


def broken(cursor: str) -> list[str]:
    """Cursors that are not ours, in every way that came to mind."""
    version, revision, mark, key, id = parts(cursor)
    return [
        cursor[:-1],
        cursor[: len(cursor) // 2],
        cursor + "A",
        cursor + "=",
        cursor.swapcase(),
        cursor[::-1],
        "A",
        "*",
        "null",
        "....",
        "é" * 8,
        "A" * 3999,
        made(),
        made(version, revision, mark),
        made(version, revision, mark, key),
        made(version, revision, mark, key, id, id),
        made(version + 1, revision, mark, key, id),
        made(str(version), revision, mark, key, id),
        made(version, str(revision), mark, key, id),
        made(version, revision + 1000, mark, key, id),
        made(version, -1, mark, key, id),
        made(version, 2**31, mark, key, id),
        made(version, 2**63, mark, key, id),
        made(version, True, mark, key, id),
        made(version, 1.5, mark, key, id),
        made(version, revision, "x" * 12, key, id),
        made(version, revision, mark[:12], key, id),
        made(version, revision, mark[:12] + "00000000", key, id),
        made(version, revision, mark + "0", key, id),
        made(version, revision, "", key, id),
        made(version, revision, None, key, id),
        made(version, revision, mark, str(key), id),
        made(version, revision, mark, 2**31, id),
        urlsafe_b64encode(b'[1,1,"' + mark.encode() + b'",1180591620717411303424,"e0"]').decode(),
        made(version, revision, mark, None, id),
        made(version, revision, mark, [key], id),
        made(version, revision, mark, {"a": 1}, id),
        made(version, revision, mark, True, id),
        made(version, revision, mark, key, None),
        made(version, revision, mark, key, 7),
        made(version, revision, mark, key, "a\0b"),
        urlsafe_b64encode(b"[" * 2000).decode(),
        urlsafe_b64encode(bytes(range(256))).decode(),
        urlsafe_b64encode(b'{"a":1}').decode(),
        urlsafe_b64encode(b"1e999").decode(),
        urlsafe_b64encode(b'[1,2,"a",NaN,"x"]').decode(),
    ]


def test_a_cursor_that_is_not_ours_is_refused_whatever_it_holds(kb: KnowledgeBase) -> None:
    kb.put(*[("event", event(f"e{n}", date("2020-01-01", "2020-01-01"))) for n in range(3)])
    for cursor in broken(kb.json("/v1/events?limit=1")["next_cursor"]):
        problem = kb.json(f"/v1/events?limit=1&cursor={quoted(cursor)}", 422)
        assert problem["type"].endswith(("#bad-cursor", "#bad-query")), cursor


def test_a_cursor_is_not_too_long_to_be_sent(kb: KnowledgeBase) -> None:
    kb.put(*[("statement", statement(f"s{n}{'x' * 400}")) for n in range(3)])

    assert len(walk(kb, "/v1/statements?limit=1")) == 3


@pytest.mark.parametrize(
    "path", ["/v1/changes?cursor=x", "/v1/changes?cursor=1.2.3", "/v1/revisions?cursor=-1", "/v1/revisions?cursor=9e9"]
)
def test_a_wrong_position_in_the_log_is_refused(seeded: KnowledgeBase, path: str) -> None:
    assert seeded.json(path, 422)["errors"][0]["name"] == "cursor"
