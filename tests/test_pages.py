"""Do the explorer's pages say what the API says, lead on, and never run what a name or a quotation says?"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import orjson
import pytest

from app.explorer.marks import outline, paragraphs
from app.explorer.rendering import render
from app.explorer.visit import Answer, Visit
from app.explorer.words import lasting, plain, web, when
from app.routes.pages import refusal
from tests.base import KnowledgeBase
from tests.making import TEXT, dossier, person, statement
from tests.test_records import renamed

HOSTILE = '"><script>alert(1)</script>{{7*7}}'


def links(page: str) -> set[str]:
    """Every address on this host that a page leads to, without its fragment."""
    found = {unescape(one) for one in re.findall(r'(?:href|src|action)="(/[^"]*)"', page)}
    return {urljoin(one, one).partition("#")[0] for one in found}


def test_every_link_of_every_page_leads_somewhere(seeded):
    waiting, seen, pages = ["/"], {"/"}, 0
    while waiting:
        address = waiting.pop()
        answered = seeded.client.get(address)
        assert answered.status_code == 200, f"{address}: {answered.text[:300]}"
        if answered.headers["content-type"].startswith("text/html") and pages < 150:
            pages += 1
            fresh = links(answered.text) - seen
            # Every kind of page, not each of a thousand narrowings.
            waiting += sorted(one for one in fresh if one.count("&") < 2 and "/v1/" not in one and "=" not in one)
            seen |= fresh

    assert pages > 100


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/statements",
        "/statements/ishiba-might-join-coalition",
        "/actors/shigeru-ishiba",
        "/agreements/japan-ukraine-accord-2024",
        "/sources/japan-ukraine-security-article",
        "/counts",
        "/changes",
        "/search?q=coalition",
        "/timeline?actor=Japan",
        "/network?actor=Japan",
    ],
)
def test_a_page_carries_no_script_or_style_of_its_own(seeded, address):
    answered = seeded.client.get(address)

    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answered.text) == []
    assert "script-src 'self'" in answered.headers["content-security-policy"]


def test_a_link_keeps_the_reader_in_the_past(seeded):
    page = seeded.client.get("/statements/ishiba-might-join-coalition?as_of=2&enrichment=true").text

    inner = [one for one in links(page) if one.startswith("/actors/")]
    assert inner
    assert all("as_of=2" in one and "enrichment=true" in one for one in inner)


def test_a_statement_shows_its_level_its_speaker_and_where_it_stands(seeded):
    page = seeded.client.get("/statements/ishiba-might-join-coalition").text

    assert "<strong>might</strong>, 3 of 8" in page
    assert "Shigeru Ishiba" in page
    assert "paragraph 1, sentence 3" in page
    assert "withheld" in page


def test_a_problem_is_a_page_with_the_status_and_the_advice_of_the_api(seeded):
    answered = seeded.client.get("/statements?speeker=Ishiba")

    assert answered.status_code == 422
    assert "speaker" in answered.text
    assert answered.headers["content-type"].startswith("text/html")


def test_nothing_found_says_what_was_searched(seeded):
    page = seeded.client.get("/statements?speaker=Ishiba&commitment=does").text

    assert "Nothing was found" in page
    assert "japan-ukraine-security-article" in page


def test_what_a_name_says_never_runs(kb):
    kb.load(dossier(actors=[person(name=HOSTILE)], statements=[statement(gloss=HOSTILE)]))

    pages = ("/actors", "/actors/lena-voss", "/statements", "/statements/voss-pier", "/changes")
    for address in (*pages, "/search?q=alert", "/timeline?actor=lena-voss"):
        page = kb.client.get(address).text
        assert "alert(1)" in page
        assert "<script>alert" not in page
        assert "{{7*7}}" in page


def test_a_renamed_record_has_its_page_under_the_new_id(kb):
    kb.load(dossier(actors=[person()]))
    renamed(kb, "lena-voss", "mayor-voss")

    answered = kb.client.get("/actors/lena-voss", follow_redirects=False)

    assert (answered.status_code, answered.headers["location"]) == (308, "/actors/mayor-voss")


def test_a_retracted_record_says_why_and_is_still_there_as_of_before(kb):
    kb.load(dossier(actors=[person()]))
    kb.retract("actor", "lena-voss", why="She never was.")

    assert kb.client.get("/actors/lena-voss").status_code == 410
    assert "She never was." in kb.client.get("/actors/lena-voss").text
    assert kb.client.get("/actors/lena-voss?as_of=1").status_code == 200


def test_a_retracted_record_leads_to_the_revision_at_which_it_last_stood(kb):
    kb.load(dossier(actors=[person()]))
    kb.retract("actor", "lena-voss")

    page = kb.client.get("/actors/lena-voss").text

    assert 'href="/actors/lena-voss?as_of=1"' in page
    assert kb.client.get("/actors/lena-voss?as_of=1").status_code == 200


def test_what_is_proposed_has_a_page_that_says_it_is_no_knowledge_yet(kb):
    kb.load(dossier(actors=[person()]))
    waiting = dossier("quay", statements=[statement("voss-quay", speaker="lena-voss", gloss="A quay may come.")])
    kb.send("POST", "/v1/dossiers?state=proposed&why=Please", waiting, key=kb.key("write"))

    page = kb.client.get("/statements?state=proposed")

    assert page.status_code == 200
    assert "A quay may come." in page.text
    assert "no knowledge yet" in page.text
    assert kb.client.get("/statements?state=proposed&as_of=1").status_code == 200
    assert "A quay may come." not in kb.client.get("/statements").text


def test_positions_that_are_too_many_to_compare_say_so_on_the_page(seeded, monkeypatch):
    monkeypatch.setattr("app.answers.positions.UTTERANCES_MOST", 1)

    # With a topic that no other test asks for: an answer that is remembered would not be refused.
    page = seeded.client.get("/actors/shigeru-ishiba?topic=diplomacy-on-ukraine&enrichment=true")

    assert page.status_code == 200
    assert "There are more than 1 utterances" in page.text


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "Search for"), (410, "stays readable"), (429, "Try again"), (503, "Try again"), (422, "Bad query")],
)
def test_every_problem_is_said_in_words_with_a_way_on(status, says):
    told = {"title": "Bad query", "status": status, "detail": "<b>What happened</b>", "type": "javascript:alert(1)"}
    answer = Answer(status, {}, orjson.dumps(told))

    page = render(refusal(answer), Visit(None, "/statements/nope", []))  # type: ignore[arg-type]

    assert says in page
    assert "&lt;b&gt;What happened" in page
    assert "javascript:" not in page
    assert refusal(answer).status == status


@pytest.mark.parametrize(
    ("duration", "said"), [("P10Y", "10 years"), ("P1Y6M", "1 year, 6 months"), ("PT5H", "PT5H"), (None, "")]
)
def test_a_term_is_said_in_words(duration, said):
    assert lasting(duration) == said


def test_a_search_marks_what_was_found_and_helps_with_what_was_mistyped(seeded):
    assert "<mark>coalition</mark>" in seeded.client.get("/search?q=coalition").text
    assert "Did you mean" in seeded.client.get("/search?q=ishba").text


def test_positions_are_drawn_and_listed_with_their_shifts(seeded):
    page = seeded.client.get("/actors/shigeru-ishiba?topic=security-guarantees").text

    assert '<svg class="chart steps"' in page
    assert seeded.client.get("/actors/shigeru-ishiba").text.count("Before</a>") > 1


def test_agreements_stand_side_by_side(kb):
    accord = {"kind": "bilateral_accord", "signed": "2021", "evidence": ["p2s3"], "parties": [], "topics": []}
    kb.load(dossier(agreements=[{"id": one, "gloss": f"Pact {one}.", **accord} for one in ("one", "two")]))

    page = kb.client.get("/compare?id=one&id=two").text
    assert "Pact one." in page
    assert "Pact two." in page
    assert "¶2.3" in page
    assert kb.client.get("/compare?id=one").status_code == 422


def test_an_unchanged_page_is_not_sent_again(seeded):
    first = seeded.client.get("/statements")

    assert seeded.client.get("/statements", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_the_first_page_is_light(seeded):
    page = seeded.client.get("/")
    files = [one for one in links(page.text) if one.startswith("/static/")]

    assert len(page.content) + sum(len(seeded.client.get(one).content) for one in files) < 300_000


def test_the_text_of_a_source_is_read_with_its_passages_marked_while_it_is_here(kb):
    kb.load(dossier(actors=[person()], statements=[statement()]))
    assert kb.client.get("/v1/sources/arden-arden-courier-article/text").status_code == 404
    kb.attach("arden-arden-courier-article", TEXT)

    page = kb.client.get("/sources/arden-arden-courier-article").text
    assert '<a class="mark k-statement"' in page
    assert "Mayor Lena Voss said" in page
    assert kb.client.get("/v1/sources/arden-arden-courier-article/text").text == TEXT

    kb.withdraw("arden-arden-courier-article")
    assert "Mayor Lena Voss said" not in kb.client.get("/sources/arden-arden-courier-article").text
    assert kb.client.get("/v1/sources/arden-arden-courier-article/text").status_code == 404


LINES = "One two three.\nFour five."


def test_a_text_is_cut_where_passages_begin_and_end():
    passages = [{"id": "a", "start": 0, "end": 7}, {"id": "b", "start": 4, "end": 14}]

    (first, second) = paragraphs(LINES, passages)

    assert [(piece.text, piece.passages) for piece in first.pieces] == [
        ("One ", ("a",)),
        ("two", ("a", "b")),
        (" three.", ("b",)),
    ]
    assert [(piece.text, piece.passages) for piece in second.pieces] == [("Four five.", ())]


def test_an_outline_shows_the_sentences_that_nothing_was_recorded_from():
    found = outline([2, 1], [{"id": "a", "paragraph": 1, "sentence": 2}])

    assert [[len(one.passages) for one in paragraph] for paragraph in found] == [[0, 1], [0]]


@pytest.mark.parametrize(
    ("edtf", "said"),
    [
        ("2024", "2024"),
        ("2034?", "perhaps 2034"),
        ("2024~", "about 2024"),
        ("2024/2026", "2024 to 2026"),
        ("2024/..", "from 2024 on"),
        ("../2024", "until 2024"),
        (None, ""),
    ],
)
def test_a_date_is_said_in_words(edtf, said):
    assert plain(edtf) == said


def test_an_undated_thing_says_so():
    assert when(None) == "undated"
    assert when({"edtf": None, "words": "Recently"}) == "“Recently”, undated"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//[", None, 7, "ftp://a/b"])
def test_only_addresses_of_the_web_become_links(url):
    assert web(url) is None
    assert urlsplit(web("https://example.org/a") or "").netloc == "example.org"


@pytest.mark.parametrize("path", ["/nonsense", "/nonsense/x/y", "/%3Cscript%3E/x"])
def test_a_browser_gets_a_page_at_an_address_that_nothing_has_and_a_program_a_problem_document(
    seeded: KnowledgeBase, path: str
):
    page = seeded.get(path, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    told = seeded.get(path)

    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no page at this address" in page.text
    assert "Search for" not in page.text
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not any(word in page.text for word in ("nonsense", "script>/x", "%3Cscript", "&lt;script&gt;"))
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")
    assert seeded.get(f"/v1{path}", Accept="text/html").headers["content-type"] == "application/problem+json"
