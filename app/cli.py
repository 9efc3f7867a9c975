"""The `chancery` command: each subcommand a few lines that call what does the work.

Exit status: 0 done, 1 refused or failed with the reason on standard error, 2 unusable arguments or input, 130 interrupted.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import BadDossier, ChanceryError, Fault

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.answers.verification import Verification
    from app.db import Database
    from app.ledger import Difference
    from app.query.fields import Record, View
    from app.settings import Settings
    from app.vocabularies import Vocabularies

SERVING, DOSSIERS, LOG = "Serving", "Dossiers and citations", "Records and their history"
IMPORTING = "Coded events"

app = typer.Typer(
    name="chancery",
    help="A knowledge base of policy events with a citation behind every fact.",
    epilog="Exit status: 0 done; 1 refused or failed; 2 unusable arguments or input; 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
revisions = typer.Typer(help="The log of changes, and what a crash left open.", no_args_is_help=True)
app.add_typer(revisions, name="revisions", rich_help_panel=LOG)

Where = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="SQLAlchemy URL; else CHANCERY_DATABASE, else the file in CHANCERY_DATA."
    ),
]
Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Dossiers, YAML or JSON.")]
Number = Annotated[int, typer.Argument(metavar="N", help="The revision's number.")]
Why = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="The reason, for the log; else the title.")]

INTERRUPTED = 130
IDS_COMPARED = 20_000  # ids that "did you mean" looks at
TEXT_BYTES = 50_000_000  # the longest source's text; a thick book has 3 MB


class Unusable(ChanceryError):
    """Arguments or input that nothing can be done with: exit status 2."""


def main() -> None:
    """Run the command; whatever goes wrong is a sentence on standard error, never a trace."""
    if sys.stdout is None:  # `>&-`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        status = 1  # whoever read us has seen enough
    except Unusable as error:
        status = stop(error.detail, 2)
    except ChanceryError as error:
        status = stop(reason(error), getattr(error, "exit_status", 1))
    except Exception as error:
        status = unforeseen(error)
    if status == INTERRUPTED:  # typer makes this status of a Ctrl-C by itself, and says nothing
        say("Interrupted. `chancery revisions list` shows whether a revision was left open.")
    sys.exit(let_go(status if isinstance(status, int) else 0))


def stop(text: str, status: int) -> int:
    """Say why, and hand the exit status on."""
    say(text)
    return status


def say(text: str) -> None:
    """A line for people, on standard error."""
    typer.echo(text, err=True)


def reason(error: ChanceryError) -> str:
    """Why something was refused, with what the database's own driver said where that was it: it never names a password."""
    driver = getattr(error.__cause__, "orig", None)
    said = str(driver).strip().splitlines()[:1] if driver is not None else []
    return " ".join([error.detail, *(f"The driver says: {line}" for line in said)])


