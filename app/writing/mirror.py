"""How another knowledge base is followed: its log is replayed into one of our own, revision by revision, under the same numbers.

curated records   from the feed of changes: each as it stood, when, by whom and why; a revision is one transaction
coded events      from the stream of what a revision did to them, see `app.importers.replay`; invisible until published
texts             a matter of access, and in no log: those of an open licence are fetched, and let go when they are gone there;
                  the others never leave the place where they are attached
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode
from uuid import uuid4

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from app import ledger, texts
from app.db import Database, passing
from app.errors import ChanceryError, Conflict, NotFound, TextRefused
from app.importers.replay import Head, Replay
from app.ledger import Change
from app.models.revision import revision
from app.models.source import source, source_text
from app.times import Clock

PAGE: Final = 500
TRIES: Final = 5  # to go on with a stream that breaks off before it brings anything
SAME = ("kind", "origin", "by", "why", "published_at")
PUT = ("create", "update")


class Unanswered(ChanceryError):
    """The other one is away, busy or broken: later it may answer."""


class Other(Protocol):
    """The other knowledge base. Each way to ask raises NotFound for 404, Unanswered for what passes, else ChanceryError."""

    def json(self, path: str) -> Any:
        """The JSON at a path."""

    def text(self, path: str) -> str:
        """The text at a path."""

    def tag(self, path: str) -> str | None:
        """The ETag of a path."""

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines at a path as they come."""


