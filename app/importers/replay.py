"""How what another base's import did is done here: told as lines, staged, checked, and written by what writes imports.

    lines ── read, each cell by its type ── staged ── checked with each other and with what stands ── written in many transactions

Nothing is written before the last line has come and everything fits. What is counted ahead follows from the events, as for a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, IntegrityError

from app.coded.lines import ACTOR, BY_NAME, EVENT, LINK, REJECTED, REPORT, SECTIONS, Section, Unfit
from app.db import Held
from app.errors import Conflict
from app.importers.parts import parts_of
from app.importers.runner import SETTLED_ROWS, Progress, is_first, month_of
from app.importers.stage import BUCKET_BITS, Span, Stage, execute, load
from app.names import fold

BLOCK_LINES: Final = 10_000  # between two positions
CHUNK: Final = 10_000
LINKS: Final = ("links_opened", "links_closed")
Keep = Callable[[Connection], None]  # makes sure, in a transaction, that the revision is still ours to write

# The temporary tables that lines go to beside those of an import, with their whole numbers, their texts and their keys.
TOLD: Final = {
    "told_actor": (("number",), ("id", "name", "code", "country", "sectors", "folded"), "number"),
    "told_link": (("number",), ("actor", "why"), "number"),
    "told_unlink": (("number",), (), "number"),
    "told_gone": (("number",), (), "number"),
    "told_row": (("n", "line"), ("reason", "detail", "text"), "n"),
}
NAMES: Final = {name: tuple(cell.name for cell in cells) for name, cells in (
    ("actor", ACTOR), ("link", LINK), ("event", EVENT), ("report", REPORT), ("row", REJECTED),
)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """The first line: which revision, how its import read the file, and how many lines of each kind follow."""

    revision: int
    kind: str
    origin: str | None
    digest: str | None
    job: Mapping[str, Any]
    lines: Mapping[str, int]


def head_of(line: Mapping[str, Any]) -> Head:
    """The first line, read with care. Raises Unfit."""
    counts = line.get("lines")
    counted = {one.counted for one in SECTIONS}
    if line.get("type") != "revision" or type(line.get("revision")) is not int or not isinstance(counts, dict):
        raise Unfit("its first line does not say which revision it is")
    if counts.keys() != counted or any(type(n) is not int or n < 0 for n in counts.values()):
        raise Unfit("its first line does not count what follows")
    job = {name: line.get(name) for name in ("format", "fold", "whole")}
    told = (line.get("kind"), line.get("origin"), line.get("digest"), job["format"], job["fold"])
    if any(value is not None and (type(value) is not str or len(value) > 200 or "\0" in value) for value in told):
        raise Unfit("its first line says something that is no name")
    return Head(line["revision"], str(told[0]), told[1], told[2], job, counts)


@dataclass(slots=True)
class Replay:
    """What a revision did to coded events, under way into another base."""

    held: Held
    number: int
    dataset: str
    imports: bool  # whether the revision is an import: no other brings more than links
    progress: Progress
    stage: Stage = field(init=False)
    head: Head | None = None
    seen: dict[str, int] = field(default_factory=lambda: {one.counted: 0 for one in SECTIONS})
    # What an import counts while it reads: rows by bucket, days, and in how many events each actor is.
    filled: Counter[int] = field(default_factory=Counter)
    days: set[int] = field(default_factory=set)
    parts: Counter[int | None] = field(default_factory=Counter)
    ended: bool = False
    after: str | None = None  # the position of the last block that is staged
    waiting: list[tuple[Section, tuple[Any, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = Stage(self.held, self.dataset, keyed=True, single=False, whole=False)
        self.stage.create()
        for name, (whole, words, key) in TOLD.items():
            self.stage.make(name, whole, words, key)

    # ── Lines ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, lines: Iterator[bytes]) -> bool:
        """Stage the lines of the stream, from its beginning or from `after`, as far as they come; says whether to its end.

        Raises Conflict where it lies.
        """
        self.waiting.clear()  # of a block that broke off: it comes again
        try:
            for n, line in enumerate(lines):
                self._line(n, line)
                if self.ended:
                    break
        except Unfit as error:
            raise self.unfit(str(error)) from None
        except (IntegrityError, DataError):
            raise self.unfit("it says one thing twice, or a number that is none") from None
        return self.ended

    def unfit(self, why: str) -> Conflict:
        """The refusal of a stream that says what cannot be."""
        return Conflict(
            f"Revision {self.number} cannot be replayed: of what it did to events of datasets the other one says "
            f"what cannot be, {why}. Nothing of it was written."
        )

    def _line(self, n: int, said: bytes) -> None:
        try:
            line = orjson.loads(said)
        except orjson.JSONDecodeError:
            raise Unfit(f"line {n + 1} is no JSON") from None
        if not isinstance(line, dict):
            raise Unfit(f"line {n + 1} is no object")
        kind = line.get("type")
        if n == 0:
            self._begin(head_of(line))
        elif kind == "position":
            self._settle(line.get("cursor"))
        elif kind == "end":
            self._end()
        else:
            self._row(line)

    def _begin(self, head: Head) -> None:
        if head.revision != self.number or (head.kind == "import" and head.origin != self.dataset):
            raise Unfit(f"it is of revision {head.revision}, of {head.origin}")
        if (head.kind == "import") != self.imports:
            raise Unfit("it is of a revision of another kind")
        if not self.imports and any(n for name, n in head.lines.items() if name not in LINKS):
            raise Unfit("it brings events, and only an import does")
        if self.head is not None and head != self.head:
            raise Unfit("it begins otherwise than before")
        self.head = head

    def _row(self, line: Mapping[str, Any]) -> None:
        kind, act = line.get("type"), line.get("act")
        section = BY_NAME.get((kind, act)) if isinstance(kind, str) and isinstance(act, str) else None
        if section is None or self.head is None:
            raise Unfit("a line is of a kind that nothing here knows")
        try:
            self.waiting.append((section, section.read(line)))
        except Unfit as error:
            raise Unfit(f"in a line that is to {act} a {kind}, {error}") from None
        if len(self.waiting) > BLOCK_LINES:
            raise Unfit(f"more than {BLOCK_LINES} lines come without a position")

    def _settle(self, after: Any) -> None:
        if type(after) is not str or not 0 < len(after) <= 4_000:
            raise Unfit("a position is none")
        if self.head is None:
            raise Unfit("it begins with a position")
        grouped: dict[str, list[tuple[Any, ...]]] = {}
        for section, row in self.waiting:
            grouped.setdefault(section.name, []).append(row)
            self.seen[section.counted] += 1
            if self.seen[section.counted] > self.head.lines[section.counted]:
                raise Unfit(f"more lines to {section.act} a {section.type} come than were said")
        with self.held.scratch() as connection:
            for name, rows in grouped.items():
                self._stage(connection, name, rows)
        self.waiting.clear()
        self.after = after
        self.progress("lines", sum(self.seen.values()), sum(self.head.lines.values()))

    def _stage(self, connection: Connection, name: str, rows: list[tuple[Any, ...]]) -> None:
        match name:
            case "actor-open":
                told = [(*row, fold(row[2])) for row in rows]
                load(connection, told, "told_actor", (*NAMES["actor"], "folded"))
            case "link-open":
                load(connection, rows, "told_link", NAMES["link"])
            case "link-close":
                load(connection, rows, "told_unlink", ("number",))
            case "event-close":
                self.filled.update([row[0] >> BUCKET_BITS for row in rows])
                load(connection, rows, "told_gone", ("number",))
            case "event-open":
                columns = dict(zip(NAMES["event"], zip(*rows, strict=True), strict=True))
                self.filled.update([number >> BUCKET_BITS for number in columns["number"]])
                self.days.update(columns["day"])
                self.parts.update(columns["initiator"])
                self.parts.update(columns["recipient"])
                load(connection, rows, "folded", NAMES["event"])
            case "report-close":
                load(connection, [(*row, 0) for row in rows], "report_gone", ("number", "native", "weight"))
            case "report-open":
                first = self.seen["reports_opened"] - len(rows)
                numbered = [(row[0] >> BUCKET_BITS, first + n, *row) for n, row in enumerate(rows)]
                self.filled.update([row[0] for row in numbered])
                load(connection, numbered, "staged", ("bucket", "line", *NAMES["report"]))
            case "row-reject":
                load(connection, rows, "told_row", NAMES["row"])

    def _end(self) -> None:
        if self.waiting or self.head is None:
            raise Unfit("it ends without a position")
        for section in SECTIONS:
            said, came = self.head.lines[section.counted], self.seen[section.counted]
            if said != came:
                raise Unfit(f"{said} lines to {section.act} a {section.type} were said and {came} came")
        self.ended = True

    # ── Checks ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def check(self, counts: Mapping[str, Mapping[str, int]]) -> list[Span]:
        """Compare what was told with itself, with what stands here, and with what the log counts. Raises Conflict."""
        spans = self.stage.portions(self.filled)
        self.stage.learn("folded", "told_gone", "staged", "report_gone", "told_actor", "told_link", "told_unlink")
        with self.held.scratch() as connection:
            for span in spans:
                for sql in (
                    "UPDATE folded SET stands = 1 WHERE number BETWEEN :low AND :high "
                    "AND EXISTS (SELECT 1 FROM told_gone t WHERE t.number = folded.number)",
                    "INSERT INTO lost SELECT t.number FROM told_gone t WHERE t.number BETWEEN :low AND :high "
                    "AND NOT EXISTS (SELECT 1 FROM folded f WHERE f.number = t.number)",
                ):
                    values = span.values()
                    connection.execute(text(sql), {name: values[name] for name in ("low", "high")})
            self.stage.close(connection, spans)
            self._fits(connection)
            self._counted(connection, counts)
        return spans

    def _fits(self, connection: Connection) -> None:
        def some(sql: str) -> bool:
            values = {"dataset": self.dataset} if ":dataset" in sql else {}
            return connection.execute(text(f"SELECT 1 FROM {sql} LIMIT 1"), values).first() is not None  # noqa: S608

        gone = connection.execute(text("SELECT count(*) FROM gone")).scalar_one()
        if gone != self.seen["events_closed"]:
            raise self.strange("it closes events that do not stand here")
        if some(
            "gone g CROSS JOIN coded_event e WHERE e.number = g.number AND e.until IS NULL AND e.dataset <> :dataset"
        ):
            raise self.strange("it closes events of another dataset")
        if some(
            "folded f CROSS JOIN coded_event e WHERE e.number = f.number AND e.until IS NULL AND f.stands = 0"
        ) or some(
            "staged s CROSS JOIN coded_report r WHERE r.number = s.number AND r.native = s.native AND r.until IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM report_gone g WHERE g.number = s.number AND g.native = s.native)"
        ):
            raise self.strange("it opens what stands here already")
        if some(
            "report_gone g WHERE NOT EXISTS (SELECT 1 FROM coded_report r WHERE r.number = g.number AND r.native = g.native "
            "AND r.until IS NULL)"
        ):
            raise self.strange("it closes reports that do not stand here")
        if some(
            "told_unlink u WHERE NOT EXISTS (SELECT 1 FROM coded_link l WHERE l.number = u.number AND l.until IS NULL)"
        ):
            raise self.strange("it closes links that do not stand here")
        # Two questions: of one with OR, PostgreSQL compares every pair.
        if any(some(f"told_actor t CROSS JOIN coded_actor c WHERE c.{key} = t.{key}") for key in ("number", "id")):
            raise self.strange("it names actors anew that are here already")
        for table, column in (("folded", "initiator"), ("folded", "recipient"), ("told_link", "number")):
            named = (f"SELECT 1 FROM {place} a WHERE a.number = f.{column}" for place in ("told_actor", "coded_actor"))  # noqa: S608
            unnamed = " AND ".join(f"NOT EXISTS ({one})" for one in named)
            if some(f"{table} f WHERE f.{column} IS NOT NULL AND {unnamed}"):
                raise self.strange("it speaks of actors of datasets that nobody named")
        if some("folded WHERE last < day"):
            raise self.strange("an event ends before it begins")

    def strange(self, why: str) -> Conflict:
        """The refusal of what does not follow from what is here."""
        return self.unfit(
            f"{why}: is this database a mirror of that one from its first import on? If not, mirror into an empty database"
        )

    def _counted(self, connection: Connection, counts: Mapping[str, Mapping[str, int]]) -> None:
        updated = connection.execute(text("SELECT count(*) FROM folded WHERE stands = 1")).scalar_one()
        opened, closed = self.seen["events_opened"], self.seen["events_closed"]
        mine = {"created": opened - updated, "updated": updated, "retracted": closed - updated}
        for act, n in mine.items():
            said = counts.get(act, {}).get("event", 0)
            # Curated events are counted too, but no import brings any.
            if self.imports and said != n:
                raise self.unfit(
                    f"by its log {said} events were {act}, by its stream {n}: a mirror that was made --without-events can only be "
                    "mirrored without them"
                )

    # ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, spans: Sequence[Span], keep: Keep) -> None:
        """Write what is staged under the open revision, a transaction a portion; `keep` is asked in each."""
        stage, seen = self.stage, self.seen
        with self.held.scratch() as connection:
            first = is_first(connection, self.dataset)
        with self._transaction(keep) as connection:
            self._write_actors(connection)
        self._each("events", spans, stage.write_events, keep)
        if seen["reports_opened"] or seen["reports_closed"]:
            self._each("reports", spans, stage.write_reports, keep)
        if seen["events_opened"] or seen["events_closed"]:
            self._write_parts(spans, first, keep)
        if seen["events_opened"] >= SETTLED_ROWS:
            stage.settle()

    @contextmanager
    def _transaction(self, keep: Keep) -> Iterator[Connection]:
        with self.held.write() as connection:
            keep(connection)
            yield connection

    def _each(
        self,
        phase: str,
        pieces: Sequence[Any],
        write: Callable[[Connection, int, Any], None],
        keep: Keep,
    ) -> None:
        for done, piece in enumerate(pieces):
            self.progress(phase, done, len(pieces))
            with self._transaction(keep) as connection:
                write(connection, self.number, piece)

    def _write_actors(self, connection: Connection) -> None:
        since = {"since": self.number}
        names = ", ".join((*NAMES["actor"], "folded"))
        for sql in (
            f"INSERT INTO coded_actor (since, dataset, {names}) SELECT :since, :dataset, {names} FROM told_actor",  # noqa: S608
            "UPDATE coded_link SET until = :since WHERE until IS NULL AND number IN (SELECT number FROM told_unlink)",
            "INSERT INTO coded_link (since, number, actor, why) SELECT :since, number, actor, why FROM told_link",
            "INSERT INTO rejected_row (revision, n, line, reason, detail, text) "
            "SELECT :since, n, line, reason, detail, text FROM told_row",
        ):
            execute(connection, sql, **({**since, "dataset": self.dataset} if ":dataset" in sql else since))

    def _write_parts(self, spans: Sequence[Span], first: bool, keep: Keep) -> None:
        stage = self.stage
        days = self.days.union(stage.days_of_gone())
        with self.held.scratch() as connection:
            gone = connection.execute(text("SELECT initiator, recipient FROM gone").execution_options(yield_per=CHUNK))
            for some in gone.partitions():
                for roles in zip(*some, strict=True):
                    self.parts.update(roles)
        runs_of = {actor: n for actor, n in self.parts.items() if actor is not None}
        stage.calendar((day, month_of(day)) for day in sorted(days))
        runs = stage.share(runs_of)
        with parts_of(self.held, self.dataset, spans, runs) as ordered:
            self._each("parts", runs, partial(ordered.write, first=first), keep)
            with self._transaction(keep) as connection:
                ordered.write_months(connection, self.number)
