"""How an import's rows get into temporary tables, are folded into events there, and go from there into the knowledge base.

    staged   a row of the file each, numbered by the event it tells of
    folded   the events: by number, what they are and how many reports they have; after comparing, only those to be written
    gone     versions of events that this import closes
    part     who takes part in the events of `folded` (counted +1) and `gone` (counted -1), in the order of actor and day
    report   the reports to be written; `report_gone` those to be closed

It is SQL on whole sets, the same on both databases but for what stands in the first part. Nothing here is held in memory: a sort
that is too large goes to a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

from app.db import Held
from app.models.coded import INITIATOR, RECIPIENT

CHUNK_ROWS: Final = 100_000  # rows a transaction writes: about a second, so that another writer need not give up
NUMBERS: Final = 1 << 63

# What an event is, as its first row in the file tells it.
ATTRIBUTES: Final = (
    "day", "last", "initiator", "recipient", "code", "label", "plover", "mode", "contexts", "quad", "intensity", "kind", "country",
    "place", "latitude", "longitude",
)  # fmt: skip
# What a report is, besides its own id.
DETAILS: Final = ("reported", "story", "sentence", "publisher", "url", "weight")
STAGED: Final = ("line", "number", "native", *ATTRIBUTES, *DETAILS)

_WHOLE = dict.fromkeys(("day", "last", "initiator", "recipient", "quad", "reported", "sentence", "weight"), "INTEGER")
_REAL = dict.fromkeys(("intensity", "latitude", "longitude"), "DOUBLE PRECISION")

# The parts and what is counted ahead go by this: `code` asks for a code, or for the label of a dataset without codes.
WHAT: Final = "COALESCE(code, label, plover)"


# ── What differs between the databases ──────────────────────────────────────────────────────────────────────────────


def load(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put rows, in the order of STAGED, into the temporary table."""
    if _embedded(connection):
        names: list[str] = []
        marks: list[str] = []
        columns: list[Sequence[Any]] = []
        for name, column in zip(STAGED, zip(*rows, strict=True), strict=True):
            empty = column.count(None)
            if empty == len(column):
                continue
            # The driver looks for an adapter each time it meets None: 0.9 µs against 0.03 for a value.
            columns.append(["" if value is None else value for value in column] if empty else column)
            marks.append("NULLIF(?, '')" if empty else "?")
            names.append(name)
        sql = f"INSERT INTO staged ({', '.join(names)}) VALUES ({', '.join(marks)})"  # noqa: S608
        connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))
        return
    sql = f"COPY staged ({', '.join(STAGED)}) FROM STDIN"
    with connection.connection.cursor() as cursor, cursor.copy(sql) as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row(row)


