"""Which knowledge bases are kept between runs, since ten million events take long: made, migrated, or made anew."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from benchmarks import generate
from benchmarks.servers import CHANCERY

Command = Callable[[list[str | Path], Mapping[str, str]], object]
GIGABYTES_A_MILLION = 0.6
SPARE_GIGABYTES = 15


def generator() -> str:
    """Which rows are made: a digest of what makes them."""
    return sha256(Path(generate.__file__).read_bytes()).hexdigest()[:12]


def about(folder: Path) -> Mapping[str, object]:
    """What is known about a kept base; nothing where there is none."""
    file = folder / "about.json"
    return json.loads(file.read_text()) if file.is_file() and (folder / "chancery.db").is_file() else {}


def place(kept: Path, rows: int) -> Path:
    """Where the base of so many events is kept."""
    return kept / f"kb-{rows}"


def ready(kept: Path, rows: int) -> bool:
    """Whether a base of so many of these events is there, of whatever schema."""
    told = about(place(kept, rows))
    return told.get("rows") == rows and told.get("generator") == generator()


def base(kept: Path, rows: int, files: list[Path], command: Command, say: Callable[[str], None]) -> Path:
    """The folder of a base with these files imported, at today's schema.

    One of an earlier schema is migrated. It is made anew where its rows were made in another way, or where migrating does not give
    the schema that an empty base has: a migration changed before it was released.
    """
    folder = place(kept, rows)
    if ready(kept, rows):
        environment = {"CHANCERY_DATA": str(folder)}
        command([*CHANCERY, "migrate"], environment)
        command([*CHANCERY, "seed"], environment)
        if schema(folder / "chancery.db") == fresh_schema(kept, command):
            return folder
        say(f"the kept base of {rows:,} events has another schema, it is made anew")
    room(kept, rows)
    made = kept / f"kb-{rows}.part"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    environment = {"CHANCERY_DATA": str(made)}
    say(f"making a base of {rows:,} events, to be kept in {folder.name}")
    command([*CHANCERY, "migrate"], environment)
    command([*CHANCERY, "seed"], environment)
    for file in files:
        command([*CHANCERY, "import", file, "--dataset", "tkg"], environment)
    (made / "about.json").write_text(json.dumps({"rows": rows, "generator": generator()}))
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return folder


def room(kept: Path, rows: int) -> None:
    """Raises RuntimeError where the disk would be too full afterwards."""
    free = shutil.disk_usage(kept).free / 1e9
    needed = GIGABYTES_A_MILLION * rows / 1e6
    if rows > generate.SOURCE_ROWS and free - needed < SPARE_GIGABYTES:
        raise RuntimeError(
            f"A base of {rows:,} events takes {needed:.0f} GB, and {free:.0f} GB are free. Name another place with --folder."
        )


def schema(path: Path) -> set[str]:
    """Every statement of a schema, whatever its layout."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as rows:
        return {" ".join(sql.split()) for (sql,) in rows.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}


def fresh_schema(kept: Path, command: Command) -> set[str]:
    """The schema of an empty base."""
    empty = kept / "kb-empty"
    shutil.rmtree(empty, ignore_errors=True)
    empty.mkdir()
    try:
        command([*CHANCERY, "migrate"], {"CHANCERY_DATA": str(empty)})
        return schema(empty / "chancery.db")
    finally:
        shutil.rmtree(empty, ignore_errors=True)
