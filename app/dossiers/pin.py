"""How the words an author quotes become positions and digests, in the author's own file.

    passages:
      - {id: p1s1, text: "The council met."}
                   ↓
      - {id: p1s1, paragraph: 1, sentence: 1, start: 0, end: 16, sha256: 5f…}

    evidence: [{text: "It will vote.", support: implies}]
                   ↓  and a passage p1s2 at the end of `passages`
    evidence: [{passage: p1s2, support: implies}]

The file is edited where its parts stand rather than written anew, so comments, order and layout stay the author's. What
comes out is read again and compared with what was meant; pinning what is pinned changes nothing.

A quotation must be found exactly once. `paragraph` and `sentence` beside `text` narrow where it is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.dossiers import document, schema
from app.dossiers.document import Document, Entry, Items, Mapping, Node, Number, Scalar, plain, shown
from app.dossiers.find import Found, SourceText, digest
from app.dossiers.reading import Seen, fault, join, walk
from app.dossiers.schema import Dossier, slots
from app.errors import BadDossier, Fault

_POSITION = ("paragraph", "sentence", "start", "end", "sha256")


def pin(data: bytes, text: str) -> bytes:
    """The dossier with its quotations replaced by positions and digests, and its source's digest and counts filled in.

    `text` is the text of the source exactly as it is annotated: its offsets and digest count, so it must be decoded
    without changing line ends. Raises BadDossier with every quotation that is not found exactly once.
    """
    read = document.read(data)
    source_text = SourceText.of(text)
    parts = tuple(walk(read.root, Dossier))
    _refuse_if([*read.faults, *_misplaced(read.root, source_text)])
    passages = [seen for seen in parts if seen.part is schema.Passage]
    evidence = [seen for seen in parts if seen.part is schema.Evidence]
    faults = [*_half_pinned(passages, evidence), *_not_found([*passages, *evidence], source_text)]
    _refuse_if(faults)
    edited = _edited(read, source_text, passages, evidence)
    return (b"\xef\xbb\xbf" if read.marked else b"") + edited.encode("utf-8")


def _refuse_if(faults: list[Fault]) -> None:
    if faults:
        ordered = sorted(faults, key=lambda one: (one.line or 0, one.column or 0))
        first, more = ordered[0], f" And {len(ordered) - 1} more." if len(ordered) > 1 else ""
        raise BadDossier(
            f"The dossier cannot be pinned. Line {first.line}, column {first.column}, {first.name}: "
            f"{first.detail}{more}",
            errors=ordered,
        )


# What may not be pinned


def _source_values(text: SourceText) -> dict[str, Any]:
    """What a source says about its text, as a file would be read."""
    return {
        "sha256": digest(text.text),
        "characters": Number(len(text.text), str(len(text.text))),
        "sentences": [Number(count, str(count)) for count in text.counts],
    }


def _misplaced(root: Mapping, text: SourceText) -> Iterator[Fault]:
    source = root.get("source")
    if not isinstance(source, Mapping):
        yield fault(
            "A dossier needs `source`, a mapping that says which document it annotates, before it can be pinned.",
            ("source", (source or root).place),
        )
        return
    for key, is_ in _source_values(text).items():
        found = source.get(key)
        stated = plain(found)
        if found is not None and stated and stated != is_:
            yield fault(
                f"The text given has another {key} than stands here, so it is not the text that was annotated. Find "
                f"that text; or, to annotate this one instead, remove {key} and quote the passages anew under `text`.",
                (f"source.{key}", found.place),
            )


def _half_pinned(passages: list[Seen], evidence: list[Seen]) -> Iterator[Fault]:
    for seen in passages:
        if seen.mapping.text("text") is None:
            continue
        if seen.mapping.text("id") is None:
            yield fault("A passage needs `id`, such as `id: p1s2`, by which evidence can name it.", seen.here)
        for key in ("start", "end", "sha256"):
            if plain(seen.mapping.get(key)) is not None:
                yield fault(
                    f"A passage either quotes (`text`) or is pinned (`{key}`). Remove one of them.",
                    seen.at(key),
                )
    for seen in evidence:
        if seen.mapping.text("text") is None:
            continue
        if plain(seen.mapping.get("passage")) is not None:
            yield fault("This evidence names a passage and quotes one. Remove `passage` or `text`.", seen.at("passage"))
        for entry in seen.mapping.entries:
            if entry.name not in slots(schema.Evidence):  # it would be lost with the quotation, and with it its meaning
                yield fault(
                    f"`{shown(entry.name)}` is not a key of evidence. Allowed beside `text` are paragraph, sentence, "
                    "support.",
                    (join(seen.path, shown(entry.name)), entry.key.place),
                )


def _not_found(quoting: list[Seen], text: SourceText) -> Iterator[Fault]:
    for seen in quoting:
        words, numbers = _quoted(seen)
        if words is not None and len(text.locate(words, *numbers)) != 1:
            yield fault(text.lost(words, *numbers), seen.at("text"))


def _quoted(seen: Seen) -> tuple[str | None, tuple[int | None, int | None]]:
    node = seen.mapping
    return node.text("text"), (node.whole("paragraph"), node.whole("sentence"))


def _found(seen: Seen, text: SourceText) -> Found | None:
    words, numbers = _quoted(seen)
    return text.locate(words, *numbers)[0] if words is not None else None


# Editing


@dataclass(frozen=True, slots=True)
class Edit:
    """Puts `text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class Pen:
    """Collects edits to a file, in the way the file itself is written."""

    document: Document
    edits: list[Edit] = field(default_factory=list)

    @property
    def newline(self) -> str:
        return "\r\n" if "\r\n" in self.document.text else "\n"

    def key(self, name: str) -> str:
        return f'"{name}"' if self.document.json else name

    def value(self, value: object) -> str:
        if isinstance(value, list):
            return f"[{', '.join(map(str, value))}]"
        return f'"{value}"' if self.document.json and isinstance(value, str) else str(value)

    def pairs(self, values: dict[str, Any]) -> list[str]:
        return [f"{self.key(name)}: {self.value(value)}" for name, value in values.items()]

    def braces(self, values: dict[str, Any]) -> str:
        return f"{{{', '.join(self.pairs(values))}}}"

    def put(self, start: int, end: int, text: str) -> None:
        self.edits.append(Edit(start, end, text))

    def fill(self, scalar: Node, text: str) -> None:
        """Replaces an empty value; where nothing is written, the colon stands directly before."""
        written = scalar.place.end > scalar.place.start
        self.put(scalar.place.start, scalar.place.end, text if written else f" {text}")

    def between(self, start: int, *, flow: bool, column: int) -> str:
        """What stands between two entries, or two items, the first of which begins at `start`."""
        before = self.document.text[self.document.text.rfind("\n", 0, start) + 1 : start]
        if not flow:
            return self.newline + " " * (column - 1)
        return f",{self.newline}{before}" if not before.strip() and start else ", "

    def after(self, node: Node, *, flow: bool) -> int:
        """Where something can be added behind a node: in block style behind the comment on its last line."""
        end = self.end(node)
        if flow:
            return end
        line_end = self.document.text.find("\n", end)
        line_end = len(self.document.text) if line_end < 0 else line_end
        return line_end - 1 if self.document.text[line_end - 1 : line_end] == "\r" else line_end

    def end(self, node: Node) -> int:
        """Where a node's own text ends; YAML's mark for the end of a block is where the next thing begins."""
        if isinstance(node, Scalar):
            written = self.document.text[node.place.start : node.place.end]
            return node.place.start + len(written.rstrip() if node.style in ("|", ">") else written)
        if node.flow:
            return node.place.end
        return self.end(node.entries[-1].value if isinstance(node, Mapping) else node.items[-1])

    def replace_entry(self, mapping: Mapping, entry: Entry, values: dict[str, Any]) -> None:
        place = entry.key.place
        between = self.between(place.start, flow=mapping.flow, column=place.column)
        self.put(place.start, self.end(entry.value), between.join(self.pairs(values)))

    def drop_entry(self, mapping: Mapping, entry: Entry) -> None:
        at = mapping.entries.index(entry)
        if at + 1 < len(mapping.entries):
            self.put(entry.key.place.start, mapping.entries[at + 1].key.place.start, "")
        else:
            before = mapping.entries[at - 1].value
            self.put(self.after(before, flow=mapping.flow), self.end(entry.value), "")

    def set(self, mapping: Mapping, values: dict[str, Any]) -> None:
        """Gives keys their values: where they stand empty, or else behind the last entry."""
        for name, value in values.items():
            found = mapping.get(name)
            if found is not None:
                self.fill(found, self.value(value))
        self.append(mapping, self.pairs({name: value for name, value in values.items() if mapping.get(name) is None}))

    def append(self, mapping: Mapping, entries: list[str]) -> None:
        if not mapping.entries:
            self.put(mapping.place.start + 1, mapping.place.start + 1, ", ".join(entries))
            return
        first, last = mapping.entries[0].key.place, mapping.entries[-1].value
        between = self.between(first.start, flow=mapping.flow, column=first.column)
        at = self.after(last, flow=mapping.flow)
        self.put(at, at, "".join(between + entry for entry in entries))

    def add_items(self, items: Items, texts: list[str]) -> None:
        if not items.items:
            self.put(items.place.start + 1, items.place.start + 1, ", ".join(texts))
            return
        between = self.between(items.items[0].place.start, flow=items.flow, column=items.place.column)
        at = self.after(items.items[-1], flow=items.flow)
        self.put(at, at, "".join(f"{between}{'' if items.flow else '- '}{text}" for text in texts))

    def written(self) -> str:
        """The file with its edits; they never overlap."""
        pieces: list[str] = []
        at = 0
        for edit in sorted(self.edits, key=lambda edit: edit.start):
            pieces += [self.document.text[at : edit.start], edit.text]
            at = edit.end
        return "".join([*pieces, self.document.text[at:]])


def _edited(read: Document, text: SourceText, passages: list[Seen], evidence: list[Seen]) -> str:
    pen = Pen(read)
    meant: Any = plain(read.root)
    source = read.root.get("source")
    if isinstance(source, Mapping):
        lacking = {key: value for key, value in _source_values(text).items() if not plain(source.get(key))}
        meant["source"].update(lacking)
        pen.set(source, {key: _bare(value) for key, value in lacking.items()})
    ids = _Ids.of(passages, text)
    for seen in passages:
        found = _found(seen, text)
        if found is not None:
            _pin_passage(pen, seen, found, meant)
    for seen in evidence:
        found = _found(seen, text)
        if found is not None:
            _pin_evidence(pen, seen, ids.of_span(found, text), meant)
    _add_passages(pen, ids.added, meant)
    if not pen.edits:
        return read.text
    edited = pen.written()
    _prove(edited, meant)
    return edited


def _bare(value: Any) -> Any:
    """A value as it is written, from how it is read."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value.value if isinstance(value, Number) else value


def _as_read(values: dict[str, Any]) -> dict[str, Any]:
    return {key: Number(value, str(value)) if isinstance(value, int) else value for key, value in values.items()}


def _position(found: Found) -> dict[str, Any]:
    return {key: getattr(found, key) for key in _POSITION}


def _pin_passage(pen: Pen, seen: Seen, found: Found, meant: Any) -> None:
    node, entry = seen.mapping, seen.mapping.entry("text")
    if entry is None:
        return
    position = _position(found)
    empty = {key: value for key, value in position.items() if key in node.by_name and plain(node.get(key)) is None}
    new = {key: value for key, value in position.items() if key not in node.by_name}
    pen.set(node, empty)
    if new:
        pen.replace_entry(node, entry, new)
    else:
        pen.drop_entry(node, entry)
    target = _at(meant, seen.path)
    del target["text"]
    target.update(_as_read(position))


def _pin_evidence(pen: Pen, seen: Seen, id: str, meant: Any) -> None:
    node = seen.mapping
    support = node.text("support")
    values = {"passage": id, **({"support": support} if support is not None else {})}
    end = node.place.end if node.flow else pen.end(node)
    short = support in (None, "states")
    pen.put(node.place.start, end, pen.value(id) if short else pen.braces(values))
    _set(meant, seen.path, id if short else values)


def _add_passages(pen: Pen, added: dict[str, Found], meant: Any) -> None:
    if not added:
        return
    root = pen.document.root
    texts = [pen.braces({"id": id, **_position(found)}) for id, found in added.items()]
    meant["passages"] = [
        *(meant.get("passages") or []),
        *(_as_read({"id": id, **_position(found)}) for id, found in added.items()),
    ]
    listed, source = root.get("passages"), root.entry("source")
    if isinstance(listed, Items):
        pen.add_items(listed, texts)
        return
    lines = "".join(f"{pen.newline}  - {text}" for text in texts)
    whole = f"[{', '.join(texts)}]" if root.flow else lines
    if listed is not None:
        pen.put(listed.place.start, listed.place.end, f" {whole}" if root.flow else lines)
    elif source is not None:
        between = pen.between(source.key.place.start, flow=root.flow, column=source.key.place.column)
        at = pen.after(source.value, flow=root.flow)
        pen.put(at, at, f"{between}{pen.key('passages')}:{' ' if root.flow else ''}{whole}")


@dataclass(slots=True)
class _Ids:
    """Local ids for the spans that evidence quotes: the passage that stands there already, or a new one."""

    by_span: dict[tuple[int, int], str]
    taken: set[str]
    added: dict[str, Found] = field(default_factory=dict)

    @classmethod
    def of(cls, passages: list[Seen], text: SourceText) -> _Ids:
        by_span: dict[tuple[int, int], str] = {}
        taken: set[str] = set()
        for seen in passages:
            id, found = seen.mapping.text("id"), _found(seen, text)
            start, end = (found.start, found.end) if found else (seen.mapping.whole("start"), seen.mapping.whole("end"))
            if id is not None:
                taken.add(id)
                if start is not None and end is not None:
                    by_span.setdefault((start, end), id)
        return cls(by_span, taken)

    def of_span(self, found: Found, text: SourceText) -> str:
        span = (found.start, found.end)
        if span not in self.by_span:
            id = self._new(found, text)
            self.by_span[span] = id
            self.taken.add(id)
            self.added[id] = found
        return self.by_span[span]

    def _new(self, found: Found, text: SourceText) -> str:
        base = f"p{found.paragraph}s{found.sentence}"
        sentence = text.sentence_at(found.start)
        whole = sentence is not None and (sentence.start, sentence.end) == (found.start, found.end)
        if whole and base not in self.taken:
            return base
        part = 1
        while f"{base}-{part}" in self.taken:
            part += 1
        return f"{base}-{part}"


# Proving that the edited file says what was meant


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for piece in path.split("."):
        name, *indexes = piece.replace("]", "").split("[")
        steps += [name, *(int(index) for index in indexes)]
    return steps


def _at(meant: Any, path: str) -> Any:
    for step in _steps(path):
        meant = meant[step]
    return meant


def _set(meant: Any, path: str, value: Any) -> None:
    *way, last = _steps(path)
    for step in way:
        meant = meant[step]
    meant[last] = value


def _prove(edited: str, meant: Any) -> None:
    try:
        read = document.read(edited.encode("utf-8"), most_bytes=4 * document.MOST_BYTES)
        if plain(read.root) == meant and not read.faults:
            return
    except BadDossier:
        pass
    raise BadDossier(
        "The dossier is laid out in a way that cannot be edited in place. Write each passage as "
        '`- {id: …, text: "…"}` on a line of its own, without `?` keys, and pin again.',
        errors=[Fault("document", "The layout of this file cannot be edited in place.", "body", 1, 1)],
    )
