"""How an import's rows get into temporary tables, are folded into events there, and go from there into the knowledge base.

    staged   a row of the file each, numbered by the event it tells of
    folded   the events: by number, what they are and how many reports they have; after comparing, only those to be written
    gone     versions of events that this import closes
    prior    reports that stand already; `report_gone` those to be closed; `touched` the events they are of

It is SQL on sets, the same on both databases but for what stands in the first part. Our SQLite is built to sort in memory only,
so there rows lie in buckets (of numbers, of actors) and no statement sorts more than one; PostgreSQL sorts in files, and takes
everything at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.db import Held
from app.importers.familiar import Plain
from app.models.coded import TABLES

CHUNK_ROWS: Final = 100_000  # rows a transaction writes: about a second, so that another writer need not give up
BUCKETS: Final = 256
BUCKET_BITS: Final = 55  # a number without its lowest bits is its bucket: digests are spread evenly

# What an event is, as its first row in the file tells it.
ATTRIBUTES: Final = (
    "day", "last", "initiator", "recipient", "code", "label", "plover", "mode", "contexts", "quad", "intensity", "kind", "country",
    "place", "latitude", "longitude",
)  # fmt: skip
# What a report is, besides its own id.
DETAILS: Final = ("reported", "story", "sentence", "publisher", "url", "weight")
STAGED: Final = ("bucket", "line", "number", "native", *ATTRIBUTES, *DETAILS)

_WHOLE = dict.fromkeys(("day", "last", "initiator", "recipient", "quad", "reported", "sentence", "weight"), "INTEGER")
_REAL = dict.fromkeys(("intensity", "latitude", "longitude"), "DOUBLE PRECISION")

SPAN: Final = "bucket BETWEEN :first AND :last"
RANGE: Final = "number BETWEEN :low AND :high"

# The parts and what is counted ahead go by this: `code` asks for a code, or for the label of a dataset without codes.
WHAT: Final = "COALESCE(code, label, plover)"


# ── What differs between the databases ──────────────────────────────────────────────────────────────────────────────


def load(
    connection: Connection,
    rows: Sequence[tuple[Any, ...]],
    table: str = "staged",
    into: Sequence[str] = STAGED,
) -> None:
    """Put rows, in the order of the columns that they go into, into a temporary table."""
    if embedded(connection):
        names: list[str] = []
        marks: list[str] = []
        columns: list[Sequence[Any]] = []
        for name, column in zip(into, zip(*rows, strict=True), strict=True):
            empty = column.count(None)
            if empty == len(column):
                continue
            # The driver looks for an adapter each time it meets None: 0.9 µs against 0.03 for a value.
            columns.append(["" if value is None else value for value in column] if empty else column)
            marks.append("NULLIF(?, '')" if empty else "?")
            names.append(name)
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(marks)})"  # noqa: S608
        connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))
        return
    sql = f"COPY {table} ({', '.join(into)}) FROM STDIN"
    driver: Any = connection.dialect.loaded_dbapi
    try:
        with connection.connection.cursor() as cursor, cursor.copy(sql) as copy:  # type: ignore[attr-defined]
            for row in rows:
                copy.write_row(row)
    except driver.Error as error:
        # As of any other statement: whoever asks what kind of trouble it is need not know the driver.
        raise DBAPIError.instance(sql, None, error, driver.Error, dialect=connection.dialect) from error


def load_plain(connection: Connection, rows: Sequence[Plain]) -> None:
    """Put rows that are a fact and no more into the temporary table."""
    if embedded(connection):
        connection.exec_driver_sql(
            "INSERT INTO staged (bucket, line, number, day, last, initiator, recipient, label, kind, weight) "  # noqa: S608
            f"VALUES (?1 >> {BUCKET_BITS}, ?2, ?1, ?3, ?3, ?4, ?5, ?6, NULLIF(?7, ''), 1)",
            rows,
        )
        return
    sql = "COPY staged (bucket, line, number, day, last, initiator, recipient, label, kind, weight) FROM STDIN"
    said = {(row[5], row[6]): f"{_escaped(row[5])}\t{row[6] or NULL}" for row in rows}
    with connection.connection.cursor() as cursor, cursor.copy(sql) as copy:  # type: ignore[attr-defined]
        copy.write(
            "".join(
                [
                    f"{number >> BUCKET_BITS}\t{line}\t{number}\t{day}\t{day}\t{one}\t{other}\t{said[label, kind]}\t1\n"
                    for number, line, day, one, other, label, kind in rows
                ]
            )
        )


NULL: Final = "\\N"


def _escaped(text: str) -> str:
    """Text as COPY takes it, without tabs and line feeds, which a cell of a line has not."""
    return text.replace("\\", "\\\\").replace("\r", "\\r")


def embedded(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def types(connection: Connection, names: Iterable[str]) -> str:
    """Column definitions; text sorts by code point, as in the tables that it goes to."""
    words = "TEXT" if embedded(connection) else 'TEXT COLLATE "C"'
    return ", ".join(f"{name} {_WHOLE.get(name) or _REAL.get(name) or words}" for name in names)


def _table(connection: Connection, name: str, columns: str, key: str, *, looked_up: bool = True) -> None:
    """Make a temporary table in the order of its key; PostgreSQL needs the key only where rows are looked up by it."""
    if embedded(connection):
        sql = f"CREATE TABLE scratch.{name} ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID"
    else:
        sql = f"CREATE TEMPORARY TABLE {name} ({columns}{f', PRIMARY KEY ({key})' if looked_up else ''})"
    connection.exec_driver_sql(sql)


def _hexadecimal(connection: Connection, column: str) -> str:
    """A number as sixteen hexadecimal digits."""
    return f"printf('%016x', {column})" if embedded(connection) else f"lpad(to_hex({column}), 16, '0')"


def _one_of_each(connection: Connection, last: bool, native: str) -> str:
    """The first row of each event in a span of the file with the weights of all its rows; or the last row alone."""
    columns = ", ".join((native, *ATTRIBUTES))
    if embedded(connection):
        # SQLite takes the other columns from the row that has the minimum or maximum, and so sorts only once.
        one, weight = ("max(line)", "weight") if last else ("min(line)", "sum(weight)")
        return f"SELECT number, {one}, {columns}, {weight} FROM staged WHERE {SPAN} GROUP BY number ORDER BY number"  # noqa: S608
    weight, order = ("weight", "DESC") if last else ("sum(weight) OVER (PARTITION BY number)", "ASC")
    return (
        f"SELECT DISTINCT ON (number) number, line, {columns}, {weight} FROM staged WHERE {SPAN} "  # noqa: S608
        f"ORDER BY number, line {order}"
    )


def execute(connection: Connection, sql: str, **values: Any) -> int:
    """Run a statement; says how many rows it changed."""
    if embedded(connection):
        # Otherwise SQLite keeps, in memory, a copy of every page that a statement changes, in case it fails half-way.
        for verb in ("INSERT INTO", "UPDATE"):
            if sql.startswith(f"{verb} coded_"):
                sql = sql.replace(verb, f"{verb.split()[0]} OR ROLLBACK{verb.removeprefix(verb.split()[0])}", 1)
    return connection.execute(text(sql), values).rowcount


def learn(connection: Connection, *tables: str) -> None:
    """Let PostgreSQL know how large temporary tables are; without it, it plans for a few rows."""
    if not embedded(connection):
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
class Span:
    """Neighbouring buckets that are taken together, and the numbers that lie in them."""

    first: int
    last: int

    def values(self) -> dict[str, int]:
        """The span as statements ask for it."""
        low, high = self.first << BUCKET_BITS, (self.last + 1 << BUCKET_BITS) - 1
        return {"first": self.first, "last": self.last, "low": low, "high": high}


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
            event, native = types(c, ATTRIBUTES), types(c, ("native",))
            _table(
                c,
                "staged",
                f"bucket INTEGER, line INTEGER, number BIGINT, {native}, {event}, {types(c, DETAILS)}",
                "bucket, line",
                looked_up=False,
            )
            folded = f"number BIGINT, line INTEGER, {native}, {event}, reports INTEGER, {types(c, ('id',))}"
            _table(c, "folded", f"{folded}, stands INTEGER DEFAULT 0, parts INTEGER DEFAULT 1", "number")
            gone = (
                f"day INTEGER, initiator INTEGER, recipient INTEGER, {types(c, ('what',))}, intensity DOUBLE PRECISION"
            )
            _table(c, "gone", f"number BIGINT, {gone}, reports INTEGER, parts INTEGER", "number")
            _table(c, "lost", "number BIGINT", "number")
            _table(c, "prior", f"number BIGINT, {native}, line INTEGER, weight INTEGER, same INTEGER", "number, native")
            _table(c, "report_gone", f"number BIGINT, {native}, weight INTEGER", "number, native")
            _table(c, "touched", "number BIGINT, opened INTEGER, closed INTEGER", "number")
            _table(c, "other_first", f"number BIGINT, {native}, done INTEGER DEFAULT 0", "number")
            _table(c, "candidate", native, "native")
            _table(c, "repeated", f"{native}, line INTEGER", "native")
            _table(c, "share", "actor INTEGER, run INTEGER", "actor")
            _table(c, "calendar", "day INTEGER, month INTEGER", "day")

    def make(self, name: str, whole: Sequence[str], words: Sequence[str], key: str) -> None:
        """Make one more temporary table, of whole numbers and of texts, in the order of its key."""
        with self.held.scratch() as connection:
            columns = ", ".join(f"{name} BIGINT" for name in whole)
            _table(connection, name, f"{columns}, {types(connection, words)}" if words else columns, key)

    def learn(self, *tables: str) -> None:
        """Let PostgreSQL know how large temporary tables are."""
        with self.held.scratch() as connection:
            learn(connection, *tables)

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Stage some rows."""
        with self.held.scratch() as connection:
            load(connection, rows)

    def add_plain(self, rows: Sequence[Plain]) -> None:
        """Stage some rows that are a fact and no more."""
        with self.held.scratch() as connection:
            load_plain(connection, rows)

    def spans(self) -> list[Span]:
        """The buckets in portions of about CHUNK_ROWS rows; PostgreSQL takes all at once."""
        with self.held.scratch() as connection:
            counted = connection.execute(text("SELECT bucket, count(*) AS n FROM staged GROUP BY bucket"))
            return self.portions({row.bucket: row.n for row in counted} if embedded(connection) else {})

    def portions(self, filled: Mapping[int, int]) -> list[Span]:
        """The buckets, of which each holds so many rows, in portions of about CHUNK_ROWS; PostgreSQL takes all at once."""
        if not embedded(self.held.connection):
            return [Span(0, BUCKETS - 1)]
        spans: list[Span] = []
        first, rows = 0, 0
        for bucket in range(BUCKETS):
            if rows and rows + filled.get(bucket, 0) > CHUNK_ROWS:
                spans.append(Span(first, bucket - 1))
                first, rows = bucket, 0
            rows += filled.get(bucket, 0)
        return [*spans, Span(first, BUCKETS - 1)]

    def fold(self, rows: int, maybe: Iterable[str], spans: Sequence[Span], first: bool) -> Counts:
        """Make events of so many rows and find what they change; `first` says that nothing of the dataset stands yet.

        `maybe` are ids that may stand in several rows.
        """
        with self.held.scratch() as connection:
            learn(connection, "staged")
            repeated = 0 if self._by_number else self._last_word(connection, maybe)
            columns = ", ".join(("number", "line", "native", *ATTRIBUTES, "reports"))
            # Said here and not when the events are written: SQLite keeps a copy of every page that a statement changes where
            # `printf` stands in it, whatever is to become of it when it fails.
            native = "native" if self.keyed else _hexadecimal(connection, "number")
            total = sum(
                execute(
                    connection,
                    f"INSERT INTO folded ({columns}) {_one_of_each(connection, self._by_number, native)}",
                    first=span.first,
                    last=span.last,
                )
                for span in spans
            )
            learn(connection, "folded")
            if self._by_number:
                repeated = rows - total
                if repeated and self.keyed:  # without ids of their own, nobody reads the rows again
                    self._over(
                        connection,
                        spans,
                        f"DELETE FROM staged WHERE {SPAN} AND EXISTS "  # noqa: S608
                        "(SELECT 1 FROM folded f WHERE f.number = staged.number AND f.line <> staged.line)",
                    )
            if not first:
                if self.keyed:
                    self._compare_reports(connection, spans)
                self._stand(connection, spans)
                self._settle(connection, spans)
            return self._count(connection, total, repeated, first)

    def _over(self, connection: Connection, spans: Iterable[Span], sql: str, **values: Any) -> int:
        """Run a statement for each span of numbers; says how many rows it changed."""
        used = ("first", "last") if ":first" in sql else ("low", "high")
        return sum(execute(connection, sql, **values, **{name: span.values()[name] for name in used}) for span in spans)

    def _last_word(self, connection: Connection, maybe: Iterable[str]) -> int:
        """Keep the last of several rows with one id: a dataset that tells a row again corrects it."""
        rows = [{"native": native} for native in maybe]
        if not rows:
            return 0
        connection.execute(text("INSERT INTO candidate VALUES (:native)"), rows)
        learn(connection, "candidate")
        found = execute(
            connection,
            "INSERT INTO repeated SELECT s.native, max(s.line) FROM staged s CROSS JOIN candidate c WHERE c.native = s.native "
            "GROUP BY s.native HAVING count(*) > 1",
        )
        if not found:
            return 0
        return execute(
            connection,
            "DELETE FROM staged WHERE EXISTS (SELECT 1 FROM repeated r WHERE r.native = staged.native AND r.line <> staged.line)",
        )

    # ── Comparing with what stands ──────────────────────────────────────────────────────────────────────────────────

    def _compare_reports(self, connection: Connection, spans: Sequence[Span]) -> None:
        """Which reports stand already, as they are or otherwise, and the events that gain or lose one."""
        same = _equal("r", "s", DETAILS)
        self._over(
            connection,
            spans,
            "INSERT INTO prior SELECT r.number, r.native, s.line, r.weight, "  # noqa: S608
            f"CASE WHEN r.number = s.number AND {same} THEN 1 ELSE 0 END "
            # CROSS JOIN keeps SQLite to this order: a small file must not read a large table.
            "FROM staged s CROSS JOIN coded_report r CROSS JOIN coded_event e WHERE r.native = s.native AND r.until IS NULL "
            f"AND r.weight > 0 AND e.number = r.number AND e.until IS NULL AND e.dataset = :dataset AND s.{SPAN}",
            dataset=self.dataset,
        )
        learn(connection, "prior")
        self._over(
            connection,
            spans,
            f"INSERT INTO report_gone SELECT number, native, weight FROM prior WHERE same = 0 AND {RANGE}",  # noqa: S608
        )
        if self.whole:
            self._over(
                connection,
                spans,
                "INSERT INTO report_gone SELECT r.number, r.native, r.weight FROM coded_event e CROSS JOIN coded_report r "  # noqa: S608
                "WHERE r.number = e.number AND r.until IS NULL AND r.weight > 0 AND e.dataset = :dataset AND e.until IS NULL "
                f"AND NOT EXISTS (SELECT 1 FROM prior p WHERE p.number = r.number AND p.native = r.native) AND e.{RANGE}",
                dataset=self.dataset,
            )
        self._over(
            connection,
            spans,
            "INSERT INTO touched SELECT s.number, sum(s.weight), 0 FROM staged s "  # noqa: S608
            f"WHERE s.{SPAN} AND {_unheard()} GROUP BY s.number",
        )
        self._over(
            connection,
            spans,
            f"INSERT INTO touched SELECT number, 0, sum(weight) FROM report_gone WHERE {RANGE} GROUP BY number "  # noqa: S608
            "ON CONFLICT (number) DO UPDATE SET closed = excluded.closed",
        )
        learn(connection, "report_gone", "touched")

    def _stand(self, connection: Connection, spans: Sequence[Span]) -> None:
        """Which events stand already, and what the reports make of them; which are gone."""
        self._over(
            connection,
            spans,
            "UPDATE folded SET id = (SELECT e.id FROM coded_event e WHERE e.number = folded.number AND e.until IS NULL) "  # noqa: S608
            f"WHERE {RANGE}",
        )
        if not self.keyed:
            # Without ids of their own, an event is its own only report.
            self._over(connection, spans, f"UPDATE folded SET stands = 1 WHERE id IS NOT NULL AND {RANGE}")  # noqa: S608
            if self.whole:
                self._over(
                    connection,
                    spans,
                    "INSERT INTO lost SELECT e.number FROM coded_event e WHERE e.dataset = :dataset AND e.until IS NULL "  # noqa: S608
                    f"AND e.{RANGE} AND NOT EXISTS (SELECT 1 FROM folded f WHERE f.number = e.number)",
                    dataset=self.dataset,
                )
            return
        self._over(
            connection,
            spans,
            "UPDATE folded SET stands = 1, reports = "  # noqa: S608
            "(SELECT e.reports FROM coded_event e WHERE e.number = folded.number AND e.until IS NULL) "
            "+ COALESCE((SELECT t.opened - t.closed FROM touched t WHERE t.number = folded.number), 0) "
            f"WHERE id IS NOT NULL AND {RANGE}",
        )
        self._keep_first_rows(connection)
        columns = ", ".join(ATTRIBUTES)
        theirs = ", ".join(f"e.{name}" for name in ATTRIBUTES)
        execute(
            connection,
            f"INSERT INTO folded (number, line, native, {columns}, reports, id, stands) "  # noqa: S608
            f"SELECT e.number, 0, '', {theirs}, e.reports - t.closed, e.id, 1 FROM touched t "
            "CROSS JOIN coded_event e WHERE e.number = t.number AND e.until IS NULL AND e.reports > t.closed "
            "AND NOT EXISTS (SELECT 1 FROM folded f WHERE f.number = t.number)",
        )
        execute(
            connection,
            "INSERT INTO lost SELECT t.number FROM touched t CROSS JOIN coded_event e "
            "WHERE e.number = t.number AND e.until IS NULL AND e.reports + t.opened - t.closed = 0",
        )
        # The row that gave an event its id may tell of another one now. The id goes with it only where the event itself is gone.
        self._over(
            connection,
            spans,
            f"UPDATE folded SET id = :dataset || ':' || {_hexadecimal(connection, 'number')} "  # noqa: S608
            f"WHERE stands = 0 AND {RANGE} AND EXISTS ("
            "SELECT 1 FROM coded_report r CROSS JOIN coded_event e WHERE r.native = folded.native AND e.number = r.number "
            "AND e.until IS NULL AND e.id = :dataset || ':' || folded.native "
            "AND NOT EXISTS (SELECT 1 FROM lost l WHERE l.number = e.number))",
            dataset=self.dataset,
        )

    def _keep_first_rows(self, connection: Connection) -> None:
        """Let an event stay what the row says that first told of it, though the file may tell of it otherwise."""
        own = f"substr(id, {len(self.dataset) + 2})"
        rows = execute(
            connection,
            f"INSERT INTO other_first (number, native) SELECT number, {own} FROM folded WHERE stands = 1 AND native <> {own}",  # noqa: S608
        )
        if not rows:
            return
        learn(connection, "other_first")
        from_file = ", ".join(f"{name} = s.{name}" for name in ATTRIBUTES)
        from_before = ", ".join(f"{name} = e.{name}" for name in ATTRIBUTES)
        found = "FROM other_first o CROSS JOIN prior p CROSS JOIN staged s WHERE p.number = o.number AND p.native = o.native "
        found += f"AND s.bucket = o.number >> {BUCKET_BITS} AND s.line = p.line AND s.number = o.number"
        execute(connection, f"UPDATE folded SET {from_file} {found} AND folded.number = o.number")  # noqa: S608
        execute(
            connection,
            f"UPDATE folded SET {from_before} FROM other_first o CROSS JOIN coded_event e "  # noqa: S608
            "WHERE e.number = o.number AND e.until IS NULL AND folded.number = o.number "
            # What stands no more, neither in the file nor without it, has no say.
            "AND NOT EXISTS (SELECT 1 FROM report_gone g WHERE g.native = o.native AND g.number = o.number) "
            "AND NOT EXISTS (SELECT 1 FROM prior p WHERE p.native = o.native AND p.number = o.number)",
        )

    def _settle(self, connection: Connection, spans: Sequence[Span]) -> None:
        """Leave in `folded` what is to be written, and put into `gone` what is to be closed."""
        self._over(
            connection,
            spans,
            f"DELETE FROM folded WHERE stands = 1 AND {RANGE} AND EXISTS (SELECT 1 FROM coded_event e "  # noqa: S608
            f"WHERE e.number = folded.number AND e.until IS NULL AND {_equal('e', 'folded', (*ATTRIBUTES, 'reports'))})",
        )
        self.close(connection, spans)

    def close(self, connection: Connection, spans: Sequence[Span]) -> None:
        """Put into `gone` the versions that `folded` replaces and those of `lost`, and leave out parts that stay as they are."""
        learn(connection, "folded", "lost")
        parts = _equal("e", "folded", ("day", "initiator", "recipient"))
        self._over(
            connection,
            spans,
            f"UPDATE folded SET parts = 0 WHERE stands = 1 AND {RANGE} AND EXISTS (SELECT 1 FROM coded_event e "  # noqa: S608
            f"WHERE e.number = folded.number AND e.until IS NULL AND {parts} "
            f"AND {_what('e')} IS NOT DISTINCT FROM {_what('folded')})",
        )
        for parts, source in (("f.parts", "folded f"), ("1", "lost f")):
            stands = " AND f.stands = 1" if source == "folded f" else ""
            execute(
                connection,
                f"INSERT INTO gone SELECT e.number, e.day, e.initiator, e.recipient, {_what('e')}, e.intensity, e.reports, {parts} "  # noqa: S608
                f"FROM {source} CROSS JOIN coded_event e WHERE e.number = f.number AND e.until IS NULL{stands}",
            )
        learn(connection, "gone")

    def _count(self, connection: Connection, total: int, repeated: int, first: bool) -> Counts:
        """What the temporary tables amount to."""

        def count(sql: str, what: str = "count(*)") -> int:
            return int(connection.execute(text(f"SELECT {what} FROM {sql}")).scalar_one())  # noqa: S608

        told = count("folded WHERE stands = 1 AND line > 0")
        new = count("folded WHERE stands = 0")
        opened = 0
        if self.keyed:
            opened = count("staged" if first else f"staged s WHERE {_unheard()}")
        return Counts(
            new=new,
            changed=count("folded WHERE stands = 1"),
            same=total - new - told,
            gone=count("lost"),
            in_file=total,
            repeated=repeated,
            reports=count("folded", "COALESCE(sum(reports), 0)") - count("gone", "COALESCE(sum(reports), 0)"),
            reports_opened=opened,
            reports_closed=count("report_gone"),
        )

    # ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def share(self, actors: Mapping[int, int]) -> range:
        """Spread the parts over runs of neighbouring actors, about CHUNK_ROWS rows each, and say which runs there are."""
        at_once = not embedded(self.held.connection)
        rows: list[dict[str, int]] = []
        run, filled = 0, 0
        for actor, parts in sorted(actors.items()):
            if filled and filled + parts > CHUNK_ROWS and not at_once:
                run, filled = run + 1, 0
            filled += parts
            rows.append({"actor": actor, "run": run})
        with self.held.scratch() as connection:
            if rows:
                connection.execute(text("INSERT INTO share VALUES (:actor, :run)"), rows)
            learn(connection, "share")
        return range(run + 1)

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
            learn(connection, "calendar")

    def write_events(self, connection: Connection, number: int, span: Span) -> None:
        """Close and open the versions of events in a span."""
        self._over(
            connection,
            [span],
            "UPDATE coded_event SET until = :since WHERE until IS NULL AND since < :since "  # noqa: S608
            f"AND number IN (SELECT number FROM gone WHERE {RANGE})",
            since=number,
        )
        columns = ", ".join(ATTRIBUTES)
        self._over(
            connection,
            [span],
            f"INSERT INTO coded_event (number, since, id, dataset, {columns}, reports) "  # noqa: S608
            f"SELECT number, :since, COALESCE(id, :dataset || ':' || native), :dataset, {columns}, reports "
            f"FROM folded WHERE {RANGE} ORDER BY number",
            since=number,
            dataset=self.dataset,
        )

    def write_reports(self, connection: Connection, number: int, span: Span) -> None:
        """Close the reports in a span that were changed, moved or left out, and open the new ones."""
        self._over(
            connection,
            [span],
            "UPDATE coded_report SET until = :since FROM report_gone g WHERE g.number BETWEEN :low AND :high "
            "AND coded_report.number = g.number AND coded_report.native = g.native AND coded_report.until IS NULL "
            "AND coded_report.since < :since",
            since=number,
        )
        columns = ", ".join(("number", "native", *DETAILS))
        self._over(
            connection,
            [span],
            f"INSERT INTO coded_report (since, {columns}) SELECT :since, {columns} FROM staged s "  # noqa: S608
            f"WHERE s.{SPAN} AND {_unheard()} ORDER BY number, native",
            since=number,
        )

    def settle(self) -> None:
        """Let PostgreSQL know what its tables hold now: without it, pages are planned for tables that are nearly empty."""
        with self.held.scratch() as connection:
            learn(connection, *(table.name for table in TABLES))


def _unheard() -> str:
    """Of a row of `staged s`: no report stands that says the same."""
    return "NOT EXISTS (SELECT 1 FROM prior p WHERE p.number = s.number AND p.native = s.native AND p.same = 1)"


def _equal(one: str, other: str, names: Iterable[str]) -> str:
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in names)


def _what(table: str) -> str:
    return f"COALESCE({table}.code, {table}.label, {table}.plover)"