def _embedded(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _types(connection: Connection, names: Iterable[str]) -> str:
    """Column definitions; text sorts by code point, as in the tables that it goes to."""
    words = "TEXT" if _embedded(connection) else 'TEXT COLLATE "C"'
    return ", ".join(f"{name} {_WHOLE.get(name) or _REAL.get(name) or words}" for name in names)


def _counted(connection: Connection) -> str:
    """The type of a key that counts up in the order in which rows come."""
    return "INTEGER PRIMARY KEY" if _embedded(connection) else "BIGSERIAL PRIMARY KEY"


def _hexadecimal(connection: Connection, column: str) -> str:
    """A number as sixteen hexadecimal digits."""
    return f"printf('%016x', {column})" if _embedded(connection) else f"lpad(to_hex({column}), 16, '0')"


def _first_of_each(connection: Connection) -> str:
    """The first row of each event in the file, with the weights of all its rows."""
    columns = ", ".join(("native", *ATTRIBUTES))
    if _embedded(connection):
        # SQLite takes the other columns from the row that has the minimum, and so sorts only once.
        return f"SELECT number, min(line), {columns}, sum(weight) FROM staged GROUP BY number ORDER BY number"  # noqa: S608
    return (
        f"SELECT DISTINCT ON (number) number, line, {columns}, sum(weight) OVER (PARTITION BY number) "  # noqa: S608
        "FROM staged ORDER BY number, line"
    )


def _learn(connection: Connection, *tables: str) -> None:
    """Let PostgreSQL know how large temporary tables are; without it, it plans for a few rows."""
    if not _embedded(connection):
        for table in tables:
            connection.exec_driver_sql(f"ANALYZE {table}")


# ── Staging and folding ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Counts:
    """What an import changes: events that are new, changed, the same and gone, reports opened and closed."""

    new: int
    changed: int
    same: int
    gone: int
    in_file: int  # events that the file tells of
    repeated: int  # rows whose own id a later row of the file carries too
    reports: int  # by how many the reports grow
    reports_opened: int
    reports_closed: int

    @property
    def nothing(self) -> bool:
        """Whether what stands is what the file says."""
        return not (self.new or self.changed or self.gone or self.reports_opened or self.reports_closed)


@dataclass(frozen=True, slots=True)
class Stage:
    """The temporary tables of one import. `keyed`: rows have ids of their own; `single`: each of them is an event."""

    held: Held
    dataset: str
    keyed: bool
    single: bool
    whole: bool  # the file is all there is of the dataset: what it does not hold is closed

    @property
    def _by_number(self) -> bool:
        """Whether rows with one id have one number too."""
        return self.single or not self.keyed

    def create(self) -> None:
        """Make the temporary tables."""
        with self.held.scratch() as c:
            event = _types(c, ATTRIBUTES)
            for table in (
                f"staged (line INTEGER PRIMARY KEY, number BIGINT NOT NULL, {_types(c, ('native',))}, {event}, "
                f"{_types(c, DETAILS)})",
                f"folded (number BIGINT PRIMARY KEY, line INTEGER, {_types(c, ('native',))}, {event}, reports INTEGER, "
                f"{_types(c, ('id',))}, stands INTEGER DEFAULT 0, parts INTEGER DEFAULT 1)",
                f"gone (number BIGINT PRIMARY KEY, day INTEGER, initiator INTEGER, recipient INTEGER, {_types(c, ('what',))}, "
                "intensity DOUBLE PRECISION, reports INTEGER, parts INTEGER)",
                "lost (number BIGINT PRIMARY KEY)",
                f"prior (line INTEGER PRIMARY KEY, number BIGINT, {_types(c, ('native',))}, weight INTEGER, same INTEGER)",
                f"report_gone (number BIGINT, {_types(c, ('native',))}, weight INTEGER, PRIMARY KEY (number, native))",
                "touched (number BIGINT PRIMARY KEY, opened INTEGER, closed INTEGER)",
                f"other_first (number BIGINT PRIMARY KEY, {_types(c, ('native',))})",
                f"report (seq {_counted(c)}, number BIGINT, {_types(c, ('native', *DETAILS))})",
                f"part (seq {_counted(c)}, actor INTEGER, day INTEGER, number BIGINT, role INTEGER, other INTEGER, "
                f"{_types(c, ('code',))}, once INTEGER, events INTEGER, reports INTEGER, intensity DOUBLE PRECISION, "
                "weighed INTEGER, written INTEGER)",
                "calendar (day INTEGER PRIMARY KEY, month INTEGER NOT NULL)",
            ):
                c.exec_driver_sql(f"CREATE TEMPORARY TABLE {table}")

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Stage some rows."""
        with self.held.scratch() as connection:
            load(connection, rows)

    def fold(self, rows: int, first: bool) -> Counts:
        """Make events of so many rows and find what they change; `first` says that nothing of the dataset stands yet."""
        with self.held.scratch() as connection:
            _learn(connection, "staged")
            repeated = 0 if self._by_number else self._last_word(connection)
            total = self._folded(connection)
            if self._by_number and total < rows:
                repeated = self._last_word(connection)
                connection.exec_driver_sql("DELETE FROM folded")
                total = self._folded(connection)
            if not first:
                (self._compare_reports if self.keyed else self._compare_facts)(connection)
                self._settle(connection)
            return self._prepare(connection, total, repeated)

    def _run(self, connection: Connection, sql: str, **values: Any) -> int:
        return connection.execute(text(sql), values).rowcount

    def _last_word(self, connection: Connection) -> int:
        """Keep the last of several rows with one id: a dataset that tells a row again corrects it."""
        key = "number" if self._by_number else "native"
        connection.exec_driver_sql(
            f"CREATE TEMPORARY TABLE repeated AS SELECT {key}, max(line) AS line FROM staged GROUP BY {key} HAVING count(*) > 1"  # noqa: S608
        )
        if not connection.execute(text("SELECT count(*) FROM repeated")).scalar_one():
            return 0
        return self._run(
            connection,
            f"DELETE FROM staged WHERE {key} IN (SELECT {key} FROM repeated) AND line NOT IN (SELECT line FROM repeated)",  # noqa: S608
        )

    def _folded(self, connection: Connection) -> int:
        columns = ", ".join(("number", "line", "native", *ATTRIBUTES, "reports"))
        total = self._run(connection, f"INSERT INTO folded ({columns}) {_first_of_each(connection)}")
        _learn(connection, "folded")
        return total

    # ── Comparing with what stands ──────────────────────────────────────────────────────────────────────────────────

    def _compare_facts(self, connection: Connection) -> None:
        """Where rows have no ids of their own, an event is its own only report: it stands already or it does not."""
        self._run(
            connection,
            "UPDATE folded SET id = (SELECT e.id FROM coded_event e WHERE e.number = folded.number AND e.until IS NULL)",
        )
        self._run(connection, "UPDATE folded SET stands = 1 WHERE id IS NOT NULL")
        if self.whole:
            self._run(
                connection,
                "INSERT INTO lost SELECT e.number FROM coded_event e WHERE e.dataset = :dataset AND e.until IS NULL "
                "AND NOT EXISTS (SELECT 1 FROM folded f WHERE f.number = e.number)",
                dataset=self.dataset,
            )

    def _compare_reports(self, connection: Connection) -> None:
        """What the reports that stand already make of the events: a report that comes again takes the place of the old one."""
        same = _equal("r", "s", DETAILS)
        self._run(
            connection,
            "INSERT INTO prior SELECT s.line, r.number, r.native, r.weight, "  # noqa: S608
            f"CASE WHEN r.number = s.number AND {same} THEN 1 ELSE 0 END "
            # CROSS JOIN keeps SQLite to this order: a small file must not read a large table.
            "FROM staged s CROSS JOIN coded_report r CROSS JOIN coded_event e WHERE r.native = s.native AND r.until IS NULL "
            "AND r.weight > 0 AND e.number = r.number AND e.until IS NULL AND e.dataset = :dataset",
            dataset=self.dataset,
        )
        _learn(connection, "prior")
        self._run(connection, "INSERT INTO report_gone SELECT number, native, weight FROM prior WHERE same = 0")
        connection.exec_driver_sql("CREATE INDEX staged_native ON staged (native)")
        if self.whole:
            self._run(
                connection,
                "INSERT INTO report_gone SELECT r.number, r.native, r.weight FROM coded_event e "
                "JOIN coded_report r ON r.number = e.number AND r.until IS NULL AND r.weight > 0 "
                "WHERE e.dataset = :dataset AND e.until IS NULL "
                "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.native = r.native)",
                dataset=self.dataset,
            )
        self._run(
            connection,
            "INSERT INTO touched SELECT number, sum(opened), sum(closed) FROM ("
            "SELECT s.number, s.weight AS opened, 0 AS closed FROM staged s "
            "WHERE NOT EXISTS (SELECT 1 FROM prior p WHERE p.line = s.line AND p.same = 1) "
            "UNION ALL SELECT number, 0, weight FROM report_gone) AS changes GROUP BY number",
        )
        _learn(connection, "report_gone", "touched")
        self._run(
            connection,
            "UPDATE folded SET id = (SELECT e.id FROM coded_event e WHERE e.number = folded.number AND e.until IS NULL)",
        )
        self._run(
            connection,
            "UPDATE folded SET stands = 1, reports = "
            "(SELECT e.reports FROM coded_event e WHERE e.number = folded.number AND e.until IS NULL) "
            "+ COALESCE((SELECT t.opened - t.closed FROM touched t WHERE t.number = folded.number), 0) WHERE id IS NOT NULL",
        )
        self._keep_first_rows(connection)
        columns = ", ".join(ATTRIBUTES)
        theirs = ", ".join(f"e.{name}" for name in ATTRIBUTES)
        self._run(
            connection,
            f"INSERT INTO folded (number, line, native, {columns}, reports, id, stands) "  # noqa: S608
            f"SELECT e.number, 0, '', {theirs}, e.reports - t.closed, e.id, 1 FROM touched t "
            "CROSS JOIN coded_event e WHERE e.number = t.number AND e.until IS NULL AND e.reports > t.closed "
            "AND NOT EXISTS (SELECT 1 FROM folded f WHERE f.number = t.number)",
        )
        self._run(
            connection,
            "INSERT INTO lost SELECT t.number FROM touched t CROSS JOIN coded_event e "
            "WHERE e.number = t.number AND e.until IS NULL AND e.reports + t.opened - t.closed = 0",
        )
        # The row that gave an event its id may tell of another one now. The id goes with it only where the event itself is gone.
        self._run(
            connection,
            f"UPDATE folded SET id = :dataset || ':' || {_hexadecimal(connection, 'number')} WHERE stands = 0 AND EXISTS ("  # noqa: S608
            "SELECT 1 FROM coded_report r CROSS JOIN coded_event e "
            "WHERE e.number = r.number AND e.until IS NULL AND r.native = folded.native AND e.id = :dataset || ':' || folded.native "
            "AND NOT EXISTS (SELECT 1 FROM lost l WHERE l.number = e.number))",
            dataset=self.dataset,
        )

    def _keep_first_rows(self, connection: Connection) -> None:
        """Let an event stay what the row says that first told of it, though the file may tell of it otherwise."""
        own = f"substr(id, {len(self.dataset) + 2})"
        rows = self._run(
            connection,
            f"INSERT INTO other_first SELECT number, {own} FROM folded WHERE stands = 1 AND native <> {own}",  # noqa: S608
        )
        if not rows:
            return
        _learn(connection, "other_first")
        from_file = ", ".join(f"{name} = s.{name}" for name in ATTRIBUTES)
        from_before = ", ".join(f"{name} = e.{name}" for name in ATTRIBUTES)
        self._run(
            connection,
            f"UPDATE folded SET {from_file} FROM other_first o "  # noqa: S608
            "JOIN staged s ON s.native = o.native AND s.number = o.number WHERE folded.number = o.number",
        )
        self._run(
            connection,
            f"UPDATE folded SET {from_before} FROM other_first o "  # noqa: S608
            "JOIN coded_event e ON e.number = o.number AND e.until IS NULL WHERE folded.number = o.number "
            "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.native = o.native AND s.number = o.number) "
            "AND NOT EXISTS (SELECT 1 FROM report_gone g WHERE g.native = o.native AND g.number = o.number)",
        )

    def _settle(self, connection: Connection) -> None:
        """Leave in `folded` what is to be written, and put into `gone` what is to be closed."""
        self._run(
            connection,
            "DELETE FROM folded WHERE stands = 1 AND EXISTS (SELECT 1 FROM coded_event e WHERE e.number = folded.number "  # noqa: S608
            f"AND e.until IS NULL AND {_equal('e', 'folded', (*ATTRIBUTES, 'reports'))})",
        )
        _learn(connection, "folded", "lost")
        parts = _equal("e", "folded", ("day", "initiator", "recipient"))
        self._run(
            connection,
            "UPDATE folded SET parts = 0 WHERE stands = 1 AND EXISTS (SELECT 1 FROM coded_event e WHERE e.number = folded.number "  # noqa: S608
            f"AND e.until IS NULL AND {parts} AND {_what('e')} IS NOT DISTINCT FROM {_what('folded')})",
        )
        for parts, source in (("f.parts", "folded f"), ("1", "lost f")):
            stands = " AND f.stands = 1" if source == "folded f" else ""
            self._run(
                connection,
                f"INSERT INTO gone SELECT e.number, e.day, e.initiator, e.recipient, {_what('e')}, e.intensity, e.reports, {parts} "  # noqa: S608
                f"FROM {source} CROSS JOIN coded_event e WHERE e.number = f.number AND e.until IS NULL{stands}",
            )
        _learn(connection, "gone")

    def _prepare(self, connection: Connection, total: int, repeated: int) -> Counts:
        """Put reports and parts in the order in which they are written."""

        def count(sql: str) -> int:
            return int(connection.execute(text(f"SELECT count(*) FROM {sql}")).scalar_one())  # noqa: S608

        def total_of(table: str) -> int:
            return int(connection.execute(text(f"SELECT COALESCE(sum(reports), 0) FROM {table}")).scalar_one())  # noqa: S608

        if self.keyed:
            columns = ", ".join(("number", "native", *DETAILS))
            self._run(
                connection,
                f"INSERT INTO report ({columns}) SELECT {columns} FROM staged s "  # noqa: S608
                "WHERE NOT EXISTS (SELECT 1 FROM prior p WHERE p.line = s.line AND p.same = 1) ORDER BY number, native",
            )
        changed = count("folded WHERE stands = 1 AND line > 0")
        new = count("folded WHERE stands = 0")
        self._run(connection, _parts())
        _learn(connection, "part", "report")
        return Counts(
            new=new,
            changed=count("folded WHERE stands = 1"),
            same=total - new - changed,
            gone=count("lost"),
            in_file=total,
            repeated=repeated,
            reports=total_of("folded") - total_of("gone"),
            reports_opened=count("report"),
            reports_closed=count("report_gone"),
        )

    # ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def days_of_gone(self) -> list[int]:
        """The days of the versions that are closed."""
        with self.held.scratch() as connection:
            return list(connection.scalars(text("SELECT DISTINCT day FROM gone")))

    def calendar(self, days: Iterable[tuple[int, int]]) -> None:
        """Note in which month each day lies."""
        rows = [{"day": day, "month": month} for day, month in days]
        with self.held.scratch() as connection:
            if rows:
                connection.execute(text("INSERT INTO calendar VALUES (:day, :month)"), rows)
            _learn(connection, "calendar")

    def spans(self, table: str) -> list[tuple[int, int]]:
        """Ranges of numbers that hold about CHUNK_ROWS rows of a table each: digests are spread evenly."""
        with self.held.scratch() as connection:
            rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
        if not rows:
            return []
        pieces = -(-rows // CHUNK_ROWS)
        edges = [NUMBERS * at // pieces for at in range(pieces + 1)]
        return list(zip(edges, (edge - 1 for edge in edges[1:]), strict=False))

    def runs(self, table: str) -> list[tuple[int, int]]:
        """Ranges of the counted key, CHUNK_ROWS long."""
        with self.held.scratch() as connection:
            rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
        return [(at + 1, min(at + CHUNK_ROWS, rows)) for at in range(0, rows, CHUNK_ROWS)]

    def actor_runs(self) -> list[tuple[int, int]]:
        """Ranges of the parts that hold whole actors, about CHUNK_ROWS rows each; a busier actor is one of its own."""
        runs: list[tuple[int, int]] = []
        first = last = 1
        with self.held.scratch() as connection:
            for rows in connection.scalars(text("SELECT count(*) FROM part GROUP BY actor ORDER BY actor")):
                if last > first and last - first + rows > CHUNK_ROWS:
                    runs.append((first, last - 1))
                    first = last
                last += rows
        return [*runs, (first, last - 1)] if last > first else runs

    def write_events(self, connection: Connection, number: int, low: int, high: int) -> int:
        """Close and open the versions of events in a range of numbers."""
        values = {"since": number, "low": low, "high": high}
        self._run(
            connection,
            "UPDATE coded_event SET until = :since WHERE until IS NULL AND since < :since "
            "AND number IN (SELECT number FROM gone WHERE number BETWEEN :low AND :high)",
            **values,
        )
        columns = ", ".join(ATTRIBUTES)
        own = ":dataset || ':' || " + ("native" if self.keyed else _hexadecimal(connection, "number"))
        return self._run(
            connection,
            f"INSERT INTO coded_event (number, since, id, dataset, {columns}, reports) "  # noqa: S608
            f"SELECT number, :since, COALESCE(id, {own}), :dataset, {columns}, reports FROM folded "
            "WHERE number BETWEEN :low AND :high ORDER BY number",
            dataset=self.dataset,
            **values,
        )

    def close_reports(self, connection: Connection, number: int, low: int, high: int) -> None:
        """Close reports that were changed, moved or left out, in a range of numbers."""
        self._run(
            connection,
            "UPDATE coded_report SET until = :since FROM report_gone g WHERE g.number BETWEEN :low AND :high "
            "AND coded_report.number = g.number AND coded_report.native = g.native AND coded_report.until IS NULL "
            "AND coded_report.since < :since",
            since=number,
            low=low,
            high=high,
        )

    def write_reports(self, connection: Connection, number: int, first: int, last: int) -> None:
        """Open reports."""
        columns = ", ".join(("number", "native", *DETAILS))
        self._run(
            connection,
            f"INSERT INTO coded_report (since, {columns}) SELECT :since, {columns} FROM report "  # noqa: S608
            "WHERE seq BETWEEN :first AND :last ORDER BY seq",
            since=number,
            first=first,
            last=last,
        )

    def write_parts(self, connection: Connection, number: int, first: int, last: int) -> None:
        """Close and open the parts of some actors, and add up what is counted of them."""
        values = {"since": number, "first": first, "last": last}
        self._run(
            connection,
            "UPDATE coded_part SET until = :since FROM part p WHERE p.seq BETWEEN :first AND :last AND p.events < 0 "
            "AND p.written = 1 AND coded_part.actor = p.actor AND coded_part.day = p.day AND coded_part.number = p.number "
            "AND coded_part.role = p.role AND coded_part.until IS NULL AND coded_part.since < :since",
            **values,
        )
        self._run(
            connection,
            "INSERT INTO coded_part (actor, day, number, role, since, other, code, once) "
            "SELECT actor, day, number, role, :since, other, code, once FROM part "
            "WHERE seq BETWEEN :first AND :last AND events > 0 AND written = 1 ORDER BY seq",
            **values,
        )
        self._run(
            connection,
            "INSERT INTO coded_actor_month (actor, month, code, since, events, reports, intensity, weighed) "  # noqa: S608
            "SELECT p.actor, c.month, COALESCE(p.code, ''), :since, sum(p.events), sum(p.reports), sum(p.intensity), "
            "sum(p.weighed) FROM part p JOIN calendar c ON c.day = p.day WHERE p.seq BETWEEN :first AND :last AND p.once = 1 "
            f"GROUP BY p.actor, c.month, COALESCE(p.code, '') {_changed('p.')}",
            **values,
        )
        self._run(
            connection,
            "INSERT INTO coded_pair (actor, other, since, events, reports) "
            "SELECT actor, other, :since, sum(events), sum(reports) FROM part "
            "WHERE seq BETWEEN :first AND :last AND once = 1 AND other IS NOT NULL "
            "GROUP BY actor, other HAVING sum(events) <> 0 OR sum(reports) <> 0",
            **values,
        )

    def write_months(self, connection: Connection, number: int) -> None:
        """Add up what is counted of the dataset by month and code."""
        signed = [
            f"SELECT day, {what} AS code, {sign}count(*) AS events, {sign}sum(reports) AS reports, "  # noqa: S608
            f"{sign}sum(COALESCE(intensity, 0)) AS intensity, {sign}count(intensity) AS weighed FROM {table} GROUP BY day, {what}"
            for table, what, sign in (("folded", WHAT, ""), ("gone", "what", "-"))
        ]
        self._run(
            connection,
            "INSERT INTO coded_month (dataset, month, code, since, events, reports, intensity, weighed) "  # noqa: S608
            "SELECT :dataset, c.month, COALESCE(x.code, ''), :since, sum(x.events), sum(x.reports), sum(x.intensity), "
            f"sum(x.weighed) FROM ({' UNION ALL '.join(signed)}) AS x JOIN calendar c ON c.day = x.day "
            f"GROUP BY c.month, COALESCE(x.code, '') {_changed('x.')}",
            dataset=self.dataset,
            since=number,
        )


def _equal(one: str, other: str, names: Iterable[str]) -> str:
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in names)


def _what(table: str) -> str:
    return f"COALESCE({table}.code, {table}.label, {table}.plover)"


def _changed(table: str) -> str:
    """Leave out what comes to nothing; sums of fractions do so only nearly."""
    return (
        f"HAVING sum({table}events) <> 0 OR sum({table}reports) <> 0 OR sum({table}weighed) <> 0 "
        f"OR abs(sum({table}intensity)) > 1e-9"
    )


def _parts() -> str:
    sides = []
    for table, what, sign in (("folded", WHAT, ""), ("gone", "what", "-")):
        counted = (
            f"{sign}1 AS events, {sign}reports AS reports, {sign}COALESCE(intensity, 0) AS intensity, "
            f"{sign}(CASE WHEN intensity IS NULL THEN 0 ELSE 1 END) AS weighed, parts AS written FROM {table}"
        )
        sides += [
            f"SELECT initiator AS actor, day, number, {INITIATOR} AS role, recipient AS other, {what} AS code, 1 AS once, "
            f"{counted} WHERE initiator IS NOT NULL",
            f"SELECT recipient AS actor, day, number, {RECIPIENT} AS role, initiator AS other, {what} AS code, "
            f"CASE WHEN recipient = initiator THEN 0 ELSE 1 END AS once, {counted} WHERE recipient IS NOT NULL",
        ]
    return (
        "INSERT INTO part (actor, day, number, role, other, code, once, events, reports, intensity, weighed, written) "  # noqa: S608
        f"SELECT * FROM ({' UNION ALL '.join(sides)}) AS sides ORDER BY actor, day, number, role"
    )
