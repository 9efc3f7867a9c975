"""Whether the text of a source is taken only where it is the very one, and comes and goes as a matter of access."""

from __future__ import annotations

import threading

import pytest

from app.errors import NotFound, TextRefused
from app.query.evidence import access
from tests.base import KnowledgeBase
from tests.making import TEXT, dossier, person, statement

SOURCE = "arden-arden-courier-article"


@pytest.fixture
def annotated(kb: KnowledgeBase) -> KnowledgeBase:
    """A knowledge base with one annotated source whose text is withheld."""
    kb.load(dossier(actors=[person()], statements=[statement()]))
    return kb


def changes(kb: KnowledgeBase) -> int:
    """How often access changed."""
    with kb.database.read() as connection:
        return access(connection)


def test_an_attached_text_shows_the_cited_words(annotated: KnowledgeBase) -> None:
    assert annotated.attach(SOURCE, TEXT)

    passage = annotated.json(f"/v1/passages/{SOURCE}:p2s2")
    assert passage["exact"] == "Observers doubt that."
    assert passage["suffix"].startswith(" Arden and Belmont")
    assert annotated.json(f"/v1/sources/{SOURCE}")["text"] == "attached"


def test_attaching_is_no_revision(annotated: KnowledgeBase) -> None:
    annotated.attach(SOURCE, TEXT)
    annotated.withdraw(SOURCE)

    assert annotated.latest == 1
    assert [one["type"] for one in annotated.json("/v1/changes?after=1")["items"]] == []


def test_attaching_the_same_text_again_changes_nothing(annotated: KnowledgeBase) -> None:
    annotated.attach(SOURCE, TEXT)
    before = changes(annotated)

    assert not annotated.attach(SOURCE, TEXT)
    assert changes(annotated) == before


def test_every_change_of_access_makes_the_answers_before_it_stale(annotated: KnowledgeBase) -> None:
    tags = [annotated.get("/v1/statements").headers["etag"]]
    for work in (lambda: annotated.attach(SOURCE, TEXT), lambda: annotated.withdraw(SOURCE)):
        assert work()
        tags.append(annotated.get("/v1/statements").headers["etag"])

    assert len(set(tags)) == 3
    assert not annotated.withdraw(SOURCE)
    assert annotated.get("/v1/statements").headers["etag"] == tags[-1]


@pytest.mark.parametrize(
    ("spoiled", "hint"),
    [
        (TEXT + "\n", "without its last line break"),
        (TEXT.replace("\n", "\r\n"), "with Unix line breaks"),
        ("\ufeff" + TEXT, "without a byte order mark"),
        (TEXT.replace("“", '"'), "Positions hold only in that very text"),
        (TEXT[:-1], f"the annotated one has {len(TEXT)}"),
        ("", "It has 0 code points"),
    ],
)
def test_another_text_is_refused_with_what_makes_the_difference(
    annotated: KnowledgeBase, spoiled: str, hint: str
) -> None:
    with pytest.raises(TextRefused) as refusal:
        annotated.attach(SOURCE, spoiled)

    assert hint in refusal.value.detail
    assert changes(annotated) == 0
    assert annotated.json(f"/v1/sources/{SOURCE}")["text"] == "withheld"


def test_a_text_needs_a_source_that_stands(annotated: KnowledgeBase) -> None:
    annotated.retract("source", SOURCE)

    for id in ("no-such-source", SOURCE):
        with pytest.raises(NotFound, match="no source"):
            annotated.attach(id, TEXT)


def test_many_who_attach_one_text_at_once_attach_it_once(annotated: KnowledgeBase) -> None:
    told = []

    def work() -> None:
        told.append(annotated.attach(SOURCE, TEXT))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == [False] * 5 + [True]
    assert changes(annotated) == 1


def test_a_text_that_was_attached_before_its_source_was_annotated_anew_no_longer_fits(annotated: KnowledgeBase) -> None:
    annotated.attach(SOURCE, TEXT)
    record = annotated.json(f"/v1/sources/{SOURCE}")
    anew = {name: record[name] for name in ("id", "title", "language", "characters", "sentences", "unrecorded")}
    annotated.put(("source", {**anew, "sha256": "0" * 64, "text": "withheld"}))

    assert annotated.json(f"/v1/sources/{SOURCE}/verification")["digest_fits"] is False
    with pytest.raises(TextRefused):
        annotated.attach(SOURCE, TEXT)
