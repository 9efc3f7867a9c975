"""Which dataset and layout a file is, told from its beginning, with the reason in words."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from app.importers import acled, gdelt, gdelt_mentions, icews, polecat, tkg, ucdp
from app.importers.base import Facts, FileRefused, Layout, Sample

# Enough for twenty rows of any layout; the longest row of GDELT's mentions has 3 kB.
HEAD_BYTES = 1 << 16
_LINES = 20

IMPORTERS: dict[str, ModuleType] = {
    module.FACTS.name: module for module in (icews, tkg, gdelt, gdelt_mentions, polecat, acled, ucdp)
}


@dataclass(frozen=True, slots=True)
class Detected:
    """What a file is, and how that was told."""

    facts: Facts
    layout: Layout
    reason: str


def importer(name: str) -> ModuleType:
    """The importer of a format, by the name that `--format` takes; raises FileRefused with the names there are."""
    if name not in IMPORTERS:
        raise FileRefused(f"There is no format {name!r}. There are {', '.join(IMPORTERS)}.")
    return IMPORTERS[name]


def detect(head: bytes, name: str) -> Detected:
    """What the file `name` is, by its first bytes (unpacked); raises FileRefused with what was seen and what there is."""
    sample = _sample(head, name)
    found = [
        Detected(module.FACTS, *verdict)
        for module in IMPORTERS.values()
        if (verdict := module.seen(sample)) is not None
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join([each.facts.name for each in found])
        raise FileRefused(f"{name} could be {names}. Say which with --format.")
    raise FileRefused(
        f"{name} is none of the formats there are ({', '.join(IMPORTERS)}): {_what(sample)} {_advice(sample)}"
    )


def _sample(head: bytes, name: str) -> Sample:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileRefused(f"{name} is UTF-16. Save it as UTF-8.")
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    lines = text.replace("\r\n", "\n").split("\n") if "\n" in text else text.split("\r")
    # The last line of a full head is cut in the middle.
    whole = lines[:-1] if len(lines) > 1 and (len(head) >= HEAD_BYTES or not lines[-1]) else lines
    return Sample(name, tuple([line for line in whole if line][:_LINES]))


def _what(sample: Sample) -> str:
    if not sample.lines:
        return "it holds no lines."
    separators = {"tabs": "\t", "semicolons": ";", "commas": ","}
    counts = {what: sample.first.count(separator) for what, separator in separators.items()}
    # A tab is hardly ever part of a cell, a comma often is.
    what = "tabs" if counts["tabs"] else max(counts, key=lambda each: counts[each])
    shown = repr(sample.first[:80] + ("…" if len(sample.first) > 80 else ""))
    if not counts[what]:
        return f"its first line is {shown}, without a tab, comma or semicolon."
    return f"its first line has {counts[what] + 1} columns separated by {what} and begins {shown}."


def _advice(sample: Sample) -> str:
    if "\ufffd" in sample.first or "\0" in sample.first:
        return "It looks like no text at all; packed files are read as gzip and zip only."
    rows = [line.split("\t") for line in sample.lines]
    if rows and all(len(row) == 2 and row[1].isdigit() for row in rows):
        return "It looks like the names of a knowledge graph's numbers; import the file of facts, with this one as its map."
    return "If you know what it is, name it with --format."
