"""How a resource is declared: its fields, filters, sorts, facets and links, as typed lines that every other part reads.

    Resource
    ├── fields    what a record says: name, meaning, JSON shape, where its value is kept, what its ids link to
    ├── filters   what can be asked: `Is`, `Holds`, `Bound`, `Period`, `On`, `Present`, `By`
    ├── sorts     in which orders it lists, the first being the default
    └── facets    what can be counted by value

From these lines pure functions derive query parameters and OpenAPI (`params`, `describe`), SQL (`sql`), the columns of
CSV and Parquet (`app.formats`) and the data dictionary. Nothing here names a noun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from orjson import Fragment
from sqlalchemy import Column, ColumnElement, Connection, Table

Record = Mapping[str, Any]


# ── What a value in a query looks like ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Word:
    """Free text of at most `most` characters; with `form`, a regular expression, only text that is like `like`."""

    most: int = 500
    form: str | None = None
    like: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a controlled vocabulary."""

    vocabulary: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few fixed words."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """The id of a record of `to` (`*`: of any resource), or where a resolver is known for it, a name."""

    to: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day; a year or a month means its first day."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within limits."""

    least: int = 0
    most: int = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number within limits."""

    least: float = -1e9
    most: float = 1e9


@dataclass(frozen=True, slots=True)
class YesNo:
    """`true` or `false`."""


Kind = Word | Term | Choice | Ref | Day | Whole | Number | YesNo


# ── What can be asked ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class View:
    """Which versions a reader sees: those standing at `revision`, with or without enrichment."""

    revision: int
    enrichment: bool
    stamp: str = ""  # tells the revision from another one of its number, after a backup was put back

    @property
    def faces(self) -> tuple[int, int]:
        """The faces this reader sees, see `app.models.base`."""
        return (0, 2) if self.enrichment else (0, 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a `By` filter gets to build its condition from: its values, every other value asked, and a connection."""

    values: tuple[Any, ...]
    others: Mapping[str, tuple[Any, ...]]
    view: View
    connection: Connection
    negated: bool = False  # the condition is turned round afterwards
    itself: bool = False  # each value exactly, and nothing that it would reach besides
    forms: tuple[Any, ...] = ()  # what of each value decides the form of the condition, see `By.form`


@dataclass(frozen=True, slots=True)
class Is:
    """A column equals one of the values; `see_also` names the filter that may find what this one does not."""

    name: str
    words: str
    column: Column[Any]
    kind: Kind
    example: str
    see_also: str | None = None


@dataclass(frozen=True, slots=True)
class Holds:
    """A child table holds one of the values; with `every`, each of them."""

    name: str
    words: str
    table: Table
    column: Column[Any]
    kind: Kind
    example: str
    every: bool = False
    where: ColumnElement[bool] | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A column is at least (`from`) or less than (`before`) the value; `rank` turns a term into its rank first."""

    name: str
    words: str
    column: Column[Any]
    op: Literal["from", "before"]
    kind: Kind
    example: str


@dataclass(frozen=True, slots=True)
class Period:
    """A date lies within `NAME_from` (inclusive) and `NAME_before` (exclusive), possibly or certainly."""

    name: str
    words: str
    first: Column[Any]
    last: Column[Any]
    example: str


@dataclass(frozen=True, slots=True)
class On:
    """A day lies between two columns, a missing one being open."""

    name: str
    words: str
    first: Column[Any]
    last: Column[Any]
    example: str
    kind: Kind = Day()


@dataclass(frozen=True, slots=True)
class Present:
    """A column has a value, or with `false`, has none."""

    name: str
    words: str
    column: Column[Any]
    example: str = "true"
    kind: Kind = YesNo()


@dataclass(frozen=True, slots=True)
class By:
    """The odd case: a condition that a plain function builds.

    Where it says which `form` a value has, values of the same forms give conditions that differ in these values alone. Then the
    condition is built once, with a place for each value, and must not look into them.

    `unheard` is asked where nothing is found: which of the values name what nothing here could have, each with what to tell.
    """

    name: str
    words: str
    kind: Kind
    condition: Callable[[Asked], ColumnElement[bool]]
    example: str
    every: bool = False
    form: Callable[[Any], Any] | None = None
    unheard: Callable[[Connection, View, Sequence[str]], Mapping[str, str]] | None = None


Filter = Is | Holds | Bound | Period | On | Present | By


# ── What a record says ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Keep:
    """A column that holds something of the record so that it can be asked for."""

    column: Column[Any]
    take: Callable[[Record], Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """A child table that holds something of the record, a row an item."""

    table: Table
    take: Callable[[Record], Iterable[Mapping[str, Any]]]


Weight = Literal["name", "gloss", "quote", "text", "linked"]


@dataclass(frozen=True, slots=True)
class Sought:
    """Texts of a record that a search looks in: the field in which they stand, how they weigh, and how they are taken."""

    field: str
    weight: Weight
    take: Callable[[Record], Iterable[str | None]]


@dataclass(frozen=True, slots=True)
class Link:
    """Where the ids stand that a field holds: the resource they belong to, and the key within each item, if any."""

    to: str
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a record says."""

    name: str
    words: str
    shape: Mapping[str, Any]
    keep: tuple[Keep, ...] = ()
    rows: tuple[Rows, ...] = ()
    links: tuple[Link, ...] = ()
    late: bool = False  # computed when read, from other records of the same revision


