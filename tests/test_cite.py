"""Can any answer be cited, so that whoever follows the citation later reads the same bytes?"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from app.routes import every
from tests.base import KnowledgeBase
from tests.brute import actor
from tests.making import claim, dossier, event, person, state, statement, topic

CITED = [one for one in every.operations() if any(part.name == "cite" for part in one.parameters)]


def cited(kb: KnowledgeBase, path: str, style: str = "csl") -> Any:
    """The citation of an answer."""
    return kb.json(f"{path}{'&' if '?' in path else '?'}cite={style}")


def examples(kb: KnowledgeBase) -> list[str]:
    """A request of each operation that answers here."""
    found = []
    for one in CITED:
        path = one.example
        if path is not None and "{first}" in path:
            items = kb.json(f"/v1/{path.split('/')[2]}?limit=1")["items"]
            path = path.replace("{first}", items[0]["id"]) if items else None
        if path is not None:
            found.append(path)
    return found


def test_every_answer_can_be_cited_and_its_address_gives_the_same_bytes_after_more_was_written(
    own_seeded: KnowledgeBase,
) -> None:
    paths = [
        *examples(own_seeded),
        "/v1/statements?speaker=Ishiba&commitment_from=might&fields=gloss,speaker&sort=-commitment&limit=3",
        "/v1/statements?speaker=Ishiba&enrichment=true&count=exact&facet=kind&include=speaker&min_revision=1",
        "/v1/actors?name=石破茂&enrichment=true",
        "/v1/statements?speaker=Nobody",
        "/v1/events/counts?by=year,participant",
    ]
    latest = own_seeded.latest
    told = {}
    for path in paths:
        (item,) = cited(own_seeded, path)
        answer = own_seeded.get(item["URL"])
        assert answer.status_code == 200, path
        # What a revision did is said as of that one.
        stands = 1 if path == "/v1/revisions/1/events" else latest
        assert item["version"] == f"revision {stands}"
        assert f"as_of={stands}" in item["URL"]
        assert answer.headers["kb-revision"] == str(stands)
        assert own_seeded.json(path).keys() == answer.json().keys()
        told[path] = (item, answer.content)
    own_seeded.load(
        dossier(
            actors=[person(), state()],
            topics=[topic("piers")],
            statements=[statement(speaker="lena-voss")],
            claims=[claim()],
            events=[event()],
        )
    )
    own_seeded.put(("actor", actor("aaa")), ("topic", {"id": "aab", "label": "Aaa", "evidence": []}))
    own_seeded.retract("statement", own_seeded.ids("/v1/statements?speaker=Ishiba")[0])
    for path, (item, before) in told.items():
        assert own_seeded.get(item["URL"]).content == before, path


def test_a_citation_says_the_question_in_words_the_revision_and_both_days(own_seeded: KnowledgeBase) -> None:
    (item,) = cited(own_seeded, "/v1/statements?speaker=Ishiba")
    published = own_seeded.json(f"/v1/revisions/{own_seeded.latest}")["published_at"]

    assert item["title"] == (
        f"Statements: speaker is shigeru-ishiba; without enrichment; as of revision {own_seeded.latest}."
    )
    assert item["type"] == "dataset"
    assert item["author"] == [{"literal": "Chancery"}]
    assert item["issued"]["date-parts"] == [[int(part) for part in published[:10].split("-")]]
    assert date(*item["accessed"]["date-parts"][0]) == own_seeded.clock.moment.date()


def test_a_record_and_a_question_are_cited_by_what_they_are(seeded: KnowledgeBase) -> None:
    latest = seeded.latest

    assert cited(seeded, "/v1/actors/shigeru-ishiba")[0]["title"] == (
        f"Actor shigeru-ishiba: Shigeru Ishiba (revision {latest})"
    )
    counts = cited(seeded, "/v1/events/counts?by=year")[0]
    assert counts["title"] == f"Count events: by year; as of revision {latest}."
    assert counts["note"].startswith("events: ")


def test_a_citation_as_of_a_day_names_the_revision_of_it(kb: KnowledgeBase) -> None:
    kb.put(("actor", actor("a1")))
    kb.put(("actor", actor("a2")))
    kb.put(("actor", actor("a3")))

    assert "as_of=2" in cited(kb, "/v1/actors?as_of=2")[0]["URL"]
    assert "as_of=3" in cited(kb, f"/v1/actors?as_of={kb.clock.moment.date()}")[0]["URL"]


def test_a_citation_of_a_knowledge_base_without_a_revision_has_no_day(kb: KnowledgeBase) -> None:
    (item,) = cited(kb, "/v1/statements")

    assert "issued" not in item
    assert kb.get(item["URL"]).status_code == 200


BIBTEX = re.compile(r"@misc\{(?P<key>[A-Za-z0-9-]+),\n(?P<fields>(?:  \w+ = \{.*\},?\n)+)\}\n")


def fields_of(text: str) -> dict[str, str]:
    """The fields of a BibTeX entry, their braces balanced as TeX needs them."""
    entry = BIBTEX.fullmatch(text)
    assert entry, text
    found = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", entry["fields"], re.M))
    for value in found.values():
        depth = 0
        for before, one in zip(f" {value}", value, strict=False):
            depth += {"{": 1, "}": -1}.get(one, 0) if before != "\\" else 0
            assert depth >= 0
        assert depth == 0
    return found


def test_bibtex_says_the_same(seeded: KnowledgeBase) -> None:
    answer = seeded.get("/v1/statements?speaker=Ishiba&topic=security-guarantees&cite=bibtex")
    (item,) = cited(seeded, "/v1/statements?speaker=Ishiba&topic=security-guarantees")
    found = fields_of(answer.text)

    assert answer.headers["content-type"].startswith("application/x-bibtex")
    assert found["url"] == item["URL"]
    assert found["version"] == item["version"]
    assert found["title"].strip("{}") == item["title"]


@pytest.mark.parametrize(
    "name", ["A {curly} \\ name", "100% of $5 & #1_2^3 ~ or", "line\nbreak", "}}}", "@misc{x,", "石破茂", "x" * 3000]
)
def test_whatever_a_record_is_called_its_citation_can_be_read(kb: KnowledgeBase, name: str) -> None:
    kb.put(("actor", {**actor("odd"), "name": name}))

    fields_of(kb.get("/v1/actors/odd?cite=bibtex").text)
    title = cited(kb, "/v1/actors/odd")[0]["title"]
    assert "\n" not in title
    assert len(title) <= 500
    assert kb.get(cited(kb, "/v1/actors/odd")[0]["URL"]).status_code == 200


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/statements?cite=apa", "cite"),
        ("/v1/statements?cite=bibtx", "cite"),
        ("/v1/statements?cite=bibtex&cite=csl", "cite"),
        ("/v1/statements?cite=bibtex&format=csv", "format"),
        ("/v1/statements?cite=csl&format=atom", "format"),
        ("/v1/changes?cite=csl&format=sse", "format"),
        ("/v1/statements?cite=csl&cursor=abc", "cursor"),
        ("/v1/statements?cite=csl&speker=x", "speker"),
        ("/v1/actors/japan?cite=csl&format=jsonld", "format"),
    ],
)
def test_what_cannot_be_cited_is_refused_with_the_parameter_named(seeded: KnowledgeBase, path: str, name: str) -> None:
    assert seeded.json(path, 422)["errors"][0]["name"] == name


def test_a_citation_is_as_careful_with_addresses_and_caches_as_every_read(kb: KnowledgeBase) -> None:
    kb.put(("actor", actor("a1")))
    first = kb.client.get("/v1/actors?cite=csl", headers={"Host": "evil.example", "Accept": "text/event-stream"})
    again = kb.get("/v1/actors?cite=csl", If_None_Match=first.headers["etag"])
    kb.clock.moment = kb.clock.moment.replace(year=2031)
    later = kb.get("/v1/actors?cite=csl", If_None_Match=first.headers["etag"])

    assert "evil.example" not in first.text
    assert first.headers["kb-revision"] == "1"
    assert again.status_code == 304
    assert later.json()[0]["accessed"]["date-parts"][0][0] == 2031
    assert kb.get("/v1/actors/nobody?cite=csl").status_code == 404
    assert kb.client.head("/v1/actors?cite=bibtex").status_code == 200


def test_a_citation_is_a_whole_address_where_the_settings_say_which(kb: KnowledgeBase) -> None:
    public = KnowledgeBase.at(str(kb.settings.database), public_url="https://kb.example.org/")

    assert cited(public, "/v1/actors")[0]["URL"] == "https://kb.example.org/v1/actors?as_of=0"
    public.close()
