"""How keys are made, listed and revoked: whoever holds one may read or write over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

import typer

from app.commands.common import Unusable, Where, opened, say
from app.errors import BadQuery


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is; the log of changes names it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="read, write or admin, joined by commas; else write."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="DATE", help="Its last day (UTC), or a moment; else no end.")
    ] = None,
    database: Where = None,
) -> None:
    """Make a key and print it, this once.

    `write` reads as well; `admin` accepts and refuses proposals besides. It stands alone on standard output, so that a script can
    take it; kept is only its digest.
    """
    from app.times import utc_now
    from app.writing import keys

    scopes = [one.strip() for some in scope or ["write"] for one in some.split(",") if one.strip()]
    try:
        with opened(database) as (_, base), base.write() as connection:
            key, secret = keys.add(connection, name, scopes, utc_now(), None if expires is None else end_of(expires))
    except BadQuery as error:
        raise Unusable(error.detail) from None
    say(f"The key of {key.name} ({', '.join(key.scopes)}), shown this once:")
    typer.echo(secret)


def end_of(expires: str) -> datetime:
    """The moment at which a key ends: the one that is given, or the end of the day."""
    from app.times import parse_moment

    moment = parse_moment(expires)
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), UTC) + timedelta(days=1)


def list_(database: Where = None) -> None:
    """List every key, revoked and expired ones included: never the key itself."""
    from app.times import utc_now
    from app.writing import keys

    with opened(database) as (_, base), base.read() as connection:
        now = utc_now()
        for row in keys.listed(connection):
            end = f"until {row.expires_at}" if row.expires_at else "no end"
            state = keys.state_of(row, now)
            typer.echo(f"chy_{row.id}_…  {state:<8}  {row.scopes:<16}  {row.name}  (made {row.made_at}, {end})")


def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, or its id as `keys list` shows it.")],
    database: Where = None,
) -> None:
    """End a key at once; what it wrote stays, and its name is never used again."""
    from app.times import utc_now
    from app.writing import keys

    with opened(database) as (_, base), base.write() as connection:
        ended = keys.revoke(connection, name, utc_now())
    typer.echo(f"{name}: {'revoked' if ended else 'was revoked before'}.")
