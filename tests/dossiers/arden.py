"""An invented source and its dossier, and ways to spoil them, for the tests of app/dossiers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app import vocabularies
from app.dossiers.check import Checked, check
from app.dossiers.document import Number, plain, read
from app.dossiers.pin import pin
from app.errors import Fault

HERE = Path(__file__).parent
VOCABULARIES = vocabularies.load(HERE.parent.parent / "seed" / "vocabularies")
TEXT = (HERE / "arden-bridge.txt").read_text(encoding="utf-8")
WORKING = (HERE / "arden-bridge.yaml").read_bytes()
PINNED = pin(WORKING, TEXT)


def changed(old: str, new: str, *, data: bytes = PINNED) -> bytes:
    """The dossier with one passage of its file replaced; fails if that passage is not there exactly once."""
    text = data.decode()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new).encode()


def checked(data: bytes = PINNED, **options: Any) -> Checked:
    return check(data, vocabularies=VOCABULARIES, **options)


def faults_of(data: bytes, **options: Any) -> tuple[Fault, ...]:
    result = checked(data, **options)
    assert (result.dossier is None) == bool(result.faults)
    return result.faults


def the_fault(data: bytes, **options: Any) -> Fault:
    """The one fault of a file; fails if there are others."""
    (only,) = faults_of(data, **options)
    return only


def place_of(word: str, data: bytes, *, nth: int = 1) -> tuple[int, int]:
    """Line and column, from one, at which a word stands in a file."""
    text, at = data.decode(), -1
    for _ in range(nth):
        at = text.index(word, at + 1)
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def values(data: bytes) -> Any:
    """What a file says, as a program would load it."""
    return _bare(plain(read(data).root))


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bare(inner) for inner in value]
    return value.value if isinstance(value, Number) else value
