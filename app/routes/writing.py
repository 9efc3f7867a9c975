"""How the knowledge base is written over HTTP: dossiers published, texts attached and taken away."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from math import inf
from typing import Final

import anyio
import orjson
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app import ledger, texts
from app.dossiers import document, publish
from app.errors import (
    BadDossier,
    BadRequest,
    Fault,
    NotFound,
    TextRefused,
    TooLarge,
    TooSlow,
    Unavailable,
    UnknownMedia,
)
from app.query.fields import Choice, Resource, View, Word, YesNo
from app.query.params import LIST, READ, Parameter, parse_plain
from app.query.shapes import boolean, listed, maybe, obj, string, whole
from app.resources import RESOURCES
from app.resources.sources import text_at_hand
from app.routes import reading
from app.routes.access import require
from app.routes.lists import class_name
from app.routes.operations import Body, HeaderParameter, Operation, PathParameter
from app.settings import Settings
from app.writing import edits, lone, merges, proposals, publishing, retries
from app.writing.acts import Desk
from app.writing.edits import Edit, Precondition
from app.writing.large import undisturbed
from app.writing.merges import Merge
from app.writing.parts import PARTS
from app.writing.retries import Answer, Asked

QUEUE_SECONDS: Final = 30.0  # by which a write that waits for its thread is turned down: its client has given up
CHECK_SECONDS: Final = 300.0  # a read is given up sooner, but checking the largest dossier is work, not waiting
BYTES: Final = "application/octet-stream"
# What generators of clients cannot make is taken, and told in words: YAML for dossiers, text/plain for texts.
YAML: Final = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
RETRY = HeaderParameter(
    "Idempotency-Key",
    "A name of your own for this request, up to 255 printable characters: whoever repeats it gets the same answer, and nothing is "
    "done twice.",
    "3f2b0c9e-publish-fenwick",
)
IF_MATCH = HeaderParameter(
    "If-Match", "The ETag that GET gave at this address, or *: which version is meant.", '"12-3f2b0c9e"'
)
IF_NONE_MATCH = HeaderParameter("If-None-Match", "`*`: make a record where none stands.", "*")
ENRICHMENT = next(one for one in READ if one.name == "enrichment")
WHY = Parameter("why", "The reason, for the log.", Word(2_000), "The date was misread.")
STATE = Parameter(
    "state",
    "`proposed`: keep the dossier for review instead of publishing it.",
    Choice(("published", "proposed")),
    "proposed",
    default="published",
)
STATE_OF = Parameter("state", "Only proposals of this state.", Choice(("proposed", "accepted", "refused")), "proposed")
LIMIT = next(one for one in LIST if one.name == "limit")
CURSOR = Parameter("cursor", "`next_cursor` of the page before.", Word(200), "")
WORDS_MOST: Final = 2_000
DRY = Parameter("dry_run", "Say what would change; write nothing.", YesNo(), "true", default="false")
PROBLEMS = (400, 401, 403, 406, 408, 413, 414, 415, 422, 429, 500, 503)
ANY = {"type": "object", "additionalProperties": True}

PUBLICATION = obj(
    "What publishing a dossier did.",
    {
        "type": string("publication."),
        "dossier": string("Its id."),
        "published": boolean("False where nothing changed."),
        "revision": whole("The revision that published it; the newest one where nothing changed."),
        "counts": {**ANY, "description": "Records created, updated and retracted, by noun."},
        "unchanged": whole("Records that stood like this before."),
        "self": string("The revision."),
        "changes": string("What it changed.", null=True),
    },
)
CHANGED = obj(
    "A record in a difference.",
    {
        "type": string("The noun."),
        "id": string(),
        "self": string("", null=True),
        "after": {**ANY, "description": "The record as it would be; of a new one."},
        "fields": {**ANY, "description": "Each field that would change, before and after; of one that stands."},
        "why": string("The reason; of one that would be retracted."),
        "now": string("The id that it would lead to; of one that would be renamed."),
    },
    optional=("self", "after", "fields", "why", "now"),
)
DIFFERENCE = obj(
    "What publishing a dossier would change.",
    {
        "type": string("difference."),
        "dossier": string("Its id."),
        "revision": whole("The revision that it was compared with."),
        "counts": {**ANY, "description": "Records created, updated and retracted, by noun."},
        "unchanged": whole("Records that stand like this already."),
        "created": listed({"$ref": "#/components/schemas/ChangedRecord"}),
        "updated": listed({"$ref": "#/components/schemas/ChangedRecord"}),
        "retracted": listed({"$ref": "#/components/schemas/ChangedRecord"}),
        "renamed": listed({"$ref": "#/components/schemas/ChangedRecord"}),
    },
)
ACCESS = obj(
    "Whether the text of a source is at hand.",
    {
        "type": string("text."),
        "source": string("The source's id."),
        "text": string("attached, open or withheld."),
        "changed": boolean("Whether this request changed it."),
    },
)
RETRACTION = obj(
    "What a retraction did.",
    {
        "type": string("The noun."),
        "id": string(),
        "act": string("retract."),
        "why": string("The reason."),
        "revision": whole(),
        "self": string("The revision."),
        "before": string("The record as it stood before."),
    },
)
PROPOSAL = obj(
    "A dossier that waits for review, or was decided.",
    {
        "id": string(),
        "type": string("proposal."),
        "self": string(),
        "state": string("proposed, accepted or refused."),
        "dossier": string("The id of the dossier."),
        "title": string(),
        "by": string("The key that proposed it."),
        "why": string(),
        "at": string("RFC 3339, UTC."),
        "decided": {**ANY, "type": ["object", "null"], "description": "By whom, when and why it was decided."},
        "revision": whole("The revision that published it.", null=True),
        "difference": maybe("Difference", "What it would change now."),
        "faults": listed({"$ref": "#/components/schemas/Fault"}, "Why it does not fit any more."),
    },
    optional=("difference", "faults"),
)
MERGE = obj(
    "What a merge or its undo did.",
    {
        "type": string("merge or unmerge."),
        "id": string("The id that leads to the other one, or did."),
        "into": string("The other one."),
        "why": string(),
        "revision": whole(),
        "changed": whole("Records that were changed."),
        "self": string("The revision."),
        "record": string("The one record, or the one that is itself again."),
        "changes": string("What it changed, record by record."),
    },
)
COMPONENTS = {
    "Proposal": PROPOSAL,
    "ProposalPage": obj(
        "Proposals.", {"items": listed({"$ref": "#/components/schemas/Proposal"}), "next_cursor": string("", null=True)}
    ),
    "Merge": MERGE,
    "MergeRequest": obj("Into which record, and why.", {"into": string("The id of the other one."), "why": string()}),
    "DecisionRequest": obj("Why.", {"why": string()}),
    "Retraction": RETRACTION,
    "Publication": PUBLICATION,
    "Difference": DIFFERENCE,
    "ChangedRecord": CHANGED,
    "TextAccess": ACCESS,
}


def operations() -> Iterator[Operation]:
    """The routes."""
    yield Operation(
        "/v1/dossiers",
        "publish_dossier",
        "writing",
        "Publish a dossier",
        "Validates a dossier as `chancery check` does and publishes what it changes as one revision, whole or not at all. "
        "With `dry_run=true` it says what would change, with `state=proposed` it waits for somebody to accept it. 200 where "
        "nothing changes.",
        publishing_dossier,
        {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Publication", "Difference", "Proposal")]},
        (DRY, STATE, WHY),
        problems=(*PROBLEMS, 409),
        method="POST",
        scope="write",
        body=Body(
            "The dossier in JSON, or with Content-Type application/yaml in YAML; its schema is /v1/schemas/dossier.json.",
            schema=ANY,
        ),
        headers=(RETRY,),
        done={200: "Nothing changed, or this was a dry run.", 201: "The revision is published, or the proposal kept."},
    )
    yield from reviewing()
    yield from merging_of(RESOURCES["actors"])
    for resource in RESOURCES.values():
        if resource.noun in PARTS:
            yield from edits_of(resource)
    source = PathParameter("id", "The id of a source.", "")
    yield Operation(
        "/v1/sources/{id}/text",
        "attach_text",
        "sources",
        "Attach the text of a source",
        "Keeps the text of a source, so that passages show their words. Refused unless it is the very text that was annotated. "
        "It is a matter of access and no revision.",
        attaching,
        {"$ref": "#/components/schemas/TextAccess"},
        (),
        (source,),
        problems=(*PROBLEMS, 404),
        method="PUT",
        scope="write",
        body=Body(
            "The text, UTF-8, exactly as it was annotated, as text/plain or application/octet-stream.",
            (BYTES,),
            {"type": "string", "format": "binary", "maxLength": 5_000_000},
        ),
        headers=(RETRY,),
        done={200: "The text is at hand."},
    )
    yield Operation(
        "/v1/sources/{id}/text",
        "withdraw_text",
        "sources",
        "Take the text of a source away",
        "The words are gone from every answer at once, `as_of` an earlier revision included.",
        withdrawing,
        {"$ref": "#/components/schemas/TextAccess"},
        (),
        (source,),
        problems=(*PROBLEMS, 404),
        method="DELETE",
        scope="write",
        headers=(RETRY,),
        done={200: "The text is not at hand."},
    )


def merging_of(resource: Resource) -> Iterator[Operation]:
    """How two records of a resource become one, and apart again."""
    id = PathParameter("id", f"The id of the {resource.noun} that is another one.", "")
    yield Operation(
        f"/v1/{resource.name}/{{id}}/merge",
        f"merge_{resource.noun}",
        resource.name,
        f"Merge one {resource.noun} into another",
        "Every record that names the one names the other from now on, which takes over its names and the rest; the old id answers "
        "308. One revision, and it can be undone.",
        partial(merging, resource=resource),
        {"$ref": "#/components/schemas/Merge"},
        (),
        (id,),
        problems=(*PROBLEMS, 308, 404, 409, 410),
        method="POST",
        scope="write",
        body=Body("Into which one, and why.", schema={"$ref": "#/components/schemas/MergeRequest"}),
        headers=(RETRY,),
        done={200: "They are one."},
    )
    yield Operation(
        f"/v1/{resource.name}/{{id}}/merge",
        f"unmerge_{resource.noun}",
        resource.name,
        f"Undo the merge of one {resource.noun}",
        "Takes back what the merge changed, field by field; what was written since stays. Refused where that stands in the way, "
        "and in the middle of a chain of merges, the last of which is undone first.",
        partial(unmerging, resource=resource),
        {"$ref": "#/components/schemas/Merge"},
        (WHY,),
        (id,),
        problems=(*PROBLEMS, 404, 409, 410),
        method="DELETE",
        scope="write",
        headers=(RETRY,),
        done={200: "They are two again."},
    )


def reviewing() -> Iterator[Operation]:
    """How proposals are read and decided."""
    id = PathParameter("id", "The id of a proposal.", "20260101120000000000-arden")
    yield Operation(
        "/v1/proposals",
        "list_proposals",
        "writing",
        "List the proposals",
        "Dossiers that wait for somebody to accept or refuse them, or that were decided, in the order in which they came.",
        proposing,
        {"$ref": "#/components/schemas/ProposalPage"},
        (STATE_OF, LIMIT, CURSOR),
        problems=(406, 414, 422, 500, 503),
        versioned=False,
    )
    yield Operation(
        "/v1/proposals/{id}",
        "get_proposal",
        "writing",
        "Show a proposal",
        "What it would change now; or, where it does not fit any more, its faults.",
        showing_proposal,
        {"$ref": "#/components/schemas/Proposal"},
        (),
        (id,),
        problems=(404, 406, 414, 422, 500, 503),
        versioned=False,
    )
    for verb, handler, words in (
        (
            "accept",
            accepting,
            "Publishes it as one revision, against what stands now. Where it does not fit any more, its faults.",
        ),
        ("refuse", refusing, "It is not published; whoever proposed it reads the reason."),
    ):
        yield Operation(
            f"/v1/proposals/{{id}}/{verb}",
            f"{verb}_proposal",
            "writing",
            f"{verb.capitalize()} a proposal",
            words,
            handler,
            {"$ref": "#/components/schemas/Proposal"},
            (),
            (id,),
            problems=(*PROBLEMS, 404, 409),
            method="POST",
            scope="admin",
            body=Body("Why.", schema={"$ref": "#/components/schemas/DecisionRequest"}),
            headers=(RETRY,),
            done={200: "It is decided."},
        )


def edits_of(resource: Resource) -> Iterator[Operation]:
    """How one record of a resource is put and retracted."""
    record = {"$ref": f"#/components/schemas/{class_name(resource)}"}
    id = PathParameter("id", f"The id of a {resource.noun}.", "")
    yield Operation(
        f"/v1/{resource.name}/{{id}}",
        f"put_{resource.noun}",
        resource.name,
        f"Create or replace one {resource.noun}",
        "The record as GET shows it at this address, checked as a dossier is; what is computed may be left out. With "
        "`enrichment=true` it is the whole record; without, knowledge from outside that stands beside it stays as it is.",
        partial(putting, resource=resource),
        record,
        (ENRICHMENT, WHY),
        (id,),
        problems=(*PROBLEMS, 308, 409, 412, 428),
        method="PUT",
        scope="write",
        body=Body("The record.", ("application/json",), ANY),
        headers=(IF_MATCH, IF_NONE_MATCH, RETRY),
        done={200: "The record as it stands now.", 201: "The record, which is new."},
    )
    yield Operation(
        f"/v1/{resource.name}/{{id}}",
        f"retract_{resource.noun}",
        resource.name,
        f"Retract one {resource.noun}",
        "It stands no longer, for the reason given; it stays readable `as_of` before. Refused while other records refer to it.",
        partial(retracting, resource=resource),
        {"$ref": "#/components/schemas/Retraction"},
        (ENRICHMENT, WHY),
        (id,),
        problems=(*PROBLEMS, 308, 404, 409, 410, 412, 428),
        method="DELETE",
        scope="write",
        headers=(IF_MATCH, RETRY),
        done={200: "It is retracted."},
    )


# ── How a write comes in ────────────────────────────────────────────────────────────────────────────────────────────


def endpoint(one: Operation) -> Callable[[Request], Awaitable[Response]]:
    """A route that writes: its key looked at, then its body read, then its work done in a thread that no read waits for."""
    scope = one.scope or "write"

    async def run(request: Request) -> Response:
        here = reading.state(request)
        require(request.scope.get("key"), scope)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise UnknownMedia(f"Bodies in the encoding {encoding[:40]!r} are not read here. Send it as it is.")
        try:
            body = await whole_body(request, here.settings.body_bytes, here.settings.body_seconds)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there any more
        async with thread(here.settings, desk(request)):
            return await to_thread.run_sync(one.handler, request, body, limiter=UNLIMITED.get())

    return run


async def whole_body(request: Request, most: int, seconds: float) -> bytes:
    """The body of a request. Raises TooLarge, whatever length it declares, and TooSlow."""
    parts: list[bytes] = []
    length = 0
    with anyio.move_on_after(seconds) as late:
        async for part in request.stream():
            length += len(part)
            if length > most:
                raise TooLarge(f"The body has more than {most} bytes, the most that are possible.")
            parts.append(part)
    if late.cancelled_caught:
        raise TooSlow(f"The body did not arrive within {seconds:g} s. Nothing was changed; send it again.")
    return b"".join(parts)


# One for each event loop, which a process that serves has one of.
WRITERS: RunVar[CapacityLimiter] = RunVar("writers")
UNLIMITED: RunVar[CapacityLimiter] = RunVar("unlimited")


class thread:
    """A thread to write in, beside those that read, so that writes wait for one another and no read for them.

    Raises Unavailable where too many wait for one, or it does not come in time.
    """

    def __init__(self, settings: Settings, desk: Desk) -> None:
        self.desk = desk
        try:
            self.limiter = WRITERS.get()
        except LookupError:
            self.limiter = CapacityLimiter(settings.write_threads)
            WRITERS.set(self.limiter)
            UNLIMITED.set(CapacityLimiter(inf))
        self.most = settings.writes_waiting

    async def __aenter__(self) -> None:
        if self.limiter.statistics().tasks_waiting >= self.most:
            raise crowded(self.desk.turn.taken)
        with anyio.move_on_after(QUEUE_SECONDS) as late:
            await self.limiter.acquire_on_behalf_of(self)
        if late.cancelled_caught:
            raise crowded(self.desk.turn.taken)

    async def __aexit__(self, *_: object) -> None:
        self.limiter.release_on_behalf_of(self)


def crowded(at_work: str) -> Unavailable:
    """The 503 of a write that finds no thread; `at_work` is whose turn it is."""
    return Unavailable(
        f"Too many writes wait already{at_work}. Nothing was changed; try again shortly.", headers={"Retry-After": "2"}
    )


def media(request: Request, offered: Sequence[str]) -> str:
    """The format of a body, among those that are read. Raises UnknownMedia for another one, or none."""
    given, *rest = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charset = next((part.partition("=")[2].strip("\"'") for part in rest if part.startswith("charset=")), "utf-8")
    if given not in offered or charset not in ("utf-8", "utf8", "us-ascii"):
        asked = request.headers.get("content-type", "")[:80]
        raise UnknownMedia(
            f"Content-Type {asked!r} is not read here. Send {' or '.join(offered)}, in UTF-8."
            if asked
            else f"Say in Content-Type what the body is: {' or '.join(offered)}."
        )
    return given


PRINTABLE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def asked_of(request: Request, body: bytes) -> Asked:
    """A write as it came. Raises BadRequest for an Idempotency-Key that is none."""
    given = request.headers.getlist("idempotency-key")
    if len(given) > 1 or (given and not PRINTABLE.fullmatch(given[0])):
        detail = "An Idempotency-Key comes once and has 1 to 255 printable ASCII characters."
        raise BadRequest(detail, errors=[Fault("Idempotency-Key", detail, "header")])
    facts = [
        request.method,
        request.url.path,
        sorted(reading.pairs_of(request)),
        [request.headers.get(name) for name in ("content-type", "if-match", "if-none-match")],
        sha256(body).hexdigest(),
    ]
    digest = sha256(orjson.dumps(facts)).hexdigest()
    key = require(request.scope.get("key"), "write")
    return Asked(key, given[0] if given else None, digest, reading.state(request).settings.idempotency_hours)


def desk(request: Request) -> Desk:
    """Where the writes of this application are done."""
    found: Desk = request.app.state.desk
    return found


def said(answer: Answer) -> Response:
    """An answer with its headers."""
    headers = {"Cache-Control": "no-store", **answer.headers}
    if answer.repeated:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer.body, status_code=answer.status, media_type=reading.JSON, headers=headers)


def before(request: Request, asked: Asked) -> Response | None:
    """The answer that this request got before, or None."""
    if asked.retry is None:
        return None
    here = reading.state(request)
    with here.database.read() as connection:
        known = retries.answered(connection, asked, here.clock())
    return None if known is None else said(known)


def json_only(request: Request) -> None:
    """Refuse a representation that an answer to a write does not have."""
    reading.representation(request, None, ())


# ── The routes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@undisturbed()
def publishing_dossier(request: Request, body: bytes) -> Response:
    here = reading.state(request)
    values = parse_plain(reading.pairs_of(request), (DRY, STATE, WHY), here.vocabularies)
    json_only(request)
    kind = media(request, ("application/json", *YAML))
    asked = asked_of(request, body)
    if (known := before(request, asked)) is not None:
        return known
    if kind == "application/json":
        in_json(body, here.settings.body_bytes)
    with here.database.read(CHECK_SECONDS) as connection:
        prepared = publish.prepare(connection, body, here.vocabularies, most_bytes=here.settings.body_bytes)
        publishing.limited(prepared, here.settings.dossier_records)
        if values.get("dry_run"):
            told = publishing.difference(connection, prepared)
            return said(Answer.of(200, told, KB_Revision=str(prepared.basis)))
    if values.get("state") == proposals.WAITING:
        return said(proposals.propose(desk(request), asked, prepared, body, values.get("why")))
    return said(publishing.published(desk(request), asked, prepared, values.get("why")))


def in_json(body: bytes, most: int) -> None:
    """Refuse what calls itself JSON and is none, YAML above all: with the place where it ends to be."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        # Ours says where; what only orjson minds is told by the checks that follow.
        document.read(body, as_json=True, most_bytes=most)


