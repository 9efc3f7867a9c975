"""Is the database there yet? Waits for so many seconds until it answers, or says why it does not and ends with 1.

A database server and this one are started together, and the database needs longer. Only connecting is tried again and
again: a migration that fails is not, since what failed once for a reason of its own fails again.
"""

from __future__ import annotations

import sys
import time

import psycopg

from app.settings import Settings


def wait(address: str, seconds: float) -> str | None:
    """What the database said last when it did not answer within `seconds`; None as soon as it does."""
    until = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            # The message of libpq names host, port and user, and never the password.
            if time.monotonic() >= until:
                return str(error).strip()
            time.sleep(0.5)
        else:
            return None


if __name__ == "__main__":
    url = Settings().url
    if url.get_backend_name() == "postgresql":
        patience_s = float(sys.argv[1])
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        trouble = wait(plain, patience_s)
        if trouble is not None:
            sys.exit(f"The database did not answer within {patience_s:g} s. It was last heard to say: {trouble}")
