"""Single records put and retracted over HTTP: of the version that was seen, checked as a dossier is, and never lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app import ledger
from app.resources import RESOURCES
from app.writing.parts import PARTS
from tests.base import KnowledgeBase
from tests.making import dossier, person, state, statement, topic

VOSS = "/v1/statements/voss-pier"


@pytest.fixture
def arden(kb: KnowledgeBase) -> KnowledgeBase:
    """A knowledge base with a statement of Lena Voss."""
    outside = {"source": "https://example.org", "note": None}
    voss = person(identifiers=[{"scheme": "wikidata", "value": "Q1", "enrichment": outside}])
    kb.load(dossier(actors=[voss, state()], statements=[statement()], topics=[topic("ferries")]))
    return kb


def changed(kb: KnowledgeBase, path: str = VOSS, **fields: Any) -> tuple[dict[str, Any], str]:
    """A record with other values, and the ETag of the one that was read."""
    answer = kb.get(path)
    return {**answer.json(), **fields}, answer.headers["etag"]


def test_a_record_is_replaced_where_it_is_still_the_one_that_was_read(arden: KnowledgeBase):
    record, tag = changed(arden, gloss="A second pier might come.")

    answer = arden.send("PUT", VOSS, record, key=arden.key("write", name="desk"), If_Match=tag)

    assert answer.status_code == 200
    assert answer.json() == {**record, "since": 2}
    assert arden.get(VOSS).headers["etag"] == answer.headers["etag"]
    assert arden.json(f"{VOSS}?as_of=1")["gloss"] == "A second pier is a possibility."
    assert arden.json(f"{VOSS}/revisions")["items"][-1]["changed"] == ["gloss"]
    assert arden.json("/v1/revisions/2")["by"] == "desk"


def test_a_revision_says_what_an_edit_of_one_record_did(arden: KnowledgeBase):
    key, made = arden.key("write"), {"label": "Walls", "definition": "Sea walls."}
    arden.send("PUT", "/v1/topics/walls", made, key=key, If_None_Match="*")
    arden.send("PUT", "/v1/topics/walls", {**made, "label": "Sea walls"}, key=key, If_Match="*")
    arden.send("DELETE", "/v1/topics/walls?why=It+was+misread.", key=key, If_Match="*")

    told = [arden.json(f"/v1/revisions/{number}")["counts"] for number in (2, 3, 4)]

    nothing: dict[str, int] = {}
    assert told == [
        {"created": {"topic": 1}, "updated": nothing, "retracted": nothing},
        {"created": nothing, "updated": {"topic": 1}, "retracted": nothing},
        {"created": nothing, "updated": nothing, "retracted": {"topic": 1}},
    ]
    # As it is counted where nobody knows which nouns were changed.
    with arden.database.read() as connection:
        assert [ledger.tally(connection, number) for number in (2, 3, 4)] == told


def test_who_lost_the_race_is_shown_what_stands(arden: KnowledgeBase):
    key = arden.key("write")
    record, tag = changed(arden, gloss="One.")
    other = {**record, "gloss": "Other."}
    arden.send("PUT", VOSS, record, key=key, If_Match=tag)

    answer = arden.send("PUT", VOSS, other, key=key, If_Match=tag)

    assert (answer.status_code, answer.json()["type"]) == (412, "/docs/errors#lost-race")
    assert answer.json()["current"]["gloss"] == "One."
    again = arden.send("PUT", VOSS, other, key=key, If_Match=answer.headers["etag"])
    assert again.status_code == 200


def test_what_changed_elsewhere_does_not_stand_in_the_way(arden: KnowledgeBase):
    record, tag = changed(arden, gloss="One.")
    arden.put(("topic", {"id": "walls", "label": "Walls", "definition": None, "broader": None, "evidence": []}))

    assert arden.send("PUT", VOSS, record, key=arden.key("write"), If_Match=tag).status_code == 200


PRECONDITIONS: list[tuple[dict[str, str], int]] = [
    ({}, 428),
    ({"If_Match": '"2"'}, 412),
    ({"If_Match": '"1-00000000000000000000"'}, 412),
    ({"If_Match": 'W/"1"'}, 412),
    ({"If_Match": "1"}, 400),
    ({"If_Match": '"' + "x" * 5_000}, 400),
    ({"If_Match": '"1", *'}, 400),
    ({"If_None_Match": "*"}, 412),
    ({"If_None_Match": '"1"'}, 400),
    ({"If_Match": "*", "If_None_Match": "*"}, 400),
]


def test_a_precondition_is_read_as_http_says(arden: KnowledgeBase):
    key = arden.key("write")
    record, _ = changed(arden, gloss="Other.")

    for headers, status in PRECONDITIONS:
        assert arden.send("PUT", VOSS, record, key=key, **headers).status_code == status, headers
    assert arden.latest == 1
    for n, tag in enumerate(('"1"', '"nothing", "2"', "*")):
        written = {**record, "gloss": f"Other {n}."}
        assert arden.send("PUT", VOSS, written, key=key, If_Match=tag).status_code == 200, tag
    assert arden.latest == 4


def test_a_new_record_is_made_where_none_stands(arden: KnowledgeBase):
    key = arden.key("write")
    gloss = {"label": "Piers", "definition": "Where ships land.", "broader": "ferries"}

    made = arden.send("PUT", "/v1/topics/piers", gloss, key=key, If_None_Match="*")
    again = arden.send("PUT", "/v1/topics/piers", gloss, key=key, If_None_Match="*")

    assert (made.status_code, made.headers["location"]) == (201, "/v1/topics/piers")
    assert made.json()["since"] == 2
    assert again.status_code == 412


def test_what_says_nothing_new_is_no_revision(arden: KnowledgeBase):
    answer = arden.get(VOSS)

    put = arden.send("PUT", VOSS, answer.json(), key=arden.key("write"), If_Match=answer.headers["etag"])

    assert (put.status_code, put.content, put.headers["etag"]) == (200, answer.content, answer.headers["etag"])
    assert arden.latest == 1


def test_every_record_of_the_seed_can_be_put_back_as_it_was_read(own_seeded: KnowledgeBase):
    key, latest = own_seeded.key("write"), own_seeded.latest

    for resource in (one for one in RESOURCES.values() if one.noun in PARTS):
        for view in ("", "?enrichment=true"):
            for id in own_seeded.ids(f"/v1/{resource.name}{view}")[:6]:
                path = f"/v1/{resource.name}/{id}{view}"
                read = own_seeded.get(path)
                put = own_seeded.send(
                    "PUT", path, read.content, key=key, If_Match=read.headers["etag"], Content_Type="application/json"
                )
                assert (put.status_code, put.content) == (200, read.content), path
    assert own_seeded.latest == latest


def test_who_does_not_see_outside_knowledge_does_not_overwrite_it(arden: KnowledgeBase):
    path, key = "/v1/actors/lena-voss", arden.key("write")
    record, tag = changed(arden, path, existence="uncertain")

    arden.send("PUT", path, record, key=key, If_Match=tag)

    assert arden.json(path)["identifiers"] == []
    whole = arden.json(f"{path}?enrichment=true")
    assert [one["value"] for one in whole["identifiers"]] == ["Q1"]
    assert whole["existence"] == "uncertain"
    sent = arden.send("PUT", path, whole, key=key, If_Match="*")
    assert (sent.status_code, sent.json()["errors"][0]["name"]) == (422, "enrichment")


BAD = [
    ({"speaker": "nobody"}, "speaker"),
    ({"speaker": "ferries"}, "speaker"),
    ({"kind": "no_such_kind"}, "kind"),
    ({"form": "direct_quote"}, "quote"),
    ({"evidence": []}, "evidence"),
    ({"evidence": ["nowhere:p1"]}, "evidence[0]"),
    ({"evidence": [{"text": "words"}]}, "evidence[0]"),
    ({"said": "last Tuesday"}, "said"),
    ({"said": {"edtf": "2021", "first": "2020-01-01", "words": None}}, "said.first"),
    ({"commitment": {"level": "might", "rank": 8, "toward": None}}, "commitment.rank"),
    ({"id": "other"}, "id"),
    ({"type": "claim"}, "type"),
    ({"glos": "x"}, "glos"),
    ({"formerly": ["old"]}, "formerly"),
    ({"gloss": "x" * 3_000}, "gloss"),
    ({"topics": ["voss-pier"]}, "topics[0]"),
]


def test_a_record_is_checked_as_a_dossier_is_with_its_places(arden: KnowledgeBase):
    key = arden.key("write")

    for fields, name in BAD:
        record, tag = changed(arden, **fields)
        answer = arden.send("PUT", VOSS, record, key=key, If_Match=tag)
        assert answer.status_code == 422, (fields, answer.text)
        told = answer.json()["errors"]
        assert name in [one["name"] for one in told], (fields, told)
        assert all(one["in"] == "body" and one["line"] == 1 for one in told)
    assert arden.latest == 1


def test_a_topic_cannot_come_to_contain_itself(arden: KnowledgeBase):
    key = arden.key("write")
    arden.send("PUT", "/v1/topics/piers", {"label": "Piers", "broader": "ferries"}, key=key, If_None_Match="*")

    answer = arden.send("PUT", "/v1/topics/ferries", {"label": "Ferries", "broader": "piers"}, key=key, If_Match="*")

    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "broader")
    assert "ferries → piers → ferries" in answer.json()["detail"]


BAD_BODIES = [
    b"",
    b"[]",
    b"null",
    b"id: x",
    b'{"gloss": NaN}',
    b'{"gloss": "\\ud800"}',
    b'{"a":' * 100 + b"1" + b"}" * 100,
    b"\xff",
]


def test_bodies_that_are_no_record_are_refused(arden: KnowledgeBase):
    key = arden.key("write")

    for body in BAD_BODIES:
        answer = arden.send("PUT", VOSS, body, key=key, If_Match="*", Content_Type="application/json")
        assert answer.status_code == 422, body
    for id in ("Voss", "a b", "a%00b", "%ff", "x" * 300, "icews:1@2018", "lena-voss"):
        answer = arden.send("PUT", f"/v1/topics/{id}", {"label": "x"}, key=key, If_None_Match="*")
        assert answer.status_code in (404, 409, 422), (id, answer.text)
    assert arden.send("PUT", "/v1/datasets/icews", {}, key=key, If_None_Match="*").status_code == 405
    assert arden.latest == 1


# ── Retracting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_retracted_record_stays_readable_as_of_before(arden: KnowledgeBase):
    tag = arden.get(VOSS).headers["etag"]

    answer = arden.send("DELETE", f"{VOSS}?why=It+was+misread.", key=arden.key("write"), If_Match=tag)

    assert (answer.status_code, answer.json()["revision"]) == (200, 2)
    gone = arden.get(VOSS)
    assert (gone.status_code, "It was misread." in gone.json()["detail"]) == (410, True)
    assert arden.json(answer.json()["before"])["gloss"] == "A second pier is a possibility."


def test_a_retraction_needs_a_reason_and_a_version(arden: KnowledgeBase):
    key = arden.key("write")

    assert arden.send("DELETE", VOSS, key=key, If_Match="*").status_code == 422
    assert arden.send("DELETE", f"{VOSS}?why=x", key=key, If_Match='"7"').status_code == 412
    assert arden.send("DELETE", "/v1/topics/nothing?why=x", key=key, If_Match="*").status_code == 404
    assert arden.send("DELETE", f"{VOSS}?why=x", key=key).status_code == 428
    assert arden.latest == 1
    assert arden.send("DELETE", f"{VOSS}?why=x", key=key, If_Match="*").status_code == 200
    assert arden.send("DELETE", f"{VOSS}?why=x", key=key, If_Match="*").status_code == 410


def test_the_tag_of_a_read_that_waited_for_a_revision_is_that_of_the_record(arden: KnowledgeBase):
    waited, plain = arden.get(f"{VOSS}?min_revision=1"), arden.get(VOSS)

    assert waited.headers["ETag"] == plain.headers["ETag"]
    edited = arden.send(
        "PUT", VOSS, {**waited.json(), "gloss": "One."}, key=arden.key("write"), If_Match=waited.headers["ETag"]
    )
    assert edited.status_code == 200


def test_what_others_refer_to_cannot_go(arden: KnowledgeBase):
    key = arden.key("write")

    answer = arden.send("DELETE", "/v1/actors/lena-voss?why=x", key=key, If_Match="*")
    passage = arden.send("DELETE", "/v1/passages/arden-arden-courier-article:p1s2?why=x", key=key, If_Match="*")

    assert (answer.status_code, "statement voss-pier" in answer.json()["detail"]) == (409, True)
    assert (passage.status_code, "statement voss-pier" in passage.json()["detail"]) == (409, True)
    assert arden.send("DELETE", f"{VOSS}?why=x", key=key, If_Match="*").status_code == 200
    assert arden.send("DELETE", "/v1/actors/lena-voss?why=x", key=key, If_Match="*").status_code == 200


def test_a_passage_that_is_cited_cannot_move(arden: KnowledgeBase):
    path = "/v1/passages/arden-arden-courier-article:p1s2"
    record, tag = changed(arden, path, start=0)

    assert arden.send("PUT", path, record, key=arden.key("write"), If_Match=tag).status_code == 409


def test_a_dossier_does_not_bring_back_what_was_retracted_by_hand(arden: KnowledgeBase):
    key = arden.key("write")
    arden.send("DELETE", f"{VOSS}?why=Misread.", key=key, If_Match="*")

    answer = arden.send("POST", "/v1/dossiers", dossier(actors=[person(), state()], statements=[statement()]), key=key)

    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "voss-pier")
    assert "Misread." in answer.json()["detail"]


def test_seeding_again_leaves_what_was_edited_by_hand(own_seeded: KnowledgeBase):
    from tests.base import plant

    path = "/v1/topics/security-guarantees"
    record, tag = changed(own_seeded, path, label="Guarantees")
    own_seeded.send("PUT", path, record, key=own_seeded.key("write"), If_Match=tag)

    plant(own_seeded)

    assert own_seeded.json(path)["label"] == "Guarantees"


# ── Many at once ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_many_edits_of_one_version_exactly_one_wins(arden: KnowledgeBase):
    key = arden.key("write")

    for turn in range(3):
        record, tag = changed(arden)
        bodies = [{**record, "gloss": f"Round {turn}, writer {n}."} for n in range(12)]
        with ThreadPoolExecutor(6) as crowd:
            answers = list(crowd.map(lambda body: arden.send("PUT", VOSS, body, key=key, If_Match=tag), bodies))  # noqa: B023
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        assert {answer.status_code for answer in answers} == {200, 412}
        assert arden.json(VOSS)["gloss"] == won[0].json()["gloss"]
    assert arden.latest == 4


def test_a_repeated_edit_gets_its_first_answer_and_not_a_lost_race(arden: KnowledgeBase):
    key = arden.key("write")
    record, tag = changed(arden, gloss="One.")

    answers = [arden.send("PUT", VOSS, record, key=key, If_Match=tag, Idempotency_Key="one") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["etag"] == answers[1].headers["etag"]
    assert arden.latest == 2
