"""Statements that are asked again and again, straight of the driver: what SQLAlchemy does around one takes longer than itself.

    rows, tuples, columns    of a statement that SQLAlchemy was told once, with the values for its places
    written                  of one that is written out

Where somebody listens to what is asked, and where a value has to be changed on its way, it goes the long way.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
import psycopg
import pysqlite3.dbapi2 as sqlite3  # type: ignore[import-untyped]
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    Integer,
    String,
    exc,
    func,
    select,
    text,
)
from sqlalchemy.types import NullType

PREPARED_MOST = 2_000
# What `compiled` or `spelt` makes of a statement for lists of so many values.
PREPARED: dict[tuple[Any, ...], Any] = {}
Compiled = tuple[str, list[str], dict[str, Any], Callable[[Any], Any]]
Spelt = tuple[str, dict[str, Any], dict[str, list[str]], Callable[[Any], Any]]
SEVERAL = re.compile(r"__\[POSTCOMPILE_(\w+)\]")


def rows(connection: Connection, statement: Any, told: Mapping[str, Any]) -> Sequence[Any]:
    """The rows of a statement that was made once, with the values for its places; each can be read by the names of its columns.

    It goes straight to the driver: what SQLAlchemy does around a statement takes three times as long as the statement
    itself. The values must be numbers and text, which the driver takes and gives as they are.
    """
    found = None if listened(connection) else asked(connection, statement, told)
    if found is None:
        return connection.execute(statement, told).all()
    values, make = found
    return [make(row) for row in values]


def tuples(connection: Connection, statement: Any, told: Mapping[str, Any]) -> Sequence[Any]:
    """The same, as rows without names: those of many narrow columns are read sooner by their places."""
    found = None if listened(connection) else asked(connection, statement, told)
    return connection.execute(statement, told).all() if found is None else found[0]


def columns(connection: Connection, statement: Any, told: Mapping[str, Any]) -> list[Sequence[Any]]:
    """The same by columns, of whole numbers and text alone: SQLite says each of them at once, and no row need be fetched.

    Each row that is fetched costs a quarter of a microsecond, and the chance that another thread takes the interpreter's lock.
    """
    if listened(connection) or connection.dialect.name != "sqlite":
        rows = tuples(connection, statement, told)
        return [[row[n] for row in rows] for n in range(len(statement.selected_columns))]
    [row], _ = of_sqlite(connection, packed(statement), told)
    return [orjson.loads(one) for one in row]


def written(connection: Connection, statement: str, values: Sequence[str] = ()) -> Sequence[Any]:
    """The rows of a statement that is written out, with a text for each of its question marks."""
    if listened(connection):
        first, *more = statement.split("?")
        named = first + "".join(f":t{n}{piece}" for n, piece in enumerate(more))
        return connection.execute(text(named), {f"t{n}": each for n, each in enumerate(values)}).all()
    if connection.dialect.name == "sqlite":
        return ask_sqlite(connection, statement, values)
    return ask_postgresql(connection, statement.replace("%", "%%").replace("?", "%s"), values)


def marks(some: Collection[str]) -> str:
    """A question mark for each, for a list in a statement that is written out."""
    return ", ".join("?" * len(some))


@lru_cache(PREPARED_MOST)
def packed(statement: Any) -> Any:
    """A statement whose one row holds all rows of another, a list a column."""
    every = statement.subquery()
    return select(*[func.json_group_array(one) for one in every.c])


def listened(connection: Connection) -> bool:
    """Whether a statement takes the long way since somebody listens to what is asked."""
    return bool(connection.engine.dispatch.before_cursor_execute)


def asked(
    connection: Connection, statement: Any, told: Mapping[str, Any]
) -> tuple[list[tuple[Any, ...]], Callable[[Any], Any]] | None:
    """What the driver gives for a statement, and what makes named rows of it; None where only the long way will do."""
    if connection.dialect.name == "sqlite":
        return of_sqlite(connection, statement, told)
    return of_postgresql(connection, statement, told)


def prepared(connection: Connection, statement: Any, told: Mapping[str, Any], make: Callable[..., Any]) -> Any:
    """What `make` gives for a statement and lists of so many values; made once."""
    key = (make, statement, tuple((name, len(value)) for name, value in told.items() if type(value) is list))
    try:
        return PREPARED[key]
    except KeyError:
        if len(PREPARED) >= PREPARED_MOST:
            PREPARED.clear()
        found = PREPARED[key] = make(connection, statement, told)
        return found


def of_postgresql(
    connection: Connection, statement: Any, told: Mapping[str, Any]
) -> tuple[list[tuple[Any, ...]], Callable[[Any], Any]] | None:
    """The same of psycopg; None where a value has to be changed on its way there or back."""
    known: Spelt | None = prepared(connection, statement, told, spelt)
    if known is None:
        return None
    sql, fixed, several, make = known
    values = {**fixed, **told}
    for name, places in several.items():
        values.update(zip(places, values.pop(name), strict=True))
    return ask_postgresql(connection, sql, values), make


def ask_postgresql(connection: Connection, sql: str, values: Any) -> list[tuple[Any, ...]]:
    """What psycopg gives for a statement in its own spelling."""
    raw: Any = connection.connection.dbapi_connection
    try:
        found: list[tuple[Any, ...]] = raw.execute(sql, values).fetchall()
    except psycopg.Error as error:
        # What SQLAlchemy does by the long way: a broken connection is not given to the next one.
        gone = connection.dialect.is_disconnect(error, raw, None)  # type: ignore[arg-type]
        if gone:
            connection.invalidate(error)
        raise exc.DBAPIError.instance(
            sql, values, error, psycopg.Error, connection_invalidated=gone, dialect=connection.dialect
        ) from error
    return found


def spelt(connection: Connection, statement: Any, told: Mapping[str, Any]) -> Spelt | None:
    """A statement as text for psycopg, the values that are fixed, the places of each list, and what makes rows."""
    dialect = connection.dialect
    made: Any = statement.compile(dialect=dialect)
    columns = list(statement.selected_columns)
    if made.literal_execute_params or made.escaped_bind_names:
        return None
    if not all(unchanged(column, dialect) for column in columns):
        return None
    if any(place.type.dialect_impl(dialect).bind_processor(dialect) for place in made.binds.values()):
        return None
    state = made.construct_expanded_state({**made.params, **told})
    named = namedtuple("named", [column.key for column in columns], rename=True)  # type: ignore[misc]
    return state.statement, dict(made.params), dict(state.parameter_expansion), named._make


def unchanged(column: ColumnElement[Any], dialect: Dialect) -> bool:
    """Whether the driver gives the values of a column as they are to be."""
    if isinstance(column, Column) and isinstance(column.type, Float):
        return True  # a stored number is read as one; of a computed one only the server knows what it is
    plain = (Integer, String, Boolean, NullType)
    return isinstance(column.type, plain) and not column.type.dialect_impl(dialect).result_processor(dialect, None)


def of_sqlite(
    connection: Connection, statement: Any, told: Mapping[str, Any]
) -> tuple[list[tuple[Any, ...]], Callable[[Any], Any]]:
    """What SQLite's driver gives for a statement, and what makes named rows of it."""
    known: Compiled = prepared(connection, statement, told, compiled)
    sql, places, fixed, make = known
    values: list[Any] = []
    for place in places:
        value = told[place] if place in told else fixed[place]
        if type(value) is list:
            values += value
        else:
            values.append(value)
    return ask_sqlite(connection, sql, values), make


def ask_sqlite(connection: Connection, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What SQLite's driver gives for a statement in its own spelling."""
    raw: Any = connection.connection.dbapi_connection
    try:
        found: list[tuple[Any, ...]] = raw.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise exc.DBAPIError.instance(sql, values, error, sqlite3.Error, dialect=connection.dialect) from error
    return found


def compiled(connection: Connection, statement: Any, told: Mapping[str, Any]) -> Compiled:
    """A statement as text, its places in order, the values that are fixed, and what makes rows of what comes back."""
    made: Any = statement.compile(dialect=connection.dialect)
    fixed = {name: list(value) if isinstance(value, (list, tuple)) else value for name, value in made.params.items()}

    def each(found: re.Match[str]) -> str:
        return ",".join("?" * len(told.get(found[1], fixed[found[1]]))) or "SELECT 1 WHERE 1 != 1"

    named = namedtuple("named", [column.key for column in statement.selected_columns], rename=True)  # type: ignore[misc]
    return SEVERAL.sub(each, made.string), list(made.positiontup), fixed, named._make
