"""Which country a dataset means, as an ISO 3166-1 alpha-2 code, by tables that stand in `tables/`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType

from app.names import fold

# What is longer is no name, and must not fill the memory of answers.
_LONGEST_NAME = 300
# A body of a state, as ACLED and UCDP write it: "Police Forces of Mali (2020-)", "Government of Mali".
_BODIES = ("Government of ", "Military Forces of ", "Police Forces of ")


@dataclass(frozen=True, slots=True)
class Countries:
    """The tables, each from a dataset's code or folded name to the alpha-2 code."""

    alpha2: Mapping[str, str]
    alpha3: Mapping[str, str]
    numeric: Mapping[str, str]
    fips: Mapping[str, str]
    gleditsch_ward: Mapping[str, str]
    name: Mapping[str, str]


@cache
def countries() -> Countries:
    """The tables, read once."""
    rows = list(_table("countries.csv"))
    extra = list(_table("codes.csv"))
    spellings = list(_table("spellings.csv"))

    def of(column: str, scheme: str | None = None) -> Mapping[str, str]:
        codes = {row[column]: row["alpha2"] for row in rows if row[column]} if column else {}
        return MappingProxyType(codes | {row["code"]: row["alpha2"] for row in extra if row["scheme"] == scheme})

    names = {fold(row[column]): row["alpha2"] for row in rows for column in ("name", "short_name", "official_name")}
    names |= {fold(row["name"]): row["alpha2"] for row in spellings}
    names.pop("", None)
    return Countries(
        alpha2=of("alpha2"),
        alpha3=of("alpha3", "alpha3"),
        numeric=of("numeric"),
        fips=of("fips", "fips"),
        gleditsch_ward=of("", "gw"),
        name=MappingProxyType(names),
    )


def _table(name: str) -> Iterator[dict[str, str]]:
    # No word stands for "missing" here: Namibia's code is NA.
    text = files("app.importers").joinpath("tables", name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


def named(name: str | None) -> str | None:
    """The country of this name."""
    return None if name is None or len(name) > _LONGEST_NAME else _named(name)


def coded(code: str | None) -> str | None:
    """The country of this alpha-3 code, or of this name where it is none."""
    return None if code is None else countries().alpha3.get(code) or named(code)


def behind(actor: str | None) -> str | None:
    """The country that an actor's name gives away: it is one, is one's body, or carries one in brackets at its end."""
    return None if actor is None or len(actor) > _LONGEST_NAME else _behind(actor)


@lru_cache(maxsize=20_000)
def _named(name: str) -> str | None:
    return countries().name.get(fold(name))


@lru_cache(maxsize=20_000)
def _behind(actor: str) -> str | None:
    if (country := _named(actor)) is not None:
        return country
    head, bracket, tail = actor.removesuffix(")").rpartition(" (")
    bracketed = bool(bracket) and actor.endswith(")")
    for body in _BODIES:
        if actor.startswith(body):
            plain = head if bracketed and tail[:1].isdigit() else actor
            return named(plain.removeprefix(body))
    return named(_bracketed(actor)) if bracketed else None


def _bracketed(actor: str) -> str:
    """What stands in the last pair of brackets, which may hold brackets itself: "Army (Congo (Kinshasa))"."""
    depth = 0
    for at in range(len(actor) - 1, -1, -1):
        depth += (actor[at] == ")") - (actor[at] == "(")
        if depth == 0:
            return actor[at + 1 : -1]
    return ""
