"""Whether the citations and quotations of a dossier hold, proved against the text of its source.

Without the text these rules say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.dossiers import document, schema
from app.dossiers.document import Items, Scalar, plain, shown
from app.dossiers.find import SourceText, digest
from app.dossiers.reading import Cited, Reading, Seen, fault
from app.errors import Fault


def the_text_is_the_one_annotated(reading: Reading) -> Iterator[Fault]:
    """Digest, length and sentence counts are those of the text at hand."""
    if reading.source_text is None:
        return
    text, source = reading.source_text, reading.source.mapping
    for key, stated, is_ in (
        ("sha256", source.text("sha256"), digest(text.text)),
        ("characters", source.whole("characters"), len(text.text)),
    ):
        if stated is not None and stated != is_:
            yield fault(
                f"The text at hand has {key} {is_}, not {shown(str(stated))}: it is not the text that was annotated. Find that "
                "text, or pin the dossier anew to this one.",
                reading.source.at(key),
            )
    listed = source.get("sentences")
    if isinstance(listed, Items) and listed.items and plain(listed) != _numbers_of(text):
        yield fault(
            f"The text at hand has the sentences {shown(str(list(text.counts)))}, which is not what stands here. Correct the "
            "list, or remove it and run `chancery pin`.",
            reading.source.at("sentences"),
        )


def _numbers_of(text: SourceText) -> list[document.Number]:
    return [document.Number(count, str(count)) for count in text.counts]


def citations_hold(reading: Reading) -> Iterator[Fault]:
    """Each passage's digest is that of the words at its position, which lie in the sentence it names."""
    text = reading.source_text
    if text is None or not _same_text(reading):
        return
    for passage in reading.passages.values():
        if passage.working is not None:
            yield from _words_stand(text, passage.seen)
        elif passage.start is not None and passage.end is not None and passage.start < passage.end:
            if passage.end <= len(text.text):
                yield from _citation(text, passage, passage.start, passage.end)
            elif reading.source.mapping.whole("characters") is None:  # with it, `rules` has said so
                yield fault(
                    f"The passage ends at {passage.end}, outside the text, which has {len(text.text)} characters.",
                    passage.seen.at("end"),
                )
    for seen in reading.working:
        if seen.part is schema.Evidence:
            yield from _words_stand(text, seen)


def _same_text(reading: Reading) -> bool:
    """Whether the text at hand is the annotated one; otherwise one fault says so, and not one for each passage."""
    stated = reading.source.mapping.text("sha256")
    return reading.source_text is not None and stated in (None, digest(reading.source_text.text))


def _words_stand(text: SourceText, seen: Seen) -> Iterator[Fault]:
    words, numbers = seen.mapping.text("text"), (seen.mapping.whole("paragraph"), seen.mapping.whole("sentence"))
    if words is not None and len(text.locate(words, *numbers)) != 1:
        yield fault(text.lost(words, *numbers), seen.at("text"))


def _citation(text: SourceText, passage: Cited, start: int, end: int) -> Iterator[Fault]:
    if passage.sha256 is not None and passage.sha256 != digest(text.text[start:end]):
        yield fault(
            f"The digest is not that of the words from {start} to {end}, which is {digest(text.text[start:end])}. "
            "Either the position or the digest was changed; quote the words under `text` and run `chancery pin`.",
            passage.seen.at("sha256"),
        )
    within = text.numbers(start, end)
    if within is None or within[0] != within[1]:
        yield fault(
            f"The words from {start} to {end} do not lie within one sentence. Make it one passage for each sentence.",
            passage.seen.at("start"),
        )
    elif (passage.paragraph, passage.sentence) != (within[0].paragraph, within[0].sentence):
        yield fault(
            f"The words from {start} to {end} stand in paragraph {within[0].paragraph}, sentence "
            f"{within[0].sentence}, not in paragraph {passage.paragraph}, sentence {passage.sentence}.",
            passage.seen.at("paragraph"),
        )


def quotes_stand_in_quotation_marks(reading: Reading) -> Iterator[Fault]:
    """The words of `quote` stand inside quotation marks in a passage that the statement cites."""
    text = reading.source_text
    if text is None or not _same_text(reading):
        return
    quoted = text.quoted_spans()
    for seen in reading.each(schema.Statement):
        quote = seen.mapping.text("quote")
        if quote is None:
            continue
        cited = list(_cited_spans(reading, text, seen))
        spans = [(start, end) for start, end in text.spans(quote) if _within(cited, start) and _within(cited, end - 1)]
        if not spans:
            yield fault(
                "These words do not stand in the passages that the statement cites. Quote exactly, or cite the "
                "passage that has them.",
                seen.at("quote"),
            )
        elif not any(first <= start and end <= last for start, end in spans for first, last in quoted):
            yield fault(
                "These words stand in the source, but not inside quotation marks. Leave `quote` out and say it in the "
                "gloss.",
                seen.at("quote"),
            )


def _within(spans: list[tuple[int, int]], offset: int) -> bool:
    return any(start <= offset < end for start, end in spans)


def _cited_spans(reading: Reading, text: SourceText, statement: Seen) -> Iterator[tuple[int, int]]:
    for evidence in reading.evidence.get(statement.path, ()):
        named = evidence.node.text if isinstance(evidence.node, Scalar) else evidence.mapping.text("passage")
        passage = reading.passages.get(named) if named is not None else None
        node = passage.seen.mapping if passage is not None else evidence.mapping
        words = node.text("text")
        if words is not None:
            for found in text.locate(words, node.whole("paragraph"), node.whole("sentence")):
                yield found.start, found.end
        elif passage is not None and passage.start is not None and passage.end is not None:
            yield passage.start, passage.end


RULES = (the_text_is_the_one_annotated, citations_hold, quotes_stand_in_quotation_marks)

# So many words of a source in a row are its wording and not ours; names and titles stay below.
WORDING = 8


def notes(reading: Reading) -> Iterator[Fault]:
    """Where a file repeats the wording of a withheld source outside `quote`, comments included."""
    if reading.source_text is None or not reading.withheld:
        return
    source = [word for _, word in _words(reading.source_text.text)]
    wording = {tuple(source[at : at + WORDING]) for at in range(len(source) - WORDING + 1)}
    allowed = [
        seen.at(key)[1]
        for seen in reading.seen
        for key in ("quote", "text")
        if isinstance(seen.mapping.get(key), Scalar) and (key == "text" or seen.part is schema.Statement)
    ]
    text = reading.document.text
    written = list(_words(_blanked(text, [(place.start, place.end) for place in allowed])))
    reported = -1
    for at in range(len(written) - WORDING + 1):
        if at > reported and tuple(word for _, word in written[at : at + WORDING]) in wording:
            reported = at + WORDING
            yield fault(
                f"Here stand {WORDING} words of the source in a row, whose text is withheld. Say it in your own "
                "words, or as a `quote` if the source has it in quotation marks.",
                ("document", document.place_at(text, written[at][0])),
            )


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """A text with spans made blank, so that offsets stay."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        pieces += [text[at:start], " " * (end - start)]
        at = end
    return "".join([*pieces, text[at:]])


def _words(text: str) -> Iterator[tuple[int, str]]:
    return ((match.start(), match[0].casefold()) for match in re.finditer(r"\w+", text))
