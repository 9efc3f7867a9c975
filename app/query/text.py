"""What somebody typed into a search, which texts hold it, how well, and where: pure, so that both databases answer alike.

    net-zero "peace talks" ukr*     the words net and zero, a phrase, the beginning of a word; all of them must be there

Everything else that a search language might mean by its signs means nothing here: signs part words, as they do in the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.names import skeleton, words

GAP: Final = "¶"  # between texts that stand in one field, so that no phrase reaches from one into the next
WORD_MOST: Final = 100  # characters of a word that are looked at: no language needs more, and an index cannot hold them
WORDS_MOST: Final = 10_000  # words of a field
# What a field adds, at most, for a word that it holds.
WEIGHTS: Final[Mapping[str, float]] = {"name": 8.0, "gloss": 4.0, "quote": 3.0, "text": 2.0, "linked": 1.0}
OWN: Final = ("name", "gloss", "quote", "text")

QUOTED: Final = re.compile(r'["“”„‟«»「」『』]([^"“”„‟«»「」『』]*)["“”„‟«»「」『』]')
# Scripts that put no spaces between words: a word of theirs is a whole clause, and whoever types one types its beginning.
UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
REMEMBERED: Final = 400  # characters of a text whose words are remembered: glosses and names come up again and again
PLAIN: Final = '()[]{},;:!?"“”„…—–/-→'  # what stands around words and means nothing to them
INITIALS: Final = re.compile(r"[^\W\d_]\.")


@dataclass(frozen=True, slots=True)
class Term:
    """Something to find: a word, a phrase of several, or with `begins`, what begins so."""

    words: tuple[str, ...]
    begins: bool = False

    @property
    def forms(self) -> tuple[str, ...]:
        """A single word and its usual singular or plural; a phrase and a beginning are looked for as they are."""
        return _forms(self)[0]

    @property
    def bone(self) -> str | None:
        """The key under which usual respellings of a name are equal, for a single word of five letters and more."""
        return _forms(self)[1]

    @property
    def everything(self) -> tuple[str, ...]:
        """Every form that an index is asked for: respellings stand there for the names of actors alone."""
        return _forms(self)[2]

    def __str__(self) -> str:
        told = " ".join(self.words) + ("*" if self.begins else "")
        return f'"{told}"' if len(self.words) > 1 else told


@lru_cache(4_096)
def _forms(term: Term) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
    whole = " ".join(term.words)
    if len(term.words) > 1 or term.begins:
        return (whole,), None, (whole,)
    forms = (whole, *numbers(whole))
    bone = (skeleton(whole) or None) if len(whole) >= 5 else None
    return forms, bone, tuple(dict.fromkeys([*forms, *([bone] if bone else [])]))


def numbers(word: str) -> tuple[str, ...]:
    """The plural of an English word, or what it may be the plural of; none for words that are too short to tell."""
    if not word.isascii() or not word.isalpha() or len(word) < 4:
        return ()
    if word.endswith("ies") and len(word) > 5:
        return (f"{word[:-3]}y",)
    if word.endswith(("sses", "xes", "ches", "shes")):
        return (word[:-2],)
    if word.endswith("s"):
        return (word[:-1],) if len(word) > 4 and not word.endswith(("ss", "us", "is")) else ()
    if word.endswith("y") and word[-2] not in "aeiou":
        return (f"{word[:-1]}ies",)
    return (f"{word}es",) if word.endswith(("x", "ch", "sh")) else (f"{word}s",)


def read(typed: str) -> tuple[Term, ...]:
    """The terms of a search, each once, in the order in which they were typed; none where there is no letter or digit."""
    found: dict[Term, None] = {}
    at = 0
    for quotation in QUOTED.finditer(typed):
        found |= dict.fromkeys(_loose(typed[at : quotation.start()]))
        at = quotation.end()
        held = _cut(words(quotation[1]))
        if held:
            starred = quotation[1].rstrip().endswith("*") or typed[at : at + 1] == "*"
            found[Term(tuple(held), _begins(held[-1], starred))] = None
    found |= dict.fromkeys(_loose(typed[at:]))
    return tuple(found)


def _loose(typed: str) -> Iterator[Term]:
    """The terms of a part without quotation marks."""
    pieces = typed.split("*")
    for place, piece in enumerate(pieces):
        held = _cut(words(piece))
        starred = place < len(pieces) - 1 and piece[-1:].isalnum()
        for number, word in enumerate(held):
            yield Term((word,), _begins(word, starred and number == len(held) - 1))


def _begins(word: str, starred: bool) -> bool:
    return starred or UNSPACED.search(word) is not None


def _cut(held: Iterable[str]) -> list[str]:
    return [word[:WORD_MOST] for word in held]


def beginnings(typed: str) -> tuple[Term, ...]:
    """The terms of a filter, each of whose words is the beginning of a word; those that another one implies are left out."""
    last, found = "", []
    for word in sorted(set(_cut(words(typed))), reverse=True):
        if not last.startswith(word):
            found.append(Term((word,), True))
            last = word
    return tuple(found)


def folded(texts: Iterable[str | None]) -> str:
    """Texts as the words that stand in an index, with a gap between one text and the next."""
    parts: list[str] = []
    left = WORDS_MOST
    for text in texts:
        if text and left > 0:
            held = _cut(words(text))[:left]
            left -= len(held)
            if held:
                parts.append(" ".join(held))
    return f" {GAP} ".join(parts)


# ── Whether, and how well ───────────────────────────────────────────────────────────────────────────────────────────


def holds(term: Term, field: str) -> float:
    """How well a field's words hold a term: 1 for the word itself, less for another number of it or a mere beginning; 0 for not."""
    return _held(term, f" {field} ")


