"""A source's text cut at the passages that are cited, so that each piece knows which passages cover it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text and the passages that cover it; the ids of those that begin here."""

    text: str
    start: int
    passages: tuple[str, ...]
    begins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph by its number, from 1."""

    number: int
    pieces: tuple[Piece, ...]


def paragraphs(text: str, passages: Iterable[Mapping[str, Any]]) -> list[Paragraph]:
    """The text by paragraph, cut wherever a passage begins or ends. Offsets are Unicode code points, end exclusive."""
    spans = [(one["start"], one["end"], one["id"]) for one in passages if 0 <= one["start"] < one["end"] <= len(text)]
    found: list[Paragraph] = []
    position, number = 0, 0
    for line in text.splitlines(keepends=True):
        start, end = position, position + len(line.rstrip("\r\n"))
        position += len(line)
        if text[start:end].strip():
            number += 1
            found.append(Paragraph(number, tuple(pieces(text, start, end, spans))))
    return found


def pieces(text: str, start: int, end: int, spans: Sequence[tuple[int, int, str]]) -> Iterable[Piece]:
    """The stretches of one paragraph."""
    here = [span for span in spans if span[0] < end and span[1] > start]
    cuts = sorted({start, end, *(max(start, one[0]) for one in here), *(min(end, one[1]) for one in here)})
    for left, right in pairwise(cuts):
        covering = [one for one in here if one[0] <= left and one[1] >= right]
        yield Piece(
            text[left:right],
            left,
            tuple(one[2] for one in covering),
            tuple(one[2] for one in covering if one[0] == left),
        )


@dataclass(frozen=True, slots=True)
class Outline:
    """A sentence of a text that is not at hand: where it stands, and the passages in it."""

    paragraph: int
    sentence: int
    passages: tuple[Mapping[str, Any], ...]


def outline(sentences: Sequence[int], passages: Sequence[Mapping[str, Any]]) -> list[list[Outline]]:
    """The sentences of each paragraph, `sentences` being how many each has, with the passages that stand in them."""
    by_place: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for one in passages:
        by_place.setdefault((one["paragraph"] or 0, one["sentence"] or 0), []).append(one)
    return [
        [Outline(p, s, tuple(by_place.get((p, s), ()))) for s in range(1, count + 1)]
        for p, count in enumerate(sentences, start=1)
    ]
