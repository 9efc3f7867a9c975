"""What is wrong with a dossier: every fault at once, each with its place, what is allowed and what to do next.

Three readings of the same tree make up a check: `misfits` says what the schema refuses (keys, types, limits, terms,
dates), `rules` what does not hold between values (references, ids, evidence, sentences passed over), and `proof`, where
the text of the source is at hand, which citations and quotations it does not bear out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.dossiers import document, misfits, proof, rules
from app.dossiers.find import SourceText
from app.dossiers.pin import pin
from app.dossiers.reading import Known, Reading
from app.dossiers.schema import Dossier
from app.errors import BadDossier, Fault
from app.vocabularies import Vocabularies

# A file with one mistake repeated a thousand times is understood from the first few hundred.
MOST_FAULTS = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's result: the dossier if nothing is wrong with it, and otherwise everything that is.

    `notes` do not stand in the way of publishing; they tell an author what is unfinished or was not checked.
    """

    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]
    dossier: Dossier | None

    def accepted(self) -> Dossier:
        """The dossier; raises BadDossier with every fault if there is any."""
        if self.dossier is None:
            raise refusal(self.faults)
        return self.dossier


def refusal(faults: tuple[Fault, ...]) -> BadDossier:
    """The exception that carries these faults; its text tells the first."""
    first, more = faults[0], len(faults) - 1
    others = f" And {more} more." if more else ""
    return BadDossier(
        f"The dossier has faults. Line {first.line}, column {first.column}, {first.name}: {first.detail}{others}",
        errors=faults,
    )


def check(
    data: bytes,
    *,
    vocabularies: Vocabularies,
    known: Known = lambda id: None,
    text: str | None = None,
    pinned_required: bool = False,
    most_bytes: int = document.MOST_BYTES,
) -> Checked:
    """Everything that is wrong with a dossier, sorted by place.

    `known` tells the noun of a record that already stands in the knowledge base. With `text`, the text of the source
    exactly as it was annotated, every citation and quotation is proved against it. `pinned_required` refuses what
    publishing must refuse: passages that still quote a source whose text is withheld, or that cannot be placed.
    """
    try:
        read = document.read(data, most_bytes=most_bytes)
    except BadDossier as error:
        return Checked(error.errors, (), None)
    source_text = SourceText.of(text) if text is not None else None
    reading = Reading.of(read, vocabularies, known, source_text, pinned_required=pinned_required)
    dossier, faults = misfits.fitted(reading, Dossier)
    faults.extend(read.faults)
    for rule in (*rules.RULES, *proof.RULES):
        faults.extend(rule(reading))
    notes = in_order([*rules.notes(reading), *proof.notes(reading)])
    if faults or dossier is None:
        return Checked(in_order(faults), notes, None)
    if text is not None and reading.working:
        # What the records need is the position of each passage: take it from the file as it would be pinned.
        try:
            pinned = check(pin(data, text), vocabularies=vocabularies, known=known, text=text)
        except BadDossier as error:
            return Checked(error.errors, notes, None)
        return Checked(pinned.faults, notes, pinned.dossier)
    return Checked((), notes, dossier)


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Faults by line and column, each once, and at most `MOST_FAULTS` of them."""
    ordered = sorted(dict.fromkeys(faults), key=lambda one: (one.line or 0, one.column or 0, one.name, one.detail))
    if len(ordered) <= MOST_FAULTS:
        return tuple(ordered)
    kept, next_one = ordered[: MOST_FAULTS - 1], ordered[MOST_FAULTS - 1]
    more = f"At least {len(ordered) - len(kept)} more follow from here. Correct those above first and check again."
    return (*kept, Fault(next_one.name, more, "body", next_one.line, next_one.column))
