"""What no rival sets but a limit: reads during an import, two workers, the same at ten times the size, memory and start."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import generate, servers
from benchmarks.scenarios import Known, Scenario, events_of, scenarios
from benchmarks.servers import CHANCERY, ROOT, Server

if TYPE_CHECKING:
    from benchmarks.runs import Field, Outcome, Plan, Taken

IMPORTED, QUICK_IMPORTED = 1_000_000, 20_000
# A replay that no set of ten million events holds.
LATER_REPLAY = 40
FLAT = ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10")
WORKER_MB, START_S = 150, 1.5


def during_import(plan: Plan, field: Field, at: Known, kept: Path, out: Outcome) -> None:
    """S14: pages while a large import runs, to pages alone; and how much longer one in a hundred waits."""
    from benchmarks.runs import Result, middle, taken

    count = QUICK_IMPORTED if plan.quick else IMPORTED
    file = generate.made(kept, count, first=LATER_REPLAY)
    environment = dict(field.environment)
    if plan.database == "sqlite":
        # The base itself is kept for others.
        home = field.folder / "imported"
        home.mkdir()
        shutil.copy(Path(environment["CHANCERY_DATA"]) / "chancery.db", home)
        environment["CHANCERY_DATA"] = str(home)
    paths = [events_of(one) for one in at.actors]
    server = servers.chancery(environment, field.folder / "imported.log", remembers=False, beside=field.beside)
    command = [*CHANCERY, "import", str(file), "--dataset", "tkg"]
    try:
        warmed(server, paths, plan)
        alone = [taken(server, paths, {}, plan.connections, plan.seconds) for _ in range(plan.rounds)]
        with (field.folder / "import.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log)
            found: list[Taken] = []
            try:
                while process.poll() is None or not found:
                    found.append(taken(server, paths, {}, plan.connections, 1 if plan.quick else 2))
            finally:
                process.terminate()
                process.wait()
        if process.returncode:
            raise RuntimeError(
                f"The import ended with {process.returncode}: {(field.folder / 'import.log').read_text()[-500:]}"
            )
    finally:
        server.stop()
        if plan.database == "sqlite":
            shutil.rmtree(home, ignore_errors=True)
    # The last round goes on when the import has ended.
    windows = found[:-1] or found
    base, waited = statistics.median(one.rate for one in alone), statistics.median(one.p99_ms for one in alone)
    ours, theirs = middle(windows, 0), middle(alone, 0)
    words = f"S3 while an import of {count:,} events runs"
    out.add(Result("S14", words, "S3 alone", 0.5, 0.8, [one.rate / base for one in windows], ours, theirs))
    ratios = [waited / one.p99_ms for one in windows]
    out.add(Result("S14 p99", "the same: how long one in a hundred waits", "S3 alone", 0.2, 0.5, ratios, ours, theirs))


def warmed(server: Server, paths: Sequence[str], plan: Plan) -> None:
    """Ask until each worker has answered everything some times: an event is rendered once a worker."""
    from benchmarks.runs import taken

    asked = 0.0
    for _ in range(2 if plan.quick else 12):
        asked += taken(server, paths, {}, plan.connections, 1).rate
        if asked > 10 * len(paths):
            return


def two_workers(plan: Plan, field: Field, at: Known, out: Outcome) -> None:
    """Pages by two workers to pages by one."""
    from benchmarks.runs import Result, middle, taken

    paths = [events_of(one) for one in at.actors]
    one = field.server("chancery")
    two = servers.chancery(field.environment, field.folder / "two.log", remembers=False, beside=field.beside, workers=2)
    try:
        both: tuple[list[Taken], list[Taken]] = ([], [])
        for server in (one, two):
            warmed(server, paths, plan)
        for _ in range(plan.rounds):
            for server, rounds in zip((one, two), both, strict=True):
                rounds.append(taken(server, paths, {}, plan.connections, plan.seconds))
    finally:
        two.stop()
    ratios = [mine.rate / theirs.rate for theirs, mine in zip(*both, strict=True)]
    ours, theirs = middle(both[1], 0), middle(both[0], 0)
    out.add(Result("two", "S3 by two workers", "one worker", 1.6, 1.9, ratios, ours, theirs))


def flat(plan: Plan, rows: int, small: Field, large: Field, knows: Sequence[Known], out: Outcome) -> None:
    """CPU time a request with few events, to that with many: S1 to S10, in turn."""
    from benchmarks.runs import Result, checked, middle, taken

    asked = [{one.id: one for one in scenarios(at)} for at in knows]
    for id in FLAT:
        if not plan.wants(f"flat {id}"):
            continue
        out.say(f"flat, {id}")
        both: tuple[list[Taken], list[Taken]] = ([], [])
        pairs: list[tuple[Server, Scenario]] = []
        for field, named in zip((small, large), asked, strict=True):
            one = named[id]
            pairs.append((field.server("remembering" if one.remembers else "chancery"), one))
            checked(*pairs[-1][:1], one.paths, one.headers)
        for _ in range(plan.rounds):
            for (server, one), rounds in zip(pairs, both, strict=True):
                rounds.append(taken(server, one.paths, one.headers, plan.connections, plan.seconds))
        few, many = both
        ratios = [a.cpu_ms / b.cpu_ms for a, b in zip(few, many, strict=True) if b.cpu_ms]
        words = f"CPU time of {id} at {rows:,} events"
        against = "at 461,329" if not plan.quick else "at a quarter"
        if ratios:
            result = Result(
                f"flat {id}", words, against, 1 / 1.5, 1, ratios, middle(many, 0), middle(few, 0), rows=rows
            )
            out.add(result)


def held(rows: int, field: Field, out: Outcome) -> None:
    """How much a worker holds after the load, and how long it took to start."""
    from benchmarks.runs import Result

    ours = [field.running[who] for who in ("chancery", "remembering") if who in field.running]
    if not ours:
        return
    megabytes = [one.memory() for one in ours]
    out.add(
        Result(
            "memory",
            "a worker's own memory after the load",
            f"{WORKER_MB} MB",
            1,
            None,
            [WORKER_MB / max(megabytes)],
            {"peak_mb": max(megabytes)},
            {"peak_mb": WORKER_MB},
            rows=rows,
        )
    )
    starts = [one.started_s for one in ours]
    ours_s, theirs_s = {"seconds": statistics.median(starts)}, {"seconds": START_S}
    words = "from the start of the command to its first ready answer"
    out.add(
        Result("start", words, f"{START_S} s", 1, None, [START_S / one for one in starts], ours_s, theirs_s, rows=rows)
    )
