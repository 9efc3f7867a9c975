"""How another knowledge base is followed: its log is replayed into one of our own, revision by revision, under the same numbers.

What the feed says is all that is needed of curated records: each as it stood, when, by whom and why. Two things are not in it. The
events of datasets are too many: whoever mirrors them imports the same files, and an import is passed over only where that is asked
for. Texts are a matter of access: those of an open licence are fetched, the others never leave the place where they are attached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app import ledger, texts
from app.db import Database
from app.errors import Conflict, NotFound
from app.ledger import Change
from app.models.revision import revision
from app.models.source import source_text
from app.times import Clock

Fetch = Callable[
    [str], Any
]  # the JSON at a path of the other one; raises NotFound for 404, ChanceryError for other trouble
FetchText = Callable[[str], str | None]  # the text at a path, or None where it is not there
PAGE = 500
SAME = ("kind", "origin", "by", "why", "published_at")
PUT = ("create", "update")


@dataclass(slots=True)
class Mirror:
    """A knowledge base that follows another one."""

    database: Database
    fetch: Fetch
    text: FetchText
    clock: Clock
    without_events: bool = False
    opened: set[str] = field(default_factory=set)  # sources of an open licence that came by

    def catch_up(self) -> Iterator[Mapping[str, Any]]:
        """Replay every revision that is not here yet, each in one transaction; yields each when it is published.

        Raises Conflict where this is no mirror of that one, or a revision cannot be replayed.
        """
        with self.database.read() as connection:
            latest = ledger.latest(connection)
            self.recognise(connection, latest)
        for other in self.revisions(latest):
            self.replay(other)
            yield other
        self.fetch_texts()

    def recognise(self, connection: Connection, latest: int) -> None:
        """Make sure that what is here is the beginning of what is there."""
        if latest == 0:
            return
        row = connection.execute(select(revision).where(revision.c.number == latest)).one()
        try:
            other = self.fetch(f"/v1/revisions/{latest}")
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
        cursor: str | None = str(after)
        while cursor is not None:
            page = self.fetch(f"/v1/revisions?limit={PAGE}&cursor={cursor}")
            yield from page["items"]
            cursor = page["next_cursor"]

    def replay(self, other: Mapping[str, Any]) -> None:
        """Do what a revision did, whole or not at all."""
        number, moment = other["number"], datetime.fromisoformat(other["published_at"])
        if other["kind"] == "import" and not self.without_events:
            raise Conflict(
                f"Revision {number} imports the events of {other['origin']}, which the feed does not carry. Mirror with "
                "--without-events to go on without them: what counts or lists events of datasets will differ then."
            )
        change = Change(other["kind"], other["by"], other["why"], other["origin"])
        with self.database.write() as connection:
            ledger.start(connection, change, moment, number=number)
            for steps in self.steps(number):
                self.apply(connection, number, other, steps)
            self.publish(connection, number, moment, other)

    def steps(self, number: int) -> Iterator[list[Mapping[str, Any]]]:
        """The changes of a revision, a page at a time."""
        cursor: str | None = str(number - 1)
        while cursor is not None:
            page = self.fetch(f"/v1/changes?limit={PAGE}&enrichment=true&after={cursor}")
            mine = [step for step in page["items"] if step["revision"] == number]
            if mine:
                yield mine
            cursor = page["next_cursor"] if len(mine) == len(page["items"]) else None

    def apply(
        self, connection: Connection, number: int, other: Mapping[str, Any], steps: list[Mapping[str, Any]]
    ) -> None:
        """Do some of what a revision did."""
        for noun in dict.fromkeys(step["type"] for step in steps):
            records = [step["after"] for step in steps if step["type"] == noun and step["act"] in PUT]
            if records:
                ledger.put(connection, number, noun, records, origin=other["origin"])
                self.opened |= {record["id"] for record in records if noun == "source" and record.get("text") == "open"}
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

    def fetch_texts(self) -> None:
        """Fetch the texts of open sources that are not here."""
        with self.database.read() as connection:
            here = set(connection.scalars(select(source_text.c.source)))
        for id in sorted(self.opened - here):
            text = self.text(f"/v1/sources/{id}/text")
            if text is not None:
                with self.database.write() as connection:
                    texts.attach(connection, id, text, self.clock())
        self.opened.clear()
