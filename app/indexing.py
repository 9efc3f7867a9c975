"""How records come to be found by their words: what a version offers to a search, and how the whole index is made again.

The ledger calls this at the same write as the version itself, so what is not published is not found, and `as_of` finds what was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from app.coded.question import codes
from app.coded.wording import CODE_ID, CODED_ACTOR, CODED_CODE
from app.codes.values import DATASETS
from app.models.base import WHOLE
from app.models.coded import coded_actor, coded_month
from app.models.search import searchable
from app.models.source import source_text, text_access
from app.query import text_index
from app.query.evidence import digest_of
from app.query.fields import Field, Record, Resource
from app.query.text import folded
from app.query.text_index import Entry
from app.resources import NOUNS
from app.resources.sources import PASSAGES, SOURCES

PAGE: Final = 2000  # code points of a source's text that are searched as one: about a page
CHUNK: Final = 500
SHOWN: Final = 5  # rows that an ailment names

Key = Mapping[str, Any]  # since, face and until of a version


def put(connection: Connection, resource: Resource, versions: Iterable[tuple[Key, Record]]) -> None:
    """Let versions of a noun's records be found: by their own words and, where it is at hand, by the text of their source."""
    some = list(versions)
    entries = [entry(resource, key, record) for key, record in some]
    if resource in (PASSAGES, SOURCES) and some:
        # Whoever attaches a text meanwhile waits, and then finds these versions.
        turn(connection)
        wanted = {source_of(resource, record) for _, record in some}
        for id, held in texts_of(connection, wanted).items():
            mine = [(key, record) for key, record in some if source_of(resource, record) == id]
            entries += of_text(resource, mine, id, held)
    text_index.put(connection, entries)


def turn(connection: Connection) -> None:
    """Wait until nobody else changes what texts are at hand."""
    # An UPDATE that changes nothing rather than FOR UPDATE: it is one on both databases.
    connection.execute(update(text_access).where(text_access.c.id == 1).values(changes=text_access.c.changes))


def entry(resource: Resource, key: Key, record: Record) -> Entry:
    """A version by its own words and the ids that it names."""
    fields: dict[str, list[str | None]] = {}
    for line in resource.sought:
        fields.setdefault(line.weight, []).extend(line.take(record))
    if resource.naming:
        fields.setdefault("linked", []).extend(ids_named(resource, record))
    held = {name: folded(texts) for name, texts in fields.items()}
    return Entry(resource.noun, record["id"], key["since"], key["face"], held, key.get("until"))


def ids_named(resource: Resource, record: Record) -> Iterator[str]:
    """The ids that a record names, its own first, each once."""
    found: dict[str, None] = {}
    for name in resource.naming:
        line = resource.field(name)
        found |= dict.fromkeys([record["id"]] if line is None else ids_in(record, line))
    yield from found


def ids_in(record: Record, line: Field) -> Iterator[str]:
    """The ids that a field of a record holds."""
    value = record.get(line.name)
    for link in line.links:
        for item in value if isinstance(value, list) else [value]:
            inner = item.get(link.at) if link.at is not None and isinstance(item, dict) else item
            if isinstance(inner, str):
                yield inner


# ── Texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def source_of(resource: Resource, record: Record) -> str:
    """The source whose text a passage or a source itself can show."""
    found: str = record["source"] if resource is PASSAGES else record["id"]
    return found


def texts_of(connection: Connection, sources: Iterable[str]) -> dict[str, str]:
    """The texts at hand of these sources."""
    query = select(source_text.c.source, source_text.c.text).where(source_text.c.source.in_(sorted(sources)))
    return {row.source: row.text for row in connection.execute(query)}


def of_text(resource: Resource, versions: Sequence[tuple[Key, Record]], source: str, held: str) -> list[Entry]:
    """What the text of a source adds to versions of the source itself or of its passages, where it is the text they mean."""
    found = []
    digest = digest_of(held)
    for key, record in versions:
        if resource is SOURCES:
            parts = list(pages(held)) if record.get("sha256") in (None, digest) else []
        else:
            start, end = record["start"], record["end"]
            same = end <= len(held) and digest_of(held[start:end]) == record["sha256"]
            parts = [(start, end)] if same else []
        for start, end in parts:
            fields = {"text": folded([held[start:end]])}
            own = (resource.noun, record["id"], key["since"], key["face"])
            found.append(Entry(*own, fields, key.get("until"), source=source, start=start))
    return found


