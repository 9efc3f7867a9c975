"""How a file of mentions gets in: each is a report beside an event that was imported before, and changes no number of events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from app import ledger
from app.db import Held
from app.importers.base import FileRefused, Mention, Refused, Row
from app.importers.opening import open_file
from app.importers.runner import Work, keep_refused, state_of, summary_of
from app.importers.summary import Summary
from app.models.coded import coded_event, coded_report

BATCH_ROWS: Final = 5_000
LONGEST: Final = 2_000  # characters of an address or a name that is kept
# Most mentions are of events in earlier files: a file full of them is no damaged one.
EXPECTED: Final = "unknown-event"


@dataclass(slots=True)
class Mentions(Work):
    """One import of mentions under way."""

    new: int = 0
    same: int = 0

    def do(self, number: int | None) -> Summary:
        """Find each mention's event and keep it as a report; with None, find out only what would be done."""
        with self.database.hold() as held:
            for some in ledger.batches(self.mentions(), BATCH_ROWS):
                self._keep(held, number, some)
                self.progress("mentions", self.tally.rows, None)
        if state_of(Path(self.source.job.file)) != self.source.before:
            raise FileRefused(f"{Path(self.source.job.file).name} changed while it was read. Nothing was imported.")
        self._expect()
        if number is not None and self.new:
            with self.database.write() as connection:
                ledger.hold(connection, number)
                keep_refused(connection, number, self.tally)
                ledger.publish(connection, number, self.clock(), more={"created": {"report": self.new}})
        return summary_of(
            self,
            revision=number if self.new else None,
            unchanged=None if self.new else "every mention of an event that is here stands already.",
            new=self.new,
            same=self.same,
        )

    def mentions(self) -> Iterator[tuple[Row, Mention]]:
        """The file's mentions; refused rows are put aside."""
        with open_file(self.source.job.file) as file:
            for row in self.source.module.read(file, notes=self.tally.notes):
                self.tally.rows += 1
                meant = self.source.module.translate(row) if isinstance(row, Row) else row
                if isinstance(meant, Refused):
                    self.tally.refuse(meant)
                else:
                    yield row, meant

    def _keep(self, held: Held, number: int | None, some: list[tuple[Row, Mention]]) -> None:
        with held.scratch() as connection:
            events = self._events(connection, {meant.event for _, meant in some})
            known = self._known(connection, {meant.native for _, meant in some})
        rows: dict[tuple[int, str], dict[str, Any]] = {}
        for row, meant in some:
            event = events.get(meant.event)
            if event is None:
                detail = f"The event {meant.event} was not imported, so there is nothing to set this report beside."
                self.tally.refuse(Refused(row.line, EXPECTED, detail, row.text))
            elif (event, meant.native) in known or (event, meant.native) in rows:
                self.same += 1
            else:
                rows[event, meant.native] = report(event, meant, number)
        self.new += len(rows)
        if rows and number is not None:
            self.wrote = True
            with held.write() as connection:
                ledger.hold(connection, number)
                connection.execute(insert(coded_report), list(rows.values()))

    def _events(self, connection: Connection, natives: set[str]) -> dict[str, int]:
        """The numbers of the dataset's standing events, by the ids of their rows."""
        c = coded_report.c
        found: dict[str, int] = {}
        for some in ledger.batches(sorted(natives), ledger.CHUNK):
            query = (
                select(c.native, c.number)
                .join(coded_event, coded_event.c.number == c.number)
                .where(c.native.in_(some), c.until.is_(None), coded_event.c.until.is_(None))
                .where(coded_event.c.dataset == self.source.dataset)
            )
            found.update({row.native: row.number for row in connection.execute(query)})
        return found

    def _known(self, connection: Connection, natives: set[str]) -> set[tuple[int, str]]:
        """The mentions that stand already."""
        c = coded_report.c
        found: set[tuple[int, str]] = set()
        for some in ledger.batches(sorted(natives), ledger.CHUNK):
            query = select(c.number, c.native).where(c.native.in_(some), c.until.is_(None))
            found.update((row.number, row.native) for row in connection.execute(query))
        return found

    def _expect(self) -> None:
        """As for events, but for mentions of events that are not here."""
        elsewhere = self.tally.rejected.pop(EXPECTED, 0)
        try:
            Work._expect(self)
        finally:
            if elsewhere:
                self.tally.rejected[EXPECTED] = elsewhere


def report(event: int, meant: Mention, number: int | None) -> dict[str, Any]:
    """A mention as a report that weighs nothing: GDELT's own number of mentions is the event's weight already."""
    return {
        "number": event,
        "native": meant.native,
        "since": number,
        "until": None,
        "reported": meant.reported,
        "story": meant.identifier[:LONGEST] if meant.url is None else None,
        "sentence": meant.sentence,
        "publisher": None if meant.publisher is None else meant.publisher[:LONGEST],
        "url": None if meant.url is None else meant.url[:LONGEST],
        "weight": 0,
    }
