"""How far an import is: a bar with rate and remaining time on a terminal, a log line a minute elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINE_SECONDS = 60.0

Told = Callable[[str, int, int | None], None]


@contextmanager
def shown() -> Iterator[Told]:
    """A function that is told (phase, done, of how many), and shows it as the place allows."""
    if sys.stderr.isatty():
        with on_terminal() as told:
            yield told
    else:
        yield in_lines()


def in_lines() -> Told:
    """A line a minute, and one for each new phase that lasts."""
    began = last = time.monotonic()

    def told(phase: str, done: int, of: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            whole = f" of {of:,}" if of else ""
            sys.stderr.write(f"{phase}: {done:,}{whole}, {done / max(now - began, 1e-9):,.0f} a second\n")
            sys.stderr.flush()

    return told


@contextmanager
def on_terminal() -> Iterator[Told]:
    """A bar for each phase."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", justify="right"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def told(phase: str, done: int, of: int | None) -> None:
            if phase not in tasks:
                tasks[phase] = progress.add_task(phase, total=of, rate="")
            speed = progress.tasks[tasks[phase]].speed
            progress.update(tasks[phase], completed=done, total=of, rate=f"{speed:,.0f}/s" if speed else "")

        yield told
