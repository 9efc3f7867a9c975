"""Does an import become what the file says: counted, folded, compared with what stands, published whole or not at all?"""

from __future__ import annotations

import gzip
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, event, select, text

from app import ledger
from app.errors import BadQuery, Conflict
from app.importers import icews, runner, tkg
from app.importers import lines as lines_module
from app.importers.base import FileRefused
from app.importers.summary import Summary
from app.ledger import Busy, Change
from app.models.coded import (
    NOBODY,
    TABLES,
    coded_active,
    coded_actor,
    coded_actor_month,
    coded_actor_total,
    coded_actor_year,
    coded_counterpart,
    coded_event,
    coded_month,
    coded_part,
    coded_report,
    coded_total,
    rejected_row,
)
from app.models.search import searchable
from app.times import from_day_number
from tests.base import KnowledgeBase

SHARED = Path(os.environ.get("CHANCERY_TEST_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data"))
CHECKOUT = Path(__file__).resolve().parent.parent
HEADER = "\t".join(icews.COLUMNS)
FACTS_HEADER = "\t".join(tkg.COLUMNS)

Line = dict[str, Any]


def row(number: int, **more: Any) -> Line:
    """A row of an ICEWS file: Arden praises Belmont."""
    plain = {
        "Event ID": number, "Event Date": "2018-06-01", "Source Name": "Arden", "Source Sectors": "Government",
        "Source Country": "Japan", "Event Text": "Praise or endorse", "CAMEO Code": "051", "Intensity": "3.4",
        "Target Name": "Belmont", "Target Sectors": "", "Target Country": "Ukraine", "Story ID": number, "Sentence Number": 1,
        "Publisher": "Courier", "City": "Port", "District": "NA", "Province": "NA", "Country": "Japan", "Latitude": "35.5",
        "Longitude": "139.5",
    }  # fmt: skip
    return {**plain, **{name.replace("_", " "): value for name, value in more.items()}}


def icews_file(folder: Path, lines: list[Line], name: str = "events.tab") -> Path:
    """An ICEWS file of these rows."""
    path = folder / name
    path.write_text("\n".join([HEADER, *("\t".join(map(str, line.values())) for line in lines)]) + "\n")
    return path


def facts_file(folder: Path, facts: list[tuple[str, str, str, str]], name: str = "facts.tsv") -> Path:
    """A file of facts by name."""
    path = folder / name
    path.write_text("\n".join([FACTS_HEADER, *("\t".join((*fact, "train")) for fact in facts)]) + "\n")
    return path


def load(kb: KnowledgeBase, path: Path, **more: Any) -> Summary:
    """Import a file."""
    return runner.run(kb.database, path, clock=kb.clock, by="a test", **more)


def rows(kb: KnowledgeBase, table: Any) -> list[Any]:
    """The rows of a table."""
    with kb.database.read() as connection:
        return list(connection.execute(select(table)))


def standing(kb: KnowledgeBase, table: Any, at: int | None = None) -> list[Any]:
    """The rows of a table that stand at a revision, or now."""
    upto = kb.latest if at is None else at
    return [one for one in rows(kb, table) if one.since <= upto and (one.until is None or one.until > upto)]


def everything(kb: KnowledgeBase) -> dict[str, list[str]]:
    """Every row that an import may write."""
    return {table.name: sorted(map(repr, rows(kb, table))) for table in (*TABLES, rejected_row)}


# ── Counted and folded ──────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_of_one_day_and_dyad_and_code_are_reports_of_one_event(kb: KnowledgeBase, tmp_path: Path) -> None:
    path = icews_file(
        tmp_path, [row(1), row(2, City="Harbour"), row(3, CAMEO_Code="040"), row(4, Event_Date="2018-06-02")]
    )

    told = load(kb, path)

    assert (told.rows, told.new, told.folded) == (4, 3, 1)
    events = {one.id: one for one in standing(kb, coded_event)}
    assert events.keys() == {"icews:1@2018-06-01", "icews:3@2018-06-01", "icews:4@2018-06-02"}
    assert (events["icews:1@2018-06-01"].reports, events["icews:1@2018-06-01"].place) == (2, "Port")
    assert len(standing(kb, coded_report)) == 4