def merging(request: Request, body: bytes, resource: Resource) -> Response:
    def work(asked: Asked) -> Answer:
        said = fields_of(body, "into", "why")
        return merges.merge(desk(request), asked, Merge(resource, id_of(request), said["into"], said["why"]))

    return decided(request, body, work)


def unmerging(request: Request, body: bytes, resource: Resource) -> Response:
    values = parse_plain(reading.pairs_of(request), (WHY,), reading.state(request).vocabularies)
    if "why" not in values:
        reading.required("why", "the reason, for the log", f"{request.url.path}?why=They+are+two.")
    asked = asked_of(request, body)
    if (known := before(request, asked)) is not None:
        return known
    return said(merges.undo(desk(request), asked, resource, id_of(request), values["why"]))


@undisturbed()
def accepting(request: Request, body: bytes) -> Response:
    here = reading.state(request)

    def work(asked: Asked) -> Answer:
        why = fields_of(body, "why")["why"]
        return proposals.accept(desk(request), asked, id_of(request), why, here.vocabularies)

    return decided(request, body, work)


def refusing(request: Request, body: bytes) -> Response:
    return decided(
        request,
        body,
        lambda asked: proposals.turn_down(desk(request), asked, id_of(request), fields_of(body, "why")["why"]),
    )


def decided(request: Request, body: bytes, work: Callable[[Asked], Answer]) -> Response:
    """A write whose body is a few words in JSON."""
    parse_plain(reading.pairs_of(request), (), reading.state(request).vocabularies)
    json_only(request)
    media(request, ("application/json",))
    asked = asked_of(request, body)
    known = before(request, asked)
    return known if known is not None else said(work(asked))


