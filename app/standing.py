"""What a knowledge base stands at: its newest revision and its access to texts, known without asking as long as nothing changed.

An answer depends on nothing else beside its request. On SQLite one pragma tells whether anybody has committed since the last look
(2 µs). PostgreSQL is asked each time, but once for all who arrived before the question was sent: nobody is told what was asked
before they came, so what somebody has published is in every answer that is asked for afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

from anyio import to_thread
from sqlalchemy import func

from app import ledger
from app.db import LOOKOUT_ERRORS, Database, look_out
from app.errors import ChanceryError
from app.glance import Away, Glance, Late
from app.query.evidence import CHANGES, access

log = logging.getLogger("chancery")

STANDS = ledger.NEWEST.add_columns(func.coalesce(CHANGES.scalar_subquery(), 0))


class Standing(NamedTuple):
    """What an answer depends on beside its request."""

    revision: int  # the newest one
    mark: str  # of it, see `ledger.marked`
    words: int  # how often the access to a text changed


class Watch:
    """Knows what a database stands at."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.lookout: Any = None
        self.version: int | None = None
        self.glance: Glance | None = None  # at PostgreSQL
        self.known: Standing | None = None
        self.asking: asyncio.Task[Standing] | None = None  # the question that was sent
        self.next: asyncio.Task[Standing] | None = None  # the one that goes after it, for who has come since

    async def now(self) -> Standing | None:
        """What it stands at; None where the database does not say, which the request itself will find out."""
        try:
            if not self.database.embedded:
                return await asyncio.shield(self.shared())
            if self.lookout is None:
                self.lookout = look_out(self.database.url)
            version = self.lookout.execute("PRAGMA data_version").fetchone()[0]
            if version != self.version or self.known is None:
                # Asked after the version was read: a commit in between shows as another version next time.
                self.known = await to_thread.run_sync(self.ask)
                self.version = version
        except (ChanceryError, OSError, *LOOKOUT_ERRORS):
            if self.database.embedded:
                self.close()
            return None
        return self.known

    def unchanged(self) -> Standing | None:
        """What it stands at, if that is known without waiting: for a file in which nothing was committed since the last look."""
        if self.lookout is None:
            return None
        try:
            same = self.lookout.execute("PRAGMA data_version").fetchone()[0] == self.version
        except LOOKOUT_ERRORS:
            return None
        return self.known if same else None

    def shared(self) -> asyncio.Task[Standing]:
        """The next question to be sent, which everybody waits for who comes before it is."""
        loop = asyncio.get_running_loop()
        if self.next is None or self.next.done() or self.next.get_loop() is not loop:
            self.next = loop.create_task(self.after(self.asking))
        return self.next

    async def after(self, before: asyncio.Task[Standing] | None) -> Standing:
        """Ask, once the question before is answered."""
        if before is not None and before.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([before])
        # From here on it is sent: who comes now waits for the one after it.
        self.asking, self.next = self.next, None
        return await self.glimpse()

    def ask(self) -> Standing:
        """What the database says."""
        with self.database.read() as connection:
            return Standing(*ledger.newest(connection), access(connection))

    async def glimpse(self) -> Standing:
        """The same, asked of PostgreSQL on the loop. Raises Unavailable."""
        stalls = self.database.stalls
        stalls.refuse()
        if self.glance is None:
            self.glance = Glance(self.database.url, STANDS, stalls)
        try:
            row = await self.glance.ask()
        except Away as error:
            log.info("The look at what the database stands at failed: %s", error)
            row = None
            if isinstance(error, Late):
                await to_thread.run_sync(stalls.doubt)
        if row is None:
            # Once more as everything is asked, which tells a server that is away from a connection that it had closed.
            return await to_thread.run_sync(self.ask)
        return Standing(int(row[0]), ledger.marked(row[1]), int(row[2]))

    def close(self) -> None:
        """Let go of the file."""
        if self.lookout is not None:
            self.lookout.close()
        if self.glance is not None:
            self.glance.close()
        self.lookout = self.version = self.known = None
