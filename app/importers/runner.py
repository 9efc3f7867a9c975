"""How a file of coded events becomes a published revision, whole or not at all.

    open ── detect ── sha256 ── begin ── rows staged ── folded ── compared ── written in many transactions ── published

Nobody sees anything before it is published. What is refused abandons its own revision; what is killed leaves it open, and
`resume` empties it and does the work again. Memory does not grow with the file: of its rows only the actors are remembered.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import orjson
from sqlalchemy import Connection, func, insert, select

from app import ledger
from app.db import Database, Held
from app.errors import BadQuery, Conflict
from app.importers import tkg
from app.importers.base import Coded, Facts, FileRefused, Layout, Notes, Party, Refused, Row
from app.importers.detect import HEAD_BYTES, detect, importer
from app.importers.familiar import Familiar, Plain
from app.importers.opening import open_file
from app.importers.parts import Parts, parts_of
from app.importers.reconcile import Known, known, link
from app.importers.stage import BUCKET_BITS, STAGED, Counts, Stage
from app.importers.summary import Summary
from app.ledger import Change, Clock
from app.models.base import FIRST_DAY, LAST_DAY
from app.models.coded import coded_actor, coded_link, coded_month, rejected_row
from app.models.revision import revision
from app.names import fold
from app.resources import NOUNS
from app.times import day_number, from_day_number

BATCH_ROWS: Final = 20_000  # staged at a time: 15 MB of Python, and a statement's cost spread thin
ACTOR_ROWS: Final = 5_000
SETTLED_ROWS: Final = 1_000  # events from which on an import changes how the tables are best read
REJECTED_KEPT: Final = 100_000
INITIATOR_AT, RECIPIENT_AT = STAGED.index("initiator"), STAGED.index("recipient")
LONGEST: Final = 500  # characters of a name, code or id: an index of PostgreSQL takes entries of up to 2,700 bytes
REFUSED_SHARE: Final = 0.05
FOLDS: Final = {
    "dyad": "rows of one day, initiator, code (or label) and recipient are reports of one event",
    "none": "each row is an event",
}
# Formats whose rows have no id of their own, so that the same words are the same row.
KEYLESS: Final = ("tkg",)
# Formats whose rows belong to the events of another one.
BELONGS: Final = {"gdelt-mentions": "gdelt"}

Progress = Callable[[str, int, int | None], None]  # phase, done, of how many


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be imported, and how: all that doing it again needs."""

    file: str
    format: str | None = None
    dataset: str | None = None
    fold: str = "dyad"
    whole: bool = False
    accept: float = REFUSED_SHARE
    companions: tuple[str, ...] = ()
    origin: str | None = None
    unit: str = "day"

    def as_json(self) -> dict[str, Any]:
        """The job as the revision keeps it."""
        named = {name: getattr(self, name) for name in self.__slots__ if name != "file"}
        return {"import": self.file, **named}