@dataclass(frozen=True, slots=True)
class Sort:
    """An order in which a resource lists."""

    name: str
    words: str
    column: Column[Any]


@dataclass(frozen=True, slots=True)
class Facet:
    """Something to count by value: a column of the resource's table or of a child's; the filter of its name lists a value.

    `beside` narrows the rows of a child that count, where another filter asks for the same row of it. `exactly` says that the plain
    filter would list more than the value: its link asks for that value alone.
    """

    name: str
    column: Column[Any]
    beside: Callable[[Mapping[str, tuple[Any, ...]]], ColumnElement[bool]] | None = None
    exactly: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Which values of a filter a list leaves out as long as nobody asks for them, and why."""

    filter: str
    column: Column[Any]
    values: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """What an id or a name in a query stands for: the ids to look for, and how they were found where that is not plain."""

    ids: tuple[str, ...]
    said: str = ""
    near: tuple[str, ...] = ()  # what might have been meant, where nothing was found


Resolver = Callable[[Connection, View, str], Found]
Late = Callable[[Connection, View, list[str]], Mapping[str, Mapping[str, Any]]]


class Match(NamedTuple):
    """A record that a question found, not yet rendered: its sort key and id, its row, and the store that keeps it."""

    key: Any
    id: str
    row: Any
    store: Store | None = None  # None: the resource's own table


class Picked(NamedTuple):
    """The first or last record that a place keeps of a group: the group, its first and last day, its sort key and id."""

    group: tuple[Any, ...]
    first: int
    last: int
    key: Any
    id: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a record: the revisions between which it stands, and what it says."""

    since: int
    until: int | None
    record: Record


class Store(Protocol):
    """A place besides the resource's own table where some of its records are kept, in rows of another form.

    The page merges what each place finds. A store answers every filter and sort that the resource declares, and says "none" to
    those that cannot hold for its records.
    """

    def page(self, connection: Connection, plan: Any, limit: int, after: tuple[Any, ...] | None) -> Sequence[Match]:
        """At least the next `limit` records after a key, in any order, where there are so many."""

    def count(self, connection: Connection, plan: Any, most: int | None) -> int:
        """How many there are, no further than one more than `most`."""

    def heavy(self, connection: Connection, plan: Any) -> bool:
        """Whether to answer a plan takes looking at very many records, so that few such requests are worked at at once."""

    def picked(self, connection: Connection, plan: Any) -> Iterable[Picked]:
        """The first or last record of each group of the plan's `pick`; groups by what records show of themselves."""

    def facet(self, connection: Connection, plan: Any, line: Facet, most: int) -> Mapping[Any, int]:
        """How many records have each value of a facet."""

    def by_ids(self, connection: Connection, view: View, ids: Sequence[str]) -> Sequence[Match]:
        """The records of these ids that a reader sees."""

    def bodies(self, connection: Connection, view: View, kept: Sequence[Match]) -> Mapping[str, Record]:
        """What the records say, by id."""

    def said(self, connection: Connection, resource: Resource, view: View, kept: Sequence[Match]) -> list[Fragment]:
        """The whole records as JSON, in the order of `kept`."""

    def dates(self, connection: Connection, view: View) -> tuple[int | None, int | None]:
        """The first and last day of the resource's dates."""

    def versions(self, connection: Connection, view: View, id: str) -> Sequence[Version]:
        """Every version of a record that was published by then, oldest first."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A noun as it is asked for and answered."""

    name: str
    noun: str
    words: str
    table: Table
    fields: tuple[Field, ...]
    filters: tuple[Filter, ...]
    sorts: tuple[Sort, ...]
    facets: tuple[Facet, ...] = ()
    keep: tuple[Keep, ...] = ()  # columns that hold something which is no field of its own
    sought: tuple[Sought, ...] = ()  # the record's own words; `q` looks in them
    texts: bool = False  # whether the text of a source, where it is at hand, holds words of it too
    naming: tuple[str, ...] = ()  # the fields whose ids a search takes for words too: ids are readable
    late: Late | None = None
    shows_words: bool = True  # whether an answer can show words of a source
    dated: Period | None = None  # what `coverage` calls the dates of this resource
    pick: Mapping[str, tuple[Column[Any], ...]] = field(default_factory=dict)  # what `per` may name
    leaves_out: LeftOut | None = None
    stores: tuple[Store, ...] = ()
    formats: tuple[str, ...] = ()  # representations of its own, beside those of every list

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its own table, then those of its children."""
        return (self.table, *dict.fromkeys(rows.table for line in self.fields for rows in line.rows))

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((line for line in self.fields if line.name == name), None)

    def filter(self, name: str) -> Filter | None:
        """The filter of that name."""
        return next((line for line in self.filters if line.name == name), None)
