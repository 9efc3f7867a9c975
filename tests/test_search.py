"""Whether a search finds what holds its words, and only that, at every revision, for both readers, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app import indexing, schema
from app.doctor import examine
from app.query import text_postgresql, text_sqlite
from app.query.text import matches, read
from app.resources import RESOURCES
from app.settings import Settings
from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, database_url
from tests.making import TEXT, claim, dossier, person, state, statement, topic
from tests.test_query_counts import counting

SOURCE = "arden-arden-courier-article"
MIGRATIONS = Settings().migrations


def search(kb: KnowledgeBase, q: str, **more: Any) -> Any:
    """The answer to a search."""
    return kb.json(f"/v1/search?{urlencode({'q': q, **more}, doseq=True)}")


def found(kb: KnowledgeBase, q: str, **more: Any) -> list[tuple[str, str]]:
    """The hits of a search, type and id."""
    return [(item["type"], item["id"]) for item in search(kb, q, **more)["items"]]


def record(id: str, label: str, definition: str | None = None) -> tuple[str, dict[str, Any]]:
    """A topic as the ledger takes it."""
    return "topic", {"id": id, "label": label, "definition": definition, "broader": None, "evidence": []}


# ── What comes first ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("Ishiba", ("actor", "shigeru-ishiba")),
        ("ISHIBA’s", ("actor", "shigeru-ishiba")),
        ("ishi*", ("actor", "shigeru-ishiba")),
        ("Tokyo", ("actor", "government-of-japan")),
        ("Zelensky", ("actor", "volodymyr-zelenskyy")),
        ("U.S.", ("actor", "united-states")),
        ("Ukraine", ("actor", "ukraine")),
        ("security guarantees", ("topic", "security-guarantees")),
        ('"security guarantees"', ("topic", "security-guarantees")),
        ("japan-ukraine-accord-2024", ("agreement", "japan-ukraine-accord-2024")),
    ],
)
def test_the_seed_answers_with_what_was_meant(seeded: KnowledgeBase, q: str, first: tuple[str, str]) -> None:
    answer = search(seeded, q)
    scores = [item["score"] for item in answer["items"]]

    assert (answer["items"][0]["type"], answer["items"][0]["id"]) == first
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


def test_a_hit_says_what_it_is_why_and_where_the_words_stand(seeded: KnowledgeBase) -> None:
    hit = search(seeded, "Tokyo")["items"][0]

    assert hit["self"] == "/v1/actors/government-of-japan"
    assert hit["title"] == "Government of Japan"
    assert hit["why"] == "metonym 'Tokyo'"
    assert hit["matched"] == ["names"]
    assert hit["snippets"] == [
        {"field": "names", "text": "Tokyo", "marks": [[0, 5]], "html": "<mark>Tokyo</mark>"},
    ]
    assert seeded.json(hit["self"])["id"] == hit["id"]


def test_every_hit_leads_to_its_record_and_every_mark_to_a_word(seeded: KnowledgeBase) -> None:
    for hit in search(seeded, "Ukraine", limit=100)["items"]:
        assert seeded.json(hit["self"])["id"] == hit["id"]
        assert hit["snippets"]
        for one in hit["snippets"]:
            assert all("ukrain" in one["text"][start:end].lower() for start, end in one["marks"])


def test_facets_count_every_type_and_their_links_list_it(seeded: KnowledgeBase) -> None:
    answer = search(seeded, "Ukraine", count="bounded")
    assert search(seeded, "Ukraine", count="exact")["count"] == answer["count"]
    kinds = answer["facets"]["type"]

    assert answer["count"] == {"n": sum(one["n"] for one in kinds), "exact": True}
    for one in kinds:
        narrowed = seeded.json(f"{one['items']}&limit=100")
        assert {item["type"] for item in narrowed["items"]} == {one["value"]}
        assert len(narrowed["items"]) == one["n"]


def test_several_types_can_be_asked_for(seeded: KnowledgeBase) -> None:
    kinds = {type for type, _ in found(seeded, "Ukraine", type=["actor", "topic"], limit=100)}

    assert kinds == {"actor", "topic"}


def test_a_walk_over_the_pages_meets_each_hit_once(seeded: KnowledgeBase) -> None:
    whole = found(seeded, "Ukraine", limit=100)
    assert len(whole) > 20

    walked, path = [], "/v1/search?q=Ukraine&limit=7"
    while path:
        page = seeded.json(path)
        walked += [(item["type"], item["id"]) for item in page["items"]]
        path = f"/v1/search?q=Ukraine&limit=7&cursor={page['next_cursor']}" if page["next_cursor"] else ""

    assert walked == whole


# ── What is not there ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_slip_of_the_hand_is_told_what_was_meant(seeded: KnowledgeBase) -> None:
    answer = search(seeded, "securty guarantees")

    assert answer["items"] == []
    assert answer["did_you_mean"][0]["q"] == "security guarantees"
    assert seeded.json(answer["did_you_mean"][0]["items"])["items"]


def test_an_empty_answer_says_what_was_searched_and_which_texts_were_not(seeded: KnowledgeBase) -> None:
    told = search(seeded, "helicopters")["coverage"]

    assert told["zero"] == "none_found"
    assert "statement" in told["searched"]
    assert any("text is not at hand" in note for note in told["notes"])


def test_an_empty_knowledge_base_covers_nothing(kb: KnowledgeBase) -> None:
    answer = search(kb, "Ukraine")

    assert answer["items"] == []
    assert answer["coverage"]["zero"] == "not_covered"


HOSTILE = [
    "net-zero",
    "U.S.",
    "C++",
    "EU's CO2 (2030) 40%",
    "a-b",
    "foo:bar",
    '"',
    '""',
    '"""',
    "NEAR(",
    "NEAR(a b, 5)",
    "a OR b",
    "NOT a",
    "-a",
    "^a",
    "a*b*",
    "**",
    "(" * 100,
    ")" * 100,
    "'; DROP TABLE searchable; --",
    "a' | 'b",
    "a & !b",
    "a <-> b",
    "a:*ABCD",
    "\\",
    "{name}: a",
    "noun : statement",
    "=statement",
    "%",
    "_",
    "🙂",
    "石破",
    "こんにちは",
    "ไทย",
    "مرحبا",
    "שלום",
    "\u202ea",
    "ﬁ",
    "e\u0301",
    "\u0345",
    "𝔘𝔨𝔯𝔞𝔦𝔫𝔢",
    "\U000e0041",
    "1e400",
    "NaN",
    "x" * 1000,
    "a " * 500,
    " ".join(map(str, range(250))),
    ("a* " * 333)[:1000],
    '"a b" ' * 160,
    " ".join(chr(0x4E00 + n) for n in range(500)),
    " ".join(f"{a}{b}" for a in "abcdefghijklmnopqr" for b in "abcdefghijklmnopqr"),
    "*" * 1000,
    '"' * 1000,
    "\t",
    " ",
]