def id_of(request: Request) -> str:
    """The id in an address; one that no record can have is the id of none."""
    id: str = request.path_params["id"]
    return id if reading.plausible(id) else ""


def fields_of(body: bytes, *names: str) -> dict[str, str]:
    """The text under each of these keys of a body, all of which it needs. Raises BadRecord with every fault."""
    try:
        read = document.read(body, as_json=True)
    except BadDossier as error:
        raise lone.refusal(error.errors) from None
    root, place = read.root, read.root.place
    faults = list(read.faults)
    faults += [
        Fault(
            entry.name[:80],
            f"There is no such key here. There are: {', '.join(names)}.",
            "body",
            place.line,
            place.column,
        )
        for entry in root.entries
        if entry.name not in names
    ]
    told = {name: (root.text(name) or "").strip() for name in names}
    for name, value in told.items():
        if not 0 < len(value) <= WORDS_MOST:
            faults.append(
                Fault(
                    name, f"`{name}` is needed: text of 1 to {WORDS_MOST} characters.", "body", place.line, place.column
                )
            )
    if faults:
        raise lone.refusal(tuple(faults))
    return told


def proposing(request: Request) -> Response:
    here = reading.state(request)
    values = parse_plain(reading.pairs_of(request), (STATE_OF, LIMIT, CURSOR), here.vocabularies)
    json_only(request)
    limit = values.get("limit", here.settings.page_rows)
    with here.database.read() as connection:
        items = proposals.listed(connection, values.get("state"), values.get("cursor", ""), limit + 1)
    cursor = items[limit - 1]["id"] if len(items) > limit else None
    told = {"items": items[:limit], "next_cursor": cursor}
    link = ", ".join(reading.next_link(request, cursor))
    return said(Answer.of(200, told, Link=link))


