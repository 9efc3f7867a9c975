"""The `chancery` command: each subcommand a few lines that call what does the work.

Exit status: 0 done, 1 refused or failed with the reason on standard error, 2 unusable arguments or input, 130 interrupted.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import BadDossier, ChanceryError, Fault

if TYPE_CHECKING:
    from app.db import Database
    from app.settings import Settings
    from app.vocabularies import Vocabularies

app = typer.Typer(
    name="chancery",
    help="A knowledge base of policy events with a citation behind every fact.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
revisions = typer.Typer(help="The log of changes, and what a crash left open.", no_args_is_help=True)
app.add_typer(revisions, name="revisions")

Where = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="SQLAlchemy URL; else CHANCERY_DATABASE, else the file in CHANCERY_DATA."
    ),
]
Files = Annotated[list[Path], typer.Argument(help="Dossiers, YAML or JSON.")]
Why = Annotated[str | None, typer.Option("--why", help="The reason, for the log; else the dossier's title.")]


class Unusable(ChanceryError):
    """Arguments or input that nothing can be done with: exit status 2."""


def main() -> None:
    """Run the command, every refusal said on standard error."""
    try:
        app(standalone_mode=False)
    except typer.Exit as exit:
        sys.exit(exit.exit_code)
    except typer.Abort:
        say("Interrupted; nothing was left half done.")
        sys.exit(130)
    except KeyboardInterrupt:
        say("Interrupted.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Unusable as error:
        say(error.detail)
        sys.exit(2)
    except ChanceryError as error:
        say(error.detail)
        sys.exit(1)
    except Exception as error:
        # Typer's own usage errors know how to say themselves, and carry 2.
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))


def say(text: str) -> None:
    """A line for people, on standard error."""
    typer.echo(text, err=True)


def settings_of(database: str | None) -> Settings:
    """The settings, with the address of the database where the command line names one."""
    from pydantic import ValidationError

    from app.settings import Settings

    try:
        return Settings(database=database) if database else Settings()
    except ValidationError as error:
        told = "; ".join(f"CHANCERY_{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        raise Unusable(f"A setting is not possible. {told}") from None


@contextmanager
def opened(database: str | None, *, ready: bool = True) -> Iterator[tuple[Settings, Database]]:
    """The database that the command works on; with `ready`, refused unless its schema is current."""
    from app import schema
    from app.db import open_database, prepare_file

    settings = settings_of(database)
    prepare_file(settings.url)
    base = open_database(settings.url, threads=2, read_seconds=600, wait_seconds=settings.write_wait_seconds)
    try:
        if ready:
            if settings.embedded:
                schema.migrate(base, settings.migrations)
            schema.require(base, settings.migrations)
        yield settings, base
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


def read_file(file: Path, most: int) -> bytes:
    """A file's bytes. Raises Unusable for one that cannot be read, is a folder or is too large."""
    try:
        if file.is_dir():
            raise Unusable(f"{file} is a folder; name a file.")
        size = file.stat().st_size
        if size > most:
            raise Unusable(f"{file} has {size:,} bytes; at most {most:,} are read (CHANCERY_BODY_BYTES).")
        return file.read_bytes()
    except OSError as error:
        raise Unusable(f"{file} cannot be read: {error.strerror}.") from error


def read_text(file: Path) -> str:
    """A text exactly as it is: UTF-8, no line break changed. Raises Unusable for what is not UTF-8."""
    try:
        return read_file(file, 50_000_000).decode("utf-8")
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


# ── Serving ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on.")] = None,
    database: Where = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes.")] = None,
    seed: Annotated[bool, typer.Option(help="Fill an empty embedded database with the seed.")] = True,
) -> None:
    """Serve the API, its docs and the explorer; an embedded database is migrated, and seeded while it is empty."""
    from app import ledger, schema, server
    from app.seeding import seed as plant
    from app.times import utc_now

    with opened(database, ready=False) as (settings, base):
        if settings.embedded:
            schema.migrate(base, settings.migrations)
        schema.require(base, settings.migrations)
        with base.read() as connection:
            empty = ledger.latest(connection) == 0 and ledger.opened(connection) is None
        if settings.embedded and seed and empty:
            plant(base, settings.seed, vocabularies_of(settings), clock=utc_now)
    server.run(host=host, port=port, database=database, workers=workers)


@app.command()
def migrate(database: Where = None) -> None:
    """Bring the database's schema to this version's; safe to kill and to run twice at once."""
    from app import schema

    with opened(database, ready=False) as (settings, base):
        before = schema.migrate(base, settings.migrations)
        typer.echo("The schema is current." if before == "current" else f"The schema was {before} and is current now.")


@app.command()
def seed(database: Where = None) -> None:
    """Publish the vocabularies and the dossiers of the seed; what stands already is left alone."""
    from app.seeding import seed as plant
    from app.times import utc_now

    with opened(database) as (settings, base):
        told = plant(base, settings.seed, vocabularies_of(settings), clock=utc_now)
        for one in told:
            typer.echo(
                "Nothing changed." if one.revision is None else f"Revision {one.revision}: {counted(one.difference)}."
            )


