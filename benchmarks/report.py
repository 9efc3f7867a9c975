"""What a run told: the table at the terminal, the JSON that is kept, and the plot of it."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as ours

from app import __version__
from benchmarks.generate import SOURCE_ROWS
from benchmarks.load import tool
from benchmarks.runs import Outcome, Plan, Result

PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "sqlalchemy", "pydantic", "orjson", "psycopg")
PEERS = ("datasette", "duckdb")
RESULTS = Path(__file__).resolve().parent / "results" / "figures.json"


def versions() -> dict[str, str]:
    """The versions of everything that counts."""
    found = {"chancery": __version__, "python": platform.python_version(), "sqlite (peers)": sqlite3.sqlite_version}
    found["sqlite (chancery)"] = ours.sqlite_version
    for name in (*PACKAGES, *PEERS):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """The machine, without its name."""
    info = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": os.cpu_count(), "model": model, "memory_gb": round(memory), "system": platform.system()}


def commit() -> str:
    """Which code was measured; with a plus where it was changed since."""
    git = ["git", "-C", str(Path(__file__).resolve().parent)]
    try:
        told = subprocess.run(
            [*git, "rev-parse", "--short=9", "HEAD"], capture_output=True, text=True, check=True
        ).stdout
        changed = subprocess.run([*git, "status", "--porcelain", "--", ":/app", ":/migrations"], capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.strip() + ("+" if changed.stdout else "")


def as_json(plan: Plan, out: Outcome, load_before: Sequence[float], load_after: Sequence[float]) -> dict[str, Any]:
    """The run as it is kept: how it was run, and its results."""
    return {
        "run": {
            "commit": commit(),
            "rounds": plan.rounds,
            "seconds": plan.seconds,
            "load_from": tool(),
            "load_average": {"before": rounded(list(load_before)), "after": rounded(list(load_after))},
            "machine": machine(),
            "versions": versions(),
            "facts": {name: round(value, 3) for name, value in out.facts.items()},
        },
        "faults": out.faults,
        "skipped": out.skipped,
        "results": [
            rounded(
                {
                    **one.as_json(),
                    "database": plan.database,
                    "rows": one.rows or plan.rows,
                    "connections": one.connections or plan.connections,
                }
            )
            for one in out.results
        ],
    }


def key(one: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a result is a result of: a newer one of the same takes its place."""
    return (
        one["database"],
        one["rows"],
        one["id"],
        one["words"] if one["id"][0] == "X" else "",
        one["against"],
        one["connections"],
    )


ORDER = ("S", "tw", "fl", "me", "st", "I", "X", "W")


