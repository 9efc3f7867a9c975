"""Whether every refusal and failure is a problem document that says what to do, and every route says what it can."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import exc

from app.answers import dictionary
from app.main import create_app
from app.settings import Settings
from tests.base import KnowledgeBase
from tests.brute import actor, quoted, statement

EVERYWHERE = ("X-Request-ID", "X-Content-Type-Options", "Content-Security-Policy", "Server-Timing")


def problem(answer: Response, status: int, kind: str) -> dict[str, Any]:
    """The problem document of an answer, which has all that every one has."""
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    for name in EVERYWHERE:
        assert name in answer.headers
    body: dict[str, Any] = answer.json()
    assert set(body) >= {"type", "title", "status", "detail", "instance", "errors"}
    assert body["type"] == f"/docs/errors#{kind}"
    assert body["status"] == status
    assert body["detail"]
    assert all(set(fault) >= {"in", "name", "detail"} for fault in body["errors"])
    for leak in ("Traceback", "sqlalchemy", "SELECT ", "/work", ".py"):
        assert leak not in answer.text
    return body


PROBLEMS = (
    ("/v1/nothing", 404, "not-found"),
    ("/nothing", 404, "not-found"),
    ("/v1/", 404, "not-found"),
    ("/v1/statements/", 404, "not-found"),
    ("/v1/statements/nothing", 404, "not-found"),
    ("/v1/statements/nothing/revisions", 404, "not-found"),
    ("/v1/statements/a/b/c", 404, "not-found"),
    ("/v1/resources/nothing", 404, "not-found"),
    ("/v1/vocabularies/nothing", 404, "not-found"),
    ("/v1/revisions/999", 404, "not-found"),
    ("/v1/revisions/one", 404, "not-found"),
    ("/v1/revisions/0", 404, "not-found"),
    ("/v1/sources/nothing/verification", 404, "not-found"),
    ("/v1/events/nothing/reports", 404, "not-found"),
    ("/static/nothing.js", 404, "not-found"),
    ("/v1/statements?format=xml", 422, "bad-query"),
    ("/v1/statements?nothing=1", 422, "bad-query"),
    ("/v1/resolve", 422, "bad-query"),
    ("/v1/resolve?name=", 422, "bad-query"),
    ("/v1/resolve?name=Tokyo&kind=city", 422, "bad-query"),
    ("/v1/statements?cursor=x", 422, "bad-cursor"),
    ("/v1/statements?as_of=yesterday", 422, "bad-date"),
    ("/v1/statements?as_of=99999", 422, "bad-query"),
    ("/v1/actors/japan?nothing=1", 422, "bad-query"),
    ("/v1?nothing=1", 422, "bad-query"),
    ("/v1/statements?min_revision=9999", 503, "unavailable"),
    ("/v1/statements?q=" + "a" * 9000, 414, "address-too-long"),
    ("/" + "a" * 9000, 414, "address-too-long"),
)


@pytest.mark.parametrize(("path", "status", "kind"), PROBLEMS, ids=[f"{p[0][:40]}" for p in PROBLEMS])
def test_every_refusal_is_a_problem_document(seeded: KnowledgeBase, path: str, status: int, kind: str) -> None:
    answer = seeded.get(path, Origin="https://reader.example")
    body = problem(answer, status, kind)

    assert body["instance"] == path.partition("?")[0][:500]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    if status == 503:
        assert int(answer.headers["retry-after"]) > 0
    if status == 422 and "?" in path:
        assert body["errors"][0]["in"] == "query"


def test_what_a_problem_links_to_is_a_page_that_explains_it(seeded: KnowledgeBase) -> None:
    page = seeded.get("/docs/errors").text
    kinds = {kind for _, _, kind in PROBLEMS} | {"gone", "ambiguous-name", "method-not-allowed", "not-acceptable"}
    for kind in kinds | {"internal-error", "bad-request"}:
        assert f'id="{kind}"' in page, kind


@pytest.mark.parametrize("path", ["/v1", "/v1/statements", "/v1/statements/x", "/v1/changes", "/healthz", "/", "/docs"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_a_method_that_is_not_possible_is_refused_with_those_that_are(
    seeded: KnowledgeBase, path: str, method: str
) -> None:
    answer = seeded.client.request(method, path)
    options = seeded.client.request("OPTIONS", path).headers["allow"]
    if method in options.split(", "):
        # There is such a route: it is refused for the key that it needs, and never for its method.
        assert answer.status_code == 401
        return
    problem(answer, 405, "method-not-allowed")

    assert answer.headers["allow"] == options
    assert set(options.split(", ")) >= {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/v1/statements", "text/html"),
        ("/v1/statements", "application/json;q=0"),
        ("/v1/actors/japan", "text/csv"),
        ("/v1/resources", "image/png, text/plain"),
        ("/v1/changes", "application/ld+json"),
    ],
)
def test_a_representation_that_does_not_exist_is_refused_with_those_that_do(
    seeded: KnowledgeBase, path: str, accept: str
) -> None:
    assert "application/json" in problem(seeded.get(path, Accept=accept), 406, "not-acceptable")["detail"]


def test_a_retracted_record_is_gone_with_the_revision_and_the_reason(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("one")))
    kb.retract("statement", "one", why="It was <b>misread</b>.")
    detail = problem(kb.get("/v1/statements/one"), 410, "gone")["detail"]

    assert "revision 2" in detail
    assert "misread" in detail
    assert "as_of=1" in detail
    assert kb.get("/v1/statements/one?as_of=1").status_code == 200
    assert [one["act"] for one in kb.json("/v1/statements/one/revisions")["items"]] == ["create", "retract"]


def test_a_record_that_came_later_is_not_there_yet(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("one")))
    kb.put(("statement", statement("two")))

    assert "revision 2" in problem(kb.get("/v1/statements/two?as_of=1"), 404, "not-found")["detail"]


def test_a_record_of_another_kind_is_named_with_its_address(seeded: KnowledgeBase) -> None:
    detail = problem(seeded.get("/v1/statements/japan"), 404, "not-found")["detail"]

    assert "/v1/actors/japan" in detail


def test_an_id_that_was_mistyped_is_answered_with_the_nearest(seeded: KnowledgeBase) -> None:
    assert "shigeru-ishiba" in problem(seeded.get("/v1/actors/shigeru-ishba"), 404, "not-found")["detail"]


def test_a_name_that_several_go_by_is_refused_with_all_of_them(kb: KnowledgeBase) -> None:
    kb.put(("actor", actor("korea-north", name="Korea")), ("actor", actor("korea-south", name="Korea")))
    for id in ("korea-north", "korea-south"):
        kb.put(("actor", {**actor(id), "names": [{"text": "Korea", "kind": "name", "language": "en"}]}))
    body = problem(kb.get("/v1/statements?speaker=Korea"), 422, "ambiguous-name")

    for id in ("korea-north", "korea-south"):
        assert id in body["detail"]
        assert any(id in fault["detail"] for fault in body["errors"])
    assert {fault["name"] for fault in body["errors"]} == {"speaker"}
    assert kb.get("/v1/statements?speaker=korea-north").status_code == 200
    assert {one["actor"] for one in kb.json("/v1/resolve?name=Korea")["items"]} == {"korea-north", "korea-south"}


def failing(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, error: Exception) -> Response:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(dictionary, "entry", fail)
    return kb.get("/v1/resources/topics", Origin="https://reader.example", X_Request_ID="mine-1")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a secret at /srv/chancery/app/secret.py"),
        exc.ProgrammingError("SELECT secret", {}, Exception("syntax")),
        RecursionError(),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"),
    ],
    ids=["bug", "sql", "recursion", "surrogate"],
)
def test_a_failure_of_ours_tells_its_request_id_and_nothing_of_its_cause(
    seeded: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    answer = failing(seeded, monkeypatch, error)
    body = problem(answer, 500, "internal-error")

    assert "secret" not in answer.text
    assert body["request_id"] == answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_database_that_is_away_is_503_with_a_time_to_try_again(
    seeded: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = exc.OperationalError("SELECT 1", {}, Exception("gone"), connection_invalidated=True)
    answer = failing(seeded, monkeypatch, lost)

    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


# ── Nothing comes back as it was typed ──────────────────────────────────────────────────────────────────────────────

SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/statements?{quoted(SCRIPT)}=1",
        f"/v1/statements?sort={quoted(SCRIPT)}",
        f"/v1/statements?speaker={quoted(SCRIPT)}",
        f"/v1/statements/{quoted(SCRIPT)}",
        f"/v1/{quoted(SCRIPT)}",
        f"/v1/statements?as_of={quoted(SCRIPT)}",
        f"/v1/statements?kind={quoted(SCRIPT)}",
        f"/v1/changes?after={quoted(SCRIPT)}",
    ],
)
def test_what_a_stranger_types_never_comes_back_as_a_page(seeded: KnowledgeBase, path: str) -> None:
    answer = seeded.get(path, Accept="text/html, */*;q=0.1")

    assert answer.headers["content-type"] in ("application/json", "application/problem+json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    orjson.loads(answer.content)


@pytest.mark.parametrize("given", ["mine-1", "A.b_c-9", "x" * 64])
def test_a_request_id_that_is_plain_comes_back(seeded: KnowledgeBase, given: str) -> None:
    assert seeded.get("/v1", X_Request_ID=given).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<b>", "a\tb", ""])
def test_any_other_request_id_is_replaced(seeded: KnowledgeBase, given: str) -> None:
    assert seeded.get("/v1", X_Request_ID=given).headers["x-request-id"] not in (given, "")


# ── HEAD, OPTIONS, CORS ─────────────────────────────────────────────────────────────────────────────────────────────


def routes(kb: KnowledgeBase) -> list[str]:
    """A working address of every read route that the OpenAPI document names."""
    found = []
    for path, item in kb.json("/openapi.json")["paths"].items():
        if "get" not in item:
            continue
        for name, value in (("{name}", "topics" if "resources" in path else "voice"), ("{number}", "1")):
            path = path.replace(name, value)
        if "{id}" in path:
            resource = "actors" if path.startswith("/id/") else path.split("/")[2]
            if not (items := kb.json(f"/v1/{resource}?limit=1")["items"]):
                continue
            path = path.replace("{id}", items[0]["id"])
        found.append("/v1/resolve?name=Tokyo" if path == "/v1/resolve" else path)
    return [path for path in found if "{" not in path]


STEADY = (
    "content-length",
    "content-type",
    "etag",
    "kb-revision",
    "cache-control",
    "vary",
    "link",
    "content-disposition",
)


def test_head_is_get_without_a_body_on_every_route(seeded: KnowledgeBase) -> None:
    streams = [f"/v1/statements?format={form}" for form in ("csv", "ndjson", "parquet", "jsonld")]
    others = ["/", "/docs", "/docs/errors", "/openapi.json", "/v1/nothing", "/v1/statements?limit=0", "/metrics"]
    tried = 0
    for path in [*routes(seeded), *streams, *others]:
        got, head = seeded.get(path), seeded.client.head(path)
        assert head.status_code == got.status_code, path
        if got.status_code == 422 and path not in others:
            continue
        assert head.content == b""
        for name in STEADY:
            if path != "/metrics":
                assert head.headers.get(name) == got.headers.get(name), (path, name)
        tried += got.status_code == 200
    assert tried > 40


def test_options_says_on_every_route_what_is_possible(seeded: KnowledgeBase) -> None:
    for path in [*routes(seeded), "/", "/docs", "/openapi.json"]:
        answer = seeded.client.request("OPTIONS", path)
        assert answer.status_code == 204, path
        assert answer.content == b""
        assert answer.headers["allow"].split(", ")[:2] == ["GET", "HEAD"]
        assert answer.headers["allow"].endswith("OPTIONS")
    assert seeded.client.request("OPTIONS", "/v1/nothing").status_code == 404


ORIGIN = "https://reader.example"


def preflight(client: TestClient, origin: str, method: str = "GET") -> Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "If-None-Match",
    }
    return client.request("OPTIONS", "/v1/statements", headers=asked)


def test_pages_of_every_origin_may_read(seeded: KnowledgeBase) -> None:
    answer = seeded.get("/v1/statements", Origin=ORIGIN)
    asked = preflight(seeded.client, ORIGIN)

    assert answer.headers["access-control-allow-origin"] == "*"
    for name in ("ETag", "KB-Revision", "Link", "X-Request-ID", "Retry-After"):
        assert name in answer.headers["access-control-expose-headers"]
    assert asked.status_code in (200, 204)
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "HEAD" in asked.headers["access-control-allow-methods"]
    assert "If-None-Match" in asked.headers["access-control-allow-headers"]
    assert asked.headers["x-request-id"]


def test_a_setting_narrows_who_may_read(seeded: KnowledgeBase) -> None:
    settings = Settings(database=seeded.settings.database, cors_origins=f"{ORIGIN}, https://other.example")
    app = create_app(settings, database=seeded.database, clock=seeded.clock)
    client = TestClient(app, raise_server_exceptions=False)

    for path in ("/v1/statements", "/v1/nothing"):
        assert client.get(path, headers={"Origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN
        assert "Origin" in client.get(path, headers={"Origin": ORIGIN}).headers["vary"]
        assert "access-control-allow-origin" not in client.get(path, headers={"Origin": "https://evil.example"}).headers
    assert preflight(client, ORIGIN).headers["access-control-allow-origin"] == ORIGIN
    refused = preflight(client, "https://evil.example")
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert "access-control-allow-origin" not in refused.headers


def test_a_preflight_for_what_pages_may_not_do_is_a_problem_document(seeded: KnowledgeBase) -> None:
    problem(preflight(seeded.client, ORIGIN, "BREW"), 400, "bad-request")
