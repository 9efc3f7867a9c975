"""Whether questions about ties that make no sense are refused with advice, and none of them ever breaks anything."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.base import KnowledgeBase
from tests.brute import actor

REFUSED = [
    ("network", "", "actor"),
    ("network?actor=", "", "actor"),
    ("network?actor=japan&depth=4", "from 1 to 3", "depth"),
    ("network?actor=japan&depth=0", "from 1 to 3", "depth"),
    ("network?actor=japan&depth=two", "from 1 to 3", "depth"),
    ("network?actor=japan&limit=501", "from 1 to 500", "limit"),
    ("network?actor=japan&nodes=2001", "from 1 to 2000", "nodes"),
    ("network?actor=japan&from=2025&before=2024", "must be later", "before"),
    ("network?actor=japan&from=2025-02-30", "", "from"),
    ("network?actor=japan&kind=wedding", "There are: relation, event", "kind"),
    ("network?actor=japan&kind=evnt", "Did you mean 'event'", "kind"),
    ("network?actor=japan&status=hypotetical", "Did you mean 'hypothetical'", "status"),
    ("network?actor=japan&status.not=certain", "There are:", "status"),
    ("network?actor=japan&dates=certain", "name from or before", "dates"),
    ("network?actor=japan&undated=true", "name from or before", "undated"),
    ("network?actor=japan&format=csv", "json, gexf, graphml", "format"),
    ("network?actor=japan&among=perhaps", "true or false", "among"),
    ("network?actor=japan&members_on=yesterday", "", "members_on"),
    ("network?actor=japan&dept=2", "nearest is 'depth'", "dept"),
    ("network?actor=japan&as_of=999", "future", "as_of"),
    ("network?" + "&".join(["actor=japan"] * 21), "20 times", "actor"),
    ("network?actor=" + "x" * 501, "500 characters", "actor"),
    ("network?actor=%00", "control characters", "actor"),
    ("network?actor=%ff", "", "actor"),
    ("paths?from_actor=japan", "to_actor is missing", "to_actor"),
    ("paths?to_actor=japan", "from_actor is missing", "from_actor"),
    ("paths?from_actor=japan&to_actor=ukraine&max_length=7", "from 1 to 6", "max_length"),
    ("paths?from_actor=japan&to_actor=ukraine&max_length=0", "from 1 to 6", "max_length"),
    ("paths?from_actor=japan&from_actor=china&to_actor=ukraine", "once", "from_actor"),
    ("paths?from_actor=japan&to_actor=ukraine&limit=21", "from 1 to 20", "limit"),
    ("paths?from_actor=japan&to_actor=ukraine&format=gexf", "", "format"),
    ("paths?from=2024&to_actor=ukraine", "from_actor is missing", "from_actor"),
]


@pytest.mark.parametrize(("path", "advice", "name"), REFUSED)
def test_what_makes_no_sense_is_refused_with_advice(seeded: KnowledgeBase, path: str, advice: str, name: str) -> None:
    problem = seeded.json(f"/v1/{path}", status=422)

    assert advice in problem["detail"]
    assert any(fault["name"] == name for fault in problem["errors"])


@pytest.mark.parametrize(
    "name",
    [
        "'; DROP TABLE actor; --",
        "<script>alert(1)</script>",
        "名無し 🎌",
        "a:b",
        "tkg:",
        ":",
        "%",
        "../../etc/passwd",
        "x" * 500,
        "-1",
    ],
)
def test_a_strange_name_is_an_honest_empty_answer(seeded: KnowledgeBase, name: str) -> None:
    network = seeded.json(f"/v1/network?actor={quote(name, safe='')}")
    chains = seeded.json(f"/v1/paths?from_actor={quote(name, safe='')}&to_actor=japan")

    assert (network["nodes"], network["edges"], network["coverage"]["zero"]) == ([], [], "not_covered")
    assert (chains["items"], chains["coverage"]["zero"]) == ([], "not_covered")


def test_a_name_of_several_is_refused_with_the_candidates(kb: KnowledgeBase) -> None:
    kb.put(*[("actor", {**actor(id), "name": "The Same"}) for id in ("one", "two")])

    for path in ("network?actor=The+Same", "paths?from_actor=The+Same&to_actor=one"):
        problem = kb.json(f"/v1/{path}", status=422)
        assert "one" in problem["detail"]
        assert "two" in problem["detail"]


def test_an_empty_knowledge_base_has_empty_networks(kb: KnowledgeBase) -> None:
    assert kb.json("/v1/network?actor=anybody")["nodes"] == []
    assert kb.json("/v1/paths?from_actor=a&to_actor=b")["items"] == []


def test_everything_at_its_limit_is_answered(seeded: KnowledgeBase) -> None:
    told = seeded.json(
        "/v1/network?actor=japan&actor=ukraine&depth=3&limit=500&nodes=2000&among=true&enrichment=true"
        "&from=0001-01-01&before=9999-12-31&undated=true&dates=possible&status.not=planned&kind.not=office&members_on=9999-12-31"
    )

    assert told["nodes"]


def test_html_in_a_name_stays_text(kb: KnowledgeBase) -> None:
    kb.put(("actor", {**actor("a"), "name": "<script>alert(1)</script>"}))
    answer = kb.get("/v1/network?actor=a")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["nodes"][0]["name"] == "<script>alert(1)</script>"
