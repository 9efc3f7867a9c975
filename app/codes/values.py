"""What is known about event codes once their files are read: a code, its place, its weights, its counterpart, its labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

DATASETS: Final = ("gdelt", "icews", "tkg")

# The sets made from ICEWS carry its labels, with `_` for the space, and its weights.
_SAME_AS: Final = {"tkg": "icews"}

_UNSPECIFIED = re.compile(r"[\s,-]*not spec(ified)? below$")
_QUOTES = str.maketrans(dict.fromkeys('‘’“”"`´', "'") | {"_": " "})


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a scheme. `quads` and `labels` hold only what a dataset does otherwise than the scheme."""

    scheme: str
    code: str
    kind: str  # CAMEO: root, base, detail; PLOVER: type, mode, context
    label: str
    definition: str
    parent: str | None = None
    quad: int | None = None
    score: float | None = None
    needs_recipient: bool | None = None
    quads: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Weight:
    """How cooperative datasets take a code to be, from -10 to +10; a dataset that does not weigh it is left out."""

    code: str
    by_dataset: Mapping[str, float]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a CAMEO code becomes in PLOVER; `manual` is what the manual's text gives where the table we follow differs."""

    code: str
    plover: str | None
    mode: str | None = None
    contexts: tuple[str, ...] = ()
    manual: str | None = None
    note: str | None = None
    loss: str | None = None

    @property
    def becomes(self) -> tuple[str | None, str | None, tuple[str, ...]]:
        """All that PLOVER keeps of the code."""
        return self.plover, self.mode, self.contexts