@dataclass(slots=True)
class Mirror:
    """A knowledge base that follows another one."""

    database: Database
    other: Other
    clock: Clock
    without_events: bool = False
    progress: Callable[[str, int, int | None], None] = lambda phase, done, of: None
    pause: Callable[[float], None] = time.sleep
    access: str | None = None  # what told the texts at hand there when they were last looked at
    opened: bool = False  # whether a source came by since then

    def catch_up(self) -> Iterator[Mapping[str, Any]]:
        """Replay every revision that is not here yet, each in one transaction; yields each when it is published.

        Raises Conflict where this is no mirror of that one, or a revision cannot be replayed.
        """
        self.take_up()
        with self.database.read() as connection:
            latest = ledger.latest(connection)
            self.recognise(connection, latest)
        with understood():
            self.follow_texts()  # first, so that one that was withdrawn goes whatever becomes of the log
        revisions = self.revisions(latest)
        while True:
            with understood():
                other = next(revisions, None)
                if other is None:
                    break
                self.replay(other)
            yield other
        with understood():
            self.follow_texts()

    def take_up(self) -> None:
        """Drop what a mirror that was killed left half written: it is begun again."""
        with self.database.read() as connection:
            row = ledger.opened(connection)
        if row is not None and ledger.mirrored(row.job) is not None:
            with self.database.hold() as held, held.write() as connection:
                ledger.forget(connection, row.number)

    def recognise(self, connection: Connection, latest: int) -> None:
        """Make sure that what is here is the beginning of what is there."""
        if latest == 0:
            return
        row = connection.execute(select(revision).where(revision.c.number == latest)).one()
        try:
            other = self.other.json(f"/v1/revisions/{latest}")
        except NotFound:
            other = {}
        differs = [name for name in SAME if other.get(name) != getattr(row, name)]
        if differs:
            raise Conflict(
                f"This is no mirror of that knowledge base: revision {latest} differs in {', '.join(differs)}. Mirror into an "
                "empty database; one that mirrors takes no other writer."
            )

    def revisions(self, after: int) -> Iterator[Mapping[str, Any]]:
        """The published revisions after a number, oldest first."""
        more = True
        while more:
            page = self.other.json(f"/v1/revisions?limit={PAGE}&cursor={after}")
            for other in page["items"]:
                fits(other, after)
                after = other["number"]
                yield other
            more = page["next_cursor"] is not None and bool(page["items"])

    def replay(self, other: Mapping[str, Any]) -> None:
        """Do what a revision did, whole or not at all."""
        number, imports = other["number"], other["kind"] == "import"
        if imports and not self.without_events and "events" not in other:
            raise Conflict(
                f"Revision {number} imports the events of {other['origin']}, and that knowledge base is of a version that does not "
                "hand them on. Mirror with --without-events to go on without them: what counts or lists events of datasets will "
                "differ then."
            )
        if other.get("events") is not None and not self.without_events:
            self.replay_events(other)
            return
        moment = datetime.fromisoformat(other["published_at"])
        with self.database.write() as connection:
            ledger.start(connection, change_of(other), opened_at(other), number=number)
            for steps in self.steps(number):
                self.apply(connection, number, other, steps)
            self.publish(connection, number, moment, other)

    def replay_events(self, other: Mapping[str, Any]) -> None:
        """Do what a revision did to coded events too: staged and checked first, then written in many transactions."""
        number, moment = other["number"], datetime.fromisoformat(other["published_at"])
        imports = other["kind"] == "import"
        self.refuse_gaps(other)
        with self.database.hold() as held:
            coming = Replay(held, number, other["origin"] or "", imports, self.progress)
            self.receive(coming, f"/v1/revisions/{number}/events")
            with self.database.read() as connection:
                if ledger.latest(connection) >= number:
                    raise Conflict(f"Another mirror took revision {number} over; this one stops.")
            spans = coming.check(other["counts"])
            steps = list(self.steps(number))
            token = uuid4().hex

            def keep(connection: Connection) -> None:
                row = ledger.opened(connection)
                if row is None or row.number != number or ledger.mirrored(row.job) != token:
                    raise Conflict(f"Another mirror took revision {number} over; this one stops.")
                ledger.hold(connection, number)

            with self.database.write() as connection:
                ledger.start(connection, change_of(other, coming.head, token), opened_at(other), number=number)
            try:
                try:
                    coming.write(spans, keep)
                except (IntegrityError, DataError):
                    raise coming.unfit("it says one thing twice, or a number that is none") from None
                with self.database.write() as connection:
                    keep(connection)
                    for some in steps:
                        self.apply(connection, number, other, some)
                    self.publish(connection, number, moment, other)
            except BaseException:
                with suppress(Exception), held.write() as connection:
                    keep(connection)
                    ledger.forget(connection, number)
                raise

    def receive(self, coming: Replay, path: str) -> None:
        """Take the whole stream in, going on where it breaks off. Raises Unanswered where it brings nothing any more."""
        tries = 0
        while True:
            before = coming.after
            pairs = {"format": "ndjson"} if before is None else {"format": "ndjson", "cursor": before}
            asked = f"{path}?{urlencode(pairs)}"
            try:
                if coming.take(self.other.lines(asked)):
                    return
                broken = Unanswered(f"The stream of revision {coming.number} stopped before its end.")
            except Unanswered as error:
                broken = error
            tries = tries + 1 if coming.after == before else 1
            if tries >= TRIES:
                raise broken
            self.pause(0.1 * 2**tries)

    def refuse_gaps(self, other: Mapping[str, Any]) -> None:
        """Raise Conflict where an import was passed over before: what comes now would not fit."""
        query = select(revision.c.number, revision.c.job).where(revision.c.kind == "import").order_by(revision.c.number)
        with self.database.read() as connection:
            passed = [row.number for row in connection.execute(query) if "import" not in orjson.loads(row.job)]
        if passed:
            raise Conflict(
                f"Revision {other['number']} changes events of datasets, and revision {passed[0]} was mirrored without them. "
                "Go on with --without-events, or mirror into an empty database."
            )

    def steps(self, number: int) -> Iterator[list[Mapping[str, Any]]]:
        """The changes of a revision, a page at a time."""
        cursor: str | None = str(number - 1)
        while cursor is not None:
            page = self.other.json(f"/v1/changes?limit={PAGE}&enrichment=true&after={quote(cursor)}")
            mine = [step for step in page["items"] if step["revision"] == number]
            if mine:
                yield mine
            cursor = page["next_cursor"] if mine and len(mine) == len(page["items"]) else None

    def apply(
        self, connection: Connection, number: int, other: Mapping[str, Any], steps: list[Mapping[str, Any]]
    ) -> None:
        """Do some of what a revision did."""
        for noun in dict.fromkeys(step["type"] for step in steps):
            records = [step["after"] for step in steps if step["type"] == noun and step["act"] in PUT]
            if records:
                ledger.put(connection, number, noun, records, origin=other["origin"])
                self.opened |= noun == "source"
            ends = [step for step in steps if step["type"] == noun and step["act"] not in PUT]
            ledger.retract(
                connection, number, noun, {step["id"]: step["why"] for step in ends if step["before"] is not None}
            )
            for step in ends:
                if step["now"] is not None:
                    ledger.rename(connection, number, noun, step["id"], step["now"])

    def publish(self, connection: Connection, number: int, moment: datetime, other: Mapping[str, Any]) -> None:
        """Publish a revision at the moment at which the other one was. Raises Conflict where it did not do the same."""
        mine = ledger.tally(connection, number)
        missed = {
            act: {noun: n - mine.get(act, {}).get(noun, 0) for noun, n in counts.items()}
            for act, counts in other["counts"].items()
        }
        if other["kind"] != "import" and any(n for counts in missed.values() for n in counts.values()):
            raise Conflict(
                f"Revision {number} could not be replayed: it counts {other['counts']}, here it would be {mine}."
            )
        ledger.publish(connection, number, moment, more=missed)

    def follow_texts(self) -> None:
        """Have the texts of open sources that the other one has, and no others."""
        # Pinned to a revision, this changes only with the texts at hand: nothing is looked at again until then.
        access = self.other.tag("/v1/sources?limit=1&as_of=0")
        if access is not None and access == self.access and not self.opened:
            return
        with self.database.read() as connection:
            latest = ledger.latest(connection)
            here = set(connection.scalars(select(source_text.c.source)))
            c = source.c
            rows = connection.execute(select(c.id, c.until, c.open).order_by(c.since)).all()
        newest = {row.id: row for row in rows}
        for id in sorted({row.id for row in rows if row.open}):
            row = newest[id]
            # A text is kept for the versions that stood, so it is asked for as of the last one.
            then = latest if row.until is None else row.until - 1
            self.follow_text(id, then if row.open else None, held=id in here)
        self.access = access
        self.opened = False

    def follow_text(self, id: str, then: int | None, *, held: bool) -> None:
        """Fetch a text that is not here, let go of one that is not there; with None, of one that is not open any more."""
        path = f"/v1/sources/{quote(id, safe='')}/text?as_of={then}"
        try:
            if then is not None and held:
                self.other.tag(path)
                return
            if then is not None:
                text = self.other.text(path)
                with self.database.write() as connection:
                    texts.attach(connection, id, text, self.clock(), retracted=True)
                return
        except NotFound:
            pass
        except TextRefused as error:
            raise Conflict(
                f"The text of {id} that the other one hands on is not the one it describes. {error.detail}"
            ) from None
        if held:
            with self.database.write() as connection:
                texts.withdraw(connection, id)


