"""Events of datasets mirrored: every import, link and count is in the mirror what it is at the source, at every revision."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from sqlalchemy import select

from app import ledger
from app.coded import stream
from app.coded.lines import BY_NAME, SECTIONS
from app.errors import BadQuery, Conflict
from app.importers import stage
from app.importers.reconcile import reconcile, relink
from app.ledger import Change
from app.models.coded import TABLES, coded_actor, rejected_row
from app.models.search import searchable
from app.writing.mirror import TRIES, Mirror, Unanswered
from tests.base import KnowledgeBase, Now
from tests.conftest import BACKENDS, database_url
from tests.making import dossier, event, person, state, statement, topic
from tests.test_coded import bring as bring_facts
from tests.test_coded import facts
from tests.test_import_runner import icews_file, load, row
from tests.test_mirror import Asked, mirror, told

OWN = Path(__file__).resolve().parent / "importers"
DATASETS = ("ferry", "icews", "gdelt", "acled", "polecat")


def edit(base: KnowledgeBase, why: str, act: Any) -> None:
    """A revision in which a person does something to who datasets' actors are."""
    with base.database.write() as connection:
        number = ledger.start(connection, Change("edit", "desk", why), base.clock())
        act(connection, number)
        ledger.publish(connection, number, base.clock())


def number_of(base: KnowledgeBase, id: str) -> int:
    """The number of a dataset's actor."""
    with base.database.read() as connection:
        return int(connection.execute(select(coded_actor.c.number).where(coded_actor.c.id == id)).scalar_one())


def live(base: KnowledgeBase, folder: Path) -> None:
    """A life with imports of several datasets: folded, changed, closed, refused, linked, parted, and curated records between."""
    key = base.key("admin", name="desk")
    base.load(dossier(actors=[person(), state()], statements=[statement()]))
    bring_facts(base, folder, facts(1, 60))
    rows = [
        row(1), row(2, City="Harbour"), row(3, CAMEO_Code="040"), row(4, Event_Date="2018-06-02"),
        row(5, Source_Name="Lena Voss", Source_Country="NA"), row(6, Event_Date="2018-13-77"), row(7, Target_Name="Arden"),
        row(8, Intensity="-10.0", CAMEO_Code="190", Event_Text="Use conventional military force", Event_Date="2018-07-02"),
    ]  # fmt: skip
    load(base, icews_file(folder, rows), accept=1.0)
    base.load(dossier("belmont-note", actors=[state("corvo", "Corvo")], events=[event()], topics=[topic("locks")]))
    # Some change, some go, some come; a row tells of another event than before.
    rows = [
        row(1, Intensity="1.1"), row(2, City="Quay"), row(3, CAMEO_Code="041"), row(5, Event_Date="2018-06-03"),
        row(7, Target_Name="Corvo"), row(9, Source_Name="Port", Latitude="999"), row(10, Publisher="Gazette"),
    ]  # fmt: skip
    load(base, icews_file(folder, rows, "second.tab"), whole=True, accept=1.0)
    bring_facts(base, folder, [*facts(1, 40), *dict.fromkeys(facts(3, 30))], whole=True)
    edit(base, "Corvo is known by now", lambda connection, number: reconcile(connection, number))
    corvo = number_of(base, "ferry:corvo")
    edit(base, "Not that one", lambda c, n: relink(c, n, corvo, None, "A person looked."))
    edit(base, "That one after all", lambda c, n: relink(c, n, corvo, "corvo", "A person looked again."))
    base.send("POST", "/v1/actors/corvo/merge", {"into": "arden", "why": "One."}, key=key)
    base.send("DELETE", "/v1/actors/corvo/merge?why=Two.", key=key)
    base.clock.moment = datetime(2032, 1, 1, tzinfo=UTC)  # some rows are of 2031
    for name in ("gdelt-1.CSV", "gdelt-2.CSV", "gdelt-mentions.CSV", "acled.csv", "polecat.txt"):
        load(base, OWN / name, accept=1.0)