def job_of(kept: Mapping[str, Any]) -> Job:
    """The job that a revision keeps."""
    rest = {name: value for name, value in kept.items() if name in Job.__slots__}
    # A mirror has the import and not the file.
    return Job(file=kept.get("import", ""), **{**rest, "companions": tuple(rest.get("companions", ()))})


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was recognised: which importer reads it, and which bytes it is."""

    job: Job
    module: ModuleType
    facts: Facts
    layout: Layout
    reason: str
    digest: str
    before: tuple[int, int]

    @property
    def dataset(self) -> str:
        """The dataset that it goes to."""
        return self.job.dataset or BELONGS.get(self.facts.name, self.facts.name)

    @property
    def mentions(self) -> bool:
        """Whether its rows are reports of events that another file holds."""
        return self.facts.name in BELONGS


@dataclass(slots=True)
class Seen:
    """Ids that were met, told by a few bits each: what may stand in several rows is kept, and looked at exactly later.

    With 16 MB and 10 million ids, one in fifty is kept for nothing.
    """

    bits: bytearray = field(default_factory=lambda: bytearray(1 << 24))
    again: set[str] = field(default_factory=set)

    def note(self, id: str) -> None:
        """Note an id."""
        bits, digest = self.bits, hash(id)
        one, other = digest & 0x7FFFFFF, digest >> 32 & 0x7FFFFFF
        first, second = 1 << (one & 7), 1 << (other & 7)
        if bits[one >> 3] & first and bits[other >> 3] & second:
            self.again.add(id)
        else:
            bits[one >> 3] |= first
            bits[other >> 3] |= second


@dataclass(slots=True)
class Tally:
    """What is counted while the rows are read."""

    rows: int = 0
    notes: Notes = field(default_factory=Notes)
    rejected: Counter[str] = field(default_factory=Counter)
    kept: list[Refused] = field(default_factory=list)
    days: set[int] = field(default_factory=set)
    seen: Seen = field(default_factory=lambda: Seen())

    def refuse(self, row: Refused) -> None:
        """Count a refused row, and keep it unless there are too many."""
        self.rejected[row.reason] += 1
        if len(self.kept) < REJECTED_KEPT:
            self.kept.append(row)


def run(
    database: Database,
    path: Path | str,
    *,
    format: str | None = None,
    dataset: str | None = None,
    fold: str = "dyad",
    whole: bool = False,
    accept: float = REFUSED_SHARE,
    clock: Clock,
    by: str,
    dry_run: bool = False,
    again: bool = False,
    progress: Progress | None = None,
    companions: Sequence[Path | str] = (),
    origin: date | None = None,
    unit: tkg.Unit = "day",
    wait_seconds: float = 0.0,
) -> Summary:
    """Import a file, and publish what it changes.

    `whole` says that the file is all there is of its dataset: what it does not hold is closed. `again` reads a file although it
    was imported last. Raises FileRefused where nothing of the file can be used, Busy while another revision is open.
    """
    job = Job(
        file=str(Path(path).absolute()),
        format=format,
        dataset=dataset,
        fold=fold,
        whole=whole,
        accept=accept,
        companions=tuple(str(Path(each).absolute()) for each in companions),
        origin=None if origin is None else origin.isoformat(),
        unit=unit,
    )
    started = time.monotonic()
    check(job)
    source = recognise(job)
    with database.read() as connection:
        before = last_import(connection, source.dataset)
    if before is not None:
        if before.job.fold != job.fold and not source.mentions:
            raise BadQuery(
                f"{source.dataset} was imported with --fold {before.job.fold}. Give the same, or another name with --dataset."
            )
        if before.digest == source.digest and before.job.whole == whole and not again:
            why = f"revision {before.number} was made from this very file, and nothing was imported into {source.dataset} since."
            return _summary(source, unchanged=why, dry_run=dry_run, seconds=time.monotonic() - started)
    work = work_on(database, source, clock, progress, started, dry_run=dry_run)
    if dry_run:
        return work.do(None)
    change = Change(
        "import", by, f"Import {Path(path).name} into {source.dataset}", source.dataset, source.digest, job.as_json()
    )
    return finish(work, ledger.begin(database, change, clock, wait_seconds=wait_seconds))


def resume(database: Database, number: int, *, clock: Clock, progress: Progress | None = None) -> Summary:
    """Do an import again whose writer died, under the number it had.

    Raises Conflict where that revision is not open or the file is another one by now.
    """
    started = time.monotonic()
    with database.read() as connection:
        row = ledger.opened(connection)
    if row is None or row.number != number or row.kind != "import":
        raise Conflict(f"Revision {number} is no import that is open. `chancery revisions list` shows what is.")
    source = recognise(job_of(orjson.loads(row.job)))
    if source.digest != row.digest:
        raise Conflict(
            f"{Path(source.job.file).name} was changed since revision {number} was opened. "
            f"`chancery revisions abandon {number}`, then import it again."
        )
    with database.hold() as held, held.write() as connection:
        ledger.hold(connection, number)
        ledger.empty(connection, number)
    return finish(work_on(database, source, clock, progress, started), number)


def work_on(
    database: Database,
    source: Source,
    clock: Clock,
    progress: Progress | None,
    started: float,
    *,
    dry_run: bool = False,
) -> Work:
    """The work that a file asks for: events, or reports beside them."""
    from app.importers.mentions import Mentions  # it is made of this module's own work

    kind = Mentions if source.mentions else Work
    return kind(database, source, clock, progress or (lambda phase, done, of: None), started, dry_run)


def finish(work: Work, number: int) -> Summary:
    """Fill an open revision and publish it; what goes wrong on the way is abandoned, unless the database is gone."""
    try:
        summary = work.do(number)
    except BaseException:
        with suppress(Exception):
            drop(work.database, number, wrote=work.wrote)
        raise
    if summary.revision is None:
        drop(work.database, number, wrote=work.wrote)
    return summary


def drop(database: Database, number: int, *, wrote: bool = True) -> None:
    """Abandon an open revision; where it `wrote` no coded rows, their tables need not be searched."""
    with database.hold() as held, held.write() as connection:
        ledger.abandon(connection, number, coded_rows=wrote)


def check(job: Job) -> None:
    """Refuse what cannot be asked for."""
    if job.fold not in FOLDS:
        told = "; ".join(f"{name}: {words}" for name, words in FOLDS.items())
        raise BadQuery(f"There is no rule {job.fold!r} for folding. There are {told}.")
    if job.dataset is not None and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", job.dataset[:65]):
        raise BadQuery(
            "The name of a dataset is made of up to 64 small letters, digits and single hyphens, such as icews-2018."
        )
    if not 0 <= job.accept <= 1:
        raise BadQuery("The share of rows that may be refused is a number from 0 to 1, such as 0.05.")


def recognise(job: Job) -> Source:
    """Which importer reads the file, and which bytes it is. Raises FileRefused."""
    path = Path(job.file)
    with open_file(path) as file:
        head = file.read(HEAD_BYTES)
    if job.format is None:
        told = detect(head, path.name)
        module, facts, layout, reason = importer(told.facts.name), told.facts, told.layout, told.reason
    else:
        module = importer(job.format)
        facts = module.FACTS
        layout, reason = facts.layouts[0], "as --format says"
        with suppress(FileRefused):
            told = detect(head, path.name)
            if told.facts.name == facts.name:
                layout, reason = told.layout, told.reason
    if layout == tkg.NUMBERED and not job.companions:
        raise FileRefused(
            f"{path.name} holds numbers. Name the files that say for what (entity2id, relation2id) and the day of step 0."
        )
    digest = hashlib.sha256()
    before = state_of(path)
    for each in (path, *map(Path, job.companions)):
        try:
            with each.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as problem:
            raise FileRefused(f"{each.name} cannot be read: {problem.strerror}.") from None
    return Source(job, module, facts, layout, reason, digest.hexdigest(), before)


def state_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True, slots=True)
class Before:
    """The last import of a dataset."""

    number: int
    digest: str
    job: Job


def last_import(connection: Connection, dataset: str) -> Before | None:
    """The last published import into a dataset."""
    query = (
        select(revision.c.number, revision.c.digest, revision.c.job)
        .where(revision.c.kind == "import", revision.c.origin == dataset, revision.c.state == "published")
        .order_by(revision.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Before(row.number, row.digest, job_of(orjson.loads(row.job)))


# ── Actors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Actors:
    """The actors of a dataset by what makes them themselves: name, code and country."""

    dataset: str
    next: int
    numbers: dict[tuple[str | None, str | None, str | None], int] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)  # number to its part in an event's digest
    ids: set[str] = field(default_factory=set)
    fresh: list[dict[str, Any]] = field(default_factory=list)
    parts: Counter[int] = field(default_factory=Counter)  # number to rows it stands in

    def number(self, party: Party | None) -> int | None:
        """The number of an actor, a new one where it is met for the first time; None for nobody."""
        if party is None:
            return None
        key = (party.name, party.code, party.country)
        found = self.numbers.get(key)
        if found is None:
            found = self._new(key, party)
        if found is not None:
            self.parts[found] += 1
        return found

    def _new(self, key: tuple[str | None, str | None, str | None], party: Party) -> int | None:
        name = party.name or party.code or party.country
        if name is None:
            return None
        if any(len(each) > LONGEST for each in key if each is not None):
            raise TooLong
        number, self.next = self.next, self.next + 1
        folded = fold(name)
        row = {
            "number": number,
            "id": self._id(folded, number),
            "dataset": self.dataset,
            "name": name,
            "code": party.code,
            "country": party.country,
            "sectors": "|".join(party.sectors),
            "folded": folded,
        }
        self.fresh.append(row)
        self._remember(key, number)
        return number

    def _id(self, folded: str, number: int) -> str:
        slug = f"{self.dataset}:{'-'.join(folded.split()) or f'actor-{number}'}"
        id, n = slug, 1
        while id in self.ids:
            n += 1
            id = f"{slug}-{n}"
        self.ids.add(id)
        return id

    def _remember(self, key: tuple[str | None, str | None, str | None], number: int) -> None:
        self.numbers[key] = number
        self.keys[number] = SEPARATOR.join([each or "" for each in key])


SEPARATOR: Final = "\x1f"  # stands in no name


def actors_of(connection: Connection, dataset: str) -> Actors:
    """The actors that a dataset has already."""
    highest = connection.execute(select(func.max(coded_actor.c.number))).scalar() or 0
    actors = Actors(dataset, highest + 1)
    query = select(coded_actor).where(coded_actor.c.dataset == dataset)
    for row in connection.execute(query):
        # The name stands in for a missing one, and is then no part of the key.
        name = row.name if row.name not in (row.code, row.country) else None
        for key in {(row.name, row.code, row.country), (name, row.code, row.country)}:
            actors.numbers.setdefault(key, row.number)
        actors.keys[row.number] = SEPARATOR.join([each or "" for each in (name, row.code, row.country)])
        actors.ids.add(row.id)
        actors.parts[row.number] = 0
    return actors


class TooLong(Exception):
    """A name or code that no index takes."""


# ── The work ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Work:
    """One import under way."""

    database: Database
    source: Source
    clock: Clock
    progress: Progress
    started: float
    dry_run: bool
    tally: Tally = field(default_factory=Tally)
    phases: dict[str, float] = field(default_factory=dict)
    wrote: bool = False  # coded rows, under the revision

    def do(self, number: int | None) -> Summary:
        """Stage, fold, compare, write and publish under a revision; with None, find out only what would be done."""
        source = self.source
        with self.database.hold() as held:
            stage = Stage(
                held,
                source.dataset,
                keyed=source.facts.name not in KEYLESS,
                single=source.job.fold == "none",
                whole=source.job.whole,
            )
            with held.scratch() as connection:
                actors = actors_of(connection, source.dataset)
                first = is_first(connection, source.dataset)
            stage.create()
            self._timed("read", lambda: self._stage(stage, actors))
            self._expect()
            spans = stage.spans()
            rows = self.tally.rows - self.tally.rejected.total()
            counts = self._timed("fold", lambda: stage.fold(rows, self.tally.seen.again, spans, first))
            if counts.repeated:
                self.tally.notes["repeated-id"] += counts.repeated
            links: list[dict[str, Any]] = []
            if number is not None and not counts.nothing:
                links = self._timed("actors", lambda: self._write_actors(held, number, actors.fresh))
                runs = self._shared(stage, actors)
                with parts_of(held, source.dataset, spans, runs) as parts:
                    self._timed("events", lambda: self._each("events", stage, number, spans, stage.write_events))
                    if stage.keyed:
                        self._timed("reports", lambda: self._each("reports", stage, number, spans, stage.write_reports))
                    self._timed("parts", lambda: self._write_parts(stage, number, runs, parts, first))
                if counts.new + counts.changed >= SETTLED_ROWS:
                    self._timed("settle", stage.settle)
                self._timed("publish", lambda: self._publish(number, counts))
        written = number if not counts.nothing else None
        return self._said(counts, actors, len(links), written)

    def _timed(self, phase: str, step: Callable[[], Any]) -> Any:
        begun = time.monotonic()
        outcome = step()
        self.phases[phase] = round(time.monotonic() - begun, 3)
        return outcome

    # ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _stage(self, stage: Stage, actors: Actors) -> None:
        familiar = self._familiar(stage, actors)
        rows: list[tuple[Any, ...]] = []
        for row in self._rows(stage, actors, familiar):
            rows.append(row)
            if len(rows) >= BATCH_ROWS:
                stage.add(rows)
                rows = []
                self.progress("read", self.tally.rows + (0 if familiar is None else familiar.rows), None)
        if rows:
            stage.add(rows)
        if familiar is not None:
            familiar.flush()
            self.tally.rows += familiar.rows
        if state_of(Path(self.source.job.file)) != self.source.before:
            raise FileRefused(
                f"{Path(self.source.job.file).name} changed while it was read. Nothing was imported; wait until nobody writes it."
            )

    def _familiar(self, stage: Stage, actors: Actors) -> Familiar | None:
        """What takes familiar rows by the block, where the layout allows it."""
        if stage.keyed or stage.single or self.source.module is not tkg or self.source.layout == tkg.NUMBERED:
            return None

        def add(rows: Sequence[Plain]) -> None:
            stage.add_plain(rows)
            actors.parts.update([row[3] for row in rows])
            actors.parts.update([row[4] for row in rows])
            self.progress("read", self.tally.rows + familiar.rows, None)

        familiar = Familiar(stage.dataset, day_number(self.clock().date()), self.tally.days, add)
        return familiar

    def _rows(self, stage: Stage, actors: Actors, familiar: Familiar | None) -> Iterator[tuple[Any, ...]]:
        """The file's rows as they are staged, but for the familiar ones; refused ones are put aside."""
        source, tally = self.source, self.tally
        read = partial(source.module.read, notes=tally.notes)
        if source.layout == tkg.NUMBERED:
            read = partial(read, maps=_maps(source.job))
        if familiar is not None:
            read = partial(read, take=familiar.take)
        translate = source.module.translate
        staged = partial(_staged, actors, stage.dataset, stage.single)
        note = tally.seen.note if stage.keyed and not stage.single else None
        days, today = tally.days, day_number(self.clock().date())
        known: set[str | None] = {None}
        with open_file(source.job.file) as file:
            for row in read(file):
                tally.rows += 1
                meant = translate(row) if isinstance(row, Row) else row
                if isinstance(meant, Refused):
                    tally.refuse(meant)
                    continue
                try:
                    if not known.issuperset((meant.code, meant.label, meant.plover, meant.mode)):
                        _short(known, meant)
                    ready = staged(row.line, meant)
                except TooLong:
                    tally.refuse(
                        _refused(row, "value-too-long", f"A name, code or id is longer than {LONGEST} characters.")
                    )
                    continue
                if not FIRST_DAY <= meant.first <= meant.last <= LAST_DAY:
                    tally.refuse(
                        _refused(
                            row, "out-of-range", "The last day is before the first, or beyond the years 1 to 9999."
                        )
                    )
                    continue
                if note is not None:
                    note(meant.native)
                if meant.first not in days:
                    days.add(meant.first)
                if meant.first > today:
                    tally.notes["future-date"] += 1
                if familiar is not None:
                    one, other = ready[INITIATOR_AT], ready[RECIPIENT_AT]
                    if one is not None and other is not None:
                        familiar.learn(row.fields, meant, (one, actors.keys[one]), (other, actors.keys[other]))
                yield ready

    def _expect(self) -> None:
        """Refuse a file that is not what it seems. Raises FileRefused with the account."""
        tally, name = self.tally, Path(self.source.job.file).name
        refused = tally.rejected.total()
        if refused and refused > self.source.job.accept * tally.rows:
            told = ", ".join(f"{rows:,} {reason}" for reason, rows in tally.rejected.most_common())
            first = tally.kept[0]
            raise FileRefused(
                f"{refused:,} of {tally.rows:,} rows of {name} were refused ({told}); {self.source.job.accept:.0%} are let pass. "
                f"The first is line {first.line}: {first.detail} Nothing was imported. Is it really {self.source.facts.title}? "
                "If so, --accept-rejected 0.2 lets a fifth of the rows pass."
            )
        if refused == tally.rows:
            raise FileRefused(f"{name} holds no row that can be used. Nothing was imported.")
        if (future := tally.notes["future-date"]) > 0.5 * tally.rows:
            raise FileRefused(
                f"{future:,} of {tally.rows:,} rows of {name} are dated after today: the dates are not what they seem, or the clock"
                " "
                "of this machine is wrong. Nothing was imported."
            )

    # ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _write_actors(self, held: Held, number: int, fresh: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.wrote = True
        with held.scratch() as connection:
            here = known(connection)
        links = [row for each in fresh if (row := _link(here, each, number)) is not None]
        for table, rows in ((coded_actor, [{**each, "since": number} for each in fresh]), (coded_link, links)):
            for some in ledger.batches(rows, ACTOR_ROWS):
                with held.write() as connection:
                    ledger.hold(connection, number)
                    connection.execute(insert(table), some)
        return links

    def _shared(self, stage: Stage, actors: Actors) -> range:
        """The runs over which the parts are spread, with what their months need."""
        days = self.tally.days.union(stage.days_of_gone())
        stage.calendar((day, month_of(day)) for day in sorted(days))
        return stage.share(actors.parts)

    def _write_parts(self, stage: Stage, number: int, runs: Sequence[int], parts: Parts, first: bool) -> None:
        self._each("parts", stage, number, runs, partial(parts.write, first=first))
        with stage.held.write() as connection:
            ledger.hold(connection, number)
            parts.write_months(connection, number)

    def _each(
        self,
        phase: str,
        stage: Stage,
        number: int,
        pieces: Sequence[Any],
        write: Callable[[Connection, int, Any], None],
    ) -> None:
        self.wrote = True
        for done, piece in enumerate(pieces):
            self.progress(phase, done, len(pieces))
            with stage.held.write() as connection:
                # Abandoned under our hands: stop, rather than write rows that a later revision shows.
                ledger.hold(connection, number)
                write(connection, number, piece)

    def _publish(self, number: int, counts: Counts) -> None:
        with self.database.write() as connection:
            ledger.hold(connection, number)
            keep_refused(connection, number, self.tally)
            record = self._record(connection, counts)
            ledger.put(connection, number, "dataset", [record], origin=self.source.dataset)
            told = {"created": counts.new, "updated": counts.changed, "retracted": counts.gone}
            ledger.publish(connection, number, self.clock(), more={act: {"event": n} for act, n in told.items() if n})

    def _record(self, connection: Connection, counts: Counts) -> dict[str, Any]:
        """The dataset as it is after this import."""
        facts, name = self.source.facts, self.source.dataset
        before = ledger.current(connection, NOUNS["dataset"], [name])
        stood = orjson.loads(before[name][1]) if name in before else {}
        own = name == facts.name
        days = _covered(stood, self.tally.days)
        return {
            "id": name,
            "name": facts.title if own else stood.get("name") or f"{facts.title} ({name})",
            "publisher": facts.publisher,
            "licence": facts.licence,
            "release": stood.get("release"),
            "url": facts.url,
            "covers": days,
            "events": int(stood.get("events") or 0) + counts.new - counts.gone,
            "reports": int(stood.get("reports") or 0) + counts.reports,
            "rejected": int(stood.get("rejected") or 0) + self.tally.rejected.total(),
            "evidence": [],
        }

    def _said(self, counts: Counts, actors: Actors, linked: int, written: int | None) -> Summary:
        tally = self.tally
        used = tally.rows - tally.rejected.total() - counts.repeated
        unchanged = "what stands is what the file says." if counts.nothing else None
        return summary_of(
            self,
            revision=written,
            unchanged=unchanged,
            new=counts.new,
            changed=counts.changed,
            same=counts.same,
            gone=counts.gone,
            folded=used - counts.in_file,
            actors=len(actors.fresh),
            linked=linked,
        )


