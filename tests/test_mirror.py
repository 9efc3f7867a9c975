"""Another knowledge base replayed into an empty one: the same numbers, and the same answer to every question."""

from __future__ import annotations

import itertools
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app import ledger
from app.cli import app as command
from app.errors import Conflict, NotFound
from app.ledger import Change
from app.resources import RESOURCES
from app.writing.mirror import Mirror
from tests.base import KnowledgeBase, Now
from tests.conftest import BACKENDS, database_url
from tests.making import SOURCE, TEXT, dossier, event, person, state, statement, topic
from tests.serving import answer, free_port, started
from tests.test_migrations import CHECKOUT


def live(base: KnowledgeBase) -> None:
    """A life of a knowledge base, with everything that can happen to a record."""
    key = base.key("admin", name="desk")
    outside = {"source": "https://example.org", "note": None}
    mayor = person("the-mayor", "Mayor Voss", identifiers=[{"scheme": "x", "value": "1", "enrichment": outside}])
    whole = dossier(
        text="open",
        actors=[person(), mayor, state(formerly=["arden-of-old"])],
        statements=[statement(), statement("voss-again", speaker="the-mayor")],
        events=[event(participants=[{"actor": "the-mayor", "role": "host"}])],
        topics=[topic("ferries"), topic("walls")],
    )
    base.load(whole)
    base.attach(f"arden-{SOURCE}", TEXT)
    with base.database.write() as connection:
        abandoned = ledger.start(connection, Change("edit", "nobody", "A slip"), base.clock())
        ledger.abandon(connection, abandoned)
    record = base.json("/v1/statements/voss-pier")
    base.send("PUT", "/v1/statements/voss-pier", {**record, "gloss": "Another pier."}, key=key, If_Match="*")
    base.send("POST", "/v1/actors/the-mayor/merge", {"into": "lena-voss", "why": "One."}, key=key)
    base.send("DELETE", "/v1/topics/walls?why=Not+used.", key=key, If_Match="*")
    base.send("DELETE", "/v1/actors/the-mayor/merge?why=Two.", key=key)
    base.send("PUT", "/v1/topics/walls", {"label": "Town walls"}, key=key, If_None_Match="*")
    base.send("POST", "/v1/actors/the-mayor/merge", {"into": "lena-voss", "why": "One after all."}, key=key)


