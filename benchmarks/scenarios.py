"""What is asked of whom, and which ratio must be reached: the table of `docs/benchmarks.md` as data.

A scenario's paths are many of a kind, asked in turn: busy actors, one after another. What a peer gets is the same question in its
own words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

BUSY, PAGED = 20, 200  # actors whose counts are asked for, and whose pages are
YEARS = "happened_from=2008-03-15&happened_before=2013-03-15"
WHOLE_YEARS = "happened_from=2008-01-01&happened_before=2013-01-01"


@dataclass(frozen=True, slots=True)
class Rival:
    """A contender to be beaten: who, with which requests, and the ratio of requests a second that must and should be reached."""

    who: str  # bare, naive, datasette, duckdb, sqlite3 or chancery itself
    paths: Sequence[str]
    must: float
    aim: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A question to a running server, and its rivals."""

    id: str
    words: str
    paths: Sequence[str]
    rivals: Sequence[Rival]
    headers: Mapping[str, str] = field(default_factory=dict)
    remembers: bool = False  # whether answers may come from memory: only where a repeated read is what is measured
    connections: int | None = None  # where another number than the run's makes sense


@dataclass(frozen=True, slots=True)
class Busy:
    """An actor, by its numbers there and its id here."""

    id: str
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the paths are made of."""

    actors: Sequence[Busy]  # busiest first
    pairs: Sequence[tuple[Busy, Busy]]
    events: Sequence[tuple[str, int]]  # ids here and there
    before: int  # the revision that `as_of` asks for
    deep: str  # a cursor in the list of all events
    etag: str
    words: Sequence[str] = ()  # a rare word, two words, the commonest word, and so on


def known(peer: Path, ids: Mapping[str, str], events: Sequence[str], *, before: int, deep: str, etag: str) -> Known:
    """What the paths are made of, from the peers' file and the ids of actors here by name."""
    with sqlite3.connect(peer) as rows:
        busiest = rows.execute(
            "SELECT a.id, a.name FROM participation p JOIN actor a ON a.id = p.actor_id GROUP BY 1 ORDER BY count(*) DESC, 1 "
            f"LIMIT {PAGED}"
        ).fetchall()
        actors = [Busy(ids[name], number, name) for number, name in busiest]
        by_number = {one.number: one for one in actors}
        met = rows.execute(
            "SELECT actor_id, other_id FROM participation WHERE actor_id < other_id GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 400"
        ).fetchall()
        rows.execute("CREATE VIRTUAL TABLE temp.term USING fts5vocab(main, event_fts, row)")
        plain = "length(term) > 4 AND term NOT GLOB '*[^a-z]*'"
        rare = [
            one for (one,) in rows.execute(f"SELECT term FROM term WHERE doc BETWEEN 3 AND 20 AND {plain} LIMIT 20")
        ]
        if not rare:
            # Among ten million events no word is as rare: the rarest.
            told = rows.execute(f"SELECT term FROM term WHERE doc >= 3 AND {plain} ORDER BY doc, term LIMIT 20")
            rare = [one for (one,) in told]
        common = [one for (one,) in rows.execute("SELECT term FROM term ORDER BY doc DESC, term LIMIT 1")]
        numbers = [n for (n,) in rows.execute("SELECT id FROM event WHERE id % 997 = 1 LIMIT 500")]
    pairs = [(by_number[one], by_number[other]) for one, other in met if one in by_number and other in by_number]
    two = [f"{first_word(one)} {first_word(other)}" for one, other in pairs[: len(rare)]]
    words = [word for some in zip(rare, two, common * len(rare), strict=False) for word in some]
    return Known(actors, pairs[:100], list(zip(events, numbers, strict=False)), before, deep, etag, words)


def first_word(actor: Busy) -> str:
    """A word of an actor's name that every search reads alike."""
    return next((word for word in actor.name.replace("(", "").split() if word.isascii() and word.isalpha()), "Japan")


def events_of(actor: Busy, more: str = "") -> str:
    """The page of an actor's events by day, here."""
    return f"/v1/events?participant={quote(actor.id)}&sort=happened&limit=50{more}"


