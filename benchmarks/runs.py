"""Contenders one after another, several times over, and the ratio of each round with its spread."""

from __future__ import annotations

import base64
import contextlib
import gzip
import importlib
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text

from benchmarks import generate, kept, limits, load, servers, writing
from benchmarks.peers import datasette, rows, statements
from benchmarks.scenarios import Known, Rival, Scenario, events_of, known, scenarios
from benchmarks.servers import BIN, CHANCERY, ROOT, Server

LATER_ROWS = 5_000
LARGE_ROWS = 10_000_000
DEPTH = 400_000
CSV = (
    "SELECT e.id, e.day, e.label, an.name, bn.name FROM event e "
    "JOIN participation a ON a.event_id = e.id AND a.role = 'initiator' JOIN actor an ON an.id = a.actor_id "
    "JOIN participation b ON b.event_id = e.id AND b.role = 'recipient' JOIN actor bn ON bn.id = b.actor_id ORDER BY e.day, e.id"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run."""

    rows: int
    database: str  # sqlite or postgresql
    rounds: int
    seconds: float
    connections: int
    chosen: frozenset[str]  # ids of scenarios; empty is all
    also: tuple[int, ...] = ()  # other numbers of connections, with a second a round
    quick: bool = False
    done: frozenset[str] = frozenset()  # what an earlier run has, and is not run again

    def wants(self, *ids: str) -> bool:
        """Whether any of these is chosen and not done; S13 chooses its parts, and flat its scenarios."""
        return any(
            id not in self.done and (not self.chosen or {id, id.rstrip("abcy"), id.split()[0]} & self.chosen)
            for id in ids
        )

    def wants_group(self, group: str) -> bool:
        """Whether anything that begins like this is chosen."""
        return not self.chosen or any(one.startswith(group) for one in self.chosen)


@dataclass(frozen=True, slots=True)
class Result:
    """A scenario against one rival. The ratio is ours to theirs, and more is better."""

    id: str
    words: str
    against: str
    must: float
    aim: float | None
    ratios: list[float]
    ours: dict[str, float]
    theirs: dict[str, float]
    cpu_ratio: float | None = None  # CPU time a request: theirs to ours
    connections: int = 0  # where it is not the run's
    rows: int = 0  # where it is not the run's

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.ratios)

    @property
    def verdict(self) -> str:
        """What became of it."""
        if self.aim is not None and self.ratio >= self.aim:
            return "aim"
        return "reached" if self.ratio >= self.must else "MISSED"

    def as_json(self) -> dict[str, object]:
        """The result as it is kept."""
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}


@dataclass(slots=True)
class Outcome:
    """All results of a run, and what was noticed beside. Each result is handed on as it comes, so that nothing is lost."""

    results: list[Result] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)  # what cannot run here, and why
    keep: Callable[[Outcome], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None

    def add(self, one: Result) -> None:
        """Take a result, and hand all on."""
        self.results.append(one)
        self.keep(self)


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended well: its time, its CPU time and its own memory at the highest, looked at every 50 ms."""

    seconds: float
    cpu_s: float
    peak_mb: float


Say = Callable[[str], None]


def command(arguments: Sequence[str | Path], environment: Mapping[str, str], input: str | None = None) -> Ended:
    """Run a command to its end. Raises RuntimeError with what it said where it fails."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
        given.write((input or "").encode())
        given.seek(0)
        begun = time.monotonic()
        process = subprocess.Popen(
            list(map(str, arguments)),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=given,
            stdout=said,
            stderr=said,
        )
        own = 0.0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            with contextlib.suppress(OSError):
                own = max(own, load.memory_mb(process.pid, "RssAnon"))
            time.sleep(0.05)
        _, status, used = ended
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{arguments[0]} ended with {process.returncode}:\n{said.read().decode()[-2000:]}")
    return Ended(seconds, used.ru_utime + used.ru_stime, own)


def import_file(environment: Mapping[str, str], file: Path) -> Ended:
    """Import a file by the command."""
    return command([*CHANCERY, "import", file, "--dataset", "tkg"], environment)


@contextlib.contextmanager
def databases(plan: Plan, folder: Path) -> Iterator[tuple[Callable[[], dict[str, str]], Callable[[], str], list[int]]]:
    """What makes a new empty knowledge base (as the environment of its commands), what makes a database for a peer on PostgreSQL,
    and the processes of the database."""
    made = iter(range(1000))
    if plan.database == "sqlite":

        def fresh() -> dict[str, str]:
            home = folder / f"kb-{next(made)}"
            home.mkdir()
            return prepared({"CHANCERY_DATA": str(home)})

        yield fresh, str, []
        return
    # By its name: the types of the benchmarks are checked without the tests.
    postgres = importlib.import_module("tests.postgres")
    with postgres.running() as server:
        own = isinstance(server, postgres.OwnPostgres) and server._process is not None
        yield (
            lambda: prepared({"CHANCERY_DATA": str(folder), "CHANCERY_DATABASE": server.create_database()}),
            server.create_database,
            [server._process.pid] if own else [],
        )


def prepared(environment: dict[str, str]) -> dict[str, str]:
    """A knowledge base with its schema and the seed."""
    for what in ("migrate", "seed"):
        command([*CHANCERY, what], environment)
    return environment


def url_of(environment: Mapping[str, str]) -> str:
    """The SQLAlchemy URL of a knowledge base."""
    return environment.get("CHANCERY_DATABASE") or f"sqlite:///{environment['CHANCERY_DATA']}/chancery.db"


# ── Importing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def import_limit(plan: Plan, file: Path, folder: Path, database: Callable[[], str]) -> Ended:
    """The rows in one table with the indexes that one needs, by the database's own loader; unpacking included."""
    if plan.database == "sqlite":
        kept = folder / "limit.db"
        for path in folder.glob("limit.db*"):
            path.unlink()
        return command(["sqlite3", kept], {}, rows.IMPORT.format(file="|gzip -dc '" + str(file) + "'"))
    import psycopg

    before = resource.getrusage(resource.RUSAGE_SELF)
    with psycopg.connect(database().replace("+psycopg", "", 1)) as connection, gzip.open(file) as lines:
        begun = time.monotonic()
        connection.execute("CREATE TABLE facts (subject TEXT, relation TEXT, object TEXT, date DATE, split TEXT)")
        with connection.cursor().copy("COPY facts FROM STDIN WITH (HEADER)") as copy:
            while block := lines.read(1 << 18):
                copy.write(block)
        for column in ("subject", "object", "relation"):
            connection.execute(f"CREATE INDEX ON facts ({column}, date)")
        connection.execute("CREATE INDEX ON facts (date)")
        connection.commit()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return Ended(time.monotonic() - begun, after.ru_utime - before.ru_utime, after.ru_maxrss / 1024)


def imports(
    plan: Plan,
    file: Path,
    folder: Path,
    fresh: Callable[[], dict[str, str]],
    database: Callable[[], str],
    out: Outcome,
    say: Say,
) -> dict[str, str]:
    """I1 (I2 on PostgreSQL), I3 and I4; the last knowledge base that was filled, or none where these are not wanted on SQLite."""
    sqlite = plan.database == "sqlite"
    wanted = plan.wants("I1" if sqlite else "I2", "I3", "I4")
    if not wanted and sqlite:
        return {}
    rounds = (plan.rounds if plan.rows <= generate.SOURCE_ROWS else 1) if wanted else 1
    limits, firsts, agains, environment = [], [], [], {}
    for n in range(rounds):
        say(f"import, round {n + 1} of {rounds}")
        if wanted:
            limits.append(import_limit(plan, file, folder, database))
        environment = fresh()
        firsts.append(import_file(environment, file))
        if wanted:
            agains.append(import_file(environment, file))
    if not wanted:
        return environment
    first, again = statistics.median(one.seconds for one in firsts), statistics.median(one.seconds for one in agains)
    ours = {"seconds": first, "rows/s": plan.rows / first, "cpu_s": statistics.median(one.cpu_s for one in firsts)}
    limit = statistics.median(one.seconds for one in limits)
    out.add(
        Result(
            "I1" if sqlite else "I2",
            f"first import of {plan.rows:,} rows",
            "sqlite3 .import" if sqlite else "COPY",
            0.25 if sqlite else 0.2,
            0.5 if sqlite else 0.4,
            [one.seconds / other.seconds for one, other in zip(limits, firsts, strict=True)],
            ours,
            {"seconds": limit, "rows/s": plan.rows / limit},
        )
    )
    ratios = [one.seconds / other.seconds for one, other in zip(firsts, agains, strict=True)]
    out.add(Result("I3", "the same file again", "the first time", 3, 6, ratios, {"seconds": again}, {"seconds": first}))
    peak = max(one.peak_mb for one in firsts)
    out.facts["import_peak_mb"] = peak
    if plan.rows > generate.SOURCE_ROWS:
        small = import_file(fresh(), generate.source()).peak_mb
        words = f"memory of an import of {plan.rows:,} rows"
        out.add(
            Result(
                "I4", words, "461,329 rows", 1 / 1.2, 1 / 1.05, [small / peak], {"peak_mb": peak}, {"peak_mb": small}
            )
        )
    return environment


# ── Serving ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def knowledge(environment: Mapping[str, str], peer: Path, server: Server) -> Known:
    """What the paths are made of."""
    engine = create_engine(url_of(environment))
    with engine.connect() as here:
        ids = {row.name: row.id for row in here.execute(text("SELECT name, id FROM coded_actor"))}
        events = [id for (id,) in here.execute(text("SELECT id FROM coded_event WHERE number % 97 = 1 LIMIT 500"))]
        before = here.execute(text("SELECT max(number) - 1 FROM revision WHERE state = 'published'")).scalar_one()
        deep = here.execute(
            text("SELECT day, id FROM coded_event ORDER BY day, id LIMIT 1 OFFSET :depth"), {"depth": DEPTH}
        ).first()
    engine.dispose()
    first = json.loads(server.get("/v1/events?sort=happened&limit=50")[2])["next_cursor"]
    cursor = first if deep is None else moved(first, deep.day, deep.id)
    made = known(peer, ids, events, before=before, deep=cursor, etag="")
    etag = server.get(events_of(made.actors[0]))[1]["ETag"]
    return known(peer, ids, events, before=before, deep=cursor, etag=etag)


def moved(cursor: str, day: int, id: str) -> str:
    """The cursor that walking to the depth would give: the first page's, with the key of the record there."""
    parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    parts[3:] = [day, id]
    told = json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()


@dataclass(slots=True)
class Field:
    """The servers that run, started when first needed."""

    environment: dict[str, str]
    peer: Path
    peer_url: str
    folder: Path
    beside: list[int]
    running: dict[str, Server] = field(default_factory=dict)

    def server(self, who: str, size: int = 0) -> Server:
        """The server of a contender."""
        key = f"{who}{size}" if who == "bare" else who
        if key not in self.running:
            self.running[key] = self._start(who, size, self.folder / f"{key}.log")
        return self.running[key]

    def _start(self, who: str, size: int, log: Path) -> Server:
        match who:
            case "bare":
                return servers.uvicorn("benchmarks.peers.bare:app", log, {"BENCH_BYTES": str(size)}, "/")
            case "naive":
                told = {"BENCH_DATABASE": self.peer_url}
                return servers.uvicorn("benchmarks.peers.naive:app", log, told, "/events/1", self.beside)
            case "datasette":
                told_by = self.folder / "metadata.json"
                told_by.write_text(json.dumps(datasette.metadata()))
                port = servers.free_port()
                arguments = [BIN / "datasette", *datasette.arguments(str(self.peer), str(told_by), port)]
                return servers.start(arguments, port, "/-/versions.json", log, {})
            case _:
                return servers.chancery(self.environment, log, remembers=who == "remembering", beside=self.beside)

    def stop(self) -> None:
        """End them all."""
        for one in self.running.values():
            one.stop()


@dataclass(frozen=True, slots=True)
class Taken:
    """A round of one contender."""

    rate: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float


def taken(server: Server, paths: Sequence[str], headers: Mapping[str, str], connections: int, seconds: float) -> Taken:
    """A round of load. Raises RuntimeError where an answer was wrong."""
    before = server.cpu_s()
    found = load.put(server.port, paths, headers, connections=connections, seconds=seconds)
    if not found.requests:
        # Slow ones among many that wait: each has to come to its turn once.
        before, seconds = server.cpu_s(), 5 * seconds
        found = load.put(server.port, paths, headers, connections=connections, seconds=seconds)
    if found.wrong:
        raise RuntimeError(f"{found.wrong} of {found.requests} answers were wrong, of paths such as {paths[0]}")
    if not found.requests:
        raise RuntimeError(f"Nothing was answered in {seconds} s, of paths such as {paths[0]}")
    return Taken(found.rate, (server.cpu_s() - before) * 1000 / found.requests, found.p50_ms, found.p99_ms)


def in_duckdb(path: Path, sql: str, seconds: float) -> Taken:
    """A round of DuckDB in this process, one thread a core as it likes."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        begun, cpu, n = time.monotonic(), time.process_time(), 0
        while time.monotonic() - begun < seconds:
            connection.execute(sql).fetchall()
            n += 1
    took = time.monotonic() - begun
    return Taken(n / took, (time.process_time() - cpu) * 1000 / n, took * 1000 / n, 0.0)


def checked(server: Server, paths: Sequence[str], headers: Mapping[str, str]) -> float:
    """The mean size of the answers. Raises RuntimeError where one is none."""
    sizes = []
    for path in paths[:40]:
        status, _, body = server.get(path, headers)
        if status not in (200, 304):
            raise RuntimeError(f"{path} answered {status}: {body[:300]!r}")
        sizes.append(len(body))
    return statistics.mean(sizes)


def measured(scenario: Scenario, field: Field, plan: Plan, out: Outcome) -> None:
    """A scenario against its rivals, with each number of connections."""
    if scenario.connections:
        measured_with(scenario, field, plan, out, scenario.connections, plan.seconds)
        return
    measured_with(scenario, field, plan, out, plan.connections, plan.seconds)
    for connections in plan.also:
        measured_with(scenario, field, plan, out, connections, 1)


def measured_with(scenario: Scenario, field: Field, plan: Plan, out: Outcome, connections: int, seconds: float) -> None:
    """A scenario against its rivals, interleaved."""
    ours = field.server("remembering" if scenario.remembers else "chancery")
    size = checked(ours, scenario.paths, scenario.headers)
    # A rival that sends fixed bytes sends as many as the list has; a 304 is measured against the list, which it saves.
    full = checked(ours, scenario.paths[:1], {}) if scenario.headers else size
    against: dict[str, Callable[[], Taken]] = {}
    sizes: dict[str, float] = {}
    for rival in scenario.rivals:
        if rival.who == "duckdb":
            against[rival.who] = duckdb_round(field, rival, plan)
            continue
        if rival.who == "sqlite3":
            if plan.database == "sqlite":
                against[rival.who] = statements_round(field, rival, plan)
            else:
                out.skipped[scenario.id] = "SQLite's own module is no measure of PostgreSQL."
            continue
        server = field.server(rival.who, round(full))
        sizes[rival.who] = checked(server, rival.paths, {})
        against[rival.who] = load_round(server, rival, connections, seconds)
    if not against:
        return
    rounds: dict[str, list[Taken]] = {name: [] for name in ("", *against)}
    for _ in range(plan.rounds):
        rounds[""].append(taken(ours, scenario.paths, scenario.headers, connections, seconds))
        for name, once in against.items():
            rounds[name].append(once())
    for rival in scenario.rivals:
        ratios = [one.rate / other.rate for one, other in zip(rounds[""], rounds[rival.who], strict=True)]
        mine, theirs = middle(rounds[""], size), middle(rounds[rival.who], sizes.get(rival.who, 0))
        cpu = theirs["cpu_ms"] / mine["cpu_ms"] if mine["cpu_ms"] else None
        out.add(
            Result(
                scenario.id, scenario.words, rival.who, rival.must, rival.aim, ratios, mine, theirs, cpu, connections
            )
        )


def duckdb_round(field: Field, rival: Rival, plan: Plan) -> Callable[[], Taken]:
    """How DuckDB takes its turn."""
    path = field.peer.with_suffix(".duckdb")
    if not path.exists():
        rows.into_duckdb(path, field.peer)
    return lambda: in_duckdb(path, rival.paths[0], plan.seconds)


def statements_round(field: Field, rival: Rival, plan: Plan) -> Callable[[], Taken]:
    """How SQLite alone takes its turn, with the statements that we ask it."""
    asked = statements.recorded(url_of(field.environment), rival.paths)
    path = url_of(field.environment).removeprefix("sqlite:///")

    def once() -> Taken:
        with contextlib.closing(
            sqlite3.connect(f"file:{path}?mode=ro", uri=True, cached_statements=1000)
        ) as connection:
            begun, cpu, n = time.monotonic(), time.process_time(), 0
            while time.monotonic() - begun < plan.seconds:
                statements.run(connection, asked[n % len(asked)])
                n += 1
            took = time.monotonic() - begun
        return Taken(n / took, (time.process_time() - cpu) * 1000 / n, took * 1000 / n, 0.0)

    return once


def load_round(server: Server, rival: Rival, connections: int, seconds: float) -> Callable[[], Taken]:
    """How a server takes its turn."""
    return lambda: taken(server, rival.paths, {}, connections, seconds)


def middle(found: Sequence[Taken], size: float) -> dict[str, float]:
    """The medians of the rounds."""
    each = {
        "requests/s": [one.rate for one in found],
        "cpu_ms": [one.cpu_ms for one in found],
        "p50_ms": [one.p50_ms for one in found],
        "p99_ms": [one.p99_ms for one in found],
    }
    return {name: statistics.median(values) for name, values in each.items()} | {"bytes": size}


# ── Exporting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def exports(plan: Plan, field: Field, out: Outcome, say: Say) -> None:
    """X1 and X2: everything over HTTP, against SQLite writing CSV to a file."""
    server = field.server("chancery")
    idle = server.memory()
    limit = to_file(field.peer, field.folder / "rows.csv")
    total = plan.rows + LATER_ROWS
    for form in ("ndjson", "csv", "parquet"):
        say(f"export, {form}")
        begun, highest, size = time.monotonic(), idle, 0
        with servers.DIRECT.open(f"http://127.0.0.1:{server.port}/v1/events?format={form}", timeout=600) as answer:
            while block := answer.read(1 << 20):
                size += len(block)
                highest = max(highest, server.memory())
        seconds = time.monotonic() - begun
        out.facts[f"export_{form}_extra_mb"] = highest - idle
        ours = {"seconds": seconds, "rows/s": total / seconds, "bytes": float(size), "extra_mb": highest - idle}
        theirs = {"seconds": limit, "rows/s": total / limit}
        extra = max(highest - idle, 1)
        out.add(
            Result("X2", f"more memory for {form}", "60 MB", 1, 3, [60 / extra], {"peak_mb": extra}, {"peak_mb": 60})
        )
        out.add(
            Result(
                "X1", f"{form} of {total:,} events", "sqlite3, CSV to a file", 0.2, 0.5, [limit / seconds], ours, theirs
            )
        )


def to_file(peer: Path, path: Path) -> float:
    """How long SQLite takes to write the rows, with names, as CSV."""
    begun = time.monotonic()
    with path.open("wb") as file:
        subprocess.run(["sqlite3", "-csv", "-header", str(peer), CSV], stdout=file, check=True)
    return time.monotonic() - begun


# ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def writes(
    plan: Plan, folder: Path, environment: dict[str, str], beside: Sequence[int], out: Outcome, say: Say
) -> None:
    """W1 and W2: edits of single records, and how long readers wait while a very large dossier is published."""
    server = servers.chancery({**environment, **writing.KNOBS}, folder / "writes.log", remembers=False, beside=beside)
    try:
        secret = writing.key({**os.environ, **environment})
        if plan.wants("W1"):
            say("W1, edits of single records")
            rounds = []
            for _ in range(plan.rounds):
                rate, took = writing.edits(server, secret, plan.seconds)
                rounds.append((rate, took[len(took) * 99 // 100], writing.commits(folder, min(1, plan.seconds))))
            ours = {"requests/s": statistics.median(one[0] for one in rounds), "p99_ms": max(one[1] for one in rounds)}
            theirs = {"requests/s": statistics.median(one[2] for one in rounds)}
            words, ratios = "one record put, checked, published, by 8 editors", [one[0] / one[2] for one in rounds]
            out.add(Result("W1", words, "sqlite3, a commit each", 0.02, 0.05, ratios, ours, theirs))
        if plan.wants("W2"):
            records = writing.RECORDS if plan.seconds > 1 else writing.QUICK_RECORDS
            say(f"W2, a dossier of {records:,} records")
            alone = load.put(server.port, [writing.PAGE], {}, connections=4, seconds=max(3, plan.seconds))
            done, during = writing.beside(server, secret, writing.dossier(records))
            if alone.wrong or during.wrong:
                raise RuntimeError(f"{alone.wrong + during.wrong} reads were answered wrongly.")
            ours = {"requests/s": during.rate, "p99_ms": during.p99_ms, "p50_ms": during.p50_ms}
            theirs = {"requests/s": alone.rate, "p99_ms": alone.p99_ms, "p50_ms": alone.p50_ms}
            words = f"reads while a dossier of {records:,} records is published"
            out.add(Result("W2", words, "reads alone", 0.25, 0.5, [during.rate / alone.rate], ours, theirs))
            out.facts["dossier_records_s"] = records / done["seconds"]
            out.facts["dossier_readers_p99_ms"] = during.p99_ms
            out.facts["dossier_peak_mb"] = server.memory()
    except (RuntimeError, OSError) as problem:
        out.faults.append(f"W: {problem}")
    finally:
        server.stop()


# ── All of it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def run(plan: Plan, home: Path, out: Outcome) -> Outcome:
    """Run what is planned; files that cost time to make are kept in a folder."""
    home.mkdir(parents=True, exist_ok=True)
    file = generate.made(home, plan.rows)
    later = home / f"later-{LATER_ROWS}.tsv.gz"
    if not later.exists():
        generate.write(later, generate.later(generate.source(), LATER_ROWS))
    if shutil.which("sqlite3") is None:
        out.skipped["I1, X1"] = "The command sqlite3 is not here."
    with (
        tempfile.TemporaryDirectory(dir=home) as temporary,
        databases(plan, Path(temporary)) as (fresh, database, beside),
    ):
        folder = Path(temporary)
        if plan.wants("W1", "W2"):
            writes(plan, folder, fresh(), beside, out, out.say)
        if plan.chosen and all(one.startswith("W") for one in plan.chosen):
            return out
        environment = imports(plan, file, folder, fresh, database, out, out.say)
        if plan.chosen and all(one[0] in "WI" for one in plan.chosen):
            return out
        if plan.database == "sqlite":
            made = kept.base(home, plan.rows, [file, later], command, out.say)
            environment = {"CHANCERY_DATA": str(made)}
        else:
            import_file(environment, later)
        if any(map(plan.wants_group, ("S", "X", "two", "memory", "start"))):
            served(plan, home, [file, later], environment, folder, database, beside, out)
        if plan.wants_group("flat") or plan.wants_group("memory"):
            grown(plan, home, later, folder, out)
    return out


def peers_file(home: Path, rows_made: int, files: list[Path], say: Say) -> Path:
    """The peers' file, made where it is not there."""
    peer = home / f"peer-{rows_made}" / "rows.db"
    if not peer.exists():
        say("making the peers' file")
        peer.parent.mkdir(exist_ok=True)
        rows.into_sqlite(peer, files)
    return peer


def served(
    plan: Plan,
    home: Path,
    files: list[Path],
    environment: dict[str, str],
    folder: Path,
    database: Callable[[], str],
    beside: list[int],
    out: Outcome,
) -> None:
    """What is asked of running servers at one size."""
    peer = peers_file(home, plan.rows, files, out.say)
    peer_url = f"sqlite:///{peer}"
    if plan.database == "postgresql" and plan.wants("S3", "S5"):
        out.say("making the peers' database")
        peer_url = database()
        rows.into_postgres(peer_url, files)
    field = Field(environment, peer, peer_url, folder, beside)
    try:
        at = serving(plan, field, out, out.say)
        for id, work in (
            ("two", lambda: limits.two_workers(plan, field, at, out)),
            ("S14", lambda: limits.during_import(plan, field, at, home, out)),
        ):
            if plan.wants(id):
                out.say(f"{id}, {'S3 by two workers' if id == 'two' else 'S3 while an import runs'}")
                try:
                    work()
                except (RuntimeError, OSError) as problem:
                    out.faults.append(f"{id}: {problem}")
    finally:
        field.stop()


def grown(plan: Plan, home: Path, later: Path, folder: Path, out: Outcome) -> None:
    """Flat, and memory at the larger size: the same questions to a small base and a large one."""
    few = plan.rows // 4 if plan.quick else generate.SOURCE_ROWS
    many = plan.rows if plan.quick or plan.rows > generate.SOURCE_ROWS else LARGE_ROWS
    if plan.database != "sqlite":
        out.skipped["flat"] = "Bases of ten million events are kept for SQLite only."
        return
    if many != plan.rows and not kept.ready(home, many):
        out.skipped["flat"] = f"No base of {many:,} events is kept in {home.name}: ROWS={many} SCENARIO=flat makes it."
        return
    if not plan.wants("memory", *(f"flat {id}" for id in limits.FLAT)):
        return
    try:
        bases = [kept.base(home, n, [generate.made(home, n), later], command, out.say) for n in (few, many)]
        peer = peers_file(home, few, [generate.made(home, few), later], out.say)
        fields = []
        for name, base in zip(("few", "many"), bases, strict=True):
            (folder / name).mkdir()
            fields.append(Field({"CHANCERY_DATA": str(base)}, peer, "", folder / name, []))
        try:
            knows = [knowledge(one.environment, peer, one.server("remembering")) for one in fields]
            limits.flat(plan, many, fields[0], fields[1], knows, out)
            limits.held(many, fields[1], out)
        finally:
            for one in fields:
                one.stop()
    except (RuntimeError, OSError) as problem:
        out.faults.append(f"flat: {problem}")


def serving(plan: Plan, field: Field, out: Outcome, say: Say) -> Known:
    """The scenarios that a running server answers."""
    at = knowledge(field.environment, field.peer, field.server("remembering"))
    for scenario in scenarios(at):
        if plan.wants(scenario.id):
            say(f"{scenario.id}, {scenario.words}")
            if scenario.id == "S4" and plan.rows < DEPTH and not plan.quick:
                out.skipped["S4"] = f"There are fewer than {DEPTH:,} events."
                continue
            try:
                measured(scenario, field, plan, out)
            except (RuntimeError, OSError, ModuleNotFoundError) as problem:
                out.faults.append(f"{scenario.id}: {problem}")
    if plan.wants("memory", "start"):
        limits.held(plan.rows, field, out)
    if plan.wants("X1", "X2"):
        try:
            exports(plan, field, out, say)
        except OSError as problem:
            out.faults.append(f"X1: {problem}")
    return at
