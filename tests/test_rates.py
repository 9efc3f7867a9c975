"""Whether limits on requests a minute hold over all workers of a server, and over the death of one."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import httpx2
import pytest

from app.routes.rates import COLUMN, Rate, Tally, claimed, joined
from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, database_url
from tests.serving import answer, free_port, started
from tests.test_migrations import CHECKOUT

READS, WRITES, REFUSED = 20, 12, 5


class Other:
    """A file that another process is handed."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def detach(self) -> int:
        return os.dup(self.tally.file)


def test_a_minute_begins_with_the_first_request_and_ends():
    now = [1_000.0]
    rate = Rate(Tally(now=lambda: now[0]), "reads", 2)

    assert [rate.take("ann") for _ in range(3)] == [(1, 60), (0, 60), (-1, 60)]
    assert rate.take("ben") == (1, 60)
    now[0] += 42.5
    assert rate.spent("ann") == 18
    assert rate.spent("ben") == 0
    now[0] += 18
    assert rate.spent("ann") == 0
    assert rate.take("ann") == (1, 60)


def test_what_is_counted_under_one_limit_is_not_counted_under_another():
    tally = Tally()

    Rate(tally, "reads", 1).take("ann")

    assert Rate(tally, "writes", 1).take("ann")[0] == 0


def test_workers_add_in_columns_of_their_own_and_read_all_of_them():
    one = Tally.shared(3)
    other = joined(Other(one), one.columns, one.salt)
    one.first, other.first = 0, COLUMN  # two columns, as two processes would have

    left = [Rate(tally, "reads", 10).take("ann")[0] for tally in (one, other, other, one, other)]

    assert left == [9, 8, 7, 6, 5]
    os.close(one.file)
    os.close(other.file)


def test_a_hundred_thousand_addresses_take_no_more_memory_and_a_busy_one_stays_known():
    tally = Tally()
    rate = Rate(tally, "reads", 1_000_000)
    for _ in range(50):
        rate.take("busy")

    for n in range(100_000):
        rate.take(f"2001:db8::{n:x}")

    assert rate.take("busy")[0] == 1_000_000 - 51
    assert tally.cells.nbytes == COLUMN * 8


def test_more_counts_than_a_number_holds_stay_at_the_most():
    tally = Tally()
    seen = tally.look("ann")
    tally.cells[seen.bucket] = seen.mark << 48 | seen.now << 24 & (1 << 48) - 1 | (1 << 24) - 1

    tally.add(tally.look("ann"))

    assert tally.look("ann").n == (1 << 24) - 1


def test_a_column_is_free_again_when_its_process_has_died():
    tally = Tally.shared(1)
    child = os.fork()
    if child == 0:
        claimed(tally.file, 0)
        time.sleep(60)
        os._exit(0)
    until = time.monotonic() + 10
    while claimed(tally.file, 0) and time.monotonic() < until:
        time.sleep(0.01)

    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    assert claimed(tally.file, 0)
    os.close(tally.file)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_workers_hold_to_one_limit(backend: str, request: pytest.FixtureRequest, tmp_path: Path):
    url = database_url(backend, request, tmp_path)
    made = KnowledgeBase.at(url)
    key = made.key("write")
    made.close()
    port = free_port()
    settings = {
        "CHANCERY_DATA": str(tmp_path),
        "CHANCERY_READS_MINUTE": str(READS),
        "CHANCERY_WRITES_MINUTE": str(WRITES),
        "CHANCERY_REFUSED_MINUTE": str(REFUSED),
        "CHANCERY_ANSWERS_BYTES": "0",
        "CHANCERY_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--workers", "2", "--database", url]

    with started(command, folder=CHECKOUT, settings=settings) as program:
        answer(program, port, "/readyz")
        while "Explorer" not in program.output:
            time.sleep(0.05)
        base = f"http://127.0.0.1:{port}"

        def asked(n: int, method: str, path: str, **headers: str) -> list[httpx2.Response]:
            """Answers to requests on connections of their own, which both workers take."""
            return [httpx2.request(method, base + path, headers=headers, trust_env=False) for _ in range(n)]

        reads = asked(READS + 5, "GET", "/v1/topics")
        writes = asked(WRITES + 3, "POST", "/v1/dossiers", Authorization=f"Bearer {key}")
        guesses = asked(REFUSED + 3, "POST", "/v1/dossiers", Authorization="Bearer chy_guess")
        assert program.terminate() == 0  # its workers end with it; killed, it would leave them behind

    assert [one.status_code for one in reads] == [200] * READS + [429] * 5
    assert [one.headers["ratelimit"].partition(";t")[0] for one in reads[:READS]] == [
        f'"reads";r={left}' for left in reversed(range(READS))
    ]
    assert {one.headers["ratelimit-policy"] for one in reads} == {f'"reads";q={READS};w=60'}
    assert [one.status_code == 429 for one in writes] == [False] * WRITES + [True] * 3
    assert [one.status_code for one in guesses] == [401] * REFUSED + [429] * 3
