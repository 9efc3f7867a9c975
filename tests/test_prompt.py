"""Whether a plain question is answered on the spot exactly as the framework answers it, and everything else is left to it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from app.db import open_database
from app.errors import Unavailable
from app.routes import heavy, prompt
from app.routes.prompt import Prompt
from tests.base import KnowledgeBase

BY_REQUEST = ("x-request-id", "server-timing")
PLAIN = (
    "/v1/events?limit=2",
    "/v1/events?participant=Japan&sort=happened",
    "/v1/events/counts?by=year",
    "/v1/events/counts?by=year&as_of=1",
    "/v1/events?participant=Japan&limit=1&as_of=0",
    "/v1/actors/japan?as_of=2",
    "/v1/actors/japan",
    "/v1/statements?speaker=Ishiba&limit=1",
    "/v1/events?participant=Japan&pick=last",
    "/v1/events?participant=Japan&facet=participant&facet=kind&limit=1",
)
UNUSUAL = (
    ("/v1/actors/nobody-at-all", {}, 404),
    ("/v1/events?limit=0", {}, 422),
    ("/v1/events?nothing=1", {}, 422),
    ("/v1/events?as_of=999999", {}, 422),
    ("/v1/events/counts?by=month&as_of=2999-01-01", {}, 422),
    ("/v1/events?limit=1&as_of=1&as_of=2", {}, 422),
    ("/v1/events?limit=1", {"accept": "application/x-nothing"}, 406),
    ("/v1/events?limit=1", {"origin": "https://elsewhere.example"}, 200),
    ("/v1/events?limit=1", {"x-request-id": "mine"}, 200),
    ("/v1/events/a%2Fb", {}, 404),
    ("/v1/events/", {}, 404),
    ("/v1/actors/japan/more", {}, 404),
    (f"/v1/events?participant={'x' * 9000}", {}, 414),
    ("/v1/agreements/compare", {}, 422),
)


def asked(kb: KnowledgeBase, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    answer = kb.client.get(path, headers=headers)
    kept = {name: value for name, value in answer.headers.items() if name not in BY_REQUEST}
    problem = answer.headers["content-type"].startswith("application/problem")
    return answer.status_code, kept, b"" if problem else answer.content


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Answers nothing in front of the framework from now on, nor from memory."""

    async def none(*_: object) -> None:
        pass

    def leave() -> None:
        monkeypatch.setattr(Prompt, "ahead", none)
        monkeypatch.setattr("app.routes.memory.remembered", lambda _: False)

    return leave


@pytest.mark.parametrize("path", PLAIN)
def test_a_plain_question_has_the_same_answer_and_headers_either_way(
    seeded: KnowledgeBase, without: Callable[[], None], path: str
) -> None:
    short = asked(seeded, path, {})
    without()
    whole = asked(seeded, path, {})

    assert short == whole
    assert short[0] == 200


@pytest.mark.parametrize(("path", "headers", "status"), UNUSUAL)
def test_what_is_refused_or_unusual_is_answered_by_the_framework(
    seeded: KnowledgeBase, without: Callable[[], None], path: str, headers: dict[str, str], status: int
) -> None:
    short = asked(seeded, path, headers)
    without()

    assert short == asked(seeded, path, headers)
    assert short[0] == status


def test_a_client_that_has_the_answer_is_spared_it_on_the_spot(seeded: KnowledgeBase) -> None:
    first = seeded.get("/v1/events?limit=7")
    again = seeded.get("/v1/events?limit=7", if_none_match=f'W/{first.headers["etag"]}, "other"')

    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]


# ── Which questions are short ───────────────────────────────────────────────────────────────────────────────────────


def request_of(query: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Request:
    return Request(
        {"type": "http", "method": "GET", "path": "/v1/events", "query_string": query, "headers": list(headers)}
    )


def answering(_: Request) -> Response:
    return Response(b"here")


@pytest.mark.parametrize(
    "query",
    [
        b"count=exact",
        b"q=x",
        b"limit=101",
        b"limit=1000",
        b"format=csv",
        b"as%5Fof=1",
        b"per=pair",
        b"cite=apa",
    ],
)
def test_what_may_take_long_is_not_tried_on_the_spot(query: bytes) -> None:
    made = Prompt(SimpleNamespace(idle=True))  # type: ignore[arg-type]

    assert made.form(answering, request_of(query)) is None
    assert made.form(answering, request_of(b"limit=1", ((b"accept", b"text/csv"),))) is None
    assert made.form(answering, request_of(b"limit=100&participant=x")) is not None


def test_a_slow_facet_does_not_keep_others_from_being_tried() -> None:
    made = Prompt(SimpleNamespace(idle=True))  # type: ignore[arg-type]
    one, other = (made.form(answering, request_of(b"limit=1&facet=" + name)) for name in (b"code", b"topic"))
    made.shun(one)

    assert not made.welcome(one)
    assert made.welcome(other)


def test_a_form_that_takes_too_long_is_shunned_ever_longer_and_taken_back_once_it_is_quick(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from sqlalchemy import make_url

    now = [100.0]
    monkeypatch.setattr(prompt.time, "monotonic", lambda: now[0])
    made = Prompt(open_database(make_url(f"sqlite:///{tmp_path}/x.db")))
    form = made.form(answering, request_of(b"limit=1"))

    def slow(_: Request) -> Response:
        raise Unavailable("Too long.")

    waits = []
    for _ in range(12):
        made.shun(form)
        waits.append(made.shunned[form][0] - now[0])
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(0.2)
    assert waits[-1] == prompt.SHUN_SECONDS_MOST
    assert made.tried(answering, request_of(b"limit=1")) is None
    now[0] += prompt.SHUN_SECONDS_MOST + 1
    assert made.tried(answering, request_of(b"limit=1")) is not None
    assert made.shunned == {}
    assert made.tried(slow, request_of(b"limit=1")) is None
    assert len(made.shunned) == 1


def test_a_heavy_question_is_not_shunned_but_handed_on(tmp_path: Any) -> None:
    from sqlalchemy import make_url

    made = Prompt(open_database(make_url(f"sqlite:///{tmp_path}/x.db")))

    assert made.tried(heavy.only, request_of(b"limit=1")) is None  # type: ignore[arg-type]
    assert made.shunned == {}


def test_forms_that_are_shunned_do_not_fill_the_memory() -> None:
    made = Prompt(SimpleNamespace(idle=True))  # type: ignore[arg-type]
    for n in range(prompt.FORMS_MOST + 5):
        made.shun(n)

    assert len(made.shunned) <= prompt.FORMS_MOST
