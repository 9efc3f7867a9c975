"""What was asked: the parameters of a request, each known, well formed and within its limits, or refused with advice.

Everything that a list takes is declared here or derived from the resource's declaration, so that the OpenAPI document, the data
dictionary and the refusals cannot differ from what is really read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.errors import BadDate, BadQuery, Fault
from app.query.fields import (
    Bound,
    By,
    Choice,
    Day,
    Filter,
    Holds,
    Is,
    Kind,
    Number,
    On,
    Period,
    Ref,
    Resource,
    Term,
    Whole,
    Word,
    YesNo,
)
from app.times import day_number, first_day
from app.vocabularies import Vocabularies

COMMON: Final = ("id", "type", "self", "evidence", "enrichment", "since", "until")  # what every record has
FORMATS: Final = ("json", "csv", "ndjson", "parquet", "jsonld", "atom")
RECORD_FORMATS: Final = ("json", "jsonld")  # of one record
REPEATS_MOST: Final = 100  # values of one filter: more is a join, which belongs into an export

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
WHOLE = re.compile(r"-?[0-9]{1,18}")
DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a request may ask for."""

    page_rows: int = 50
    page_rows_most: int = 500


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as it is documented."""

    name: str
    words: str
    kind: Kind
    example: str
    repeats: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """A filter with the values asked for; a negated one asks for what has none of them."""

    filter: Filter
    values: tuple[Any, ...]
    raw: tuple[str, ...]
    negated: bool = False
    itself: bool = False  # each of the values, and no record that a reference would reach besides


@dataclass(frozen=True, slots=True)
class AskedPeriod:
    """The dates asked for, as days: `lower` inclusive, `upper` exclusive."""

    line: Period
    lower: int | None = None
    upper: int | None = None
    certain: bool = False
    undated: bool = False

    @property
    def asked(self) -> bool:
        """Whether a bound was given at all."""
        return self.lower is not None or self.upper is not None


@dataclass(frozen=True, slots=True)
class Query:
    """A request as it was understood; nothing is looked up yet."""

    filters: tuple[Asking, ...] = ()
    period: AskedPeriod | None = None
    limit: int = 50
    cursor: str | None = None
    sort: str | None = None
    fields: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    count: str = "none"
    q: str | None = None
    as_of: str | None = None
    enrichment: bool = False
    format: str | None = None
    min_revision: int | None = None
    pick: str | None = None
    per: str | None = None
    pairs: tuple[tuple[str, str], ...] = field(default=())


# What every read takes, and what every list takes besides.
READ: Final = (
    Parameter(
        "as_of",
        "The record clock: answers as they were at a revision, at the end of a day (UTC), or at a moment.",
        Word(40),
        "2",
    ),
    Parameter(
        "enrichment", "Whether knowledge from outside the cited sources comes in.", YesNo(), "true", default="false"
    ),
    Parameter("min_revision", "Wait briefly until this revision is visible, else 503 with Retry-After.", Whole(), "1"),
    Parameter(
        "cite",
        "Instead of the answer a citation of it, with the address that gives the same answer for ever.",
        Choice(("bibtex", "csl")),
        "bibtex",
    ),
)
LIST: Final = (
    Parameter("limit", "Records on a page.", Whole(1, 500), "20", default="50"),
    Parameter(
        "cursor",
        "`next_cursor` of the page before, with the same parameters; pins the revision of the first page.",
        Word(4000),
        "",
    ),
    Parameter("sort", "The order, `-` before it for descending; ties are broken by id.", Word(60), "id"),
    Parameter("fields", "Only these fields, separated by commas.", Word(2000), "id"),
    Parameter("include", "Linked records to bring along, by field or resource, separated by commas.", Word(2000), ""),
    Parameter("facet", "Counts by value of a facet; what has no value is in none of them.", Word(60), "", repeats=True),
    Parameter(
        "count",
        "How many there are in all: not said, counted up to a bound, or exactly.",
        Choice(("none", "bounded", "exact")),
        "exact",
        default="none",
    ),
    Parameter(
        "q", "Words that the record's own text must contain, each as the beginning of a word.", Word(1000), "Ukraine"
    ),
    Parameter(
        "format",
        "The representation; atom is a feed of what was published last, and the others but json are the whole result, streamed.",
        Choice(FORMATS),
        "json",
        default="json",
    ),
)
RECORD: Final = (
    *(one for one in LIST if one.name in ("fields", "include")),
    Parameter("format", "The representation.", Choice(RECORD_FORMATS), "json", default="json"),
)
DATES: Final = (
    Parameter(
        "dates",
        "Whether a date may overlap the bounds or must lie wholly inside.",
        Choice(("possible", "certain")),
        "certain",
        default="possible",
    ),
    Parameter("undated", "Whether records without a date come in too.", YesNo(), "true", default="false"),
)
PICK: Final = (
    Parameter(
        "pick",
        "Only the first or last dated record of each group that `per` names.",
        Choice(("first", "last")),
        "first",
    ),
)


def parameters(resource: Resource) -> tuple[Parameter, ...]:
    """Every parameter that a resource's list takes: its filters, then the common ones."""
    found: list[Parameter] = []
    for line in resource.filters:
        if isinstance(line, Period):
            found.append(Parameter(f"{line.name}_from", f"{line.words} From this day on.", Day(), line.example))
            found.append(Parameter(f"{line.name}_before", f"{line.words} Before this day.", Day(), line.example))
        else:
            found.append(Parameter(line.name, line.words, line.kind, line.example, repeats=repeats(line)))
            if negatable(line):
                found.append(
                    Parameter(f"{line.name}.not", f"None of these. {line.words}", line.kind, line.example, repeats=True)
                )
            if facetable(resource, line):
                words = f"Exactly this; repeated, each of them. {line.words}"
                found.append(Parameter(f"{line.name}.is", words, line.kind, "", repeats=True))
    if any(isinstance(line, Period) for line in resource.filters):
        found += DATES
    if resource.pick:
        found += [
            *PICK,
            Parameter("per", "The group of `pick`.", Choice(tuple(resource.pick)), next(iter(resource.pick))),
        ]
    return (*found, *(offering(one, resource) for one in LIST), *READ)


