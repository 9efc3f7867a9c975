"""How many requests a second a server answers, and how long they take: wrk where it is installed, else a small client.

The paths are asked for in turn, on connections that stay open. What is no 200 (or 304, where that is wanted) is counted as wrong.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LUA = """
local paths, at = {%s}, 0
local headers = {%s}
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at], headers)
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests": %%d, "microseconds": %%d, "p50": %%d, "p99": %%d, "wrong": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a few seconds of load."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    wrong: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def tool() -> str:
    """What the load comes from."""
    return "wrk" if shutil.which("wrk") else "own client"


def put(port: int, paths: Sequence[str], headers: Mapping[str, str], *, connections: int, seconds: float) -> Load:
    """Load on a server for some seconds."""
    if tool() == "wrk":
        return by_wrk(port, paths, headers, connections, seconds)
    return asyncio.run(by_client(port, paths, headers, connections, seconds))


def by_wrk(port: int, paths: Sequence[str], headers: Mapping[str, str], connections: int, seconds: float) -> Load:
    """Load from wrk, with one thread: the machine has few cores, and the server wants one."""
    quoted = ", ".join(map(json.dumps, paths))
    named = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items())
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA % (quoted, named))
        script.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "20s",
            "-s",
            script.name,
        ]
        told = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    result = json.loads(told.rpartition("RESULT ")[2])
    return Load(
        result["requests"], result["microseconds"] / 1e6, result["p50"] / 1e3, result["p99"] / 1e3, result["wrong"]
    )


async def by_client(
    port: int, paths: Sequence[str], headers: Mapping[str, str], connections: int, seconds: float
) -> Load:
    """Load from this process: slower than wrk, so it hides differences between fast servers."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    asked = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}\r\n".encode() for path in paths]
    taken: list[float] = []
    wrong, at, until = 0, 0, time.monotonic() + seconds

    async def one() -> None:
        nonlocal wrong, at
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < until:
            begun, at = time.monotonic(), at + 1
            writer.write(asked[at % len(asked)])
            head = await reader.readuntil(b"\r\n\r\n")
            status, length = int(head[9:12]), 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if length and status != 304:
                await reader.readexactly(length)
            wrong += status not in (200, 304)
            taken.append((time.monotonic() - begun) * 1000)
        writer.close()

    begun = time.monotonic()
    await asyncio.gather(*[one() for _ in range(connections)])
    cuts = statistics.quantiles(taken, n=100) if len(taken) > 1 else [*taken * 99]
    return Load(len(taken), time.monotonic() - begun, statistics.median(taken), cuts[98], wrong)


def proc_cpu_seconds(pids: Sequence[int]) -> float:
    """The CPU time that processes and their children have taken."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100  # USER_HZ is 100 on every Linux


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                left += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def memory_mb(pid: int, line: str) -> float:
    """A line of what the system says about the memory of a process."""
    for each in Path(f"/proc/{pid}/status").read_text().splitlines():
        if each.startswith(line + ":"):
            return int(each.split()[1]) / 1024
    return 0.0
