"""Which terms a record may use, what each means and how they rank: the controlled vocabularies, read from a folder.

A vocabulary is one file, `NAME.yaml`, that people edit:

    name: commitment_level
    title: Commitment levels
    definition: How strongly somebody binds themselves to an act.
    terms:
      - {id: observes, label: Observes, rank: 1, definition: "Follows what others do."}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from app.errors import ChanceryError

_VOCABULARY_KEYS = ("name", "title", "definition", "terms")
_TERM_KEYS = ("id", "label", "definition", "rank")


@dataclass(frozen=True, slots=True)
class Term:
    """One value of a vocabulary; `rank` orders those vocabularies that are a scale."""

    id: str
    label: str
    definition: str
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A closed list of terms, in the order of its file."""

    name: str
    title: str
    definition: str
    terms: tuple[Term, ...]

    def __contains__(self, term: object) -> bool:
        return any(known.id == term for known in self.terms)

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(term.id for term in self.terms)

    def rank(self, term: str) -> int | None:
        """Where a term stands on this scale; None if it is unknown or the vocabulary is no scale."""
        return next((known.rank for known in self.terms if known.id == term), None)


@dataclass(frozen=True, slots=True)
class Vocabularies(Mapping[str, Vocabulary]):
    """Every vocabulary by its name."""

    by_name: Mapping[str, Vocabulary] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Vocabulary:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)


def load(folder: Path) -> Vocabularies:
    """The vocabularies of a folder, one for each `*.yaml`; raises ChanceryError for a file that is not one."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ChanceryError(f"There is no vocabulary in {folder}. It should hold files such as commitment_level.yaml.")
    return Vocabularies({file.stem: read(file) for file in files})


def read(file: Path) -> Vocabulary:
    """The vocabulary of one file; raises ChanceryError that names the file and what to correct."""
    # The base loader leaves every scalar as it is written: a term called `no` or `on` stays a word.
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  (no objects, only text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ChanceryError(f"{file.name} cannot be read as YAML: {error}") from error
    _require(
        isinstance(raw, dict) and set(raw) == set(_VOCABULARY_KEYS), file, "has exactly the keys", _VOCABULARY_KEYS
    )
    _require(raw["name"] == file.stem, file, "is called like its file; `name` must be", (file.stem,))
    _require(
        isinstance(raw["terms"], list) and raw["terms"], file, "needs a list of at least one item under", ("terms",)
    )
    terms = tuple(_term(item, file) for item in raw["terms"])
    twice = sorted({term.id for term in terms if sum(other.id == term.id for other in terms) > 1})
    _require(not twice, file, "may hold each term once; twice stands", twice)
    return Vocabulary(name=raw["name"], title=raw["title"], definition=raw["definition"], terms=terms)


def _term(item: Any, file: Path) -> Term:
    _require(isinstance(item, dict) and set(item) <= set(_TERM_KEYS), file, "has terms whose keys are", _TERM_KEYS)
    _require(set(_TERM_KEYS[:3]) <= set(item), file, "has terms that each need", _TERM_KEYS[:3])
    rank = item.get("rank")
    _require(
        rank is None or rank.isdecimal(), file, f"has the term {item['id']} whose rank is no whole number:", (rank,)
    )
    return Term(item["id"], item["label"], item["definition"], None if rank is None else int(rank))


def _require(holds: object, file: Path, rule: str, what: tuple[str, ...] | list[str]) -> None:
    if not holds:
        raise ChanceryError(f"The vocabulary {file.name} is not well formed: it {rule} {', '.join(map(str, what))}.")
