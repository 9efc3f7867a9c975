"""Where the words that an author quotes stand in the text of the source.

For finding, straight and typographic quotes and apostrophes are equal, and so is any run of white space; everything
else must agree. Offsets and digests are always those of the source's own characters.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from app.dossiers.sentences import Sentence, sentences

# Comparing a quotation with every sentence is advice, not work: beyond this many it would cost seconds.
MOST_COMPARED = 5_000

_SAME = str.maketrans({**dict.fromkeys("‘’‚‛′`´ʼ＇", "'"), **dict.fromkeys("“”„‟″«»＂", '"')})
_PAIRS = {"“": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", '"': '"', "‘": "’", "'": "'", "‹": "›"}
_MARKS = frozenset("".join(_PAIRS) + "".join(_PAIRS.values()))


def digest(words: str) -> str:
    """The sha256 of words in UTF-8, as citations carry it."""
    return hashlib.sha256(words.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """A quotation's place in the source."""

    paragraph: int
    sentence: int
    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of a source, prepared for finding in it."""

    text: str
    sentences: tuple[Sentence, ...]
    folded: str
    offsets: tuple[int, ...]
    """For each folded character the offset of the character it stands for."""

    @classmethod
    def of(cls, text: str) -> SourceText:
        folded, offsets = _fold(text)
        return cls(text, sentences(text), folded, tuple(offsets))

    @property
    def counts(self) -> tuple[int, ...]:
        """How many sentences each paragraph has."""
        last = {found.paragraph: found.sentence for found in self.sentences}
        return tuple(last.values())

    def spans(self, words: str) -> Iterator[tuple[int, int]]:
        """Every span of the source that reads as these words."""
        wanted = _fold(words.strip())[0]
        at = self.folded.find(wanted) if wanted else -1
        while at >= 0:
            yield self.offsets[at], self.offsets[at + len(wanted) - 1] + 1
            at = self.folded.find(wanted, at + 1)

    def sentence_at(self, start: int) -> Sentence | None:
        """The sentence in which an offset lies; white space before a sentence belongs to it."""
        at = bisect_right(self.sentences, start, key=lambda sentence: sentence.end)
        return self.sentences[at] if at < len(self.sentences) else None

    def numbers(self, start: int, end: int) -> tuple[Sentence, Sentence] | None:
        """The sentences in which a span begins and ends; None outside every sentence."""
        first, last = self.sentence_at(start), self.sentence_at(max(start, end - 1))
        return (first, last) if first and last else None

    def found(self, start: int, end: int) -> Found | None:
        """A span as a citation; None if it is not within one sentence."""
        within = self.numbers(start, end)
        if within is None or within[0] != within[1]:
            return None
        sentence = within[0]
        return Found(sentence.paragraph, sentence.sentence, start, end, digest(self.text[start:end]))

    def locate(self, words: str, paragraph: int | None = None, sentence: int | None = None) -> tuple[Found, ...]:
        """Every place within one sentence that reads as these words, where numbers are given only in that one."""
        found = (self.found(start, end) for start, end in self.spans(words))
        return tuple(
            place
            for place in found
            if place and paragraph in (None, place.paragraph) and sentence in (None, place.sentence)
        )

    def lost(self, words: str, paragraph: int | None = None, sentence: int | None = None) -> str:
        """Why `locate` does not find exactly one place, and what an author can do about it."""
        found = self.locate(words, paragraph, sentence)
        if found:
            shown = "; ".join(f"paragraph {at.paragraph}, sentence {at.sentence}, from {at.start}" for at in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            several = len({(at.paragraph, at.sentence) for at in found}) > 1
            narrow = (
                "Add `paragraph` and `sentence` beside `text`, or quote more words" if several else "Quote more words"
            )
            return f"These words stand in the source {len(found)} times: {shown}{more}. {narrow}."
        elsewhere = self.locate(words)
        if elsewhere:
            at = elsewhere[0]
            return (
                f"These words do not stand there, but in paragraph {at.paragraph}, sentence {at.sentence}. Correct "
                "the numbers beside `text`, or remove them."
            )
        if next(self.spans(words), None):
            return (
                "These words reach over the end of a sentence. Make it one passage for each sentence; a fact can "
                "cite both."
            )
        near = self.nearest(words)
        if near is None:
            return (
                "These words do not stand in the source. Quote it exactly; only quotation marks and spaces may differ."
            )
        reads = self.text[near.start : near.end]
        return (
            f"These words do not stand in the source. Nearest is paragraph {near.paragraph}, sentence "
            f"{near.sentence}: {reads[:160]}{'…' if len(reads) > 160 else ''}"
        )

    def nearest(self, words: str) -> Sentence | None:
        """The sentence that most resembles a quotation; None if none does."""
        if len(self.sentences) > MOST_COMPARED or len(words) > 2_000:
            return None
        wanted = _fold(words)[0]
        choices = [_fold(self.text[sentence.start : sentence.end])[0][:2_000] for sentence in self.sentences]
        best = process.extractOne(wanted, choices, scorer=fuzz.partial_ratio, score_cutoff=60)
        return self.sentences[best[2]] if best else None

    def quoted_spans(self) -> tuple[tuple[int, int], ...]:
        """What stands between quotation marks, without the marks; nested quotations count as well."""
        spans = [
            span
            for line_start, line in _lines(self.text)
            for span in ((line_start + start, line_start + end) for start, end in _quoted(line))
        ]
        return tuple(spans)


def _fold(text: str) -> tuple[str, list[int]]:
    folded: list[str] = []
    offsets: list[int] = []
    for offset, character in enumerate(text.translate(_SAME)):
        if character.isspace():
            if not folded or folded[-1] != " ":
                folded.append(" ")
                offsets.append(offset)
        else:
            folded.append(character)
            offsets.append(offset)
    return "".join(folded), offsets


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, line
        start += len(line)


def _quoted(line: str) -> Iterator[tuple[int, int]]:
    """Spans between matching marks of one paragraph. An apostrophe inside a word is no mark.

    A mark that is never closed reaches to the end of the paragraph: so quotations over several paragraphs are written.
    """
    opened: list[tuple[str, int]] = []
    for offset, character in enumerate(line):
        if character not in _MARKS or (character in "’'" and _inside_word(line, offset)):
            continue
        closes = next((at for at in reversed(range(len(opened))) if character in _PAIRS[opened[at][0]]), None)
        if closes is not None:
            yield opened[closes][1], offset
            del opened[closes:]
        elif character in _PAIRS and (character not in "'‘" or _opens(line, offset)):
            # Real quotations nest two or three deep; a bound keeps a line of nothing but marks from being quadratic.
            opened = [*opened[-7:], (character, offset + 1)]
    yield from ((start, len(line)) for mark, start in opened if mark not in "'‘")


def _inside_word(line: str, offset: int) -> bool:
    return 0 < offset < len(line) - 1 and line[offset - 1].isalnum() and line[offset + 1].isalnum()


def _opens(line: str, offset: int) -> bool:
    before = line[offset - 1] if offset else " "
    after = line[offset + 1 : offset + 2]
    return not before.isalnum() and bool(after) and not after.isspace()
