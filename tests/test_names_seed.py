"""Does every name that somebody may type for the seed's actors lead to them, and to nobody else?"""

from __future__ import annotations

import pytest

NAMES = [
    ("Ishiba", "shigeru-ishiba"),
    ("Prime Minister Shigeru Ishiba", "shigeru-ishiba"),
    ("ISHIBA SHIGERU", "shigeru-ishiba"),
    ("石破茂", "shigeru-ishiba"),
    ("Tokyo", "government-of-japan"),
    ("Kyiv", "government-of-ukraine"),
    ("Kiev", "government-of-ukraine"),
    ("Zelensky", "volodymyr-zelenskyy"),
    ("Zelenskiy", "volodymyr-zelenskyy"),
    ("Ukraine’s President Volodymyr Zelenskyy", "volodymyr-zelenskyy"),
    ("Ukraine's President Volodymyr Zelenskyy", "volodymyr-zelenskyy"),
    ("Trump", "donald-trump"),
    ("U.S.", "united-states"),
    ("USA", "united-states"),
    ("G-7", "g7"),
    ("Group of Seven", "g7"),
    ("key European leaders", "european-leaders"),
]


@pytest.mark.parametrize(("name", "actor"), NAMES)
def test_a_name_leads_to_its_actor_first(seeded, name, actor):
    items = seeded.client.get("/v1/resolve", params={"name": name}).json()["items"]

    assert items[0]["actor"] == actor


@pytest.mark.parametrize("name", ["Washington", "Asia", "Nobody at all"])
def test_a_place_and_a_stranger_lead_to_nobody(seeded, name):
    answer = seeded.client.get("/v1/resolve", params={"name": name}).json()

    assert answer["items"] == []
    assert answer["coverage"]


@pytest.mark.parametrize("name", ["Macron", "Fumio Kishida"])
def test_a_person_whom_the_article_does_not_name_is_found_only_with_enrichment(seeded, name):
    plain = seeded.client.get("/v1/resolve", params={"name": name}).json()["items"]
    more = seeded.client.get("/v1/resolve", params={"name": name, "enrichment": "true"}).json()["items"]

    assert plain == []
    assert len(more) == 1


def test_the_capital_is_a_metonym(seeded):
    first = seeded.json("/v1/resolve?name=Tokyo")["items"][0]

    assert (first["actor"], first["name_kind"]) == ("government-of-japan", "metonym")
