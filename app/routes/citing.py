"""How any answer is cited: `cite=bibtex` or `cite=csl` asks the same question, and says where it is answered alike for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from app.answers import history
from app.errors import Fault
from app.formats import atom, cite
from app.query.params import refuse
from app.routes import reading
from app.routes.operations import Operation

Handler = Callable[[Request], Response]


def citable(one: Operation) -> Handler:
    """The operation's handler, which can also cite what it answers."""
    handler: Handler = one.handler
    if not one.versioned or not any(parameter.name == "cite" for parameter in one.parameters):
        return handler

    def run(request: Request) -> Response:
        asked = [value for name, value in reading.pairs_of(request) if name == "cite"]
        # What is no style, or is given twice, the handler refuses as it does every bad parameter.
        return citing(request, one, asked[0]) if len(asked) == 1 and asked[0] in cite.STYLES else handler(request)

    return run


def citing(request: Request, one: Operation, style: str) -> Response:
    """The citation of what the operation answers to the request; its refusals are ours."""
    pairs = [pair for pair in reading.pairs_of(request) if pair[0] != "cite"]
    conflicting(pairs)
    answer = one.handler(alone(request, pairs))
    revision = answer.headers.get("kb-revision")
    if answer.status_code != 200 or revision is None:
        return answer
    body = content(answer)
    here = reading.state(request)
    with here.database.read() as connection:
        log = history.log_of(connection, {int(revision)}).get(int(revision))
    told = cite.Citation(
        key=f"chancery-r{revision}-{sha256(replay(request, pairs, revision).encode()).hexdigest()[:8]}",
        title=title(one, pairs, body, revision),
        url=(here.settings.base or "") + replay(request, pairs, revision),
        revision=int(revision),
        published=None if log is None else date.fromisoformat(log.published_at[:10]),
        accessed=here.clock().date(),
        note=None if one.id.startswith("list_") else sentence(body),
    )
    said = cite.written(told, style)
    headers = {
        "ETag": f'"{revision}-{sha256(said).hexdigest()[:20]}"',
        "KB-Revision": revision,
        "Cache-Control": "no-cache",
        "Vary": "Accept",
        "Content-Disposition": f'inline; filename="{told.key}.{cite.ENDINGS[style]}"',
    }
    if reading.held(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(said, media_type=cite.STYLES[style], headers=headers)


def conflicting(pairs: Sequence[tuple[str, str]]) -> None:
    """Refuse what cannot be cited: a later page, or an answer in another form."""
    faults = [
        Fault("cursor", "cite names a whole walk, which begins with its first page; leave cursor out.")
        for name, _ in pairs
        if name == "cursor"
    ]
    faults += [
        Fault("format", f"cite and format={value[:20]} ask for two answers at once; leave one of them out.")
        for name, value in pairs
        if name == "format" and value != "json"
    ]
    refuse(faults)


def alone(request: Request, pairs: Sequence[tuple[str, str]]) -> Request:
    """The same request without the wish to have it cited."""
    headers = [
        (name, value)
        for name, value in Headers(scope=request.scope).raw
        if name not in (b"accept", b"if-none-match", b"last-event-id")
    ]
    return Request({**request.scope, "query_string": urlencode(pairs).encode(), "headers": headers}, request.receive)


def replay(request: Request, pairs: Sequence[tuple[str, str]], revision: str) -> str:
    """The address that is answered with the same bytes whatever is written later."""
    kept = [pair for pair in pairs if pair[0] not in ("as_of", "min_revision", "format")]
    return f"{quote(request.scope['path'], safe='/:@')}?{urlencode([*kept, ('as_of', revision)], safe=':@')}"


def content(answer: Response) -> Mapping[str, Any]:
    """What an answer says; nothing where it is no JSON object."""
    try:
        found = orjson.loads(bytes(answer.body))
    except (orjson.JSONDecodeError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def sentence(body: Mapping[str, Any]) -> str | None:
    """The question as the answer itself puts it."""
    coverage = body.get("coverage")
    query = coverage.get("query") if isinstance(coverage, dict) else None
    return query if isinstance(query, str) else None


def title(one: Operation, pairs: Sequence[tuple[str, str]], body: Mapping[str, Any], revision: str) -> str:
    """What is cited, in words: a record by what it is called, a list by its question, another question by what it asks."""
    if "items" not in body and isinstance(body.get("id"), str):
        return f"{str(body.get('type') or 'record').capitalize()} {body['id']}: {atom.headline(body)} (revision {revision})"
    asked = sentence(body)
    if one.id.startswith("list_") and asked is not None:
        return asked[:1].upper() + asked[1:]
    given = ", ".join(f"{name} {value}" for name, value in pairs if name not in ("as_of", "min_revision", "format"))
    return f"{one.summary}{f': {given}' if given else ''}; as of revision {revision}."
