"""What the OpenAPI document says, made from the same values as the router: operations, parameters, shapes and problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app import __version__
from app.formats.cite import STYLES
from app.query.fields import Choice, Day, Kind, Number, Ref, Resource, Term, Whole, Word, YesNo
from app.query.params import Parameter, parameters
from app.query.shapes import COMPONENTS, boolean, listed, maybe, obj, one_of, string, whole
from app.resources import PUBLIC, RESOURCES
from app.routes import analysis, mirrored, network, questions, search, writing
from app.routes.lists import class_name
from app.routes.operations import Body, Operation
from app.vocabularies import Vocabularies

TAGS = {
    "analysis": "How things went in time, and where actors stand.",
    "names": "Which actors a name can stand for.",
    "dictionary": "What there is, in words.",
    "history": "The knowledge base's own log.",
    "service": "Whether the service is well.",
    "ties": "What ties actors to each other: networks and chains.",
    "writing": "Publish dossiers, review them.",
}
PROBLEMS = {
    308: "The record has another id now; follow `Location`.",
    400: "A header is not well formed.",
    401: "A key is needed, or this one is no good.",
    403: "The key's scopes do not reach this far.",
    404: "There is no such record, or not at this revision.",
    406: "The representation asked for does not exist.",
    408: "The body did not arrive in time.",
    409: "Another writer, or records that refer to this one, stand in the way.",
    410: "The record was retracted.",
    412: "The record is not, or not any more, what the precondition says.",
    413: "The body is too large.",
    414: "The address is too long.",
    415: "The body is in a format that is not read here.",
    422: "A parameter is unknown, malformed, out of range or ambiguous.",
    428: "An edit needs If-Match or If-None-Match.",
    429: "Too many requests; try again after `Retry-After` seconds.",
    500: "Something went wrong on our side.",
    503: "The database is away or behind; try again after `Retry-After` seconds.",
}
DESCRIPTION = """Chancery answers who said what, how strongly, on which condition and where exactly it stands; what
agreements lay down; who took part in what. Every answer says at which revision it was given (`KB-Revision`), and `as_of`
gives the same answer again. An empty list says what was searched.

