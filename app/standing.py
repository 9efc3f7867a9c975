"""What a knowledge base stands at: its newest revision and its access to texts, known without asking as long as nothing changed.

An answer depends on nothing else beside its request. On SQLite one pragma tells whether anybody has committed since the last look
(2 µs); PostgreSQL is asked each time.
"""

from __future__ import annotations

from typing import Any

from anyio import to_thread

from app import ledger
from app.db import LOOKOUT_ERRORS, Database, look_out
from app.errors import ChanceryError
from app.query.evidence import access

Standing = tuple[int, int]  # the newest revision, and how often the access to a text changed


class Watch:
    """Knows what a database stands at."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.lookout: Any = None
        self.version: int | None = None
        self.known: Standing | None = None

    async def now(self) -> Standing | None:
        """What it stands at; None where the database does not say, which the request itself will find out."""
        try:
            if not self.database.embedded:
                return await to_thread.run_sync(self.ask)
            if self.lookout is None:
                self.lookout = look_out(self.database.url)
            version = self.lookout.execute("PRAGMA data_version").fetchone()[0]
            if version != self.version or self.known is None:
                # Asked after the version was read: a commit in between shows as another version next time.
                self.known = await to_thread.run_sync(self.ask)
                self.version = version
        except (ChanceryError, OSError, *LOOKOUT_ERRORS):
            self.close()
            return None
        return self.known

    def ask(self) -> Standing:
        """What the database says."""
        with self.database.read() as connection:
            return ledger.latest(connection), access(connection)

    def close(self) -> None:
        """Let go of the file."""
        if self.lookout is not None:
            self.lookout.close()
        self.lookout = self.version = self.known = None
