"""How bytes become lines and cells, whatever the file's size, line ends, encoding or damage.

blocks    runs of whole decoded lines, and refusals of lines that cannot be decoded
records   the same as comma-separated cells, where a quoted cell may run over several lines
table     rows in the layout's order of columns, header and nulls dealt with
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from app.importers.base import LONGEST_ROW_BYTES, SHOWN_CHARACTERS, Bytes, Layout, Notes, Refused, Row

# 256 kB: decoding and splitting a block at a time costs a fifth of doing it line by line, and holds nothing to speak of.
_BLOCK_BYTES = 1 << 18
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that follow each other, without their ends; `line` is the number of the first."""

    line: int
    texts: list[str]


def blocks(file: Bytes, notes: Notes, encodings: Sequence[str] = ("utf-8",)) -> Iterator[Block | Refused]:
    """Whole lines from `file`, a block at a time, numbered from 1.

    The first line end decides: a file with line feeds has lines that end in them (a carriage return before one
    belongs to it), and only a file without any is split at carriage returns. Each line is UTF-8, or else in the second
    of `encodings`, or else refused. Never holds more than a block and the longest row.
    """
    line, rest, end, skipping = 1, b"", b"", False
    started = False
    while chunk := file.read(_BLOCK_BYTES):
        if not started:
            while len(chunk) < 3 and (more := file.read(3 - len(chunk))):
                chunk += more
            started = True
            if chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
                detail = "The file is UTF-16. Save it as UTF-8."
                yield Refused(1, "bad-encoding", detail, shown(chunk))
                return
            if chunk.startswith(_BOM):
                notes["byte-order-mark"] += 1
                chunk = chunk[3:]
        data = rest + chunk if rest else chunk
        if not end:
            end = _line_end(data)
            if end == b"\r":
                notes["carriage-returns"] += 1
        if skipping:
            at = data.find(end) if end else -1
            if at < 0:
                rest = data[-1:] if data.endswith(b"\r") and not end else b""
                continue
            data, skipping, line = data[at + 1 :], False, line + 1
        cut = data.rfind(end) if end else -1
        if cut >= 0:
            whole = data[:cut]
            yield from _decoded(line, whole, end, notes, encodings)
            line += whole.count(end) + 1
        rest = data[cut + 1 :]
        if len(rest) > LONGEST_ROW_BYTES:
            yield _too_long(line, rest)
            rest, skipping = b"", True
    if end == b"" and rest.endswith(b"\r"):
        notes["carriage-returns"] += 1
        rest = rest[:-1]
    if rest:
        yield from _decoded(line, rest, end or b"\n", notes, encodings)


def _line_end(data: bytes) -> bytes:
    if b"\n" in data:
        return b"\n"
    # A carriage return at the very end may be half of a pair whose other half is not read yet.
    return b"\r" if b"\r" in data[:-1] else b""


def _decoded(line: int, data: bytes, end: bytes, notes: Notes, encodings: Sequence[str]) -> Iterator[Block | Refused]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None
    # The common case at once: all of it is text, and nothing in it needs a second look.
    if text is not None and "\0" not in text and len(data) <= LONGEST_ROW_BYTES:
        if "\ufffd" in text:
            notes["replacement-character"] += sum("\ufffd" in each for each in text.split(end.decode()))
        if end == b"\n" and "\r" in text:
            notes["carriage-returns"] += text.count("\r\n") + text.endswith("\r")
            text = text.replace("\r\n", "\n").removesuffix("\r")
        yield Block(line, text.split(end.decode()))
        return
    good: list[str] = []
    raws = data.split(end)
    for number, raw in enumerate(raws, line):
        outcome = _one(number, raw.removesuffix(b"\r") if end == b"\n" else raw, notes, encodings)
        if isinstance(outcome, str):
            good.append(outcome)
            continue
        if good:
            yield Block(number - len(good), good)
            good = []
        yield outcome
    if good:
        yield Block(line + len(raws) - len(good), good)


