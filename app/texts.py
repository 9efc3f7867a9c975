"""How the text of a source comes to be at hand, and goes away again: a matter of access, so no revision.

Every change raises a counter that stands beside the revision in each ETag: an answer that showed words is stale at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from unicodedata import normalize

from sqlalchemy import Connection, delete, insert, select, update

from app import indexing
from app.errors import NotFound, TextRefused
from app.ledger import stamp
from app.models.source import source, source_text, text_access
from app.query.evidence import digest_of

SHOWN = 20  # sources that a refusal names


def attach(connection: Connection, id: str, text: str, now: datetime, *, retracted: bool = False) -> bool:
    """Keep the text of a source, where asked also of a `retracted` one; says whether anything changed.

    Raises NotFound for a source that does not stand, TextRefused for a text that is not the one that was annotated.
    """
    versions = select(source.c.sha256, source.c.characters).where(source.c.id == id).order_by(source.c.since.desc())
    row = connection.execute(versions if retracted else versions.where(source.c.until.is_(None))).first()
    if row is None:
        raise no_source(connection, id)
    _turn(connection)
    told = difference(text, row.sha256, row.characters)
    if told is not None:
        raise TextRefused(f"{told} Positions hold only in that very text, so it was not kept.")
    digest = digest_of(text)
    before = connection.execute(select(source_text.c.sha256).where(source_text.c.source == id)).scalar()
    if before == digest:
        return False
    connection.execute(delete(source_text).where(source_text.c.source == id))
    connection.execute(insert(source_text).values(source=id, sha256=digest, text=text, attached_at=stamp(now)))
    indexing.attached(connection, id, text)
    _changed(connection)
    return True


def withdraw(connection: Connection, id: str) -> bool:
    """Take the text of a source away: it is gone from every answer at once. Says whether one was there.

    Raises NotFound for a source that never was; one that was retracted may still have its text, which can be taken away.
    """
    _turn(connection)
    gone = connection.execute(delete(source_text).where(source_text.c.source == id)).rowcount > 0
    if gone:
        indexing.withdrawn(connection, id)
        _changed(connection)
    elif id not in source_ids(connection):
        raise no_source(connection, id)
    return gone


def source_ids(connection: Connection) -> list[str]:
    """The sources that stand."""
    return list(
        connection.scalars(select(source.c.id).where(source.c.until.is_(None)).distinct().order_by(source.c.id))
    )


def no_source(connection: Connection, id: str) -> NotFound:
    """That there is no such source, with some that there are."""
    ids = source_ids(connection)
    more = " …" if len(ids) > SHOWN else ""
    return NotFound(f"There is no source {id[:80]!r}. There are: {', '.join(ids[:SHOWN]) or 'none'}{more}.")


def difference(text: str, expected: str | None, characters: int | None) -> str | None:
    """Why a text is not the one that was annotated, with what most often makes the difference; None where it is."""
    digest = digest_of(text)
    if expected is None or digest == expected:
        return None
    told = f"This is not the text that was annotated: its sha256 is {digest}, expected is {expected}."
    return f"{told} {cause(text, expected, characters)}"


def cause(text: str, expected: str, characters: int | None) -> str:
    """What makes a text another than the one with the digest `expected`, as far as it can be told without that one."""
    for words, other in likely(text):
        if digest_of(other) == expected:
            return f"It would be the right one {words}."
    if characters is None or len(text) == characters:
        return "It is as long as that one, so single characters were changed."
    return f"It has {len(text)} code points, the annotated one has {characters}."


def likely(text: str) -> Iterator[tuple[str, str]]:
    """What an editor, a mail program or a download most often does to a text, undone: by itself, and all of it at once."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    bare = plain.rstrip("\n")
    yield "without its last line break", text.removesuffix("\n")
    yield "without a byte order mark", text.removeprefix("\ufeff")
    yield "with Unix line breaks", text.replace("\r\n", "\n")
    yield "without blank lines and blanks at its beginning and end", text.strip()
    yield "with a line break at its end", text + "\n"
    yield "with Unix line breaks, without a byte order mark and without line breaks at its end", bare
    yield "with Unix line breaks, without a byte order mark and with one line break at its end", bare + "\n"
    yield "with composed characters (Unicode NFC)", normalize("NFC", text)


def _turn(connection: Connection) -> None:
    """Wait until nobody else changes texts: two that attach the same one at once would meet at its key."""
    connection.execute(select(text_access.c.changes).where(text_access.c.id == 1).with_for_update())


def _changed(connection: Connection) -> None:
    connection.execute(update(text_access).values(changes=text_access.c.changes + 1))
