"""What a YAML or JSON file says, as a tree whose every node knows its line and column, or why it is refused.

The file comes from anybody, so it is read as a stream of events and never composed by a general loader: an alias dies
at its first byte, whatever it would have grown into. JSON has its own reader, because YAML reads JSON's escapes
differently.

Plain YAML scalars are YAML 1.2 without surprises: only `null`, `~`, nothing, `true`, `false` and decimal numbers have a
type. `no`, `on`, `2024-06-01`, `12:30`, `1_000` and `010` are the words that stand there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import yaml

from app.errors import BadDossier, Fault

MOST_BYTES = 5_000_000
MOST_DEPTH = 40
# A node costs half a kilobyte: this keeps five megabytes of `-` below 100 MB of memory. A long article takes 20,000.
NODE_BYTES = 25
MOST_NODES = MOST_BYTES // NODE_BYTES

_LOADER: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_BAD_CHARACTER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufeff\ufffe\uffff\ud800-\udfff]"
)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_JSON_OBJECT = re.compile(r'\s*\{\s*(?:"|\})')
_JSON_SPACE = re.compile(r"[ \t\r\n]*")


class Number(NamedTuple):
    """A plain number: its value, and how it is written for fields that take text (`edtf: 2024`)."""

    value: int | float
    text: str


Plain = None | bool | str | Number | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: line and column from one, `start` and `end` as offsets into the document's text."""

    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, a number, true, false or nothing; `style` is the quote or block sign it is written with, if any."""

    place: Place
    value: str | Number | bool | None
    style: str = ""

    @property
    def text(self) -> str | None:
        """The text this stands for where text is expected; None for true, false and nothing."""
        if isinstance(self.value, Number):
            return self.value.text
        return self.value if isinstance(self.value, str) else None

    @property
    def whole(self) -> int | None:
        """The whole number this is; None if it is anything else."""
        return self.value.value if isinstance(self.value, Number) and isinstance(self.value.value, int) else None


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `flow` if it is written in brackets."""

    place: Place
    items: tuple[Node, ...]
    flow: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    key: Scalar
    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with their values, in the order of the file; `flow` if it is written in braces."""

    place: Place
    entries: tuple[Entry, ...]
    flow: bool
    by_name: dict[str, Entry] = field(repr=False, compare=False)
    """Of a repeated key the first."""

    @classmethod
    def of(cls, place: Place, entries: Sequence[Entry], *, flow: bool) -> Mapping:
        by_name: dict[str, Entry] = {}
        for entry in entries:
            by_name.setdefault(entry.name, entry)
        return cls(place, tuple(entries), flow, by_name)

    @classmethod
    def empty(cls, place: Place) -> Mapping:
        return cls.of(place, (), flow=True)

    def entry(self, name: str) -> Entry | None:
        return self.by_name.get(name)

    def get(self, name: str) -> Node | None:
        found = self.by_name.get(name)
        return found.value if found else None

    def text(self, name: str) -> str | None:
        """The text under a key; None if there is none."""
        found = self.get(name)
        return found.text if isinstance(found, Scalar) else None

    def whole(self, name: str) -> int | None:
        """The whole number under a key; None if there is none."""
        found = self.get(name)
        return found.whole if isinstance(found, Scalar) else None


Node = Scalar | Items | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """A file that could be read: its text (without a byte order mark), its tree, the faults that did not stop it."""

    text: str
    root: Mapping
    json: bool
    marked: bool
    faults: tuple[Fault, ...]


def read(data: bytes, *, most_bytes: int = MOST_BYTES, as_json: bool = False) -> Document:
    """The tree of a YAML or JSON file; of JSON only, where the file says that it is.

    Raises BadDossier for what makes the rest unreadable: size, encoding, syntax, anchors, aliases, tags, depth.
    Repeated keys and numbers out of range are kept as `faults`, so that they can be told together with all the others.
    """
    text, marked = _decode(data, most_bytes)
    source = _Text(text)

    def builder() -> _Builder:
        return _Builder(source, most_nodes=max(1, most_bytes // NODE_BYTES))

    if as_json:
        return _document(source, builder(), _json_events(source), json=True, marked=marked)
    if not _JSON_OBJECT.match(text):
        return _document(source, builder(), _yaml_events(source), json=False, marked=marked)
    try:
        return _document(source, builder(), _json_events(source), json=True, marked=marked)
    except BadDossier as refused:
        # `{"a": b}` opens like JSON and is good YAML. If it is neither, its author meant JSON.
        try:
            return _document(source, builder(), _yaml_events(source), json=False, marked=marked)
        except BadDossier:
            raise refused from None


def plain(node: Node | None) -> Plain:
    """The values of a tree without their places; of a repeated key the first."""
    if isinstance(node, Mapping):
        values: dict[str, Plain] = {}
        for entry in node.entries:
            values.setdefault(entry.name, plain(entry.value))
        return values
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.value if node else None


def shown(word: str) -> str:
    """A word as a message may repeat it: whatever somebody put there, in one short line."""
    line = " ".join(word[:200].split())
    return line if len(line) <= 80 and len(word) <= 200 else f"{line[:80]}…"


def place_at(text: str, offset: int) -> Place:
    """The line and column of an offset into a document's text."""
    return _Text(text).place(offset)