def scenarios(at: Known) -> list[Scenario]:
    """All scenarios that a running server answers."""
    busy, paged = at.actors[:BUSY], at.actors
    pages = [events_of(one) for one in paged]
    months = [f"/v1/events/counts?by=month&participant={quote(one.id)}" for one in busy]
    codes = [f"/v1/events?participant={quote(one.id)}&facet=code&limit=1&{YEARS}" for one in busy]
    networks = [f"/v1/network?actor={quote(one.id)}&depth=2&limit=50" for one in busy]
    past = f"&as_of={at.before}"
    facet = "/rows/participation.json?actor_id={}&day__gte={}&day__lt={}&_facet=label&_size=1&_nocount=1"
    everything = "/v1/events?sort=happened&limit=50"
    return [
        Scenario(
            "S1",
            "repeated read of a list of 50 events",
            pages[:1],
            [Rival("bare", ["/"], 0.75, 0.95)],
            remembers=True,
        ),
        Scenario(
            "S2",
            "the same with If-None-Match: 304",
            pages[:1],
            [Rival("bare", ["/"], 1.2, 1.6)],
            headers={"If-None-Match": at.etag},
            remembers=True,
        ),
        Scenario(
            "S3",
            "uncached page of 50 events of an actor",
            pages,
            [
                Rival("naive", [f"/events?participant={one.number}&limit=50" for one in paged], 8, 12),
                Rival("datasette", [f"/rows/page.json?actor={one.number}&_shape=objects" for one in paged], 6, 10),
            ],
        ),
        Scenario(
            "S4",
            "a page of all events at depth 400,000",
            [f"{everything}&cursor={at.deep}"],
            [Rival("chancery", [everything], 0.8, 1)],
        ),
        Scenario(
            "S5",
            "one event by id with its participants",
            [f"/v1/events/{id}?include=participants" for id, _ in at.events],
            [Rival("naive", [f"/events/{number}" for _, number in at.events], 4, 8)],
        ),
        Scenario(
            "S6",
            "last event between two actors before a day; first of an actor's code",
            [
                path
                for one, other in at.pairs
                for path in (
                    f"/v1/events?participant={quote(one.id)}&participant={quote(other.id)}&happened_before=2012-01-01&pick=last",
                    f"/v1/events?participant={quote(one.id)}&code=Consult&pick=first",
                )
            ],
            [
                Rival(
                    "datasette",
                    [
                        path
                        for one, other in at.pairs
                        for path in (
                            f"/rows/last_between.json?actor={one.number}&other={other.number}&before=2012-01-01&_shape=objects",
                            f"/rows/first_of_code.json?actor={one.number}&label=Consult&_shape=objects",
                        )
                    ],
                    3,
                    4,
                )
            ],
        ),
        Scenario(
            "S7",
            "counts by month of a busy actor",
            months,
            [Rival("datasette", [f"/rows/months.json?actor={one.number}&_shape=objects" for one in busy], 20, 40)],
        ),
        Scenario(
            "S8",
            "codes of a busy actor within five years, from one day to another",
            codes,
            [Rival("datasette", [facet.format(one.number, "2008-03-15", "2013-03-15") for one in busy], 15, 25)],
        ),
        Scenario(
            "S8y",
            "the same within five calendar years",
            [path.replace(YEARS, WHOLE_YEARS) for path in codes],
            [Rival("datasette", [facet.format(one.number, "2008-01-01", "2013-01-01") for one in busy], 15, 25)],
        ),
        Scenario(
            "S9",
            "top twenty counterparts of a busy actor",
            [f"/v1/events/counts?by=participant&participant={quote(one.id)}&limit=20" for one in busy],
            [Rival("datasette", [f"/rows/counterparts.json?actor={one.number}&_shape=objects" for one in busy], 4, 6)],
        ),
        Scenario(
            "S10",
            "search: a rare word, two words, the commonest word in turn; twenty hits with snippets",
            [f"/v1/search?q={quote(one)}&limit=20" for one in at.words],
            [Rival("datasette", [f"/rows/search.json?q={quote(one)}&_shape=objects" for one in at.words], 15, 25)],
        ),
        Scenario(
            "S11",
            "counts by month over everything",
            ["/v1/events/counts?by=month"],
            [
                Rival(
                    "duckdb",
                    ["SELECT date_trunc('month', day) AS m, count(*) FROM event GROUP BY m ORDER BY m"],
                    1 / 3,
                    1,
                )
            ],
            connections=1,
        ),
        Scenario(
            "S12",
            "network of depth 2 around a busy actor, top 50 edges a node",
            networks,
            [Rival("sqlite3", networks, 0.5, 0.8)],
            connections=1,
        ),
        Scenario(
            "S13a",
            "S3 as of an earlier revision",
            [path + past for path in pages],
            [Rival("chancery", pages, 0.5, 0.9)],
        ),
        Scenario(
            "S13b",
            "S7 as of an earlier revision",
            [path + past for path in months],
            [Rival("chancery", months, 0.5, 0.9)],
        ),
        Scenario(
            "S13c",
            "S8 as of an earlier revision",
            [path + past for path in codes],
            [Rival("chancery", codes, 0.5, 0.9)],
        ),
    ]