@pytest.mark.parametrize("q", HOSTILE, ids=lambda q: q[:20].encode("unicode_escape").decode())
def test_what_people_type_gets_an_answer(seeded: KnowledgeBase, q: str) -> None:
    for path in (f"/v1/search?q={quote(q)}", f"/v1/statements?q={quote(q)}", f"/v1/search?q={quote(q)}&type=actor"):
        answer = seeded.get(path)

        assert answer.status_code == 200, answer.text[:300]
        assert "coverage" in answer.json()


@pytest.mark.parametrize(
    ("query", "status", "advice"),
    [
        ("", 422, "q is missing"),
        ("q=", 422, "empty"),
        ("q=a%00b", 422, "control characters"),
        ("q=%FF", 422, "UTF-8"),
        ("q=%ED%A0%80", 422, "UTF-8"),
        ("q=" + "x" * 1001, 422, "1000"),
        ("q=" + "x" * 9_000, 414, "long"),
        ("q=a&q=b", 422, "once"),
        ("q=a&type=actors", 422, "actor"),
        ("q=a&typ=actor", 422, "type"),
        ("q=a&limit=0", 422, "limit"),
        ("q=a&limit=501", 422, "500"),
        ("q=a&count=all", 422, "bounded"),
        ("q=a&as_of=99999", 422, "future"),
        ("q=a&cursor=abc", 422, "cursor"),
        ("q=a&format=csv", 422, "format"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_advice(
    seeded: KnowledgeBase, query: str, status: int, advice: str
) -> None:
    answer = seeded.get(f"/v1/search?{query}")

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert advice in answer.text


def test_a_cursor_belongs_to_its_search(seeded: KnowledgeBase) -> None:
    cursor = search(seeded, "Ukraine", limit=1)["next_cursor"]

    assert seeded.get(f"/v1/search?q=Japan&limit=1&cursor={cursor}").status_code == 422
    assert seeded.get(f"/v1/search?q=Ukraine&type=actor&cursor={cursor}").status_code == 422


def test_what_a_record_says_is_escaped_in_its_snippets(kb: KnowledgeBase) -> None:
    kb.put(record("t", "<script>alert('x')</script> & more"))
    one = search(kb, "alert")["items"][0]["snippets"][0]

    assert one["html"] == "&lt;script&gt;<mark>alert</mark>(&#x27;x&#x27;)&lt;/script&gt; &amp; more"


# ── When ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_revision_finds_what_stood_then(kb: KnowledgeBase) -> None:
    first = kb.put(record("t", "Ferries"))
    second = kb.put(record("t", "Bridges"))
    third = kb.retract("topic", "t")

    assert [found(kb, "ferries", as_of=n) for n in (first, second, third)] == [[("topic", "t")], [], []]
    assert [found(kb, "bridges", as_of=n) for n in (first, second, third)] == [[], [("topic", "t")], []]
    assert found(kb, "ferries") == found(kb, "bridges") == []
    assert search(kb, "ferries", as_of=first)["items"][0]["title"] == "Ferries"


def test_nothing_is_found_before_it_is_published_nor_when_it_was_abandoned(kb: KnowledgeBase) -> None:
    from app import ledger

    kb.put(record("s", "Standing"))
    with kb.database.write() as connection:
        number = ledger.start(connection, ledger.Change("edit", "a test", "Test"), kb.clock())
        ledger.put(connection, number, "topic", [record("t", "Ferries")[1], record("s", "Changed")[1]], origin=None)
    assert found(kb, "ferries") == found(kb, "changed") == []
    assert found(kb, "standing") == [("topic", "s")]

    with kb.database.write() as connection:
        ledger.abandon(connection, number)
    again = kb.put(record("u", "Ferries"))

    assert again > number
    assert found(kb, "ferries") == [("topic", "u")]
    assert found(kb, "standing") == [("topic", "s")]


def test_within_a_revision_the_last_word_counts(kb: KnowledgeBase) -> None:
    kb.put(record("t", "Ferries"), record("t", "Bridges"))

    assert found(kb, "ferries") == []
    assert found(kb, "bridges") == [("topic", "t")]


def test_knowledge_from_outside_is_found_only_by_who_asks_for_it(kb: KnowledgeBase) -> None:
    note = {"source": "Encyclopaedia", "note": None}
    names = [
        {"text": "Lena Voss", "kind": "name", "language": "en"},
        {"text": "Helena Vossberg", "kind": "name", "language": "de", "enrichment": note},
    ]
    kb.load(dossier(actors=[person(names=names)]))

    assert found(kb, "Vossberg") == []
    assert found(kb, "Vossberg", enrichment="true") == [("actor", "lena-voss")]
    assert found(kb, "Voss") == [("actor", "lena-voss")]
    assert search(kb, "Vossburg")["did_you_mean"] == []
    assert search(kb, "Vossburg", enrichment="true")["did_you_mean"][0]["q"] == "vossberg"


def test_a_renamed_record_is_found_as_what_it_is_now(kb: KnowledgeBase) -> None:
    kb.load(dossier(topics=[topic("ferry", "Ferries")]))
    kb.load(dossier(topics=[{**topic("ferries", "Ferries"), "formerly": ["ferry"]}]))

    assert found(kb, "ferries") == [("topic", "ferries")]


# ── Texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_searched_while_it_is_at_hand_and_not_a_moment_longer(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person(), state()], statements=[statement()], claims=[claim()]))
    assert found(kb, "observers doubt") == []

    kb.attach(SOURCE, TEXT)
    answer = search(kb, "observers doubt")
    assert {item["type"] for item in answer["items"]} == {"passage", "source"}
    whole = next(item for item in answer["items"] if item["type"] == "source")["snippets"][0]
    assert whole["field"] == "full_text"
    assert "<mark>Observers</mark> <mark>doubt</mark>" in whole["html"]
    assert TEXT[whole["start"] :].startswith(whole["text"].removeprefix("… ")[:20])

    kb.withdraw(SOURCE)
    assert found(kb, "observers doubt") == []
    assert found(kb, "observers doubt", as_of=kb.latest) == []
    assert search(kb, "obsrvers")["did_you_mean"] == []


def test_passages_that_come_after_the_text_are_found_too(kb: KnowledgeBase) -> None:
    few = dossier(actors=[person(), state()], statements=[statement()])
    kb.load(few)
    kb.attach(SOURCE, TEXT)
    first = kb.latest
    more = dossier(actors=[person(), state()], statements=[statement()], claims=[claim()])
    more["passages"] = [*more["passages"][:1], *more["passages"][1:]]
    more["source"]["title"] = "The harbour"
    kb.load(more)

    assert ("source", SOURCE) in found(kb, "harbour spring")
    assert found(kb, "ferry pact") == found(kb, "ferry pact", as_of=first)
    assert [one for one in found(kb, "ferry pact") if one[0] == "source"] == [("source", SOURCE)]


def test_an_open_text_is_searched_from_the_start(seeded: KnowledgeBase) -> None:
    with seeded.database.read() as connection:
        there = connection.execute(text("SELECT count(*) FROM source_text")).scalar_one()
        kept = connection.execute(text("SELECT count(*) FROM searchable WHERE source IS NOT NULL")).scalar_one()

    assert bool(there) == bool(kept)


# ── Many ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_very_many_the_newest_are_ranked_the_others_follow_and_the_answer_says_so(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.answers.search.RANKED", 20)
    for part in range(3):
        kb.put(*[record(f"t{part}{n:02d}", f"Ferry {part} {n}") for n in range(15)])

    answer = search(kb, "ferry", limit=10, count="bounded")
    assert answer["count"] == {"n": 20, "exact": False}
    assert search(kb, "ferry", limit=10, count="exact")["count"] == answer["count"]
    assert "newest" in answer["ranking"]
    assert answer["facets"]["type"][0]["exact"] is False

    ids, cursor = [], ""
    while cursor is not None:
        page = search(kb, "ferry", limit=10, **({"cursor": cursor} if cursor else {}))
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(ids) == len(set(ids)) == 45
    assert {one[1] for one in ids[:15]} <= {"2", "1"}
    assert ids[20:] == sorted(ids[20:], key=lambda one: (one[1], one), reverse=True)


def test_a_search_takes_as_many_statements_for_many_hits_as_for_few(seeded: KnowledgeBase) -> None:
    def cost(limit: int, q: str) -> int:
        path = f"/v1/search?q={quote(q)}&limit={limit}"
        seeded.get(path, x_request_id="warm")
        with counting(seeded) as sent:
            assert seeded.get(path, x_request_id="counted").status_code == 200
        return len(sent)

    # One more where only the longer page shows the text of a source.
    assert cost(100, "Ukraine") - 1 <= cost(2, "Ukraine") <= 7
    assert cost(20, "ukrane and japn") <= 16


# ── The same on both databases, and as a scan of everything ─────────────────────────────────────────────────────────

WORDS = (
    "net",
    "zero",
    "Pact",
    "pacts",
    "Côte",
    "d’Ivoire",
    "U.S.",
    "EU's",
    "石破茂",
    "naïve",
    "x-ray",
    "2030",
    "Straße",
    "ok",
)
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
QUERIES = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.sampled_from(("pact", "cote", "us", "eu", "ne*", "stra*", "石*", "ray", "X", "strasse", "divoire*", "zzz")),
        TEXTS.map(lambda one: f'"{one}"'),
    ),
    min_size=1,
    max_size=3,
).map(" ".join)


@pytest.fixture(scope="module", params=BACKENDS)
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """Some hundred small records, the same on each database, with what they say."""
    from random import Random

    base = KnowledgeBase.at(database_url(request.param, request, tmp_path_factory.mktemp("corpus")))
    random = Random(4)
    some = {
        f"r{n:03d}": (
            " ".join(random.choices(WORDS, k=random.randint(1, 3))),
            " ".join(random.choices(WORDS, k=random.randint(1, 6))) if random.random() < 0.7 else None,
        )
        for n in range(150)
    }
    base.put(*[record(id, label, definition) for id, (label, definition) in some.items()])
    yield base, some
    base.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(q=QUERIES)
def test_a_search_finds_what_a_look_at_every_record_finds(corpus: tuple[Any, Any], q: str) -> None:
    base, some = corpus
    terms = read(q)

    wanted = {
        id
        for id, (label, definition) in some.items()
        if matches(terms, {"name": indexing.folded([label]), "gloss": indexing.folded([definition]), "linked": id})
    }
    got, cursor = [], ""
    while cursor is not None:
        page = search(base, q, limit=100, **({"cursor": cursor} if cursor else {}))
        got += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert len(got) == len(set(got))
    assert set(got) == wanted


# ── Upkeep ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ASKED = ("Ukraine", "security guarantees", "ishi*", "Tokyo", "observers")


def answers(kb: KnowledgeBase) -> list[Any]:
    """What some searches answer."""
    return [search(kb, q, limit=100, as_of=as_of) for q in ASKED for as_of in (2, kb.latest)]


def test_a_database_that_holds_records_is_indexed_by_the_migration(own_seeded: KnowledgeBase) -> None:
    from alembic.command import downgrade

    before = answers(own_seeded)
    with own_seeded.database.write() as connection:
        config = schema._config(MIGRATIONS)
        config.attributes["connection"] = connection
        downgrade(config, "20261125b")
    schema.migrate(own_seeded.database, MIGRATIONS)

    assert answers(own_seeded) == before
    assert list(examine(own_seeded.database, MIGRATIONS)) == []


def test_the_doctor_finds_a_broken_index_and_making_it_again_mends_it(own_seeded: KnowledgeBase) -> None:
    before = answers(own_seeded)
    for damage in (
        "DELETE FROM searchable WHERE id = 'ukraine'",
        "UPDATE searchable SET gloss = 'nothing' WHERE gloss <> ''",
        text_sqlite.DELETE if own_seeded.database.embedded else text_postgresql.DELETE,
        "DROP TABLE search_words",
    ):
        with own_seeded.database.write() as connection:
            row = connection.execute(text("SELECT max(number) FROM searchable")).scalar_one()
            connection.execute(text(damage), {"number": row} if ":number" in damage else {})
        told = list(examine(own_seeded.database, MIGRATIONS))
        assert told, damage
        assert all("chancery reindex" in one for one in told), damage

        with own_seeded.database.write() as connection:
            indexing.rebuild(connection)
        assert list(examine(own_seeded.database, MIGRATIONS)) == []
    assert answers(own_seeded) == before


def test_reindexing_is_a_command(tmp_path: Path, migrated_file: Path) -> None:
    import shutil

    from typer.testing import CliRunner

    from app.cli import app

    shutil.copy(migrated_file, tmp_path / "chancery.db")
    done = CliRunner().invoke(app, ["reindex", "--database", f"sqlite:///{tmp_path / 'chancery.db'}"])

    assert done.exit_code == 0
    assert re.fullmatch(r"The index was made again: \d+ rows\.\n", done.output)


# ── As a filter ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("few", [1_000, 0], ids=["named", "looked through"])
def test_q_finds_the_same_by_the_index_as_by_a_look_at_each_record(
    seeded: KnowledgeBase, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("app.query.sql.FEW", 10_000)
        named = {
            (name, q): seeded.ids(f"/v1/{name}?q={quote(q)}") for name in RESOURCES for q in ("ukr", "s", "japan's")
        }
    monkeypatch.setattr("app.query.sql.FEW", few)
    for (name, q), wanted in named.items():
        assert seeded.ids(f"/v1/{name}?q={quote(q)}&limit=499") == wanted, (name, q)
    assert named["statements", "ukr"]


def test_q_finds_passages_and_sources_by_their_text_while_it_is_at_hand(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person(), state()], statements=[statement()]))
    assert kb.ids("/v1/passages?q=observers") == kb.ids("/v1/sources?q=observers") == []

    kb.attach(SOURCE, TEXT)
    assert len(kb.ids("/v1/passages?q=observ")) == 1
    assert kb.ids("/v1/sources?q=observ+harbour") == [SOURCE]

    kb.withdraw(SOURCE)
    assert kb.ids("/v1/passages?q=observ") == kb.ids("/v1/sources?q=observ") == []