@app.command()
def doctor(database: Where = None) -> None:
    """Look the database over: schema, integrity, dangling references, what a crash left open."""
    from app.doctor import examine

    with opened(database, ready=False) as (settings, base):
        ailments = list(examine(base, settings.migrations))
    for ailment in ailments:
        say(ailment)
    if ailments:
        raise typer.Exit(1)
    typer.echo("Nothing is wrong.")


@app.command()
def backup(file: Path, database: Where = None) -> None:
    """Copy the database into FILE, safely while it is served."""
    from app.copies import back_up

    with opened(database) as (settings, base):
        typer.echo(back_up(base, settings.url, file))


@app.command()
def restore(
    file: Path,
    database: Where = None,
    force: Annotated[bool, typer.Option(help="Replace a database that is there.")] = False,
) -> None:
    """Put a backup in the database's place; stop the server first."""
    from app.copies import put_back

    typer.echo(put_back(settings_of(database).url, file, force=force))


# ── Dossiers and citations ──────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def check(
    files: Files,
    text: Annotated[Path | None, typer.Option(help="The source's text: every citation is proved against it.")] = None,
    database: Where = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Without a database: references to other records cannot be followed.")
    ] = False,
) -> None:
    """Report every fault of a dossier with line and column and what to do; writes nothing."""
    from app.dossiers.check import check as checked
    from app.dossiers.publish import known

    settings = settings_of(database)
    words = None if text is None else read_text(text)
    faults = 0
    for file in files:
        data = read_file(file, settings.body_bytes)
        terms = vocabularies_of(settings)
        if alone or not exists(settings):
            result = checked(data, vocabularies=terms, text=words)
        else:
            with opened(database) as (_, base), base.read() as connection:
                result = checked(data, vocabularies=terms, known=known(connection), text=words)
        show_faults(file, result.faults)
        show_faults(file, result.notes, note=True)
        faults += len(result.faults)
        if not result.faults:
            typer.echo(f"{file}: no faults.")
    if faults:
        raise Unusable(f"{faults} fault{'s' if faults != 1 else ''}.")


def exists(settings: Settings) -> bool:
    """Whether there is a database to look references up in: a check makes none."""
    return not settings.embedded or Path(settings.url.database or "").exists()


@app.command()
def load(
    files: Files,
    why: Why = None,
    database: Where = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
) -> None:
    """Publish each dossier as one revision: what changed and nothing else; nothing where nothing changed."""
    from app.dossiers.publish import prepare, publish
    from app.times import utc_now

    with opened(database) as (settings, base):
        terms = vocabularies_of(settings)
        for file in files:
            data = read_file(file, settings.body_bytes)
            with base.read() as connection:
                prepared = reporting(file, lambda: prepare(connection, data, terms, folder=file.parent))  # noqa: B023
            if dry_run:
                typer.echo(f"{file}: would publish {counted(prepared.difference)}.")
                for line in listed(prepared.difference):
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


def counted(difference: Any) -> str:
    """A difference in words."""
    parts = [
        f"{sum(numbers.values())} {name} ({', '.join(f'{n} {noun}' for noun, n in numbers.items())})"
        for name, numbers in difference.counts().items()
        if numbers
    ]
    return ", ".join(parts) or "nothing"


def listed(difference: Any) -> Iterator[str]:
    """A difference record by record."""
    for sign, pairs in (("+", difference.created), ("~", difference.updated)):
        for noun, record in pairs:
            yield f"{sign} {noun} {record['id']}"
    for noun, reasons in difference.retracted.items():
        for id, why in reasons.items():
            yield f"- {noun} {id}: {why}"


@app.command()
def pin(
    file: Annotated[Path, typer.Argument(help="A working dossier that quotes its source.")],
    text: Annotated[Path, typer.Option(help="The source's text.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; else standard output.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", "-i", help="Write back into FILE.")] = False,
) -> None:
    """Turn the quotations of a working dossier into positions and digests."""
    from app.dossiers.pin import pin as pinned

    data = read_file(file, settings_of(None).body_bytes)
    words = read_text(text)
    done = reporting(file, lambda: pinned(data, words))
    target = file if in_place else output
    if target is None:
        sys.stdout.buffer.write(done)
        return
    replace_file(target, done)
    typer.echo(f"{target}: pinned.")


def replace_file(target: Path, data: bytes) -> None:
    """Write a file whole or not at all: a full disk leaves the old one."""
    from app.copies import write_whole

    try:
        write_whole(target, data)
    except OSError as error:
        raise ChanceryError(f"{target} cannot be written: {error.strerror}. It is as it was.") from error


@app.command()
def attach(
    source: Annotated[str, typer.Argument(help="The source's id.")],
    text: Annotated[Path | None, typer.Argument(help="Its text, exactly as it was annotated.")] = None,
    database: Where = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the text away again.")] = False,
) -> None:
    """Keep the text of a source, so that passages show their words; refused unless it is the one that was annotated."""
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


