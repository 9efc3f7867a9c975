"""How files of coded events are imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.common import (
    Where,
    opened,
    who,
)

if TYPE_CHECKING:
    pass


def import_(
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