def summary_of(work: Work, *, revision: int | None, **told: Any) -> Summary:
    """What a work did, with what every work counts."""
    return _summary(
        work.source,
        revision=revision,
        dry_run=work.dry_run,
        rows=work.tally.rows,
        rejected=dict(work.tally.rejected),
        notes=dict(work.tally.notes),
        seconds=round(time.monotonic() - work.started, 3),
        phases=work.phases,
        **told,
    )


def keep_refused(connection: Connection, number: int, tally: Tally) -> None:
    """Keep the refused rows of an import."""
    rows = ({"revision": number, "n": n, **_cells(row)} for n, row in enumerate(tally.kept))
    for some in ledger.batches(rows, ACTOR_ROWS):
        connection.execute(insert(rejected_row), some)


def _summary(source: Source, *, revision: int | None = None, **told: Any) -> Summary:
    return Summary(
        dataset=source.dataset,
        format=source.facts.name,
        layout=source.layout.name,
        reason=source.reason,
        revision=revision,
        cannot=source.facts.cannot,
        expectations=source.facts.expectations,
        **told,
    )


def is_first(connection: Connection, dataset: str) -> bool:
    """Whether a dataset has no events yet; asked of a small table, since events have no index by dataset."""
    query = select(coded_month.c.dataset).where(coded_month.c.dataset == dataset).limit(1)
    return connection.execute(query).first() is None


