"""Whether history can be read: what became of a record, what each revision did, and a walk that nobody disturbs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.base import KnowledgeBase
from tests.making import TEXT, dossier, person, statement, topic

OUTSIDE = {"source": "https://example.org/", "note": "Known from elsewhere."}
SOURCE = "arden-arden-courier-article"


def told(kb: KnowledgeBase, path: str, *names: str) -> list[tuple[Any, ...]]:
    """Some of what each item of a list says."""
    return [tuple(item[name] for name in names) for item in kb.json(path)["items"]]


def feed(kb: KnowledgeBase, limit: int, after: str = "0", **more: str) -> list[dict[str, Any]]:
    """The whole feed, in pages of some changes."""
    found: list[dict[str, Any]] = []
    extra = "".join(f"&{name}={value}" for name, value in more.items())
    while True:
        page = kb.json(f"/v1/changes?after={after}&limit={limit}{extra}")
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        after = page["next_cursor"]


@pytest.fixture
def changing(kb: KnowledgeBase) -> KnowledgeBase:
    """A knowledge base of five revisions: made, changed, withdrawn, made again and renamed."""
    kb.load(dossier(actors=[person()], statements=[statement()]))
    kb.load(
        dossier(actors=[person()], statements=[statement(gloss="A second pier, perhaps.")]), by="maria", why="Mend it"
    )
    without = dossier(actors=[person()])
    kb.load({**without, "retracted": [{"id": "voss-pier", "why": "She did not say so."}]})
    kb.load(dossier(actors=[person()], statements=[statement()]))
    kb.load(dossier(actors=[person()], statements=[statement("voss-second-pier", formerly=["voss-pier"])]))
    return kb


def test_a_record_tells_what_became_of_it_by_whom_and_why(changing: KnowledgeBase) -> None:
    path = "/v1/statements/voss-pier/revisions"

    assert told(changing, path, "revision", "act", "by", "why", "changed")[1:] == [
        (2, "update", "maria", "Mend it", ["gloss"]),
        (3, "retract", "a test", "She did not say so.", []),
        (4, "create", "a test", "Annotate the Arden Courier (arden)", changing.json(path)["items"][0]["changed"]),
        (5, "retract", "a test", "It is voss-second-pier now.", []),
    ]
    assert told(changing, path, "since", "until")[:2] == [(1, 2), (2, 3)]


def test_what_became_of_a_record_is_told_as_it_was_known_then(changing: KnowledgeBase) -> None:
    path = "/v1/statements/voss-pier/revisions?as_of=2"

    assert told(changing, path, "revision", "until") == [(1, 2), (2, None)]


def test_the_feed_tells_each_change_once_in_the_order_of_publication(changing: KnowledgeBase) -> None:
    whole = feed(changing, 500)
    acts = [(one["revision"], one["act"], one["id"]) for one in whole if one["type"] == "statement"]

    assert acts == [
        (1, "create", "voss-pier"),
        (2, "update", "voss-pier"),
        (3, "retract", "voss-pier"),
        (4, "create", "voss-pier"),
        (5, "merge", "voss-pier"),
        (5, "create", "voss-second-pier"),
    ]
    assert whole[-2]["now"] == "voss-second-pier"
    assert whole[-2]["after"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_of_any_size_make_up_the_same_feed(changing: KnowledgeBase, limit: int) -> None:
    assert feed(changing, limit) == feed(changing, 500)


def test_the_feed_goes_on_from_any_change(changing: KnowledgeBase) -> None:
    whole = feed(changing, 500)

    for place, one in enumerate(whole):
        assert feed(changing, 500, one["position"]) == whole[place + 1 :]
    assert feed(changing, 500, "3") == [one for one in whole if one["revision"] > 3]
    assert feed(changing, 500, "5") == feed(changing, 500, "99") == []


def test_the_feed_as_of_a_revision_ends_there(changing: KnowledgeBase) -> None:
    assert feed(changing, 2, as_of="3") == [one for one in feed(changing, 2) if one["revision"] <= 3]


def test_a_long_log_is_read_to_its_end(kb: KnowledgeBase) -> None:
    record = {"id": "ports", "label": "", "definition": None, "broader": None, "evidence": [], "enrichment": None}
    for n in range(70):
        kb.put(("topic", {**record, "label": f"Ports {n}"}))

    assert [one["revision"] for one in feed(kb, 500)] == list(range(1, 71))
    assert [one["after"]["label"] for one in feed(kb, 7, "60")] == [f"Ports {n}" for n in range(60, 70)]


def test_a_revision_says_how_many_records_of_which_noun_it_touched(changing: KnowledgeBase) -> None:
    assert [one["counts"] for one in changing.json("/v1/revisions")["items"]][1:] == [
        {"created": {}, "updated": {"statement": 1}, "retracted": {}},
        {"created": {}, "updated": {}, "retracted": {"statement": 1}},
        {"created": {"statement": 1}, "updated": {}, "retracted": {}},
        {"created": {"statement": 1}, "updated": {}, "retracted": {"statement": 1}},
    ]


def test_an_old_name_leads_to_the_new_one_and_is_still_there_as_of_before(changing: KnowledgeBase) -> None:
    answer = changing.get("/v1/statements/voss-pier?enrichment=true")

    assert (answer.status_code, answer.headers["location"]) == (
        308,
        "/v1/statements/voss-second-pier?enrichment=true",
    )
    assert changing.json("/v1/statements/voss-pier?as_of=4")["id"] == "voss-pier"
    assert changing.json("/v1/statements?limit=1")["items"][0]["id"] == "voss-second-pier"


# ── What is known from outside ──────────────────────────────────────────────────────────────────────────────────────


def test_knowledge_from_outside_is_no_change_for_who_did_not_ask_for_it(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()]))
    names = [*person()["names"], {"text": "Lena", "kind": "name", "language": "en", "enrichment": OUTSIDE}]
    kb.load(dossier(actors=[person(names=names)]))

    assert feed(kb, 50, "1") == []
    (change,) = feed(kb, 50, "1", enrichment="true")
    assert (change["act"], change["id"]) == ("update", "lena-voss")
    assert [one["text"] for one in change["after"]["names"]] == ["Lena Voss", "Lena"]
    assert [one["text"] for one in kb.json("/v1/actors/lena-voss")["names"]] == ["Lena Voss"]


def test_a_record_that_turns_out_to_be_from_outside_is_gone_for_who_did_not_ask_for_it(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()]))
    outsider = {key: value for key, value in person().items() if key != "evidence"}
    outsider["names"] = [{**name, "enrichment": OUTSIDE} for name in outsider["names"]]
    kb.load(dossier(actors=[outsider | {"enrichment": OUTSIDE}]))

    assert kb.get("/v1/actors/lena-voss").status_code == 404
    assert kb.json("/v1/actors/lena-voss?enrichment=true")["enrichment"] == OUTSIDE
    assert kb.json("/v1/actors/lena-voss?as_of=1")["name"] == "Lena Voss"
    assert [one["act"] for one in feed(kb, 50, "1") if one["type"] == "actor"] == ["retract"]


# ── Walks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def topics(*names: str) -> dict[str, Any]:
    return dossier(topics=[topic(name, f"About {name}") for name in names])


@pytest.mark.parametrize("sort", ["id", "-id", "label", "-label", "since", "-since"])
def test_a_walk_meets_each_record_once_whatever_is_published_meanwhile(kb: KnowledgeBase, sort: str) -> None:
    kb.load(topics(*"acegikmo"))
    whole = kb.ids(f"/v1/topics?sort={sort}&limit=500")
    changes = [topics(*"abcdefgh"), topics("o"), topics(*"zyxwvut"), topics(*"acegikmo")]

    met, cursor = [], ""
    for change in [None, *changes]:
        if change is not None:
            kb.load(change)
        page = kb.json(f"/v1/topics?sort={sort}&limit=2{cursor}")
        met += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
        if page["next_cursor"] is None:
            break

    assert met == whole
    assert page["revision"] == 1


# ── Texts come and go beside all this ───────────────────────────────────────────────────────────────────────────────


def test_a_withdrawn_text_is_gone_from_every_answer_those_of_the_past_included(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))
    without = kb.get("/v1/statements/voss-pier?as_of=1")
    kb.attach(SOURCE, TEXT)
    shown = kb.get("/v1/statements/voss-pier?as_of=1", if_none_match=without.headers["etag"])
    kb.withdraw(SOURCE)

    assert shown.json()["evidence"][0]["exact"] == "Mayor Lena Voss said the town might build a second pier."
    assert kb.get("/v1/statements/voss-pier?as_of=1", if_none_match=shown.headers["etag"]).content == without.content
    assert "immutable" not in shown.headers["cache-control"]


def test_an_answer_that_shows_no_words_is_kept_for_ever(kb: KnowledgeBase) -> None:
    kb.load(topics("ports"))

    pinned, unpinned = kb.get("/v1/datasets?as_of=1"), kb.get("/v1/datasets")

    assert "immutable" in pinned.headers["cache-control"]
    assert "no-cache" in unpinned.headers["cache-control"]
    assert kb.get("/v1/datasets", if_none_match=unpinned.headers["etag"]).status_code == 304


@pytest.mark.parametrize(
    "path", ["/v1/statements/none/revisions", "/v1/statements/none", "/v1/statements/lena-voss/revisions"]
)
def test_the_versions_of_what_was_never_here_are_not_found(kb: KnowledgeBase, path: str) -> None:
    kb.load(dossier(actors=[person()]))

    assert kb.get(path).status_code == 404
