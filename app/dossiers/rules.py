"""What must hold between the values of a dossier, whatever the schema says to each of them alone.

Every rule is a generator of faults. It tolerates a tree that the schema has refused, so that nobody has to correct one
thing to be told the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise

from app.dossiers import schema
from app.dossiers.document import Items, Mapping, Place, Scalar, plain, shown
from app.dossiers.reading import Cited, Reading, Seen, Where, fault, join, known_entries, values
from app.dossiers.schema import Part, slots
from app.errors import BadDate, Fault
from app.times import parse_edtf

Rule = Callable[[Reading], Iterator[Fault]]


def passages_are_well_formed(reading: Reading) -> Iterator[Fault]:
    """A passage quotes (while working) or has all of its position, which lies in the source."""
    first: dict[str, Place] = {}
    for seen in reading.each(schema.Passage):
        passage = Cited.of(seen)
        if passage is None:
            continue
        where = seen.at("id")
        if passage.id in first:
            before = first[passage.id]
            yield fault(
                f"The passage `{shown(passage.id)}` stands here a second time; the first is at line {before.line}, "
                f"column {before.column}. Give this one another local id.",
                where,
            )
        first.setdefault(passage.id, where[1])
        yield from _position(reading, passage)


_POSITION = ("paragraph", "sentence", "start", "end", "sha256")


def _position(reading: Reading, passage: Cited) -> Iterator[Fault]:
    node, seen = passage.seen.mapping, passage.seen
    if plain(node.get("text")) is not None:
        for key in ("start", "end", "sha256"):
            if plain(node.get(key)) is not None:
                yield fault(
                    f"A passage either quotes (`text`) or is pinned (`{key}`). Remove `text` if the position is "
                    f"right, or `{key}` and run `chancery pin` again.",
                    seen.at(key),
                )
        return
    lacking = [key for key in _POSITION if plain(node.get(key)) is None]
    if lacking:
        yield fault(
            f"The passage `{shown(passage.id)}` lacks {', '.join(lacking)}. Give `text` and run `chancery pin`, "
            "which fills them in.",
            seen.here,
        )
    characters = reading.source.mapping.whole("characters")
    if passage.start is not None and passage.end is not None and passage.start >= passage.end:
        yield fault(
            f"The passage ends at {passage.end}, before or where it starts ({passage.start}). `end` is the code "
            "point after the last, so it must be greater than `start`.",
            seen.at("end"),
        )
    if characters is not None and passage.end is not None and passage.end > characters:
        yield fault(
            f"The passage ends at {passage.end}, outside the text, which has {characters} characters. Correct it, or "
            "quote the words under `text` and run `chancery pin`.",
            seen.at("end"),
        )
    yield from _numbers(reading, passage)


def _numbers(reading: Reading, passage: Cited) -> Iterator[Fault]:
    counts = reading.sentences
    if not counts or passage.paragraph is None:
        return
    if not 1 <= passage.paragraph <= len(counts):
        yield fault(
            f"There is no paragraph {passage.paragraph}; `source.sentences` lists {len(counts)}.",
            passage.seen.at("paragraph"),
        )
    elif passage.sentence is not None and not 1 <= passage.sentence <= counts[passage.paragraph - 1]:
        yield fault(
            f"Paragraph {passage.paragraph} has no sentence {passage.sentence}; `source.sentences` says it has "
            f"{counts[passage.paragraph - 1]}.",
            passage.seen.at("sentence"),
        )


def passages_stand_in_order(reading: Reading) -> Iterator[Fault]:
    """Numbers and offsets agree: what begins later in the text is not in an earlier sentence."""
    placed = sorted(
        (p.start, p.paragraph, p.sentence or 0, p.id)
        for p in reading.passages.values()
        if p.start is not None and p.paragraph is not None
    )
    for (_, paragraph, sentence, before), (_, next_paragraph, next_sentence, id) in pairwise(placed):
        if (next_paragraph, next_sentence) < (paragraph, sentence):
            yield fault(
                f"`{shown(id)}` begins after `{shown(before)}` in the text but is numbered as an earlier sentence "
                f"(paragraph {next_paragraph}, sentence {next_sentence}; `{shown(before)}`: paragraph {paragraph}, "
                f"sentence {sentence}). Correct one of them.",
                reading.passages[id].seen.at("paragraph"),
            )


def working_passages_may_not_be_published(reading: Reading) -> Iterator[Fault]:
    """The words of a withheld source stay with the author."""
    if not reading.pinned_required:
        return
    for key in ("sha256", "characters", "sentences"):
        if not plain(reading.source.mapping.get(key)):
            yield fault(
                f"The source lacks `{key}`, without which nobody can prove a citation. Run `chancery pin FILE --text "
                "TEXT`.",
                reading.source.at(key),
            )
    if reading.withheld or reading.source_text is None:
        why = "The source's text is withheld" if reading.withheld else "The source's text is not at hand"
        yield from (
            fault(
                f"{why}, so this dossier may not carry its words. Run `chancery pin FILE --text TEXT`, which puts "
                "their position and digest in their place.",
                seen.at("text"),
            )
            for seen in reading.working
        )


def ids_are_used_once(reading: Reading) -> Iterator[Fault]:
    """All records of all nouns share one namespace, and an id is never reused."""
    first: dict[str, tuple[str, Place]] = {}
    for seen in reading.records():
        id, where = seen.mapping.text("id"), seen.at("id")
        if id is None:
            continue
        if id in first:
            noun, before = first[id]
            yield fault(
                f"`{shown(id)}` is already the {noun} at line {before.line}, column {before.column}. An id names one "
                "record over all nouns; give this one another.",
                where,
            )
            continue
        first[id] = (seen.part.noun, where[1])
        standing = reading.known(id)
        if standing is not None and standing != seen.part.noun:
            yield fault(
                f"`{shown(id)}` is already a record of the noun {standing} in the knowledge base. Ids are never "
                f"reused; give this {seen.part.noun} another.",
                where,
            )


def old_ids_are_free(reading: Reading) -> Iterator[Fault]:
    """What was renamed or withdrawn is not defined here as well."""
    renamed: dict[str, Place] = {}
    for path, node in _listed(reading, "formerly"):
        id = node.text
        if id is None:
            continue
        if id in reading.defined:
            noun, place = reading.defined[id]
            yield fault(
                f"`{shown(id)}` is said to be an old id, but is the {noun} at line {place.line}, column "
                f"{place.column}. Remove one.",
                (path, node.place),
            )
        elif id in renamed:
            yield fault(
                f"`{shown(id)}` is already the old id of another record, at line {renamed[id].line}, column "
                f"{renamed[id].column}.",
                (path, node.place),
            )
        renamed.setdefault(id, node.place)
    for seen in reading.each(schema.Retraction):
        id = seen.mapping.text("id")
        if id is not None and (id in reading.defined or id in renamed):
            place = reading.defined[id][1] if id in reading.defined else renamed[id]
            yield fault(
                f"`{shown(id)}` is withdrawn here and stands at line {place.line}, column {place.column}. Remove one "
                "of the two.",
                seen.at("id"),
            )


def _listed(reading: Reading, key: str) -> Iterator[tuple[str, Scalar]]:
    for seen in reading.seen:
        listed = seen.mapping.get(key) if key in slots(seen.part) else None
        if isinstance(listed, Items):
            for index, item in enumerate(listed.items):
                if isinstance(item, Scalar):
                    yield f"{join(seen.path, key)}[{index}]", item


def references_lead_somewhere(reading: Reading) -> Iterator[Fault]:
    """Every id that is named stands in this dossier or in the knowledge base, and is of the right noun."""
    withdrawn = {seen.mapping.text("id") for seen in reading.each(schema.Retraction)}
    for seen in reading.seen:
        for path, node, nouns in _references(seen):
            named = node.text
            if named is None:
                continue
            key = path.rsplit(".", 1)[-1].split("[")[0]
            if nouns == ("passage",):
                yield from _passage_reference(reading, named, (path, node.place))
                continue
            noun = reading.defined[named][0] if named in reading.defined else reading.known(named)
            if noun is None or (named in withdrawn and named not in reading.defined):
                yield fault(_dangling(reading, named, nouns, withdrawn=named in withdrawn), (path, node.place))
            elif nouns and noun not in nouns:
                yield fault(
                    f"`{shown(named)}` is of the noun {noun}, but `{key}` must name one of the noun "
                    f"{' or '.join(nouns)}." + _nearest_id(reading, named, nouns),
                    (path, node.place),
                )


def _references(seen: Seen) -> Iterator[tuple[str, Scalar, tuple[str, ...]]]:
    if isinstance(seen.node, Scalar):
        if seen.part is schema.Evidence:
            yield seen.path, seen.node, ("passage",)
        return
    for entry, slot in known_entries(seen.mapping, seen.part):
        if slot.ref is not None and slot.part is None:
            for path, value in values(entry, slot, seen.path):
                if isinstance(value, Scalar):
                    yield path, value, slot.ref.nouns


def _passage_reference(reading: Reading, named: str, where: Where) -> Iterator[Fault]:
    if named in reading.passages:
        return
    near = reading.nearest(named, reading.passages)
    yield fault(
        f"There is no passage `{shown(named)}` in this dossier."
        + (f" Did you mean `{near}`?" if near else "")
        + " Add it under `passages`, or correct the id.",
        where,
    )


def _dangling(reading: Reading, named: str, nouns: tuple[str, ...], *, withdrawn: bool) -> str:
    wanted = " or ".join(nouns) if nouns else "record"
    if withdrawn:
        return f"`{shown(named)}` is withdrawn by this dossier under `retracted`, so nothing may name it."
    return (
        f"There is no {wanted} `{shown(named)}` in this dossier or in the knowledge base."
        f"{_nearest_id(reading, named, nouns)} Add it, or correct the id."
    )


def _nearest_id(reading: Reading, named: str, nouns: tuple[str, ...]) -> str:
    near = reading.nearest(named, (id for id, (noun, _) in reading.defined.items() if not nouns or noun in nouns))
    return f" Did you mean `{near}`?" if near else ""


def nothing_contains_itself(reading: Reading) -> Iterator[Fault]:
    """Wider topics and containing places form no circle."""
    for part, key in ((schema.Topic, "broader"), (schema.Location, "within")):
        yield from _circles(reading, part, key)


def _circles(reading: Reading, part: type[Part], key: str) -> Iterator[Fault]:
    up: dict[str, str] = {}
    by_id: dict[str, Seen] = {}
    for seen in reading.each(part):
        id, above = seen.mapping.text("id"), seen.mapping.text(key)
        if id is not None and id not in by_id:
            by_id[id] = seen
            if above is not None:
                up[id] = above
    done: set[str] = set()
    for start in up:
        way: list[str] = []
        here: str | None = start
        while here is not None and here in up and here not in done:
            done.add(here)
            way.append(here)
            here = up[here]
        if here in way:
            circle = [*way[way.index(here) :], here]
            way_round = circle if len(circle) <= 12 else [*circle[:6], "…", *circle[-5:]]
            yield fault(
                f"`{key}` goes in a circle: {' → '.join(map(shown, way_round))}. Remove `{key}` from one of them.",
                by_id[circle[-2]].at(key),
            )


def every_fact_rests_on_something(reading: Reading) -> Iterator[Fault]:
    """The one rule: a fact has at least one passage, or says where else it comes from."""
    for seen in reading.seen:
        if seen.part.rests != "must" or not isinstance(seen.node, Mapping):
            continue
        listed, enriched = seen.mapping.get("evidence"), seen.mapping.get("enrichment")
        if plain(listed) or plain(enriched):
            continue
        yield fault(
            f"This {seen.part.called} rests on nothing. Cite at least one passage (`evidence: [p1s1]`), or say where "
            "it is known from (`enrichment: {source: …, note: …}`).",
            seen.at("evidence") if listed is not None else seen.here,
        )


def evidence_names_one_thing(reading: Reading) -> Iterator[Fault]:
    """Evidence names a passage or, while working, quotes one."""
    for seen in reading.each(schema.Evidence):
        if not isinstance(seen.node, Mapping):
            continue
        quotes, names = (plain(seen.mapping.get(key)) is not None for key in ("text", "passage"))
        if quotes == names:
            both = "names a passage and quotes one" if quotes else "names no passage"
            yield fault(
                f"This evidence {both}. Write `passage: p1s1`, or `text: …` for `chancery pin` to turn into one.",
                seen.here,
            )
        if not quotes:
            for key in ("paragraph", "sentence"):
                if plain(seen.mapping.get(key)) is not None:
                    yield fault(
                        f"`{key}` only helps to find `text`; a named passage has its own. Remove it.", seen.at(key)
                    )


def dates_say_where_they_come_from(reading: Reading) -> Iterator[Fault]:
    """`basis: enrichment` and `enrichment` go together, and a date says something."""
    for seen in (*reading.each(schema.Date), *reading.each(schema.InForce)):
        if not isinstance(seen.node, Mapping):
            continue
        outside, source = seen.mapping.text("basis") == "enrichment", plain(seen.mapping.get("enrichment"))
        if outside and not source:
            yield fault(
                "A date known from elsewhere says from where. Add `enrichment: {source: …, note: …}`, or name the "
                "basis `stated` or `derived`.",
                seen.at("basis"),
            )
        if source and not outside:
            yield fault(
                "This date carries `enrichment`, so its basis must be `enrichment`. Change one of the two.",
                seen.at("enrichment"),
            )
        keys = ("edtf", "words") if seen.part is schema.Date else ("from", "until")
        if all(plain(seen.mapping.get(key)) is None for key in keys):
            yield fault(
                f"This says neither `{keys[0]}` nor `{keys[1]}`. Write null in its place if the source does not say.",
                seen.here,
            )


def periods_run_forward(reading: Reading) -> Iterator[Fault]:
    """A tenure, membership or period in force does not end before it begins."""
    for part in (schema.Tenure, schema.Membership, schema.InForce):
        for seen in reading.each(part):
            began, ended = _days(seen.mapping.text("from"))[0], _days(seen.mapping.text("until"))[1]
            if began is not None and ended is not None and ended < began:
                yield fault(
                    f"This {seen.part.called} ends on {ended} at the latest, before it begins on {began} at the "
                    "earliest. Correct `from` or `until`.",
                    seen.at("until"),
                )


def _days(edtf: str | None) -> tuple[date | None, date | None]:
    try:
        parsed = parse_edtf(edtf) if edtf is not None else None
    except BadDate:
        return None, None  # the schema has said so
    return (parsed.first, parsed.last) if parsed else (None, None)


def outside_ties_say_where_from(reading: Reading) -> Iterator[Fault]:
    """A relation whose status is `enrichment` says where it is known from."""
    for seen in reading.each(schema.Relation):
        if seen.mapping.text("status") == "enrichment" and not plain(seen.mapping.get("enrichment")):
            yield fault(
                "A relation of the status enrichment is outside knowledge. Add `enrichment: {source: …, note: …}`, or "
                "name the status that the source gives it.",
                seen.at("status"),
            )


def quotes_fit_their_form(reading: Reading) -> Iterator[Fault]:
    """Words are quoted exactly when the source renders them as a direct quotation."""
    for seen in reading.each(schema.Statement):
        form, quote = seen.mapping.text("form"), seen.mapping.get("quote")
        if form is None:
            continue
        quoting = " or ".join(schema.QUOTING_FORMS)
        if form in schema.QUOTING_FORMS and plain(quote) is None:
            yield fault(
                f"The form {shown(form)} needs `quote`: the words that stand inside quotation marks in the source, "
                "and no others.",
                (join(seen.path, "quote"), seen.at("form")[1]),
            )
        if form not in schema.QUOTING_FORMS and plain(quote) is not None:
            yield fault(
                f"`quote` goes with the form {quoting}, not with {shown(form)}. Remove it, or change the form if the "
                "source has these words in quotation marks.",
                seen.at("quote"),
            )


def sources_carry_what_they_may(reading: Reading) -> Iterator[Fault]:
    """`attached` is what a server finds out, and a file of text goes with an open one."""
    source = reading.source
    access = source.mapping.text("text")
    if access == "attached":
        yield fault(
            "A dossier's source is `open` or `withheld`. `attached` is what a knowledge base says once somebody has "
            "attached the text of a withheld source.",
            source.at("text"),
        )
    if access == "withheld" and plain(source.mapping.get("text_file")) is not None:
        yield fault("`text_file` goes with `text: open` only. Remove it, or open the text.", source.at("text_file"))


def every_sentence_is_accounted_for(reading: Reading) -> Iterator[Fault]:
    """Each sentence of the source is cited by a record or listed as unrecorded with a reason, and not both."""
    if reading.working and reading.source_text is None:
        return  # which sentences they quote, only the text can tell; `notes` says so
    placed = {passage.id: _sentence_of(reading, passage) for passage in reading.passages.values()}
    cited = {placed.get(named) for named in _cited_passages(reading)} | _quoted_sentences(reading)
    unrecorded: set[tuple[int, int] | None] = set()
    for seen in reading.each(schema.Unrecorded):
        named = seen.mapping.text("passage")
        at = placed.get(named) if named is not None else None
        if at is not None and at in cited:
            yield fault(
                f"Paragraph {at[0]}, sentence {at[1]} is listed as unrecorded, but a record cites it. Remove it from "
                "`unrecorded`, or the evidence.",
                seen.at("passage"),
            )
        if at is not None and at in unrecorded:
            yield fault(
                f"Paragraph {at[0]}, sentence {at[1]} is listed as unrecorded a second time. Keep one of them.",
                seen.at("passage"),
            )
        unrecorded.add(at)
    yield from _passed_over(reading, cited | unrecorded)


def _passed_over(reading: Reading, accounted: set[tuple[int, int] | None]) -> Iterator[Fault]:
    listed = reading.source.mapping.get("sentences")
    by_paragraph = Counter(at[0] for at in accounted if at is not None)
    for index, count in enumerate(reading.sentences):
        # Counting comes first: a file may claim a hundred thousand sentences in a paragraph without costing us a loop.
        if by_paragraph[index + 1] >= count:
            continue
        missing = [str(n) for n in range(1, min(count, 1_000) + 1) if (index + 1, n) not in accounted]
        if not missing:
            continue
        several = len(missing) > 1
        numbers = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        item = listed.items[index] if isinstance(listed, Items) and index < len(listed.items) else None
        yield fault(
            f"Paragraph {index + 1}, sentence{'s' if several else ''} {numbers}: no record cites "
            f"{'them' if several else 'it'}. Cite {'each' if several else 'it'} where something rests on it, or list "
            "it under `unrecorded` with the reason.",
            (f"source.sentences[{index}]", item.place if item else reading.source.at("sentences")[1]),
        )


def _cited_passages(reading: Reading) -> set[str]:
    named = {
        node.text
        for seen in reading.seen
        if seen.part is not schema.Unrecorded
        for _, node, nouns in _references(seen)
        if nouns == ("passage",)
    }
    return {id for id in named if id is not None}


def _sentence_of(reading: Reading, passage: Cited) -> tuple[int, int] | None:
    if passage.working is not None:
        return _sentence_of_words(reading, passage.seen.mapping)
    if passage.paragraph is None or passage.sentence is None:
        return None
    return passage.paragraph, passage.sentence


def _sentence_of_words(reading: Reading, node: Mapping) -> tuple[int, int] | None:
    words = node.text("text")
    if reading.source_text is None or words is None:
        return None
    found = reading.source_text.locate(words, node.whole("paragraph"), node.whole("sentence"))
    return (found[0].paragraph, found[0].sentence) if len(found) == 1 else None


def _quoted_sentences(reading: Reading) -> set[tuple[int, int] | None]:
    """The sentences that evidence quotes while working."""
    return {_sentence_of_words(reading, seen.mapping) for seen in reading.working if seen.part is schema.Evidence}


RULES: tuple[Rule, ...] = (
    passages_are_well_formed,
    passages_stand_in_order,
    working_passages_may_not_be_published,
    ids_are_used_once,
    old_ids_are_free,
    references_lead_somewhere,
    nothing_contains_itself,
    every_fact_rests_on_something,
    evidence_names_one_thing,
    dates_say_where_they_come_from,
    periods_run_forward,
    outside_ties_say_where_from,
    quotes_fit_their_form,
    sources_carry_what_they_may,
    every_sentence_is_accounted_for,
)


def notes(reading: Reading) -> Iterator[Fault]:
    """What is unfinished, but does not stand in the way."""
    if not reading.pinned_required:
        for seen in reading.working:
            yield fault(
                "This still quotes the source. Run `chancery pin FILE --text TEXT` before publishing.", seen.at("text")
            )
    used = _cited_passages(reading) | {seen.mapping.text("passage") or "" for seen in reading.each(schema.Unrecorded)}
    for passage in reading.passages.values():
        if passage.id not in used:
            yield fault(
                f"Nothing cites the passage `{shown(passage.id)}`. Cite it, or remove it.", passage.seen.at("id")
            )