def _staged(actors: Actors, dataset: str, single: bool, n: int, meant: Coded) -> tuple[Any, ...]:
    """A row as it is staged: numbered by a digest of what makes its event itself."""
    initiator, recipient = actors.number(meant.initiator), actors.number(meant.recipient)
    native = meant.native
    if len(native) > LONGEST:
        raise TooLong
    if single:
        key = f"{dataset}\x1f{native}"
    else:
        one = actors.keys[initiator] if initiator is not None else ""
        other = actors.keys[recipient] if recipient is not None else ""
        key = f"{dataset}\x1f{meant.first}\x1f{meant.last}\x1f{one}\x1f{meant.code or meant.label or meant.plover}\x1f{other}"
    number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1
    return (
        number >> BUCKET_BITS, n, number, native, meant.first, meant.last, initiator, recipient, meant.code, meant.label,
        meant.plover, meant.mode, "|".join(meant.contexts) or None, meant.quad, meant.intensity, meant.kind, meant.country,
        meant.place, meant.latitude, meant.longitude, meant.reported, meant.story, meant.sentence, meant.publisher, meant.url,
        max(1, meant.weight),
    )  # fmt: skip


def _short(known: set[str | None], meant: Coded) -> None:
    """Refuse codes and labels that are too long; those that are not are few, and remembered."""
    values = (meant.code, meant.label, meant.plover, meant.mode)
    if any(len(value) > LONGEST for value in values if value is not None):
        raise TooLong
    if len(known) < 100_000:
        known.update(values)