def test_without_folding_each_row_is_an_event(kb: KnowledgeBase, tmp_path: Path) -> None:
    told = load(kb, icews_file(tmp_path, [row(1), row(2)]), fold="none")

    assert told.new == 2
    with pytest.raises(BadQuery, match="--fold none"):
        load(kb, icews_file(tmp_path, [row(3)], "more.tab"))


def test_a_fact_without_an_id_is_known_by_its_number(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, facts_file(tmp_path, [("Arden", "Praise_or_endorse", "Belmont", "2005-01-01")]))

    (event,) = standing(kb, coded_event)
    assert event.id == f"tkg:{event.number:016x}"
    assert (event.label, event.code, event.reports) == ("Praise or endorse", None, 1)
    assert {one.code for one in standing(kb, coded_part)} == {"Praise or endorse"}
    assert {one.id for one in rows(kb, coded_actor)} == {"tkg:arden", "tkg:belmont"}


def test_the_dataset_says_what_it_brought(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, icews_file(tmp_path, [row(1), row(2), row(3, Event_Date="2018-06-09")]))

    dataset = kb.json("/v1/datasets/icews")
    assert (dataset["events"], dataset["reports"], dataset["rejected"]) == (2, 3, 0)
    assert (dataset["covers"]["first"], dataset["covers"]["last"]) == ("2018-06-01", "2018-06-09")
    assert orjson.loads(rows(kb, ledger.revision)[0].counts)["created"] == {"dataset": 1, "event": 2}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of real data is not here (CHANCERY_TEST_DATA)")
def test_the_real_sample_of_icews_is_counted_as_an_independent_count_has_it(kb: KnowledgeBase) -> None:
    path = SHARED / "icews_raw" / "events.2018.sample.tab.gz"
    with gzip.open(path, "rt") as file:
        lines = [line.rstrip("\n").split("\t") for line in file][1:]
    dyads = {(line[1], line[2], line[4], line[6], line[8], line[10]) for line in lines}

    told = load(kb, path)

    assert (told.rows, told.new, told.rejected) == (len(lines), len(dyads), {})
    assert sum(one.reports for one in standing(kb, coded_event)) == len(lines) == len(standing(kb, coded_report))
    _check_counts(kb)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of real data is not here (CHANCERY_TEST_DATA)")
def test_a_slice_of_real_facts_is_counted_as_an_independent_count_has_it(kb: KnowledgeBase, tmp_path: Path) -> None:
    with gzip.open(SHARED / "tkg" / "icews05-15" / "facts.tsv.gz", "rt") as file:
        lines = [line.rstrip("\n").split("\t") for line, _ in zip(file, range(8001), strict=False)][1:]
    facts = {tuple(line[:4]) for line in lines}

    told = load(kb, facts_file(tmp_path, [(a, b, c, d) for a, b, c, d, _ in lines]))

    assert told.new == len(facts)
    months = Counter((one[3][:7], one[1].replace("_", " ")) for one in facts)
    found = Counter({(_month(one.month), one.code): one.events for one in rows(kb, coded_month)})
    assert found == months
    pairs = Counter(pair for a, _, b, _ in facts for pair in {(a, b), (b, a)})
    names = {one.number: one.name.replace(" ", "_") for one in rows(kb, coded_actor)}
    assert Counter({(names[one.actor], names[one.other]): one.events for one in rows(kb, coded_counterpart)}) == pairs


def _month(month: int) -> str:
    return f"{month // 12:04}-{month % 12 + 1:02}"


