"""The command behind `make bench`."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import generate, report
from benchmarks.runs import Outcome, Plan, run

HERE = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 where something could not be measured. What is missed is no failure of the command."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--scenario", default="", help="ids, separated by commas, such as S3,S7; all by default")
    parser.add_argument(
        "--rows", type=int, default=generate.SOURCE_ROWS, help="how many events (461329, 1000000, 10000000)"
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test: one round of a second each, few rows, nothing kept"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", default="16,1,64", help="the first for all, the others for a second a round")
    parser.add_argument("--resume", action="store_true", help="leave out what this very code was measured at already")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="the file that results are kept in")
    parser.add_argument(
        "--folder", type=Path, default=HERE.parent / "build" / "bench", help="where large files and bases are kept"
    )
    asked = parser.parse_args(arguments)
    try:
        generate.source()
    except FileNotFoundError as problem:
        print(problem)
        return 2
    chosen = frozenset(one.strip() for one in asked.scenario.split(",") if one.strip())
    main_connections, *also = map(int, asked.connections.split(","))
    count = min(asked.rows, 20_000) if asked.quick else asked.rows
    rounds, seconds = (1, 1.0) if asked.quick else (asked.rounds, asked.seconds)
    plan = Plan(count, asked.database, rounds, seconds, main_connections, chosen, tuple(also), asked.quick)
    earlier = report.read(asked.results)
    if asked.resume:
        plan = replace(plan, done=report.had(earlier, plan, report.commit()))
    before = os.getloadavg()

    def keep(so_far: Outcome) -> None:
        if not asked.quick:
            report.keep(asked.results, report.as_json(plan, so_far, before, os.getloadavg()), earlier, plan.database)

    out = Outcome(keep=keep, say=lambda words: print(f"… {words}", file=sys.stderr, flush=True))
    try:
        run(plan, asked.folder.absolute(), out)
    except KeyboardInterrupt:
        out.say("interrupted; what was measured is kept, and --resume goes on from there")
        return 130
    print(f"\n{plan.rows:,} events, {plan.database}, {plan.connections} connections, load from {report.tool()}\n")
    print(report.table(out.results))
    print("\n" + "; ".join(f"{name} {value:,.4g}" for name, value in out.facts.items()))
    for name, why in out.skipped.items():
        print(f"Not run: {name}. {why}")
    for fault in out.faults:
        print(f"Not measured: {fault}")
    if not asked.quick:
        keep(out)
        print(f"Kept in {asked.results}; `make docs` puts it into docs/benchmarks.md.")
    return 1 if out.faults else 0


if __name__ == "__main__":
    sys.exit(main())
