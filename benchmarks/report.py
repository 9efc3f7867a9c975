"""What a run told: the table at the terminal, the JSON that is kept, and the plot of it."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as ours

from app import __version__
from benchmarks.load import tool
from benchmarks.runs import Outcome, Plan, Result

PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "sqlalchemy", "pydantic", "orjson", "psycopg")
PEERS = ("datasette", "duckdb")


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


def as_json(plan: Plan, out: Outcome, load_before: Sequence[float], load_after: Sequence[float]) -> dict[str, Any]:
    """The run as it is kept."""
    return {
        "rows": plan.rows,
        "database": plan.database,
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "connections": plan.connections,
        "load_from": tool(),
        "load_average": {"before": list(load_before), "after": list(load_after)},
        "machine": machine(),
        "versions": versions(),
        "facts": {name: round(value, 3) for name, value in out.facts.items()},
        "faults": out.faults,
        "results": [rounded(one.as_json()) for one in out.results],
    }


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
        one.words,
        one.against,
        f"{times(one.ratio)} ({times(min(one.ratios))}–{times(max(one.ratios))})",
        times(one.must),
        times(one.aim),
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


def plot(results: Sequence[Mapping[str, Any]], title: str) -> str:
    """An SVG: for each result its ratio as a share of what must be reached, from a tenth to ten times, and where the aim is."""
    left, width, row, top = 360, 420, 22, 48
    height = top + row * len(results) + 34

    def x(share: float) -> float:
        return left + width * (math.log10(min(10.0, max(0.1, share))) + 1) / 2

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 160} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="12" y="22" font-size="14" fill="#111">{escape(title)}</text>',
    ]
    for share, label in ((0.1, "≤ 0.1"), (0.5, "0.5"), (1.0, "must"), (2.0, "2"), (10.0, "≥ 10")):
        at = x(share)
        parts.append(
            f'<line x1="{at:.0f}" x2="{at:.0f}" y1="{top - 8}" y2="{height - 28}" stroke="{"#444" if share == 1 else "#ddd"}"/>'
            f'<text x="{at:.0f}" y="{height - 12}" text-anchor="middle" fill="#555">{label}</text>'
        )
    for n, one in enumerate(results):
        y, must = top + n * row, one["must"]
        share = one["ratio"] / must
        ends = [x(each / must) for each in (min(one["ratios"]), max(one["ratios"]))]
        label = f"{times(one['ratio'])} × {escape(one['against'].split(',')[0])}"
        colour = {"aim": "#2a7f62", "reached": "#7fb069"}.get(one["verdict"], "#c8553d")
        words = escape(f"{one['id']} {one['words']}"[:58])
        parts.append(
            f'<text x="{left - 8}" y="{y + 12}" text-anchor="end" fill="#222">{words}<title>{escape(one["words"])}</title></text>'
            f'<rect x="{min(x(1), x(share)):.1f}" y="{y + 2}" width="{abs(x(share) - x(1)):.1f}" height="13" fill="{colour}"/>'
            f'<line x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y + 8.5}" y2="{y + 8.5}" stroke="#111"/>'
            f'<path d="M{x(one["aim"] / must):.1f} {y} v17" stroke="#111" stroke-dasharray="2 2"/>'
            f'<text x="{left + width + 8}" y="{y + 12}" fill="#222">{label}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def keep(folder: Path, plan: Plan, told: Mapping[str, Any]) -> Path:
    """Write the JSON of a run and its plot."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{plan.database}-{plan.rows}.json"
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    title = f"Ratio as a share of what must be reached: {plan.database}, {plan.rows:,} events (dashed: the aim)"
    path.with_suffix(".svg").write_text(plot(told["results"], title), encoding="utf-8")
    return path