Null means that the source does not say. Knowledge from outside the cited sources is left out unless `enrichment=true`. Values of
vocabularies may grow: treat an unknown one as text."""


def document(
    operations: Iterable[Operation], vocabularies: Vocabularies, examples: Mapping[str, Any]
) -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    paths: dict[str, Any] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = operation(one, examples)
    tags = [{"name": resource.name, "description": resource.words} for resource in RESOURCES.values()]
    tags += [{"name": name, "description": words} for name, words in TAGS.items()]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chancery",
            "version": __version__,
            "summary": "Policy events with a citation behind every fact.",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "contact": {"name": "The Chancery maintainers"},
        },
        "servers": [{"url": "/", "description": "This host."}],
        "tags": sorted(tags, key=lambda tag: tag["name"]),
        "paths": paths,
        "components": {
            "schemas": schemas(vocabularies),
            "responses": responses(),
            "headers": HEADERS,
            "securitySchemes": {
                "bearerAuth": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "chy_…",
                    "description": "A key that `chancery keys add` made. Scopes: read, write (reads too), admin (both too). Where "
                    "reads are closed, every read needs one. RFC 6750 and RFC 8725 hold: it goes into the header only.",
                }
            },
        },
        "security": [],
    }


HEADERS = {
    "ETag": {"description": "Changes whenever the answer can: pass it as If-None-Match.", "schema": string()},
    "KB-Revision": {"description": "The revision that the answer stands for.", "schema": whole()},
    "Link": {"description": 'RFC 8288: `rel="next"` leads to the next page.', "schema": string()},
    "X-Request-ID": {"description": "The request's id, in our log too.", "schema": string()},
    "Retry-After": {"description": "Seconds to wait.", "schema": whole()},
    "Location": {"description": "Where the record is now.", "schema": string()},
    "RateLimit": {"description": "What is left of this minute, and the seconds until the next.", "schema": string()},
    "RateLimit-Policy": {"description": "How many requests a minute are possible.", "schema": string()},
    "WWW-Authenticate": {
        "description": "RFC 6750: which key is needed, or what is wrong with this one.",
        "schema": string(),
    },
    "Idempotency-Replayed": {
        "description": "`true` where this is the answer of an earlier request.",
        "schema": string(),
    },
}


def operation(one: Operation, examples: Mapping[str, Any]) -> dict[str, Any]:
    """One operation."""
    first = examples.get(one.id, {})
    parameters = [
        {
            "name": part.name,
            "in": "path",
            "required": True,
            "description": part.words,
            "schema": string(),
            "example": first.get("path", {}).get(part.name, part.example),
        }
        for part in one.path_parameters
    ]
    parameters += [
        {
            "name": part.name,
            "in": "header",
            "required": False,
            "description": part.words,
            "schema": {"type": "string", "maxLength": 8192},
            "example": part.example,
        }
        for part in one.headers
    ]
    parameters += [query_parameter(part) for part in one.parameters]
    media_types = one.media
    if any(part.name == "cite" for part in one.parameters):
        media_types = (*media_types, *STYLES.values())
    main = media_types[0]
    content: dict[str, Any] = {main: {"schema": dict(one.schema)}}
    if "answer" in first:
        content[main]["examples"] = {"seed": {"summary": f"GET {first['request']}", "value": first["answer"]}}
    content |= {media: {"schema": other_schema(media)} for media in media_types[1:]}
    headers = (
        ["X-Request-ID"]
        + (["ETag", "KB-Revision"] if one.versioned else ["ETag"] if one.tagged else [])
        + (["Link"] if "Page" in str(one.schema) else [])
        + (["RateLimit", "RateLimit-Policy", "Idempotency-Replayed"] if one.scope else [])
    )
    answers: dict[str, Any] = {
        str(status): {
            "description": words,
            "headers": {
                name: {"$ref": f"#/components/headers/{name}"}
                for name in [*headers, *(["Location"] if status in (201, 303) else [])]
            },
            **({"content": content} if one.schema else {}),
        }
        for status, words in one.done.items()
    }
    if (one.versioned or one.tagged) and not one.scope:
        answers["304"] = {"description": "What `If-None-Match` names is still the answer."}
    for status in one.problems:
        answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return {
        "operationId": one.id,
        "tags": [one.tag],
        "summary": one.summary,
        "description": one.words,
        "parameters": parameters,
        **({"requestBody": request_body(one.body)} if one.body else {}),
        "responses": dict(sorted(answers.items())),
        "security": [{"bearerAuth": []}] if one.scope else [],
    }


def other_schema(media: str) -> dict[str, Any]:
    """The shape of an answer that is not the operation's own JSON."""
    if media == STYLES["csl"]:
        return listed({"type": "object", "additionalProperties": True}, "CSL-JSON: a list of items, which holds one.")
    if media.endswith("ld+json"):
        return {"type": "object", "additionalProperties": True, "description": "JSON-LD 1.1."}
    if media.endswith("+json"):
        return {"type": "object", "additionalProperties": True, "description": "One document."}
    return {"type": "string", "maxLength": 2147483647, **({"format": "binary"} if "parquet" in media else {})}


def request_body(body: Body) -> dict[str, Any]:
    """What a request carries."""
    return {
        "description": body.words,
        "required": body.required,
        "content": {media: {"schema": dict(body.schema)} for media in body.media},
    }


def query_parameter(one: Parameter) -> dict[str, Any]:
    """One query parameter."""
    schema = kind_schema(one.kind)
    if one.default is not None:
        schema["default"] = (
            one.default == "true"
            if isinstance(one.kind, YesNo)
            else int(one.default)
            if isinstance(one.kind, Whole)
            else one.default
        )
    if one.repeats:
        schema = {"type": "array", "maxItems": 100, "items": schema}
    told: dict[str, Any] = {
        "name": one.name,
        "in": "query",
        "required": False,
        "description": one.words,
        "schema": schema,
    }
    if one.repeats:
        told |= {"style": "form", "explode": True}
    if one.example:
        value: Any = one.example
        if isinstance(one.kind, Whole):
            value = int(value)
        elif isinstance(one.kind, Number):
            value = float(value)
        elif isinstance(one.kind, YesNo):
            value = value == "true"
        told["examples"] = {"one": {"value": [value] if one.repeats else value}}
    return told


def term_class(vocabulary: str) -> str:
    """The name of a vocabulary's terms in the document, so that generators make one enumeration of them."""
    return "".join(part.capitalize() for part in vocabulary.split("_"))


def kind_schema(kind: Kind) -> dict[str, Any]:
    """The JSON Schema of a parameter's value."""
    match kind:
        case Word():
            form = {"pattern": f"^{kind.form}$"} if kind.form else {}
            return {"type": "string", "minLength": 1, "maxLength": kind.most, **form}
        case Term():
            return one_of(term_class(kind.vocabulary))
        case Choice():
            return {"type": "string", "enum": list(kind.values)}
        case Ref():
            return {"type": "string", "minLength": 1, "maxLength": 500}
        case Day():
            return {"type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", "maxLength": 10}
        case Whole():
            return {"type": "integer", "format": "int32", "minimum": kind.least, "maximum": kind.most}
        case Number():
            return {"type": "number", "format": "double", "minimum": kind.least, "maximum": kind.most}
        case YesNo():
            return {"type": "boolean"}


