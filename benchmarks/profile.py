"""Where the time of an answer or of an import goes: cProfile over the work itself, without the server around it.

python -m benchmarks.profile FOLDER '/v1/events?participant=tkg:china'      a knowledge base's folder and a path
python -m benchmarks.profile FOLDER facts.tsv.gz                            an import into it
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.routing import Match

from app.main import create_app
from app.routes import heavy, lists
from app.settings import Settings

TIMES, LINES = 60, 28


def answering(settings: Settings, path: str) -> Callable[[], object]:
    """What answers a path, as the thread that works on it does."""
    # An export is drained on the spot, by this thread.
    heavy.streamed = lambda body, _: body  # type: ignore[assignment,return-value]
    lists.StreamingResponse = lambda body, **_: sum(1 for _ in body)  # type: ignore[assignment,misc]
    app = create_app(settings)
    plain, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": plain,
        "raw_path": plain.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [],
        "app": app,
    }
    for route in app.routes:
        match, more = route.matches(scope)
        if match is Match.FULL:
            scope |= more
            return lambda: scope["endpoint"].handler(Request({**scope, "heavy": True}))
    raise SystemExit(f"Nothing answers {path}.")


def importing(settings: Settings, file: Path) -> Callable[[], object]:
    """An import of a file."""
    from app.db import open_database
    from app.importers.runner import run
    from app.times import utc_now

    return lambda: run(open_database(settings.url), file, dataset="tkg", clock=utc_now, by="bench")


def main(arguments: list[str]) -> None:
    """Profile a path or a file."""
    folder, what = arguments
    settings = Settings(data=Path(folder))
    path = what.startswith("/v1")
    work = answering(settings, what) if path else importing(settings, Path(what))
    times = 1 if not path or "format=" in what else TIMES
    if path:
        work()
        begun = time.perf_counter()
        for _ in range(times):
            work()
        print(f"{(time.perf_counter() - begun) * 1000 / times:.2f} ms an answer, unprofiled, of the handler alone")
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(times):
        work()
    profile.disable()
    for order in ("cumulative", "tottime"):
        pstats.Stats(profile).strip_dirs().sort_stats(order).print_stats(LINES)


if __name__ == "__main__":
    main(sys.argv[1:])