def _held(term: Term, padded: str) -> float:
    if term.begins:
        wanted = " ".join(term.words)
        return 1.0 if f" {wanted} " in padded else 0.7 if f" {wanted}" in padded else 0.0
    for place, form in enumerate(term.everything):
        if f" {form} " in padded:
            return 0.9 if place else 1.0
    return 0.0


def matches(terms: Sequence[Term], fields: Mapping[str, str]) -> bool:
    """Whether each term stands in one of the fields."""
    return all(any(holds(term, field) for field in fields.values()) for term in terms)


def rated(terms: Sequence[Term], fields: Mapping[str, str]) -> float:
    """How well a record fits, above 0 and below 1: by the weight of the field, its length, how close the words stand together.

    It looks at nothing but the record itself, so it is the same on every database, page and revision.
    """
    held = {name: f" {field} " for name, field in fields.items() if field}
    brief = {name: WEIGHTS[name] * _brief(field) for name, field in held.items()}
    total = 0.0
    for term in terms:
        found = [brief[name] * much for name, field in held.items() if (much := _held(term, field))]
        total += max(found, default=0.0) + 0.1 * sum(found)
    total /= len(terms)
    asked = " ".join(word for term in terms for word in term.words)
    total += 0.5 * max(
        (WEIGHTS[name] for name, field in held.items() if f" {asked} " in field), default=0.0
    )  # in a row
    if any(value == asked for value in fields.get("name", "").split(f" {GAP} ")):
        total += 8.0  # its very name
    return total / (total + 8.0)


def _brief(field: str) -> float:
    """A short field that holds a word is more about it than a long one: 1 for a word, 0.5 for about sixty."""
    return 1.0 / (1.0 + len(field) / 400.0)


# ── Where ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def spans(text: str) -> Sequence[tuple[str, int, int]]:
    """The folded words of a text with where each stands in it. What folds as a whole (initials, `AT&T`) stands as a whole."""
    return _remembered(text) if len(text) <= REMEMBERED else _spans(text)


@lru_cache(4_000)
def _remembered(text: str) -> tuple[tuple[str, int, int], ...]:
    return tuple(_spans(text))


