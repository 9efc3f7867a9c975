"""Two actors that are one, and apart again; dossiers that wait for somebody to accept them."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy.event import listen

from app.doctor import examine
from app.settings import Settings
from tests.base import KnowledgeBase
from tests.making import dossier, event, person, state, statement, topic
from tests.test_coded import Fact, bring

WHY = {"into": "lena-voss", "why": "The same mayor."}


def tie(id: str, subject: str, object: str) -> dict[str, Any]:
    return {
        "id": id,
        "subject": subject,
        "object": object,
        "kind": "possibly_same_as",
        "status": "inferred",
        "evidence": ["p1s2"],
    }


@pytest.fixture
def twice(kb: KnowledgeBase) -> KnowledgeBase:
    """A knowledge base that knows the mayor twice."""
    mayor = person("the-mayor", "Mayor Voss", memberships=[{"actor": "arden", "evidence": ["p1s2"]}])
    both = event(participants=[{"actor": "the-mayor", "role": "host"}, {"actor": "lena-voss", "role": "host"}])
    kb.load(
        dossier(
            actors=[person(), mayor, state()],
            statements=[statement(), statement("voss-again", speaker="the-mayor", about=["the-mayor", "arden"])],
            events=[both],
            relations=[tie("same", "the-mayor", "lena-voss")],
        )
    )
    return kb


def healthy(kb: KnowledgeBase) -> bool:
    """Whether the doctor finds nothing; on new connections, as the command has them: an old one may know an older index."""
    kb.database.close()
    return list(examine(kb.database, Settings().migrations)) == []


def test_everything_that_named_the_one_names_the_other(twice: KnowledgeBase):
    answer = twice.send("POST", "/v1/actors/the-mayor/merge", WHY, key=twice.key("write", name="desk"))

    assert (answer.status_code, answer.json()["revision"]) == (200, 2)
    said = twice.json("/v1/statements/voss-again")
    assert (said["speaker"], said["about"]) == ("lena-voss", ["lena-voss", "arden"])
    assert [one["actor"] for one in twice.json("/v1/events/ferry-signing")["participants"]] == ["lena-voss"]
    voss = twice.json("/v1/actors/lena-voss")
    assert [one["text"] for one in voss["names"]] == ["Lena Voss", "Mayor Voss"]
    assert [one["actor"] for one in voss["memberships"]] == ["arden"]
    assert twice.get("/v1/relations/same").status_code == 410
    assert healthy(twice)


def test_the_old_id_leads_to_the_new_one_and_still_answers_as_of_before(twice: KnowledgeBase):
    before = twice.json("/v1/actors/the-mayor")
    twice.send("POST", "/v1/actors/the-mayor/merge", WHY, key=twice.key("write"))

    moved = twice.get("/v1/actors/the-mayor")

    assert (moved.status_code, moved.headers["location"]) == (308, "/v1/actors/lena-voss")
    assert twice.json("/v1/actors/the-mayor?as_of=1") == before | {"until": None}
    assert twice.ids("/v1/statements?speaker=the-mayor") == twice.ids("/v1/statements?speaker=lena-voss")
    assert [one["actor"] for one in twice.json("/v1/resolve?name=Mayor+Voss")["items"]] == ["lena-voss"]
    step = next(one for one in twice.json("/v1/changes?after=1")["items"] if one["id"] == "the-mayor")
    assert (step["act"], step["now"]) == ("merge", "lena-voss")


def test_a_merge_can_be_undone(twice: KnowledgeBase):
    key = twice.key("write")
    paths = (
        "/v1/actors/the-mayor",
        "/v1/actors/lena-voss",
        "/v1/statements/voss-again",
        "/v1/events/ferry-signing",
        "/v1/relations/same",
    )
    before = {path: twice.json(path) for path in paths}
    twice.send("POST", "/v1/actors/the-mayor/merge", WHY, key=key)

    undone = twice.send("DELETE", "/v1/actors/the-mayor/merge?why=They+are+two.", key=key)

    assert (undone.status_code, undone.json()["revision"]) == (200, 3)
    for path, record in before.items():
        assert {**twice.json(path), "since": 1} == record, path
    assert twice.get("/v1/actors/the-mayor?as_of=2").status_code == 308
    assert healthy(twice)
    assert twice.send("DELETE", "/v1/actors/the-mayor/merge?why=x", key=key).status_code == 404


def test_what_was_written_since_the_merge_survives_its_undo(twice: KnowledgeBase):
    key = twice.key("write")
    twice.send("POST", "/v1/actors/the-mayor/merge", WHY, key=key)
    voss, said = twice.json("/v1/actors/lena-voss"), twice.json("/v1/statements/voss-again")
    voss["names"].append(
        {"text": "L. Voss", "kind": "name", "language": "en", "evidence": ["arden-arden-courier-article:p1s2"]}
    )
    twice.send("PUT", "/v1/actors/lena-voss", voss, key=key, If_Match="*")
    twice.send("PUT", "/v1/statements/voss-again", {**said, "gloss": "Mended."}, key=key, If_Match="*")

    assert twice.send("DELETE", "/v1/actors/the-mayor/merge?why=Two.", key=key).status_code == 200

    assert [one["text"] for one in twice.json("/v1/actors/lena-voss")["names"]] == ["Lena Voss", "L. Voss"]
    again = twice.json("/v1/statements/voss-again")
    assert (again["speaker"], again["gloss"]) == ("the-mayor", "Mended.")


def test_an_undo_that_would_overwrite_is_refused_by_name(twice: KnowledgeBase):
    key = twice.key("write")
    twice.send("POST", "/v1/actors/the-mayor/merge", WHY, key=key)
    said = twice.json("/v1/statements/voss-again")
    assert (
        twice.send("PUT", "/v1/statements/voss-again", {**said, "speaker": "arden"}, key=key, If_Match="*").status_code
        == 200
    )

    answer = twice.send("DELETE", "/v1/actors/the-mayor/merge?why=Two.", key=key)

    assert (answer.status_code, "speaker of statement voss-again" in answer.json()["detail"]) == (409, True)
    assert twice.latest == 3


def test_merges_that_cannot_be_are_refused(twice: KnowledgeBase):
    key = twice.key("write")
    path = "/v1/actors/the-mayor/merge"

    for body, status in [
        ({"into": "the-mayor", "why": "x"}, 422),
        ({"into": "arden", "why": "x"}, 422),
        ({"into": "nobody", "why": "x"}, 404),
        ({"into": "lena-voss"}, 422),
        ({"into": "lena-voss", "why": " "}, 422),
        ({"into": ["lena-voss"], "why": "x"}, 422),
        ({"into": "lena-voss", "why": "x", "how": "y"}, 422),
        ({"into": "lena-voss", "why": "x" * 5_000}, 422),
        ({"into": "a\0b", "why": "x"}, 422),
    ]:
        assert twice.send("POST", path, body, key=key).status_code == status, body
    assert twice.send("POST", "/v1/actors/nobody/merge", WHY, key=key).status_code == 404
    assert twice.send("POST", path, WHY, key=twice.key("read")).status_code == 403
    assert twice.latest == 1


def test_a_chain_of_merges_leads_to_its_end_never_closes_and_is_undone_from_there(kb: KnowledgeBase):
    kb.load(dossier(actors=[person(id, id.title()) for id in ("one", "two", "three")]))
    key = kb.key("write")

    def send(method: str, id: str, into: str = "") -> int:
        body = {"into": into, "why": "The same."} if into else None
        return kb.send(method, f"/v1/actors/{id}/merge{'' if into else '?why=Not'}", body, key=key).status_code

    def leads(path: str) -> str | None:
        return kb.client.get(f"/v1/actors/{path}", follow_redirects=False).headers.get("location")

    assert [send("POST", *pair) for pair in (("one", "two"), ("two", "one"), ("two", "three"), ("three", "one"))] == [
        200,
        308,
        200,
        308,
    ]
    assert [leads(id) for id in ("one", "two", "three")] == ["/v1/actors/three", "/v1/actors/three", None]
    assert [leads(id) for id in ("one?as_of=1", "one?as_of=2", "two?as_of=2")] == [None, "/v1/actors/two?as_of=2", None]
    assert [send("DELETE", id) for id in ("one", "two", "one")] == [409, 200, 200]
    assert [leads(id) for id in ("one", "two", "three")] == [None, None, None]
    assert healthy(kb)


def test_a_merge_in_the_middle_of_a_chain_says_which_to_undo_first(kb: KnowledgeBase):
    names = ["one", "two", "three", "four"]
    saying = [statement(f"says-{id}", speaker=id) for id in names]
    kb.load(dossier(actors=[person(id, id.title()) for id in names], statements=saying))
    key = kb.key("write")
    before = {id: kb.json(f"/v1/actors/{id}") | {"since": 0} for id in names}
    for old, new in pairwise(names):
        kb.send("POST", f"/v1/actors/{old}/merge", {"into": new, "why": "The same."}, key=key)

    def undo(id: str, **headers: str) -> tuple[int, str]:
        answer = kb.send("DELETE", f"/v1/actors/{id}/merge?why=Not", key=key, **headers)
        assert "location" not in answer.headers
        return answer.status_code, answer.json().get("detail", "")

    told = {id: undo(id, Idempotency_Key=id) for id in ("one", "two")}
    assert kb.latest == 4
    assert {status for status, _ in told.values()} == {409}
    assert "DELETE /v1/actors/three/merge, DELETE /v1/actors/two/merge. Then this one." in told["one"][1]
    assert "which is four by now" in told["two"][1]
    assert "Take that back first: DELETE /v1/actors/three/merge. Then this one." in told["two"][1]
    # The advice is followed to the end, and a refusal is no answer that is kept.
    assert [undo(id, Idempotency_Key=id)[0] for id in ("three", "two", "one")] == [200, 200, 200]
    assert undo("four")[0] == 404
    assert {id: kb.json(f"/v1/actors/{id}") | {"since": 0} for id in names} == before
    assert [kb.json(f"/v1/statements/says-{id}")["speaker"] for id in names] == names
    assert healthy(kb)


def test_the_middle_of_a_chain_is_where_it_goes_now_and_a_star_is_no_chain(kb: KnowledgeBase):
    kb.load(dossier(actors=[person(id, id.title()) for id in ("one", "two", "three", "four")]))
    key = kb.key("write")

    def merge(old: str, new: str) -> int:
        return kb.send("POST", f"/v1/actors/{old}/merge", {"into": new, "why": "x"}, key=key).status_code

    def undo(id: str) -> Response:
        return kb.send("DELETE", f"/v1/actors/{id}/merge?why=Not", key=key)

    # What was undone is no part of a chain any more; what took its place is.
    assert [merge("one", "two"), merge("two", "three"), undo("two").status_code, merge("two", "four")] == [200] * 4
    refused = undo("one")
    assert (refused.status_code, "which is four by now" in refused.json()["detail"]) == (409, True)
    # Two that went into the same one are taken back in either order, and what that one came from is none of theirs.
    assert merge("three", "four") == 200
    assert [undo(id).status_code for id in ("two", "three", "one")] == [200] * 3
    assert kb.ids("/v1/actors?limit=100") == ["four", "one", "three", "two"]
    assert healthy(kb)


def test_what_a_dossier_renamed_since_is_said_too(kb: KnowledgeBase):
    kb.load(dossier(actors=[person("one", "One"), person("two", "Two")]))
    key = kb.key("write")
    kb.send("POST", "/v1/actors/one/merge", {"into": "two", "why": "x"}, key=key)
    kb.load(dossier("later", actors=[person("deux", "Two", formerly=["two"])]))

    answer = kb.send("DELETE", "/v1/actors/one/merge?why=Not", key=key)

    assert (answer.status_code, "give deux its id two back" in answer.json()["detail"]) == (409, True), answer.text


def test_a_long_chain_is_followed_by_one_statement_and_told_in_part(kb: KnowledgeBase):
    names = [f"p{n:02}" for n in range(25)]
    kb.load(dossier(actors=[person(id, id.title()) for id in names]))
    key = kb.key("write")
    for old, new in pairwise(names):
        kb.send("POST", f"/v1/actors/{old}/merge", {"into": new, "why": "x"}, key=key)

    seen: list[str] = []
    listen(kb.database.writer, "before_cursor_execute", lambda *said: seen.append(said[2]))

    def asked(id: str) -> tuple[int, str]:
        seen.clear()
        detail = kb.send("DELETE", f"/v1/actors/{id}/merge?why=Not", key=key).json()["detail"]
        return len(seen), detail

    (few, short), (many, long) = asked("p21"), asked("p00")
    assert 0 < few == many
    assert "/p23/merge, DELETE /v1/actors/p22/merge. Then" in short
    assert ", and 3 before that. Then this one." in long


def test_a_repeated_merge_gets_its_first_answer(twice: KnowledgeBase):
    key = twice.key("write")
    answers = [twice.send("POST", "/v1/actors/the-mayor/merge", WHY, key=key, Idempotency_Key="m") for _ in range(2)]

    assert answers[0].content == answers[1].content
    assert twice.send("POST", "/v1/actors/the-mayor/merge", WHY, key=key).status_code == 308


# ── Review ──────────────────────────────────────────────────────────────────────────────────────────────────────────

WAITING = dossier("quay", topics=[topic("quays")], statements=[statement("voss-quay", speaker="lena-voss")])


@pytest.fixture
def desk(kb: KnowledgeBase) -> KnowledgeBase:
    """A knowledge base with a proposal."""
    kb.load(dossier(actors=[person()]))
    answer = kb.send("POST", "/v1/dossiers?state=proposed&why=Please+read", WAITING, key=kb.key("write", name="intern"))
    assert answer.status_code == 201, answer.text
    assert answer.json()["difference"]["counts"]["created"]["statement"] == 1
    return kb


def proposal(kb: KnowledgeBase) -> str:
    path: str = kb.json("/v1/proposals?state=proposed")["items"][0]["self"]
    return path


def test_what_is_proposed_is_seen_only_where_it_is_asked_for(desk: KnowledgeBase):
    assert desk.latest == 1
    assert desk.get("/v1/statements/voss-quay").status_code == 404
    assert desk.ids("/v1/statements") == []

    waiting = desk.json("/v1/statements?state=proposed")

    assert [(one["id"], one["proposal"]["act"]) for one in waiting["items"]] == [("voss-quay", "create")]
    assert desk.json("/v1/topics?state=proposed")["items"][0]["id"] == "quays"
    assert desk.get("/v1/statements?state=proposed&speaker=lena-voss").status_code == 422
    assert desk.get("/v1/statements?state=secret").status_code == 422


def test_a_proposal_is_accepted_by_who_may(desk: KnowledgeBase):
    path, why = proposal(desk), {"why": "Well read."}
    assert desk.send("POST", f"{path}/accept", why, key=desk.key("write")).status_code == 403

    answer = desk.send("POST", f"{path}/accept", why, key=desk.key("admin", name="chief"))

    assert (answer.status_code, answer.json()["state"], answer.json()["revision"]) == (200, "accepted", 2)
    assert desk.json("/v1/statements/voss-quay")["since"] == 2
    revision = desk.json("/v1/revisions/2")
    assert (revision["by"], revision["why"]) == ("chief", "Please read Proposed by intern, accepted: Well read.")
    assert desk.json("/v1/statements?state=proposed")["items"] == []
    assert desk.send("POST", f"{path}/refuse", why, key=desk.key("admin")).status_code == 409


def test_a_refused_proposal_says_why(desk: KnowledgeBase):
    path = proposal(desk)

    desk.send("POST", f"{path}/refuse", {"why": "No source."}, key=desk.key("admin", name="chief"))

    told = desk.json(path)
    assert (told["state"], told["decided"]["by"], told["decided"]["why"]) == ("refused", "chief", "No source.")
    assert desk.latest == 1


def test_a_proposal_that_does_not_fit_any_more_is_not_published(desk: KnowledgeBase):
    desk.retract("actor", "lena-voss")
    path = proposal(desk)

    told = desk.json(path)
    answer = desk.send("POST", f"{path}/accept", {"why": "x"}, key=desk.key("admin"))

    assert (told["difference"], told["faults"][0]["name"]) == (None, "statements[0].speaker")
    assert answer.status_code == 422
    assert desk.json(path)["state"] == "proposed"
    assert desk.latest == 2


def test_a_proposal_that_others_published_meanwhile_is_accepted_without_a_revision(desk: KnowledgeBase):
    desk.load(WAITING)

    answer = desk.send("POST", f"{proposal(desk)}/accept", {"why": "x"}, key=desk.key("admin"))

    assert (answer.json()["state"], answer.json()["revision"]) == ("accepted", None)
    assert desk.latest == 2


def test_proposals_are_listed_in_the_order_in_which_they_came(desk: KnowledgeBase):
    key = desk.key("write")
    for n in range(3):
        desk.send("POST", "/v1/dossiers?state=proposed", dossier(f"d{n}"), key=key)

    page = desk.json("/v1/proposals?limit=3")
    rest = desk.json(f"/v1/proposals?cursor={page['next_cursor']}")

    assert [one["dossier"] for one in page["items"] + rest["items"]] == ["quay", "d0", "d1", "d2"]
    assert desk.get("/v1/proposals/none").status_code == 404
    assert desk.send("POST", "/v1/dossiers?state=proposed", {}, key=key).status_code == 422


# ── With events of datasets, and much that refers ───────────────────────────────────────────────────────────────────

ASKED = (
    "/v1/events?participant={}&limit=500&status=occurred",
    "/v1/events/counts?by=month&participant={}",
    "/v1/statements?about={}&limit=500&facet=speaker",
    "/v1/relations?subject={}&limit=500",
    "/v1/actors/{}",
    "/v1/actors/{}?enrichment=true",
)


def test_events_of_datasets_go_with_the_actor_that_they_are_tied_to(own_seeded: KnowledgeBase, tmp_path: Path):
    kb, key = own_seeded, own_seeded.key("write")
    rows = [Fact("Japan", "Consult", "Corvo", date(2013, 11, n)) for n in range(1, 9)]
    bring(kb, tmp_path, rows)
    outside = {"kind": "state", "name": "Nihon", "enrichment": {"source": "https://example.org"}}
    new = {"kind": "state", "name": "Nippon", "evidence": [kb.json("/v1/passages?limit=1")["items"][0]["id"]]}
    assert kb.send("PUT", "/v1/actors/nihon?enrichment=true", outside, key=key, If_None_Match="*").status_code == 201
    assert kb.send("PUT", "/v1/actors/nippon", new, key=key, If_None_Match="*").status_code == 201
    hidden = kb.send("POST", "/v1/actors/japan/merge", {"into": "nihon", "why": "One state."}, key=key)
    assert (hidden.status_code, "instead" in hidden.json()["detail"]) == (422, True)
    before = {path: answer_of(kb, path.format("japan")) for path in ASKED}
    assert before[ASKED[0]]["items"]

    merged = kb.send("POST", "/v1/actors/japan/merge", {"into": "nippon", "why": "One state."}, key=key)

    assert merged.status_code == 200, merged.text
    assert merged.json()["changed"] > 10
    assert healthy(kb)
    for path in ASKED[:4]:
        now = kb.json(path.format("nippon"))
        assert len(now["items"]) == len(before[path]["items"]), path
        again = kb.json(path.format("japan"))
        assert str(now["items"]) == str(again["items"]).replace("participant=japan", "participant=nippon"), path
    assert kb.get("/v1/actors/japan").status_code == 308

    undone = kb.send("DELETE", "/v1/actors/japan/merge?why=Two+states.", key=key)

    assert undone.status_code == 200, undone.text
    assert {path: answer_of(kb, path.format("japan")) for path in ASKED} == before
    assert kb.json("/v1/events?participant=nippon")["items"] == []
    assert healthy(kb)


def answer_of(kb: KnowledgeBase, path: str) -> Any:
    """An answer without the revisions that it names, and the cursors and links made of them."""
    return without_revisions(kb.json(path))


def without_revisions(value: Any) -> Any:
    if isinstance(value, dict):
        dropped = ("since", "revision", "coverage", "next_cursor", "until")
        return {name: without_revisions(inner) for name, inner in value.items() if name not in dropped}
    return [without_revisions(one) for one in value] if isinstance(value, list) else value