@pytest.fixture(params=[("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "sqlite")], ids="-to-".join)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[KnowledgeBase, KnowledgeBase]]:
    """A knowledge base that has lived and an empty one, on each database."""
    made = []
    for name, backend in zip(("one", "two"), request.param, strict=True):
        (tmp_path / name).mkdir()
        made.append(KnowledgeBase.at(database_url(backend, request, tmp_path / name)))
    live(made[0], tmp_path)
    yield made[0], made[1]
    for base in made:
        base.close()


@dataclass
class Quiet(Asked):
    """A knowledge base whose stream of events goes through `change`, and that notes what it is asked."""

    change: Callable[[list[bytes]], Iterable[bytes]] = iter
    asked: list[str] = field(default_factory=list)

    def lines(self, path: str) -> Iterator[bytes]:
        self.asked.append(path)
        yield from self.change(list(Asked.lines(self, path)))


@pytest.fixture(params=BACKENDS)
def short(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[KnowledgeBase, KnowledgeBase]]:
    """A knowledge base with two imports of a few rows, and a mirror that has the first of them."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(KnowledgeBase.at(database_url(request.param, request, tmp_path / name)))
    one, two = made
    one.load(dossier(actors=[person(), state()]))
    load(one, icews_file(tmp_path, [row(1), row(2), row(3, Event_Date="2018-06-02"), row(4, Target_Name="Arden")]))
    list(mirror(one, two).catch_up())
    lines = [
        row(1),
        row(3, Event_Date="2018-06-03"),
        row(5, Source_Name="Corvo"),
        row(6, Source_Name="Lena Voss"),
        row(7, Event_Date="x"),
    ]
    load(one, icews_file(tmp_path, lines, "second.tab"), whole=True, accept=1.0)
    yield one, two
    for base in made:
        base.close()


def nothing_of(base: KnowledgeBase, number: int) -> None:
    """Assert that nothing of a revision is in a base, and that it stands as before."""
    with base.database.read() as connection:
        assert ledger.opened(connection) is None
        for table in (*ledger.versioned(), searchable):
            assert not connection.execute(select(table).where(table.c.since == number)).all(), table
            if "until" in table.c:
                assert not connection.execute(select(table).where(table.c.until == number)).all(), table
        assert not connection.execute(select(rejected_row).where(rejected_row.c.revision == number)).all()
    assert base.latest == number - 1


def rows_of(base: KnowledgeBase) -> dict[str, list[Any]]:
    """Every row that an import may write, in an order of its own."""
    with base.database.read() as connection:
        return {
            table.name: sorted(tuple(map(rounded, one)) for one in connection.execute(select(*sorted_columns(table))))
            for table in (*TABLES, rejected_row)
        }


def rounded(value: Any) -> Any:
    """A value without the last digits of a sum, which each database adds up in an order of its own."""
    return round(value, 9) if isinstance(value, float) else value


def sorted_columns(table: Any) -> list[Any]:
    """The columns of a table, those of its key first, so that rows can be sorted without comparing nulls."""
    return [*table.primary_key.columns, *(column for column in table.c if not column.primary_key)]


def test_a_mirror_holds_row_for_row_what_imports_did(
    pair: tuple[KnowledgeBase, KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = pair
    # Small portions: a stream of many blocks, staged rows and parts in many pieces.
    monkeypatch.setattr(stream.told, "__defaults__", (None, 7))
    monkeypatch.setattr(stage, "CHUNK_ROWS", 20)

    assert [revision["number"] for revision in mirror(one, two).catch_up()] == list(range(1, one.latest + 1))

    mine, theirs = rows_of(two), rows_of(one)
    assert {name: len(rows) for name, rows in mine.items()} == {name: len(rows) for name, rows in theirs.items()}
    for name, rows in theirs.items():
        assert rows, name
        assert mine[name] == rows, name


def questions(base: KnowledgeBase) -> Iterator[str]:
    """What can be asked of events of datasets, and of what else they touch, at every revision."""
    yield from ("/v1/revisions?limit=500", "/v1/changes?limit=500&enrichment=true", "/v1/datasets?limit=500")
    yield from (f"/v1/datasets/{name}/{part}" for name in DATASETS for part in ("rejected?limit=500", "revisions"))
    yield from (f"/v1/revisions/{n}/events" for n in range(1, base.latest + 1))
    asked = [
        "events?limit=500&count=exact",
        "events?limit=7&facet=dataset&facet=code&facet=initiator&include=participants",
        "events?participant=arden&sort=happened&limit=20",
        "events?participant=corvo&participant=lena-voss",
        "events?dataset=ferry&pick=last&per=pair&limit=500",
        "events?q=praise&limit=100",
        "events?code=04&intensity_from=0",
        "actors?limit=500",
        "network?actor=arden&depth=2",
        "timeline?actor=arden&limit=200",
        "search?q=Arden",
        "search?q=praise",
        "resolve?name=Corvo",
        "paths?from_actor=arden&to_actor=lena-voss",
        "sources?limit=500",
        *(
            f"events/counts?by={by}"
            for by in ("month", "year,code", "participant", "initiator,recipient", "dataset,country")
        ),
        *(f"events/counts?by=month&measure={one}" for one in ("reports", "intensity")),
        "events/counts?by=participant&participant=corvo",
    ]
    for n in range(1, base.latest + 1):
        some = asked if n == base.latest else asked[n % 3 :: 3]  # each is asked at every third
        yield from (f"/v1/{one}{'&' if '?' in one else '?'}as_of={n}" for one in some)
    yield from (f"/v1/events?format={form}" for form in ("csv", "ndjson", "jsonld"))
    listed = base.json("/v1/events?limit=500")["items"]
    yield from (f"/v1/events/{one['id']}{more}" for one in listed[::5] for more in ("", "/reports", "/revisions"))
    page = base.json("/v1/events?participant=arden&limit=3")
    while page["next_cursor"]:
        path = f"/v1/events?participant=arden&limit=3&cursor={page['next_cursor']}"
        yield path
        page = base.json(path)


def test_a_mirror_of_events_answers_every_question_alike(pair: tuple[KnowledgeBase, KnowledgeBase]) -> None:
    one, two = pair
    list(mirror(one, two).catch_up())

    asked = list(questions(one))

    assert len(asked) > 200
    assert {told(one, path)[0] for path in asked} == {200}
    assert [path for path in asked if told(one, path) != told(two, path)] == []


def test_a_cursor_and_an_etag_of_the_one_hold_at_the_other(short: tuple[KnowledgeBase, KnowledgeBase]) -> None:
    one, two = short
    list(mirror(one, two).catch_up())
    for path in ("/v1/events?participant=arden&limit=1", "/v1/actors?limit=1", "/v1/events/counts?by=day&limit=1"):
        first = one.get(path)
        following = f"{path}&cursor={quote(first.json()['next_cursor'])}"

        assert two.get(path, If_None_Match=first.headers["etag"]).status_code == 304
        assert two.json(following) == one.json(following)


# ── Mirrors and what becomes of them ────────────────────────────────────────────────────────────────────────────────


def test_a_mirror_can_be_mirrored(short: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path, request: Any) -> None:
    one, two = short
    list(mirror(one, two).catch_up())
    (tmp_path / "three").mkdir()
    three = KnowledgeBase.at(database_url("sqlite", request, tmp_path / "three"))

    list(mirror(two, three).catch_up())

    assert rows_of(three) == rows_of(one)
    assert told(three, "/v1/revisions/3/events") == told(one, "/v1/revisions/3/events")
    three.close()


def test_an_import_into_what_was_a_mirror_does_what_it_does_at_the_source(
    short: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path
) -> None:
    one, two = short
    list(mirror(one, two).catch_up())
    same = tmp_path / "second.tab"
    third = icews_file(tmp_path, [row(1, Intensity="0.5"), row(9, Source_Name="Newport"), row(10)], "third.tab")

    for base in (one, two):
        assert load(base, same, whole=True, accept=1.0).revision is None  # the very file that was imported last
        with pytest.raises(BadQuery, match="--fold dyad"):
            load(base, third, fold="none")
        assert load(base, third).revision == 4

    assert rows_of(two) == rows_of(one)


def test_a_mirror_made_without_events_goes_on_without_them_and_says_so(
    short: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path, request: Any
) -> None:
    one, two = short
    key = one.key("admin", name="desk")
    one.load(dossier("b", actors=[person("voss", "L. Voss")]))
    one.send("POST", "/v1/actors/lena-voss/merge", {"into": "voss", "why": "One."}, key=key)
    (tmp_path / "three").mkdir()
    three = KnowledgeBase.at(database_url("sqlite", request, tmp_path / "three"))

    list(mirror(one, three, without_events=True).catch_up())

    assert three.latest == one.latest == 5
    assert told(three, "/v1/changes?limit=500") == told(one, "/v1/changes?limit=500")
    assert three.json("/v1/events?count=exact")["count"]["n"] == 0
    load(one, icews_file(tmp_path, [row(1), row(20)], "third.tab"))
    with pytest.raises(Conflict, match="revision 2 was mirrored without them"):
        list(mirror(one, three).catch_up())
    nothing_of(three, 6)
    # Nor can one that has events be mirrored on from one that has none.
    list(mirror(one, three, without_events=True).catch_up())
    list(mirror(one, two).catch_up())
    load(one, icews_file(tmp_path, [row(1), row(21)], "fourth.tab"))
    list(mirror(one, three, without_events=True).catch_up())
    with pytest.raises(Conflict, match="made --without-events"):
        list(mirror(three, two).catch_up())
    nothing_of(two, 7)
    three.close()


# ── Broken off, killed ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("politely", [True, False])
def test_a_stream_that_breaks_off_again_and_again_is_gone_on_with(
    politely: bool, short: tuple[KnowledgeBase, KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = short
    monkeypatch.setattr(stream.told, "__defaults__", (None, 1))  # a position behind each line

    def breaking(lines: list[bytes]) -> Iterator[bytes]:
        yield from lines[:4]
        if not politely and len(lines) > 4:
            raise Unanswered("The line is dead.")

    other = Quiet(one, breaking)
    waits: list[float] = []
    following = Mirror(two.database, other, Now(), pause=waits.append)

    assert [revision["number"] for revision in following.catch_up()] == [3]

    assert len(other.asked) > 5
    assert len(set(other.asked)) == len(other.asked)
    assert max(waits) < 1
    assert rows_of(two) == rows_of(one)


def test_a_stream_that_brings_nothing_any_more_is_given_up(short: tuple[KnowledgeBase, KnowledgeBase]) -> None:
    one, two = short
    other = Quiet(one, lambda lines: lines[:2])

    with pytest.raises(Unanswered, match="stopped before its end"):
        list(Mirror(two.database, other, Now(), pause=lambda seconds: None).catch_up())

    assert len(other.asked) == TRIES
    nothing_of(two, 3)


PHASES = ("lines", "events", "reports", "parts")


def interrupted(phase: str) -> Callable[[str, int, int | None], None]:
    """What a person does who stops the command at a phase."""

    def told(found: str, done: int, of: int | None) -> None:
        if found == phase:
            raise KeyboardInterrupt

    return told


def test_a_mirror_that_is_interrupted_leaves_nothing_and_begins_again(
    short: tuple[KnowledgeBase, KnowledgeBase],
) -> None:
    one, two = short
    for phase in PHASES:
        with pytest.raises(KeyboardInterrupt):
            list(mirror(one, two, progress=interrupted(phase)).catch_up())
        nothing_of(two, 3)

    list(mirror(one, two).catch_up())
    assert rows_of(two) == rows_of(one)


def test_what_a_killed_mirror_left_open_is_seen_by_nobody_and_begun_again(
    short: tuple[KnowledgeBase, KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = short
    before = two.get("/v1/events?limit=500").text
    for phase in PHASES[1:]:
        dying = mirror(one, two, progress=interrupted(phase)).catch_up()
        with monkeypatch.context() as dead:
            # Who is dead tidies nothing up, and what another one left was tidied up before.
            forget = iter([ledger.forget] if phase != PHASES[1] else [])
            dead.setattr(ledger, "forget", lambda *given, kept=forget, **more: next(kept)(*given, **more))
            with pytest.raises(KeyboardInterrupt):
                list(dying)

        assert (two.latest, two.get("/v1/events?limit=500").text) == (2, before)
        with two.database.read() as connection:
            left = ledger.opened(connection)
        assert left is not None, phase
        assert "chancery mirror" in ledger.mends(left)
    list(mirror(one, two).catch_up())
    assert rows_of(two) == rows_of(one)


@pytest.mark.parametrize("moment", ["lines", "events"])
def test_of_two_mirrors_at_once_one_stops_and_nothing_is_written_twice(
    moment: str, short: tuple[KnowledgeBase, KnowledgeBase]
) -> None:
    one, two = short
    others: list[int] = []

    def another(phase: str, done: int, of: int | None) -> None:
        if phase == moment and not others:
            others.extend(revision["number"] for revision in mirror(one, two).catch_up())

    with pytest.raises(Conflict, match="took revision 3 over"):
        list(mirror(one, two, progress=another).catch_up())

    assert others == [3]
    assert rows_of(two) == rows_of(one)


# ── Lies ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_cell(kind: str, act: str, /, **cells: Any) -> Callable[[list[bytes]], list[bytes]]:
    """The stream with other values in the first line of a kind; with None, without them."""

    def change(lines: list[bytes]) -> list[bytes]:
        told = [orjson.loads(line) for line in lines]
        one = next(line for line in told if line.get("type") == kind and line.get("act", "") == act)
        one.update(cells)
        for name in [name for name, value in cells.items() if value is None]:
            del one[name]
        return [orjson.dumps(line) for line in told]

    return change


def without(kind: str, act: str) -> Callable[[list[bytes]], list[bytes]]:
    """The stream without the lines of a kind, and counted so."""

    def change(lines: list[bytes]) -> list[bytes]:
        told = [orjson.loads(line) for line in lines]
        section = BY_NAME[kind, act]
        told[0]["lines"][section.counted] = 0
        return [orjson.dumps(line) for line in told if (line["type"], line.get("act")) != (kind, act)]

    return change


def twice(kind: str, act: str) -> Callable[[list[bytes]], list[bytes]]:
    """The stream with the first line of a kind twice, and counted so."""

    def change(lines: list[bytes]) -> list[bytes]:
        told = [orjson.loads(line) for line in lines]
        place = next(n for n, line in enumerate(told) if (line["type"], line.get("act")) == (kind, act))
        told[0]["lines"][BY_NAME[kind, act].counted] += 1
        return [orjson.dumps(line) for line in [*told[:place], told[place], *told[place:]]]

    return change


LIES: list[tuple[str, Callable[[list[bytes]], Iterable[bytes]], str]] = [
    ("no JSON", lambda lines: [lines[0], b"<html>"], "no JSON"),
    ("no object", lambda lines: [lines[0], b"[1]"], "no object"),
    ("a lone surrogate", lambda lines: [lines[0], b'{"type":"actor","act":"open","name":"\\ud800"}'], "no JSON"),
    ("no UTF-8", lambda lines: [lines[0], b'{"type":"\xff"}'], "no JSON"),
    ("deep", lambda lines: [lines[0], b"[" * 100_000], "no JSON"),
    ("NaN", lambda lines: [line.replace(b"3.4", b"NaN") for line in lines], "no JSON"),
    ("no head", lambda lines: lines[1:], "first line"),
    ("another revision", with_cell("revision", "", revision=2), "of revision 2"),
    ("another kind", with_cell("revision", "", kind="edit"), "of another kind"),
    ("another dataset", with_cell("revision", "", origin="gdelt"), "of gdelt"),
    ("a number as text", with_cell("revision", "", revision="3"), "first line"),
    ("counts of nothing", with_cell("revision", "", lines={}), "first line does not count"),
    ("counts below zero", with_cell("revision", "", lines=dict.fromkeys((one.counted for one in SECTIONS), -1)), "count"),
    ("a fold of lists", with_cell("revision", "", fold=["dyad"]), "no name"),
    ("an unknown kind", with_cell("event", "open", type="war"), "a kind that nothing"),
    ("a kind that is a list", with_cell("event", "open", type=["event"]), "a kind that nothing"),
    ("an unknown cell", with_cell("event", "open", since=1), "'since'"),
    ("a missing cell", with_cell("event", "open", id=None), "id is missing"),
    ("a digest too large", with_cell("event", "open", number="f" * 16), "number is not 16"),
    ("a digest too short", with_cell("event", "open", number="abc"), "number is not 16"),
    ("a digest that is a number", with_cell("event", "open", number=2**62), "number is not 16"),
    ("a day that is none", with_cell("event", "open", day="2018-02-30"), "day is not a day"),
    ("a day that is a number", with_cell("event", "open", day=17_000), "day is not a day"),
    ("a last day before the first", with_cell("event", "open", last="1018-01-01"), "ends before it begins"),
    ("NUL", with_cell("event", "open", place="a\0b"), "place is not a text"),
    ("a code that is long", with_cell("event", "open", code="1" * 501), "code is not a text"),
    ("a huge intensity", lambda lines: [line.replace(b":3.4", b":1e999") for line in lines], "no JSON|intensity"),
    ("a large intensity", with_cell("event", "open", intensity=1e300), "intensity"),
    ("true for a number", with_cell("event", "open", reports=True), "reports is not a whole number"),
    ("a number out of range", with_cell("event", "open", reports=2**31), "reports is not a whole number"),
    ("a number beyond 64 bits", with_cell("event", "open", initiator=2**63), "initiator is not a whole number"),
    ("an actor nobody named", with_cell("event", "open", initiator=99), "nobody named"),
    ("a link of an actor nobody named", with_cell("link", "open", number=99), "nobody named"),
    ("a weight below zero", with_cell("report", "open", weight=-1), "weight is not"),
    ("a line too many", lambda lines: [*lines[:2], lines[1], *lines[2:]], "more lines to open a actor|twice"),
    ("a line too few", lambda lines: [lines[0], *lines[2:]], "were said and 0 came|were said and 1 came"),
    ("an end too soon", lambda lines: [lines[0], lines[-1]], "were said"),
    ("lines without a position", lambda lines: [lines[0], *lines[1:2] * 20_000], "without a position"),
    ("a position that is none", with_cell("position", "", cursor=7), "position"),
    ("an event twice", twice("event", "open"), "twice"),
    ("a report twice", twice("report", "open"), "twice"),
    ("an actor twice", twice("actor", "open"), "twice"),
    ("nothing closed", without("event", "close"), "opens what stands here already"),
    ("a closing of what is not there", with_cell("event", "close", number="0" * 16), "do not stand here"),
    ("a report closed that is not there", with_cell("report", "close", native="nine"), "do not stand here"),
    ("an actor that is here", with_cell("actor", "open", id="icews:arden"), "here already"),
    ("events left out", without("event", "open"), "by its log"),
]  # fmt: skip


def test_a_stream_that_lies_is_refused_and_nothing_of_it_is_kept(short: tuple[KnowledgeBase, KnowledgeBase]) -> None:
    one, two = short
    before = rows_of(two)

    for name, change, words in LIES:
        with pytest.raises(Conflict) as refused:
            list(Mirror(two.database, Quiet(one, change), Now()).catch_up())

        assert re.search(words, refused.value.detail), (name, refused.value.detail)
        assert refused.value.detail.startswith("Revision 3 cannot be replayed"), name
        assert len(refused.value.detail) < 1_000, name
        nothing_of(two, 3)
        assert rows_of(two) == before, name

    list(mirror(one, two).catch_up())
    assert rows_of(two) == rows_of(one)


def test_a_revision_that_is_no_import_brings_no_events(short: tuple[KnowledgeBase, KnowledgeBase]) -> None:
    one, two = short

    @dataclass
    class Disguised(Quiet):
        def json(self, path: str) -> Any:
            told = Quiet.json(self, path)
            for item in told["items"] if path.startswith("/v1/revisions?") else ():
                item["kind"] = "edit"
            return told

    with pytest.raises(Conflict, match="only an import does"):
        list(Mirror(two.database, Disguised(one, with_cell("revision", "", kind="edit")), Now()).catch_up())
    nothing_of(two, 3)
