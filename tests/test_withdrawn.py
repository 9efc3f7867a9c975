"""A text that was attached and taken away again: no address of the server shows a word of it, in whatever format and as of when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.base import KnowledgeBase, scope_of
from tests.conftest import BACKENDS, database_url
from tests.making import SOURCE, TEXT, claim, dossier, person, state, statement
from tests.test_feeds import following

ARDEN = f"arden-{SOURCE}"
WORDS = "might build"  # of the text; the records' own words say it otherwise, and searches mark what follows

SURFACES = [
    *(
        f"/v1/{noun}?format={name}"
        for noun in ("passages", "statements")
        for name in ("json", "csv", "ndjson", "jsonld")
    ),
    *(
        f"/v1/{path}&as_of=1"
        for path in ("passages?limit=9", "statements?include=evidence", "statements?format=ndjson")
    ),
    "/v1/statements/voss-pier",
    "/v1/statements/voss-pier?as_of=1",
    "/v1/statements/voss-pier?format=jsonld",
    "/v1/statements/voss-pier/revisions",
    "/v1/passages?q=second+pier",
    "/v1/passages?include=source&fields=id,exact",
    "/v1/passages?format=parquet",
    "/v1/search?q=second+pier",
    "/v1/search?q=second+pier&as_of=1",
    "/v1/timeline?actor=lena-voss",
    "/v1/positions?actor=lena-voss",
    "/v1/changes?after=0",
    "/v1/changes?after=0&format=atom",
    f"/v1/sources/{ARDEN}",
    f"/v1/sources/{ARDEN}/verification",
    f"/v1/sources/{ARDEN}/text",
    f"/sources/{ARDEN}",
    "/statements/voss-pier",
    "/statements",
    "/search?q=second+pier",
    "/v1/statements?format=atom",
    "/v1/passages?format=atom",
    "/v1/passages?format=atom&as_of=1",
    "/v1/actors?format=popolo",
    "/v1/actors/lena-voss?include=evidence",
    "/v1/statements/voss-pier?cite=bibtex",
    "/v1/statements/voss-pier?cite=csl",
    "/v1/claims?include=evidence&facet=kind",
    "/v1/revisions/1",
    "/v1/changes?after=0&as_of=1",
    "/v1/network?actor=lena-voss",
    "/v1/passages/arden-p1s2",
    "/",
    "/actors",
    "/actors/lena-voss",
    "/changes",
    "/claims",
    "/claims/harbour-opens",
    "/network?actor=lena-voss",
    "/passages",
    "/passages?q=second+pier",
    "/sources",
    "/statements?q=second+pier",
    "/statements/voss-pier?as_of=1",
    "/timeline?actor=lena-voss",
    f"/sources/{ARDEN}?as_of=1",
]


def test_no_surface_shows_a_word_of_a_text_that_was_taken_away(kb: KnowledgeBase):
    key = kb.key("write")
    known = dossier(actors=[person(), state()], statements=[statement()], claims=[claim(evidence=["p1s2"])])
    kb.send("POST", "/v1/dossiers", known, key=key)
    before = {path: kb.get(path) for path in SURFACES}
    kb.send("PUT", f"/v1/sources/{ARDEN}/text", TEXT.encode(), key=key, Content_Type="text/plain")
    shown = {path: kb.get(path) for path in SURFACES for _ in range(2)}

    kb.send("DELETE", f"/v1/sources/{ARDEN}/text", key=key)

    assert sum(WORDS in answer.text for answer in shown.values()) >= 30
    for path in SURFACES:
        tag = shown[path].headers.get("etag", '"none"')
        again = kb.client.get(path, headers={"If-None-Match": tag})
        plain = kb.get(path)
        assert WORDS not in plain.text + again.text, path
        assert plain.status_code == before[path].status_code, path
        assert plain.status_code == 404 or plain.content == before[path].content, path
        if WORDS in shown[path].text:
            assert again.status_code != 304, path
            assert "immutable" not in shown[path].headers.get("cache-control", ""), path


def test_who_follows_live_is_sent_no_word_of_a_text_whether_it_is_at_hand_or_was_taken_away(kb: KnowledgeBase):
    async def run() -> None:
        kb.load(dossier(actors=[person()], statements=[statement()]))
        kb.attach(ARDEN, TEXT)
        async with following(kb) as early:
            await early.until(lambda: b"voss-pier" in early.body)
            await asyncio.to_thread(kb.withdraw, ARDEN)
            more = dossier(actors=[person()], statements=[statement(), statement("voss-again")])
            await asyncio.to_thread(kb.load, more)
            await early.until(lambda: b"voss-again" in early.body)
        async with following(kb) as late:
            await late.until(lambda: b"voss-again" in late.body)

        assert WORDS.encode() not in early.body + late.body

    asyncio.run(run())


async def exported(base: KnowledgeBase, path: str, accept: str) -> tuple[list[bytes], int]:
    """The pieces of an export, and how many had come when the text was taken away: with the first that holds a word of it."""
    pieces: list[bytes] = []
    until: list[int] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        pieces.append(message.get("body", b""))
        if WORDS.encode() in pieces[-1] and not until:
            await asyncio.to_thread(base.withdraw, ARDEN)
            until.append(len(pieces))

    scope = scope_of(path, headers={"Accept": accept})
    app: Any = base.client.app
    await app(scope, receive, send)
    return pieces, until[0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/csv", "application/ld+json"])
def test_an_export_that_is_under_way_shows_no_word_of_a_text_from_the_chunk_after_it_was_taken_away(
    accept: str, backend: str, request: pytest.FixtureRequest, tmp_path: Path
):
    base = KnowledgeBase.at(database_url(backend, request, tmp_path), chunk_rows=2)
    said = [statement(f"voss-{n:03}") for n in range(60)]
    base.load(dossier(actors=[person()], statements=said))
    base.attach(ARDEN, TEXT)

    pieces, until = asyncio.run(exported(base, "/v1/statements", accept))
    base.close()

    shown = [piece.count(WORDS.encode()) for piece in pieces]
    assert shown[until - 1] > 0
    assert sum(shown) <= 10  # of 60: what was read before
    assert not any(shown[until + 2 :])
    assert b"voss-059" in b"".join(pieces[until:])