def _spans(text: str) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    chunks = [(one.start(), one.end()) for one in re.finditer(r"\S+", text)]
    place = 0
    while place < len(chunks):
        start, end = chunks[place]
        # U. S. is one word.
        while (
            text[end - 1] == "."
            and place + 1 < len(chunks)
            and INITIALS.fullmatch(text, end - 2, end)
            and INITIALS.match(text, chunks[place + 1][0])
        ):
            place += 1
            end = chunks[place][1]
        place += 1
        found += _within(text, start, end)
    return found


def _within(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """The words of one chunk: by its letters where these fold one by one, else all of them where the chunk stands."""
    chunk = text[start:end]
    bare = chunk.strip(PLAIN)
    if bare.isascii() and bare.isalnum():  # nearly every word of an English text; folding each costs ten times as much
        start += len(chunk) - len(chunk.lstrip(PLAIN))
        yield bare.lower(), start, start + len(bare)
        return
    while start < end and not text[start].isalnum():
        start += 1
    while (
        end > start
        and not text[end - 1].isalnum()
        and text[end - 3 : end - 2] != "."
        and words(text[start : end - 1]) == words(text[start:end])
    ):
        end -= 1
    whole = words(text[start:end])
    if len(whole) == 1:
        yield whole[0], start, end
        return
    pieces = [
        (start + one.start(), start + one.end()) for one in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*", text[start:end])
    ]
    parts = [(words(text[begin:stop]), begin, stop) for begin, stop in pieces]
    if [word for held, _, _ in parts for word in held] == whole and all(len(held) == 1 for held, _, _ in parts):
        yield from ((held[0], begin, stop) for held, begin, stop in parts)
    else:
        yield from ((word, start, end) for word in whole)


def stand(terms: Sequence[Term], found: Sequence[tuple[str, int, int]]) -> bool:
    """Whether all the terms stand among the words of a text."""
    held = f" {' '.join([word for word, _, _ in found])} "
    return all(_held(term, held) for term in terms)


def marks(
    terms: Sequence[Term], found: Sequence[tuple[str, int, int]], *, respelt: bool = False
) -> list[tuple[int, int]]:
    """Where a text's words hold the terms, as spans that do not overlap, in order; with `respelt`, usual respellings too."""
    held = [word[:WORD_MOST] for word, _, _ in found]
    if respelt:
        wanted = {bone for term in terms if (bone := term.bone) is not None}
        found = [one for one in found if one[0] in wanted or skeleton(one[0]) in wanted]
        return [(start, end) for _, start, end in found]
    there: set[int] = set()
    for term in terms:
        length = len(term.words)
        if length == 1 and not term.begins:
            forms = term.forms
            there.update([place for place, word in enumerate(held) if word in forms])
            continue
        for place in range(len(held) - length + 1):
            if _stands(term, held[place : place + length]):
                there.update(range(place, place + length))
    told: list[tuple[int, int]] = []
    last = -2
    for place in sorted(there):
        _, start, end = found[place]
        if told and (start < told[-1][1] or (place == last + 1 and start <= told[-1][1])):
            told[-1] = (told[-1][0], max(end, told[-1][1]))
        else:
            told.append((start, end))
        last = place
    return told


def _stands(term: Term, run: Sequence[str]) -> bool:
    return all(
        word.startswith(wanted) if term.begins and place == len(run) - 1 else word == wanted
        for place, (word, wanted) in enumerate(zip(run, term.words, strict=True))
    )


def window(text: str, marked: Sequence[tuple[int, int]], length: int) -> tuple[int, int]:
    """The part of a long text that shows most of what was found, about `length` characters, cut between words."""
    if len(text) <= length or not marked:
        return 0, min(len(text), length)
    start = max(
        marked, key=lambda one: (sum(one[0] <= begin < one[0] + length * 2 // 3 for begin, _ in marked), -one[0])
    )[0]
    begin = max(0, start - length // 4)
    if begin:
        begin = text.find(" ", begin, start) + 1 or start
    end = min(len(text), begin + length)
    if end < len(text):
        end = max(text.rfind(" ", begin + 1, end), start + 1)
    return begin, end
