"""Whether every list sorts, counts, includes and narrows as it declares, and an empty one says what was searched."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest

from app.query.fields import Resource
from app.query.params import COMMON
from app.resources import RESOURCES
from tests.base import KnowledgeBase, ids
from tests.brute import EXACTLY, HELD, STATUSES, address, quoted, shown, statement, world_of

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))


# ── Sorting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def sort_value(resource: Resource, name: str, record: dict[str, Any]) -> Any:
    """What a record is sorted by, None for what has no such value."""
    if name == "place" and resource.name in ("statements", "claims"):
        first = next(iter(record["evidence"]), None)
        return "~" if first is None else f"{first['source']} {first['start']:09d}"
    if name in ("said", "signed", "happened", "published"):
        return (record[name] or {}).get("first")
    if name == "commitment":
        return (record[name] or {}).get("rank")
    return record[name]


def in_order(resource: Resource, name: str, records: list[dict[str, Any]], *, descending: bool) -> list[str]:
    """The ids in the order asked for: what has no value last, ties by id."""
    known = [one for one in records if sort_value(resource, name, one) is not None]
    unknown = [one for one in records if sort_value(resource, name, one) is None]
    known.sort(key=lambda one: (sort_value(resource, name, one), one["id"]), reverse=descending)
    unknown.sort(key=lambda one: one["id"], reverse=descending)
    return ids([*known, *unknown])


@EVERY_RESOURCE
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
def test_every_sort_puts_records_in_that_order_and_those_without_a_value_last(
    rich: KnowledgeBase, resource: Resource, descending: bool
) -> None:
    records = world_of(rich).records(resource.name)
    for line in resource.sorts:
        sort = f"-{line.name}" if descending else line.name
        found = ids(rich.json(address(resource.name, sort=sort, limit=500, **shown(resource.name)))["items"])
        assert found == in_order(resource, line.name, records, descending=descending), sort


@EVERY_RESOURCE
def test_the_first_declared_sort_is_the_default(rich: KnowledgeBase, resource: Resource) -> None:
    default = ids(rich.json(address(resource.name, limit=500))["items"])

    assert default == ids(rich.json(address(resource.name, limit=500, sort=resource.sorts[0].name))["items"])


def test_an_impossible_sort_is_refused_with_those_there_are(seeded: KnowledgeBase) -> None:
    problem = seeded.json("/v1/statements?sort=-tone", 422)

    assert problem["errors"][0]["name"] == "sort"
    assert "commitment" in problem["detail"]


# ── Facets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@EVERY_RESOURCE
def test_every_facet_counts_what_its_links_list(rich: KnowledgeBase, resource: Resource) -> None:
    world = world_of(rich)
    for facet in resource.facets:
        path = address(resource.name, facet=facet.name, **({} if facet.name == "status" else shown(resource.name)))
        values = rich.json(path)["facets"][facet.name]
        for value in values:
            members = rich.json(f"{value['items']}&limit=500&count=exact")
            assert members["count"] == {"n": value["n"], "exact": True}, value
            holds = HELD[resource.name][facet.name]
            records = {one["id"]: one for one in world.records(resource.name)}
            assert all(value["value"] in holds(world, records[one]) for one in ids(members["items"])), value


@EVERY_RESOURCE
def test_every_facet_counts_every_value_that_records_hold(rich: KnowledgeBase, resource: Resource) -> None:
    world = world_of(rich)
    for facet in resource.facets:
        counted: dict[Any, int] = {}
        for record in world.records(resource.name):
            holds = EXACTLY.get((resource.name, facet.name), HELD[resource.name][facet.name])
            for value in holds(world, record):
                counted[value] = counted.get(value, 0) + 1
        values = rich.json(address(resource.name, facet=facet.name, **shown(resource.name)))["facets"][facet.name]
        assert {one["value"]: one["n"] for one in values} == counted, facet.name
        assert [one["n"] for one in values] == sorted((one["n"] for one in values), reverse=True)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/statements?topic=harbours&facet=topic&facet=speaker",
        "/v1/statements?constraint=legal&facet=constraint",
        "/v1/statements?constraint=legal&constraint=interest&facet=constraint",
        "/v1/statements?about.not=arden&facet=about&facet=on_behalf_of",
        "/v1/statements?speaker=arden&facet=speaker&q=what",
        "/v1/agreements?party=arden&facet=party&facet=topic",
        "/v1/agreements?party=Arden&party=belmont&facet=party",
        "/v1/events?participant=arden&role=host&facet=participant&facet=role",
        "/v1/events?participant=belmont&facet=role&status=planned&status=occurred",
        "/v1/events?role=host&facet=participant&facet=role&status=planned&status=occurred",
        "/v1/events?happened_from=2018-01-02&facet=participant&facet=kind&facet=status&undated=true",
        "/v1/relations?subject=arden&facet=subject&facet=object&facet=kind&facet=source",
        "/v1/claims?source=japan-ukraine-security-article&facet=source&facet=subject",
        "/v1/statements?enrichment=true&as_of=3&facet=speaker&limit=2&fields=gloss&include=speaker",
    ],
)
def test_a_facet_narrows_the_question_it_was_asked_with(rich: KnowledgeBase, path: str) -> None:
    page = rich.json(path)
    assert any(page["facets"].values())
    for values in page["facets"].values():
        for value in values:
            members = rich.json(f"{value['items']}&limit=500")
            assert len(members["items"]) == value["n"], value


def test_an_unknown_facet_is_refused_with_the_nearest(seeded: KnowledgeBase) -> None:
    assert "'commitment'" in seeded.json("/v1/statements?facet=comitment", 422)["detail"]


# ── Include and fields ──────────────────────────────────────────────────────────────────────────────────────────────


def linked(record: dict[str, Any], resource: Resource, name: str) -> set[str]:
    """The ids that a record holds for an include, by field or by resource."""
    found = set()
    for line in resource.fields:
        for link in line.links:
            if name in (line.name, link.to):
                value = record[line.name]
                for item in value if isinstance(value, list) else [value]:
                    found.add(item[link.at] if link.at and item is not None else item)
    return found - {None}


@EVERY_RESOURCE
def test_every_include_brings_each_linked_record_once_as_its_own_address_shows_it(
    rich: KnowledgeBase, resource: Resource
) -> None:
    names = {line.name for line in resource.fields if line.links}
    names |= {link.to for line in resource.fields for link in line.links} - {"*"}
    standing = {item["id"] for one in RESOURCES for item in world_of(rich).records(one)}
    for name in sorted(names):
        page = rich.json(address(resource.name, include=name, limit=500, **shown(resource.name)))
        brought = {id: record for records in page["included"].values() for id, record in records.items()}
        wanted = set().union(*(linked(item, resource, name) for item in page["items"]))
        assert set(brought) == wanted & standing, name
        for record in list(brought.values())[:3]:
            assert record == rich.json(record["self"])


def test_an_unknown_include_is_refused_with_those_there_are(seeded: KnowledgeBase) -> None:
    problem = seeded.json("/v1/statements?include=weather", 422)

    assert problem["errors"][0]["name"] == "include"
    assert "speaker" in problem["detail"]


@EVERY_RESOURCE
def test_every_field_can_be_asked_for_alone(rich: KnowledgeBase, resource: Resource) -> None:
    whole = {item["id"]: item for item in rich.json(address(resource.name, limit=20))["items"]}
    names = list(dict.fromkeys([*(line.name for line in resource.fields), *COMMON]))
    names = [name for name in names if name not in ("id", "enrichment")]
    for name in names:
        for item in rich.json(address(resource.name, limit=20, fields=name))["items"]:
            assert item == {"id": item["id"], name: whole[item["id"]][name]}
    for item in rich.json(address(resource.name, limit=20, fields=",".join(names)))["items"]:
        assert item == whole[item["id"]]


@EVERY_RESOURCE
def test_every_record_has_what_every_record_has(rich: KnowledgeBase, resource: Resource) -> None:
    for enrichment in (False, True):
        for item in world_of(rich, enrichment).records(resource.name):
            assert {"id", "type", "self", "since", "until", "evidence"} <= item.keys()
            if resource.name != "provisions":  # whose own `type` is what is laid down
                assert item["type"] == resource.noun
            assert item["self"].startswith(f"/v1/{resource.name}/")
            assert item["until"] is None
            assert rich.json(f"{item['self']}?enrichment={str(enrichment).lower()}") == item
            for citation in item["evidence"]:
                known = {"passage", "source", "paragraph", "sentence", "start", "end", "sha256", "exact", "support"}
                assert set(citation) == known


# ── Counting ────────────────────────────────────────────────────────────────────────────────────────────────────────


@EVERY_RESOURCE
def test_counts_are_not_said_bounded_or_exact_as_asked(rich: KnowledgeBase, resource: Resource) -> None:
    n = len(world_of(rich).records(resource.name))

    assert rich.json(address(resource.name, limit=1))["count"] is None
    assert rich.json(address(resource.name, limit=1, count="none"))["count"] is None
    for count in ("bounded", "exact"):
        page = rich.json(address(resource.name, limit=1, count=count, **shown(resource.name)))
        assert page["count"] == {"n": n, "exact": True}


# ── Empty lists ─────────────────────────────────────────────────────────────────────────────────────────────────────


def coverage(kb: KnowledgeBase, path: str) -> dict[str, Any]:
    page = kb.json(path)
    assert page["items"] == []
    assert page["next_cursor"] is None
    told: dict[str, Any] = page["coverage"]
    assert set(told) >= {"searched", "sources", "datasets", "dates", "revision", "query", "zero", "notes"}
    assert told["revision"] == page["revision"]
    return told


def test_an_actor_that_is_not_known_here_is_not_covered(seeded: KnowledgeBase) -> None:
    told = coverage(seeded, "/v1/statements?speaker=Angela+Merkel")

    assert told["zero"] == "not_covered"
    assert told["sources"] == ["japan-ukraine-security-article"]
    assert any("Angela Merkel" in note for note in told["notes"])


def test_a_slip_of_the_hand_is_answered_with_what_may_have_been_meant(seeded: KnowledgeBase) -> None:
    assert any("Ishiba" in note for note in coverage(seeded, "/v1/statements?speaker=Ishba")["notes"])


def test_a_known_actor_without_statements_means_none_found(seeded: KnowledgeBase) -> None:
    told = coverage(seeded, "/v1/statements?speaker=Trump")

    assert told["zero"] == "none_found"
    assert "donald-trump" in told["query"]


def test_a_state_that_others_speak_for_leads_to_what_they_said(seeded: KnowledgeBase) -> None:
    told = coverage(seeded, "/v1/statements?speaker=Japan&limit=3&modality=indicative")
    (note,) = [note for note in told["notes"] if "on_behalf_of" in note]
    there = note[note.index("/v1/") :]

    assert told["zero"] == "none_found"
    assert there == "/v1/statements?on_behalf_of=Japan&modality=indicative"
    assert seeded.json(there)["items"]


def test_a_state_that_nobody_speaks_for_leads_nowhere(seeded: KnowledgeBase) -> None:
    assert not any("/v1/" in note for note in coverage(seeded, "/v1/statements?speaker=Russia")["notes"])


@pytest.mark.parametrize(
    ("asked", "zero", "hint"),
    [
        (
            "actors?identifier=shoe-size:43",
            "not_covered",
            "identifier: no actor here has an identifier of the scheme 'shoe-size'.",
        ),
        ("actors?identifier=iso3166-1-alpha2:ZZ&enrichment=true", "none_found", None),
        ("actors?identifier=iso3166-1-alpha2:ZZ&identifier=shoe-size:43&enrichment=true", "none_found", "'shoe-size'"),
        ("events?code=999", "not_covered", "code: '999' is no code or label"),
        ("events?code=No+such+label", "not_covered", "'No such label'"),
        ("events?code=999&code=190", "none_found", "'999'"),
        ("events?code=190", "none_found", None),  # fighting: the scheme has it, and nothing here is coded so
        ("events?code=Make+statement&happened_from=2024", "none_found", None),
        ("events?code=0&participant=Zelenskyy", "none_found", None),
        ("events?code=1%27%20OR%201=1", "not_covered", "OR 1=1"),
    ],
)
def test_a_code_or_scheme_that_nothing_here_could_have_is_not_covered_and_one_that_it_could_is_none_found(
    seeded: KnowledgeBase, asked: str, zero: str, hint: str | None
) -> None:
    told = coverage(seeded, f"/v1/{asked}")

    assert told["zero"] == zero
    hints = [note for note in told["notes"] if note.startswith(("code:", "identifier:"))]
    assert (hint in hints[0]) if hint else hints == []


def test_dates_beyond_those_of_the_records_are_not_covered(rich: KnowledgeBase) -> None:
    told = coverage(rich, "/v1/agreements?signed_before=1990")

    assert told["dates"]["first"] == "2020-01-01"
    assert told["zero"] == "not_covered"
    assert coverage(rich, "/v1/agreements?signed_from=2022-01-01&party=arden")["zero"] in ("not_covered", "none_found")
    assert any("undated=true" in note for note in told["notes"])


def test_records_without_any_date_cover_no_dates(seeded: KnowledgeBase) -> None:
    told = coverage(seeded, "/v1/statements?said_from=2025-08")

    assert told["dates"] is None
    assert told["zero"] == "not_covered"


def test_an_empty_knowledge_base_covers_nothing(kb: KnowledgeBase) -> None:
    for name in RESOURCES:
        told = coverage(kb, f"/v1/{name}")
        assert told["zero"] == "not_covered"
        assert told["sources"] == told["datasets"] == []
        assert told["revision"] == 0


def test_a_list_that_holds_something_says_neither(seeded: KnowledgeBase) -> None:
    assert seeded.json("/v1/statements")["coverage"]["zero"] is None


def test_the_question_is_said_in_words(rich: KnowledgeBase) -> None:
    asked = {
        "speaker": "Arden",
        "topic_not": "piers",
        "commitment_from": "might",
        "said_from": "2020",
        "q": "what says",
    }
    query = rich.json(address("statements", **asked))["coverage"]["query"]

    assert query.startswith("statements: ")
    for part in ("arden", "topic is not piers", "commitment at least might", "said possibly from 2020", "what, says"):
        assert part in query, query
    assert query.endswith(f"without enrichment; as of revision {rich.latest}.")


# ── Enrichment ──────────────────────────────────────────────────────────────────────────────────────────────────────


def markers(value: Any) -> bool:
    """Whether anything from outside the cited source shows in an answer."""
    if isinstance(value, dict):
        return bool(value.get("enrichment")) or value.get("basis") == "enrichment" or any(map(markers, value.values()))
    return any(map(markers, value)) if isinstance(value, list) else False


def outside(kb: KnowledgeBase) -> set[str]:
    """Every id that only knowledge from outside brings in."""
    return {
        one
        for name in RESOURCES
        for one in set(ids(world_of(kb, enrichment=True).records(name))) - set(ids(world_of(kb).records(name)))
    }


@EVERY_RESOURCE
def test_nothing_from_outside_the_sources_shows_unless_asked_for(seeded: KnowledgeBase, resource: Resource) -> None:
    facets = [("facet", line.name) for line in resource.facets]
    statuses = [("status", status) for status in STATUSES] if resource.name == "events" else []
    links = [line.name for line in resource.fields if line.links]
    path = f"/v1/{resource.name}?{urlencode([('limit', 500), ('include', ','.join(links)), *facets, *statuses])}"
    answer = seeded.get(path if links else path.replace("include=&", ""))

    assert answer.status_code == 200, answer.text[:300]
    assert not markers(answer.json())
    for id in outside(seeded):
        assert f'"{id}"' not in answer.text
    for form in ("ndjson", "jsonld", "csv"):
        text = seeded.get(f"/v1/{resource.name}?format={form}").text
        assert not any(id in text.replace("-", "-").split() for id in outside(seeded))
        assert "Q17" not in text


def test_enrichment_brings_it_in_marked_with_where_it_comes_from(seeded: KnowledgeBase) -> None:
    japan = seeded.json("/v1/actors/japan?enrichment=true")
    nippon = next(one for one in japan["names"] if one["text"] == "Nippon")

    assert nippon["enrichment"]["source"].startswith("https://")
    assert seeded.json("/v1/actors?identifier=iso3166-1-alpha2:JP&enrichment=true")["items"]
    assert seeded.json("/v1/actors?identifier=iso3166-1-alpha2:JP")["items"] == []
    assert {"donald-trump", "united-states"} & set(outside(seeded)) == set()
    assert seeded.json("/v1/actors/fumio-kishida?enrichment=true")["enrichment"]["source"]
    assert "enrichment=true" in seeded.json("/v1/actors/fumio-kishida", 404)["detail"]


def test_changes_and_versions_show_nothing_from_outside_unless_asked_for(seeded: KnowledgeBase) -> None:
    for path in ("/v1/changes?after=1&limit=500", "/v1/actors/japan/revisions"):
        assert not markers(seeded.json(path))
        assert markers(seeded.json(f"{path}{'&' if '?' in path else '?'}enrichment=true"))


# ── Paging through other lists ──────────────────────────────────────────────────────────────────────────────────────


def test_pages_link_to_the_next_one(rich: KnowledgeBase) -> None:
    answer = rich.get("/v1/statements?limit=2&speaker=Arden&q=what")
    page = answer.json()
    link = answer.headers["link"]

    assert link.endswith('; rel="next"')
    target = link[1 : link.index(">")]
    assert page["next_cursor"] in target
    follow = rich.json(f"/v1/statements?limit=2&speaker=Arden&q=what&cursor={page['next_cursor']}")
    assert rich.json(target) == follow


def test_the_log_of_revisions_and_changes_is_paged_without_a_gap(rich: KnowledgeBase) -> None:
    revisions = rich.json("/v1/revisions?limit=500")["items"]
    changes = rich.json("/v1/changes?after=0&limit=500")
    assert [one["number"] for one in revisions] == list(range(1, rich.latest + 1))

    for path, whole, key in (
        ("/v1/revisions?limit=1", revisions, "number"),
        ("/v1/changes?limit=7", changes["items"], "position"),
    ):
        seen, cursor, pages = [], None, 0
        while (cursor is not None or not pages) and pages < 60:
            answer = rich.get(path if cursor is None else f"{path}&cursor={cursor}")
            page, pages = answer.json(), pages + 1
            seen += [one[key] for one in page["items"]]
            cursor = page["next_cursor"]
            assert ("link" in answer.headers) == (cursor is not None)
        wanted = [one[key] for one in whole]
        assert seen[: len(wanted)] == wanted[: len(seen)]


def test_changes_after_a_revision_begin_with_the_next_one(rich: KnowledgeBase) -> None:
    first = rich.json(f"/v1/changes?after={rich.latest - 1}&limit=2")["items"]
    more = rich.json(f"/v1/changes?after={first[0]['position']}&limit=1")["items"]

    assert {one["revision"] for one in first} == {rich.latest}
    assert more[0] == first[1]
    assert rich.json(f"/v1/changes?after={rich.latest}")["items"] == []
    for wrong in ("-1", "1.x", "١", "1.", "9999999999"):
        assert rich.json(f"/v1/changes?after={quoted(wrong)}", 422)["errors"][0]["name"] == "after"


def test_positions_of_the_feed_grow(rich: KnowledgeBase) -> None:
    positions = [tuple(map(int, one["position"].split("."))) for one in rich.json("/v1/changes?limit=500")["items"]]

    assert all(one < other for one, other in pairwise(positions))


def test_a_vocabulary_can_be_read_as_of_a_revision(rich: KnowledgeBase) -> None:
    now = rich.json("/v1/vocabularies/commitment_level")
    then = rich.json("/v1/vocabularies/commitment_level?as_of=1")

    assert [one["term"] for one in now["items"]] == list(rich.vocabularies["commitment_level"].ids)
    assert then["items"] == now["items"]
    assert then["revision"] == 1
    assert rich.json("/v1/vocabularies/commitment_level?as_of=0", 404)
    assert rich.json("/v1/vocabularies?as_of=0")["items"] == []


def test_an_unknown_parameter_is_refused_with_the_nearest(seeded: KnowledgeBase) -> None:
    problem = seeded.json("/v1/statements?speeker=Ishiba", 422)

    assert problem["errors"] == [
        {"in": "query", "name": "speeker", "detail": "There is no parameter 'speeker'. The nearest is 'speaker'."}
    ]


def test_a_value_that_is_no_term_is_refused_with_the_nearest(seeded: KnowledgeBase) -> None:
    assert "'considers'" in seeded.json("/v1/statements?commitment=consider", 422)["detail"]


def test_every_fault_is_named_at_once(seeded: KnowledgeBase) -> None:
    problem = seeded.json("/v1/statements?limit=0&sort=x&nothing=1&has_quote=maybe&said_from=yesterday", 422)

    assert {fault["name"] for fault in problem["errors"]} == {"limit", "sort", "nothing", "has_quote", "said_from"}


def test_as_of_in_the_future_is_refused(rich: KnowledgeBase) -> None:
    for moment in (str(rich.latest + 1), "2999-01-01", "2999-01-01T00:00:00Z"):
        assert "future" in rich.json(f"/v1/statements?as_of={moment}", 422)["detail"]


def test_as_of_shows_the_list_as_it_was(kb: KnowledgeBase) -> None:
    first = kb.put(("statement", statement("one")))
    kb.put(("statement", statement("two")))
    kb.retract("statement", "one")

    assert ids(kb.json(f"/v1/statements?as_of={first}")["items"]) == ["one"]
    assert ids(kb.json(f"/v1/statements?as_of={first + 1}&sort=id")["items"]) == ["one", "two"]
    assert ids(kb.json("/v1/statements")["items"]) == ["two"]
    assert kb.json("/v1/statements?as_of=0")["items"] == []
    assert kb.get(f"/v1/statements?as_of={first}").headers["kb-revision"] == str(first)


def test_min_revision_answers_or_says_when_to_try_again(rich: KnowledgeBase) -> None:
    assert rich.get(f"/v1/topics?min_revision={rich.latest}").status_code == 200

    late = rich.get(f"/v1/topics?min_revision={rich.latest + 1}")
    assert late.status_code == 503
    assert late.headers["retry-after"] == "1"
    assert late.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/schemas/dossier.json", "/v1/context.jsonld", "/openapi.json"])
def test_what_no_revision_changes_has_an_etag_too(seeded: KnowledgeBase, path: str):
    first = seeded.get(path)
    tag = first.headers["etag"]

    assert (first.status_code, "kb-revision" in first.headers) == (200, False)
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = seeded.get(path, If_None_Match=said)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert seeded.get(path, If_None_Match=tag[:-2]).content == first.content
