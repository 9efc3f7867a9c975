"""Can the log and any list be followed, live and by a feed reader, without a gap, a repeat or a burden on others?"""

from __future__ import annotations

import asyncio
import http.client
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import orjson
import pytest

from app.settings import Settings
from app.writing import keys
from tests.base import KnowledgeBase, scope_of
from tests.brute import actor, statement
from tests.conftest import BACKENDS, database_url
from tests.making import dossier, person
from tests.test_query_counts import counting
from tests.test_serve import serving

EVENTS = {"accept": "text/event-stream"}


# ── Live ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Follower:
    """A client of the live feed, spoken to without a socket: what it got, and how it reads and goes."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> dict[str, Any]:
        await self.leaving.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        await self.reading.wait()
        self.body += message.get("body", b"")
        self.ended = not message.get("more_body", False)

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """The events so far: (id, change)."""
        blocks = [block.split("\n") for block in self.body.decode().split("\n\n")]
        return [
            (block[0].removeprefix("id: "), orjson.loads(block[1][6:])) for block in blocks if block[0][:3] == "id:"
        ]

    @property
    def positions(self) -> list[str]:
        return [id for id, _ in self.events]

    async def until(self, met: Callable[[], bool], within_s: float = 8) -> None:
        """Wait until something holds."""
        limit = time.monotonic() + within_s
        while not met():
            assert time.monotonic() < limit, self.body[-2000:]
            await asyncio.sleep(0.02)


@asynccontextmanager
async def following(kb: KnowledgeBase, query: str = "", **headers: str) -> AsyncIterator[Follower]:
    """A follower that has connected."""
    follower = Follower()
    follower.reading.set()
    path, _, asked = f"/v1/changes{query}".partition("?")
    told = {**EVENTS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = scope_of(path, asked, told)
    app: Any = kb.client.app
    task = asyncio.create_task(app(scope, follower.receive, follower.send))
    await follower.until(lambda: follower.status != 0)
    yield follower
    follower.leaving.set()
    await asyncio.wait_for(task, 5)


def followers(kb: KnowledgeBase) -> Any:
    app: Any = kb.client.app
    return app.app.state.followers


def test_what_is_published_reaches_a_follower_in_order_and_once(kb: KnowledgeBase) -> None:
    async def run() -> None:
        kb.put(("actor", actor("a1")), ("actor", actor("a2")))
        async with following(kb) as follower:
            await follower.until(lambda: len(follower.events) == 2)
            await asyncio.to_thread(kb.put, ("actor", actor("a3")))
            await follower.until(lambda: len(follower.events) == 3)
            await asyncio.to_thread(kb.retract, "actor", "a1")
            await follower.until(lambda: len(follower.events) == 4)

        assert follower.headers["content-type"].startswith("text/event-stream")
        assert follower.headers["kb-revision"] == "1"
        assert follower.positions == ["1.1", "1.2", "2.1", "3.1"]
        assert [change for _, change in follower.events] == kb.json("/v1/changes")["items"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "last", "wanted"),
    [
        ("", "1.1", ["1.2", "2.1"]),
        ("", "1", ["2.1"]),
        ("?after=2", "1.2", ["2.1"]),  # a browser comes back to its first address: the header knows better
        ("?after=1.1", "", ["1.2", "2.1"]),
        ("?cursor=1.1", "", ["1.2", "2.1"]),
        ("?format=sse&after=1", "", ["2.1"]),
    ],
)
def test_a_follower_that_comes_back_gets_what_it_missed(
    kb: KnowledgeBase, query: str, last: str, wanted: list[str]
) -> None:
    kb.put(("actor", actor("a1")), ("actor", actor("a2")))
    kb.put(("actor", actor("a3")))

    async def run() -> list[str]:
        async with following(kb, query, **({"Last-Event-ID": last} if last else {})) as follower:
            await follower.until(lambda: len(follower.events) == len(wanted))
            return follower.positions

    assert asyncio.run(run()) == wanted


def test_a_long_revision_arrives_whole_and_a_view_without_enrichment_sees_no_more_than_its_own(
    kb: KnowledgeBase,
) -> None:
    outside = {"enrichment": {"source": "elsewhere", "note": None}}
    kb.put(*[("actor", actor(f"a{n:03d}")) for n in range(160)])
    kb.put(("actor", {**actor("outside"), **outside}))

    async def run(query: str, number: int) -> list[tuple[str, dict[str, Any]]]:
        async with following(kb, query) as follower:
            await follower.until(lambda: len(follower.events) == number)
            await asyncio.sleep(0.4)
            return follower.events

    plain, whole = asyncio.run(run("", 160)), asyncio.run(run("?enrichment=true", 161))

    assert len({id for id, _ in plain}) == 160
    assert whole[-1][1]["id"] == "outside"


def test_a_slow_reader_costs_nobody_else_and_is_given_up_at_last(kb: KnowledgeBase) -> None:
    app: Any = followers(kb)
    app.settings = Settings(database=kb.settings.database, stall_seconds=0.6)

    async def run() -> None:
        async with following(kb) as slow, following(kb) as quick:
            slow.reading.clear()
            with counting(kb) as sent:
                await asyncio.to_thread(kb.put, *[("actor", actor(f"a{n}")) for n in range(5)])
                await quick.until(lambda: len(quick.events) == 5)
                before = len(sent)
                await asyncio.sleep(1)
            assert app.count == 1, "the slow one has lost its place"
            assert len(sent) - before <= 14, "waiting asks hardly anything"
            assert kb.get("/v1/actors").status_code == 200

    asyncio.run(run())
    assert app.count == 0


def test_many_followers_ask_the_database_as_often_as_one(kb: KnowledgeBase) -> None:
    async def run(number: int) -> int:
        opened = [following(kb, "?after=1") for _ in range(number)]
        for one in opened:
            await one.__aenter__()
        with counting(kb) as sent:
            await asyncio.sleep(1)
            n = len(sent)
        for one in opened:
            await one.__aexit__(None, None, None)
        return n

    kb.put(("actor", actor("a1")))

    assert asyncio.run(run(20)) <= 12


def test_beyond_so_many_followers_there_is_advice_and_a_place_is_free_again_afterwards(kb: KnowledgeBase) -> None:
    app: Any = followers(kb)
    app.settings = Settings(database=kb.settings.database, followers=1)

    async def run() -> None:
        async with following(kb), following(kb) as second:
            await second.until(lambda: second.ended)
            assert second.status == 503
            assert second.headers["retry-after"] == "30"
            assert b"/v1/changes?after=" in second.body
        async with following(kb) as third:
            assert third.status == 200

    asyncio.run(run())


def test_a_follower_hears_that_nothing_is_new_and_is_let_go_cleanly(kb: KnowledgeBase) -> None:
    app: Any = followers(kb)
    app.settings = Settings(database=kb.settings.database, heartbeat_seconds=0.2)

    async def run() -> None:
        async with following(kb) as follower:
            await follower.until(lambda: follower.body.count(b": nothing new\n\n") >= 2)
            app.leave()
            await follower.until(lambda: follower.ended)
        assert follower.body.startswith(b"retry: ")
        assert app.count == 0

    asyncio.run(run())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_key_that_is_revoked_ends_what_it_follows(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kb = KnowledgeBase.at(database_url(backend, request, tmp_path), reads="closed", heartbeat_seconds=0.1)
    key = kb.key("read", name="reader")

    async def run() -> None:
        async with following(kb, Authorization=f"Bearer {key}") as follower:
            await follower.until(lambda: follower.body.count(b": nothing new\n\n") >= 3)
            with kb.database.write() as connection:
                keys.revoke(connection, "reader", kb.clock())
            await follower.until(lambda: follower.ended)
        async with following(kb, Authorization=f"Bearer {key}") as late:
            assert late.status == 401

    asyncio.run(run())
    kb.close()


def test_the_headers_of_the_live_feed_can_be_asked_for_alone(kb: KnowledgeBase) -> None:
    answer = kb.client.head("/v1/changes", headers=EVENTS)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    ("query", "headers", "name"),
    [
        ("", {"Last-Event-ID": "x"}, "Last-Event-ID"),
        ("", {"Last-Event-ID": "9" * 400}, "Last-Event-ID"),
        ("?after=x", {}, "after"),
        ("?cursor=1.-1", {}, "cursor"),
        ("?as_of=0", {}, "as_of"),
        ("?limit=3", {}, "limit"),
        ("?format=sss", {}, "format"),
        ("?aftr=3", {}, "aftr"),
    ],
)
def test_a_live_feed_that_cannot_be_is_refused(
    kb: KnowledgeBase, query: str, headers: dict[str, str], name: str
) -> None:
    answer = kb.client.get(f"/v1/changes{query}", headers={**EVENTS, **headers})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"] == name


def test_a_server_that_ends_lets_its_followers_go_and_serves_them_until_then(tmp_path: Path) -> None:
    got: list[bytes] = []

    with serving(tmp_path, CHANCERY_DRAIN_SECONDS="20") as server:
        with closing(http.client.HTTPConnection(server.host, server.port, timeout=20)) as connection:
            connection.request("GET", "/v1/changes?after=0", headers=EVENTS)
            answer = connection.getresponse()
            reader = threading.Thread(target=lambda: got.append(answer.read()))
            reader.start()
            time.sleep(0.5)
            begun = time.monotonic()
            status = server.end(signal.SIGTERM)
            reader.join(10)

        assert status == 0
        assert time.monotonic() - begun < 5
        assert not reader.is_alive()
        # Read to its end: a stream that was cut would have raised.
        assert got[0].startswith(b"retry: ")


# ── Atom ────────────────────────────────────────────────────────────────────────────────────────────────────────────


ATOM = {"a": "http://www.w3.org/2005/Atom"}


def read(content: bytes) -> Any:
    """A feed as a feed reader sees it, which must find nothing wrong with it."""
    found = feedparser.parse(content)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    root = ElementTree.fromstring(content)  # noqa: S314 - our own
    for place in (root, *root.findall("a:entry", ATOM)):
        for name in ("id", "title", "updated"):
            assert len(place.findall(f"a:{name}", ATOM)) == 1, name
    return found


def test_a_feed_reader_can_watch_one_actor(seeded: KnowledgeBase) -> None:
    path = "/v1/statements?speaker=Ishiba"
    answer = seeded.get(f"{path}&format=atom")
    items = {item["id"]: item for item in seeded.json(f"{path}&limit=500")["items"]}
    log = {row["number"]: row for row in seeded.json("/v1/revisions")["items"]}
    found = read(answer.content)

    assert answer.headers["content-type"] == "application/atom+xml"
    assert answer.headers["etag"]
    assert "speaker is shigeru-ishiba" in found.feed.title
    assert {entry.id for entry in found.entries} == {f"urn:chancery:{id}" for id in items}
    for entry in found.entries:
        item = items[entry.id.removeprefix("urn:chancery:")]
        assert entry.title.startswith("Shigeru Ishiba: ")
        assert entry.summary == item["gloss"]
        assert entry.updated == log[item["since"]]["published_at"]
        assert entry.author == log[item["since"]]["by"]
        assert [one.href for one in entry.links] == [item["self"].removeprefix("/v1"), item["self"]]
        assert seeded.get(entry.link).headers["content-type"].startswith("text/html")
        assert {tag.term for tag in entry.tags if tag.scheme == "urn:chancery:topics"} == set(item["topics"])
    assert (
        seeded.client.get(f"{path}&format=atom", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    )


@pytest.mark.parametrize("path", ["actors", "statements", "claims", "agreements", "provisions", "events", "relations"])
def test_every_list_is_a_feed_too(rich: KnowledgeBase, path: str) -> None:
    found = read(rich.client.get(f"/v1/{path}", headers={"Accept": "application/atom+xml"}).content)

    assert found.entries
    assert len({entry.id for entry in found.entries}) == len(found.entries)
    assert [one.updated for one in found.entries] == sorted((one.updated for one in found.entries), reverse=True)


def test_a_changed_record_comes_first_under_the_id_it_had(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person(), person("ann", "Ann")]))
    before = read(kb.get("/v1/actors?format=atom").content)
    kb.load(dossier(actors=[person(), person("ann", "Ann Voss")]))
    after = read(kb.get("/v1/actors?format=atom").content)

    assert before.feed.id == after.feed.id
    assert {one.id for one in before.entries} == {one.id for one in after.entries}
    assert after.entries[0].title == "Ann Voss"
    assert after.feed.updated == after.entries[0].updated > before.feed.updated


def test_a_feed_is_walked_by_its_links(kb: KnowledgeBase) -> None:
    for n in range(5):
        kb.put(*[("actor", actor(f"a{n}{m}")) for m in range(2)])
    for path in ("/v1/actors?limit=3&format=atom", "/v1/changes?limit=3&format=atom"):
        found: list[str] = []
        here: str | None = path
        while here is not None:
            page = read(kb.get(here).content)
            found += [entry.id for entry in page.entries]
            here = next((one.href for one in page.feed.links if one.rel == "next"), None)
        assert len(found) == len(set(found)) == 10


def test_the_log_as_a_feed_has_every_change_newest_revision_first(own_seeded: KnowledgeBase) -> None:
    own_seeded.retract("statement", own_seeded.ids("/v1/statements?limit=500")[0], why="It was <wrong> & more.")
    items = own_seeded.json("/v1/changes?limit=500&after=1")["items"]
    found = read(own_seeded.get("/v1/changes?format=atom&limit=500&after=1").content)

    assert {entry.id for entry in found.entries} == {f"urn:chancery:change:{item['position']}" for item in items}
    assert found.entries[0].title.startswith("retract statement ")
    assert found.entries[0].summary == "It was <wrong> & more."
    assert found.entries[0].link == f"/changes?after={own_seeded.latest - 1}"


HOSTILE = "Evil \x01\x0b\ufffe]]> <script>alert(1)</script> & \"quotes\" 'n' 石破茂 🕊 &#0; <!-- x"


def test_names_that_xml_cannot_carry_do_not_break_a_feed(kb: KnowledgeBase) -> None:
    kb.put(("actor", {**actor("evil"), "name": HOSTILE}), ("topic", {"id": '<&">', "label": "x", "evidence": []}))
    kb.put(("statement", statement("s1", speaker="evil", gloss=HOSTILE, topics=['<&">'], evidence=[])))
    for path in ("/v1/actors", "/v1/statements", "/v1/topics", "/v1/changes"):
        content = kb.get(f"{path}?format=atom").content
        root = ElementTree.fromstring(content)  # noqa: S314 - our own
        assert b"<script" not in content
        assert "\x01" not in "".join(root.itertext())
    title = root.find("a:entry/a:title", ATOM)
    assert title is not None
    assert "<script>alert(1)</script> & \"quotes\" 'n' 石破茂 🕊" in str(title.text)


@pytest.mark.parametrize(
    "path", ["/v1/statements?speaker=Nobody&format=atom", "/v1/statements?format=atom", "/v1/changes?format=atom"]
)
def test_a_feed_of_nothing_is_a_feed(kb: KnowledgeBase, path: str) -> None:
    found = read(kb.get(path).content)

    assert found.entries == []
    assert found.feed.updated == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("more", ["sort=id", "facet=kind", "count=exact", "include=speaker", "fields=gloss"])
def test_what_a_feed_does_not_have_is_refused(seeded: KnowledgeBase, more: str) -> None:
    problem = seeded.json(f"/v1/statements?format=atom&{more}", 422)

    assert problem["errors"][0]["name"] == more.partition("=")[0]


def test_a_feed_takes_a_fixed_number_of_statements(kb: KnowledgeBase) -> None:
    for n in range(30):
        kb.put(("actor", actor(f"a{n}")), ("statement", statement(f"s{n}", speaker=f"a{n}", evidence=[])))
    told = []
    for limit in (2, 30):
        path = f"/v1/statements?format=atom&limit={limit}"
        kb.get(f"{path}&q=what")
        with counting(kb) as sent:
            assert kb.get(path).status_code == 200
        told.append(len(sent))

    assert told[0] == told[1] <= 9


def test_a_feed_has_whole_addresses_only_where_the_settings_say_so(kb: KnowledgeBase) -> None:
    plain = kb.client.get("/v1/actors?format=atom", headers={"Host": "evil.example"})
    public = KnowledgeBase.at(str(kb.settings.database), public_url="https://kb.example.org/base/")
    whole = read(public.get("/v1/actors?format=atom").content)
    public.close()

    assert b"evil.example" not in plain.content
    assert [one.href for one in whole.feed.links] == [
        "https://kb.example.org/base/v1/actors?format=atom",
        "https://kb.example.org/base/v1/actors",
    ]