def place(one: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a result stands among others."""
    id = one["id"]
    group = next((n for n, begin in enumerate(ORDER) if id.startswith(begin)), len(ORDER))
    number = "".join(filter(str.isdigit, id.split()[-1] if id.startswith("flat") else id.split()[0]))
    return (
        one["database"] != "sqlite",
        one["rows"],
        group,
        int(number or 0),
        id,
        one["words"],
        one["against"],
        one["connections"],
    )


def merged(before: Mapping[str, Any], told: Mapping[str, Any], database: str) -> dict[str, Any]:
    """What was kept, with the results of another run in the place of older ones of the same."""
    runs = [*before.get("runs", []), told["run"]]
    by_key = {key(one): one for one in before.get("results", [])}
    by_key.update({key(one): {**one, "run": len(runs) - 1} for one in told["results"]})
    found = sorted(by_key.values(), key=place)
    used = sorted({one["run"] for one in found})
    number = {old: new for new, old in enumerate(used)}
    skipped = {**before.get("skipped", {}), database: told["skipped"]}
    faults = {**before.get("faults", {}), database: told["faults"]}
    return {
        "runs": [runs[n] for n in used],
        "skipped": {name: each for name, each in skipped.items() if each},
        "faults": {name: each for name, each in faults.items() if each},
        "results": [{**one, "run": number[one["run"]]} for one in found],
    }


def read(path: Path) -> dict[str, Any]:
    """What was kept; nothing where nothing was."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def had(kept: Mapping[str, Any], plan: Plan, code: str) -> frozenset[str]:
    """The scenarios that a run of the same code has already measured whole."""
    found: dict[str, set[int]] = {}
    for one in kept.get("results", []):
        rows_fit = one["rows"] == plan.rows or one["id"].split()[0] in ("flat", "memory", "start")
        if one["database"] == plan.database and rows_fit and kept["runs"][one["run"]]["commit"] == code:
            found.setdefault(one["id"], set()).add(one["connections"])
    alone = {"S11", "S12"}
    wanted = {plan.connections, *plan.also}
    return frozenset(
        id for id, at in found.items() if not (id[0] == "S" and id not in alone and "S14" not in id) or at >= wanted
    )


def rounded(value: Any) -> Any:
    """Numbers with four digits."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {name: rounded(each) for name, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def times(value: float) -> str:
    """A ratio for people."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def line(one: Result) -> tuple[str, ...]:
    """A row of the table."""
    mine, theirs = one.ours, one.theirs
    rate = "requests/s" if "requests/s" in mine else "rows/s" if "rows/s" in mine else "seconds"
    if rate not in mine:
        rate = "peak_mb"
    cpu = f"{mine['cpu_ms']:.2f} / {theirs['cpu_ms']:.2f}" if "cpu_ms" in mine else ""
    return (
        one.id,
        f"{one.words}, {one.connections} connections" if one.connections else one.words,
        one.against,
        f"{times(one.ratio)} ({times(min(one.ratios))}–{times(max(one.ratios))})",
        times(one.must),
        times(one.aim) if one.aim is not None else "",
        one.verdict,
        f"{mine[rate]:,.4g} / {theirs[rate]:,.4g} {rate}",
        cpu,
        times(one.cpu_ratio) if one.cpu_ratio else "",
    )


HEAD = ("", "what", "against", "ratio (spread)", "must", "aim", "", "ours / theirs", "CPU ms a request", "CPU ratio")


def table(results: Sequence[Result]) -> str:
    """All results as a table of Markdown, which reads well at a terminal too."""
    cells = [HEAD, *map(line, results)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


COLOURS = {"sqlite": "#2a6f97", "postgresql": "#8a5a9e"}


def lines_of(kept: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], dict[tuple[str, int], Mapping[str, Any]]]]:
    """Each scenario and rival once, with its results by database and number of connections."""
    found: dict[tuple[Any, ...], tuple[Mapping[str, Any], dict[tuple[str, int], Mapping[str, Any]]]] = {}
    for one in kept.get("results", []):
        _, rows, id, words, against, _ = key(one)
        found.setdefault((rows, id, words, against), (one, {}))[1][one["database"], one["connections"]] = one
    return sorted(found.values(), key=lambda each: (each[0]["rows"], *place(each[0])[2:]))


def main_of(each: Mapping[tuple[str, int], Mapping[str, Any]], database: str) -> Mapping[str, Any] | None:
    """A scenario's result with the usual number of connections, or the only one."""
    own = {at: one for (name, at), one in each.items() if name == database}
    return own.get(16) or next(iter(own.values()), None)


