"""What an import did, in numbers and in words: rows, events, what was refused and why, what the layout cannot carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.importers.base import NOTES, REASONS

# The runner's own notes and reasons, beside those of the importers.
OWN_NOTES = {
    "repeated-id": "Rows carry an id that a later row of the file carries too; the later one was taken.",
    "future-date": "Rows are dated after the day of the import.",
}
OWN_REASONS = {
    "value-too-long": "A name, code or id is longer than 500 characters.",
    "out-of-range": "A number or a day is outside what can be kept.",
    "unknown-event": "A mention is of an event that was not imported.",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import did."""

    dataset: str
    format: str
    layout: str
    reason: str  # how the format was told
    revision: int | None  # None where nothing changed, or nothing was to be written
    dry_run: bool = False
    unchanged: str | None = None  # why there was nothing to do
    rows: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    gone: int = 0
    folded: int = 0  # rows that told of an event which an earlier row of the file tells of too
    actors: int = 0
    linked: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    cannot: tuple[str, ...] = ()
    expectations: tuple[str, ...] = ()
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> int:
        """Rows a second."""
        return round(self.rows / self.seconds) if self.seconds > 0 else 0

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {**asdict(self), "rows_per_second": self.rate}

    def lines(self) -> Iterator[str]:
        """The summary in words, a line at a time."""
        yield f"{self.dataset}: {self.format} ({self.layout}); {self.reason}."
        if self.unchanged is not None and not self.rows:
            yield f"Nothing changed: {self.unchanged}"
            return
        yield f"{self.rows:,} rows in {self.seconds:.1f} s ({self.rate:,} rows/s)."
        yield (
            f"{self.new:,} events new, {self.changed:,} changed, {self.same:,} the same, {self.gone:,} gone; "
            f"{self.folded:,} rows folded into events of other rows."
        )
        yield f"{self.actors:,} actors new, {self.linked:,} of them linked to actors here."
        for reason, rows in sorted(self.rejected.items()):
            yield f"{rows:,} rows refused, {reason}: {REASONS.get(reason) or OWN_REASONS.get(reason, '')}"
        for note, rows in sorted(self.notes.items()):
            yield f"{rows:,} × {note}: {NOTES.get(note) or OWN_NOTES.get(note, '')}"
        for sentence in self.cannot:
            yield f"Not carried: {sentence}"
        if self.unchanged is not None:
            yield f"Nothing changed: {self.unchanged}"
        elif self.dry_run:
            yield "Nothing was written: this was a dry run."
        else:
            yield f"Published as revision {self.revision}."