def pages(held: str) -> Iterator[tuple[int, int]]:
    """A text in parts of about a page, cut between paragraphs, else between sentences, else between words."""
    begin = 0
    while begin < len(held):
        end = min(len(held), begin + PAGE)
        if end < len(held):
            cuts = (held.rfind(sign, begin + PAGE // 2, end) + len(sign) for sign in ("\n", ". ", " "))
            end = next((cut for cut in cuts if cut > begin + PAGE // 2), end)
        yield begin, end
        begin = end


def attached(connection: Connection, source: str, held: str) -> None:
    """Let a source and its passages be found by a text that has come to be at hand, whichever version a reader asks for."""
    text_index.withdrawn(connection, source)
    entries: list[Entry] = []
    for resource, column in ((SOURCES, SOURCES.table.c.id), (PASSAGES, PASSAGES.table.c.source)):
        table = resource.table
        query = select(table.c.id, table.c.since, table.c.face, table.c.until, table.c.body).where(column == source)
        versions = [version(row) for row in connection.execute(query)]
        entries += of_text(resource, versions, source, held)
    text_index.put(connection, entries)


def withdrawn(connection: Connection, source: str) -> None:
    """Let nobody find a text that was taken away."""
    text_index.withdrawn(connection, source)


# ── Datasets ────────────────────────────────────────────────────────────────────────────────────────────────────────


def put_names(connection: Connection, number: int | None = None) -> None:
    """Let what datasets name be found: the actors and codes that a revision brought, or all of them.

    Their events have no words but these, so a search for events looks here.
    """
    c = coded_actor.c
    query = select(c.number, c.id, c.name, c.since).order_by(c.number)
    if number is not None:
        query = query.where(c.since == number)
    rows = connection.execute(query)
    while some := rows.fetchmany(CHUNK):
        entries = [
            Entry(CODED_ACTOR, row.id, row.since, WHOLE, {"name": folded([row.name])}, place=row.number) for row in some
        ]
        text_index.put(connection, entries)
    m, s = coded_month.c, searchable.c
    first = select(m.code, func.min(m.since).label("since")).group_by(m.code).order_by(m.code)
    if number is not None:
        first = first.where(m.since == number)
    there = set(connection.scalars(select(s.id).where(s.noun == CODED_CODE)))
    text_index.put(
        connection,
        [
            Entry(CODED_CODE, CODE_ID + row.code, row.since, WHOLE, wording_of(row.code))
            for row in connection.execute(first).all()
            if row.code and CODE_ID + row.code not in there
        ],
    )
    text_index.settled(connection)


def wording_of(code: str) -> dict[str, str]:
    """The words of a code: its labels in every dataset, or the label that stands for one, and what it means."""
    known = codes()
    cameo = known.cameo(code) or known.cameo(known.code_of(code) or "")
    found = cameo or known.plover(code)
    labels = [code, found.label if found else None]
    labels += [known.label(cameo.code, name) for name in DATASETS] if cameo else []
    return {"name": folded(dict.fromkeys(labels)), "gloss": folded([found.definition if found else None])}


# ── All of it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def rebuild(connection: Connection) -> int:
    """Make the index again from the records, the texts at hand and the actors of datasets; says how many rows it has.

    It reads of each noun's table only what every version has, so that a migration can call it whatever came after.
    """
    text_index.make(connection)
    there = set(inspect(connection).get_table_names())
    for resource in NOUNS.values():
        if resource.table.name in there:
            for some in versions_of(connection, resource):
                put(connection, resource, some)
    put_names(connection)
    return connection.execute(select(func.count()).select_from(searchable)).scalar_one()


def versions_of(connection: Connection, resource: Resource) -> Iterator[list[tuple[Key, Record]]]:
    """Every version of a noun's records, a few hundred at a time, older ones first."""
    table = resource.table
    query = select(table.c.id, table.c.since, table.c.face, table.c.until, table.c.body)
    rows = connection.execute(query.order_by(table.c.since, table.c.id, table.c.face))
    while some := rows.fetchmany(CHUNK):
        yield [version(row) for row in some]


def version(row: Any) -> tuple[Key, Record]:
    """A row of a noun's table as the key of the version and what the record says."""
    return {"since": row.since, "face": row.face, "until": row.until}, {**orjson.loads(row.body), "id": row.id}


def ailments(connection: Connection) -> Iterator[str]:
    """What is wrong with the index, in words; nothing where it is as it would be made now."""
    mend = "Searches may miss records. Run `chancery reindex`."
    how = text_index.engine(connection)
    try:
        held = connection.execute(text(how.COUNT)).scalar_one()
    except DBAPIError:
        yield f"The index of words, search_words, is missing or damaged. {mend}"
        return
    rows = connection.execute(select(func.count()).select_from(searchable)).scalar_one()
    if held != rows:
        yield f"The index of words has {held} rows where {rows} belong. {mend}"
    for resource in NOUNS.values():
        lost = _unsearched(connection, resource)
        if lost:
            yield f"{len(lost)} of the newest {resource.name} cannot be searched as they stand, {lost[0]} among them. {mend}"


def _unsearched(connection: Connection, resource: Resource) -> list[str]:
    """Those of the newest versions of a noun whose words do not stand in the index as they would be put there now."""
    table = resource.table
    if not resource.sought and not resource.naming:
        return []
    query = select(table.c.id, table.c.since, table.c.face, table.c.until, table.c.body)
    newest = connection.execute(query.order_by(table.c.since.desc(), table.c.id).limit(CHUNK)).all()
    s = searchable.c
    own = select(searchable).where(s.id.in_(sorted({row.id for row in newest})), s.source.is_(None))
    there = {(row.id, row.since, row.face): row for row in connection.execute(own)}
    lost = []
    for row in newest:
        wanted = entry(resource, *version(row))
        found = there.get((row.id, row.since, row.face))
        if not any(wanted.fields.values()):
            continue
        if (
            found is None
            or found.until != row.until
            or any(found._mapping[name] != held for name, held in wanted.fields.items())
        ):
            lost.append(row.id)
    return lost
