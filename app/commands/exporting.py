"""How everything is written into a folder: a file for each resource, all at one revision, and a manifest that proves them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app import __version__
from app.commands.common import Unusable
from app.errors import ChanceryError

Pairs = list[tuple[str, str]]
MANIFEST = "manifest.json"
RESOURCES = "/v1/resources"


@dataclass(frozen=True, slots=True)
class Asked:
    """How the knowledge base is asked: for an answer, and for bytes as they come."""

    content: Callable[[str, Pairs], dict[str, Any]]
    parts: Callable[[str, Pairs], Iterator[bytes]]


def write_all(folder: Path, asked: Asked, form: str, as_of: str | None, enrichment: bool) -> list[str]:
    """Write the folder; it gets its name when all of it is there. Says a line for each file.

    Raises Unusable for a folder that holds something, ChanceryError where it cannot be written or an answer broke off.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Unusable(f"{folder} is there already and not empty; name another folder.")
    view: Pairs = [("enrichment", "true")] if enrichment else []
    revision = asked.content("/v1/topics", [("limit", "1"), *([("as_of", as_of)] if as_of is not None else [])])[
        "revision"
    ]
    view = [("as_of", str(revision)), *view]
    part = folder.absolute().with_name(f".{folder.absolute().name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of an export that was killed
        part.mkdir(parents=True)
        files = [
            write_one(part, asked, name, form, [*everything(asked, name), *view])
            for name in (one["name"] for one in asked.content(RESOURCES, [])["items"])
        ]
        manifest = {
            "chancery": __version__,
            "revision": asked.content(f"/v1/revisions/{revision}", []) if revision else None,
            "enrichment": enrichment,
            "format": form,
            "files": files,
        }
        settled(part / MANIFEST, iter([orjson.dumps(manifest, option=orjson.OPT_INDENT_2), b"\n"]))
        part.replace(folder.absolute())
    except OSError as error:
        raise ChanceryError(f"{folder} cannot be written: {error.strerror}. Nothing of it is left.") from error
    finally:
        with suppress(OSError):
            shutil.rmtree(part, ignore_errors=True)
    return [f"{one['file']}: {one['records']:,} records, {one['bytes']:,} bytes" for one in files] + [
        f"{folder}: all of revision {revision}."
    ]


def everything(asked: Asked, name: str) -> Pairs:
    """The parameters without which a list leaves something out: events that did not happen are listed only when asked for."""
    if name != "events":
        return []
    try:
        terms = asked.content("/v1/vocabularies/event_status", [])["items"]
    except ChanceryError:
        return []  # no vocabulary yet, so no record
    return [("status", one["term"]) for one in terms]


def write_one(folder: Path, asked: Asked, name: str, form: str, pairs: Pairs) -> dict[str, Any]:
    """One resource's file; what the manifest says of it."""
    count = asked.content(f"/v1/{name}", [*pairs, ("limit", "1"), ("count", "exact")])["count"]["n"]
    file = folder / f"{name}.{form}"
    written, digest = settled(file, asked.parts(f"/v1/{name}", [*pairs, ("format", form)]))
    return {"resource": name, "file": file.name, "records": count, "bytes": written, "sha256": digest}


def settled(file: Path, parts: Iterator[bytes]) -> tuple[int, str]:
    """Write a file and see it to the disk; its length and its digest."""
    digest, length = hashlib.sha256(), 0
    with file.open("wb") as out:
        for one in parts:
            out.write(one)
            digest.update(one)
            length += len(one)
        out.flush()
        os.fsync(out.fileno())
    return length, digest.hexdigest()
