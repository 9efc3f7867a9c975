"""What every resource offers in words: its fields, filters, sorts and facets, with requests that work; and the vocabularies."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, select

from app.models.topic import term
from app.query.fields import Choice, Day, Facet, Kind, Number, Ref, Resource, Term, View, Whole, Word, YesNo
from app.query.page import Record
from app.query.params import LIST, READ, Parameter, parameters
from app.query.sql import standing


def kind_words(kind: Kind) -> str:
    """What a value looks like, in words."""
    match kind:
        case Word():
            return f"text like {kind.like}" if kind.like else "text"
        case Term():
            return f"a term of {kind.vocabulary}"
        case Choice():
            return "one of " + ", ".join(kind.values)
        case Ref():
            return (
                "an id of any record, or an actor's name"
                if kind.to == "*"
                else f"an id of {kind.to}" + (" or a name" if kind.to == "actors" else "")
            )
        case Day():
            return "a day (2024-06-13); a month or a year means its first day"
        case Whole():
            return f"a whole number from {kind.least} to {kind.most}"
        case Number():
            return "a decimal number"
        case YesNo():
            return "true or false"


def summary(resource: Resource) -> dict[str, Any]:
    """A resource in one line."""
    return {
        "name": resource.name,
        "words": resource.words,
        "items": f"/v1/{resource.name}",
        "dictionary": f"/v1/resources/{resource.name}",
    }


def entry(resource: Resource) -> dict[str, Any]:
    """Everything a resource offers."""
    common = {one.name for one in (*LIST, *READ)}
    return {
        **summary(resource),
        "fields": [
            {"name": line.name, "words": line.words, "links": [link.to for link in line.links]}
            for line in resource.fields
        ],
        "filters": [filter_line(resource, one) for one in parameters(resource) if one.name not in common],
        "common": [filter_line(resource, one) for one in (*LIST, *READ)],
        "sorts": [{"name": line.name, "words": line.words} for line in resource.sorts],
        "default_sort": resource.sorts[0].name,
        "facets": [facet_line(resource, line) for line in resource.facets],
    }


def facet_line(resource: Resource, line: Facet) -> dict[str, Any]:
    """A facet in the words of its filter, with a request that works."""
    found = resource.filter(line.name)
    assert found is not None
    return {"name": line.name, "words": found.words, "example": f"/v1/{resource.name}?facet={line.name}"}


def filter_line(resource: Resource, one: Parameter) -> dict[str, Any]:
    """A parameter in words, with a request that works where an example stands with it."""
    example = f"/v1/{resource.name}?{one.name}={quote(one.example, safe=':@')}" if one.example else None
    if one.name == "per":
        example = f"/v1/{resource.name}?pick=first&per={one.example}"
    elif one.name == "facet" and resource.facets:
        example = f"/v1/{resource.name}?facet={resource.facets[0].name}"
    return {
        "name": one.name,
        "words": one.words,
        "value": kind_words(one.kind),
        "repeats": one.repeats,
        "default": one.default,
        "example": example,
    }


def vocabularies(connection: Connection, view: View) -> list[str]:
    """The names of the vocabularies at a revision."""
    return sorted(set(connection.scalars(select(term.c.vocabulary).where(standing(term, view)))))


def vocabulary_terms(items: list[Record]) -> list[dict[str, Any]]:
    """The terms of a vocabulary as the API shows them."""
    return [{name: item[name] for name in ("term", "label", "definition", "rank", "since")} for item in items]
