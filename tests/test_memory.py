"""Whether a remembered answer is the very one that the application would give, and is never stale."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from tests.base import KnowledgeBase
from tests.making import TEXT, dossier, person, state, statement

LIST = "/v1/statements?speaker=lena-voss"


@contextmanager
def statements(kb: KnowledgeBase) -> Iterator[list[str]]:
    """The SQL that is run within the block."""
    told: list[str] = []

    def note(*arguments: object) -> None:
        told.append(str(arguments[2]))

    event.listen(kb.database.reader, "before_cursor_execute", note)
    yield told
    event.remove(kb.database.reader, "before_cursor_execute", note)


def test_a_repeated_question_is_answered_without_asking_for_records_again(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))
    first = kb.get(LIST)

    with statements(kb) as told:
        second = kb.get(LIST)

    assert second.content == first.content
    assert second.headers["etag"] == first.headers["etag"]
    assert not any("FROM statement" in one for one in told)


def test_what_is_published_shows_in_the_very_next_answer(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))
    before = kb.json(LIST)

    kb.load(dossier(actors=[person()], statements=[statement(gloss="A second pier is likely.")]))
    after = kb.json(LIST)

    assert before["items"][0]["gloss"] != after["items"][0]["gloss"]
    assert after["revision"] == before["revision"] + 1


def test_a_text_that_is_taken_away_is_gone_from_remembered_answers_too(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))
    kb.attach("arden-arden-courier-article", TEXT)
    shown = [kb.json(LIST)["items"][0]["evidence"][0]["exact"] for _ in range(2)]

    kb.withdraw("arden-arden-courier-article")

    assert shown == ["Mayor Lena Voss said the town might build a second pier."] * 2
    assert kb.json(LIST)["items"][0]["evidence"][0]["exact"] is None


def test_a_remembered_answer_is_not_sent_to_whoever_has_it(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))
    tag = kb.get(LIST).headers["etag"]

    same, other = kb.get(LIST, if_none_match=tag), kb.get(LIST, if_none_match='"another"')
    one_of = kb.get(LIST, if_none_match=f'"another", {tag}')

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert same.headers["kb-revision"] == "1"
    assert (other.status_code, one_of.status_code) == (200, 304)


def test_two_representations_of_one_question_are_remembered_apart(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))

    kinds = [kb.get(LIST, accept=accept).headers["content-type"] for accept in ("application/json", "text/csv") * 2]

    assert kinds[0] == kinds[2] == "application/json"
    assert kinds[1].startswith("text/csv")
    assert kinds[3].startswith("text/csv")


def test_a_remembered_answer_has_a_request_id_of_its_own_and_open_doors(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))

    first, second = (kb.get(LIST, origin="https://example.org") for _ in range(2))

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert second.headers["access-control-allow-origin"] == "*"


def test_as_of_a_moment_is_asked_of_the_clock_each_time(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))
    kb.get(f"{LIST}&as_of=2026-01-01")

    with statements(kb) as told:
        kb.get(f"{LIST}&as_of=2026-01-01")

    assert any("FROM statement" in one for one in told)


def test_the_metrics_count_what_was_answered_and_what_was_remembered(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))
    for path in (LIST, LIST, "/v1/statements/nobody"):
        kb.get(path)

    lines = kb.get("/metrics").text.splitlines()

    assert "chancery_remembered_answers_total 1.0" in lines
    assert 'chancery_requests_total{method="GET",status="200"} 1.0' in lines
    assert 'chancery_requests_total{method="GET",status="404"} 1.0' in lines
    assert "chancery_revision 1.0" in lines


def test_what_is_asked_as_of_the_end_of_today_is_not_remembered(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()]))
    today = f"/v1/actors?as_of={kb.clock.moment.date()}"
    before = kb.json(today)
    kb.load(dossier(actors=[person(), state()]))

    assert len(kb.json(today)["items"]) == len(before["items"]) + 1
    assert kb.json("/v1/actors?as_of=1")["items"] == kb.json("/v1/actors?as_of=01")["items"] == before["items"]
