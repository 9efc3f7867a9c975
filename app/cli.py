"""The `chancery` command: each subcommand a few lines that call what does the work.

Exit status: 0 done, 1 refused or failed with the reason on standard error, 2 unusable arguments or input, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from app import __version__
from app.commands import asking, dossiers, events, keys, mirroring, records, serving
from app.commands.common import Unusable, say, settings_of
from app.errors import ChanceryError

app = typer.Typer(
    name="chancery",
    help="A knowledge base of policy events with a citation behind every fact.",
    epilog="Exit status: 0 done; 1 refused or failed; 2 unusable arguments or input; 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def say_version(asked: bool) -> None:
    """Which version this is; asked before any subcommand, which need not be there then."""
    if asked:
        typer.echo(f"chancery {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=say_version, is_eager=True)
    ] = False,
) -> None:
    """Nothing is done before a subcommand."""


revisions = typer.Typer(help="The log of changes, and what a crash left open.", no_args_is_help=True)

# As `chancery --help` lists them: a panel a subject.
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Questions": (asking.list_, asking.export),
    "Serving": (
        serving.serve,
        serving.migrate,
        serving.seed,
        serving.doctor,
        serving.reindex,
        serving.backup,
        serving.restore,
        mirroring.mirror,
    ),
    "Dossiers and citations": (dossiers.check, dossiers.load, dossiers.pin, dossiers.attach, dossiers.verify),
    "Coded events": (events.import_,),
    "Records and their history": (records.show,),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(command.__name__.rstrip("_"), rich_help_panel=panel)(command)
LOG: tuple[Callable[..., None], ...] = (records.list_, records.show_revision, records.resume, records.abandon)
for command in LOG:
    revisions.command(command.__name__.removesuffix("_revision").rstrip("_"))(command)
app.add_typer(revisions, name="revisions", rich_help_panel="Records and their history")
key_commands = typer.Typer(help="Who may read and write over HTTP.", no_args_is_help=True)
KEYS: tuple[Callable[..., None], ...] = (keys.add, keys.list_, keys.revoke)
for command in KEYS:
    key_commands.command(command.__name__.rstrip("_"))(command)
app.add_typer(key_commands, name="keys", rich_help_panel="Serving")

INTERRUPTED = 130


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


if __name__ == "__main__":
    main()
