"""What can go wrong, each with the HTTP status, the title and the page of our docs that explains it.

ChanceryError
├── BadRequest          400  a request that HTTP itself or a browser's rules for other origins turn down
├── BadQuery            422  a parameter is unknown, malformed or out of range
│   ├── BadCursor       422  a cursor that is not ours, or of another query
│   ├── BadDate         422  a date that is not EDTF, or a day that does not exist
│   └── AmbiguousName   422  a name that stands for several actors
├── Unauthorized        401  a key is missing, malformed, expired or revoked
├── Forbidden           403  a key that may not do this
├── NotFound            404  no record, or no page, at this address
├── Gone                410  a record that was retracted
├── Moved               308  a record that was renamed or merged
├── MethodNotAllowed    405
├── NotAcceptable       406  a format this resource does not have
├── TooSlow             408  a body that did not arrive in time
├── Conflict            409  somebody else writes, or an open revision was left behind
│   └── InUse           409  a record that others refer to
├── LostRace            412  a record that is not, or not any more, what the writer took it for
├── TooLarge            413
├── AddressTooLong      414
├── UnknownMedia        415  a body in a format that is not read here
├── BadDossier          422  a dossier with faults, each with its place
├── BadRecord           422  a record with faults, each with its place
├── KeyReused           422  an Idempotency-Key that came with another request before
├── TextRefused         422  a text that is not the one which was annotated
├── NoPrecondition      428  an edit that does not say which version it is of
├── TooMany             429  more requests than are allowed in a minute
├── Unavailable         503  the database is away or behind
└── SchemaMismatch      503  the database's schema is not the one this version works with
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, with its place: a parameter of a request, or a line of a file."""

    name: str
    detail: str
    where: Literal["query", "path", "header", "body"] = "query"
    line: int | None = None
    column: int | None = None

    def as_json(self) -> dict[str, object]:
        """This fault as an item of a problem document's `errors`."""
        place = {"line": self.line, "column": self.column} if self.line is not None else {}
        return {"in": self.where, "name": self.name, "detail": self.detail, **place}


class ChanceryError(Exception):
    """A refusal or failure that a person can act upon; its text says what happened, what is allowed and what to do."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        current: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.current = current  # the record as it stands, where it is another than the writer thought


class BadRequest(ChanceryError):
    status, kind, title = 400, "bad-request", "Bad request"


class BadQuery(ChanceryError):
    status, kind, title = 422, "bad-query", "Bad query"


class BadCursor(BadQuery):
    kind, title = "bad-cursor", "Bad cursor"


class BadDate(BadQuery):
    kind, title = "bad-date", "Bad date"


class AmbiguousName(BadQuery):
    kind, title = "ambiguous-name", "Ambiguous name"


class Unauthorized(ChanceryError):
    status, kind, title = 401, "unauthorized", "Key needed"


class Forbidden(ChanceryError):
    status, kind, title = 403, "forbidden", "Not allowed with this key"


class NotFound(ChanceryError):
    status, kind, title = 404, "not-found", "Not found"


class Gone(ChanceryError):
    status, kind, title = 410, "gone", "Retracted"


class Moved(ChanceryError):
    """A record that has another id now; `to` is the new one."""

    status, kind, title = 308, "moved", "Moved permanently"

    def __init__(self, detail: str, *, to: str) -> None:
        super().__init__(detail)
        self.to = to


class MethodNotAllowed(ChanceryError):
    status, kind, title = 405, "method-not-allowed", "Method not allowed"


class NotAcceptable(ChanceryError):
    status, kind, title = 406, "not-acceptable", "Not acceptable"


class TooSlow(ChanceryError):
    status, kind, title = 408, "too-slow", "Body too slow"


class Conflict(ChanceryError):
    status, kind, title = 409, "conflict", "Conflict"


class InUse(Conflict):
    kind, title = "in-use", "Others refer to it"


class LostRace(ChanceryError):
    status, kind, title = 412, "lost-race", "Changed meanwhile"


class TooLarge(ChanceryError):
    status, kind, title = 413, "too-large", "Too large"


class AddressTooLong(ChanceryError):
    status, kind, title = 414, "address-too-long", "Address too long"


class UnknownMedia(ChanceryError):
    status, kind, title = 415, "unknown-media", "Format not read here"


class BadDossier(ChanceryError):
    status, kind, title = 422, "bad-dossier", "Dossier with faults"


class BadRecord(ChanceryError):
    status, kind, title = 422, "bad-record", "Record with faults"


class KeyReused(ChanceryError):
    status, kind, title = 422, "key-reused", "Idempotency-Key used before"


class TextRefused(ChanceryError):
    status, kind, title = 422, "text-refused", "Text refused"


class NoPrecondition(ChanceryError):
    status, kind, title = 428, "no-precondition", "Say which version you edit"


class TooMany(ChanceryError):
    status, kind, title = 429, "too-many", "Too many requests"


class Unavailable(ChanceryError):
    status, kind, title = 503, "unavailable", "Temporarily unavailable"


class SchemaMismatch(ChanceryError):
    status, kind, title = 503, "schema-mismatch", "Schema mismatch"
