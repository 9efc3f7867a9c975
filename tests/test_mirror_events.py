"""Events of datasets mirrored: every import, link and count is in the mirror what it is at the source, at every revision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app import ledger
from app.importers.reconcile import reconcile, relink
from app.ledger import Change
from app.models.coded import TABLES, coded_actor, rejected_row
from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, database_url
from tests.making import dossier, event, person, state, statement, topic
from tests.test_coded import bring as bring_facts
from tests.test_coded import facts
from tests.test_import_runner import icews_file, load, row
from tests.test_mirror import mirror, told

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


@pytest.fixture(params=BACKENDS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[KnowledgeBase, KnowledgeBase]]:
    """A knowledge base that has lived and an empty one, both on each database."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(KnowledgeBase.at(database_url(request.param, request, tmp_path / name)))
    live(made[0], tmp_path)
    yield made[0], made[1]
    for base in made:
        base.close()


def rows_of(base: KnowledgeBase) -> dict[str, list[Any]]:
    """Every row that an import may write, in an order of its own."""
    with base.database.read() as connection:
        return {
            table.name: sorted(tuple(one) for one in connection.execute(select(*sorted_columns(table))))
            for table in (*TABLES, rejected_row)
        }


def sorted_columns(table: Any) -> list[Any]:
    """The columns of a table, those of its key first, so that rows can be sorted without comparing nulls."""
    return [*table.primary_key.columns, *(column for column in table.c if not column.primary_key)]


def test_a_mirror_holds_row_for_row_what_imports_did(pair: tuple[KnowledgeBase, KnowledgeBase]) -> None:
    one, two = pair

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
    for n in (base.latest, *range(1, base.latest)):
        yield from (f"/v1/{one}{'&' if '?' in one else '?'}as_of={n}" for one in asked)
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

    assert len(asked) > 400
    assert {told(one, path)[0] for path in asked} == {200}
    assert [path for path in asked if told(one, path) != told(two, path)] == []