@dataclass(frozen=True, slots=True)
class Codes:
    """Every code of the schemes that come with the software."""

    versions: Mapping[str, str]  # by file: cameo, goldstein, plover, crosswalk
    digest: str  # of the files, for ETags
    by_scheme: Mapping[str, Mapping[str, Code]]
    weights: Mapping[str, Weight]
    crossings: Mapping[str, Crossing]
    below: Mapping[str, Mapping[str, tuple[str, ...]]]  # scheme → code → its children
    by_label: Mapping[str, Mapping[str, str]]  # dataset → folded label → code

    def cameo(self, code: str) -> Code | None:
        """A CAMEO code, zeros at the front included; None if there is none."""
        return self.by_scheme["cameo"].get(code)

    def plover(self, code: str) -> Code | None:
        """A PLOVER type (`REJECT`), mode (`REJECT-meet`) or context (`economic`); None if there is none."""
        return self.by_scheme["plover"].get(code)

    def ancestors(self, code: str, scheme: str = "cameo") -> tuple[str, ...]:
        """The codes above one, nearest first; none for a root or an unknown code."""
        known = self.by_scheme[scheme]
        found: list[str] = []
        above = known[code].parent if code in known else None
        while above is not None:
            found.append(above)
            above = known[above].parent
        return tuple(found)

    def children(self, code: str, scheme: str = "cameo") -> tuple[str, ...]:
        """The codes directly below one, in order."""
        return self.below[scheme].get(code, ())

    def within(self, code: str) -> tuple[str, ...]:
        """A CAMEO code and every code below it: what a search for the code finds, since events are coded at every depth."""
        return tuple(one for one in self.by_scheme["cameo"] if one.startswith(code)) if self.cameo(code) else ()

    def leaves(self, prefix: str) -> tuple[str, ...]:
        """The CAMEO codes with nothing below them that begin with `prefix`."""
        return tuple(one for one in self.by_scheme["cameo"] if one.startswith(prefix) and not self.children(one))

    def quad(self, code: str, dataset: str | None = None) -> int | None:
        """The quad class of a CAMEO code, 1 to 4, as that dataset's files have it; None for codes we do not know.

        GDELT's files put investigations (09) into class 2 and protests (14) into class 3, against everybody else.
        """
        known = self.cameo(code)
        if known is None:
            return None
        return known.quads.get(dataset, known.quad) if dataset is not None else known.quad

    def goldstein(self, code: str, dataset: str) -> float | None:
        """How cooperative an event type is, from -10 (war) to +10 (peace), as that dataset weighs it.

        None for codes we do not know, and where the dataset does not weigh the code. Source: Goldstein 1992, carried over to
        CAMEO by GDELT's list and by the ICEWS dictionary, which differ for 016, 022, 164 and 165. Not a measure of importance.
        """
        weight = self.weights.get(code)
        return None if weight is None else weight.by_dataset.get(_SAME_AS.get(dataset, dataset))

    def plover_of(self, code: str) -> Crossing | None:
        """What a CAMEO code becomes in PLOVER; None for codes we do not know. Its `plover` is None where it has no counterpart."""
        return self.crossings.get(code)

    def losses(self, code: str) -> tuple[str, ...]:
        """What can no longer be told once a CAMEO code has become PLOVER, its own losses first, then those of the codes above."""
        lines = (self.crossings[one].loss for one in (code, *self.ancestors(code)) if one in self.crossings)
        return tuple(dict.fromkeys(line for line in lines if line is not None))

    def alike(self, code: str) -> tuple[str, ...]:
        """The other CAMEO codes that become the very same in PLOVER; none where the code has no counterpart."""
        mine = self.crossings.get(code)
        if mine is None or mine.plover is None:
            return ()
        return tuple(one.code for one in self.crossings.values() if one.becomes == mine.becomes and one.code != code)

    def cameo_of(self, plover: str) -> tuple[str, ...]:
        """The CAMEO codes that become a PLOVER type, mode or context."""
        return tuple(one.code for one in self.crossings.values() if plover in names(one))

    def label(self, code: str, dataset: str) -> str | None:
        """The label of a CAMEO code as that dataset writes it; None where the dataset has no such code."""
        known = self.cameo(code)
        if known is None or self.goldstein(code, dataset) is None:  # each list weighs every code that it has
            return None
        plain = known.label.upper() if known.kind == "root" else known.label
        label = known.labels.get(_SAME_AS.get(dataset, dataset), plain)
        return label.replace(" ", "_") if dataset == "tkg" else label

    def code_of(self, label: str, dataset: str | None = None) -> str | None:
        """The CAMEO code that a dataset's label stands for; None for a label we do not know.

        The datasets are icews, tkg (ICEWS's labels with `_`) and gdelt (the labels of its own list of codes). Without one,
        ICEWS's meaning goes first: GDELT's list calls 105 what everybody else calls 108. Case matters only where ICEWS makes
        it matter: `CONSULT` is the root 04, `Consult` the code 040.
        """
        asked = (_SAME_AS.get(dataset, dataset),) if dataset is not None else ("icews", "gdelt")
        word = folded(label)
        if label.isupper() and word in self.by_label["roots"]:
            return self.by_label["roots"][word]
        return next((self.by_label[one][word] for one in asked if word in self.by_label.get(one, {})), None)


def names(crossing: Crossing) -> tuple[str, ...]:
    """The PLOVER codes that a crossing leads to."""
    if crossing.plover is None:
        return ()
    mode = () if crossing.mode is None else (f"{crossing.plover}-{crossing.mode}",)
    return (crossing.plover, *mode, *crossing.contexts)


def folded(label: str) -> str:
    """A label without what its carriers change: case, `_` for the space, kinds of quotes, `not specified below`."""
    plain = " ".join(label.translate(_QUOTES).split()).casefold()
    return _UNSPECIFIED.sub("", plain)


def labels(cameo: Iterable[Code]) -> Mapping[str, Mapping[str, str]]:
    """Which label stands for which code, by dataset; where a root and a code below it share a label, it is the code's."""
    # Roots go first, so that a code below one takes over the label they share.
    known = sorted(cameo, key=lambda one: one.kind != "root")
    roots = {folded(one.label): one.code for one in known if one.kind == "root"}
    icews = {folded(one.label): one.code for one in known}
    gdelt = {folded(one.labels.get("gdelt", one.label)): one.code for one in known}
    return {"roots": roots, "icews": icews, "gdelt": gdelt}
