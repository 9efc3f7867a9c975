"""Whether every axis is exact by every measure at every revision: after events come, change and go, and links too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from app import ledger
from app.coded import counts as coded
from app.importers.reconcile import relink
from app.importers.runner import run
from app.ledger import Change
from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, database_url
from tests.making import dossier, event, person, state
from tests.test_counts import everything, values
from tests.test_import_runner import Line, icews_file, row

NAMES = ("Arden", "Belmont", "Police (Arden)", "Lena Voss", "Corvo")
COUNTRIES = ("Japan", "Ukraine", "NA")
CODES = ("010", "042", "0421", "057", "190")
TIMES = set(coded.TIMES)
Cell = tuple[Any, ...]


def some_rows(seed: int, count: int) -> list[Line]:
    """Rows of a file that name the same few actors, some of them reports of one event, some without an intensity or a country."""
    random = Random(seed)
    return [
        row(
            n,
            Event_Date=(date(2013, 11, 20) + timedelta(days=random.randrange(60))).isoformat(),
            Source_Name=random.choice(NAMES),
            Source_Country="NA",
            Target_Name=random.choice(NAMES),
            Target_Country="NA",
            CAMEO_Code=random.choice(CODES),
            Intensity=random.choice(("NA", "-10", "0", "3.4", "7")),
            Country=random.choice(COUNTRIES),
        )
        for n in range(seed * 1000, seed * 1000 + count)
    ]


def linked(kb: KnowledgeBase, name: str, to: str | None) -> None:
    """Let a dataset's actor be somebody here, or nobody any more, in a revision of its own."""
    with kb.database.write() as connection:
        revision = ledger.start(connection, Change("edit", "a test", "Look again"), kb.clock())
        relink(connection, revision, number_of(connection, name), to, "A person looked.")
        ledger.publish(connection, revision, kb.clock())


def number_of(connection: Any, name: str) -> int:
    """The number of a dataset's actor."""
    from sqlalchemy import select

    from app.models.coded import coded_actor

    return int(connection.execute(select(coded_actor.c.number).where(coded_actor.c.name == name)).scalar_one())


@pytest.fixture(scope="module", params=BACKENDS)
def eventful(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    """A file's events that come, change and go, with links that are made and undone, beside events of a dossier."""
    folder = tmp_path_factory.mktemp("eventful")
    kb = KnowledgeBase.at(database_url(request.param, request, folder))
    kb.clock.moment = datetime(2040, 1, 1, tzinfo=UTC)
    part = [{"actor": "arden", "role": "initiator", "evidence": ["p2s3"]}]
    here = [person(), state(), state("belmont", "Belmont")]
    kb.load(
        dossier(actors=here, events=[event(happened="2013-12-24", participants=part), event("other", happened=None)])
    )
    first = some_rows(1, 90)
    run(kb.database, icews_file(folder, first), clock=kb.clock, by="a test", accept=1.0)
    linked(kb, "Police (Arden)", "arden")
    # Half of it is gone, some of it changed, and there is more.
    changed = [{**line, "Intensity": "1", "Country": "Ukraine"} for line in first[:20]]
    second = icews_file(folder, [*changed, *first[20:45], *some_rows(2, 30)])
    run(kb.database, second, clock=kb.clock, by="a test", accept=1.0, whole=True)
    linked(kb, "Police (Arden)", None)
    linked(kb, "Corvo", "lena-voss")
    kb.retract("event", "other")
    yield kb
    kb.close()


def brute(items: list[dict[str, Any]], by: list[str], measure: str) -> dict[Cell, float | None]:
    """The cells of these events by a measure."""
    found: dict[Cell, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        cells: list[Cell] = [()]
        for axis in by:
            cells = [(*cell, one) for cell in cells for one in values(item, axis)]
        for cell in cells:
            found[cell].append(item)
    return {cell: number(some, measure) for cell, some in found.items()}


def number(items: list[dict[str, Any]], measure: str) -> float | None:
    """What is measured of some events."""
    if measure == "events":
        return len(items)
    if measure == "reports":
        return int(sum(item["reports"] for item in items))
    weighed = [item["intensity"] for item in items if item["intensity"] is not None]
    return round(sum(weighed) / len(weighed), 4) if weighed else None


FILTERS: tuple[list[tuple[str, str]], ...] = (
    [],
    [("participant", "arden")],
    [("participant", "icews:corvo")],
    [("initiator", "lena-voss")],
    [("recipient", "belmont"), ("code", "04")],
    [("country", "UA")],
    [("happened_from", "2013-12-05"), ("happened_before", "2014-01-10"), ("dates", "certain")],
    [("participant", "belmont"), ("happened_before", "2013-12-20"), ("dates", "certain")],
    [("quad", "4"), ("dataset", "icews")],
    [("intensity_from", "0")],
)


@pytest.mark.parametrize("measure", coded.MEASURES)
@pytest.mark.parametrize("axis", coded.BY)
def test_each_axis_is_exact_by_each_measure_at_every_revision(eventful: KnowledgeBase, axis: str, measure: str) -> None:
    random = Random(f"{axis}{measure}")
    revisions = random.sample(range(2, eventful.latest + 1), 3)
    for pairs, revision in zip(random.sample(FILTERS, 3), revisions, strict=True):
        others = [one for one in coded.BY if one != axis and not (axis in TIMES and one in TIMES)]
        by = [axis, *random.sample(others, random.randrange(2))]
        asked = urlencode([*pairs, ("as_of", str(revision))])
        wanted = brute(everything(eventful, asked), by, measure)

        told = eventful.json(f"/v1/events/counts?{asked}&by={','.join(by)}&measure={measure}&limit=10000")

        cells = {tuple(item[one] for one in by): item["n"] for item in told["items"]}
        assert cells == pytest.approx(wanted, abs=0.0002), (asked, by)


@pytest.mark.parametrize("by", ["code", "month", "country", "participant", "year,recipient"])
def test_shares_are_of_all_cells_on_every_page_and_add_up_to_one(eventful: KnowledgeBase, by: str) -> None:
    for measure in ("events", "reports"):
        asked = f"by={by}&measure={measure}&initiator=arden&as_of={eventful.latest - 1}"
        whole = {
            tuple(item[one] for one in by.split(",")): item["n"]
            for item in eventful.json(f"/v1/events/counts?{asked}&limit=10000")["items"]
        }
        walked, cursor = [], ""
        while cursor is not None:
            page = eventful.json(
                f"/v1/events/counts?{asked}&normalize=share&limit=2" + (f"&cursor={cursor}" if cursor else "")
            )
            walked, cursor = [*walked, *page["items"]], page["next_cursor"]

        shares = {tuple(item[one] for one in by.split(",")): item["share"] for item in walked}
        assert shares == pytest.approx({cell: n / sum(whole.values()) for cell, n in whole.items()}, abs=1e-6)
        assert sum(shares.values()) == pytest.approx(1, abs=1e-4)


def test_a_mean_has_no_share_and_nothing_has_none_of_it(eventful: KnowledgeBase) -> None:
    refused = eventful.json("/v1/events/counts?by=code&measure=intensity&normalize=share", 422)
    nothing = eventful.json("/v1/events/counts?normalize=share&code=20")["items"]

    assert refused["errors"][0]["name"] == "normalize"
    assert "mean" in refused["detail"]
    assert [item["share"] for item in nothing] in ([], [0.0])
