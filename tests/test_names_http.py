"""Whether whatever people call an actor leads to the same data in every filter that takes one."""

from __future__ import annotations

from typing import Any

import pytest

from app.query.fields import Period, Ref
from app.resources import RESOURCES
from tests.base import KnowledgeBase, ids
from tests.brute import actor, address, edge, quoted, statement

JAPAN = (
    "Tokyo",
    "TOKYO",
    "  tokyo ",
    "Ｔｏｋｙｏ",
    "Japan",
    "japan",
    "the Japanese government",
    "Japanese government",
    "Government of Japan",
    "the government of Japan",
    "Japan's government",
    "Japan’s government",
    "the Japan government",
    "Nippon",
    "日本",
    "日本政府",
    "government-of-japan",
)
ZELENSKYY = (
    "Zelenskyy",
    "Zelensky",
    "Zelenskiy",
    "Zelenskij",
    "zelenskyi",
    "Зеленський",
    "Volodymyr Zelenskyy",
    "Володимир Зеленський",
    "President Zelenskyy",
    "Ukraine's President Volodymyr Zelenskyy",
    "Ukraine’s President Volodymyr Zelenskyy",
    "President of Ukraine",
)
ISHIBA = (
    "Ishiba",
    "ISHIBA",
    "Shigeru Ishiba",
    "shigeru   ishiba",
    "Prime Minister Shigeru Ishiba",
    "Prime Minister Ishiba",
    "Mr. Ishiba",
    "石破茂",
    "Ishiba’s",
    "Japan's Prime Minister",
    "prime minister of Japan",
)
TAKING_ACTORS = [
    (resource.name, line.name)
    for resource in RESOURCES.values()
    for line in resource.filters
    if not isinstance(line, Period) and isinstance(line.kind, Ref) and line.kind.to in ("actors", "*")
]


def asked(kb: KnowledgeBase, resource: str, name: str, value: str) -> list[str]:
    return ids(kb.json(address(resource, limit=500, **{name: value}))["items"])


@pytest.mark.parametrize(("resource", "name"), TAKING_ACTORS)
def test_every_way_to_name_japan_leads_to_the_same_records(seeded: KnowledgeBase, resource: str, name: str) -> None:
    found = {spelling: asked(seeded, resource, name, spelling) for spelling in JAPAN}

    assert all(value == found["japan"] for value in found.values()), found


def test_the_filters_that_the_questions_need_find_something_for_japan(seeded: KnowledgeBase) -> None:
    for resource, name in (
        ("statements", "on_behalf_of"),
        ("agreements", "party"),
        ("claims", "subject"),
        ("provisions", "party"),
    ):
        assert asked(seeded, resource, name, "Tokyo"), (resource, name)


@pytest.mark.parametrize("spelling", ZELENSKYY)
def test_every_spelling_of_zelenskyy_finds_him(seeded: KnowledgeBase, spelling: str) -> None:
    assert asked(seeded, "events", "participant", spelling) == asked(
        seeded, "events", "participant", "volodymyr-zelenskyy"
    )
    assert seeded.json(f"/v1/resolve?name={quoted(spelling)}")["items"][0]["actor"] == "volodymyr-zelenskyy"


@pytest.mark.parametrize("spelling", ISHIBA)
def test_every_way_to_name_ishiba_finds_what_he_said(seeded: KnowledgeBase, spelling: str) -> None:
    assert (
        asked(seeded, "statements", "speaker", spelling)
        == asked(seeded, "statements", "speaker", "shigeru-ishiba")
        != []
    )


def test_how_a_name_was_read_stands_in_the_notes(seeded: KnowledgeBase) -> None:
    notes = seeded.json("/v1/statements?on_behalf_of=Tokyo")["coverage"]["notes"]

    assert any("government-of-japan" in note and "metonym" in note for note in notes)
    assert any("represents" in note for note in notes)


def test_a_place_that_stands_for_no_actor_finds_nobody(seeded: KnowledgeBase) -> None:
    page = seeded.json("/v1/resolve?name=Washington")

    assert not [one for one in page["items"] if one["score"] > 0.8]


# ── /v1/resolve ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_a_name_can_stand_for_is_walked_page_by_page(seeded: KnowledgeBase) -> None:
    whole = seeded.json("/v1/resolve?name=Tokyo")
    first = seeded.get("/v1/resolve?name=Tokyo&limit=1")
    cursor = first.json()["next_cursor"]
    second = seeded.json(f"/v1/resolve?name=Tokyo&limit=1&cursor={cursor}")

    assert len(whole["items"]) == 2
    assert whole["next_cursor"] is None
    assert [*first.json()["items"], *second["items"]] == whole["items"]
    assert second["next_cursor"] is None
    assert 'rel="next"' in first.headers["Link"]
    assert seeded.get(f"/v1/resolve?name=Kyiv&cursor={cursor}").status_code in (400, 422)
    assert seeded.get("/v1/resolve?name=Tokyo&cursor=x").status_code in (400, 422)


