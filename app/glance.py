"""One short question that PostgreSQL is asked over and over, on the loop itself: a thread for it costs five times as much.

It goes over a connection of its own, as a statement prepared on it. libpq sends it and reads the answer without waiting; the loop
tells when there is something to read.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Final

from anyio import to_thread
from psycopg import Connection as Driver
from psycopg import Error, pq
from sqlalchemy import URL, Select

from app.db import Stalls, glancing

NAME: Final = b"glance"


class Away(Exception):
    """The database did not answer."""


class Late(Away):
    """Not in time, on a connection that is still there."""


class Glance:
    """Asks one question without values, whose answer is one row of text; once at a time."""

    def __init__(self, url: URL, question: Select[Any], stalls: Stalls) -> None:
        self.url = url
        self.question = question
        self.stalls = stalls
        self.engine: Any = None
        self.driver: Driver[Any] | None = None
        self.socket = -1  # of ours: libpq closes its own as soon as it breaks, and another connection gets the number
        self.asked = False  # an answer is still to come

    async def ask(self) -> list[str] | None:
        """The row; None where there is none. Raises Away, also while another loop asks."""
        if self.asked:
            raise Away("it is being asked already")
        self.asked = True
        try:
            if self.driver is None:
                self.driver = await to_thread.run_sync(self.connect)
            row = await self.answer(self.driver.pgconn, self.socket)
        except BaseException as error:
            # Also where nobody waits any more: an answer that is still to come would be taken for the next one.
            self.close()
            if isinstance(error, Error):
                raise Away(str(error)) from None
            raise
        finally:
            self.asked = False
        return row

    async def answer(self, connection: Any, socket: int) -> list[str] | None:
        """What comes back. Raises Away, or an error of the driver."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[list[str] | None] = loop.create_future()
        late = loop.call_later(self.stalls.PING_SECONDS, fail, told, Late("no answer in time"))
        try:
            connection.send_query_prepared(NAME, [])
            loop.add_reader(socket, reading(connection, told))
            try:
                return await told
            finally:
                loop.remove_reader(socket)
        finally:
            late.cancel()

    def connect(self) -> Driver[Any]:
        """A connection on which the question is prepared. Raises Away."""
        self.engine = self.engine or glancing(self.url)
        try:
            # It is taken out of the pool and closed here: nothing else is done with it.
            taken = self.engine.raw_connection()
            driver: Driver[Any] = taken.driver_connection
            taken.detach()
            with self.stalls.limit(driver, self.stalls.PING_SECONDS):
                sql = str(self.question.compile(self.engine, compile_kwargs={"literal_binds": True}))
                result = driver.pgconn.prepare(NAME, sql.encode())
        except Exception as error:  # whatever the driver or the pool makes of a server that is away
            raise Away(str(error)) from None
        if result.status != pq.ExecStatus.COMMAND_OK:
            driver.close()
            raise Away(result.error_message.decode(errors="replace"))
        driver.pgconn.nonblocking = 1
        self.socket = os.dup(driver.pgconn.socket)
        return driver

    def close(self) -> None:
        """Let go of the connection."""
        if self.driver is not None:
            self.driver.close()
            os.close(self.socket)
        if self.engine is not None:
            self.engine.dispose()
        self.driver = None


def reading(connection: Any, told: asyncio.Future[list[str] | None]) -> Callable[[], None]:
    """What is done when there is something to read."""

    def read() -> None:
        if told.done():
            return
        try:
            connection.consume_input()
            if connection.is_busy():
                return
            rows = []
            while (result := connection.get_result()) is not None:
                if result.status != pq.ExecStatus.TUPLES_OK:
                    fail(told, Away(result.error_message.decode(errors="replace")))
                    return
                rows += [texts(result, row) for row in range(result.ntuples)]
            told.set_result(rows[0] if rows else None)
        except Error as error:
            fail(told, Away(str(error)))

    return read


def texts(result: Any, row: int) -> list[str]:
    """The cells of a row as text."""
    return [(result.get_value(row, n) or b"").decode() for n in range(result.nfields)]


def fail(told: asyncio.Future[Any], why: Away) -> None:
    """Say that there is no answer."""
    if not told.done():
        told.set_exception(why)
