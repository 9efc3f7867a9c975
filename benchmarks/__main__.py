"""The command behind `make bench`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks import generate, report
from benchmarks.runs import Plan, run

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
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument(
        "--folder", type=Path, default=HERE.parent / "build" / "bench", help="where large files are kept"
    )
    asked = parser.parse_args(arguments)
    try:
        generate.source()
    except FileNotFoundError as problem:
        print(problem)
        return 2
    count = min(asked.rows, 20_000) if asked.quick else asked.rows
    rounds, seconds = (1, 1.0) if asked.quick else (asked.rounds, asked.seconds)
    chosen = frozenset(one.strip() for one in asked.scenario.split(",") if one.strip())
    plan = Plan(count, asked.database, rounds, seconds, asked.connections, chosen)
    before = os.getloadavg()
    out = run(plan, asked.folder.absolute(), lambda words: print(f"… {words}", file=sys.stderr, flush=True))
    told = report.as_json(plan, out, before, os.getloadavg())
    print(f"\n{plan.rows:,} events, {plan.database}, {plan.connections} connections, load from {told['load_from']}\n")
    print(report.table(out.results))
    print("\n" + "; ".join(f"{name} {value:,.4g}" for name, value in out.facts.items()))
    for fault in out.faults:
        print(f"Not measured: {fault}")
    # A run of some scenarios, or a quick one, must not take the place of a whole one.
    if not chosen and not asked.quick:
        print(f"Kept in {report.keep(HERE / 'results', plan, told).relative_to(HERE.parent)}.")
    return 1 if out.faults else 0


if __name__ == "__main__":
    sys.exit(main())
