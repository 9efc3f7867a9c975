"""Where the paragraphs and sentences of a text begin and end, in code points.

The rule, so that a person can predict it:

* A paragraph is a line that is not blank.
* A sentence ends after a run of `.` `!` `?` `…` (and any closing quotes or brackets behind it) when white space and
  then something other than a lower-case letter follow, and at the end of its paragraph. After the full stops of
  Chinese and Japanese (`。` `！` `？`) no white space is needed.
* A full stop does not end a sentence after a title that stands before a name (`Mr.`, `Gen.`), after an abbreviation
  that stands before a number (`No. 5`, `Jan. 3`), or after a number that opens the sentence (`1. First`).
* After an abbreviation that can end a sentence (`U.S.`, `p.m.`, `Inc.`) or a single letter (`J. Smith`, `Plan B.`) it
  does so only before a word that usually opens one (`The`, `He`, `But`), so `U.S. President` stays whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE = re.compile(r"[^\r\n]+")
_CLOSERS = r"[\"'”’»›)\]}」』）]*"
_STOP = re.compile(rf"(?:(?<![.!?…])[.!?…]++{_CLOSERS}+(?=\s)|[。！？]++{_CLOSERS})")
_ONE_POINT = re.compile(rf"\.{_CLOSERS}")
_NEXT = re.compile(r"\s*[\"'“‘«‹(\[{「『（¿¡—–-]*\s*(\w*)")
_WHITE = re.compile(r"\s*")
_WORD_BEFORE = re.compile(r"[\w.’'-]*$")


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BEFORE_A_NAME = _listed(
    "mr mrs ms mx dr prof rev hon fr gen lt col maj capt cmdr sgt cpl adm sen rep gov pres amb messrs vs e.g i.e viz"
)
_BEFORE_A_NUMBER = _listed(
    "no nos art para sect sec fig vol pp p v cf jan feb mar apr jun jul aug sep sept oct nov dec"
)
_CAN_END = _listed("st mt inc ltd co corp llc plc bros jr sr esq etc al ed eds dept est univ assn a.m p.m ph.d b.a m.a")
_OPENERS = _listed(
    "a an the this that these those he she it they we you i his her its their our there here in on at as after before "
    "but and or yet so if when while since although because however meanwhile moreover furthermore according both all "
    "some many most no not one two what who why how then now also"
)
_ACRONYM = re.compile(r"(?:\w\.)+\w")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence by its numbers, counted from one, and its span: start inclusive, end exclusive."""

    paragraph: int
    sentence: int
    start: int
    end: int


def sentences(text: str) -> tuple[Sentence, ...]:
    """Every sentence of a text, in order; white space between sentences belongs to none."""
    lines = (match for match in _LINE.finditer(text) if not match[0].isspace())
    return tuple(
        Sentence(paragraph, sentence, start, end)
        for paragraph, line in enumerate(lines, start=1)
        for sentence, (start, end) in enumerate(_spans(line[0], line.start()), start=1)
    )


def counts(text: str) -> tuple[int, ...]:
    """How many sentences each paragraph has."""
    last: dict[int, int] = {}
    for found in sentences(text):
        last[found.paragraph] = found.sentence
    return tuple(last.values())


def _spans(line: str, offset: int) -> Iterator[tuple[int, int]]:
    end = len(line.rstrip())
    start = _after_white(line, 0)
    for stop in _STOP.finditer(line):
        if stop.end() < end and _ends(line, start, stop):
            yield offset + start, offset + stop.end()
            start = _after_white(line, stop.end())
    if start < end:
        yield offset + start, offset + end


def _after_white(line: str, position: int) -> int:
    found = _WHITE.match(line, position)
    return found.end() if found else position


def _ends(line: str, start: int, stop: re.Match[str]) -> bool:
    if stop[0][0] in "。！？":
        return True
    follows = _NEXT.match(line, stop.end())
    word = follows[1] if follows else ""
    if word[:1].islower():
        return False
    if not _ONE_POINT.fullmatch(stop[0]):
        return True
    # Forty characters reach back over any abbreviation; the whole line would make a long paragraph quadratic.
    before = _WORD_BEFORE.search(line[max(start, stop.start() - 40) : stop.start()])
    last = (before[0] if before else "").strip("’'-").casefold()
    if last in _BEFORE_A_NAME:
        return False
    if last in _BEFORE_A_NUMBER and word[:1].isdecimal():
        return False
    if start + len(last) == stop.start() and last.isdecimal():
        return False
    if last in _CAN_END or _ACRONYM.fullmatch(last) or (len(last) == 1 and last.isalpha()):
        return word.casefold() in _OPENERS
    return True
