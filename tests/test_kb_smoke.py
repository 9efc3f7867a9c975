"""Whether a small dossier goes all the way: published, listed, read, changed, retracted."""

from __future__ import annotations

from tests.base import KnowledgeBase
from tests.making import dossier, person, statement


def test_a_published_statement_is_listed_with_its_passage(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))

    (item,) = kb.json("/v1/statements?speaker=Voss")["items"]
    assert item["commitment"]["level"] == "might"
    assert item["evidence"][0]["passage"] == "arden-arden-courier-article:p1s2"


def test_a_retracted_statement_is_still_there_as_of_yesterday(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))
    kb.load(dossier(actors=[person()]))

    assert kb.get("/v1/statements/voss-pier").status_code == 410
    assert kb.json("/v1/statements/voss-pier?as_of=1")["gloss"] == "A second pier is a possibility."