def offering(line: Parameter, resource: Resource, formats: tuple[str, ...] = FORMATS) -> Parameter:
    """A common parameter; `format` with the representations that are this resource's own."""
    return line if line.name != "format" else replace(line, kind=Choice((*formats, *resource.formats)))


def repeats(line: Filter) -> bool:
    """Whether a filter can be given several times."""
    return not isinstance(line, (Bound, Period)) and not isinstance(getattr(line, "kind", None), YesNo)


def negatable(line: Filter) -> bool:
    """Whether `NAME.not` can be asked."""
    return isinstance(line, (Is, Holds, By, On))


def facetable(resource: Resource, line: Filter) -> bool:
    """Whether `NAME.is` can be asked: what a facet's links need to list exactly the records that it counted."""
    return isinstance(line, (Is, Holds, By)) and any(facet.name == line.name for facet in resource.facets)


def parse(
    resource: Resource, pairs: Sequence[tuple[str, str]], terms: Vocabularies, limits: Limits = Limits()
) -> Query:
    """The request as it was understood. Raises BadQuery with every fault, not only the first."""
    taken = taking(resource)
    return _parse(taken, pairs, terms, limits, taken.known)


def parse_record(resource: Resource, pairs: Sequence[tuple[str, str]], terms: Vocabularies) -> Query:
    """The same for one record, which takes what every read takes and `fields` and `include`."""
    taken = taking(resource)
    return _parse(taken, pairs, terms, Limits(), taken.record)


@dataclass(frozen=True, slots=True)
class Taking:
    """What a resource takes, as it is needed for each request."""

    resource: Resource
    known: Mapping[str, Parameter]  # the parameters of its list
    record: Mapping[str, Parameter]  # and of one record
    ways: tuple[tuple[str, Filter, str], ...]  # how each filter may be asked for, by the name of the parameter
    period: Period | None
    befores: tuple[Bound, ...]  # the upper bounds of numbers


TAKEN: dict[int, Taking] = {}


def taking(resource: Resource) -> Taking:
    """What a resource takes; made once, since declarations do not change."""
    found = TAKEN.get(id(resource))
    if found is None or found.resource is not resource:
        lines = [line for line in resource.filters if not isinstance(line, Period)]
        found = TAKEN[id(resource)] = Taking(
            resource=resource,
            known={one.name: one for one in parameters(resource)},
            record={one.name: one for one in (*(offering(line, resource, RECORD_FORMATS) for line in RECORD), *READ)},
            ways=tuple((f"{line.name}{suffix}", line, suffix) for line in lines for suffix in ("", ".not", ".is")),
            period=next((line for line in resource.filters if isinstance(line, Period)), None),
            befores=tuple(
                line
                for line in lines
                if isinstance(line, Bound) and line.op == "before" and isinstance(line.kind, Number)
            ),
        )
    return found


def parse_plain(
    pairs: Sequence[tuple[str, str]], known: Iterable[Parameter] | Mapping[str, Parameter], terms: Vocabularies
) -> dict[str, Any]:
    """The values of a route that is no resource, by name; repeated ones are lists. Raises BadQuery with every fault."""
    lines = known if isinstance(known, Mapping) else {one.name: one for one in known}
    grouped, faults = group(pairs, lines)
    values: dict[str, Any] = {}
    for name, given in grouped.items():
        read = [_read(lines[name].kind, name, value, terms, faults) for value in given]
        values[name] = read if lines[name].repeats else read[0]
    refuse(faults)
    return values


