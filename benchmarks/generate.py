"""How a real set of coded events becomes one of any size: replayed with other days and other actors, always the same way.

The source is ICEWS05-15 as a temporal knowledge graph. Replay 0 is the source itself. In each further replay every day is moved
on within the eleven years (what falls out at the end comes in at the start), and each actor takes the name of one about as busy,
so that busy actors stay busy and days stay as full as they were.
"""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path("tkg") / "icews05-15" / "facts.tsv.gz"
SOURCE_ROWS = 461_329
HEADER = b"subject\trelation\tobject\tdate\tsplit\n"
FIRST, DAYS = date(2005, 1, 1), 4017  # to 2015-12-31
# Coprime to the number of days: no two replays are moved alike.
STEP_DAYS = 1259
# Actors of neighbouring rank that change names among each other.
BLOCK_ACTORS = 16


def source() -> Path:
    """The real set. Raises FileNotFoundError, which says where it was looked for."""
    folder = Path(os.environ.get("CHANCERY_TEST_DATA", ROOT.parent / "shared" / "data"))
    found = folder / SOURCE
    if not found.is_file():
        raise FileNotFoundError(
            f"There is no {SOURCE} in the folder that CHANCERY_TEST_DATA names, nor in ../shared/data."
        )
    return found


def facts(path: Path) -> Iterator[list[bytes]]:
    """Subject, relation, object, date and split of each row."""
    with gzip.open(path) as file:
        next(file)
        for line in file:
            yield line.rstrip(b"\r\n").split(b"\t")


def ranked(path: Path) -> list[bytes]:
    """The actors, busiest first."""
    seen: Counter[bytes] = Counter()
    for subject, _, object, *_ in facts(path):
        seen[subject] += 1
        seen[object] += 1
    return sorted(seen, key=lambda name: (-seen[name], name))


def renamed(actors: list[bytes], replay: int) -> dict[bytes, bytes]:
    """The name that each actor has in a replay."""
    if replay == 0:
        return {name: name for name in actors}
    names: dict[bytes, bytes] = {}
    for at in range(0, len(actors), BLOCK_ACTORS):
        block = actors[at : at + BLOCK_ACTORS]
        names.update(
            zip(block, sorted(block, key=lambda name: blake2b(b"%d\t%b" % (replay, name)).digest()), strict=True)
        )
    return names


def moved(replay: int) -> dict[bytes, bytes]:
    """The day that each day becomes in a replay."""
    days = [(FIRST + timedelta(n)).isoformat().encode() for n in range(DAYS)]
    return {day: days[(n + replay * STEP_DAYS) % DAYS] for n, day in enumerate(days)}


def rows(path: Path, count: int, *, first: int = 0) -> Iterator[bytes]:
    """The lines of a set of `count` events, without the header, beginning with the replay `first`."""
    actors, left, replay = ranked(path), count, first
    while left > 0:
        names, days = renamed(actors, replay), moved(replay)
        for subject, relation, object, day, split in facts(path):
            yield b"\t".join((names[subject], relation, names[object], days[day], split)) + b"\n"
            left -= 1
            if left == 0:
                return
        replay += 1


def write(path: Path, lines: Iterator[bytes]) -> None:
    """A file of these lines in the layout of the source; the same lines make the same bytes."""
    made = path.with_name(path.name + ".part")
    with made.open("wb") as raw, packed(raw) as file:
        file.write(HEADER)
        file.writelines(lines)
    made.replace(path)


def packed(raw: BinaryIO) -> gzip.GzipFile:
    """A gzip stream without name and time."""
    return gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=raw, mtime=0)


def later(path: Path, count: int) -> Iterator[bytes]:
    """Facts that `rows` does not hold, of the same actors: what a later import brings."""
    for n, (subject, relation, object, day, split) in enumerate(facts(path)):
        if n == count:
            return
        new = (date.fromisoformat(day.decode()) + timedelta(DAYS)).isoformat().encode()
        yield b"\t".join((subject, relation, object, new, split)) + b"\n"


def made(folder: Path, count: int, *, first: int = 0) -> Path:
    """The file of a set of `count` events, made where it is not there yet; the source itself for its own number."""
    if count == SOURCE_ROWS and not first:
        return source()
    path = folder / (f"facts-{count}-from-{first}.tsv.gz" if first else f"facts-{count}.tsv.gz")
    if not path.exists():
        write(path, rows(source(), count, first=first))
    return path