def schemas(vocabularies: Vocabularies) -> dict[str, Any]:
    """The shapes: those that fields share, a record and a page for each resource, and what other routes answer."""
    found: dict[str, Any] = dict(COMPONENTS)
    found |= questions.COMPONENTS
    found |= writing.COMPONENTS
    found |= search.COMPONENTS
    found |= analysis.COMPONENTS
    found |= network.COMPONENTS
    found |= mirrored.COMPONENTS
    found["ResourceSummary"] = obj("A resource in a line.", questions.SUMMARY)
    found["Count"] = obj(
        "How many records there are.", {"n": whole(), "exact": boolean("False where counting stopped at a bound.")}
    )
    found["FacetValue"] = obj(
        "A value of a facet.",
        {
            "value": {"type": ["string", "integer", "number", "null"]},
            "n": whole(),
            "items": string("The request that lists its records."),
        },
    )
    found["Fault"] = obj(
        "One thing that is wrong.",
        {
            "in": string("query, path, header or body."),
            "name": string("The parameter, or the place in a body."),
            "detail": string("What is wrong with it."),
            "line": whole(),
            "column": whole(),
        },
        optional=("line", "column"),
    )
    found["Problem"] = obj(
        "Why a request was refused or failed (RFC 9457).",
        {
            "type": string("The page that explains this kind of problem.", format="uri-reference"),
            "title": string(),
            "status": whole(),
            "detail": string("What happened, what is allowed, what to do next."),
            "instance": string("The path that was asked for."),
            "errors": listed(one_of("Fault")),
            "request_id": string(),
            "current": {
                "type": "object",
                "additionalProperties": True,
                "description": "The record as it stands, where an edit lost a race.",
            },
        },
        optional=("request_id", "current"),
    )
    asked = {one.kind.vocabulary for resource in PUBLIC for one in parameters(resource) if isinstance(one.kind, Term)}
    for name, vocabulary in vocabularies.items():
        if name not in asked:
            continue
        found[term_class(name)] = {"type": "string", "description": vocabulary.definition, "enum": list(vocabulary.ids)}
    for resource in RESOURCES.values():
        found[class_name(resource)] = record_schema(resource)
        found[f"{class_name(resource)}Page"] = page_schema(resource)
    return dict(sorted(found.items()))


def record_schema(resource: Resource) -> dict[str, Any]:
    """The shape of a resource's records. `fields` may leave out everything but the id."""
    parts: dict[str, Any] = {
        "id": string("Readable, never reused."),
        "type": string(f"{resource.noun}"),
        "self": string("Its address."),
    }
    parts |= {line.name: dict(line.shape) for line in resource.fields}
    parts.setdefault("evidence", listed(one_of("Evidence")))
    parts["enrichment"] = maybe("Enrichment", "There only where the whole record comes from outside the cited sources.")
    parts["since"] = whole("The revision that opened this version.")
    parts["until"] = whole("The revision that closed it; null as it was known then.", null=True)
    parts["included"] = {
        "type": "object",
        "additionalProperties": True,
        "description": "There only where `include` was asked.",
    }
    return obj(resource.words, parts, optional=tuple(name for name in parts if name != "id"))


def page_schema(resource: Resource) -> dict[str, Any]:
    """The shape of a page."""
    free: dict[str, Any] = {"type": "object", "additionalProperties": True}
    return obj(
        f"A page of {resource.name}.",
        {
            "items": {**listed(one_of(class_name(resource))), "maxItems": 500},
            "next_cursor": string("Null at the end.", null=True),
            "revision": whole("The revision that the whole walk is pinned to."),
            "count": maybe("Count", "Null unless `count` was asked."),
            "facets": {
                "type": "object",
                "additionalProperties": listed(one_of("FacetValue")),
                "description": "By facet.",
            },
            "included": {**free, "description": "Linked records by resource and id, each once."},
            "coverage": one_of("Coverage"),
        },
    )


def responses() -> dict[str, Any]:
    """The problem documents by status."""
    found = {}
    for status, words in PROBLEMS.items():
        headers = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
        if status in (429, 503):
            headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
        if status == 308:
            headers["Location"] = {"$ref": "#/components/headers/Location"}
        if status in (401, 403):
            headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WWW-Authenticate"}
        if status == 429:
            headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit", "RateLimit-Policy")}
        found[f"Problem{status}"] = {
            "description": words,
            "headers": headers,
            "content": {"application/problem+json": {"schema": one_of("Problem")}},
        }
    return found
