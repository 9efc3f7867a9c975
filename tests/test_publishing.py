"""Dossiers published over HTTP and texts attached: the same checks as the command, one revision, and never twice."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from app import ledger
from app.dossiers import publish
from app.ledger import Change
from app.writing.large import HAND_ON_SECONDS, SELDOM, undisturbed
from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, database_url
from tests.making import SOURCE, TEXT, dossier, person, state, statement, topic

ARDEN = f"arden-{SOURCE}"


def whole(**more: Any) -> dict[str, Any]:
    return dossier(actors=[person()], statements=[statement()], **more)


def test_a_dossier_is_published_as_one_revision(kb: KnowledgeBase):
    answer = kb.send("POST", "/v1/dossiers", whole(), key=kb.key("write", name="desk"))

    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers["kb-revision"] == "1"
    assert answer.headers["location"] == told["self"] == "/v1/revisions/1"
    assert told["counts"]["created"] == {"actor": 1, "passage": 5, "source": 1, "statement": 1}
    assert kb.json("/v1/statements/voss-pier")["since"] == 1
    assert kb.json(told["changes"])["items"][0]["by"] == "desk"


def test_what_was_published_already_changes_nothing(kb: KnowledgeBase):
    key = kb.key("write")
    kb.send("POST", "/v1/dossiers", whole(), key=key)

    again = kb.send("POST", "/v1/dossiers", whole(), key=key)

    assert (again.status_code, again.json()["published"], again.json()["unchanged"]) == (200, False, 8)
    assert kb.latest == 1


def test_readers_are_held_up_by_no_search_for_garbage_and_for_short_turns_while_a_dossier_is_worked_on(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    usual, seen, prepare = gc.get_threshold(), [], publish.prepare
    turn, turns = sys.getswitchinterval(), []

    def watched(*given: Any, **more: Any) -> Any:
        seen.append(gc.get_threshold())
        turns.append(round(sys.getswitchinterval(), 6))
        return prepare(*given, **more)

    monkeypatch.setattr(publish, "prepare", watched)
    key = kb.key("write")

    done = [kb.send("POST", "/v1/dossiers", body, key=key).status_code for body in (whole(), {"chancery": 1})]

    assert done == [201, 422]
    assert seen == [(*usual[:2], SELDOM)] * 2
    assert turns == [HAND_ON_SECONDS] * 2
    assert (gc.get_threshold(), sys.getswitchinterval()) == (usual, turn)


def test_of_two_dossiers_at_once_the_last_one_puts_the_garbage_collector_back():
    usual, turn = gc.get_threshold(), sys.getswitchinterval()

    with undisturbed():
        with undisturbed():
            pass
        assert gc.get_threshold() == (*usual[:2], SELDOM)
        assert sys.getswitchinterval() < turn

    assert (gc.get_threshold(), sys.getswitchinterval()) == (usual, turn)


def test_yaml_says_the_same_as_json(kb: KnowledgeBase):
    body = yaml.safe_dump(whole()).encode()

    answer = kb.send("POST", "/v1/dossiers", body, key=kb.key("write"), Content_Type="application/yaml; charset=UTF-8")

    assert answer.status_code == 201


def test_a_dry_run_says_exactly_what_would_change_and_writes_nothing(kb: KnowledgeBase):
    key = kb.key("write")
    kb.send("POST", "/v1/dossiers", whole(topics=[topic("ferries")]), key=key)
    changed = dossier(actors=[person(existence="uncertain"), state()], statements=[statement()])

    told = kb.send("POST", "/v1/dossiers?dry_run=true", changed, key=key).json()

    assert [(one["type"], one["id"]) for one in told["created"]] == [("actor", "arden")]
    updated = {one["id"]: one["fields"] for one in told["updated"]}
    assert updated["lena-voss"] == {"existence": {"before": "certain", "after": "uncertain"}}
    assert [(one["id"], one["why"]) for one in told["retracted"]] == [("ferries", "arden does not hold it any more.")]
    assert kb.latest == 1


def test_faults_have_the_places_that_the_command_line_tells(kb: KnowledgeBase):
    body = b'{"chancery": 1,\n "id": "Arden Harbour",\n "title": "x", "source": {"id": "a"}}'

    answer = kb.send("POST", "/v1/dossiers", body, key=kb.key("write"), Content_Type="application/json")

    told = answer.json()
    assert answer.status_code == 422
    assert {"in": "body", "name": "id", "line": 2, "column": 8}.items() <= told["errors"][0].items()
    assert kb.latest == 0


BAD_BODIES = [
    (b"id: arden", "application/json"),
    (b"", "application/json"),
    (b"", "application/yaml"),
    (b"[1, 2]", "application/json"),
    (b'{"id": NaN}', "application/json"),
    (b'{"id": 1e999}', "application/json"),
    (b'{"id": "\\ud800"}', "application/json"),
    (b'{"id": "\xff"}', "application/json"),
    (b'{"id": "a\\u0000b"}', "application/json"),
    (b"[" * 100_000, "application/json"),
    (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "application/json"),
    (b"a: &a [x]\nb: [*a, *a]\n", "application/yaml"),
    (b"!!python/object/apply:os.system ['true']", "application/yaml"),
    (b"a: 1\n---\nb: 2\n", "application/yaml"),
    (b'{"id": 123456789012345678901234567890}', "application/json"),
    (b"- " * 100_000, "application/yaml"),
]


def test_bodies_that_are_not_what_they_claim_are_refused_with_their_place(kb: KnowledgeBase):
    key = kb.key("write")

    for body, media in BAD_BODIES:
        answer = kb.send("POST", "/v1/dossiers", body, key=key, Content_Type=media)
        assert answer.status_code == 422, (body[:80], answer.text[:200])
        assert answer.json()["errors"][0]["line"] >= 1
    assert kb.latest == 0


BAD_HEADERS: list[tuple[dict[str, str], int]] = [
    ({"Content_Type": "text/csv"}, 415),
    ({"Content_Type": "application/json; charset=utf-16"}, 415),
    ({"Content_Type": "application/json", "Content_Encoding": "gzip"}, 415),
    ({"Content_Type": "application/json", "Accept": "text/csv"}, 406),
    ({"Content_Type": "application/json", "Idempotency_Key": "x" * 256}, 400),
    ({"Content_Type": "application/json", "Idempotency_Key": ""}, 400),
]


def test_headers_that_cannot_be_are_refused(kb: KnowledgeBase):
    key = kb.key("write")

    for headers, status in BAD_HEADERS:
        answer = kb.send("POST", "/v1/dossiers", orjson.dumps(whole()), key=key, **headers)
        assert answer.status_code == status, headers
    assert kb.latest == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_while_another_revision_is_open_a_write_is_told_to_come_again(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str
):
    kb = KnowledgeBase.at(database_url(backend, request, tmp_path), write_busy_seconds=0.1)
    with kb.database.write() as connection:
        ledger.start(connection, Change("import", "somebody", "An import"), kb.clock())

    answer = kb.send("POST", "/v1/dossiers", whole(), key=kb.key("write"))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    detail = answer.json()["detail"]
    assert "Revision 1 (import: An import)" in detail
    assert "opened 2026-01-01T12:00:" in detail
    assert " by somebody" in detail
    kb.close()


def test_pages_of_other_origins_may_write_with_a_key(kb: KnowledgeBase):
    asked = {
        "Origin": "https://desk.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,if-match,idempotency-key,content-type",
    }

    answer = kb.client.options("/v1/dossiers", headers=asked)

    assert answer.status_code == 204
    assert {"PUT", "POST", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "idempotency-key" in answer.headers["access-control-allow-headers"].lower()


# ── The same request again ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_repeated_request_gets_the_same_answer_and_acts_once(kb: KnowledgeBase):
    key = kb.key("write")
    first = kb.send("POST", "/v1/dossiers", whole(), key=key, Idempotency_Key="once")

    again = kb.send("POST", "/v1/dossiers", whole(), key=key, Idempotency_Key="once")

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert kb.latest == 1


def test_the_key_of_one_request_is_not_good_for_another(kb: KnowledgeBase):
    key = kb.key("write")
    kb.send("POST", "/v1/dossiers", whole(), key=key, Idempotency_Key="once")

    other = kb.send("POST", "/v1/dossiers", whole(topics=[topic("ferries")]), key=key, Idempotency_Key="once")
    somebody_else = kb.send("POST", "/v1/dossiers", whole(), key=kb.key("write"), Idempotency_Key="once")

    assert (other.status_code, other.json()["type"]) == (422, "/docs/errors#key-reused")
    assert somebody_else.status_code == 200
    assert kb.latest == 1


def test_a_refused_request_may_be_mended_under_its_key(kb: KnowledgeBase):
    key = kb.key("write")
    assert kb.send("POST", "/v1/dossiers", {}, key=key, Idempotency_Key="mended").status_code == 422

    assert kb.send("POST", "/v1/dossiers", whole(), key=key, Idempotency_Key="mended").status_code == 201


def test_an_answer_is_forgotten_after_its_time(kb: KnowledgeBase):
    key = kb.key("write")
    kb.send("POST", "/v1/dossiers", whole(), key=key, Idempotency_Key="once")

    kb.clock.moment += timedelta(hours=kb.settings.idempotency_hours)
    again = kb.send("POST", "/v1/dossiers", whole(), key=key, Idempotency_Key="once")

    assert (again.status_code, "idempotency-replayed" in again.headers) == (200, False)


def test_the_same_request_many_times_at_once_acts_once(kb: KnowledgeBase):
    key = kb.key("write")

    with ThreadPoolExecutor(8) as crowd:
        answers = list(
            crowd.map(lambda _: kb.send("POST", "/v1/dossiers", whole(), key=key, Idempotency_Key="crowd"), range(16))
        )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert kb.latest == 1


# ── Texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def exact(kb: KnowledgeBase, path: str = "/v1/statements/voss-pier") -> str | None:
    found: str | None = kb.json(path)["evidence"][0]["exact"]
    return found


def test_an_attached_text_shows_its_words_and_a_withdrawn_one_hides_them_everywhere(kb: KnowledgeBase):
    key = kb.key("write")
    kb.send("POST", "/v1/dossiers", whole(), key=key)
    assert exact(kb) is None

    put = kb.send("PUT", f"/v1/sources/{ARDEN}/text", TEXT.encode(), key=key, Content_Type="text/plain; charset=utf-8")
    words = exact(kb)
    shown = [kb.get(path).text for path in ("/v1/passages?format=csv", "/v1/statements?as_of=1")]
    gone = kb.send("DELETE", f"/v1/sources/{ARDEN}/text", key=key)

    assert put.json() == {"type": "text", "source": ARDEN, "text": "attached", "changed": True}
    assert words == "Mayor Lena Voss said the town might build a second pier."
    assert all("second pier" in text.replace("A second pier is", "") for text in shown)
    assert gone.json()["text"] == "withheld"
    assert exact(kb) is None
    hidden = [kb.get(path).text for path in ("/v1/passages?format=csv", "/v1/statements?as_of=1")]
    assert not any("Mayor Lena Voss said" in text for text in hidden)
    assert kb.latest == 1


BAD_TEXTS = [
    (TEXT.encode() + b"!", "text/plain", 422),
    (TEXT.encode("utf-16"), "text/plain", 422),
    (b"a\0b", "text/plain", 422),
    (TEXT.encode(), "application/json", 415),
    (TEXT.encode(), "text/plain; charset=latin-1", 415),
]


def test_another_text_than_the_one_that_was_annotated_is_refused(kb: KnowledgeBase):
    key = kb.key("write")
    kb.send("POST", "/v1/dossiers", whole(), key=key)

    for body, media, status in BAD_TEXTS:
        answer = kb.send("PUT", f"/v1/sources/{ARDEN}/text", body, key=key, Content_Type=media)
        assert answer.status_code == status, (body, media)
    assert exact(kb) is None


def test_a_text_of_no_source_is_refused(kb: KnowledgeBase):
    key = kb.key("write")

    for id in ("nowhere", "a%00b", "%ff", "x" * 600):
        put = kb.send("PUT", f"/v1/sources/{id}/text", b"words", key=key, Content_Type="text/plain")
        gone = kb.send("DELETE", f"/v1/sources/{id}/text", key=key)
        assert (put.status_code, gone.status_code) == (404, 404), id


# ── Two servers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_request_to_two_servers_at_once_acts_once(kb: KnowledgeBase):
    other = KnowledgeBase.at(str(kb.database.url.render_as_string(hide_password=False)))
    key = kb.key("write")
    kb.load(whole())
    requests: list[tuple[str, str, Any, dict[str, str | bytes]]] = [
        ("PUT", f"/v1/sources/{ARDEN}/text", TEXT.encode(), {"Content_Type": "text/plain", "Idempotency_Key": "t"}),
        ("POST", "/v1/dossiers?state=proposed", dossier("quay", topics=[topic("quays")]), {"Idempotency_Key": "p"}),
        ("PUT", "/v1/topics/piers", {"label": "Piers"}, {"If_None_Match": "*", "Idempotency_Key": "e"}),
        ("POST", "/v1/dossiers", dossier("dock", topics=[topic("docks")]), {"Idempotency_Key": "d"}),
    ]

    for method, path, body, headers in requests:
        with ThreadPoolExecutor(6) as crowd:
            answers = list(
                crowd.map(
                    lambda base: base.send(method, path, body, key=key, **headers),  # noqa: B023
                    [kb, other] * 4,
                )
            )
        assert {answer.status_code for answer in answers} <= {200, 201}, [answer.text for answer in answers]
        assert len({answer.content for answer in answers}) == 1, path

    assert kb.latest == 3
    assert len(kb.json("/v1/proposals")["items"]) == 1
    other.close()


def test_an_attached_text_is_found_and_a_withdrawn_one_is_not(kb: KnowledgeBase):
    key = kb.key("write")
    kb.send("POST", "/v1/dossiers", whole(), key=key)

    kb.send("PUT", f"/v1/sources/{ARDEN}/text", TEXT.encode(), key=key, Content_Type="text/plain")
    found = kb.json("/v1/search?q=Observers+doubt")["items"]
    kb.send("DELETE", f"/v1/sources/{ARDEN}/text", key=key)

    assert found
    assert kb.json("/v1/search?q=Observers+doubt")["items"] == []
