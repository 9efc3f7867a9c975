"""Whether the ledger keeps its promises: one writer at a time, everything or nothing, and never two of a record."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import event as hook
from sqlalchemy import func, insert, make_url, select
from sqlalchemy.exc import IntegrityError

from app import ledger
from app.db import open_database
from app.dossiers.publish import prepare, publish
from app.errors import BadDossier, BadQuery, Conflict
from app.ledger import Busy, Change
from app.models.revision import record_id, revision
from app.resources import NOUNS
from app.times import utc_now
from tests.base import KnowledgeBase
from tests.making import dossier, person, state, topic

EDIT = Change("edit", "a test", "Try it")


def label(id: str, words: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """A topic as the ledger takes it, the smallest of records."""
    return "topic", {
        "id": id,
        "label": words,
        "definition": None,
        "broader": None,
        "evidence": [],
        "enrichment": None,
        **more,
    }


def labels(kb: KnowledgeBase, as_of: int | str | None = None) -> dict[str, str]:
    """Every topic and its label."""
    pinned = "" if as_of is None else f"&as_of={as_of}"
    return {item["id"]: item["label"] for item in kb.json(f"/v1/topics?limit=500{pinned}")["items"]}


@contextmanager
def opening(kb: KnowledgeBase, change: Change = EDIT) -> Iterator[tuple[Any, int]]:
    """A transaction with a revision open in it, published at the end."""
    with kb.database.write() as connection:
        number = ledger.start(connection, change, kb.clock())
        yield connection, number
        ledger.publish(connection, number, kb.clock())


def left_open(kb: KnowledgeBase, *records: tuple[str, dict[str, Any]], change: Change = EDIT) -> int:
    """A revision whose writer died after it had written these."""
    number = ledger.begin(kb.database, change, kb.clock)
    with kb.database.write() as connection:
        for noun, record in records:
            ledger.put(connection, number, noun, [record], origin="test")
    return number


def rows(kb: KnowledgeBase) -> dict[str, list[Any]]:
    """Every row of every versioned table."""
    with kb.database.read() as connection:
        tables = [*ledger.versioned(), record_id]
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in tables}


# ── Published whole or not at all ───────────────────────────────────────────────────────────────────────────────────


def test_nobody_sees_a_revision_before_it_is_published(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"))
    number = left_open(kb, label("ports", "Harbours"), label("ferries", "Ferries"))

    assert labels(kb) == {"ports": "Ports"}
    assert kb.get(f"/v1/topics?as_of={number}").status_code == 422
    assert kb.get("/v1/topics/ferries").status_code == 404
    assert [one["revision"] for one in kb.json("/v1/changes")["items"]] == [1]


def test_an_abandoned_revision_leaves_no_row_behind(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"), label("roads", "Roads"))
    before = rows(kb)
    number = left_open(kb, label("ports", "Harbours"), label("ferries", "Ferries"))
    with kb.database.write() as connection:
        ledger.retract(connection, number, "topic", {"roads": "No roads."})
        ledger.rename(connection, number, "topic", "streets", "roads")

    with kb.database.write() as connection:
        ledger.abandon(connection, number)

    assert rows(kb) == before
    assert labels(kb) == {"ports": "Ports", "roads": "Roads"}


def test_the_number_of_an_abandoned_revision_is_never_used_again(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"))
    abandoned = left_open(kb, label("ports", "Harbours"))
    with kb.database.write() as connection:
        ledger.abandon(connection, abandoned)

    assert kb.put(label("ports", "Quays")) == abandoned + 1
    assert [one["number"] for one in kb.json("/v1/revisions")["items"]] == [1, abandoned + 1]
    assert kb.get(f"/v1/revisions/{abandoned}").status_code == 404


def test_the_number_of_an_abandoned_revision_stands_for_the_one_before(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"))
    abandoned = left_open(kb, label("ports", "Harbours"))
    with kb.database.write() as connection:
        ledger.abandon(connection, abandoned)
    kb.put(label("ports", "Quays"))

    answer = kb.json(f"/v1/topics?as_of={abandoned}")

    assert [item["label"] for item in answer["items"]] == ["Ports"]
    assert answer["revision"] == 1


def test_a_writer_whose_revision_was_abandoned_under_its_hands_writes_nothing_more(kb: KnowledgeBase) -> None:
    number = left_open(kb)
    with kb.database.write() as connection:
        ledger.abandon(connection, number)

    for work in (
        lambda connection: ledger.put(connection, number, "topic", [label("late", "Late")[1]], origin="test"),
        lambda connection: ledger.retract(connection, number, "topic", {"late": "Late."}),
        lambda connection: ledger.rename(connection, number, "topic", "later", "late"),
        lambda connection: ledger.publish(connection, number, kb.clock()),
        lambda connection: ledger.abandon(connection, number),
    ):
        with pytest.raises(Conflict, match=f"{number} is not open"), kb.database.write() as connection:
            work(connection)
    kb.put(label("ports", "Ports"))
    assert labels(kb) == {"ports": "Ports"}


def test_a_published_revision_cannot_be_abandoned(kb: KnowledgeBase) -> None:
    number = kb.put(label("ports", "Ports"))

    with pytest.raises(Conflict, match="only an open one"), kb.database.write() as connection:
        ledger.abandon(connection, number)
    assert labels(kb) == {"ports": "Ports"}


# ── One writer at a time ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_writer_waits_and_is_then_told_whose_revision_is_open(kb: KnowledgeBase) -> None:
    left_open(kb, change=Change("import", "maria", "Load the ferries"))
    begun = time.monotonic()

    with pytest.raises(Busy, match=r"import: Load the ferries.* by maria") as refusal:
        ledger.begin(kb.database, EDIT, kb.clock, wait_seconds=0.3)

    assert 0.3 <= time.monotonic() - begun < 3
    assert "chancery revisions resume 1" in refusal.value.detail
    assert "chancery revisions abandon 1" in refusal.value.detail


def test_a_second_writer_goes_on_as_soon_as_the_first_has_published(kb: KnowledgeBase) -> None:
    first = left_open(kb, label("ports", "Ports"))

    def finish() -> None:
        time.sleep(0.3)
        with kb.database.write() as connection:
            ledger.publish(connection, first, kb.clock())

    thread = threading.Thread(target=finish)
    thread.start()
    second = ledger.begin(kb.database, EDIT, kb.clock, wait_seconds=10)
    thread.join()

    assert second == first + 1


def test_the_database_itself_refuses_a_second_open_revision(kb: KnowledgeBase) -> None:
    left_open(kb)
    second = {
        "number": 9,
        "state": "open",
        "kind": "edit",
        "job": "{}",
        "by": "",
        "why": "",
        "opened_at": "",
        "counts": "{}",
    }

    with pytest.raises(IntegrityError), kb.database.write() as connection:
        connection.execute(insert(revision).values(second))


def write_many(url: str, name: str, times: int) -> None:
    """Publish some revisions, each a new topic and a change to a common one."""
    database = open_database(make_url(url))
    for n in range(times):
        change = Change("edit", name, f"{name} {n}")
        with ledger.begun(database, change, utc_now, wait_seconds=60) as (connection, number):
            records = [label(f"{name}-{n}", name)[1], label("common", f"{name} {n}")[1]]
            ledger.put(connection, number, "topic", records, origin=name)
            ledger.publish(connection, number, utc_now())
    database.close()


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_writers_at_once_publish_one_after_another_and_lose_nothing(kb: KnowledgeBase, kind: str) -> None:
    url = kb.database.url.render_as_string(hide_password=False)
    make = threading.Thread if kind == "threads" else multiprocessing.get_context("spawn").Process
    writers = [make(target=write_many, args=(url, name, 4)) for name in ("ada", "ben", "cy")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(90)

    log = kb.json("/v1/revisions?limit=100")["items"]
    assert [one["number"] for one in log] == list(range(1, 13))
    assert [one["published_at"] for one in log] == sorted(one["published_at"] for one in log)
    assert len(labels(kb)) == 13
    assert labels(kb)["common"] == log[-1]["why"]


def test_a_reader_never_sees_half_a_revision_while_others_write(kb: KnowledgeBase) -> None:
    kb.put(label("left", "0"), label("right", "0"))
    over = threading.Event()
    torn = []

    def read() -> None:
        while not over.is_set():
            seen = labels(kb)
            if seen["left"] != seen["right"]:
                torn.append(seen)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(1, 12):
        kb.put(label("left", str(n)), label("right", str(n)))
    over.set()
    reader.join()

    assert torn == []


# ── What a revision does to a record ────────────────────────────────────────────────────────────────────────────────


def test_the_same_record_put_twice_in_a_revision_stands_once(kb: KnowledgeBase) -> None:
    with opening(kb) as (connection, number):
        for words in ("Ports", "Harbours"):
            ledger.put(connection, number, "topic", [label("ports", words)[1]], origin="test")
        ledger.put(connection, number, "topic", [label("ports", "A")[1], label("ports", "Quays")[1]], origin="test")

    assert labels(kb) == {"ports": "Quays"}
    assert [one["act"] for one in kb.json("/v1/topics/ports/revisions")["items"]] == ["create"]


def test_a_record_that_a_revision_changed_there_and_back_was_not_changed(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"))
    with opening(kb) as (connection, number):
        for words in ("Harbours", "Ports"):
            ledger.put(connection, number, "topic", [label("ports", words)[1]], origin="test")

    assert kb.json("/v1/topics/ports")["since"] == 1
    assert len(kb.json("/v1/topics/ports/revisions")["items"]) == 1
    assert kb.json(f"/v1/revisions/{number}")["counts"] == {"created": {}, "updated": {}, "retracted": {}}


def test_a_record_retracted_and_put_in_one_revision_is_updated_and_has_no_reason_to_be_gone(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"))
    with opening(kb) as (connection, number):
        ledger.retract(connection, number, "topic", {"ports": "Wrong."})
        ledger.put(connection, number, "topic", [label("ports", "Harbours")[1]], origin="test")

    (change,) = kb.json("/v1/changes?after=1")["items"]
    assert (change["act"], change["why"]) == ("update", "Try it")


def test_a_record_made_and_retracted_in_one_revision_was_never_there(kb: KnowledgeBase) -> None:
    with opening(kb) as (connection, number):
        ledger.put(connection, number, "topic", [label("ports", "Ports")[1]], origin="test")
        ledger.retract(connection, number, "topic", {"ports": "Wrong."})

    assert kb.get("/v1/topics/ports").status_code == 404
    assert kb.json("/v1/changes")["items"] == []
    kb.put(("place", {"id": "ports", "kind": "city", "name": "Ports", "within": None, "country": None, "evidence": []}))
    assert kb.json("/v1/places/ports")["name"] == "Ports"


def test_a_retracted_record_can_be_made_again_and_has_a_gap_in_its_history(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"))
    kb.retract("topic", "ports", why="Wrong.")
    kb.put(label("roads", "Roads"))
    kb.put(label("ports", "Ports again"))

    told = kb.json("/v1/topics/ports/revisions")["items"]
    assert [(one["revision"], one["act"]) for one in told] == [(1, "create"), (2, "retract"), (4, "create")]
    assert [kb.get(f"/v1/topics/ports?as_of={n}").status_code for n in range(5)] == [404, 200, 410, 410, 200]


def test_what_stands_already_as_it_is_given_is_left_alone(kb: KnowledgeBase) -> None:
    _, record = label("ports", "Ports")
    kb.put(("topic", record))
    before = rows(kb)

    kb.put(("topic", dict(reversed(record.items()))))

    assert rows(kb) == before


def test_an_id_belongs_to_one_noun_for_ever(kb: KnowledgeBase) -> None:
    kb.put(label("arden", "About Arden"))
    kb.retract("topic", "arden")

    with pytest.raises(BadDossier, match="is or was the id of a topic"):
        kb.load(dossier(actors=[state("arden")]))
    with pytest.raises(Conflict, match="belongs to a topic"):
        kb.put(("place", {"id": "arden", "kind": "city", "name": "Arden", "evidence": []}))
    with kb.database.read() as connection:
        assert ledger.opened(connection) is None


def test_a_name_given_up_leads_to_the_new_one_until_it_is_taken_up_again(kb: KnowledgeBase) -> None:
    kb.load(dossier(topics=[topic("ports")]))
    kb.load(dossier(topics=[topic("harbours") | {"formerly": ["ports"]}]))
    kb.load(dossier(topics=[topic("ports") | {"formerly": ["harbours"]}]))

    assert kb.get("/v1/topics/ports?as_of=2").headers["location"] == "/v1/topics/harbours?as_of=2"
    assert kb.json("/v1/topics/ports")["id"] == "ports"
    assert kb.get("/v1/topics/harbours").headers["location"] == "/v1/topics/ports"
    assert [one["act"] for one in kb.json("/v1/changes?after=1")["items"]] == ["create", "merge", "merge", "create"]


# ── What a moment stands for ────────────────────────────────────────────────────────────────────────────────────────


def published(kb: KnowledgeBase) -> list[datetime]:
    """When each revision was published."""
    return [datetime.fromisoformat(one["published_at"]) for one in kb.json("/v1/revisions")["items"]]


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def test_before_the_first_revision_there_is_nothing(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"))
    (first,) = published(kb)

    assert labels(kb, 0) == {}
    assert labels(kb, iso(first - timedelta(microseconds=1))) == {}
    assert labels(kb, "2025-12-31") == {}
    assert kb.json("/v1/topics?as_of=0")["coverage"]["zero"] == "not_covered"


def test_a_revision_counts_from_the_very_instant_of_its_publication(kb: KnowledgeBase) -> None:
    for words in ("One", "Two", "Three"):
        kb.put(label("ports", words))
    _, second, _ = published(kb)
    kb.clock.moment += timedelta(hours=1)

    assert labels(kb, iso(second - timedelta(microseconds=1))) == {"ports": "One"}
    assert labels(kb, iso(second)) == {"ports": "Two"}
    assert labels(kb, iso(second.astimezone(UTC).replace(tzinfo=None))) == {"ports": "Two"}
    assert kb.json(f"/v1/topics?as_of={iso(second)}")["revision"] == 2


def test_a_day_stands_for_its_end(kb: KnowledgeBase) -> None:
    kb.clock.moment = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
    kb.put(label("ports", "Midnight"))
    kb.clock.moment = datetime(2026, 3, 1, 23, 59, 50, tzinfo=UTC)
    kb.put(label("ports", "Evening"))
    kb.clock.moment = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    kb.put(label("ports", "Next day"))

    assert labels(kb, "2026-02-28") == {}
    assert labels(kb, "2026-03-01") == {"ports": "Evening"}
    assert labels(kb, "2026-03-02") == {"ports": "Next day"}
    assert labels(kb, "2026-03-02T01:00:00%2B01:00") == {"ports": "Evening"}


@pytest.mark.parametrize(
    "future", ["2", "999999999", "9" * 40, "2026-01-03", "2026-01-01T23:00:00Z", "2026-01-01T12:30:00-12:00"]
)
def test_the_future_is_refused(kb: KnowledgeBase, future: str) -> None:
    kb.put(label("ports", "Ports"))

    answer = kb.get(f"/v1/topics?as_of={future}")

    assert answer.status_code == 422
    assert "the latest revision is 1" in answer.json()["detail"]


def test_history_stays_as_it_was_on_a_machine_whose_clock_runs_backwards(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "One"))
    kb.clock.moment -= timedelta(days=400)
    kb.put(label("ports", "Two"))
    kb.put(label("ports", "Three"))

    first, second, third = published(kb)
    assert first < second < third
    kb.clock.moment = first + timedelta(days=1)
    assert [labels(kb, iso(moment))["ports"] for moment in (first, second, third)] == ["One", "Two", "Three"]
    assert labels(kb, iso(first - timedelta(seconds=1))) == {}


def test_an_instant_that_a_publication_may_still_claim_is_not_kept_for_ever(kb: KnowledgeBase) -> None:
    kb.put(label("ports", "Ports"))
    kb.clock.moment += timedelta(hours=1)
    just_now, earlier = kb.clock.moment - timedelta(seconds=2), kb.clock.moment - timedelta(minutes=5)

    assert "immutable" not in kb.get(f"/v1/datasets?as_of={iso(just_now)}").headers["cache-control"]
    assert "immutable" in kb.get(f"/v1/datasets?as_of={iso(earlier)}").headers["cache-control"]


# ── What it costs ───────────────────────────────────────────────────────────────────────────────────────────────────


def statements_of(kb: KnowledgeBase, count: int) -> int:
    """How many statements it takes to publish so many records."""
    told: list[str] = []
    hook.listen(kb.database.writer, "before_cursor_execute", lambda *given: told.append(given[2]))
    with opening(kb) as (connection, number):
        records = [label(f"{count}-{n}", "Words")[1] for n in range(count)]
        ledger.put(connection, number, "topic", records, origin="test")
    return len(told)


def test_putting_a_thousand_records_takes_a_few_statements_more_than_putting_one(kb: KnowledgeBase) -> None:
    one, thousand = statements_of(kb, 1), statements_of(kb, 1000)

    assert thousand - one <= 20
    assert one <= 70


def test_a_part_of_what_a_revision_did_is_that_part_of_the_whole(kb: KnowledgeBase) -> None:
    kb.put(*[label(f"topic-{n:03}", "Words") for n in range(300)])
    kb.put(*[label(f"topic-{n:03}", "Other words") for n in range(300)])

    with kb.database.read() as connection:
        some = ledger.steps(connection, 2, enrichment=False, skip=120, limit=7)
        every = ledger.steps(connection, 2, enrichment=False)

    assert some == every[120:127]
    assert len(every) == 300


def test_every_noun_of_the_ledger_is_counted_in_its_revision(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person(), state()], topics=[topic("ports")]))

    counts = kb.json("/v1/revisions/1")["counts"]
    assert counts == {"created": {"actor": 2, "passage": 5, "source": 1, "topic": 1}, "updated": {}, "retracted": {}}
    with kb.database.read() as connection:
        total = sum(
            connection.execute(select(func.count(resource.table.c.id.distinct()))).scalar_one()
            for resource in NOUNS.values()
        )
    assert total == 9


def test_what_another_writer_changed_meanwhile_does_not_survive_in_a_dossier_that_was_prepared_before(
    kb: KnowledgeBase,
) -> None:
    kb.load(dossier(topics=[topic("ports", "Ports"), topic("roads", "Roads")]))
    mine = orjson.dumps(dossier(topics=[topic("ports", "Mine"), topic("roads", "Roads")]))
    with kb.database.read() as connection:
        prepared = prepare(connection, mine, kb.vocabularies)
    kb.load(dossier(topics=[topic("ports", "Theirs"), topic("roads", "Theirs"), topic("rails", "Theirs")]))

    publish(kb.database, prepared, by="a test", clock=kb.clock)

    assert labels(kb) == {"ports": "Mine", "roads": "Roads"}


def test_what_an_open_revision_wrote_is_no_ground_to_compare_a_dossier_with(kb: KnowledgeBase) -> None:
    kb.load(dossier(topics=[topic("ports", "Ports")]))
    number = left_open(kb, label("ports", "Dirt"), label("roads", "Dirt"))
    with kb.database.read() as connection:
        prepared = prepare(connection, orjson.dumps(dossier(topics=[topic("ports", "Ports")])), kb.vocabularies)
    with kb.database.write() as connection:
        ledger.abandon(connection, number)

    assert not prepared.difference
    with kb.database.read() as connection:
        assert connection.execute(select(revision.c.state).order_by(revision.c.number)).scalars().all() == [
            "published",
            "abandoned",
        ]


def test_a_moment_that_is_none_is_refused(kb: KnowledgeBase) -> None:
    with kb.database.read() as connection, pytest.raises(BadQuery):
        ledger.revision_at(connection, "yesterday", kb.clock())