# Decoding


def _decode(data: bytes, most_bytes: int) -> tuple[str, bool]:
    if len(data) > most_bytes:
        _refuse(
            f"The document has {len(data):,} bytes; at most {most_bytes:,} are allowed. Split it: a dossier "
            "annotates one source, and a long source can be cut into parts.",
            Place(1, 1, 0, 0),
        )
    marked = data.startswith(b"\xef\xbb\xbf")
    body = data[3:] if marked else data
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8")
        _refuse(
            f"Byte {error.start + 3 * marked:,} is not UTF-8. Save the file as UTF-8; other encodings are not read.",
            _Text(before).place(len(before)),
        )
    found = _BAD_CHARACTER.search(text)
    if found:
        _refuse(_bad_character(found[0]), _Text(text).place(found.start()))
    return text, marked


def _bad_character(character: str) -> str:
    kind = "a lone surrogate" if "\ud800" <= character <= "\udfff" else "a control character"
    return (
        f"U+{ord(character):04X} is {kind} and may not stand here, written out or as an escape. "
        "Of the control characters only tab and line break are allowed; remove it."
    )


class _Text:
    """The text of a document, with a line and column for every offset."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._line = 1
        self._line_start = 0
        self._seen = 0

    def place(self, start: int, end: int | None = None) -> Place:
        """The place of an offset. Cheap when asked in rising order, which is how a document is read."""
        if start < self._line_start:
            self._line, self._line_start, self._seen = 1, 0, 0
        crossed = self.text.count("\n", self._seen, start) if start > self._seen else 0
        if crossed:
            self._line += crossed
            self._line_start = self.text.rindex("\n", 0, start) + 1
        self._seen = max(self._seen, start)
        return Place(self._line, start - self._line_start + 1, start, start if end is None else end)


def _refuse(detail: str, place: Place, name: str = "document") -> NoReturn:
    raise BadDossier(
        f"The document cannot be read: line {place.line}, column {place.column}: {detail}",
        errors=[Fault(name, detail, "body", place.line, place.column)],
    )


# Events. Both readers yield the same few, so that what must hold for every document is said once, in the builder.


@dataclass(frozen=True, slots=True)
class _Open:
    mapping: bool
    flow: bool
    start: int


@dataclass(frozen=True, slots=True)
class _Close:
    end: int


@dataclass(frozen=True, slots=True)
class _Leaf:
    start: int
    end: int
    text: str
    style: str


_Event = _Open | _Close | _Leaf


def _yaml_events(source: _Text) -> Iterator[_Event]:
    documents = 0
    try:
        for event in yaml.parse(source.text, Loader=_LOADER):
            start = event.start_mark.index if event.start_mark else 0
            end = event.end_mark.index if event.end_mark else start
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _refuse(
                        "A second document begins here. A file holds one dossier; put the next one into its own file.",
                        source.place(start),
                    )
            elif isinstance(event, yaml.AliasEvent):
                _refuse(
                    f"`*{shown(event.anchor or '')}` is an alias. Aliases are not allowed; write the value out where "
                    "it is needed.",
                    source.place(start),
                )
            elif isinstance(event, yaml.NodeEvent):
                if event.anchor is not None:
                    _refuse(
                        f"`&{shown(event.anchor)}` is an anchor. Anchors and aliases are not allowed; write each "
                        "value out.",
                        source.place(start),
                    )
                tag = getattr(event, "tag", None)
                if tag is not None:
                    _refuse(
                        f"`{shown(tag)}` is a tag. Tags are not allowed; a value in quotes is text, and nothing else "
                        "needs to say what it is.",
                        source.place(start),
                    )
                if isinstance(event, yaml.ScalarEvent):
                    yield _Leaf(start, end, event.value, event.style or "")
                elif isinstance(event, yaml.CollectionStartEvent):
                    yield _Open(isinstance(event, yaml.MappingStartEvent), bool(event.flow_style), start)
            elif isinstance(event, yaml.CollectionEndEvent):
                yield _Close(end)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = "; ".join(part for part in (error.context, error.problem) if part)
        _refuse(
            f"This is not well-formed YAML: {said}. Look at the indentation and the quotes here and on the line "
            "before.",
            source.place(min(mark.index, len(source.text)) if mark else 0),
        )
    except yaml.YAMLError as error:
        _refuse(f"This is not well-formed YAML: {error}.", Place(1, 1, 0, 0))


_DECODER = json.JSONDecoder(parse_int=lambda text: Number(0, text), parse_float=lambda text: Number(0, text))
_JSON_ADVICE = "JSON wants double quotes, a comma between items and none after the last."


def _json_events(source: _Text) -> Iterator[_Event]:
    text, at = source.text, 0
    closing: list[str] = []
    state = "value"  # value, first (value or the end), key, first key, colon, next (comma or the end)
    while True:
        space = _JSON_SPACE.match(text, at)
        at = space.end() if space else at
        sign = text[at : at + 1]
        if state == "done":
            if sign:
                _refuse(f"Something follows after the end of the JSON document. {_JSON_ADVICE}", source.place(at))
            return
        if (state.startswith("first") and sign == closing[-1]) or (state == "next" and closing and sign == closing[-1]):
            closing.pop()
            at += 1
            yield _Close(at)
            state = "next" if closing else "done"
        elif state == "next" and sign == ",":
            state, at = ("key" if closing[-1] == "}" else "value"), at + 1
        elif state == "colon" and sign == ":":
            state, at = "value", at + 1
        elif state in ("value", "first") and sign and sign in "{[":
            yield _Open(sign == "{", True, at)
            closing.append("}" if sign == "{" else "]")
            state, at = ("first key" if sign == "{" else "first"), at + 1
        elif state in ("next", "colon") or (state.endswith("key") and sign != '"'):
            wanted = {"next": f"`,` or `{closing[-1]}`", "colon": "`:`"}.get(state, "a key in double quotes")
            _refuse(f"Expected {wanted} here. {_JSON_ADVICE}", source.place(at))
        else:
            leaf, at = _json_leaf(source, at)
            yield leaf
            state = "colon" if state.endswith("key") else "next" if closing else "done"


def _json_leaf(source: _Text, at: int) -> tuple[_Leaf, int]:
    try:
        value, end = _DECODER.raw_decode(source.text, at)
    except json.JSONDecodeError as error:
        _refuse(f"This is not well-formed JSON: {error.msg}. {_JSON_ADVICE}", source.place(error.pos))
    if isinstance(value, str):
        return _Leaf(at, end, value, '"'), end
    if isinstance(value, float):  # NaN or Infinity; every other number comes as it is written
        return _Leaf(at, end, ".nan", ""), end
    return _Leaf(at, end, source.text[at:end], ""), end


# Building


@dataclass(slots=True)
class _Frame:
    opened: _Open
    place: Place
    path: str
    items: list[Node] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    keys: dict[str, Scalar] = field(default_factory=dict)
    key: Scalar | None = None

    def path_of_next(self) -> str:
        if not self.opened.mapping:
            return f"{self.path}[{len(self.items)}]"
        name = shown(_key_name(self.key)) if self.key else ""
        return f"{self.path}.{name}" if self.path and name else name or self.path


@dataclass(slots=True)
class _Builder:
    """Turns events into nodes and holds every document to the same limits."""

    source: _Text
    faults: list[Fault] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    most_nodes: int = MOST_NODES
    nodes: int = 0
    root: Node | None = None

    def take(self, event: _Event) -> None:
        if isinstance(event, _Close):
            frame = self.stack.pop()
            place = Place(frame.place.line, frame.place.column, frame.place.start, event.end)
            if frame.opened.mapping:
                self._add(Mapping.of(place, frame.entries, flow=frame.opened.flow))
            else:
                self._add(Items(place, tuple(frame.items), frame.opened.flow))
            return
        place = self.source.place(event.start, event.end if isinstance(event, _Leaf) else None)
        path = self.stack[-1].path_of_next() if self.stack else ""
        self.nodes += 1
        if self.nodes > self.most_nodes:
            _refuse(
                f"The document has more than {self.most_nodes:,} values. Split it into several.",
                place,
                path or "document",
            )
        if isinstance(event, _Leaf):
            self._add(self._scalar(event, place, path))
            return
        if self.stack and self.stack[-1].opened.mapping and self.stack[-1].key is None:
            _refuse(
                "A key must be a word, not a list or a mapping. Put text before the colon.", place, path or "document"
            )
        if len(self.stack) >= MOST_DEPTH:
            _refuse(
                f"Here the document is nested deeper than {MOST_DEPTH} levels. A dossier needs six.", place, "document"
            )
        self.stack.append(_Frame(event, place, path))

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        if not frame.opened.mapping:
            frame.items.append(node)
        elif frame.key is None and isinstance(node, Scalar):
            frame.key = node
        elif frame.key is not None:
            frame.entries.append(self._entry(frame, frame.key, node))
            frame.key = None

    def _entry(self, frame: _Frame, key: Scalar, value: Node) -> Entry:
        name = _key_name(key)
        path = frame.path_of_next()
        if name == "<<" and not key.style:
            self._fault(
                "`<<` merges another mapping into this one. That is not allowed; write its keys out.", key.place, path
            )
        elif name in frame.keys:
            first = frame.keys[name].place
            self._fault(
                f"The key `{shown(name)}` stands here a second time; the first is at line {first.line}, column "
                f"{first.column}. Keep one of them.",
                key.place,
                path,
            )
        frame.keys.setdefault(name, key)
        return Entry(key, name, value)

    def _scalar(self, leaf: _Leaf, place: Place, path: str) -> Scalar:
        bad = _BAD_CHARACTER.search(leaf.text)
        if bad:
            self._fault(_bad_character(bad[0]), place, path)
            return Scalar(place, _BAD_CHARACTER.sub("\ufffd", leaf.text), leaf.style)
        if leaf.style:
            return Scalar(place, leaf.text, leaf.style)
        if leaf.text in _NULLS:
            return Scalar(place, None)
        if leaf.text in _BOOLEANS:
            return Scalar(place, _BOOLEANS[leaf.text])
        return Scalar(place, self._number(leaf.text, place, path))

    def _number(self, text: str, place: Place, path: str) -> str | Number:
        quotes = "If it is an identifier and not an amount, put it in quotes."
        if _INTEGER.fullmatch(text):
            if len(text) <= 20 and -(2**63) <= int(text) < 2**63:
                return Number(int(text), text)
            self._fault(f"This whole number does not fit into 64 bits. {quotes}", place, path)
        elif _FLOAT.fullmatch(text):
            value = float(text)
            if value not in (float("inf"), float("-inf")):
                return Number(value, text)
            self._fault(f"This number is too large: it would be read as infinity. {quotes}", place, path)
        elif _NOT_A_NUMBER.fullmatch(text):
            self._fault("NaN and infinity are not numbers here. Write null if the source does not say.", place, path)
        return text

    def _fault(self, detail: str, place: Place, path: str) -> None:
        self.faults.append(Fault(path or "document", detail, "body", place.line, place.column))


def _key_name(key: Scalar) -> str:
    value = key.value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return value.text if isinstance(value, Number) else value


def _document(source: _Text, builder: _Builder, events: Iterator[_Event], *, json: bool, marked: bool) -> Document:
    for event in events:
        builder.take(event)
    root = builder.root
    if not isinstance(root, Mapping):
        what = "is empty" if root is None or (isinstance(root, Scalar) and root.value is None) else "is not a mapping"
        _refuse(
            f"The document {what}. A dossier is a mapping whose first line is `chancery: 1`; the keys that follow are "
            "`id`, `title`, `source`, `passages` and the lists of records.",
            root.place if root else Place(1, 1, 0, 0),
        )
    return Document(source.text, root, json, marked, tuple(builder.faults))
