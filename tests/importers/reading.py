"""How a test reads a file with an importer: our own rows beside this file, or the real ones outside the project."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.importers.base import Notes, Refused
from app.importers.opening import open_file

HERE = Path(__file__).parent
DATA = Path(os.environ.get("CHANCERY_TEST_DATA") or HERE.parents[2] / "shared" / "data")


@dataclass(frozen=True)
class Reading:
    """What came of a file: meanings, refusals and notes."""

    coded: list[Any]
    refused: list[Refused]
    notes: dict[str, int]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """Line and reason of each refusal, in the file's order."""
        return [(each.line, each.reason) for each in self.refused]

    def __getitem__(self, native: str) -> Any:
        """The one meaning with this key."""
        (found,) = [each for each in self.coded if each.native == native]
        return found


def read_bytes(module: ModuleType, content: bytes, **companions: Any) -> Reading:
    """Everything that `content` means to an importer."""
    return _read(module, io.BytesIO(content), **companions)


def read_path(module: ModuleType, path: Path, **companions: Any) -> Reading:
    """Everything that a file, packed or not, means to an importer."""
    with open_file(path) as file:
        return _read(module, file, **companions)


def own(name: str) -> bytes:
    """Our own rows in the real layout."""
    return (HERE / name).read_bytes()


def real(path: str) -> Path:
    """A real file, or the skipping of the test."""
    found = DATA / path
    if not found.exists():
        pytest.skip(f"{path} is not in {DATA}; name the folder with CHANCERY_TEST_DATA")
    return found


def cells(path: Path, delimiter: str, quoting: int = csv.QUOTE_NONE) -> list[list[str]]:
    """The rows of a real file as Python's own reader sees them."""
    with open_file(path) as file:
        return list(csv.reader(io.StringIO(file.read().decode(), newline=""), delimiter=delimiter, quoting=quoting))


def count(values: list[Any]) -> dict[Any, int]:
    """How often each value occurs."""
    return dict(Counter(values))


def _read(module: ModuleType, file: Any, **companions: Any) -> Reading:
    notes = Notes()
    coded: list[Any] = []
    refused: list[Refused] = []
    for row in module.read(file, notes, **companions):
        meaning = row if isinstance(row, Refused) else module.translate(row)
        if isinstance(meaning, Refused):
            refused.append(meaning)
        else:
            coded.append(meaning)
    return Reading(coded, refused, dict(notes))
