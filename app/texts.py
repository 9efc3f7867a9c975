"""How the text of a source comes to be at hand, and goes away again: a matter of access, so no revision.

Every change raises a counter that stands beside the revision in each ETag: an answer that showed words is stale at once.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from app.errors import NotFound, TextRefused
from app.ledger import stamp
from app.models.source import source, source_text, text_access
from app.query.evidence import digest_of


def attach(connection: Connection, id: str, text: str, now: datetime) -> bool:
    """Keep the text of a source; says whether anything changed.

    Raises NotFound for a source that does not stand, TextRefused for a text that is not the one that was annotated.
    """
    row = connection.execute(
        select(source.c.sha256, source.c.characters).where(source.c.id == id, source.c.until.is_(None))
    ).first()
    if row is None:
        raise NotFound(
            f"There is no source {id[:80]!r} to attach a text to. `chancery list sources` shows those there are."
        )
    digest = digest_of(text)
    if digest != row.sha256:
        raise TextRefused(refusal(text, digest, row.sha256, row.characters))
    before = connection.execute(select(source_text.c.sha256).where(source_text.c.source == id)).scalar()
    if before == digest:
        return False
    connection.execute(delete(source_text).where(source_text.c.source == id))
    connection.execute(insert(source_text).values(source=id, sha256=digest, text=text, attached_at=stamp(now)))
    _changed(connection)
    return True


def withdraw(connection: Connection, id: str) -> bool:
    """Take the text of a source away: it is gone from every answer at once. Says whether one was there."""
    gone = connection.execute(delete(source_text).where(source_text.c.source == id)).rowcount > 0
    if gone:
        _changed(connection)
    return gone


def refusal(text: str, digest: str, expected: str | None, characters: int | None) -> str:
    """Why a text is not the one that was annotated, with what most often makes the difference."""
    hints = []
    for words, other in (
        ("without its last line break", text.removesuffix("\n")),
        ("with a line break at its end", text + "\n"),
        ("with Unix line breaks", text.replace("\r\n", "\n")),
        ("without a byte order mark", text.removeprefix("\ufeff")),
    ):
        if other != text and digest_of(other) == expected:
            hints.append(f"It would be the right one {words}.")
    if characters is not None and len(text) != characters and not hints:
        hints.append(f"It has {len(text)} code points, the annotated one has {characters}.")
    told = f"This is not the text that was annotated: its sha256 is {digest}, expected is {expected}. {' '.join(hints)}"
    return f"{told.strip()} Positions hold only in that very text, so it was not kept."


def _changed(connection: Connection) -> None:
    if connection.execute(update(text_access).values(changes=text_access.c.changes + 1)).rowcount == 0:
        connection.execute(insert(text_access).values(id=1, changes=1))
