"""How records are shown, and the log of changes with what a crash left open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.common import (
    Number,
    Where,
    opened,
    read_file,
    reporting,
    say,
    vocabularies_of,
)
from app.errors import ChanceryError, NotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.db import Database
    from app.query.fields import Record, View


def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="The id of any record, such as shigeru-ishiba.")],
    database: Where = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="WHEN", help="As it was at a revision, a day or a moment.")
    ] = None,
    enrichment: Annotated[bool, typer.Option("--enrichment", help="With knowledge from outside the sources.")] = False,
) -> None:
    """Print one record as JSON: of whatever noun, a passage, an office and a vocabulary's term included."""
    import orjson

    from app import ledger
    from app.query.fields import View
    from app.times import utc_now

    with opened(database) as (_, base), base.read() as connection:
        latest = ledger.latest(connection)
        view = View(latest if as_of is None else ledger.revision_at(connection, as_of, utc_now()), enrichment)
        record = found(connection, view, id, latest)
    typer.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())


def found(connection: Connection, view: View, id: str, latest: int) -> Record:
    """The record of an id; that of its new id where it was renamed. Raises NotFound or Gone, which say what would show it."""
    from app import ledger
    from app.answers.history import meant, missing
    from app.query.page import one
    from app.query.params import shown
    from app.query.plan import moved
    from app.resources import NOUNS

    noun = ledger.noun_of(connection, id)
    if noun is None and ":" in id:
        # What only datasets brought is noted nowhere but in their own tables.
        coded = (one(connection, NOUNS[name], view, id) for name in ("event", "actor"))
        record = next((one_ for one_ in coded if one_ is not None), None)
        if record is not None:
            return record
    if noun is None or noun not in NOUNS:
        near = meant(connection, id, latest)
        raise NotFound(f"There is no record {shown(id)!r}." + (f" Did you mean {near}?" if near else ""))
    record = one(connection, NOUNS[noun], view, id)
    if record is not None:
        return record
    now = moved(connection, view, id)
    if now is not None:
        say(f"{id} is {now} now.")
        return found(connection, view, now, latest)
    why = missing(connection, NOUNS[noun], view, id, latest)
    # Its sentences are written for HTTP.
    said = why.detail.replace("enrichment=true", "--enrichment").replace("as_of=", "--as-of ")
    raise type(why)(said)


def list_(database: Where = None) -> None:
    """List every revision, one that is open or was abandoned included."""
    from sqlalchemy import select

    from app.models.revision import revision

    with opened(database) as (_, base), base.read() as connection:
        for row in connection.execute(select(revision).order_by(revision.c.number)):
            when = row.published_at or row.opened_at
            typer.echo(f"{row.number:>6}  {row.state:<9}  {when}  {row.kind:<12}  {row.by}: {row.why}")


def show_revision(number: Number, database: Where = None) -> None:
    """Show what a revision did, record by record."""
    from sqlalchemy import select

    from app import ledger
    from app.models.revision import revision

    with opened(database) as (_, base), base.read() as connection:
        row = connection.execute(select(revision).where(revision.c.number == number)).first()
        if row is None:
            raise ChanceryError(f"There is no revision {number}; the latest is {ledger.latest(connection)}.")
        typer.echo(f"Revision {row.number} ({row.state}), {row.kind}, by {row.by}: {row.why}")
        for step in ledger.steps(connection, number, enrichment=True):
            typer.echo(f"  {step.act:<8} {step.noun:<10} {step.id}" + (f"  ({step.why})" if step.why else ""))


def resume(number: Number, database: Where = None) -> None:
    """Finish an open revision that a crash left behind."""
    import orjson

    from app import ledger
    from app.dossiers import publish
    from app.times import utc_now

    with opened(database) as (settings, base):
        with base.read() as connection:
            row = ledger.opened(connection)
        if row is None or row.number != number:
            raise ChanceryError(f"Revision {number} is not open, so there is nothing to resume.")
        job = orjson.loads(row.job)
        if ledger.mirrored(row.job) is not None:
            raise ChanceryError(
                f"Revision {number} is half of a mirror's: run `chancery mirror` again, which begins it anew."
            )
        if "import" in job:
            resume_import(base, number)
            return
        if "load" not in job:
            raise ChanceryError(
                f"Revision {number} does not say how to go on with it; `chancery revisions abandon {number}` drops it."
            )
        file = Path(job["load"])
        data = read_file(file, settings.body_bytes)
        reporting(
            file,
            lambda: publish.resume(base, number, data, vocabularies_of(settings), clock=utc_now, folder=file.parent),
        )
        typer.echo(f"Revision {number} is published.")


def resume_import(base: Database, number: int) -> None:
    """Do an import again under the number it had."""
    from app.importers import runner
    from app.importers.progress import shown
    from app.times import utc_now

    with shown() as progress:
        summary = runner.resume(base, number, clock=utc_now, progress=progress)
    for line in summary.lines():
        typer.echo(line)


def abandon(number: Number, database: Where = None) -> None:
    """Drop an open revision: nobody ever sees what it wrote."""
    from app import ledger

    with opened(database) as (_, base), base.write() as connection:
        row = ledger.opened(connection)
        if row is not None and row.number == number and ledger.mirrored(row.job) is not None:
            ledger.forget(connection, number)  # its number is the other one's, and is needed again
        else:
            ledger.abandon(connection, number)
    typer.echo(f"Revision {number} is abandoned.")