def plot(kept: Mapping[str, Any]) -> str:
    """An SVG: for each scenario and database its share of what must be reached, its spread, and where the aim is."""
    lines = lines_of(kept)
    left, width, row, top = 430, 420, 26, 64
    height = top + row * len(lines) + 34

    def x(share: float) -> float:
        return left + width * (math.log10(min(10.0, max(0.1, share))) + 1) / 2

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 180} {height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>'
        '<text x="12" y="22" font-size="14" fill="#111">Each ratio as a share of what must be reached (line), and the aim '
        "(dashed); 461,329 events where nothing is said, 16 connections</text>",
    ]
    for n, (name, colour) in enumerate(COLOURS.items()):
        parts.append(
            f'<rect x="{12 + 110 * n}" y="32" width="12" height="12" fill="{colour}"/>'
            f'<text x="{30 + 110 * n}" y="43" fill="#222">{name}</text>'
        )
    parts.append('<text x="240" y="43" fill="#555">pale: missed</text>')
    for share, label in ((0.1, "≤ 0.1"), (0.5, "0.5"), (1.0, "must"), (2.0, "2"), (10.0, "≥ 10")):
        at = x(share)
        parts.append(
            f'<line x1="{at:.0f}" x2="{at:.0f}" y1="{top - 8}" y2="{height - 28}" stroke="{"#444" if share == 1 else "#ddd"}"/>'
            f'<text x="{at:.0f}" y="{height - 12}" text-anchor="middle" fill="#555">{label}</text>'
        )
    for n, (first, each) in enumerate(lines):
        y, must = top + n * row, first["must"]
        size = "" if first["rows"] == SOURCE_ROWS else f"{first['rows'] // 1_000_000} M: "
        words = escape(f"{size}{first['id']} {first['words']}"[:58] + f" / {first['against'].split(',')[0]}")
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end" fill="#222" font-size="11">{words}</text>')
        told = []
        for m, (database, colour) in enumerate(COLOURS.items()):
            one = main_of(each, database)
            if one is None:
                continue
            share, up = one["ratio"] / must, y + 3 + 9 * m
            ends = [x(ratio / must) for ratio in (min(one["ratios"]), max(one["ratios"]))]
            pale = ' fill-opacity="0.35"' if one["verdict"] == "MISSED" else ""
            parts.append(
                f'<rect x="{min(x(1), x(share)):.1f}" y="{up}" width="{max(1, abs(x(share) - x(1))):.1f}" height="8" '
                f'fill="{colour}"{pale}/>'
                f'<line x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{up + 4}" y2="{up + 4}" stroke="#111"/>'
            )
            told.append(times(one["ratio"]))
        if first["aim"] is not None:
            parts.append(f'<path d="M{x(first["aim"] / must):.1f} {y + 1} v20" stroke="#111" stroke-dasharray="2 2"/>')
        parts.append(f'<text x="{left + width + 8}" y="{y + 15}" fill="#222">{" · ".join(told)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def cell(one: Mapping[str, Any] | None, *, spread: bool = True) -> str:
    """A ratio in a table of the docs, with its spread; in bold where it is missed."""
    if one is None:
        return ""
    told = times(one["ratio"])
    if spread and len(one["ratios"]) > 1:
        told += f" ({times(min(one['ratios']))}–{times(max(one['ratios']))})"
    return f"**{told}**" if one["verdict"] == "MISSED" else told


RATES = ("requests/s", "rows/s", "seconds", "peak_mb")
UNITS = {"requests/s": "/s", "rows/s": " rows/s", "seconds": " s", "peak_mb": " MB"}


def section(kept: Mapping[str, Any]) -> str:
    """The tables of the docs: a table a database and number of events, from what was kept and nothing else."""
    if not kept.get("results"):
        return "\nNothing has been measured yet.\n\n"
    parts = ["\n![Each ratio as a share of what must be reached](../benchmarks/results/figures.svg)\n"]
    lines = lines_of(kept)
    for database, rows in sorted(
        {(one["database"], one["rows"]) for one in kept["results"]}, key=lambda at: (at[0] != "sqlite", at[1])
    ):
        name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        mine = [(first, each) for first, each in lines if first["rows"] == rows and main_of(each, database)]
        missed = sorted(
            {
                one["id"]
                for one in kept["results"]
                if (one["database"], one["rows"], one["verdict"]) == (database, rows, "MISSED")
            }
        )
        parts.append(f"\n### {name}, {rows:,} events\n\n")
        parts.append(f"Missed somewhere: {', '.join(missed)}.\n\n" if missed else "Nothing is missed.\n\n")
        parts.append(
            "| | what | against | ratio | at 1 | at 64 | must | aim | ours / theirs | CPU, ms | by CPU |\n|"
            + "---|" * 11
            + "\n"
        )
        for _, each in mine:
            one = main_of(each, database)
            assert one is not None
            rate = next((name for name in RATES if name in one["ours"]), "seconds")
            cpu = f"{one['ours']['cpu_ms']:.3g} / {one['theirs']['cpu_ms']:.3g}" if "cpu_ms" in one["theirs"] else ""
            others = [
                cell(each.get((database, at)), spread=False) if one["connections"] != at else "" for at in (1, 64)
            ]
            figures = f"{one['ours'][rate]:,.4g} / {one['theirs'][rate]:,.4g}{UNITS[rate]}"
            cells = (
                *(one["id"], one["words"], one["against"], cell(one), *others, times(one["must"])),
                *(times(one["aim"]) if one["aim"] is not None else "", figures, cpu),
                times(one["cpu_ratio"]) if one["cpu_ratio"] else "",
            )
            parts.append("| " + " | ".join(cells) + " |\n")
        for what, why in {**kept.get("skipped", {}).get(database, {})}.items():
            parts.append(f"\nNot run: {what}. {why}\n")
        for fault in kept.get("faults", {}).get(database, []):
            parts.append(f"\nNot measured: {fault.splitlines()[0]}\n")
    runs = kept["runs"]
    codes = ", ".join(sorted({one["commit"] for one in runs}))
    loads = [figure for one in runs for figure in (one["load_average"]["before"][0], one["load_average"]["after"][0])]
    core = runs[-1]["machine"]
    parts.append(
        f"\nCommit {codes}; {core['cores']} cores of {core['model']}, {core['memory_gb']} GB; load averages from "
        f"{min(loads):.1f} to {max(loads):.1f}, which the load itself is part of.\n\n"
    )
    return "".join(parts)


def keep(path: Path, told: Mapping[str, Any], before: Mapping[str, Any], database: str) -> dict[str, Any]:
    """Write what was kept with what was told now, and its plot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = merged(before, told, database)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
    path.with_suffix(".svg").write_text(plot(whole), encoding="utf-8")
    return whole
