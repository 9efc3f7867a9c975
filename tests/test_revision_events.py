"""What a revision did to events of datasets, asked over HTTP: in pages, as a stream, from any place in it, for ever the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from sqlalchemy import event

from app import ledger
from app.coded import stream
from app.coded.lines import BY_NAME
from app.ledger import Change
from tests.base import KnowledgeBase
from tests.conftest import database_url
from tests.making import dossier, person, state, topic
from tests.test_import_runner import icews_file, load, row

SECOND = "/v1/revisions/3/events"
HOSTILE = (
    "", "0", "x", "1.5", "event-open", "event-open[", "event-open[]]", 'event-open["0"]', 'event-open["ffffffffffffffff"]',
    "event-open[5]", 'event-open["0000000000000000","a"]', 'event-open{"a":1}', "event-open[null]", "event-open[[]]", "war-open[1]",
    "actor-open[true]", "actor-open[1.0]", "actor-open[-1]", "actor-open[99999999999999999999]", 'actor-open["1"]',
    'report-open["0000000000000000"]', 'report-open["0000000000000000",7]', 'report-open["0000000000000000","\\u0000"]',
    'report-open["0000000000000000","\\ud800"]', "row-reject[NaN]", "[" * 1_500, "a" * 3_999, "eyJhIjoxfQ", "' OR 1=1 --",
)  # fmt: skip


@pytest.fixture
def base(kb: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    """A knowledge base with a dossier and two imports."""
    kb.load(dossier(actors=[person(), state()]))
    load(kb, icews_file(tmp_path, [row(1), row(2), row(3, Event_Date="2018-06-02"), row(4, Target_Name="Arden")]))
    rows = [row(1), row(3, Event_Date="2018-06-03"), row(5, Source_Name="Łódź", Event_Date="2018-06-04")]
    rows += [row(6, Source_Name="Lena Voss"), row(7, Event_Date="x"), row(8, Intensity="y")]
    load(kb, icews_file(tmp_path, rows, "second.tab"), whole=True, accept=1.0)
    return kb


def lines(kb: KnowledgeBase, path: str) -> list[dict[str, Any]]:
    """The lines of a stream."""
    told = kb.get(f"{path}{'&' if '?' in path else '?'}format=ndjson")
    assert (told.status_code, told.headers["content-type"]) == (200, "application/x-ndjson")
    return [orjson.loads(line) for line in told.content.splitlines()]


def test_a_stream_says_what_was_opened_and_closed_and_counts_it(base: KnowledgeBase) -> None:
    told = lines(base, SECOND)

    assert told[0]["type"] == "revision"
    assert (told[0]["origin"], told[0]["fold"], told[0]["whole"]) == ("icews", "dyad", True)
    assert told[-1] == {"type": "end", "revision": 3}
    rows = [line for line in told if line["type"] not in ("revision", "position", "end")]
    counted = {section.counted: 0 for section in stream.SECTIONS}
    for line in rows:
        counted[BY_NAME[line["type"], line["act"]].counted] += 1
    assert counted == told[0]["lines"]
    assert (counted["rows_rejected"], counted["links_opened"], counted["links_closed"]) == (2, 1, 0)
    opened = {line["id"] for line in rows if line["type"] == "event" and line["act"] == "open"}
    assert opened == {one["id"] for one in base.json("/v1/events?limit=500")["items"] if one["since"] == 3}
    assert not any(value is None for line in rows for value in line.values())


def walked(kb: KnowledgeBase, limit: int) -> list[dict[str, Any]]:
    """The lines that pages of a size bring."""
    found, path = [], f"{SECOND}?limit={limit}"
    while True:
        page = kb.json(path)
        assert page["revision"] == 3
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        path = f"{SECOND}?limit={limit}&cursor={quote(page['next_cursor'])}"


def test_pages_of_any_size_bring_the_lines_of_the_stream(base: KnowledgeBase) -> None:
    whole = [line for line in lines(base, SECOND) if line["type"] not in ("revision", "position", "end")]

    for limit in (1, 2, 3, 7, len(whole), len(whole) + 1):
        assert walked(base, limit) == whole


def test_a_stream_goes_on_from_every_position(base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.told, "__defaults__", (None, 2))
    whole = lines(base, SECOND)

    places = [n for n, line in enumerate(whole) if line["type"] == "position"]
    assert len(places) > 6
    for n in places:
        rest = lines(base, f"{SECOND}?cursor={quote(whole[n]['cursor'])}")
        assert rest == [whole[0], *whole[n + 1 :]]


def test_what_a_revision_did_is_the_same_for_ever(base: KnowledgeBase) -> None:
    for path in (SECOND, f"{SECOND}?format=ndjson", f"{SECOND}?limit=2"):
        before = base.get(path)
        base.load(dossier(f"d{base.latest}", topics=[topic(f"t{base.latest}")]))

        after = base.get(path)

        assert after.content == before.content
        assert after.headers["etag"] == before.headers["etag"]
        assert after.headers["kb-revision"] == "3"
        assert "immutable" in after.headers["cache-control"]
        assert base.get(path, If_None_Match=before.headers["etag"]).status_code == 304
        head = base.client.head(path)
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", before.headers["etag"])
    assert base.get(f"{SECOND}?as_of=4").json() == base.json(SECOND)
    assert base.get(f"{SECOND}?as_of=2").status_code == 404


def test_a_revision_of_curated_records_did_nothing_to_events_and_says_so(base: KnowledgeBase) -> None:
    revisions = {one["number"]: one["events"] for one in base.json("/v1/revisions")["items"]}

    assert revisions == {1: None, 2: "/v1/revisions/2/events", 3: SECOND}
    assert base.json("/v1/revisions/1/events")["items"] == []
    assert [line["type"] for line in lines(base, "/v1/revisions/1/events")] == ["revision", "end"]


def test_who_is_merged_takes_the_actors_of_datasets_along_and_the_revision_says_so(base: KnowledgeBase) -> None:
    key = base.key("admin", name="desk")
    base.load(dossier("b", actors=[person("voss", "L. Voss")]))
    base.send("POST", "/v1/actors/lena-voss/merge", {"into": "voss", "why": "One."}, key=key)

    revision = base.json(f"/v1/revisions/{base.latest}")

    assert revision["kind"] == "merge"
    told = base.json(revision["events"])["items"]
    assert [(line["type"], line["act"], line.get("actor")) for line in told] == [
        ("link", "close", None),
        ("link", "open", "voss"),
    ]


def test_a_revision_that_is_not_published_has_no_stream(base: KnowledgeBase) -> None:
    with base.database.write() as connection:
        abandoned = ledger.start(connection, Change("edit", "nobody", "A slip"), base.clock())
        ledger.abandon(connection, abandoned)
    assert abandoned == 4

    for number in ("0", "9", "4", "x", "-1", "1e3", "٣", "03x", "9" * 12, "9" * 400, "%00", "3%0A"):
        for more in ("", "?format=ndjson"):
            told = base.get(f"/v1/revisions/{number}/events{more}")
            assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json"), number


def test_a_place_that_is_none_is_refused_by_its_parameter(base: KnowledgeBase) -> None:
    for cursor in HOSTILE:
        for more in ("", "&format=ndjson"):
            told = base.get(f"{SECOND}?cursor={quote(cursor)}{more}")

            assert told.status_code == 422, cursor
            assert [one["name"] for one in told.json()["errors"]] == ["cursor"], cursor
            assert len(told.text) < 2_000


def test_what_cannot_be_asked_of_a_stream_is_refused(base: KnowledgeBase) -> None:
    for asked, name in (
        ("limit=2&format=ndjson", "limit"),
        ("after=2", "after"),
        ("format=csv", "format"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("as_of=99", "as_of"),
        ("cursor=a&cursor=b", "cursor"),
    ):
        told = base.get(f"{SECOND}?{asked}")

        assert told.status_code == 422, told.text
        assert name in {one["name"] for one in told.json()["errors"]}, asked


def test_a_stream_is_said_as_the_client_takes_it(base: KnowledgeBase) -> None:
    assert base.get(SECOND, Accept="application/x-ndjson").headers["content-type"] == "application/x-ndjson"
    assert base.get(SECOND, Accept="text/html, */*;q=0.1").headers["content-type"] == "application/json"
    assert base.get(SECOND, Accept="image/png").status_code == 406


def test_where_reads_are_closed_a_stream_needs_a_key(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    closed = KnowledgeBase.at(database_url("sqlite", request, tmp_path), reads="closed")
    load(closed, icews_file(tmp_path, [row(1)]))
    path = "/v1/revisions/1/events?format=ndjson"

    assert closed.get(path).status_code == 401
    told = closed.get(path, Authorization=f"Bearer {closed.key('read')}")

    assert told.status_code == 200
    assert "private" in told.headers["cache-control"]
    closed.close()


def test_a_page_takes_a_fixed_number_of_statements_and_a_block_one(base: KnowledgeBase, tmp_path: Path) -> None:
    many = [row(n, Source_Name=f"Town {n}", Event_Date=f"2018-07-{n % 28 + 1:02}") for n in range(100, 160)]
    load(base, icews_file(tmp_path, many, "third.tab"))
    asked: list[str] = []
    event.listen(base.database.reader, "before_cursor_execute", lambda *args: asked.append(args[2]))

    counts = []
    for path in (SECOND, "/v1/revisions/4/events?limit=500", "/v1/revisions/4/events?limit=1"):
        asked.clear()
        base.json(path)
        counts.append(len(asked))
    assert max(counts) <= len(stream.SECTIONS) + 6
    asked.clear()
    blocks = list(stream.told(base.database.read, 4, None, 10))

    assert len(asked) <= len(blocks) + len(stream.SECTIONS) + 1
    assert all("LIMIT" in one for one in asked[2:])
