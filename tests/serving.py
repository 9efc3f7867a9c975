"""A server of ours as a process of its own, for the tests of what only a process has: a start, a page, an end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

START_S = 60

# Straight to the address, whatever proxy this machine's environment names.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs, or has run.

    What it prints goes to a file: a pipe that nobody reads would stop it when full.
    """

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.process.poll() is not None

    def finish(self, within_s: float = 120) -> int:
        """Its exit status, as soon as it has ended by itself."""
        return self.process.wait(within_s)

    def terminate(self, within_s: float = 30) -> int:
        """Its exit status after the signal that a container engine stops it with."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


@contextmanager
def started(
    command: Sequence[str | Path], *, folder: Path, settings: Mapping[str, str], path: Path | None = None
) -> Iterator[Program]:
    """A program that sees no setting but those given, ended with the block; `path` comes first in its PATH."""
    search = os.defpath if path is None else f"{path}:{os.defpath}"
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PATH": search, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **settings},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Program(process, log)
        finally:
            process.kill()
            process.wait()


def answer(server: Program, port: int, path: str) -> dict[str, Any]:
    """What the server answers, as soon as it does; fails with what it printed when it ended instead."""
    until = time.monotonic() + START_S
    while True:
        try:
            with DIRECT.open(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
                return dict(json.load(response))
        except (urllib.error.URLError, ConnectionError):
            if server.ended:
                pytest.fail(f"The server ended with {server.process.returncode}:\n{server.output}")
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
