"""Which parts of the schema a file holds, and where: the tree of a file walked beside its schema.

What does not fit the schema is passed over here; `check` says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from rapidfuzz import fuzz, process

from app.dossiers import schema
from app.dossiers.document import Document, Entry, Items, Mapping, Node, Place, Scalar
from app.dossiers.find import SourceText
from app.dossiers.schema import Dossier, Part, Slot, slots
from app.errors import Fault
from app.vocabularies import Vocabularies

# Guessing which word was meant compares a wrong one with all others; this many comparisons take about a second.
MOST_COMPARISONS = 1_000_000

Known = Callable[[str], str | None]
Where = tuple[str, Place]


@dataclass(frozen=True, slots=True)
class Seen:
    """A part of the file with its path; `node` is a scalar where a part may be written short (`p1s2`, `"2024"`)."""

    path: str
    node: Node
    part: type[Part]

    @property
    def mapping(self) -> Mapping:
        """Its keys; none if it is written short."""
        return self.node if isinstance(self.node, Mapping) else Mapping.empty(self.node.place)

    @property
    def here(self) -> Where:
        return self.path, self.node.place

    def at(self, key: str) -> Where:
        """The path of a key, and the place of its value; of this part itself if the key is missing."""
        found = self.mapping.get(key)
        return join(self.path, key), (found or self.node).place


def walk(node: Node, part: type[Part], path: str = "") -> Iterator[Seen]:
    """Every part of a file, outside in."""
    yield Seen(path, node, part)
    if not isinstance(node, Mapping):
        return
    for entry, slot in known_entries(node, part):
        if slot.part is None:
            continue
        for inner_path, inner in values(entry, slot, path):
            short = isinstance(inner, Scalar) and inner.text is not None and slot.part in (schema.Evidence, schema.Date)
            if isinstance(inner, Mapping) or short:
                yield from walk(inner, slot.part, inner_path)


def known_entries(node: Mapping, part: type[Part]) -> Iterator[tuple[Entry, Slot]]:
    """The entries whose keys the schema knows."""
    known = slots(part)
    return ((entry, known[entry.name]) for entry in node.entries if entry.name in known)


def values(entry: Entry, slot: Slot, path: str) -> Iterator[tuple[str, Node]]:
    """The value of an entry, or each item of it where the schema wants a list."""
    here = join(path, entry.name)
    if not slot.many:
        yield here, entry.value
    elif isinstance(entry.value, Items):
        yield from ((f"{here}[{index}]", item) for index, item in enumerate(entry.value.items))


def join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def fault(detail: str, where: Where) -> Fault:
    """What is wrong at a path and place."""
    path, place = where
    return Fault(path or "document", detail, "body", place.line, place.column)


@dataclass(frozen=True, slots=True)
class Cited:
    """A passage of the file, as far as it is well formed; `working` are the words it still quotes."""

    seen: Seen
    id: str
    working: str | None
    paragraph: int | None
    sentence: int | None
    start: int | None
    end: int | None
    sha256: str | None

    @classmethod
    def of(cls, seen: Seen) -> Cited | None:
        """The passage a part describes; None if it has no id."""
        node, id = seen.mapping, seen.mapping.text("id")
        if id is None:
            return None
        return cls(
            seen=seen,
            id=id,
            working=node.text("text"),
            paragraph=node.whole("paragraph"),
            sentence=node.whole("sentence"),
            start=node.whole("start"),
            end=node.whole("end"),
            sha256=node.text("sha256"),
        )


@dataclass(slots=True)
class Reading:
    """One file with everything that a rule may ask about it."""

    document: Document
    vocabularies: Vocabularies
    source_text: SourceText | None
    pinned_required: bool
    part: type[Part]
    """What the file is as a whole: a dossier, or one record of it alone."""
    seen: tuple[Seen, ...]
    passages: dict[str, Cited]
    """The passages by their local ids; of a repeated id the first."""
    defined: dict[str, tuple[str, Place]]
    """The noun and place of each record this file defines; of a repeated id the first."""
    evidence: dict[str, list[Seen]]
    """Evidence by the path of the part that carries it."""
    source: Seen
    sentences: tuple[int, ...]
    """How many sentences each paragraph has, by the file or else by the text at hand."""
    _known: Known
    _nouns: dict[str, str | None] = field(default_factory=dict)
    _comparisons: int = 0

    @classmethod
    def of(
        cls,
        document: Document,
        vocabularies: Vocabularies,
        known: Known,
        source_text: SourceText | None,
        *,
        pinned_required: bool,
        part: type[Part] = Dossier,
    ) -> Reading:
        seen = tuple(walk(document.root, part))
        passages: dict[str, Cited] = {}
        defined: dict[str, tuple[str, Place]] = {}
        evidence: dict[str, list[Seen]] = {}
        for one in seen:
            id = one.mapping.text("id")
            if one.part is schema.Passage:
                passage = Cited.of(one)
                if passage is not None:
                    passages.setdefault(passage.id, passage)
            elif one.part is schema.Evidence:
                evidence.setdefault(one.path.rsplit(".evidence[", 1)[0], []).append(one)
            elif one.part.noun and id is not None:
                defined.setdefault(id, (one.part.noun, one.at("id")[1]))
        nowhere = Seen("source", Mapping.empty(document.root.place), schema.Source)
        source = next((one for one in seen if one.part is schema.Source), nowhere)
        return cls(
            document=document,
            vocabularies=vocabularies,
            source_text=source_text,
            pinned_required=pinned_required,
            part=part,
            seen=seen,
            passages=passages,
            defined=defined,
            evidence=evidence,
            source=source,
            sentences=_sentences(source, source_text),
            _known=known,
        )

    def each(self, part: type[Part]) -> Iterator[Seen]:
        """Every part of one kind."""
        return (seen for seen in self.seen if seen.part is part)

    def records(self) -> Iterator[Seen]:
        """Every part that defines a record in the common namespace; passages have their own, local one."""
        return (seen for seen in self.seen if seen.part.noun and seen.part is not schema.Passage)

    def known(self, id: str) -> str | None:
        """The noun of a record that already stands in the knowledge base, asked once for each id."""
        if id not in self._nouns:
            self._nouns[id] = self._known(id)
        return self._nouns[id]

    @property
    def withheld(self) -> bool:
        return self.source.mapping.text("text") != "open"

    @property
    def working(self) -> list[Seen]:
        """Passages and evidence that still quote the source."""
        return [
            seen
            for seen in self.seen
            if seen.part in (schema.Passage, schema.Evidence) and seen.mapping.text("text") is not None
        ]

    def nearest(self, word: str, choices: Iterable[str]) -> str | None:
        """The choice that most resembles a word, as long as looking is affordable."""
        among = [choice for choice in choices if choice != word]
        self._comparisons += len(among)
        if self._comparisons > MOST_COMPARISONS or len(word) > 200:
            return None
        best = process.extractOne(word, among, scorer=fuzz.ratio, score_cutoff=60)
        return str(best[0]) if best else None


def _sentences(source: Seen, text: SourceText | None) -> tuple[int, ...]:
    listed = source.mapping.get("sentences")
    if isinstance(listed, Items) and listed.items:
        return tuple((item.whole or 0) if isinstance(item, Scalar) else 0 for item in listed.items)
    return text.counts if text else ()


def a(part: type[Part]) -> str:
    """What a part is called, with its article."""
    return f"{'an' if part.called[0] in 'aeiou' else 'a'} {part.called}"