def group(pairs: Sequence[tuple[str, str]], known: Mapping[str, Parameter]) -> tuple[dict[str, list[str]], list[Fault]]:
    """The values by parameter, and what is wrong with the parameters themselves."""
    grouped: dict[str, list[str]] = {}
    faults: list[Fault] = []
    for name, value in pairs:
        if name not in known:
            if not any(fault.name == shown(name) for fault in faults):
                faults.append(Fault(shown(name), unknown(name, known)))
        elif UNPRINTABLE.search(value) or "\ufffd" in value:
            faults.append(
                Fault(
                    name, "The value holds control characters or bytes that are not UTF-8; percent-encode UTF-8 text."
                )
            )
        elif value == "":
            faults.append(Fault(name, "The value is empty; leave the parameter out or give it one."))
        else:
            grouped.setdefault(name, []).append(value)
    for name, given in grouped.items():
        if len(given) > 1 and not known[name].repeats:
            faults.append(Fault(name, f"{name} can be given once, not {len(given)} times."))
        elif len(given) > REPEATS_MOST:
            faults.append(Fault(name, f"{name} can be repeated {REPEATS_MOST} times at most."))
    return grouped, faults


def unknown(name: str, known: Iterable[str]) -> str:
    """What is said of a parameter that does not exist: the nearest one that does."""
    near = nearest(name, known)
    others = f" There are: {', '.join(known)}." if list(known) else " There are none here."
    return f"There is no parameter {shown(name)!r}." + (f" The nearest is {near!r}." if near else others)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `name`, if one is at all."""
    from rapidfuzz import fuzz, process  # heavy to import, and only a mistake needs it

    found = process.extractOne(name[:100], list(known), scorer=fuzz.WRatio, score_cutoff=60)
    return None if found is None else str(found[0])


def shown(text: str) -> str:
    """A stranger's text, short and printable, for an error message."""
    return UNPRINTABLE.sub("\ufffd", text)[:80]


def refuse(faults: Sequence[Fault]) -> None:
    """Raise BadQuery where there are faults."""
    if faults:
        raise BadQuery(" ".join(dict.fromkeys(fault.detail for fault in faults)), errors=faults)


def _parse(
    taken: Taking,
    pairs: Sequence[tuple[str, str]],
    terms: Vocabularies,
    limits: Limits,
    known: Mapping[str, Parameter],
) -> Query:
    resource = taken.resource
    grouped, faults = group(pairs, known)
    read: dict[str, tuple[Any, ...]] = {}
    for name, given in grouped.items():
        kind = known[name].kind
        if name == "limit":
            kind = Whole(1, limits.page_rows_most)
        read[name] = tuple(_read(kind, name, value, terms, faults) for value in given)

    def one(name: str, default: Any = None) -> Any:
        return read.get(name, (default,))[0]

    # What may be named is listed only where something is.
    fields = tuple(_names(grouped, "fields", showable(resource), faults)) if "fields" in grouped else ()
    include = tuple(_names(grouped, "include", linkable(resource), faults)) if "include" in grouped else ()
    facets = tuple(_names(grouped, "facet", countable(resource), faults)) if "facet" in grouped else ()
    sort = _sort(resource, one("sort"), faults)
    if one("pick") is not None and facets:
        faults.append(Fault("facet", "facet counts all records, pick takes one of each group; leave one of them out."))
    if one("per") is not None and one("pick") is None:
        faults.append(Fault("per", "per names the groups of pick: add pick=first or pick=last."))
    _bounds(taken, read, faults)
    refuse(faults)
    return Query(
        filters=tuple(_filters(taken, read, grouped)),
        period=_period(taken.period, read, faults),
        limit=one("limit", limits.page_rows),
        cursor=one("cursor"),
        sort=sort,
        fields=fields,
        include=include,
        facets=facets,
        count=one("count", "none"),
        q=one("q"),
        as_of=one("as_of"),
        enrichment=one("enrichment", False),
        format=one("format"),
        min_revision=one("min_revision"),
        pick=one("pick"),
        per=one("per"),
        pairs=tuple((name, value) for name, values in grouped.items() for value in values),
    )


def _filters(taken: Taking, read: Mapping[str, tuple[Any, ...]], grouped: Mapping[str, list[str]]) -> Iterable[Asking]:
    for name, line, suffix in taken.ways:
        if name in read:
            once = dict(zip(grouped[name], read[name], strict=True))  # the same value twice asks for nothing more
            yield Asking(line, tuple(once.values()), tuple(once), suffix == ".not", suffix == ".is")