# ── Again, and changed ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("kind", ["icews", "icews-none", "facts"])
def test_importing_a_file_twice_changes_nothing(kb: KnowledgeBase, tmp_path: Path, kind: str, again: bool) -> None:
    facts = [
        ("A", "Consult", "B", "2005-01-01"),
        ("A", "Consult", "A", "2005-01-02"),
        ("A", "Consult", "B", "2005-01-01"),
    ]
    lines = [row(1), row(2, City="Harbour"), row(3, Target_Name="Arden"), row(1, Publisher="Later")]
    path = facts_file(tmp_path, facts) if kind == "facts" else icews_file(tmp_path, lines)
    fold = "none" if kind == "icews-none" else "dyad"
    load(kb, path, fold=fold)
    before, latest = everything(kb), kb.latest
    dataset = "/v1/datasets/tkg" if kind == "facts" else "/v1/datasets/icews"
    answer = kb.json(dataset)

    told = load(kb, path, fold=fold, again=again)

    assert told.revision is None
    assert told.unchanged
    assert everything(kb) == before
    assert kb.latest == latest
    assert kb.json(dataset) == answer


def test_rows_taken_by_the_block_mean_what_they_mean_one_by_one(
    kb: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = random.Random(1)
    fact = "A\tPraise\tB\t2005-01-01\ttrain"
    odd = [
        "",
        FACTS_HEADER,
        "A\tPraise\tB",
        *[fact.replace("2005-01-01", day) for day in ("2005-02-30", "2999-01-01", "0000-01-01", "", "2005-1-1")],
        *[fact.replace("Praise", label) for label in ("", "C:\\new\\N", "x" * 600)],
        *[fact.replace("A", name) for name in ("", "B", "A_\r_", "\\.")],
        *[f"{fact}{more}" for more in ("\t", "\tmore", "\r")],
    ]
    plain = [
        f"A_{chosen.randrange(9)}\t{chosen.choice(('Make_statement', 'Praise', 'Use_force'))}\tB {chosen.randrange(9)}"
        f"\t2005-01-{chosen.randrange(1, 28):02}\ttrain"
        for _ in range(2000)
    ]
    lines = [*plain, *(line for line in odd for _ in range(20))]
    chosen.shuffle(lines)
    path = tmp_path / "facts.tsv"
    path.write_text("\n".join([FACTS_HEADER, *lines]) + "\n")
    monkeypatch.setattr(lines_module, "_BLOCK_BYTES", 2_000)

    with monkeypatch.context() as patch:
        patch.setattr(runner.Work, "_familiar", lambda *_: None)
        one_by_one = load(kb, path, accept=0.5)
    before = everything(kb)
    again = load(kb, path, accept=0.5, again=True)

    assert again.unchanged
    assert everything(kb) == before
    assert (again.rows, again.rejected, again.notes) == (one_by_one.rows, one_by_one.rejected, one_by_one.notes)
    assert (again.folded, again.same) == (one_by_one.folded, one_by_one.new)


def test_a_changed_file_closes_and_opens_exactly_what_changed(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, icews_file(tmp_path, [row(n, Story_ID=7, Event_Date=f"2018-06-0{n}") for n in (1, 2, 3, 4)]))
    first = {one.id: one for one in standing(kb, coded_event)}

    told = load(
        kb,
        icews_file(
            tmp_path,
            [
                row(1, Story_ID=7),
                row(2, Story_ID=7, Event_Date="2018-06-02", Intensity="1"),
                row(3, Story_ID=8, Event_Date="2018-06-03"),
                row(5, Event_Date="2018-06-04"),
                row(6, Event_Date="2018-06-06"),
            ],
        ),
    )

    assert (told.new, told.changed, told.same, told.gone) == (1, 2, 2, 0)
    now = {one.id: one for one in standing(kb, coded_event)}
    opened = {id for id, one in now.items() if one.since == told.revision}
    assert opened == {"icews:2@2018-06-02", "icews:4@2018-06-04", "icews:6@2018-06-06"}
    assert now["icews:4@2018-06-04"].reports == 2
    closed = [one.id for one in rows(kb, coded_event) if one.until == told.revision]
    assert sorted(closed) == ["icews:2@2018-06-02", "icews:4@2018-06-04"]
    assert sorted(one.native for one in rows(kb, coded_report) if one.until == told.revision) == ["3@2018-06-03"]
    assert {one.id: one for one in standing(kb, coded_event, 1)}.keys() == first.keys()
    _check_counts(kb)


def test_a_row_that_moves_to_another_event_leaves_the_one_it_was_of(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, icews_file(tmp_path, [row(1), row(2), row(3, Target_Name="Corran")]))

    told = load(kb, icews_file(tmp_path, [row(2, Target_Name="Corran"), row(3, Target_Name="Dale")], "more.tab"))

    now = {one.id: one for one in standing(kb, coded_event)}
    assert now["icews:1@2018-06-01"].reports == 1
    assert now["icews:3@2018-06-01"].reports == 1
    # Its id stays with the event that had it, so the new one is known by its number.
    (third,) = now.keys() - {"icews:1@2018-06-01", "icews:3@2018-06-01"}
    assert third == f"icews:{now[third].number:016x}"
    assert (told.new, told.gone) == (1, 0)
    _check_counts(kb)


def test_an_id_goes_with_its_row_where_nothing_is_left_of_the_event(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, icews_file(tmp_path, [row(1)]))

    load(kb, icews_file(tmp_path, [row(1, Target_Name="Dale")]))

    (event,) = standing(kb, coded_event)
    assert (event.id, event.since) == ("icews:1@2018-06-01", 2)
    _check_counts(kb)


def test_what_a_whole_file_does_not_hold_any_more_is_closed(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, icews_file(tmp_path, [row(1), row(2), row(3, Event_Date="2018-06-03")]))

    told = load(kb, icews_file(tmp_path, [row(2)], "less.tab"), whole=True)

    (event,) = standing(kb, coded_event)
    assert (event.id, event.reports, told.gone) == ("icews:1@2018-06-01", 1, 1)
    assert kb.json("/v1/datasets/icews")["events"] == 1
    _check_counts(kb)


def test_a_whole_file_of_facts_closes_what_it_does_not_hold(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, facts_file(tmp_path, [("A", "Consult", "B", "2005-01-01"), ("B", "Consult", "A", "2005-01-01")]))

    told = load(kb, facts_file(tmp_path, [("B", "Consult", "A", "2005-01-01")], "less.tsv"), whole=True)

    assert (told.gone, told.same, len(standing(kb, coded_event))) == (1, 1, 1)
    _check_counts(kb)


def test_an_event_keeps_its_id_when_an_earlier_report_comes_later(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, icews_file(tmp_path, [row(5)]))

    load(kb, icews_file(tmp_path, [row(4, City="Elsewhere"), row(5)], "more.tab"))

    (event,) = standing(kb, coded_event)
    assert (event.id, event.place, event.reports) == ("icews:5@2018-06-01", "Port", 2)


def test_a_dry_run_says_what_would_be_done_and_does_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    path = icews_file(tmp_path, [row(1), row(2)])

    told = load(kb, path, dry_run=True)

    assert (told.new, told.revision, kb.latest) == (1, None, 0)
    assert not any(everything(kb).values())


# ── Refused ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_that_are_refused_are_kept_with_their_reason(kb: KnowledgeBase, tmp_path: Path) -> None:
    path = icews_file(tmp_path, [*(row(n) for n in range(30)), row(31, Event_Date="2018-02-30")])

    told = load(kb, path)

    assert told.rejected == {"bad-date": 1}
    (kept,) = rows(kb, rejected_row)
    assert (kept.revision, kept.line, kept.reason) == (told.revision, 32, "bad-date")
    assert kept.text.startswith("31\t2018-02-30\tArden")


def test_a_file_with_too_many_bad_rows_is_refused_and_leaves_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    path = icews_file(tmp_path, [row(1), row(2, Event_Date="never")])

    with pytest.raises(FileRefused, match="1 of 2 rows"):
        load(kb, path)

    assert kb.latest == 0
    assert not any(everything(kb).values())
    assert load(kb, path, accept=0.5).revision == 2


def test_a_name_that_no_index_takes_is_refused(kb: KnowledgeBase, tmp_path: Path) -> None:
    path = icews_file(tmp_path, [row(1), row(2, Source_Name="x" * 3000), row(3, Event_Text="y" * 3000)])

    told = load(kb, path, accept=0.9)

    assert told.rejected == {"value-too-long": 2}


@pytest.mark.parametrize("content", [b"", b"nonsense\n", gzip.compress(HEADER.encode() * 999)[:-40]])
def test_what_is_no_file_of_a_dataset_leaves_nothing(kb: KnowledgeBase, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "strange"
    path.write_bytes(content)

    with pytest.raises(FileRefused):
        load(kb, path)
    with pytest.raises(FileRefused):
        load(kb, tmp_path)

    assert kb.latest == 0
    assert {one.state for one in rows(kb, ledger.revision)} <= {"abandoned"}
    assert not any(everything(kb).values())


def test_the_second_of_two_imports_is_refused_and_told_who_is_at_work(kb: KnowledgeBase, tmp_path: Path) -> None:
    ledger.begin(kb.database, Change("import", "somebody", "Import first.tab into icews"), kb.clock)

    with pytest.raises(Busy, match=r"Revision 1 \(import: Import first.tab into icews\).*by somebody"):
        load(kb, icews_file(tmp_path, [row(1)]))


def test_an_import_whose_revision_is_abandoned_under_its_hands_stops(kb: KnowledgeBase, tmp_path: Path) -> None:
    path = icews_file(tmp_path, [row(1)])

    def abandon(phase: str, done: int, of: int | None) -> None:
        if phase == "parts":
            runner.drop(kb.database, 1)

    with pytest.raises(Conflict):
        load(kb, path, progress=abandon)

    with kb.database.write() as connection:
        ledger.empty(connection, 1)
    assert not any(everything(kb).values())


def test_giving_up_reads_no_table_of_coded_events_where_none_was_written(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, icews_file(tmp_path, [row(n) for n in range(9)]))
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        told.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with pytest.raises(FileRefused):
            load(kb, icews_file(tmp_path, [row(1, Event_Date="never")], "never.tab"))
        number = ledger.begin(kb.database, Change("edit", "a test", "Nothing"), kb.clock)
        with kb.database.write() as connection:
            ledger.abandon(connection, number)
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert any(statement.startswith("DELETE FROM coded_link") for statement in told)
    assert not [
        statement for statement in told if re.match("(DELETE FROM|UPDATE) coded_(event|part|report)", statement)
    ]


# ── Killed ──────────────────────────────────────────────────────────────────────────────────────────────────────────

KILLED = """
import sys
from pathlib import Path
from sqlalchemy import make_url
from app.db import open_database
from app.importers import runner, stage
from app.times import utc_now
stage.CHUNK_ROWS, runner.BATCH_ROWS = 300, 500
print("ready", flush=True)
runner.run(open_database(make_url(sys.argv[1])), Path(sys.argv[2]), clock=utc_now, by="victim")
"""


@pytest.mark.parametrize("seed", range(4))
def test_an_import_killed_anywhere_is_invisible_and_is_resumed_or_abandoned(
    kb: KnowledgeBase, tmp_path: Path, seed: int
) -> None:
    chosen = random.Random(seed)
    first = [row(n, Event_Date=f"2018-06-{n % 9 + 1:02}") for n in range(60)]
    more = [row(n, Event_Date=f"2018-06-{n % 28 + 1:02}", Target_Name=f"B{n % 50}") for n in range(40, 3000)]
    load(kb, icews_file(tmp_path, first))
    before = everything(kb)
    path = icews_file(tmp_path, more, "more.tab")
    environment = {"PATH": os.defpath, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", KILLED, kb.database.url.render_as_string(hide_password=False), str(path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        time.sleep(chosen.uniform(0.0, 1.2))
        victim.kill()

    with kb.database.read() as connection:
        left = ledger.opened(connection)
    if left is not None:
        assert len(standing(kb, coded_event)) == 9
        if seed % 2:
            runner.drop(kb.database, left.number)
            assert everything(kb) == before
        else:
            runner.resume(kb.database, left.number, clock=kb.clock)
    load(kb, path)

    rows_now = {(line["Event ID"], line["Event Date"]): line["Target Name"] for line in (*first, *more)}
    assert len(standing(kb, coded_event)) == len({(day, target) for (_, day), target in rows_now.items()})
    _check_counts(kb)


def test_the_numbers_of_an_older_schema_become_those_that_an_import_counts(kb: KnowledgeBase, tmp_path: Path) -> None:
    from alembic.command import downgrade, upgrade

    from app import schema
    from app.settings import Settings

    def to(step: Any, revision: str) -> None:
        with kb.database.write() as connection:
            config = schema._config(Settings().migrations)
            config.attributes["connection"] = connection
            step(config, revision)

    chosen = random.Random(5)
    for turn in range(4):
        days = range(40) if turn else range(60)
        load(
            kb,
            icews_file(
                tmp_path,
                [
                    row(n, Event_Date=f"2018-0{chosen.randrange(1, 9)}-0{chosen.randrange(1, 9)}", Source_Name=f"A{n % 3}",
                        Target_Name=f"A{chosen.randrange(4)}", CAMEO_Code=chosen.choice(("051", "190")))
                    for n in days
                ],
                f"{turn}.tab",
            ),
        )  # fmt: skip
    before = everything(kb)["coded_counterpart"]

    to(downgrade, "20261125d")
    to(upgrade, "head")

    # Sums of fractions depend on the order in which they are added up.
    assert everything(kb)["coded_counterpart"] == before
    _check_counts(kb)


# ── What is counted ahead ───────────────────────────────────────────────────────────────────────────────────────────


# What is counted ahead as additions, and by what.
ADDITIONS = {
    coded_month: ("dataset", "month", "code"),
    coded_total: ("dataset", "month"),
    coded_actor_month: ("actor", "month", "code"),
    coded_actor_total: ("actor", "month"),
    coded_actor_year: ("actor", "year", "code"),
    coded_active: ("year", "actor"),
}


def _check_counts(kb: KnowledgeBase) -> None:
    """Compare everything that is counted ahead, and the parts, with a scan of the events, at each revision."""
    tables = (coded_event, coded_part, coded_report, coded_counterpart, *ADDITIONS)
    everything = {table: rows(kb, table) for table in tables}

    def then(table: Any, at: int) -> list[Any]:
        return [one for one in everything[table] if one.since <= at and (one.until is None or one.until > at)]

    for at in range(1, kb.latest + 1):
        events, parts, reports = then(coded_event, at), then(coded_part, at), then(coded_report, at)
        scanned: dict[Any, dict[Any, list[float]]] = defaultdict(lambda: defaultdict(_nothing))
        expected_parts = set()
        for one in events:
            day = from_day_number(one.day)
            at_month, code = day.year * 12 + day.month - 1, one.code or one.label or one.plover or ""
            _add(scanned[coded_month][one.dataset, at_month, code], one)
            _add(scanned[coded_total][one.dataset, at_month], one)
            for actor in {one.initiator, one.recipient} - {None}:
                _add(scanned[coded_actor_month][actor, at_month, code], one, actor)
                _add(scanned[coded_actor_total][actor, at_month], one, actor)
                _add(scanned[coded_actor_year][actor, day.year, code], one, actor)
                for year in (day.year, -1):
                    _add(scanned[coded_active][year, actor], one, actor)
            for actor, other in {(one.initiator, one.recipient), (one.recipient, one.initiator)}:
                if actor is not None:
                    _add(scanned[coded_counterpart][actor, NOBODY if other is None else other], one, actor)
            for role, actor, other in ((1, one.initiator, one.recipient), (2, one.recipient, one.initiator)):
                if actor is not None:
                    once = 0 if role == 2 and actor == other else 1
                    expected_parts.add((actor, one.day, one.number, role, other, code or None, once))
        assert {(p.actor, p.day, p.number, p.role, p.other, p.code, p.once) for p in parts} == expected_parts
        assert len(parts) == len(expected_parts)
        for table, names in ADDITIONS.items():
            sums: dict[Any, list[float]] = defaultdict(_nothing)
            for one in everything[table]:
                if one.since <= at:
                    _sum(sums[tuple(getattr(one, name) for name in names)], one)
            added = {key: [round(n, 6) for n in sum] for key, sum in sums.items()}
            assert {key: value for key, value in added.items() if any(value)} == {
                key: [round(n, 6) for n in sum] for key, sum in scanned[table].items()
            }, (table.name, at)
        met = then(coded_counterpart, at)
        assert len({(one.actor, one.other) for one in met}) == len(met)
        assert {(one.actor, one.other): [one.events, one.reports, one.initiated, one.received] for one in met} == {
            key: [sum[0], sum[1], *sum[4:]] for key, sum in scanned[coded_counterpart].items()
        }
        weights = Counter[int]()
        for one in reports:
            weights[one.number] += one.weight
        if any(one.dataset != "tkg" for one in events):
            assert {one.number: one.reports for one in events} == {number: n for number, n in weights.items() if n}


def _nothing() -> list[float]:
    return [0, 0, 0, 0, 0, 0]


def _add(sum: list[float], event: Any, actor: Any = None) -> None:
    sum[0] += 1
    sum[1] += event.reports
    sum[2] += event.intensity or 0
    sum[3] += event.intensity is not None
    sum[4] += actor is not None and event.initiator == actor
    sum[5] += actor is not None and event.recipient == actor


def _sum(sum: list[float], one: Any) -> None:
    for n, name in enumerate(("events", "reports", "intensity", "weighed", "initiated", "received")):
        sum[n] += getattr(one, name, 0)


LINES = st.lists(
    st.builds(
        lambda number, day, source, target, code, intensity, story: row(
            number, Event_Date=f"2018-{day}", Source_Name=source, Source_Country="NA", Target_Name=target, Target_Country="NA",
            CAMEO_Code=code, Intensity=intensity, Story_ID=story,
        ),
        st.integers(1, 8),
        st.sampled_from(("06-30", "07-01")),
        st.sampled_from(("Arden", "Belmont", "NA")),
        st.sampled_from(("Arden", "Belmont", "NA")),
        st.sampled_from(("051", "190", "NA")),
        st.sampled_from(("3.4", "-10", "NA")),
        st.integers(1, 2),
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files=st.lists(st.tuples(LINES, st.booleans()), min_size=2, max_size=4), fold=st.sampled_from(("dyad", "none")))
def test_what_is_counted_ahead_equals_a_scan_at_every_revision(
    kb: KnowledgeBase, tmp_path: Path, files: list[tuple[list[Line], bool]], fold: str
) -> None:
    with kb.database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("DELETE FROM search_words"))
        for table in (searchable, *ledger.versioned(), rejected_row, ledger.record_id, ledger.revision):
            connection.execute(delete(table))
    for lines, whole in files:
        load(kb, icews_file(tmp_path, lines), fold=fold, whole=whole)
        dataset = {}
        for line in lines:
            dataset[f"{line['Event ID']}@{line['Event Date']}"] = line
        told = {one.native for one in standing(kb, coded_report)}
        assert told == dataset.keys() if whole else told >= dataset.keys()
        ids = Counter(one.id for one in standing(kb, coded_event))
        assert set(ids.values()) == {1}

    _check_counts(kb)