@pytest.fixture(params=BACKENDS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[KnowledgeBase, KnowledgeBase]]:
    """A knowledge base that has lived, on SQLite, and an empty one on each database."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = KnowledgeBase.at(database_url("sqlite", request, tmp_path / "one"))
    two = KnowledgeBase.at(database_url(request.param, request, tmp_path / "two"))
    live(one)
    yield one, two
    one.close()
    two.close()


@dataclass
class Asked:
    """A knowledge base as its mirror sees it."""

    base: KnowledgeBase

    def got(self, path: str, **headers: str) -> Any:
        told = self.base.get(path, **headers)
        if told.status_code == 404:
            raise NotFound(path)
        assert told.status_code == 200, told.text
        return told

    def json(self, path: str) -> Any:
        return self.got(path).json()

    def text(self, path: str) -> str:
        return str(self.got(path).text)

    def tag(self, path: str) -> str | None:
        return str(self.got(path).headers["etag"])

    def lines(self, path: str) -> Iterator[bytes]:
        yield from self.got(path).content.splitlines()


def mirror(one: KnowledgeBase, two: KnowledgeBase, **more: Any) -> Mirror:
    """The second as a mirror of the first."""
    return Mirror(two.database, Asked(one), Now(), **more)


def questions(base: KnowledgeBase) -> Iterator[str]:
    """What can be asked of everything that a knowledge base knows or knew."""
    yield from (
        "/v1/revisions?limit=500",
        "/v1/vocabularies",
        "/v1/changes?limit=500",
        "/v1/changes?limit=500&enrichment=true",
    )
    yield from (f"/v1/revisions/{n}" for n in range(1, base.latest + 2))
    ids = {
        name: sorted(
            {one["id"] for one in base.json("/v1/changes?limit=500&enrichment=true")["items"] if one["type"] == noun}
        )
        for name, noun in ((one.name, one.noun) for one in RESOURCES.values())
    }
    views = ["", *(f"as_of={n}" for n in range(1, base.latest + 1))]
    for name, view, outside in itertools.product(RESOURCES, views, ("", "enrichment=true")):
        asked = "&".join(filter(None, (view, outside)))
        yield f"/v1/{name}?limit=500&{asked}".rstrip("&")
        yield from (f"/v1/{name}/{id}?{asked}".rstrip("?") for id in ids[name])
    yield from (f"/v1/{name}/{id}/revisions" for name in RESOURCES for id in ids[name])
    yield from (
        "/v1/resolve?name=Mayor+Voss",
        "/v1/actors/arden-of-old",
        "/v1/statements?speaker=the-mayor&facet=speaker",
    )


def told(base: KnowledgeBase, path: str) -> tuple[int, str | None, str]:
    """An answer without what belongs to the one request."""
    got = base.get(path)
    return got.status_code, got.headers.get("location"), re.sub(r'"request_id":"\w+"', "", got.text)


def test_a_mirror_answers_every_question_alike(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair

    replayed = [revision["number"] for revision in mirror(one, two).catch_up()]

    assert replayed == [1, 3, 4, 5, 6, 7, 8]
    asked = list(questions(one))
    assert len(asked) > 300
    assert [path for path in asked if told(one, path) != told(two, path)] == []


def test_a_mirror_of_the_seed_finds_ranks_and_orders_alike(
    own_seeded: KnowledgeBase, request: pytest.FixtureRequest, tmp_path: Path
):
    one = own_seeded
    (tmp_path / "two").mkdir()
    two = KnowledgeBase.at(database_url("sqlite", request, tmp_path / "two"))
    list(mirror(one, two).catch_up())

    sought = ("japan", "security", "support", "ishiba", "japan+ukraine", "g7")
    asked = [f"/v1/search?q={words}&limit=100{more}" for words in sought for more in ("", "&enrichment=true")]
    asked += [f"/v1/{name}?q={words}&limit=5&facet=source" for words in sought for name in ("statements", "claims")]
    for id in one.ids("/v1/actors?limit=500")[:12]:
        asked += [f"/v1/{question}?actor={id}" for question in ("timeline", "network", "positions")]
        asked += [f"/v1/resolve?name={id}"]
    asked += ["/v1/changes?limit=500&format=atom", "/v1/statements?format=atom", "/v1/statements?format=csv"]

    assert [path for path in asked if told(one, path) != told(two, path)] == []
    two.close()


def test_a_mirror_goes_on_where_it_stopped(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    first = mirror(one, two).catch_up()
    assert next(first)["number"] == 1
    first.close()

    assert [revision["number"] for revision in mirror(one, two).catch_up()] == [3, 4, 5, 6, 7, 8]
    one.retract("topic", "ferries")
    assert [revision["number"] for revision in mirror(one, two).catch_up()] == [9]
    assert list(mirror(one, two).catch_up()) == []
    assert told(one, "/v1/topics/ferries") == told(two, "/v1/topics/ferries")


def test_a_database_of_its_own_is_made_no_mirror(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    two.load(dossier("belmont", topics=[topic("locks")]))

    with pytest.raises(Conflict, match="no mirror"):
        list(mirror(one, two).catch_up())
    assert two.latest == 1


def test_a_revision_that_breaks_off_is_not_there_at_all(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    whole = mirror(one, two)

    class Breaking(Asked):
        def json(self, path: str) -> Any:
            if path.startswith("/v1/changes"):
                raise ConnectionError("gone")
            return Asked.json(self, path)

    whole.other = Breaking(one)
    with pytest.raises(ConnectionError):
        list(whole.catch_up())

    assert two.latest == 0
    with two.database.read() as connection:
        assert ledger.opened(connection) is None


def test_an_import_of_coded_events_is_not_passed_over_in_silence(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    covers = {"edtf": None, "first": None, "last": None, "words": None, "basis": None}
    dataset = {"id": "icews", "name": "ICEWS", "publisher": None, "licence": None, "release": None, "url": None}
    dataset |= {"covers": covers, "events": 2, "reports": 2, "rejected": 0, "evidence": []}
    with one.database.write() as connection:
        number = ledger.start(connection, Change("import", "desk", "Import", "icews"), one.clock())
        ledger.put(connection, number, "dataset", [dataset], origin="icews")
        ledger.publish(connection, number, one.clock(), more={"created": {"event": 2}})

    with pytest.raises(Conflict, match="--without-events"):
        list(mirror(one, two).catch_up())
    assert two.latest == 8

    assert [revision["number"] for revision in mirror(one, two, without_events=True).catch_up()] == [9]
    assert told(one, "/v1/revisions/9") == told(two, "/v1/revisions/9")


def test_the_command_mirrors_a_server(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path):
    port = free_port()
    url = database_url("sqlite", request, tmp_path)
    served = KnowledgeBase.at(url)
    live(served)
    served.close()
    (tmp_path / "own").mkdir()
    own = f"sqlite:///{tmp_path / 'own' / 'mirror.db'}"
    serving = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--database", url]
    with started(serving, folder=CHECKOUT, settings={"CHANCERY_DATA": str(tmp_path)}) as program:
        answer(program, port, "/readyz")
        done = CliRunner().invoke(command, ["mirror", f"http://127.0.0.1:{port}/", "--once", "--database", own])
    away = CliRunner().invoke(command, ["mirror", f"http://127.0.0.1:{port}/", "--once", "--database", own])

    assert done.exit_code == 0, done.output
    assert "Revision 8, desk: One after all." in done.output
    mine = KnowledgeBase.at(own)
    assert mine.json("/v1/passages?limit=1")["items"][0]["exact"] is not None  # the text of an open source came along
    mine.close()
    assert away.exit_code != 0


def test_a_mirror_that_follows_is_told_at_once(request: pytest.FixtureRequest, tmp_path: Path):
    port = free_port()
    url = database_url("sqlite", request, tmp_path)
    served = KnowledgeBase.at(url)
    served.load(dossier(topics=[topic("ferries")]))
    (tmp_path / "own").mkdir()
    own = f"sqlite:///{tmp_path / 'own' / 'mirror.db'}"
    settings = {"CHANCERY_DATA": str(tmp_path)}
    chancery = [sys.executable, "-m", "app.cli"]

    with started(
        [*chancery, "serve", "--port", str(port), "--database", url], folder=CHECKOUT, settings=settings
    ) as one:
        answer(one, port, "/readyz")
        # It would look for news by itself only after a minute.
        following = [*chancery, "mirror", f"http://127.0.0.1:{port}", "--every", "60", "--database", own]
        with started(following, folder=CHECKOUT, settings=settings) as two:
            until = time.monotonic() + 20
            while "Revision 1," not in two.output and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(0.5)
            served.retract("topic", "ferries", why="No ferries any more.")
            while "Revision 2," not in two.output and time.monotonic() < until:
                time.sleep(0.05)
            assert "Revision 2, a test: No ferries any more." in two.output
    served.close()


# ── Texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

SHOWN = f"/v1/passages?source=arden-{SOURCE}&limit=500"
HARBOUR = "/v1/search?q=harbour"


def counted(one: KnowledgeBase) -> Asked:
    """A knowledge base that counts how often its texts are asked for."""

    class Counting(Asked):
        asked = 0

        def got(self, path: str, **headers: str) -> Any:
            self.asked += "/text" in path
            return Asked.got(self, path, **headers)

    return Counting(one)


def test_a_text_that_is_withdrawn_at_the_source_is_gone_in_the_mirror(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    following = mirror(one, two)
    list(following.catch_up())
    assert told(one, SHOWN) == told(two, SHOWN)
    assert two.json(SHOWN)["items"][0]["exact"] is not None

    one.withdraw(f"arden-{SOURCE}")
    assert list(following.catch_up()) == []

    for path in (SHOWN, f"{SHOWN}&as_of=1", HARBOUR, f"{HARBOUR}&as_of=1"):
        assert told(one, path) == told(two, path), path
    assert two.json(SHOWN)["items"][0]["exact"] is None
    assert two.get(f"/v1/sources/arden-{SOURCE}/text").status_code == 404


def test_a_text_that_was_withdrawn_while_the_mirror_did_not_run_is_gone_at_its_next_look(
    pair: tuple[KnowledgeBase, KnowledgeBase],
):
    one, two = pair
    list(mirror(one, two).catch_up())
    one.withdraw(f"arden-{SOURCE}")

    list(mirror(one, two).catch_up())
    assert told(one, SHOWN) == told(two, SHOWN)
    one.attach(f"arden-{SOURCE}", TEXT)
    list(mirror(one, two).catch_up())

    assert two.json(SHOWN)["items"][0]["exact"] is not None
    assert told(one, SHOWN) == told(two, SHOWN)


def test_a_text_goes_though_the_log_cannot_be_gone_on_with(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    following = mirror(one, two)
    list(following.catch_up())
    one.withdraw(f"arden-{SOURCE}")
    following.other = Odd(one, {"items": None}, None)

    with pytest.raises(Conflict):
        list(following.catch_up())

    assert two.json(SHOWN)["items"][0]["exact"] is None


def test_texts_are_looked_at_only_when_some_text_there_changed(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    other = counted(one)
    following = Mirror(two.database, other, Now())
    list(following.catch_up())
    assert other.asked == 1

    one.load(dossier("belmont", topics=[topic("locks")]))
    one.retract("topic", "ferries")
    list(following.catch_up())
    seen = other.asked
    list(following.catch_up())

    assert other.asked == seen


def test_a_text_outlives_its_source_in_the_mirror_as_it_does_there(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    one.load(dossier("belmont", text="open"))
    one.attach(f"belmont-{SOURCE}", TEXT)
    for passage in one.ids(f"/v1/passages?source=belmont-{SOURCE}"):
        one.retract("passage", passage)
    one.retract("source", f"belmont-{SOURCE}")
    assert one.get(f"/v1/sources/belmont-{SOURCE}").status_code == 410
    before = f"/v1/passages?source=belmont-{SOURCE}&as_of=9&limit=500"

    list(mirror(one, two).catch_up())

    assert two.json(before)["items"][0]["exact"] is not None
    assert told(one, before) == told(two, before)


def test_texts_that_are_attached_stay_where_they_are_on_either_side(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    one.load(dossier("belmont"))
    one.load(dossier("corvo"))
    one.attach(f"belmont-{SOURCE}", TEXT)
    list(mirror(one, two).catch_up())
    assert two.get(f"/v1/sources/belmont-{SOURCE}/text").status_code == 404

    two.attach(f"corvo-{SOURCE}", TEXT)  # whoever runs the mirror may hold it
    one.withdraw(f"belmont-{SOURCE}")
    list(mirror(one, two).catch_up())

    assert two.get(f"/v1/sources/corvo-{SOURCE}/text").text == TEXT


def test_a_text_that_is_not_the_one_described_is_refused_by_name(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    following = mirror(one, two)

    class Forging(Asked):
        def text(self, path: str) -> str:
            return "The harbour stays shut."

    following.other = Forging(one)
    with pytest.raises(Conflict, match=f"arden-{SOURCE}"):
        list(following.catch_up())
    assert two.json(SHOWN)["items"][0]["exact"] is None


# ── Proposals ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_proposal_comes_to_the_mirror_when_it_is_accepted(pair: tuple[KnowledgeBase, KnowledgeBase]):
    one, two = pair
    key = one.key("admin", name="chief")
    list(mirror(one, two).catch_up())
    proposed = dossier("belmont", topics=[topic("locks")])
    made = one.send("POST", "/v1/dossiers?state=proposed", proposed, key=key).json()

    assert list(mirror(one, two).catch_up()) == []
    assert two.get("/v1/topics/locks").status_code == 404
    accepted = one.send("POST", f"{made['self']}/accept", {"why": "Well read."}, key=key)
    assert accepted.status_code == 200, accepted.text
    list(mirror(one, two).catch_up())

    asked = [
        "/v1/topics/locks",
        "/v1/topics?as_of=8",
        "/v1/topics?limit=500",
        "/v1/changes?limit=500",
        "/v1/search?q=locks",
    ]
    assert [path for path in asked if told(one, path) != told(two, path)] == []
    assert two.json("/v1/topics/locks")["since"] == 9


# ── Others that answer what none does ───────────────────────────────────────────────────────────────────────────────


@dataclass
class Odd(Asked):
    """Somebody who answers for the log, and for the changes unless that is None, what was made up."""

    log: Any
    changes: Any

    def json(self, path: str) -> Any:
        if path.startswith("/v1/revisions?"):
            return self.log
        return Asked.json(self, path) if self.changes is None else self.changes


def test_an_other_that_answers_what_none_does_is_refused_and_nothing_is_kept(
    pair: tuple[KnowledgeBase, KnowledgeBase],
):
    one, two = pair
    first = one.json("/v1/revisions/1")
    step = one.json("/v1/changes?after=0&limit=1&enrichment=true")["items"][0]
    pages: list[tuple[Any, Any]] = [
        ({}, None),
        ([], None),
        (None, None),
        ({"items": None, "next_cursor": None}, None),
        *(({"items": [{**first, **odd}], "next_cursor": None}, None) for odd in (
            {"number": "1"}, {"number": 0}, {"number": -5}, {"number": 2**40}, {"number": True}, {"number": 1.5},
            {"why": None}, {"by": 7}, {"by": "a\0b"}, {"kind": ["dossier"]}, {"origin": {}}, {"counts": None},
            {"counts": {"created": {"actor": "many"}}}, {"counts": {"created": {"actor": 99}}},
            {"published_at": "yesterday"}, {"published_at": "9999-12-31T23:59:59Z", "opened_at": "0001-01-01T00:00:00+14:00"},
        )),
        *(({"items": [first], "next_cursor": None}, {"items": [{**step, **odd}], "next_cursor": None}) for odd in (
            {"type": "war"}, {"type": None}, {"after": None}, {"after": []}, {"after": {}}, {"after": {"id": "a\0b"}},
            {"after": {**step["after"], "id": 7}}, {"after": {**step["after"], "id": "x" * 5_000_000}},
            {"act": "merge", "now": 7}, {"revision": None},
        )),
    ]  # fmt: skip
    for log, changes in pages:
        following = mirror(one, two)
        following.other = Odd(one, log, changes)
        with pytest.raises(Conflict) as refused:
            list(following.catch_up())
        assert len(refused.value.detail) < 1_500, (log, changes)
        assert two.latest == 0
        with two.database.read() as connection:
            assert ledger.opened(connection) is None

    list(mirror(one, two).catch_up())
    assert told(one, "/v1/changes?limit=500") == told(two, "/v1/changes?limit=500")
