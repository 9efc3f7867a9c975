"""How a knowledge base is served, kept up to date, looked over and copied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.common import (
    Unusable,
    Where,
    counted,
    opened,
    say,
    settings_of,
    vocabularies_of,
)

if TYPE_CHECKING:
    pass


def serve(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen; else CHANCERY_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, metavar="N", help="Which port; 0 takes a free one.")
    ] = None,
    database: Where = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, metavar="N", help="How many processes serve.")] = None,
    seed: Annotated[bool, typer.Option(help="Fill an empty embedded database with the seed.")] = True,
) -> None:
    """Serve the API, its docs and the explorer.

    An embedded database is migrated, and seeded while it is empty; one on a server has to be migrated before. SIGTERM lets
    accepted requests finish.
    """
    from app import server
    from app.settings import overridden

    settings_of(database)
    settings = overridden(host=host, port=port, database=database, workers=workers)
    # Before the database is touched: a port that is in use is the likeliest refusal.
    sockets = server.bound(settings.host, settings.port)
    make_ready(seed)
    server.run(settings, sockets)


def make_ready(seed: bool) -> None:
    """Migrate an embedded database, and seed it while it is empty; refuse one on a server that is not at this schema."""
    from app import ledger
    from app.seeding import BY
    from app.seeding import seed as plant
    from app.times import utc_now

    with opened(None) as (settings, base):
        with base.read() as connection:
            untouched = ledger.opened(connection) is None and ledger.writers(connection) <= {BY}
        # A first start that was cut short goes on here; once anybody else has written, the seed is theirs to change.
        if settings.embedded and seed and untouched:
            plant(base, settings.seed, vocabularies_of(settings), clock=utc_now)


def migrate(database: Where = None) -> None:
    """Bring the database's schema to this version's.

    Safe to kill and to run twice at once.
    """
    from app import schema

    with opened(database, ready=False) as (settings, base):
        before = schema.migrate(base, settings.migrations)
        typer.echo("The schema is current." if before == "current" else f"The schema was {before} and is current now.")


def seed(database: Where = None) -> None:
    """Publish the vocabularies and dossiers of the seed, where they do not stand already."""
    from app.seeding import seed as plant
    from app.seeding import seed_vocabularies
    from app.times import utc_now

    with opened(database) as (settings, base):
        terms = vocabularies_of(settings)
        number = seed_vocabularies(base, terms, clock=utc_now)
        lines = [] if number is None else [f"Revision {number}: the vocabularies."]
        for one in plant(base, settings.seed, terms, clock=utc_now):
            if one.revision is not None:
                lines.append(f"Revision {one.revision}: {counted(one.difference)}.")
        typer.echo("\n".join(lines) or "Nothing changed.")


def doctor(database: Where = None) -> None:
    """Look the database over, and say what is wrong and how to mend it.

    Looks at schema, integrity, indexes, dangling references and what a crash left open. Exit status 1 where something is wrong.
    """
    from app.doctor import examine

    with opened(database, ready=False) as (settings, base):
        ailments = list(examine(base, settings.migrations))
    for ailment in ailments:
        say(ailment)
    if ailments:
        raise typer.Exit(1)
    typer.echo("Nothing is wrong.")


def reindex(database: Where = None) -> None:
    """Make the index that searches look in again, from the records and the texts at hand.

    Only where `chancery doctor` asks for it. Readers see the old index until the new one is complete.
    """
    from app import indexing

    with opened(database) as (_, base), base.write() as connection:
        rows = indexing.rebuild(connection)
    typer.echo(f"The index was made again: {rows:,} rows.")


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not be there yet.")],
    database: Where = None,
) -> None:
    """Copy the database into FILE, safely while it is served."""
    from app.copies import back_up

    if not file.absolute().parent.is_dir():
        raise Unusable(f"There is no folder {file.parent} to write the copy into.")
    with opened(database) as (settings, base):
        typer.echo(back_up(base, settings.url, file))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `chancery backup` wrote.")],
    database: Where = None,
    force: Annotated[bool, typer.Option(help="Replace a database that is there.")] = False,
) -> None:
    """Put a backup in the database's place; stop the server first."""
    from app.copies import put_back

    typer.echo(put_back(settings_of(database).url, file, force=force))
