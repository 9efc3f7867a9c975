"""What every subcommand uses: settings and database, files read with care, faults shown with their places."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import BadDossier, ChanceryError, Fault

if TYPE_CHECKING:
    from app.db import Database
    from app.ledger import Difference
    from app.settings import Settings
    from app.vocabularies import Vocabularies

Where = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="SQLAlchemy URL; else CHANCERY_DATABASE, else the file in CHANCERY_DATA."
    ),
]
Number = Annotated[int, typer.Argument(metavar="N", help="The revision's number.")]

TEXT_BYTES = 50_000_000  # the longest source's text; a thick book has 3 MB


class Unusable(ChanceryError):
    """Arguments or input that nothing can be done with: exit status 2."""


def say(text: str) -> None:
    """A line for people, on standard error."""
    typer.echo(text, err=True)


def settings_of(database: str | None) -> Settings:
    """The settings, with the address of the database where the command line names one. Raises Unusable for an unusable one."""
    from pydantic import ValidationError
    from sqlalchemy.exc import ArgumentError

    from app.settings import Settings

    try:
        settings = Settings(database=database) if database else Settings()
        settings.url  # noqa: B018 - it is read from the settings, and from the file with the password, when asked for
    except ValidationError as error:
        wrong = "; ".join(f"CHANCERY_{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        raise Unusable(f"A setting is not possible. {wrong}.") from None
    except (ArgumentError, ValueError):
        raise Unusable(
            "The database's address cannot be read. It looks like postgresql://user@host/name or sqlite:///file.db."
        ) from None
    except OSError as error:
        raise Unusable(f"CHANCERY_DATABASE_PASSWORD_FILE cannot be read: {error.strerror}.") from None
    return settings


@contextmanager
def opened(database: str | None, *, ready: bool = True) -> Iterator[tuple[Settings, Database]]:
    """The database that the command works on; with `ready`, refused unless its schema is current."""
    from app import schema
    from app.db import open_database, prepare_file
    from app.errors import Unavailable

    settings = settings_of(database)
    prepare_file(settings.url)
    base = open_database(settings.url, threads=2, read_seconds=600, wait_seconds=settings.write_wait_seconds)
    try:
        if ready:
            if settings.embedded:
                schema.migrate(base, settings.migrations)
            schema.require(base, settings.migrations)
        yield settings, base
    except Unavailable as error:
        shown = settings.url.render_as_string(hide_password=True)
        raise Unavailable(f"{shown}: {error.detail}") from error.__cause__
    finally:
        base.close()


def vocabularies_of(settings: Settings) -> Vocabularies:
    """The controlled vocabularies."""
    from app.vocabularies import load

    return load(settings.seed / "vocabularies")


def who() -> str:
    """Who runs the command, for the log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def read_file(file: Path, most: int, what: str = "A dossier") -> bytes:
    """A file's bytes. Raises Unusable for one that cannot be read, is a folder or is too large."""
    try:
        if file.is_dir():
            raise Unusable(f"{file} is a folder; name a file.")
        with file.open("rb") as opened:
            # One byte more than allowed: a pipe or a device has no size to ask for, and may never end.
            data = opened.read(most + 1)
    except (OSError, ValueError) as error:
        raise Unusable(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if len(data) > most:
        raise Unusable(f"{file} is too large: {what.lower()} may have {most:,} bytes.")
    return data


def read_key(file: Path) -> str:
    """The key that a file holds."""
    return read_file(file, 1_000, "A key").decode("ascii", "replace").strip()


def read_text(file: Path) -> str:
    """A text exactly as it is: UTF-8, no line break changed. Raises Unusable for what is not UTF-8."""
    try:
        return read_file(file, TEXT_BYTES, "A text").decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unusable(
            f"{file} is not UTF-8 (byte {error.start}); citations count code points of UTF-8 text."
        ) from error


def show_faults(file: Path, faults: tuple[Fault, ...], *, note: bool = False) -> None:
    """Every fault with its place, as editors and terminals make links of it."""
    for fault in faults:
        place = f"{file}:{fault.line}:{fault.column}" if fault.line is not None else str(file)
        say(f"{place}: {'note: ' if note else ''}{fault.name}: {fault.detail}")


def reporting(file: Path, work: Callable[[], Any]) -> Any:
    """Do something with a dossier; its faults are shown with their places."""
    try:
        return work()
    except BadDossier as error:
        show_faults(file, error.errors)
        n = len(error.errors)
        raise Unusable(f"{file}: {n} fault{'s' if n != 1 else ''}; nothing was written.") from None


def counted(difference: Difference) -> str:
    """A difference in words."""
    parts = [
        f"{sum(numbers.values())} {name} ({', '.join(f'{n} {noun}' for noun, n in numbers.items())})"
        for name, numbers in difference.counts().items()
        if numbers
    ]
    return ", ".join(parts) or "nothing"