@undisturbed()
def showing_proposal(request: Request) -> Response:
    here = reading.state(request)
    parse_plain(reading.pairs_of(request), (), here.vocabularies)
    json_only(request)
    with here.database.read() as connection:
        told = proposals.shown(connection, id_of(request), here.vocabularies)
    return said(Answer.of(200, told))


def putting(request: Request, body: bytes, resource: Resource) -> Response:
    here = reading.state(request)
    edit = edit_of(request, resource)
    media(request, ("application/json",))
    asked = asked_of(request, body)
    if (known := before(request, asked)) is not None:
        return known
    return said(edits.put(desk(request), asked, edit, body, here.vocabularies))


def retracting(request: Request, body: bytes, resource: Resource) -> Response:
    edit = edit_of(request, resource)
    if edit.why is None:
        reading.required(
            "why", "the reason, which readers of the record will see", f"{edit.address}?why=It+was+misread."
        )
    asked = asked_of(request, body)
    if (known := before(request, asked)) is not None:
        return known
    return said(edits.retract(desk(request), asked, edit))


def edit_of(request: Request, resource: Resource) -> Edit:
    """Which record is meant, and of which version."""
    here = reading.state(request)
    id = request.path_params["id"]
    values = parse_plain(reading.pairs_of(request), (ENRICHMENT, WHY), here.vocabularies)
    json_only(request)
    if not reading.plausible(id):
        raise NotFound(
            f"There is no {resource.noun} of this id, and none can be made: ids are words joined by hyphens."
        )
    read = [pair for pair in reading.pairs_of(request) if pair[0] != WHY.name]
    return Edit(
        resource,
        id,
        precondition(request),
        values.get("enrichment", False),
        lambda view, words: reading.tag(view, words, request.url.path, read),
        values.get("why"),
    )


