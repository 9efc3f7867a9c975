"""Whether an answer's ETag changes exactly when the answer can, and a client that has the answer is spared it."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from app import copies
from tests.base import KnowledgeBase
from tests.brute import statement
from tests.making import TEXT, dossier, person
from tests.making import statement as said

READS = (
    "/v1",
    "/v1/resources",
    "/v1/resources/statements",
    "/v1/vocabularies",
    "/v1/vocabularies/commitment_level",
    "/v1/statements",
    "/v1/statements?format=csv",
    "/v1/statements?format=ndjson",
    "/v1/statements?format=parquet",
    "/v1/statements?format=jsonld",
    "/v1/statements?limit=2&facet=kind&include=speaker",
    "/v1/actors/japan",
    "/v1/actors/japan?format=jsonld",
    "/v1/actors/japan/revisions",
    "/v1/sources/japan-ukraine-security-article",
    "/v1/sources/japan-ukraine-security-article/verification",
    "/v1/passages",
    "/v1/events/white-house-summit/reports",
    "/v1/topics",
    "/v1/resolve?name=Tokyo",
    "/v1/revisions",
    "/v1/revisions/1",
    "/v1/changes",
)


@pytest.mark.parametrize("path", READS)
def test_every_read_has_a_strong_etag_and_is_spared_who_has_it(seeded: KnowledgeBase, path: str) -> None:
    answer = seeded.get(path)
    tag = answer.headers["etag"]
    assert answer.status_code == 200
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert answer.headers["kb-revision"] == str(seeded.latest)
    assert "Accept" in answer.headers["vary"]

    for asked in (tag, f'"other", {tag}', f"W/{tag}", "*", f'"a","b" ,{tag}'):
        same = seeded.get(path, If_None_Match=asked)
        assert same.status_code == 304, asked
        assert same.content == b""
        for name in ("etag", "kb-revision", "cache-control", "vary"):
            assert same.headers[name] == answer.headers[name]
    assert seeded.get(path, If_None_Match='"other"').status_code == 200
    assert seeded.get(path).headers["etag"] == tag


def test_an_etag_changes_with_the_revision_and_with_nothing_else(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("one")))
    before = kb.get("/v1/statements").headers["etag"]
    pinned = kb.get("/v1/statements?as_of=1").headers["etag"]
    assert kb.get("/v1/statements").headers["etag"] == before

    kb.put(("statement", statement("two")))

    assert kb.get("/v1/statements").headers["etag"] != before
    assert kb.get("/v1/statements?as_of=1").headers["etag"] == pinned
    assert kb.get("/v1/statements", If_None_Match=before).status_code == 200
    assert kb.get("/v1/statements?as_of=1", If_None_Match=pinned).status_code == 304


def test_a_later_page_keeps_its_etag_while_others_publish(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("one")), ("statement", statement("two")))
    cursor = kb.json("/v1/statements?limit=1")["next_cursor"]
    page = kb.get(f"/v1/statements?limit=1&cursor={cursor}")
    kb.put(("statement", statement("three")))
    again = kb.get(f"/v1/statements?limit=1&cursor={cursor}", If_None_Match=page.headers["etag"])

    assert again.status_code == 304
    assert again.headers["kb-revision"] == page.headers["kb-revision"] == "1"


@pytest.mark.parametrize("path", ["/v1/statements", "/v1/statements/ishiba-follows-discussions"])
def test_another_representation_has_another_etag(seeded: KnowledgeBase, path: str) -> None:
    if path.count("/") == 3:
        path = seeded.json("/v1/statements?limit=1")["items"][0]["self"]
    kinds = ["application/json", "application/ld+json"]
    kinds += ["text/csv", "application/x-ndjson", "application/vnd.apache.parquet"] if path.count("/") == 2 else []
    tags = {seeded.get(path, Accept=kind).headers["etag"] for kind in kinds}
    tags |= {
        seeded.get(f"{path}?{more}").headers["etag"] for more in ("fields=gloss", "fields=kind", "include=speaker")
    }

    assert len(tags) == len(kinds) + 3


def test_the_etag_of_enriched_answers_is_another_one(seeded: KnowledgeBase) -> None:
    tags = {seeded.get(f"/v1/actors/japan{more}").headers["etag"] for more in ("", "?enrichment=true")}

    assert len(tags) == 2


# ── What may be kept for ever ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    ["/v1/revisions", "/v1/changes", "/v1/vocabularies/commitment_level", "/v1/datasets", "/v1/resolve?name=Tokyo"],
)
def test_a_settled_past_that_shows_no_words_of_a_source_may_be_kept_for_ever(seeded: KnowledgeBase, path: str) -> None:
    joined = "&" if "?" in path else "?"
    for moment in ("2", "2026-01-01T12:00:02Z"):
        kept = seeded.get(f"{path}{joined}as_of={moment}").headers["cache-control"]
        assert "public" in kept
        assert "immutable" in kept
    assert seeded.get(path).headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize(
    "path", ["/v1/statements", "/v1/actors/japan", "/v1/passages", "/v1/sources", "/v1/statements?format=csv"]
)
def test_what_can_show_the_words_of_a_source_is_asked_for_again(seeded: KnowledgeBase, path: str) -> None:
    joined = "&" if "?" in path else "?"

    assert seeded.get(f"{path}{joined}as_of=2").headers["cache-control"] == "public, no-cache"


def test_a_day_that_has_not_ended_is_not_kept(kb: KnowledgeBase) -> None:
    kb.put(("statement", statement("one")))
    today = kb.clock.moment.date().isoformat()

    assert kb.get(f"/v1/datasets?as_of={today}").headers["cache-control"] == "public, no-cache"
    before = kb.get(f"/v1/datasets?as_of={today}").headers["etag"]
    kb.put(("statement", statement("two")))
    after = kb.get(f"/v1/datasets?as_of={today}")
    assert after.headers["kb-revision"] == "2"
    assert after.headers["etag"] != before


# ── Words that come and go ──────────────────────────────────────────────────────────────────────────────────────────

WORDS = "Mayor Lena Voss said the town might build a second pier."
SHOWING = (
    "/v1/statements",
    "/v1/statements?as_of=1",
    "/v1/statements/voss-pier",
    "/v1/statements/voss-pier?format=jsonld",
    "/v1/actors/lena-voss",
    "/v1/passages",
    "/v1/passages?as_of=1",
    "/v1/passages/arden-arden-courier-article:p1s2",
    "/v1/statements?format=ndjson",
    "/v1/statements?format=csv",
    "/v1/statements?format=jsonld",
    "/v1/statements?fields=gloss&include=evidence",
    "/v1/actors?include=passages",
)


def test_an_attached_text_shows_in_every_answer_and_a_withdrawn_one_in_none(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[said()]))
    revision = kb.latest
    without = {path: kb.get(path).headers["etag"] for path in SHOWING}
    assert not any(WORDS in kb.get(path).text for path in SHOWING)

    kb.attach("arden-arden-courier-article", TEXT)

    during = {path: kb.get(path).headers["etag"] for path in SHOWING}
    for path in SHOWING:
        assert WORDS in kb.get(path).text, path
        assert during[path] != without[path]
        assert kb.get(path, If_None_Match=without[path]).status_code == 200
    assert kb.json("/v1/sources/arden-arden-courier-article")["text"] == "attached"
    passage = kb.json("/v1/passages/arden-arden-courier-article:p1s2")
    assert passage["prefix"].endswith("spring. ")
    assert passage["suffix"].startswith("\n“We will")

    kb.withdraw("arden-arden-courier-article")

    for path in SHOWING:
        assert WORDS not in kb.get(path).text, path
        assert kb.get(path, If_None_Match=during[path]).status_code == 200
    assert kb.json("/v1/sources/arden-arden-courier-article")["text"] == "withheld"
    assert kb.latest == revision


def test_what_shows_no_words_keeps_its_etag_when_a_text_comes(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[said()]))
    paths = (
        "/v1/revisions",
        "/v1/changes",
        "/v1/datasets",
        "/v1/resolve?name=Voss",
        "/v1/statements/voss-pier/revisions",
    )
    before = [kb.get(path).headers["etag"] for path in paths]
    kb.attach("arden-arden-courier-article", TEXT)

    assert [kb.get(path).headers["etag"] for path in paths] == before


# ── Citations ───────────────────────────────────────────────────────────────────────────────────────────────────────

VERIFICATION = "/v1/sources/arden-arden-courier-article/verification"


def test_without_a_text_nothing_is_verified_and_the_answer_says_so(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[said()]))
    told = kb.json(VERIFICATION)

    assert told["text_available"] is False
    assert told["digest_fits"] is None
    assert (told["checked"], told["confirmed"], told["failures"]) == (0, 0, [])
    assert told["passages"] == 5
    assert told["citations"] >= 2


def test_with_the_text_every_citation_is_confirmed(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[said()]))
    kb.attach("arden-arden-courier-article", TEXT)
    told = kb.json(VERIFICATION)

    assert told["text_available"] is told["digest_fits"] is True
    assert told["checked"] == told["confirmed"] == told["citations"] > 0
    assert told["failures"] == []


def test_a_passage_that_the_text_does_not_bear_out_is_named_with_who_cites_it(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[said()]))
    wrong = kb.json("/v1/passages/arden-arden-courier-article:p1s2")
    wrong = {name: wrong[name] for name in ("id", "source", "paragraph", "sentence", "start", "end", "sha256")}
    kb.put(("passage", {**wrong, "start": wrong["start"] + 1}), origin="arden")
    kb.attach("arden-arden-courier-article", TEXT)
    told = kb.json(VERIFICATION)

    (failure,) = told["failures"]
    assert failure["passage"] == "arden-arden-courier-article:p1s2"
    assert "voss-pier" in failure["cited_by"]
    assert told["confirmed"] < told["checked"] == told["citations"]
    assert kb.json("/v1/passages/arden-arden-courier-article:p1s2")["exact"] is None


def test_verifying_a_source_that_is_not_there_is_not_found(seeded: KnowledgeBase) -> None:
    assert orjson.loads(seeded.get("/v1/sources/nothing/verification").content)["status"] == 404


def test_a_backup_that_went_on_otherwise_is_told_apart_at_the_same_number(
    kb: KnowledgeBase, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url, lists = kb.database.url, "/v1/actors?limit=1"
    if not kb.database.embedded and shutil.which("pg_dump") is None:
        pytest.skip("PostgreSQL's client tools are not installed here")
    kb.load(dossier(actors=[person("lena-voss", "Lena Voss"), person("omar-diaz", "Omar Diaz")]))
    first = kb.get("/v1/actors?as_of=1").headers["etag"]
    copies.back_up(kb.database, url, tmp_path / "backup")
    kb.load(dossier(actors=[person("lena-voss", "Lena Voss"), person("omar-diaz", "Omar Diaz the Elder")]))
    seen = {
        path: kb.get(path).headers["etag"]
        for path in (lists, "/v1/actors/omar-diaz", "/v1/actors?as_of=2", "/v1/changes")
    }
    cursor, number = kb.json(lists)["next_cursor"], kb.latest
    kb.close()

    copies.put_back(url, tmp_path / "backup", force=True)
    again = KnowledgeBase.at(url.render_as_string(hide_password=False))
    request.addfinalizer(again.close)
    again.clock.moment = kb.clock.moment
    again.load(dossier(actors=[person("lena-voss", "Lena Voss"), person("omar-diaz", "Omar Diaz the Younger")]))

    assert again.latest == number == 2
    for path, etag in seen.items():
        assert again.get(path, if_none_match=etag).status_code == 200
    assert again.json("/v1/actors/omar-diaz")["name"] == "Omar Diaz the Younger"
    problem = again.json(f"{lists}&cursor={cursor}", 422)
    assert problem["type"].endswith("#bad-cursor")
    assert "backup" in problem["detail"]
    # What both have in common is the same to a client too.
    assert again.get("/v1/actors?as_of=1", if_none_match=first).status_code == 304
