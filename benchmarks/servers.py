"""Each contender as a process of its own: started, asked once, measured by what its processes take, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import family, memory_mb, proc_cpu_seconds

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# The application of this very checkout, wherever the environment's own command leads.
CHANCERY = (sys.executable, "-m", "app.cli")
# Straight to the address, whatever proxy this machine's environment names.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Server:
    """A contender that answers."""

    port: int
    process: subprocess.Popen[bytes]
    started_s: float
    beside: list[int] = field(default_factory=list)  # the database's processes, where it has some

    def cpu_s(self) -> float:
        """The CPU time that it and its database have taken so far."""
        return proc_cpu_seconds([pid for each in (self.process.pid, *self.beside) for pid in family(each)])

    def memory(self, line: str = "RssAnon") -> float:
        """Megabytes of its largest process: its own, or with `RssFile` the pages of files that it has mapped.

        SQLite maps its file once a connection. Those pages are the system's, which takes them back when it needs them.
        """
        return max(memory_mb(pid, line) for pid in family(self.process.pid))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str], bytes]:
        """One answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=dict(headers or {}))
        try:
            with DIRECT.open(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.headers, problem.read()

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(
    command: Sequence[str | Path],
    port: int,
    ready: str,
    log: Path,
    environment: Mapping[str, str],
    beside: Sequence[int] = (),
) -> Server:
    """A server, as soon as it answers `ready` with 200."""
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command)), cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    server = Server(port, process, 0.0, list(beside))
    while time.monotonic() - begun < 60 and process.poll() is None:
        try:
            if server.get(ready)[0] == 200:
                server.started_s = time.monotonic() - begun
                return server
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def chancery(
    environment: Mapping[str, str], log: Path, *, remembers: bool, beside: Sequence[int] = (), workers: int = 1
) -> Server:
    """Chancery with one worker or more. Where it `remembers` nothing, each answer is worked out anew."""
    port = free_port()
    own = {**environment, "CHANCERY_LOG_LEVEL": "warning", "CHANCERY_WORKERS": str(workers)}
    if not remembers:
        own["CHANCERY_ANSWERS_BYTES"] = "0"
    command = [*CHANCERY, "serve", "--host", "127.0.0.1", "--port", str(port)]
    return start(command, port, "/readyz", log, own, beside)


def uvicorn(app: str, log: Path, environment: Mapping[str, str], ready: str, beside: Sequence[int] = ()) -> Server:
    """A peer under the same uvicorn, with one worker."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    return start([*command, "--loop", "uvloop", "--http", "httptools"], port, ready, log, environment, beside)