def test_a_metonym_resolves_to_the_government_first_and_says_why(seeded: KnowledgeBase) -> None:
    first, second = seeded.json("/v1/resolve?name=Tokyo")["items"]

    assert set(first) == {"actor", "name", "matched", "name_kind", "score", "why"}
    assert (first["actor"], first["matched"], first["name_kind"], first["score"]) == (
        "government-of-japan",
        "Tokyo",
        "metonym",
        1,
    )
    assert second["actor"] == "japan"
    assert second["score"] < first["score"]
    assert "metonym" in first["why"]


def test_a_kind_narrows_whom_a_name_can_stand_for(seeded: KnowledgeBase) -> None:
    assert [one["actor"] for one in seeded.json("/v1/resolve?name=Tokyo&kind=state")["items"]] == ["japan"]
    assert seeded.json("/v1/resolve?name=Tokyo&kind=person")["items"] == []


def test_nobody_is_an_empty_list_with_its_coverage(seeded: KnowledgeBase) -> None:
    page = seeded.json("/v1/resolve?name=Xyzzy")

    assert page["items"] == []
    assert page["coverage"]["zero"] in ("none_found", "not_covered")
    assert "Xyzzy" in page["coverage"]["query"]
    assert page["coverage"]["sources"]


def test_resolving_nothing_is_refused_with_an_example(seeded: KnowledgeBase) -> None:
    problem = seeded.json("/v1/resolve", 422)

    assert problem["errors"][0]["name"] == "name"
    assert "/v1/resolve?name=Tokyo" in problem["detail"]


def test_a_name_from_outside_finds_the_actor_and_shows_itself_only_with_enrichment(seeded: KnowledgeBase) -> None:
    plain = seeded.get("/v1/resolve?name=nipon").text + seeded.get("/v1/resolve?name=Nippon").text
    (first, *_) = seeded.json("/v1/resolve?name=Nippon&enrichment=true")["items"]

    assert seeded.json("/v1/resolve?name=nippon")["items"][0]["actor"] == "japan"
    assert "outside the source" in plain
    assert "日本" not in plain
    assert first["matched"] == "Nippon"


def test_somebody_from_outside_is_found_with_enrichment_alone(seeded: KnowledgeBase) -> None:
    assert "fumio-kishida" not in seeded.get("/v1/resolve?name=Kishida").text
    assert seeded.json("/v1/resolve?name=Kishida&enrichment=true")["items"][0]["actor"] == "fumio-kishida"


# ── Governments ─────────────────────────────────────────────────────────────────────────────────────────────────────


def told(text: str) -> list[dict[str, Any]]:
    return [{"text": text, "kind": "name", "language": "en"}]


def test_a_government_is_found_through_its_state_where_no_name_of_its_own_says_so(kb: KnowledgeBase) -> None:
    kb.put(
        ("actor", actor("arden")),
        ("actor", actor("cabinet", "government", names=told("The Cabinet"))),
        ("actor", actor("belmont")),
        ("relation", edge("ties", "cabinet", "represents", "arden")),
        ("statement", statement("one", speaker="cabinet")),
        ("statement", statement("two", speaker="belmont")),
    )
    for spelling in (
        "government of Arden",
        "the Arden government",
        "Arden's government",
        "The Government of the Arden",
    ):
        assert kb.json(f"/v1/resolve?name={quoted(spelling)}")["items"][0]["actor"] == "cabinet", spelling
        assert asked(kb, "statements", "speaker", spelling) == ["one"]
    # Where a government is no actor of its own, its state stands for it.
    assert asked(kb, "statements", "speaker", "government of Belmont") == ["two"]
    assert kb.json("/v1/resolve?name=government+of+Nowhere")["items"] == []


def test_a_state_reaches_what_its_government_did_and_the_other_way_round(kb: KnowledgeBase) -> None:
    kb.put(
        ("actor", actor("arden")),
        ("actor", actor("government-of-arden", "government")),
        ("relation", edge("ties", "government-of-arden", "represents", "arden")),
        ("statement", statement("one", speaker="government-of-arden")),
        ("statement", statement("two", speaker="arden")),
    )

    assert asked(kb, "statements", "speaker", "Arden") == ["one", "two"]
    assert asked(kb, "statements", "speaker", "Government of Arden") == ["one", "two"]
    assert asked(kb, "statements", "speaker.is", "arden") == ["two"]