def _period(line: Period | None, read: Mapping[str, tuple[Any, ...]], faults: list[Fault]) -> AskedPeriod | None:
    if line is None:
        return None
    lower, upper = read.get(f"{line.name}_from", (None,))[0], read.get(f"{line.name}_before", (None,))[0]
    if lower is not None and upper is not None and lower >= upper:
        detail = f"{line.name}_before is exclusive and must be later than {line.name}_from."
        faults.append(Fault(f"{line.name}_before", detail))
        refuse(faults)
    if lower is None and upper is None:
        # Generated clients send `dates` and `undated` with their defaults: without a bound they ask for nothing.
        return None
    certain = read.get("dates", ("possible",))[0] == "certain"
    return AskedPeriod(line, lower, upper, certain=certain, undated=read.get("undated", (False,))[0])


def _bounds(taken: Taking, read: Mapping[str, tuple[Any, ...]], faults: list[Fault]) -> None:
    """Note bounds of a number that run backwards."""
    for line in taken.befores:
        name = line.name.removesuffix("_before")
        lower, upper = read.get(f"{name}_from", (None,))[0], read.get(line.name, (None,))[0]
        if lower is not None and upper is not None and lower >= upper:
            faults.append(Fault(line.name, f"{line.name} is exclusive and must be more than {name}_from."))


def showable(resource: Resource) -> list[str]:
    """What `fields` may name."""
    return list(dict.fromkeys([*(line.name for line in resource.fields), *COMMON]))


def countable(resource: Resource) -> list[str]:
    """What `facet` may name."""
    return [line.name for line in resource.facets]


def linkable(resource: Resource) -> list[str]:
    """What `include` may name: fields that hold ids, and the resources these belong to."""
    found = sorted({link.to for line in resource.fields for link in line.links} - {"*"})
    return [line.name for line in resource.fields if line.links] + found


def _names(grouped: Mapping[str, list[str]], name: str, allowed: Sequence[str], faults: list[Fault]) -> Iterable[str]:
    wanted = [part.strip() for value in grouped.get(name, ()) for part in value.split(",")]
    for part in dict.fromkeys(wanted):
        if part in allowed:
            yield part
        else:
            near = nearest(part, allowed) if part else None
            choice = f"The nearest is {near!r}." if near else f"There are: {', '.join(allowed) or 'none'}."
            faults.append(Fault(name, f"{name}={shown(part)} is not possible. {choice}"))


def _sort(resource: Resource, asked: str | None, faults: list[Fault]) -> str | None:
    if asked is None:
        return None
    names = [line.name for line in resource.sorts]
    if asked.removeprefix("-") not in names:
        faults.append(
            Fault(
                "sort",
                f"sort={shown(asked)} is not possible; {resource.name} sort by {', '.join(names)}, each with - for descending.",
            )
        )
    return asked


def _read(kind: Kind, name: str, value: str, terms: Vocabularies, faults: list[Fault]) -> Any:
    """A value as its kind, or a fault and None."""
    try:
        return _value(kind, value, terms)
    except BadDate as error:
        faults.append(Fault(name, f"{name}={shown(value)}: {error.detail}"))
    except ValueError as error:
        faults.append(Fault(name, f"{name}={shown(value)} is not possible: {error}"))
    return None


def _value(kind: Kind, value: str, terms: Vocabularies) -> Any:
    match kind:
        case Word():
            if kind.form is not None and not re.fullmatch(kind.form, value[: kind.most + 1]):
                raise ValueError(f"it looks like {kind.like}.")
            if len(value) > kind.most:
                raise ValueError(f"at most {kind.most} characters.")
            return value
        case Term():
            allowed = terms[kind.vocabulary].ids
            if value not in allowed:
                near = nearest(value, allowed)
                hint = f"did you mean {near!r}? " if near else ""
                raise ValueError(f"{hint}It is one of {', '.join(allowed)} (/v1/vocabularies/{kind.vocabulary}).")
            return value
        case Choice():
            if value not in kind.values:
                near = nearest(value, kind.values)
                hint = f"did you mean {near!r}? It" if near else "it"
                raise ValueError(f"{hint} is one of {', '.join(kind.values)}.")
            return value
        case Ref():
            if len(value) > 500:
                raise ValueError("an id or a name has at most 500 characters.")
            return value
        case Day():
            return day_number(first_day(value))
        case Whole():
            if not WHOLE.fullmatch(value) or not kind.least <= int(value) <= kind.most:
                raise ValueError(f"it is a whole number from {kind.least} to {kind.most}.")
            return int(value)
        case Number():
            if not DECIMAL.fullmatch(value) or not kind.least <= float(value) <= kind.most:
                raise ValueError(f"it is a decimal number from {kind.least:g} to {kind.most:g}, such as -2.5.")
            return float(value)
        case YesNo():
            if value not in ("true", "false"):
                raise ValueError("it is true or false.")
            return value == "true"


def is_ref(line: Filter) -> bool:
    """Whether a filter takes ids or names of records."""
    return not isinstance(line, Period) and isinstance(line.kind, Ref)
