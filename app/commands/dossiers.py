"""How dossiers are checked, published and pinned, and citations proved."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.common import (
    Unusable,
    Where,
    counted,
    opened,
    read_file,
    read_text,
    reporting,
    say,
    settings_of,
    show_faults,
    vocabularies_of,
    who,
)
from app.errors import ChanceryError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.answers.verification import Verification
    from app.ledger import Difference
    from app.settings import Settings

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Dossiers, YAML or JSON.")]
Why = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="The reason, for the log; else the title.")]


def check(
    files: Files,
    text: Annotated[
        Path | None,
        typer.Option("--text", metavar="TEXT", help="The source's text: every citation is proved against it."),
    ] = None,
    database: Where = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Without a database: references to other records cannot be followed.")
    ] = False,
) -> None:
    """Report every fault of a dossier with line, column and what to do.

    Writes nothing. Exit status 2 where there are faults.
    """
    from app.dossiers.check import check as checked

    settings = settings_of(database)
    terms = vocabularies_of(settings)
    words = None if text is None else read_text(text)
    wrong = 0
    with references(settings, database, alone=alone) as known:
        for file in files:
            try:
                data = read_file(file, settings.body_bytes)
            except Unusable as error:
                say(error.detail)
                wrong += 1
                continue
            result = checked(data, vocabularies=terms, known=known, text=words)
            show_faults(file, result.faults)
            show_faults(file, result.notes, note=True)
            wrong += len(result.faults)
            if not result.faults:
                typer.echo(f"{file}: no faults.")
    if wrong:
        raise Unusable(f"{wrong} fault{'s' if wrong != 1 else ''}.")


@contextmanager
def references(settings: Settings, database: str | None, *, alone: bool) -> Iterator[Callable[[str], str | None]]:
    """A function that tells which noun the record of an id is; it knows none where there is no database. Makes none either."""
    from app import schema
    from app.dossiers.publish import known

    if alone or not exists(settings):
        yield lambda _: None
        return
    with opened(database, ready=False) as (_, base):
        schema.require(base, settings.migrations)
        with base.read() as connection:
            yield known(connection)


def exists(settings: Settings) -> bool:
    """Whether there is a database to look references up in: a check makes none."""
    return not settings.embedded or Path(settings.url.database or "").exists()


def load(
    files: Files,
    why: Why = None,
    database: Where = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
) -> None:
    """Publish each dossier as one revision.

    What changed and nothing else; nothing where nothing changed. The files are taken in the order given.
    """
    from app.dossiers.publish import prepare, publish
    from app.times import utc_now

    with opened(database) as (settings, base):
        terms = vocabularies_of(settings)
        for file in files:
            data = read_file(file, settings.body_bytes)
            with base.read() as connection:
                work = partial(prepare, connection, data, terms, folder=file.parent, most_bytes=settings.body_bytes)
                prepared = reporting(file, work)
                lines = list(listed(connection, prepared.difference)) if dry_run else []
            if dry_run:
                typer.echo(f"{file}: would publish {counted(prepared.difference)}.")
                for line in lines:
                    typer.echo(f"  {line}")
                continue
            job = {"load": str(file.resolve())}
            told = publish(
                base, prepared, by=who(), clock=utc_now, why=why, job=job, wait_seconds=settings.write_wait_seconds
            )
            typer.echo(
                f"{file}: nothing changed."
                if told.revision is None
                else f"{file}: revision {told.revision}, {counted(told.difference)}."
            )


def listed(connection: Connection, difference: Difference) -> Iterator[str]:
    """A difference record by record: `+` new, `~` changed, and in which fields, `-` retracted, and why."""
    import orjson

    from app import ledger
    from app.answers.history import changed
    from app.resources import NOUNS

    for noun, record in difference.created:
        yield f"+ {noun} {record['id']}"
    for noun, record in difference.updated:
        _, before = ledger.current(connection, NOUNS[noun], [record["id"]])[record["id"]]
        yield f"~ {noun} {record['id']}: {', '.join(changed(orjson.loads(before), record))}"
    for noun, reasons in difference.retracted.items():
        for id, why in reasons.items():
            yield f"- {noun} {id}: {why}"


def pin(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A working dossier that quotes its source.")],
    text: Annotated[Path, typer.Option("--text", metavar="TEXT", help="The source's text.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; else standard output.")
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", "-i", help="Write back into FILE.")] = False,
) -> None:
    """Turn the quotations of a working dossier into positions and digests.

    Comments, order and layout stay. Where a quotation is not found exactly once, nothing is written.
    """
    from app.dossiers.pin import pin as pinned

    if in_place and output is not None:
        raise Unusable("Say --in-place or --output, not both.")
    data = read_file(file, settings_of(None).body_bytes)
    words = read_text(text)
    done = reporting(file, lambda: pinned(data, words))
    target = file if in_place else output
    if target is None:
        sys.stdout.buffer.write(done)
        return
    replace_file(target, done)
    typer.echo(f"{target}: {'nothing was left to pin' if done == data else 'pinned'}.")


def replace_file(target: Path, data: bytes) -> None:
    """Write a file whole or not at all, with the rights it had: a full disk leaves the old one."""
    from app.copies import write_whole

    real = target.resolve()
    try:
        rights = real.stat().st_mode if real.exists() else None
        write_whole(real, data)
        if rights is not None:
            real.chmod(rights)
    except OSError as error:
        raise ChanceryError(f"{target} cannot be written: {error.strerror}. It is as it was.") from error


def attach(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source's id.")],
    text: Annotated[
        Path | None, typer.Argument(metavar="[TEXT]", help="Its text, exactly as it was annotated.")
    ] = None,
    database: Where = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the text away again.")] = False,
) -> None:
    """Keep the text of a source, so that passages show their words.

    Refused unless it is the very text that was annotated. It is no revision, and can be taken away at any time.
    """
    from app import texts
    from app.times import utc_now

    if withdraw == (text is not None):
        raise Unusable("Name the text to attach, or say --withdraw, not both.")
    words = None if text is None else read_text(text)
    with opened(database) as (_, base), base.write() as connection:
        if words is None:
            gone = texts.withdraw(connection, source)
            typer.echo(f"{source}: {'the text was taken away' if gone else 'there was no text'}.")
        else:
            new = texts.attach(connection, source, words, utc_now())
            typer.echo(f"{source}: {'the text is attached' if new else 'this text was attached already'}.")


def verify(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="The source's id; else every source.")
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(
            "--text", metavar="TEXT", help="The text to check against, which is not kept; else the one attached."
        ),
    ] = None,
    database: Where = None,
) -> None:
    """Check every citation of a source against its text.

    Exit status 1 where one does not hold, none could be checked, or the text is not the very one that was annotated.
    """
    from app import ledger
    from app.answers.verification import verify as verified
    from app.query.fields import View
    from app.texts import source_ids

    words = None if text is None else read_text(text)
    with opened(database) as (_, base), base.read() as connection:
        ids = source_ids(connection)
        if source is not None and source not in ids:
            raise ChanceryError(f"There is no source {source!r}. There are: {', '.join(ids) or 'none'}.")
        if source is None and words is not None and len(ids) != 1:
            raise Unusable(f"Say which source the text is of: {', '.join(ids) or 'there is none'}.")
        view = View(ledger.latest(connection), enrichment=True)
        results = [verified(connection, view, id, words) for id in (ids if source is None else [source])]
    for one in results:
        for line in verdict(one):
            typer.echo(line)
    if not all(one.holds for one in results):
        raise typer.Exit(1)


def verdict(told: Verification) -> Iterator[str]:
    """A verification in lines."""
    if not told.text:
        yield f"{told.source}: {told.citations} citations, none checked: its text is not here. Attach it, or use --text."
        return
    if told.mismatch is not None:
        yield f"{told.source}: {told.mismatch}"
    for failure in told.failures:
        citers = ", ".join(failure.cited_by) or "nothing"
        yield f"{told.source}: {failure.passage} [{failure.start}:{failure.end}] {failure.why} Cited by {citers}."
    yield f"{told.source}: {told.confirmed} of {told.checked} citations confirmed, in {told.passages} passages."
