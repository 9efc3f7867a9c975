"""A text that was attached and taken away again: no address of the server shows a word of it, in whatever format and as of when."""

from __future__ import annotations

from tests.base import KnowledgeBase
from tests.making import SOURCE, TEXT, dossier, person, state, statement

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
]


def test_no_surface_shows_a_word_of_a_text_that_was_taken_away(kb: KnowledgeBase):
    key = kb.key("write")
    kb.send("POST", "/v1/dossiers", dossier(actors=[person(), state()], statements=[statement()]), key=key)
    before = {path: kb.get(path) for path in SURFACES}
    kb.send("PUT", f"/v1/sources/{ARDEN}/text", TEXT.encode(), key=key, Content_Type="text/plain")
    shown = {path: kb.get(path) for path in SURFACES for _ in range(2)}

    kb.send("DELETE", f"/v1/sources/{ARDEN}/text", key=key)

    assert sum(WORDS in answer.text for answer in shown.values()) >= 20
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
