"""How a write is done: one transaction that opens a revision, fills it, reads it back, publishes it and keeps its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app import ledger
from app.db import Database, Locked
from app.errors import ChanceryError, Unavailable
from app.ledger import Busy, Change
from app.query.fields import Record
from app.resources import NOUNS
from app.times import Clock
from app.writing import retries
from app.writing.retries import Answer, Asked

OPEN_SECONDS = (
    2.0  # a revision that is seen to be open is a long job's, an import's: who waits longer keeps others waiting
)
WHY_SHOWN = 200


class Unchanged(Exception):
    """Nothing is to be changed: the transaction is taken back, and with it the number of its revision."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Repeated(Exception):
    """Somebody did this very thing a moment ago: the transaction is taken back."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(slots=True)
class Turn:
    """The turn that the writers of a process take, and whose it is: what is written, by whom, since when."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where writes are done: the database, the clock, and the turn that the writers of this process take."""

    database: Database
    clock: Clock
    busy_seconds: float
    turn: Turn = field(default_factory=Turn)

    @contextmanager
    def alone(self, doing: str) -> Iterator[None]:
        """This process's turn to write: whoever waits here keeps no connection and no row waiting.

        Raises Unavailable where it does not come in time, and says who is at work.
        """
        if not self.turn.lock.acquire(timeout=max(self.busy_seconds, 0.001)):
            at_work = self.turn.taken
            # Who has the turn may wait for another process, whose revision is what all wait for.
            told = ledger.occupied(self.database)
            raise busy(told.detail if told is not None else f"Another write takes longer than usual{at_work}.")
        try:
            self.turn.taken = f": {doing}, at work since {ledger.stamp(self.clock())}"
            yield
        finally:
            self.turn.taken = ""
            self.turn.lock.release()

    def act(
        self,
        asked: Asked,
        change: Change,
        work: Callable[[Connection, int], Answer],
        *,
        otherwise: Callable[[Connection], Answer] | None = None,
        only: str | None = None,
    ) -> Answer:
        """What `work` answers, having filled the revision that it is given; it may raise Unchanged, and `otherwise` is done.

        The answer of a request that was answered before is that answer. Raises Unavailable while another writer is at work.
        `only` names the noun of all that `work` may change, where that is known.
        """
        try:
            with (
                self.alone(f"{change.kind} ({change.why[:WHY_SHOWN]}) by {change.by}"),
                ledger.begun(self.database, change, self.clock, wait_seconds=min(self.busy_seconds, OPEN_SECONDS)) as (
                    connection,
                    number,
                ),
            ):
                known = retries.answered(connection, asked, self.clock())
                if known is not None:
                    raise Repeated(known)
                answer = work(connection, number)
                ledger.publish(connection, number, self.clock(), only=only)
                retries.keep(connection, asked, answer, self.clock())
                return answer
        except Repeated as repeated:
            return repeated.answer
        except Unchanged as unchanged:
            answer = unchanged.answer
        except Busy as error:
            raise busy(error.detail) from error
        return self.note(asked, otherwise or (lambda _: answer))

    def note(self, asked: Asked, work: Callable[[Connection], Answer]) -> Answer:
        """What `work` answers, which makes no revision; kept for a repetition too."""
        try:
            with self.alone(f"a request by {asked.by.name}"), self.database.write() as connection:
                known = retries.answered(connection, asked, self.clock())
                if known is not None:
                    return known
                answer = work(connection)
                retries.keep(connection, asked, answer, self.clock())
                return answer
        except Locked as error:
            told = ledger.occupied(self.database)
            raise (error if told is None else busy(told.detail)) from error
        except IntegrityError:
            # Another process had the same request in hand at the same moment, and was first.
            with self.database.read() as connection:
                known = retries.answered(connection, asked, self.clock())
            if known is None:
                raise
            return known


def busy(detail: str) -> Unavailable:
    """The 503 of a writer who has to wait."""
    return Unavailable(f"{detail} Nothing was changed.", headers={"Retry-After": "2"})


def read_back(connection: Connection, number: int, noun: str, records: Iterable[Record]) -> None:
    """Make sure that a revision's records can be read as they were written, before anybody is told so.

    A database may take what it cannot give back. Raises ChanceryError, which takes everything back.
    """
    for some in ledger.batches(records, ledger.CHUNK):
        stands = ledger.current(connection, NOUNS[noun], [record["id"] for record in some])
        for record in some:
            if record["id"] not in stands or ledger.differs(stands[record["id"]][1], record):
                raise ChanceryError(
                    f"{noun} {record['id']} could not be read back as it was written. Nothing was changed."
                )