def _refused(row: Any, reason: str, detail: str) -> Refused:
    return Refused(row.line, reason, detail, row.text)


def _cells(row: Refused) -> dict[str, Any]:
    return {"line": row.line, "reason": row.reason, "detail": row.detail, "text": row.text.replace("\0", "\\0")}


def _link(here: Known, row: Mapping[str, Any], number: int) -> dict[str, Any] | None:
    found = link(here, name=row["name"], code=row["code"], country=row["country"])
    return None if found is None else {"number": row["number"], "since": number, "actor": found.actor, "why": found.why}


def month_of(day: int) -> int:
    """The month of a day, counted since January of year 0."""
    found = from_day_number(day)
    return found.year * 12 + found.month - 1


def _covered(stood: Mapping[str, Any], days: set[int]) -> dict[str, Any]:
    first, last = from_day_number(min(days)).isoformat(), from_day_number(max(days)).isoformat()
    before = stood.get("covers") or {}
    first, last = min(first, before.get("first") or first), max(last, before.get("last") or last)
    return {"edtf": f"{first}/{last}", "first": first, "last": last, "words": None, "basis": "stated"}


def _maps(job: Job) -> tkg.Maps:
    """What the numbers of an id file stand for."""
    found: dict[str, str] = {}
    for each in job.companions:
        for what in ("entity2id", "relation2id"):
            if what in Path(each).name:
                found[what] = each
    if len(found) != 2 or job.origin is None:
        raise FileRefused(
            "Numbers need two files, with entity2id and relation2id in their names, and the day of step 0, such as 2005-01-01."
        )
    with open_file(found["entity2id"]) as entities, open_file(found["relation2id"]) as relations:
        return tkg.maps(entities, relations, origin=date.fromisoformat(job.origin), unit=job.unit)  # type: ignore[arg-type]
