"""Which columns a resource has as a table: one name for one thing, the JSON's own names joined by dots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from app.query.fields import Field, Resource
from app.query.shapes import COMPONENTS
from app.query.whole import Block, Chunk

Type = Literal["text", "whole", "number", "boolean"]
JOINED = "|"  # between the values of a list; ids and terms never hold it


@dataclass(frozen=True, slots=True)
class ColumnOf:
    """A column of the table: how its value is taken from a record, and its type."""

    name: str
    type: Type
    take: Callable[[Mapping[str, Any]], Any]


def columns(resource: Resource, fields: tuple[str, ...]) -> list[ColumnOf]:
    """The columns of a resource, or those of the chosen fields."""
    keep = set(fields) or None
    found = [ColumnOf("id", "text", lambda record: record.get("id"))]
    if keep is None:
        found.append(ColumnOf("self", "text", lambda record: record.get("self")))
    for line in resource.fields:
        if keep is None or line.name in keep:
            found += _of_field(line)
    for name, kind in (("since", "whole"), ("until", "whole")):
        if keep is None or name in keep:
            found.append(ColumnOf(name, kind, _plain(name)))  # type: ignore[arg-type]
    if keep is None or "enrichment" in keep:
        found.append(ColumnOf("enrichment", "text", _json("enrichment")))
    return found


def values(chunk: Chunk, table: Iterable[ColumnOf]) -> list[Sequence[Any]]:
    """What a chunk has in each column."""
    if isinstance(chunk, Block):
        return [chunk.column(column.name, column.take) for column in table]
    return [[column.take(record) for record in chunk] for column in table]


def _of_field(line: Field) -> list[ColumnOf]:
    shape = line.shape
    component = _component(shape)
    if component is not None:
        properties = {name: part for name, part in component["properties"].items() if _scalar(part)}
        return [
            ColumnOf(f"{line.name}.{name}", _scalar(part) or "text", _inner(line.name, name))
            for name, part in properties.items()
        ]
    if shape.get("type") == "array":
        scalars = _scalar(shape.get("items", {})) is not None
        return [ColumnOf(line.name, "text", _joined(line.name) if scalars else _json(line.name))]
    return [ColumnOf(line.name, _scalar(shape) or "text", _plain(line.name))]


def _component(shape: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for part in (shape, *shape.get("oneOf", ())):
        if "$ref" in part:
            return COMPONENTS[part["$ref"].rpartition("/")[2]]
    return None


def _scalar(shape: Mapping[str, Any]) -> Type | None:
    kinds = shape.get("type")
    kinds = set(kinds if isinstance(kinds, list) else [kinds]) - {"null"}
    known: dict[str, Type] = {"string": "text", "integer": "whole", "number": "number", "boolean": "boolean"}
    return known.get(kinds.pop()) if len(kinds) == 1 else None


def _plain(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda record: record.get(name)


def _inner(name: str, part: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda record: (record.get(name) or {}).get(part)


def _joined(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda record: JOINED.join(str(item) for item in record.get(name) or ()) or None


def _json(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda record: orjson.dumps(record[name]).decode() if record.get(name) else None