def unforeseen(error: Exception) -> int:
    """Say what no sentence was written for, as short as it can be said; CHANCERY_LOG_LEVEL=debug adds where it happened."""
    # Typer's own usage errors know how to say themselves, and carry 2.
    if hasattr(error, "show"):
        error.show()
        return int(getattr(error, "exit_code", 2))
    if shows_traces():
        import traceback

        traceback.print_exception(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return stop(f"{place}{error.strerror or error}.", 1)
    first = (str(getattr(error, "orig", None) or error).strip().splitlines() or [""])[0]
    if type(error).__module__.partition(".")[0] in ("sqlalchemy", "pysqlite3", "psycopg"):
        mend = " Restore a backup with `chancery restore`." if "malformed" in first else ""
        return stop(f"The database refuses: {first}.{mend}", 1)
    return stop(f"Chancery failed, which is a fault of ours: {type(error).__name__}: {first}", 1)


def shows_traces() -> bool:
    """Whether the settings ask for more than a sentence."""
    try:
        return settings_of(None).log_level == "debug"
    except ChanceryError:
        return False


def let_go(status: int) -> int:
    """Flush what was printed. A reader that is gone, or a full disk, must not make Python say so at its very end."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError) and status == 0:
            return stop(f"Standard output cannot be written: {error.strerror}.", 1)
        return status or 1
    return status


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


# ── Serving ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command(rich_help_panel=SERVING)
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


@app.command(rich_help_panel=SERVING)
def migrate(database: Where = None) -> None:
    """Bring the database's schema to this version's.

    Safe to kill and to run twice at once.
    """
    from app import schema

    with opened(database, ready=False) as (settings, base):
        before = schema.migrate(base, settings.migrations)
        typer.echo("The schema is current." if before == "current" else f"The schema was {before} and is current now.")


@app.command(rich_help_panel=SERVING)
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


@app.command(rich_help_panel=SERVING)
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


@app.command(rich_help_panel=SERVING)
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


@app.command(rich_help_panel=SERVING)
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `chancery backup` wrote.")],
    database: Where = None,
    force: Annotated[bool, typer.Option(help="Replace a database that is there.")] = False,
) -> None:
    """Put a backup in the database's place; stop the server first."""
    from app.copies import put_back

    typer.echo(put_back(settings_of(database).url, file, force=force))


# ── Dossiers and citations ──────────────────────────────────────────────────────────────────────────────────────────


@app.command(rich_help_panel=DOSSIERS)
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


@app.command(rich_help_panel=DOSSIERS)
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
                prepared = reporting(file, lambda: prepare(connection, data, terms, folder=file.parent))  # noqa: B023
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


def counted(difference: Difference) -> str:
    """A difference in words."""
    parts = [
        f"{sum(numbers.values())} {name} ({', '.join(f'{n} {noun}' for noun, n in numbers.items())})"
        for name, numbers in difference.counts().items()
        if numbers
    ]
    return ", ".join(parts) or "nothing"


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


@app.command(rich_help_panel=DOSSIERS)
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


@app.command(rich_help_panel=DOSSIERS)
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


@app.command(rich_help_panel=DOSSIERS)
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


@app.command(rich_help_panel=LOG)
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
    from app.answers.history import missing
    from app.query.page import one
    from app.query.plan import moved
    from app.resources import NOUNS

    noun = ledger.noun_of(connection, id)
    if noun is None or noun not in NOUNS:
        raise unknown(connection, id)
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


def unknown(connection: Connection, id: str) -> ChanceryError:
    """That no record ever had this id, with the nearest that one has."""
    from rapidfuzz import fuzz, process
    from sqlalchemy import select

    from app.errors import NotFound
    from app.models.revision import record_id

    ids = list(connection.scalars(select(record_id.c.id).limit(IDS_COMPARED)))
    near = process.extractOne(id, ids, scorer=fuzz.ratio, score_cutoff=75)
    return NotFound(f"There is no record {id[:80]!r}." + (f" Did you mean {near[0]}?" if near else ""))


# ── Coded events ────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command("import", rich_help_panel=IMPORTING)
def import_files(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Files of coded events, plain, gzipped or zipped.")
    ],
    format: Annotated[
        str | None,
        typer.Option(
            "--format", help="icews, tkg, gdelt, gdelt-mentions, polecat, acled or ucdp; else it is detected."
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME", help="Which dataset it goes into.")
    ] = None,
    fold: Annotated[
        str,
        typer.Option("--fold", metavar="RULE", help="dyad: rows that say the same are reports of one event; or none."),
    ] = "dyad",
    whole: Annotated[
        bool, typer.Option("--whole", help="The file is all there is of its dataset: what it does not hold is closed.")
    ] = False,
    accept: Annotated[
        float, typer.Option("--accept-rejected", min=0.0, max=1.0, help="The share of rows that may be refused.")
    ] = 0.05,
    maps: Annotated[
        list[Path] | None,
        typer.Option("--map", metavar="FILE", help="For id files: the maps of entities and relations."),
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--origin", metavar="DAY", help="For id files: the day that time 0 stands for.")
    ] = None,
    database: Where = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do; write nothing.")] = False,
) -> None:
    """Import coded events: detected, checked, folded, tied to the actors here, and published once."""
    from app.importers.progress import shown
    from app.importers.runner import run
    from app.times import parse_day, utc_now

    with opened(database) as (settings, base):
        for file in files:
            with shown() as progress:
                summary = run(
                    base,
                    file,
                    format=format,
                    dataset=dataset,
                    fold=fold,
                    whole=whole,
                    accept=accept,
                    clock=utc_now,
                    by=who(),
                    dry_run=dry_run,
                    progress=progress,
                    companions=maps or (),
                    origin=None if origin is None else parse_day(origin),
                    wait_seconds=settings.write_wait_seconds,
                )
            for line in summary.lines():
                typer.echo(line)


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


@revisions.command("resume")
def resume_revision(number: Number, database: Where = None) -> None:
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
            file, lambda: resume(base, number, data, vocabularies_of(settings), clock=utc_now, folder=file.parent)
        )
        typer.echo(f"Revision {number} is published.")


def resume_import(base: Database, number: int) -> None:
    """Do an import again under the number it had."""
    from app.importers.progress import shown
    from app.importers.runner import resume
    from app.times import utc_now

    with shown() as progress:
        summary = resume(base, number, clock=utc_now, progress=progress)
    for line in summary.lines():
        typer.echo(line)


@revisions.command("abandon")
def abandon_revision(number: Number, database: Where = None) -> None:
    """Drop an open revision: nobody ever sees what it wrote."""
    from app import ledger

    with opened(database) as (_, base), base.write() as connection:
        ledger.abandon(connection, number)
    typer.echo(f"Revision {number} is abandoned.")


if __name__ == "__main__":
    main()
