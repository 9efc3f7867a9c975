"""How the parts of actors in an import's events are put in order, counted ahead, and written.

    part       who takes part in the events of `folded` (counted +1) and `gone` (counted -1), a run of neighbouring actors each
    ordered    one run in the order in which it is written; `counted_…` what follows from it
    month_sum  what is counted of the dataset

On SQLite one thread orders and counts in scratch files while another one writes: it needs a second processor, and no more time
than a single thread without one. Two lots of tables take turns. PostgreSQL takes all parts at once, and straight to where they go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import MAXYEAR, date
from typing import Final, NamedTuple

from sqlalchemy import Connection

from app.db import Beside, Held
from app.importers import stage
from app.importers.stage import RANGE, WHAT, Span, embedded, execute, learn, types
from app.models.coded import INITIATOR, NOBODY, RECIPIENT
from app.times import day_number, from_day_number

NUMBERS: Final = ("events", "reports", "intensity", "weighed", "initiated", "received")
MET: Final = ("events", "reports", "initiated", "received")
LOTS: Final = 2

# What is put in order, in the order of the columns of `part`, and its types.
COLUMNS: Final = (
    "actor", "day", "number", "role", "events", "other", "code", "once", "reports", "intensity", "weighed", "written",
)  # fmt: skip
TYPES: Final = {"number": "BIGINT", "code": "TEXT", "intensity": "DOUBLE PRECISION"}


class Ahead(NamedTuple):
    """A table that counts ahead: what its rows are of, and the query that counts them, in the order of its key."""

    table: str
    keys: tuple[str, ...]
    query: str

    @property
    def name(self) -> str:
        """The scratch table that holds them before they are written."""
        return f"counted_{self.table.removeprefix('coded_')}"


def counted(parts: str, months: str, totals: str) -> list[Ahead]:
    """What `parts` add to the numbers of their actors, by month and code; and from these by month, by year, and in all."""
    added = ", ".join(f"sum({name}) AS {name}" for name in NUMBERS)
    return [
        Ahead(
            "coded_actor_month",
            ("actor", "month", "code"),
            "SELECT p.actor AS actor, c.month AS month, COALESCE(p.code, '') AS code, sum(p.events * p.once) AS events, "  # noqa: S608
            "sum(p.reports * p.once) AS reports, sum(p.intensity * p.once) AS intensity, sum(p.weighed * p.once) AS weighed, "
            f"{_in_role('p.')} FROM {parts} p CROSS JOIN calendar c "
            "WHERE c.day = p.day GROUP BY p.actor, c.month, COALESCE(p.code, '') "
            "HAVING sum(p.events * p.once) <> 0 OR sum(p.reports * p.once) <> 0 OR sum(p.weighed * p.once) <> 0 "
            f"OR abs(sum(p.intensity * p.once)) > 1e-9 OR {_other_roles('p.')}",
        ),
        Ahead(
            "coded_actor_total",
            ("actor", "month"),
            f"SELECT actor, month, {added} FROM {months} GROUP BY actor, month",  # noqa: S608
        ),
        Ahead(
            "coded_actor_year",
            ("actor", "year", "code"),
            f"SELECT actor, month / 12 AS year, code, {added} FROM {months} GROUP BY actor, month / 12, code",  # noqa: S608
        ),
        Ahead(
            "coded_active",
            ("year", "actor"),
            f"SELECT month / 12 AS year, actor, {added} FROM {totals} GROUP BY actor, month / 12 "  # noqa: S608
            f"UNION ALL SELECT -1, actor, {added} FROM {totals} GROUP BY actor",
        ),
    ]


def met(parts: str) -> str:
    """How often the actors of `parts` meet each other."""
    return (
        f"SELECT actor, COALESCE(other, {NOBODY}) AS other, sum(events * once) AS events, sum(reports * once) AS reports, "  # noqa: S608
        f"{_in_role('')} FROM {parts} GROUP BY actor, COALESCE(other, {NOBODY}) "
        f"HAVING sum(events * once) <> 0 OR sum(reports * once) <> 0 OR {_other_roles('')}"
    )


def _in_role(table: str) -> str:
    """How many events an actor initiates, and of how many it is the recipient."""
    return f"{_acting(table, INITIATOR)} AS initiated, {_acting(table, RECIPIENT)} AS received"


def _other_roles(table: str) -> str:
    """Whether either of these changes, though the number of events may not."""
    return f"{_acting(table, INITIATOR)} <> 0 OR {_acting(table, RECIPIENT)} <> 0"


def _acting(table: str, role: int) -> str:
    return f"sum(CASE {table}role WHEN {role} THEN {table}events ELSE 0 END)"


# ── Collecting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def collecting() -> Iterator[str]:
    """Put the parts of a span of events into their runs, and add up the months."""
    for table, what, sign in (("folded", WHAT, ""), ("gone", "what", "-")):
        for role, actor, other in ((INITIATOR, "initiator", "recipient"), (RECIPIENT, "recipient", "initiator")):
            once = "1" if role == INITIATOR else "CASE WHEN recipient = initiator THEN 0 ELSE 1 END"
            yield (
                "INSERT INTO part SELECT s.run, f.number, "  # noqa: S608
                f"{role}, {sign}1, {actor}, day, {other}, {what}, {once}, {sign}reports, {sign}COALESCE(intensity, 0), "
                f"{sign}(CASE WHEN intensity IS NULL THEN 0 ELSE 1 END), parts FROM {table} f CROSS JOIN share s "
                f"WHERE s.actor = f.{actor} AND f.{RANGE}"
            )
    for table, what, sign in (("folded", WHAT, ""), ("gone", "what", "-")):
        yield (
            "INSERT INTO month_sum SELECT c.month, COALESCE(x.code, ''), sum(x.events), sum(x.reports), sum(x.intensity), "  # noqa: S608
            f"sum(x.weighed) FROM (SELECT day, {what} AS code, {sign}count(*) AS events, {sign}sum(reports) AS reports, "
            f"{sign}sum(COALESCE(intensity, 0)) AS intensity, {sign}count(intensity) AS weighed FROM {table} WHERE {RANGE} "
            f"GROUP BY day, {what}) AS x CROSS JOIN calendar c WHERE c.day = x.day GROUP BY c.month, COALESCE(x.code, '') "
            "ON CONFLICT (month, code) DO UPDATE SET events = month_sum.events + excluded.events, "
            "reports = month_sum.reports + excluded.reports, intensity = month_sum.intensity + excluded.intensity, "
            "weighed = month_sum.weighed + excluded.weighed"
        )


def _create(held: Held) -> None:
    part = (
        f"run INTEGER, number BIGINT, role INTEGER, events INTEGER, actor INTEGER, day INTEGER, other INTEGER, "
        f"{types(held.connection, ('code',))}, once INTEGER, reports INTEGER, intensity DOUBLE PRECISION, "
        "weighed INTEGER, written INTEGER"
    )
    sums = "events BIGINT, reports BIGINT, intensity DOUBLE PRECISION, weighed BIGINT"
    month = f"month INTEGER, {types(held.connection, ('code',))}, {sums}, PRIMARY KEY (month, code)"
    if held.beside is None:
        with held.scratch() as connection:
            connection.exec_driver_sql(f"CREATE TEMPORARY TABLE part ({part})")
            connection.exec_driver_sql(f"CREATE TEMPORARY TABLE month_sum ({month})")
        return
    statements = [
        f"CREATE TABLE parts.part ({part}, PRIMARY KEY (run, number, role, events)) WITHOUT ROWID",
        f"CREATE TABLE parts.month_sum ({month}) WITHOUT ROWID",
    ]
    numbers = ", ".join(f"{name} {TYPES.get(name, 'INTEGER')}" for name in NUMBERS)
    for lot in range(LOTS):
        ordered = ", ".join(f"{name} {TYPES.get(name, 'INTEGER')}" for name in COLUMNS)
        statements.append(f"CREATE TABLE lot{lot}.ordered (seq INTEGER PRIMARY KEY, {ordered})")
        for ahead in counted("", "", ""):
            keys = ", ".join(f"{name} {TYPES.get(name, 'INTEGER')}" for name in ahead.keys)
            statements.append(f"CREATE TABLE lot{lot}.{ahead.name} ({keys}, {numbers})")
        times = ", ".join(f"{name} INTEGER" for name in MET)
        statements += (
            f"CREATE TABLE lot{lot}.{name} (actor INTEGER, other INTEGER, {times})" for name in ("met", "met_part")
        )
    held.beside.run(*statements)


def _collect(held: Held, spans: Sequence[Span]) -> None:
    for sql in collecting():
        for span in spans:
            low, high = span.values()["low"], span.values()["high"]
            if held.beside is not None:
                held.beside.run(sql, low=low, high=high)
            else:
                with held.scratch() as connection:
                    execute(connection, sql, low=low, high=high)


def _prepare(beside: Beside, run: int) -> str:
    """Put a run in order and count it, in its lot; says which that is."""
    lot = f"lot{run % LOTS}"
    month, *others = counted(f"{lot}.ordered", f"{lot}.counted_actor_month", f"{lot}.counted_actor_total")
    emptied = ("ordered", "met", "met_part", month.name, *(one.name for one in others))
    beside.run(*(f"DELETE FROM {lot}.{name}" for name in emptied))  # noqa: S608
    columns = ", ".join(COLUMNS)
    for first_day, last_day in slices(beside, run):
        before = beside.one(f"SELECT COALESCE(max(seq), 0) FROM {lot}.ordered")[0]  # noqa: S608
        beside.run(
            f"INSERT INTO {lot}.ordered ({columns}) SELECT {columns} FROM part "  # noqa: S608
            "WHERE run = :run AND day BETWEEN :first_day AND :last_day ORDER BY actor, day, number, role",
            run=run,
            first_day=first_day,
            last_day=last_day,
        )
        slice = f"(SELECT * FROM {lot}.ordered WHERE seq > :before)"  # noqa: S608
        # A month lies in one slice, so these are whole; who meets whom is added up once more.
        beside.run(
            f"INSERT INTO {lot}.{month.name} {counted(slice, '', '')[0].query}",
            f"INSERT INTO {lot}.met_part {met(slice)}",
            before=before,
        )
    added = ", ".join(f"sum({name})" for name in MET)
    beside.run(
        *(f"INSERT INTO {lot}.{one.name} {one.query}" for one in others),
        f"INSERT INTO {lot}.met SELECT actor, other, {added} FROM {lot}.met_part GROUP BY actor, other "  # noqa: S608
        f"HAVING {' OR '.join(f'sum({name}) <> 0' for name in MET)}",
    )
    return lot


def slices(beside: Beside, run: int) -> Iterator[tuple[int, int]]:
    """The days of a run in months, as many together as have about CHUNK_ROWS parts: one busy actor may have half a million.

    What is sorted and grouped at once is in memory.
    """
    parts, first, last = beside.one("SELECT count(*), min(day), max(day) FROM part WHERE run = :run", run=run)
    if not parts:
        return
    days = max(1, (last - first + 1) * stage.CHUNK_ROWS // parts)
    while first <= last:
        until = month_after(min(first + days, last)) - 1
        yield first, until
        first = until + 1


def month_after(day: int) -> int:
    """The first day of the month after that of a day."""
    found = from_day_number(day)
    year, month = divmod(found.year * 12 + found.month, 12)
    return day_number(date(year, month + 1, 1)) if year <= MAXYEAR else day_number(date.max) + 1


# ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Parts:
    """The parts of one import, while they are put in order and written run by run, in the order of the runs."""

    held: Held
    dataset: str
    runs: Sequence[int]
    collected: Future[None] | None = None
    prepared: dict[int, Future[str]] = field(default_factory=dict)
    pool: ThreadPoolExecutor | None = None

    def write(self, connection: Connection, number: int, run: int, *, first: bool = False) -> None:
        """Close and open the parts of some actors, and add up what is counted of them; of the `first` import nothing is closed."""
        if embedded(connection):
            self._begin(run + LOTS - 1)  # the lot of the run before is free: its transaction is over
            lot = self.prepared.pop(run).result()
            source, order, ahead, meetings = f"{lot}.ordered", "seq", counted("", "", ""), f"{lot}.met"
            queries = [f"SELECT * FROM {lot}.{one.name}" for one in ahead]  # noqa: S608
        else:
            source, order, meetings = "part", "actor, day, number, role", f"({met('part')})"
            months, totals = (
                f"(SELECT * FROM coded_actor_{name} WHERE since = :since) AS own"  # noqa: S608
                for name in ("month", "total")
            )
            ahead = counted(source, months, totals)
            queries = [one.query for one in ahead]
        if not first:
            execute(
                connection,
                f"UPDATE coded_part SET until = :since FROM {source} p WHERE p.events < 0 "  # noqa: S608
                "AND p.written = 1 AND coded_part.actor = p.actor AND coded_part.day = p.day "
                "AND coded_part.number = p.number AND coded_part.role = p.role AND coded_part.until IS NULL "
                "AND coded_part.since < :since",
                since=number,
            )
        execute(
            connection,
            "INSERT INTO coded_part (actor, day, number, role, since, other, code, once) "  # noqa: S608
            f"SELECT actor, day, number, role, :since, other, code, once FROM {source} "
            f"WHERE events > 0 AND written = 1 ORDER BY {order}",
            since=number,
        )
        for one, query in zip(ahead, queries, strict=True):
            columns = ", ".join((*one.keys, *NUMBERS))
            execute(
                connection,
                f"INSERT INTO {one.table} (since, {columns}) SELECT :since, {columns} FROM ({query}) AS counted",  # noqa: S608
                since=number,
            )
        self._write_met(connection, number, meetings, first)

    def _write_met(self, connection: Connection, number: int, meetings: str, first: bool) -> None:
        execute(
            connection,
            f"INSERT INTO coded_counterpart (actor, other, since, {', '.join(MET)}) SELECT d.actor, d.other, :since, "  # noqa: S608
            + ", ".join(f"COALESCE(c.{name}, 0) + d.{name}" for name in MET)
            + f" FROM {meetings} AS d LEFT JOIN coded_counterpart c ON c.actor = d.actor AND c.other = d.other "
            "AND c.until IS NULL WHERE COALESCE(c.events, 0) + d.events <> 0",
            since=number,
        )
        if not first:
            execute(
                connection,
                f"UPDATE coded_counterpart SET until = :since FROM {meetings} AS d WHERE coded_counterpart.actor = d.actor "  # noqa: S608
                "AND coded_counterpart.other = d.other AND coded_counterpart.until IS NULL "
                "AND coded_counterpart.since < :since",
                since=number,
            )

    def _begin(self, run: int) -> None:
        if self.pool is not None and self.held.beside is not None and run < len(self.runs) and run not in self.prepared:
            self.prepared[run] = self.pool.submit(_prepare, self.held.beside, run)

    def start(self, spans: Sequence[Span]) -> None:
        """Start to collect, put in order and count: beside what else is done, on SQLite."""
        _create(self.held)
        if self.pool is None:
            _collect(self.held, spans)
            with self.held.scratch() as connection:
                learn(connection, "part", "month_sum")
            return
        self.collected = self.pool.submit(_collect, self.held, spans)
        for run in range(LOTS - 1):
            self._begin(run)

    def write_months(self, connection: Connection, number: int) -> None:
        """Write what is counted of the dataset by month and code; after all runs."""
        if self.collected is not None:
            self.collected.result()
        execute(
            connection,
            "INSERT INTO coded_month (dataset, month, code, since, events, reports, intensity, weighed) "
            "SELECT :dataset, month, code, :since, events, reports, intensity, weighed FROM month_sum "
            "WHERE events <> 0 OR reports <> 0 OR weighed <> 0 OR abs(intensity) > 1e-9",
            dataset=self.dataset,
            since=number,
        )
        execute(
            connection,
            "INSERT INTO coded_total (dataset, month, since, events, reports, intensity, weighed) "
            "SELECT dataset, month, :since, sum(events), sum(reports), sum(intensity), sum(weighed) FROM coded_month "
            "WHERE dataset = :dataset AND since = :since GROUP BY dataset, month",
            dataset=self.dataset,
            since=number,
        )


@contextmanager
def parts_of(held: Held, dataset: str, spans: Sequence[Span], runs: Sequence[int]) -> Iterator[Parts]:
    """The parts of what is folded, in runs that `share` has said; meanwhile `folded`, `gone` and `share` must not change."""
    if held.beside is None:
        parts = Parts(held, dataset, runs)
        parts.start(spans)
        yield parts
        return
    pool = ThreadPoolExecutor(1, thread_name_prefix="parts")
    try:
        parts = Parts(held, dataset, runs, pool=pool)
        parts.start(spans)
        yield parts
    finally:
        # What goes wrong need not wait for what is still in the queue, only for what is under way.
        pool.shutdown(cancel_futures=True)