@contextmanager
def understood() -> Iterator[None]:
    """Say of an answer that cannot be worked with that it cannot, whatever it is that does not fit."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, StatementError) as error:
        if isinstance(error, DBAPIError) and passing(error):
            raise
        raise Conflict(
            f"The other one answers what no knowledge base of this version does ({type(error).__name__}); nothing of it was kept. "
            "Is it one, and of this version or an older one?"
        ) from error


def fits(other: Mapping[str, Any], after: int) -> None:
    """Raise Conflict for what is no revision after this number."""
    texts = [other["kind"], other["by"], other["why"], other["published_at"]]
    optional = [one for one in (other["origin"], other.get("events"), other.get("opened_at")) if one is not None]
    counts = [n for counted in other["counts"].values() for n in counted.values()]
    if (
        type(other["number"]) is not int
        or not after < other["number"] < 2**31
        or any(type(one) is not str or "\0" in one for one in (*texts, *optional))
        or any(type(n) is not int or n < 0 for n in counts)
    ):
        raise Conflict(f"The other one says after revision {after} what is no revision; nothing of it was kept.")


def opened_at(other: Mapping[str, Any]) -> datetime:
    """When a revision was opened there: cursors and ETags are told apart by it, so that those of the one hold at the other."""
    return datetime.fromisoformat(other.get("opened_at") or other["published_at"])


def change_of(other: Mapping[str, Any], head: Head | None = None, token: str | None = None) -> Change:
    """What our revision is: what the other one's was, an import with how its file was read, so that it can be gone on with."""
    job: dict[str, Any] = {} if token is None else {"mirror": token}
    if head is not None and head.kind == "import":
        job |= {
            "import": "",
            "dataset": other["origin"],
            **{name: one for name, one in head.job.items() if one is not None},
        }
    digest = None if head is None else head.digest
    return Change(other["kind"], other["by"], other["why"], other["origin"], digest, job)
