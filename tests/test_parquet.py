"""Do DuckDB and Polars read what is exported as Parquet, with the types and the values of the list?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars
import pytest

from app.importers.runner import run
from tests.base import KnowledgeBase, plant
from tests.conftest import database_url
from tests.test_import_runner import icews_file, row

ROWS = [row(n, Event_Date=f"2014-0{n % 9 + 1}-11", Intensity=("NA" if n % 5 == 0 else "-2.5")) for n in range(1, 40)]


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    """The seed with events of a dataset beside it."""
    folder = tmp_path_factory.mktemp("events")
    kb = KnowledgeBase.at(database_url("sqlite", request, folder))
    plant(kb)
    run(kb.database, icews_file(folder, ROWS), clock=kb.clock, by="a test", accept=1.0)
    yield kb
    kb.close()


@pytest.fixture(scope="module")
def file(both: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every event, curated and coded, as Parquet."""
    found = tmp_path_factory.mktemp("parquet") / "events.parquet"
    found.write_bytes(both.get("/v1/events?format=parquet").content)
    return found


@pytest.fixture(scope="module")
def items(both: KnowledgeBase) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = both.json("/v1/events?limit=500")["items"]
    return found


def test_polars_reads_it_with_its_types(file: Path, items: list[dict[str, Any]]):
    table = polars.read_parquet(file)

    assert table["id"].to_list() == [one["id"] for one in items]
    assert table.schema["reports"] == polars.Int64
    assert table.schema["intensity"] == polars.Float64
    assert table["intensity"].to_list() == [one["intensity"] for one in items]
    assert table["happened.first"].to_list() == [(one["happened"] or {}).get("first") for one in items]
    assert table["gloss"].to_list() == [one["gloss"] for one in items]


def test_duckdb_asks_it_with_sql(file: Path, items: list[dict[str, Any]]):
    found = duckdb.execute(
        'select "happened.first"[:7] as month, count(*), sum(reports) from read_parquet(?) '
        "where dataset is not null group by month order by month",
        [str(file)],
    ).fetchall()

    coded = [one for one in items if one["dataset"] is not None]
    months = sorted({one["happened"]["first"][:7] for one in coded})
    wanted = [[one for one in coded if one["happened"]["first"].startswith(month)] for month in months]
    assert found == [
        (month, len(some), sum(one["reports"] for one in some)) for month, some in zip(months, wanted, strict=True)
    ]
    assert len(coded) == 9
    nulls = duckdb.execute("select count(*) from read_parquet(?) where intensity is null", [str(file)]).fetchone()
    assert nulls == (sum(one["intensity"] is None for one in items),)


def test_a_file_that_was_cut_is_refused_by_both(file: Path, tmp_path: Path):
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(polars.exceptions.ComputeError):
        polars.read_parquet(cut)
    with pytest.raises(duckdb.Error):
        duckdb.execute("select count(*) from read_parquet(?)", [str(cut)])
