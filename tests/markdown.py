"""Which examples a Markdown page shows: requests with their answers, files, and commands with what they print.

```sh                      curl -s 'http://127.0.0.1:8000/v1/…' | jq .items      a request; the next block is its answer
```text file=NAME          a file that the commands use; blocks of the same name are one file, in order
```console                 `$ command` lines, each followed by what it prints; `…` stands for anything,
                           on a line of its own for any lines
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```(?P<language>\w*)(?: file=(?P<file>[\w.-]+))?\n(?P<body>.*?)^```$", re.M | re.S)
REQUEST = re.compile(r"^curl -s 'http://127\.0\.0\.1:8000(?P<path>/[^']*)'(?: \| jq (?P<picked>'[^']+'|\S+))?$", re.M)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what it is in, what it says, and the file that it is, where it is one."""

    language: str
    body: str
    file: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """A request, which part of its answer is shown, and that part as the page has it."""

    path: str
    picked: str
    answer: str


@dataclass(frozen=True, slots=True)
class Command:
    """A line that somebody types, and what is printed then."""

    line: str
    output: str


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(one["language"], one["body"], one["file"]) for one in found]


def requests(page: Path) -> Iterator[Request]:
    """The requests of a page whose answer is shown: a block with nothing but one, and the JSON block after it."""
    for block, after in pairwise(blocks(page)):
        asked = REQUEST.fullmatch(block.body.strip())
        if asked and after.language == "json":
            yield Request(asked["path"], (asked["picked"] or ".").strip("'"), after.body)


def commands(page: Path) -> Iterator[Command]:
    """The commands of a page with what they print."""
    for block in blocks(page):
        if block.language == "console":
            for line, output in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block.body, re.M):
                yield Command(line, output)


def pick(answer: Any, picked: str) -> Any:
    """What `jq` would pick: `.`, `.a.b`, `.a[0]` or `{a, b}`."""
    if picked.startswith("{"):
        names = [name.strip() for name in picked.strip("{}").split(",")]
        return {name: answer[name] for name in names}
    for name, place in re.findall(r"\.(\w+)|\[(\d+)\]", picked):
        answer = answer[name] if name else answer[int(place)]
    return answer


def fits(printed: str, shown: str) -> bool:
    """Whether what was printed is what the page shows, `…` standing for anything within its line, or alone for any lines."""
    lines = ["(?:.*\n)*" if line == "…\n" else line for line in shown.splitlines(keepends=True)]
    wanted = [line if line.startswith("(?:") else ".*".join(map(re.escape, line.split("…"))) for line in lines]
    return re.fullmatch("".join(wanted), printed) is not None
