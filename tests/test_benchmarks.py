"""Do the benchmarks still run, and do they ask for what is there?"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import shutil
import sqlite3

import pytest

from benchmarks import __main__, generate, kept, load, report, servers
from benchmarks.runs import Outcome, Plan, Result, command, moved
from benchmarks.scenarios import Busy, Known, scenarios

needs_data = pytest.mark.skipif(
    not (generate.ROOT.parent / "shared" / "data" / generate.SOURCE).is_file(),
    reason="The real set that the benchmarks are made from is not here.",
)


@pytest.fixture
def facts(tmp_path):
    """A small set in the layout of the real one."""
    path = tmp_path / "facts.tsv.gz"
    lines = [f"A{n % 7}\tMake_statement\tB{n % 11}\t2005-{n % 12 + 1:02}-{n % 28 + 1:02}\ttrain\n" for n in range(500)]
    generate.write(path, (line.encode() for line in lines))
    return path


def test_the_same_number_of_rows_is_always_the_same_file(facts, tmp_path):
    digests = set()
    for name in ("one", "two"):
        generate.write(tmp_path / name, generate.rows(facts, 1200))
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())

    assert len(digests) == 1
    assert len(gzip.decompress((tmp_path / "one").read_bytes()).splitlines()) == 1201


def test_a_replay_moves_days_and_renames_actors_but_invents_neither(facts):
    lines = [line.split(b"\t") for line in generate.rows(facts, 1000)]
    first, second = lines[:500], lines[500:]

    assert {line[0] for line in first} | {line[2] for line in first} >= {line[0] for line in second}
    assert len({line[3] for line in second}) == len({line[3] for line in first})
    assert all(b"2005-01-01" <= line[3] <= b"2015-12-31" for line in second)
    assert [line[:4] for line in first] != [line[:4] for line in second]


def test_days_go_round_without_two_meeting():
    assert all(len(set(generate.moved(replay).values())) == generate.DAYS for replay in (0, 1, 21))


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="The benchmarks need the command sqlite3.")
@needs_data
def test_a_quick_run_of_one_scenario_measures_it(tmp_path, capsys):
    # Those whose peers need no more than the tests do.
    assert (
        __main__.main(["--quick", "--scenario", "S1,S13,two,start", "--connections", "16", "--folder", str(tmp_path)])
        == 0
    )

    told = capsys.readouterr().out
    assert "Not measured" not in told
    assert all(f"| {id} " in told for id in ("S1", "S13a", "S13b", "S13c", "two", "start"))


def test_scenarios_ask_for_what_the_service_answers(seeded):
    actor = Busy("tkg:china", 1, "China")
    at = Known([actor], [(actor, actor)], [("tkg:0000000000000001", 1)], 1, "", etag='"x"', words=["china"])

    for scenario in scenarios(at):
        if "cursor=" not in scenario.paths[0] and "/events/tkg" not in scenario.paths[0]:
            # Nobody of that name is here: a list is empty then, and a question that is none would be refused.
            assert seeded.get(scenario.paths[0]).status_code == 200, scenario.id


def test_a_cursor_is_moved_without_changing_whose_it_is():
    cursor = "WzEsMywiOGY2ZTY4MzVlY2QxIiwxMjc4NiwidGtnOjI1YTQ2YWJjNzg3YzVkZjAiXQ"

    assert moved(cursor, 12786, "tkg:25a46abc787c5df0") == cursor


def measured(id="S0", ratio=1.5, connections=16, database="sqlite"):
    """What a run tells that measured one scenario."""
    one = Result(id, "nothing", "nobody", 2, 4, [ratio], {"seconds": 1}, {"seconds": 1}, connections=connections)
    out = Outcome(results=[one])
    return report.as_json(Plan(461_329, database, 1, 1, 16, frozenset()), out, [1, 1, 1], [1, 1, 1])


def test_a_figure_that_is_missed_says_so():
    told = Result("S0", "nothing", "nobody", 2, 4, [1.0, 1.5, 9.0], {"seconds": 1}, {"seconds": 1})

    assert told.verdict == "MISSED"
    assert "1.50 (1.00–9.00)" in report.table([told])
    assert "**1.50**" in report.section(report.merged({}, measured(), "sqlite"))


def test_a_limit_without_an_aim_is_reached_at_most():
    assert Result("memory", "", "150 MB", 1, None, [9.0], {}, {}).verdict == "reached"


def test_a_newer_result_takes_the_place_of_an_older_one_and_of_no_other():
    first = report.merged({}, measured(ratio=1.5), "sqlite")
    both = report.merged(first, measured(ratio=3.0, database="postgresql"), "postgresql")
    again = report.merged(both, measured(ratio=9.0), "sqlite")

    assert [(one["database"], one["ratio"]) for one in again["results"]] == [("sqlite", 9.0), ("postgresql", 3.0)]
    assert len(again["runs"]) == 2


def test_a_run_goes_on_with_what_the_same_code_has_not_measured():
    plan = Plan(461_329, "sqlite", 1, 1, 16, frozenset(), also=(1,))
    kept_ = report.merged({}, measured("S3"), "sqlite")
    half = report.had(kept_, plan, report.commit())
    whole = report.had(report.merged(kept_, measured("S3", connections=1), "sqlite"), plan, report.commit())

    assert (half, whole) == (frozenset(), frozenset({"S3"}))
    assert report.had(kept_, plan, "other") == frozenset()


def test_a_part_of_a_scenario_is_chosen_by_its_first_word():
    plan = Plan(1, "sqlite", 1, 1, 16, frozenset({"flat", "S13"}), done=frozenset({"flat S3"}))

    assert plan.wants("flat S1", "S13a")
    assert not plan.wants("flat S3")
    assert not plan.wants("S1")


def test_the_plot_shows_both_databases_and_the_aim():
    first = report.merged({}, measured(), "sqlite")
    told = report.plot(report.merged(first, measured(database="postgresql"), "postgresql"))

    assert told.endswith("</svg>\n")
    assert told.count('height="8"') == 2
    assert "stroke-dasharray" in told


def test_the_page_says_what_the_file_of_results_says():
    told = report.read(report.RESULTS)
    page = (generate.ROOT / "docs" / "benchmarks.md").read_text()

    assert report.section(told) in page
    assert report.plot(told) == report.RESULTS.with_suffix(".svg").read_text()


def test_a_kept_base_of_another_schema_is_made_anew(tmp_path, facts):
    said = []
    first = kept.base(tmp_path, 500, [facts], command, said.append)
    kept.base(tmp_path, 500, [facts], command, said.append)
    assert len(said) == 1

    with sqlite3.connect(first / "chancery.db") as rows:
        rows.execute("DROP INDEX ix_coded_part_pair")
    kept.base(tmp_path, 500, [facts], command, said.append)
    assert "another schema" in said[1]


def test_where_wrk_is_not_installed_a_small_client_asks(tmp_path):
    pytest.importorskip("uvloop")
    server = servers.uvicorn("benchmarks.peers.bare:app", tmp_path / "log", {"BENCH_BYTES": "1000"}, "/")
    try:
        found = asyncio.run(load.by_client(server.port, ["/"], {}, 2, 0.5))
    finally:
        server.stop()

    assert found.requests > 10
    assert found.wrong == 0
