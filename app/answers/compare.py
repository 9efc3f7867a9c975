"""How agreements differ: a matrix of what each lays down, a row a matter, a column an agreement, each cell with its passages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, select

from app.answers import history
from app.errors import BadQuery, ChanceryError, Fault, Gone, Moved, NotFound
from app.models.actor import actor
from app.models.agreement import provision
from app.models.topic import topic
from app.query import page
from app.query.evidence import Texts
from app.query.fields import Match, View
from app.query.params import shown
from app.query.plan import moved
from app.query.sql import standing
from app.resources import RESOURCES
from app.vocabularies import Vocabularies

AGREEMENTS, PROVISIONS = RESOURCES["agreements"], RESOURCES["provisions"]
FEWEST, MOST = 2, 20
PROVISIONS_MOST = 2_000
ROWS = ("kind", "party", "signed", "in_force", "term", "occasion", "topic", "characterisation", "provision")

Record = dict[str, Any]
Cells = dict[str, list[Record]]  # by agreement


@dataclass(slots=True)
class Row:
    """A matter with what each agreement says to it; no entry means that nothing of it is recorded there."""

    group: str
    key: str | None
    label: str
    cells: Cells = field(default_factory=dict)

    def add(self, agreement: str, entry: Record) -> None:
        """Put an entry into an agreement's cell."""
        self.cells.setdefault(agreement, []).append(entry)


def check(ids: Sequence[str]) -> None:
    """Refuse what is no comparison: one agreement, too many, or the same one twice."""
    detail = None
    if len(ids) < FEWEST:
        detail = f"A comparison takes {FEWEST} to {MOST} agreements, as id=…&id=…; here is {len(ids)}. /v1/agreements lists them."
    elif len(ids) > MOST:
        detail = f"A comparison takes {MOST} agreements at most, not {len(ids)}. Compare fewer at once."
    elif len(set(ids)) < len(ids):
        twice = next(id for n, id in enumerate(ids) if id in ids[:n])
        detail = f"{shown(twice)} is there twice. Give each agreement once."
    if detail is not None:
        raise BadQuery(detail, errors=[Fault("id", detail)])


def agreements(
    connection: Connection, view: View, pairs: Sequence[tuple[str, str]], latest: int, texts: Texts
) -> list[Record]:
    """The agreements that a request names, in its order. Raises NotFound, Gone or Moved, naming each that is not to be had."""
    ids = [value for name, value in pairs if name == "id"]
    found = page.of_ids(connection, AGREEMENTS, view, ids)
    known = {record["id"]: record for record in page.records(connection, AGREEMENTS, view, found, texts)}
    lost = [id for id in ids if id not in known]
    if lost:
        raise refusal(connection, view, pairs, lost, latest)
    return [known[id] for id in ids]


def refusal(
    connection: Connection, view: View, pairs: Sequence[tuple[str, str]], lost: Sequence[str], latest: int
) -> ChanceryError:
    """Why some of the agreements cannot be compared: the gravest reason, with a line for each of them."""
    now = {id: moved(connection, view, id) for id in lost}
    if all(now.values()):
        told = "; ".join(f"{id} is {now[id]} now" for id in lost)
        again = [(name, (now.get(value) if name == "id" else None) or value) for name, value in pairs]
        return Moved(f"{told}.", to=f"/v1/agreements/compare?{urlencode(again, safe=':@')}")
    reasons = [history.missing(connection, AGREEMENTS, view, id, latest) for id in lost if not now[id]]
    kind = Gone if all(isinstance(reason, Gone) for reason in reasons) else NotFound
    return kind(" ".join(one.detail for one in reasons), errors=[Fault("id", one.detail) for one in reasons])


def matrix(
    connection: Connection, view: View, columns: Sequence[Record], groups: Sequence[str], terms: Vocabularies
) -> list[Row]:
    """The rows, in the order of ROWS; in it parties and topics by name, provisions as their vocabulary lists them."""
    laid = provisions(connection, view, [one["id"] for one in columns]) if "provision" in groups else []
    labels = named(connection, view, columns)
    found: list[Row] = []
    for group in ROWS:
        if group not in groups:
            continue
        match group:
            case "party":
                found += parties(columns, labels)
            case "topic":
                found += by_topic(columns, labels)
            case "provision":
                found += by_type(laid, terms)
            case "characterisation":
                found += [characterised(columns)]
            case _:
                found.append(plain(columns, group))
    return found


def provisions(connection: Connection, view: View, ids: Sequence[str]) -> list[Record]:
    """What the agreements lay down."""
    table = provision
    query = select(table.c.id, table.c.since, table.c.until, table.c.body)
    rows = connection.execute(
        query.where(table.c.agreement.in_(ids), standing(table, view)).order_by(table.c.id).limit(PROVISIONS_MOST + 1)
    ).all()
    if len(rows) > PROVISIONS_MOST:
        detail = f"These agreements lay down more than {PROVISIONS_MOST} things together. Compare fewer at once."
        raise BadQuery(detail, errors=[Fault("id", detail)])
    matches = [Match(None, row.id, row) for row in rows]
    return page.records(connection, PROVISIONS, view, matches, Texts(connection))


def named(connection: Connection, view: View, columns: Sequence[Record]) -> dict[str, str]:
    """The names of the parties and topics; a statement each."""
    who = sorted({one["actor"] for column in columns for one in column["parties"] or ()})
    what = sorted({one for column in columns for one in column["topics"] or ()})
    found: dict[str, str] = {}
    for table, label, ids in ((actor, actor.c.name, who), (topic, topic.c.label, what)):
        query = select(table.c.id, label.label("label")).where(table.c.id.in_(ids), standing(table, view))
        found |= {row.id: row.label for row in (connection.execute(query) if ids else ())}
    return found