TAGS: Final = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*')


def precondition(request: Request) -> Precondition:
    """Which version a writer means. Raises BadRequest for what RFC 9110 (13.1) does not know, or for both at once."""
    match, none = (", ".join(request.headers.getlist(name)).strip() for name in ("if-match", "if-none-match"))
    if match and none:
        raise unreadable(
            "If-Match", "Send If-Match for a record that stands or If-None-Match: * for a new one, not both."
        )
    if none:
        if none != "*":
            raise unreadable(
                "If-None-Match", "Of If-None-Match only * is possible here: make a record where none stands."
            )
        return Precondition(absent=True)
    if not match or match == "*":
        return Precondition(("*",) if match else ())
    tags = match.split(",")
    if len(tags) > 100 or not all(TAGS.fullmatch(one) for one in tags):
        raise unreadable(
            "If-Match", 'If-Match is *, or up to 100 ETags in quotes joined by commas, such as "12-3f2b0c9e".'
        )
    # A weak tag never matches here: it says that something like it was seen.
    return Precondition(tuple(tag.strip() for tag in tags))


def unreadable(name: str, detail: str) -> BadRequest:
    """The refusal of a header."""
    return BadRequest(detail, errors=[Fault(name, detail, "header")])


def attaching(request: Request, body: bytes) -> Response:
    here = reading.state(request)
    parse_plain(reading.pairs_of(request), (), here.vocabularies)
    json_only(request)
    media(request, ("text/plain", BYTES))
    asked = asked_of(request, body)
    if (known := before(request, asked)) is not None:
        return known
    id = request.path_params["id"]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextRefused(
            f"The text is not UTF-8 (byte {error.start}); citations count code points of UTF-8 text."
        ) from None
    if "\0" in text:
        raise TextRefused("The text holds U+0000, which no text that was annotated can hold.")

    def work(connection: Connection) -> Answer:
        if not reading.plausible(id):
            raise texts.no_source(connection, "")
        new = texts.attach(connection, id, text, here.clock())
        return access_of(connection, id, changed=new)

    return said(desk(request).note(asked, work))


def withdrawing(request: Request, body: bytes) -> Response:
    here = reading.state(request)
    parse_plain(reading.pairs_of(request), (), here.vocabularies)
    json_only(request)
    asked = asked_of(request, body)
    if (known := before(request, asked)) is not None:
        return known
    id = request.path_params["id"]

    def work(connection: Connection) -> Answer:
        if not reading.plausible(id):
            raise texts.no_source(connection, "")
        gone = texts.withdraw(connection, id)
        return access_of(connection, id, changed=gone)

    return said(desk(request).note(asked, work))


def access_of(connection: Connection, id: str, *, changed: bool) -> Answer:
    """What a change of access is answered."""
    latest = ledger.latest(connection)
    now = text_at_hand(connection, View(latest, enrichment=True), [id])[id]["text"]
    return Answer.of(200, {"type": "text", "source": id, "text": now, "changed": changed}, KB_Revision=str(latest))