def _one(number: int, raw: bytes, notes: Notes, encodings: Sequence[str]) -> str | Refused:
    if len(raw) > LONGEST_ROW_BYTES:
        return _too_long(number, raw)
    if b"\0" in raw:
        return Refused(
            number, "nul-byte", "The line holds a NUL byte; text has none.", shown(raw.replace(b"\0", b"\\0"))
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError as problem:
        if len(encodings) < 2:
            detail = f"The byte at position {problem.start} of the line is not UTF-8, which this dataset is written in."
            return Refused(number, "bad-encoding", detail, shown(raw))
        notes["fallback-encoding"] += 1
        return raw.decode(encodings[1])
    if "\ufffd" in text:
        notes["replacement-character"] += 1
    return text


def _too_long(line: int, raw: bytes) -> Refused:
    detail = f"The line is longer than {LONGEST_ROW_BYTES:,} bytes; no row of this dataset is."
    return Refused(line, "row-too-long", detail, shown(raw))


def shown(raw: bytes) -> str:
    """The beginning of a raw line for a report, bytes that are no text written out as `\\xff`."""
    return raw[: 4 * SHOWN_CHARACTERS].decode("utf-8", "backslashreplace").replace("\0", "\\0")[:SHOWN_CHARACTERS]


class _Unclosed(Exception):
    """A quoted cell ran on past the longest row."""


class _Told(Exception):
    """A line was refused between two records, and can be told at once."""


@dataclass(slots=True)
class _Feed:
    """Lines for `csv.reader`, remembering those of the present record so that a broken one can be taken back."""

    source: Iterator[Block | Refused]
    waiting: deque[tuple[int, str]] = field(default_factory=deque)
    taken: list[tuple[int, str]] = field(default_factory=list)
    # Refused lines that are not told yet, because they stand behind the beginning of the present record.
    refused: list[Refused] = field(default_factory=list)
    size: int = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self.waiting:
            block = next(self.source)
            if isinstance(block, Refused):
                self.refused.append(block)
                if not self.taken:
                    raise _Told
                self._grow(len(block.text))
            else:
                self.waiting.extend(enumerate(block.texts, block.line))
        number, text = self.waiting.popleft()
        self.taken.append((number, text))
        self._grow(len(text))
        return text + "\n"

    def _grow(self, characters: int) -> None:
        self.size += characters + 1
        if self.size > LONGEST_ROW_BYTES:
            raise _Unclosed

    def told(self, before: int | None = None) -> list[Refused]:
        """The refused lines before the line `before`, which are told now."""
        told = [each for each in self.refused if before is None or each.line < before]
        self.refused = [each for each in self.refused if before is not None and each.line > before]
        return told

    def settle(self) -> None:
        """Forget the present record, which is complete."""
        self.taken, self.size = [], 0

    def take_back(self) -> tuple[int, str]:
        """Give up the first line of the present record, and have the others read again."""
        first = self.taken[0]
        self.waiting.extendleft(reversed(self.taken[1:]))
        self.settle()
        return first


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the number of its first line, its cells, and the line as it stood."""

    line: int
    cells: list[str]
    text: str


def records(
    file: Bytes, notes: Notes, separator: str, encodings: Sequence[str] = ("utf-8",), *, quoted: bool
) -> Iterator[Record | Refused]:
    """Records of a separated file. With `quoted`, cells may stand in quotation marks and hold line ends."""
    source = blocks(file, notes, encodings)
    if quoted:
        yield from _quoted(source, notes, separator)
        return
    for block in source:
        if isinstance(block, Refused):
            yield block
            continue
        for line, text in enumerate(block.texts, block.line):
            if text:
                yield Record(line, text.split(separator), text[:SHOWN_CHARACTERS])
            else:
                notes["blank-line"] += 1


def _quoted(source: Iterator[Block | Refused], notes: Notes, separator: str) -> Iterator[Record | Refused]:
    feed = _Feed(source)
    # The limit is the process's, and 131,072 by default; a cell is no longer than a row here.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * LONGEST_ROW_BYTES))
    reader = csv.reader(feed, delimiter=separator, strict=True)
    while True:
        try:
            cells = next(reader, None)
        except _Told:
            yield from feed.told()
            continue
        except (csv.Error, _Unclosed) as problem:
            line, text = feed.take_back()
            yield from feed.told(line)
            yield _misquoted(line, text, problem)
            reader = csv.reader(feed, delimiter=separator, strict=True)
            continue
        if cells is None:
            yield from feed.told()
            return
        line, last = feed.taken[0][0], feed.taken[-1][0]
        if feed.refused:
            yield from feed.told(line)
        text = "\n".join([text for _, text in feed.taken])[:SHOWN_CHARACTERS]
        if feed.refused and (inside := feed.told(last)):
            detail = f"Line {inside[0].line}, inside a quoted cell of this row, cannot be read. {inside[0].detail}"
            yield Refused(line, inside[0].reason, detail, text)
        elif cells:
            yield Record(line, cells, text)
        else:
            notes["blank-line"] += 1
        feed.settle()


def _misquoted(line: int, text: str, problem: Exception) -> Refused:
    runs_on = isinstance(problem, _Unclosed) or "end of data" in str(problem)
    what = "opens and is not closed" if runs_on else "closes in the middle of a cell"
    detail = f"A quotation mark {what}; inside a quoted cell it is written twice."
    return Refused(line, "bad-quoting", detail, text[:SHOWN_CHARACTERS])


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of a layout with a header are recognised and put in order."""

    layout: Layout
    # Without these a row says nothing.
    required: frozenset[str]
    nulls: frozenset[str]
    # Whether these cells, in the layout's order, are a row rather than a header.
    is_row: Callable[[Sequence[str]], bool]
    # Other names that a column goes by.
    aliases: dict[str, str] = field(default_factory=dict)

    def column(self, title: str) -> str:
        """The layout's name for a column of a header, or the title as it is."""
        plain = title.strip(' "').casefold()
        known = {name.casefold(): name for name in self.layout.columns}
        return known.get(plain) or self.aliases.get(plain, title)


def table(file: Bytes, shape: Shape, notes: Notes) -> Iterator[Row | Refused]:
    """Rows of a file with a header, their cells in the layout's order; columns that the file lacks are None."""
    layout = shape.layout
    source = records(file, notes, layout.separator, layout.encodings, quoted=layout.quoted)
    header: list[str] | None = None
    order: list[int] = []
    straight = False
    width = len(layout.columns)
    nulls = shape.nulls
    for record in source:
        if isinstance(record, Refused):
            yield record
            continue
        cells = record.cells
        if header is None:
            titles = [shape.column(cell) for cell in cells]
            missing = [name for name in layout.columns if name in shape.required and name not in titles]
            if missing and (not layout.header or shape.is_row(cells)):
                if layout.header:
                    notes["header-missing"] += 1
                header, order = [], list(range(width))
            else:
                if missing:
                    yield Refused(record.line, "missing-column", _lacks(missing, shape), record.text)
                    return
                if not layout.header:
                    notes["header-unexpected"] += 1
                header, width = cells, len(cells)
                while width and not cells[width - 1].strip():
                    width -= 1
                if any(title not in layout.columns for title in titles[:width]):
                    notes["extra-columns-ignored"] += 1
                order = [titles.index(name) if name in titles else -1 for name in layout.columns]
            straight = order == list(range(width))
            if header:
                continue
        elif cells == header:
            notes["header-repeated"] += 1
            continue
        if len(cells) != width:
            if len(cells) < width:
                detail = f"The row has {len(cells)} columns; {width} are needed."
                yield Refused(record.line, "missing-column", detail, record.text)
                continue
            if any(cells[width:]):
                detail = f"The row has {len(cells)} columns, of which the last are not empty; {width} are allowed."
                yield Refused(record.line, "extra-column", detail, record.text)
                continue
            notes["empty-trailing-columns"] += 1
            cells = cells[:width]
        if not straight:
            cells = [cells[at] if at >= 0 else "" for at in order]
        yield Row(record.line, tuple([None if cell in nulls else cell for cell in cells]), record.text)


def _lacks(missing: Sequence[str], shape: Shape) -> str:
    return f"The header lacks {', '.join(missing)}; {shape.layout.name} needs {', '.join(sorted(shape.required))}."