def entry(value: Any, evidence: Sequence[Record], **more: Any) -> Record:
    """What an agreement says to a matter: one shape for every row, so that a table can be drawn of it."""
    empty = dict.fromkeys(("id", "self", "gloss", "provider", "recipient", "quantity", "commitment", "date"))
    return {"value": value, **empty, **more, "evidence": list(evidence)}


def plain(columns: Sequence[Record], name: str) -> Row:
    """A field that an agreement has once."""
    row = Row(name, None, name.replace("_", " "))
    for column in columns:
        value = column[name]
        if value is None:
            continue
        if name == "signed":
            row.add(column["id"], entry(value["edtf"] or value["words"], column["evidence"], date=value))
        elif name == "in_force":
            span = f"{value['from'] or '..'}/{value['until'] or '..'}"
            row.add(column["id"], entry(span, column["evidence"], gloss=value.get("basis")))
        else:
            row.add(column["id"], entry(value, column["evidence"]))
    return row


def parties(columns: Sequence[Record], labels: Mapping[str, str]) -> list[Row]:
    """A row for each party: in which role it is bound by which agreement."""
    found: dict[str, Row] = {}
    for column in columns:
        for one in column["parties"] or ():
            row = found.setdefault(one["actor"], Row("party", one["actor"], labels.get(one["actor"], one["actor"])))
            row.add(column["id"], entry(one["role"], one.get("evidence") or column["evidence"]))
    return sorted(found.values(), key=lambda row: (row.label, row.key))


def by_topic(columns: Sequence[Record], labels: Mapping[str, str]) -> list[Row]:
    """A row for each topic."""
    found: dict[str, Row] = {}
    for column in columns:
        for one in column["topics"] or ():
            row = found.setdefault(one, Row("topic", one, labels.get(one, one)))
            row.add(column["id"], entry(one, column["evidence"]))
    return sorted(found.values(), key=lambda row: (row.label, row.key))


def characterised(columns: Sequence[Record]) -> Row:
    """How somebody characterises the agreements, and in whose voice."""
    row = Row("characterisation", None, "characterisation")
    for column in columns:
        for one in column["characterisations"] or ():
            row.add(column["id"], entry(one["voice"], one.get("evidence") or column["evidence"], gloss=one["gloss"]))
    return row


def by_type(laid: Sequence[Record], terms: Vocabularies) -> list[Row]:
    """A row for each type of provision that one of the agreements has."""
    known = terms["provision_type"]
    found: dict[str, Row] = {}
    for one in laid:
        row = found.setdefault(one["type"], Row("provision", one["type"], one["type"].replace("_", " ")))
        told = {name: one[name] for name in ("id", "self", "gloss", "provider", "recipient", "quantity", "commitment")}
        row.add(one["agreement"], entry(one["gloss"], one["evidence"], **told))
    order = {id: n for n, id in enumerate(known.ids)}
    return sorted(found.values(), key=lambda row: (order.get(row.key or "", len(order)), row.key))


# ── How it is said ──────────────────────────────────────────────────────────────────────────────────────────────────


def mark(row: Row, ids: Sequence[str]) -> str:
    """How many of the agreements say something to a matter: all, some, one or none."""
    n = sum(id in row.cells for id in ids)
    return "all" if n == len(ids) else "none" if n == 0 else "one" if n == 1 else "some"


def alike(row: Row, ids: Sequence[str]) -> bool | None:
    """Whether all say the same; None where it is not for a program to tell, or where not all say something.

    The wording of two provisions or characterisations can differ and mean the same.
    """
    if row.group in ("provision", "characterisation") or any(id not in row.cells for id in ids):
        return None
    told = {tuple(sorted(str(one["value"]) for one in row.cells[id])) for id in ids}
    return len(told) == 1


def as_json(row: Row, ids: Sequence[str], listed: Sequence[tuple[str, str]]) -> Record:
    """A row as the API shows it; `listed` are the parameters of the reader that every link keeps."""
    return {
        "group": row.group,
        "key": row.key,
        "label": row.label,
        "mark": mark(row, ids),
        "alike": alike(row, ids),
        "has": [id for id in ids if id in row.cells],
        "lacks": [id for id in ids if id not in row.cells],
        "items": items(row, ids, listed),
        "cells": {id: row.cells.get(id, []) for id in ids},
    }


def items(row: Row, ids: Sequence[str], listed: Sequence[tuple[str, str]]) -> str | None:
    """The request that lists the provisions of a row; None for other rows, whose records are the agreements themselves."""
    if row.group != "provision":
        return None
    pairs = [("type", row.key or ""), *(("agreement", id) for id in ids), *listed]
    return f"/v1/provisions?{urlencode(pairs, safe=':@')}"


def table(rows: Sequence[Row], ids: Sequence[str]) -> Iterable[list[Any]]:
    """The matrix as lines of cells, the header first; several entries of a cell stand behind each other."""
    yield ["group", "key", "label", "mark", *ids]
    for row in rows:
        cells = ["; ".join(cell(one) for one in row.cells.get(id, ())) for id in ids]
        yield [row.group, row.key or "", row.label, mark(row, ids), *cells]


def cell(one: Record) -> str:
    """An entry as text, with the passages it rests on."""
    text = one["gloss"] if one["gloss"] and one["id"] else one["value"]
    text = f"{one['gloss']} ({one['value']})" if one["gloss"] and not one["id"] else text
    cited = ", ".join(f"{item['source']} {item['paragraph']}.{item['sentence']}" for item in one["evidence"])
    return f"{text} [{cited}]" if cited else str(text)