@app.command()
def verify(
    source: Annotated[str | None, typer.Argument(help="The source's id; else every source.")] = None,
    text: Annotated[
        Path | None, typer.Option(help="The text to check against, which is not kept; else the one attached.")
    ] = None,
    database: Where = None,
) -> None:
    """Check every citation of a source against its text; exit status 1 where one does not hold or none could be checked."""
    from sqlalchemy import select

    from app import ledger
    from app.answers.verification import verify as verified
    from app.models.source import source as table
    from app.query.fields import View

    words = None if text is None else read_text(text)
    failed = 0
    with opened(database) as (_, base), base.read() as connection:
        ids = list(
            connection.scalars(select(table.c.id).where(table.c.until.is_(None)).distinct().order_by(table.c.id))
        )
        if source is not None and source not in ids:
            raise ChanceryError(f"There is no source {source!r}. There are: {', '.join(ids) or 'none'}.")
        if source is None and words is not None and len(ids) != 1:
            raise Unusable(f"Say which source the text is of: {', '.join(ids) or 'there is none'}.")
        view = View(ledger.latest(connection), enrichment=True)
        for id in ids if source is None else [source]:
            told = verified(connection, view, id, words)
            failed += not told.text or bool(told.failures) or told.digest_fits is False
            for line in verdict(told):
                typer.echo(line)
    if failed:
        raise typer.Exit(1)


def verdict(told: Any) -> Iterator[str]:
    """A verification in lines."""
    if not told.text:
        yield f"{told.source}: {told.citations} citations, none checked: its text is not here. Attach it, or use --text."
        return
    if told.digest_fits is False:
        yield f"{told.source}: this is not the very text that was annotated (its sha256 differs)."
    for failure in told.failures:
        citers = ", ".join(failure.cited_by) or "nothing"
        yield f"{told.source}: {failure.passage} [{failure.start}:{failure.end}] {failure.why} Cited by {citers}."
    wrong = sum(len(failure.cited_by) for failure in told.failures)
    yield f"{told.source}: {told.checked - wrong} of {told.checked} citations confirmed, in {told.passages} passages."


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The id of any record.")],
    database: Where = None,
    as_of: Annotated[str | None, typer.Option(help="As it was at a revision, a day or a moment.")] = None,
    enrichment: Annotated[bool, typer.Option("--enrichment", help="With knowledge from outside the sources.")] = False,
) -> None:
    """Print one record as JSON."""
    import orjson

    from app import ledger
    from app.answers.history import missing
    from app.query.fields import View
    from app.query.page import one
    from app.resources import NOUNS, RESOURCES
    from app.times import utc_now

    with opened(database) as (_, base), base.read() as connection:
        latest = ledger.latest(connection)
        view = View(latest if as_of is None else ledger.revision_at(connection, as_of, utc_now()), enrichment)
        noun = ledger.noun_of(connection, id)
        resource = NOUNS[noun] if noun is not None and noun in NOUNS else RESOURCES["statements"]
        record = one(connection, resource, view, id)
        if record is None:
            raise missing(connection, resource, view, id, latest)
    typer.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())


# ── The log ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@revisions.command("list")
def list_revisions(database: Where = None) -> None:
    """List every revision, one that is open or was abandoned included."""
    from sqlalchemy import select

    from app.models.revision import revision

    with opened(database) as (_, base), base.read() as connection:
        for row in connection.execute(select(revision).order_by(revision.c.number)):
            when = row.published_at or row.opened_at
            typer.echo(f"{row.number:>6}  {row.state:<9}  {when}  {row.kind:<12}  {row.by}: {row.why}")


@revisions.command("show")
def show_revision(number: int, database: Where = None) -> None:
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


@revisions.command("resume")
def resume_revision(number: int, database: Where = None) -> None:
    """Finish an open revision that a crash left behind."""
    import orjson

    from app import ledger
    from app.dossiers.publish import resume
    from app.times import utc_now

    with opened(database) as (settings, base):
        with base.read() as connection:
            row = ledger.opened(connection)
        if row is None or row.number != number:
            raise ChanceryError(f"Revision {number} is not open, so there is nothing to resume.")
        job = orjson.loads(row.job)
        if "load" not in job:
            raise ChanceryError(
                f"Revision {number} does not say how to go on with it; `chancery revisions abandon {number}` drops it."
            )
        file = Path(job["load"])
        data = read_file(file, settings.body_bytes)
        reporting(
            file, lambda: resume(base, number, data, vocabularies_of(settings), clock=utc_now, folder=file.parent)
        )
        typer.echo(f"Revision {number} is published.")


@revisions.command("abandon")
def abandon_revision(number: int, database: Where = None) -> None:
    """Drop an open revision: nobody ever sees what it wrote."""
    from app import ledger

    with opened(database) as (_, base), base.write() as connection:
        ledger.abandon(connection, number)
    typer.echo(f"Revision {number} is abandoned.")


if __name__ == "__main__":
    main()
