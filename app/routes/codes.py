"""How event codes are asked for: the schemes, the codes of one, and a code with its place, weights, counterpart and losses.

Codes come with the software, so an answer does not change with a revision: its ETag is made of the shipped files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.codes import Code, Codes, load
from app.codes.values import DATASETS
from app.errors import BadQuery, Fault, NotFound
from app.query.fields import Word
from app.query.params import READ, Parameter, parse_plain
from app.query.shapes import listed, number, obj, string, whole
from app.routes import reading
from app.routes.operations import Operation, PathParameter

SCHEMES = {
    "cameo": "CAMEO: what kind of act an event is, by numbers of two to four digits; used by ICEWS and GDELT.",
    "plover": "PLOVER: types in words, with modes (how) and contexts (about what); used by POLECAT.",
}
QUADS = "1 verbal cooperation, 2 material cooperation, 3 verbal conflict, 4 material conflict; null for a context."
VERSION = string("Of the shipped list, which changes only with the software.")

SUMMARY = {
    "code": string("Zeros at the front count: 010 is a kind of statement, 10 a demand."),
    "scheme": string("cameo or plover."),
    "kind": string("CAMEO: root, base or detail. PLOVER: type, mode or context."),
    "self": string("Its address."),
    "label": string("Its short name."),
    "parent": string("The code above it.", null=True),
    "quad": whole(QUADS, null=True),
}
ITEM = obj("A code in a line.", SUMMARY)
COUNTERPART = obj(
    "What a CAMEO code becomes in PLOVER.",
    {
        "scheme": string("plover."),
        "version": VERSION,
        "type": string("The PLOVER type; null where there is no counterpart.", null=True),
        "mode": string("The mode, where CAMEO tells it.", null=True),
        "contexts": listed(string(), "The contexts that CAMEO tells."),
        "quad": whole("The quad class of the PLOVER type.", null=True),
        "codes": listed(string(), "The addresses of type, mode and contexts."),
        "indistinguishable": listed(string(), "The other CAMEO codes that become the very same."),
        "losses": listed(string(), "What can no longer be told, or has no counterpart."),
        "manual": string("What the manual's text gives, where it contradicts the table that we follow.", null=True),
        "note": string("Where the table was not followed to the letter.", null=True),
    },
)
CODE = obj(
    "A code.",
    {
        **SUMMARY,
        "version": VERSION,
        "definition": string("In our own words; the codebook is the authority."),
        "ancestors": listed(string(), "The codes above it, nearest first."),
        "children": listed(string(), "The codes directly below it."),
        "quad_by_dataset": obj(
            "Where a dataset's files have another quad class.", {"gdelt": whole()}, optional=("gdelt",)
        ),
        "goldstein": obj(
            "How cooperative datasets take it to be, from -10 (war) to +10 (peace). Not a measure of importance.",
            {
                "gdelt": number("Null where GDELT does not weigh it.", null=True),
                "icews": number("Null where ICEWS does not weigh it.", null=True),
                "tkg": number("The sets made from ICEWS.", null=True),
                "note": string("Where hands disagree.", null=True),
            },
        ),
        "score": number("PLOVER's own score of a type or mode, from -10 to +10.", null=True),
        "needs_recipient": {"type": ["boolean", "null"], "description": "PLOVER: whether there must be a recipient."},
        "labels": obj(
            "The label in each dataset; null where it does not name the code.",
            {"icews": string("", null=True), "tkg": string("", null=True), "gdelt": string("", null=True)},
        ),
        "crosswalk": {"oneOf": [COUNTERPART, {"type": "null"}], "description": "Only for CAMEO."},
        "from_cameo": listed(string(), "PLOVER: the CAMEO codes that become it."),
        "events": string("The events that are coded with it, or below it.", null=True),
    },
)
SCHEME = obj(
    "A scheme.",
    {"scheme": string(), "words": string(), "version": VERSION, "n": whole("How many codes."), "items": string()},
)

PARENT = Parameter("parent", "Only the codes directly below this one.", Word(60), "023")
NAMED = PathParameter("scheme", "cameo or plover.", "cameo")


def listing(item: dict[str, Any], words: str) -> dict[str, Any]:
    """The shape of a list of codes: always whole, and pinned to no revision."""
    return obj(words, {"items": listed(item), "next_cursor": string("Always null: the list is whole.", null=True)})


def operations() -> Iterator[Operation]:
    """The routes."""
    yield Operation(
        "/v1/codes",
        "list_code_schemes",
        "dictionary",
        "List the schemes of event codes",
        "The schemes that coded datasets use, and the version of each list.",
        schemes,
        listing(SCHEME, "Schemes."),
        READ,
        example="/v1/codes",
    )
    yield Operation(
        "/v1/codes/{scheme}",
        "list_codes",
        "dictionary",
        "List the codes of a scheme",
        "Every code in a line, in the scheme's own order; `parent` narrows to the codes directly below one.",
        codes,
        listing(ITEM, "Codes."),
        (PARENT, *READ),
        (NAMED,),
        problems=(404, 406, 414, 422, 500, 503),
        example="/v1/codes/cameo?parent=023",
    )
    yield Operation(
        "/v1/codes/{scheme}/{code}",
        "get_code",
        "dictionary",
        "Show a code",
        "Label, definition, place in the scheme, quad class and weight by dataset, and for CAMEO what it becomes in PLOVER and "
        "what is lost on the way.",
        code,
        CODE,
        READ,
        (NAMED, PathParameter("code", "A code of the scheme.", "0234")),
        problems=(404, 406, 414, 422, 500, 503),
        example="/v1/codes/cameo/0234",
    )


def answer(
    request: Request, known: tuple[Parameter, ...], make: Callable[[Codes, dict[str, Any]], dict[str, Any]]
) -> Response:
    """A plain read of what comes with the software; `as_of` and `min_revision` are checked as on every read."""
    here = reading.state(request)
    shipped = load(here.settings.seed / "codes")
    values = parse_plain(reading.pairs_of(request), known, here.vocabularies)
    reading.representation(request, None, ())
    with here.database.read() as connection:
        pinned = reading.pin(request, connection, **reading.view_values(values), shows_words=False)
    content = make(shipped, values)
    # Even an answer pinned by `as_of` may change with the software, so it is never immutable.
    pinned = replace(pinned, etag=etag(request, shipped), cache="public, no-cache")
    same = reading.unchanged(request, pinned)
    return same if same is not None else reading.said(pinned, content)


def etag(request: Request, shipped: Codes) -> str:
    """The ETag of an answer: the shipped files, the software that words them, and the question."""
    parts = [__version__, shipped.digest, request.url.path, sorted(request.query_params.multi_items())]
    return f'"codes-{sha256(orjson.dumps(parts)).hexdigest()[:20]}"'


def schemes(request: Request) -> Response:
    def make(shipped: Codes, _: Any) -> dict[str, Any]:
        items = [
            {
                "scheme": name,
                "words": words,
                "version": shipped.versions[name],
                "n": len(shipped.by_scheme[name]),
                "items": f"/v1/codes/{name}",
            }
            for name, words in SCHEMES.items()
        ]
        return {"items": items, "next_cursor": None}

    return answer(request, READ, make)


def codes(request: Request) -> Response:
    scheme = named(request)

    def make(shipped: Codes, values: dict[str, Any]) -> dict[str, Any]:
        found = shipped.by_scheme[scheme]
        parent = values.get("parent")
        if parent is not None and parent not in found:
            detail = f"parent is no code of {scheme}.{meant(shipped, scheme, parent)} /v1/codes/{scheme} lists them."
            raise BadQuery(detail, errors=[Fault("parent", detail)])
        items = [summary(one) for one in found.values() if parent is None or one.parent == parent]
        return {"items": items, "next_cursor": None}

    return answer(request, (PARENT, *READ), make)


def code(request: Request) -> Response:
    scheme, asked = named(request), request.path_params["code"]

    def make(shipped: Codes, _: Any) -> dict[str, Any]:
        found = shipped.by_scheme[scheme].get(asked)
        if found is None:
            raise NotFound(
                f"There is no such code in {scheme}.{meant(shipped, scheme, asked)} /v1/codes/{scheme} lists them."
            )
        return described(shipped, found)

    return answer(request, READ, make)


def named(request: Request) -> str:
    """The scheme that a request names."""
    scheme: str = request.path_params["scheme"]
    if scheme not in SCHEMES:
        raise NotFound(f"There is no scheme of this name. There are: {', '.join(SCHEMES)}.")
    return scheme


def meant(shipped: Codes, scheme: str, asked: str) -> str:
    """A sentence on the code that was probably meant: zeros dropped, a label, or another case; nothing where we cannot tell."""
    known = shipped.by_scheme[scheme]
    guesses = [f"0{asked}", shipped.code_of(asked) if scheme == "cameo" else None, asked.upper(), asked.lower()]
    found = next((guess for guess in guesses if guess is not None and guess in known), None)
    return "" if found is None else f" Perhaps {found} is meant."


def summary(one: Code) -> dict[str, Any]:
    """A code in a line."""
    return {
        "code": one.code,
        "scheme": one.scheme,
        "kind": one.kind,
        "self": f"/v1/codes/{one.scheme}/{one.code}",
        "label": one.label,
        "parent": one.parent,
        "quad": one.quad,
    }


def described(shipped: Codes, one: Code) -> dict[str, Any]:
    """A code with all that is known about it."""
    cameo = one.scheme == "cameo"
    weight = shipped.weights.get(one.code) if cameo else None
    weigh = {name: shipped.goldstein(one.code, name) if cameo else None for name in DATASETS}
    return {
        **summary(one),
        "version": shipped.versions[one.scheme],
        "definition": one.definition,
        "ancestors": list(shipped.ancestors(one.code, one.scheme)),
        "children": list(shipped.children(one.code, one.scheme)),
        "quad_by_dataset": dict(one.quads),
        "goldstein": {**weigh, "note": None if weight is None else weight.note},
        "score": one.score,
        "needs_recipient": one.needs_recipient,
        "labels": {name: shipped.label(one.code, name) if cameo else None for name in DATASETS},
        "crosswalk": crosswalk(shipped, one) if cameo else None,
        "from_cameo": [] if cameo else list(shipped.cameo_of(one.code)),
        "events": events(one),
    }


def crosswalk(shipped: Codes, one: Code) -> dict[str, Any]:
    """What a CAMEO code becomes."""
    crossing = shipped.crossings[one.code]
    to = None if crossing.plover is None else shipped.plover(crossing.plover)
    mode = None if crossing.mode is None else f"{crossing.plover}-{crossing.mode}"
    leads = [name for name in (crossing.plover, mode, *crossing.contexts) if name is not None]
    return {
        "scheme": "plover",
        "version": shipped.versions["crosswalk"],
        "type": crossing.plover,
        "mode": crossing.mode,
        "contexts": list(crossing.contexts),
        "quad": None if to is None else to.quad,
        "codes": [f"/v1/codes/plover/{name}" for name in leads],
        "indistinguishable": list(shipped.alike(one.code)),
        "losses": list(shipped.losses(one.code)),
        "manual": crossing.manual,
        "note": crossing.note,
    }


def events(one: Code) -> str | None:
    """The request for the events that are coded with it; modes and contexts are no filter of ours."""
    if one.scheme == "cameo":
        return f"/v1/events?code={one.code}"
    return f"/v1/events?plover={one.code}" if one.kind == "type" else None
