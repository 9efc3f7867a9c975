"""Which records hold the words of a search, best first, where in them, and by which name: over every kind of record at once.

    typed ── terms ── candidates, the newest so many ── ranked ── a page ── bodies ── snippets

Ranking looks at the newest `RANKED` records that hold all the words; where there are more, the others follow unranked, newest
first, and the answer says so. So the commonest word costs what a rare one does. Coded events have no words of their own: they are
found through the names of their actors and the labels of their codes, and come last, newest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import log10
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from sqlalchemy import Connection, and_, select

from app import straight
from app.coded import store, wording
from app.coded.question import codes, stands
from app.coded.wording import CODED_ACTOR, CODED_CODE, Key, Led
from app.indexing import PAGE, ids_in
from app.models.actor import actor
from app.models.coded import coded_actor, coded_link
from app.models.source import source, source_text
from app.names import skeleton
from app.query import cursor as cursors
from app.query import page, text, text_index
from app.query.evidence import Texts
from app.query.fields import Record, Resource, View
from app.query.once import Once
from app.query.sql import standing
from app.query.text import Term
from app.query.text_index import PLACED, STEP
from app.resources import NOUNS, PUBLIC, RESOURCES

RANKED: Final = 1_000  # matches that are ranked, so many as are read in a few milliseconds
COUNTED: Final = 50  # coded events that are counted
CODED_EVENT: Final = "coded_event"
BODY_SEEN: Final = "since <= {revision} AND (until IS NULL OR until > {revision}) AND face IN ({one}, {other})"
WINDOW: Final = 240  # characters of a snippet
SNIPPETS: Final = 4  # of a hit
SUGGESTED: Final = 3
COMPARED: Final = 40_000  # known words that a mistyped one is compared with: 20 ms
ALIKE: Final = 0.75  # of 1, from which a known word may have been meant: a slip in four letters

# How much likelier the one kind of record is what somebody looks for than another that fits as well.
STANDING: Final[Mapping[str, float]] = {
    "actor": 1.0,
    "topic": 0.97,
    "place": 0.97,
    "agreement": 0.95,
    "event": 0.93,
    "statement": 0.9,
    "office": 0.9,
    "source": 0.9,
    "dataset": 0.9,
    "claim": 0.88,
    "provision": 0.88,
    "relation": 0.8,
    CODED_ACTOR: 0.8,
    "passage": 0.75,
}
TIED: Once[int, tuple[str, ...]] = Once(40_000)  # who the actors of datasets are here
ACTIVE: Once[int, int] = Once(40_000)  # how many events the actors of datasets have
WORDED: Once[int, Record] = Once(16_000)  # what coded events say
TYPES: Final = tuple(resource.noun for resource in PUBLIC)
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was understood."""

    q: str
    types: tuple[str, ...]
    limit: int
    count: bool
    after: tuple[int, int, str] | None  # where the page before ended: stage, place in it, what breaks ties
    pairs: tuple[tuple[str, str], ...]  # the request's own parameters, for links
    mark: str  # what its cursors belong to


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that holds the words."""

    score: int  # in millionths
    noun: str
    id: str
    face: int | None
    since: int | None
    number: int
    start: int | None = None  # where the page of the text begins that holds them
    via: str | None = None  # the dataset's name that led to an actor here

    @property
    def key(self) -> tuple[int, str]:
        """Its place among the ranked: the best first, and then in an order that both databases share."""
        return (-self.score, f"{self.noun} {self.id}")


@dataclass(slots=True)
class Matches:
    """What was found of each kind: ranked hits, how far the ranking reached, the newest coded events, and which kinds there are."""

    hits: list[Hit]
    last: int | None  # the number of the oldest match that was looked at, where there may be more
    kinds: dict[str, int] = field(default_factory=dict)
    led: Led = field(default_factory=lambda: Led(()))
    coded: list[Key] = field(default_factory=list)

    def exact(self, kind: str) -> bool:
        """Whether all of a kind were counted."""
        return self.last is None and (kind != "event" or (len(self.coded) <= COUNTED and not self.led.cut))


def answer(connection: Connection, asked: Asked, view: View, coverage: page.Coverage) -> dict[str, Any]:
    """A page of hits, as the API shows it."""
    terms = text.read(asked.q)
    ranked = ranking(connection, view, terms, asked.types)
    lead(connection, view, terms, ranked)
    hits = list(following(connection, view, terms, asked, ranked))
    shown = hits[: asked.limit]
    cursor = None
    if len(hits) > asked.limit:
        cursor = cursors.write(view, asked.mark, place_of(shown[-1]))
    items = said(connection, view, terms, shown)
    empty = not items and asked.after is None
    return {
        "items": items,
        "next_cursor": cursor,
        "revision": view.revision,
        "count": counted(ranked, asked) if asked.count else None,
        "facets": {"type": facet(ranked, asked)},
        "did_you_mean": suggestions(connection, view, terms, asked) if empty and terms else [],
        "ranking": in_words(ranked),
        "coverage": covered(connection, view, terms, asked, coverage, empty=empty),
    }


# ── What is found ───────────────────────────────────────────────────────────────────────────────────────────────────


def ranking(connection: Connection, view: View, terms: Sequence[Term], types: Sequence[str]) -> Matches:
    """The newest matches, ranked; of every type, and where these are too many, of the types asked for."""
    if not terms:
        return Matches([], None)
    rows = text_index.find(connection, view, terms, limit=RANKED + 1, but=CODED_CODE)
    everything = grouped(connection, view, terms, rows[:RANKED])
    kinds: dict[str, int] = {}
    for hit in everything:
        kinds[type_of(hit)] = kinds.get(type_of(hit), 0) + 1
    more = len(rows) > RANKED
    last = rows[RANKED - 1].number if more else None
    if types and more:
        rows = text_index.find(connection, view, terms, nouns=nouns_of(types), limit=RANKED + 1, but=CODED_CODE)
        everything = grouped(connection, view, terms, rows[:RANKED])
        last = rows[RANKED - 1].number if len(rows) > RANKED else None
        kinds |= {name: sum(type_of(hit) == name for hit in everything) for name in types}
    hits = [hit for hit in everything if not types or type_of(hit) in types]
    return Matches(sorted(hits, key=lambda hit: hit.key), last, {name: n for name, n in kinds.items() if n})


def lead(connection: Connection, view: View, terms: Sequence[Term], ranked: Matches) -> None:
    """Add where the words lead among coded events."""
    if not terms:
        return
    ranked.led = wording.led(connection, view, terms)
    ranked.coded = wording.newest(connection, view, ranked.led.ways, COUNTED + 1, None)
    if ranked.coded:
        ranked.kinds["event"] = ranked.kinds.get("event", 0) + min(len(ranked.coded), COUNTED)


def nouns_of(types: Sequence[str]) -> list[str]:
    """The nouns under which the index keeps records of these types."""
    return [*types, *([CODED_ACTOR] if "actor" in types else [])]


def type_of(hit: Hit) -> str:
    """The type of record that a hit is."""
    return {CODED_ACTOR: "actor", CODED_EVENT: "event"}.get(hit.noun, hit.noun)


def grouped(connection: Connection, view: View, terms: Sequence[Term], rows: Sequence[Any]) -> list[Hit]:
    """The records of some rows, each once: by the row that fits best, an actor of a dataset as the one that it is here."""
    own = [row.number for row in rows if row.noun == CODED_ACTOR]
    tied, busy = ties(connection, view, own), busyness(connection, view, own)
    best: dict[tuple[str, str], Hit] = {}
    for row in rows:
        held = {name: words for name in text.WEIGHTS if (words := getattr(row, name))}
        standing_of = STANDING.get(row.noun, 0.8) * busy.get(row.number, 1.0)
        score = max(1, round(text.rated(terms, held) * standing_of * MILLION))
        hit = Hit(score, row.noun, row.id, row.face, row.since, row.number, row.start)
        here = tied.get(row.number)
        if here is not None:
            hit = Hit(score, "actor", here[0], None, None, row.number, via=here[1])
        known = best.get((hit.noun, hit.id))
        if known is None or (hit.score, hit.face is not None) > (known.score, known.face is not None):
            best[(hit.noun, hit.id)] = hit
    return list(best.values())


def busyness(connection: Connection, view: View, numbers: Sequence[int]) -> dict[int, float]:
    """How much likelier a dataset's actor is meant than another of such a name: from 0.7 without events to 1 with a million."""
    own = {number % STEP - PLACED: number for number in numbers}
    found = ACTIVE.many(connection, view, own, lambda some: wording.activity(connection, view, some))
    return {own[number]: min(1.0, 0.7 + 0.05 * log10(1 + n)) for number, n in found.items()}


def ties(connection: Connection, view: View, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Who the actors of datasets in these rows are here, where somebody has tied them: the id, and how the dataset calls them."""
    own = {number % STEP - PLACED: number for number in numbers}
    found = TIED.many(connection, view, own, lambda some: _ties(connection, view, some))
    return {own[number]: (one[0], one[1]) for number, one in found.items() if one}


def _ties(connection: Connection, view: View, numbers: Sequence[int]) -> dict[int, tuple[str, ...]]:
    c = coded_link.c
    query = (
        select(c.number, c.actor, coded_actor.c.name, coded_actor.c.dataset)
        .join(coded_actor, coded_actor.c.number == c.number)
        .join(actor, and_(actor.c.id == c.actor, standing(actor, view)))
        .where(c.number.in_(sorted(numbers)), stands(coded_link, view))
    )
    found: dict[int, tuple[str, ...]] = dict.fromkeys(numbers, ())
    for row in connection.execute(query):
        found[row.number] = (row.actor, f"called {row.name!r} in the dataset {row.dataset}")
    return found


def following(
    connection: Connection, view: View, terms: Sequence[Term], asked: Asked, ranked: Matches
) -> Iterator[Hit]:
    """The hits after the page before, one more than are shown where there are so many: ranked ones, then the rest."""
    wanted = asked.limit + 1
    stage, place, tie = asked.after or (0, 0, "")
    if stage == 2:
        yield from coded(wording.newest(connection, view, ranked.led.ways, wanted, (place, int(tie))))
        return
    if stage == 0:
        after = ranked.hits if asked.after is None else [hit for hit in ranked.hits if hit.key > (place, tie)]
        yield from after[:wanted]
        wanted -= len(after)
    if stage <= 1 and wanted > 0 and ranked.last is not None:
        before = int(tie) if stage == 1 else ranked.last
        for hit in unranked(connection, view, terms, asked, ranked, before, wanted):
            yield hit
            wanted -= 1
    if wanted > 0 and (not asked.types or "event" in asked.types):
        enough = len(ranked.coded) <= COUNTED or wanted <= COUNTED + 1
        keys = ranked.coded if enough else wording.newest(connection, view, ranked.led.ways, wanted, None)
        yield from coded(keys[:wanted])


def coded(keys: Sequence[Key]) -> Iterator[Hit]:
    """Coded events as hits, which are not ranked."""
    for day, number in keys:
        yield Hit(0, CODED_EVENT, str(number), None, day, number)


def unranked(
    connection: Connection,
    view: View,
    terms: Sequence[Term],
    asked: Asked,
    ranked: Matches,
    before: int,
    wanted: int,
) -> Iterator[Hit]:
    """Matches older than those that were ranked, newest first."""
    seen = {(hit.noun, hit.id) for hit in ranked.hits}
    nouns = nouns_of(asked.types) if asked.types else ()
    while True:
        rows = text_index.find(connection, view, terms, nouns=nouns, before=before, limit=2 * wanted, but=CODED_CODE)
        lowest = {(row.noun, row.id): row.number for row in rows}  # the last of them, since they come newest first
        for hit in sorted(grouped(connection, view, terms, rows), key=lambda hit: -hit.number):
            # The pages of one text stand next to each other, and are one hit.
            if (hit.noun, hit.id) not in seen:
                seen.add((hit.noun, hit.id))
                number = lowest.get((hit.noun, hit.id), hit.number)
                yield Hit(0, hit.noun, hit.id, hit.face, hit.since, number, hit.start, hit.via)
                wanted -= 1
                if not wanted:
                    return
        if len(rows) < 2 * wanted:
            return
        before = rows[-1].number


def place_of(hit: Hit) -> tuple[int, int, str]:
    """Where a page that ends with this hit goes on."""
    if hit.noun == CODED_EVENT:
        return (2, hit.since or 0, str(hit.number))
    return (0, *hit.key) if hit.score else (1, 0, str(hit.number))


# ── What is said of it ──────────────────────────────────────────────────────────────────────────────────────────────


def said(connection: Connection, view: View, terms: Sequence[Term], hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """The hits as the API shows them, in a fixed number of statements."""
    known = bodies(connection, view, [hit for hit in hits if hit.noun != CODED_EVENT])
    known |= events(connection, view, [(hit.since or 0, hit.number) for hit in hits if hit.noun == CODED_EVENT])
    texts = Texts(connection)
    texts.load(
        source_of(hit, known) for hit in hits if hit.noun in ("passage", "source") and (hit.noun, hit.id) in known
    )
    return [shown(hit, known[hit.noun, hit.id], terms, texts) for hit in hits if (hit.noun, hit.id) in known]


def source_of(hit: Hit, known: Mapping[tuple[str, str], Record]) -> str:
    """The source whose text a hit may show."""
    found: str = known[hit.noun, hit.id]["source"] if hit.noun == "passage" else hit.id
    return found


def bodies(connection: Connection, view: View, hits: Sequence[Hit]) -> dict[tuple[str, str], Record]:
    """What the records say, by noun and id: one statement for all nouns."""
    wanted: dict[str, list[str]] = {}
    own: dict[int, str] = {}
    for hit in hits:
        if hit.noun == CODED_ACTOR:
            own[hit.number % STEP - PLACED] = hit.id
        else:
            wanted.setdefault(hit.noun, []).append(hit.id)
    known = store.named(connection, view, set(own)) if own else {}
    found: dict[tuple[str, str], Record] = {(CODED_ACTOR, own[n]): {"name": name} for n, (_, name) in known.items()}
    if not wanted:
        return found
    # Written out: built anew from tables it takes longer than to be executed.
    one, other = view.faces
    seen = BODY_SEEN.format(revision=int(view.revision), one=int(one), other=int(other))
    parts = [
        f"SELECT '{noun}', id, body FROM {NOUNS[noun].table.name} WHERE id IN ({straight.marks(ids)}) AND {seen}"  # noqa: S608
        for noun, ids in sorted(wanted.items())
    ]
    asked = [id for _, ids in sorted(wanted.items()) for id in ids]
    for noun, id, body in straight.written(connection, " UNION ALL ".join(parts), asked):
        found[noun, id] = orjson.loads(body)
    return found


def events(connection: Connection, view: View, keys: Sequence[Key]) -> dict[tuple[str, str], Record]:
    """What coded events say, as far as a hit shows it, by noun and number."""
    days = {number: day for day, number in keys}
    found = WORDED.many(connection, view, days, lambda some: _events(connection, view, some))
    return {(CODED_EVENT, str(number)): record for number, record in found.items()}


def _events(connection: Connection, view: View, numbers: Sequence[int]) -> dict[int, Record]:
    rows = wording.events(connection, view, numbers)
    actors = store.named(connection, view, store.actors_in(rows))
    return {
        row.number: {
            "id": row.id,
            "gloss": store.gloss(row, actors),
            "code": row.code or codes().code_of(row.label or "") or row.plover,
        }
        for row in rows
    }


def shown(hit: Hit, record: Record, terms: Sequence[Term], texts: Texts) -> dict[str, Any]:
    """A hit as the API shows it."""
    resource = NOUNS[type_of(hit)]
    found = list(snippets(hit, resource, record, terms, texts))
    matched = list(dict.fromkeys(one["field"] for one in found))
    id = record["id"] if hit.noun == CODED_EVENT else hit.id
    return {
        "id": id,
        "type": type_of(hit),
        "self": page.address(resource, id),
        "title": title(hit, record),
        "score": round(hit.score / MILLION, 6),
        "matched": matched,
        "why": why(hit, record, matched, terms),
        "snippets": found[:SNIPPETS],
    }


def title(hit: Hit, record: Record) -> str:
    """What a record goes by in a list of all kinds."""
    if hit.noun == "passage":
        return f"{record['source']}, paragraph {record['paragraph']}, sentence {record['sentence']}"
    told = next((record[name] for name in ("name", "label", "title", "gloss") if record.get(name)), None)
    if told is None and hit.noun == "relation":
        return f"{record['subject']} {record['kind']} {record['object']}"
    return told or hit.id


def why(hit: Hit, record: Record, matched: Sequence[str], terms: Sequence[Term]) -> str:
    """In words, what made it a hit: for an actor the name, where that is another than it goes by."""
    if hit.via is not None:
        return hit.via
    if hit.noun == "actor":
        for name in (*(record.get("names") or ()), {"text": record["name"], "kind": "name"}):
            held = {"name": text.folded([name["text"]])}
            if text.matches(terms, held):
                return f"{name['kind'].replace('_', ' ')} {name['text']!r}"
        for name in record.get("names") or ():
            if any(term.bone in skeleton(name["text"]).split() for term in terms):
                return f"usual respelling of {name['text']!r}"
    if not matched and hit.noun == CODED_EVENT:
        return "an actor of it goes by that name here"
    if not matched:
        return "its words"
    return f"the words stand in {' and '.join(matched)}"


def snippets(
    hit: Hit, resource: Resource, record: Record, terms: Sequence[Term], texts: Texts
) -> Iterator[dict[str, Any]]:
    """The texts of a record that hold words of the search, with where they stand: one of each field."""
    if hit.noun == CODED_EVENT:
        yield from of_event(record, terms)
        return
    if hit.noun == "passage":
        held = texts.exact(record["source"], record["start"], record["end"], record["sha256"])
        record = {**record, "exact": held}
    texts_of = {
        one: line.field for line in resource.sought if line.weight != "linked" for one in line.take(record) if one
    }
    own = [(name, one) for one, name in texts_of.items()]  # the name an actor goes by is one of its names
    done: set[str] = set()
    for name, one in own:
        if name not in done and (made := snippet(name, one, terms)) is not None:
            done.add(name)
            yield made
    if hit.noun == "source" and hit.start is not None and (whole := texts.text(hit.id)) is not None:
        part = whole[hit.start : hit.start + PAGE]
        own.append(("full_text", part))
        if (made := snippet("full_text", part, terms, start=hit.start)) is not None:
            yield made
    if hit.noun == "actor" and not done:
        for name, one in own:
            if (made := snippet(name, one, terms, respelt=True)) is not None:
                yield made
                return
    if text.stand(terms, [word for _, one in own for word in text.spans(one)]):
        return  # the ids that it names add nothing
    for name in sorted(resource.naming, key=lambda one: one == "id"):
        linked = resource.field(name)
        for id in [hit.id] if linked is None else ids_in(record, linked):
            if name not in done and (made := snippet(name, id, terms)) is not None:
                done.add(name)
                yield made


def of_event(record: Record, terms: Sequence[Term]) -> Iterator[dict[str, Any]]:
    """The words of a coded event: of its actors and label, and where the label does not say it, of what its code means."""
    if (made := snippet("gloss", record["gloss"], terms)) is not None:
        yield made
    code = codes().cameo(record["code"] or "") or codes().plover(record["code"] or "")
    if code is None or text.stand(terms, text.spans(record["gloss"])):
        return
    labelled = text.matches(terms, {"gloss": text.folded([record["gloss"], code.label])})
    if (made := snippet("codes", code.label if labelled else code.definition, terms)) is not None:
        yield made


def snippet(
    name: str, whole: str, terms: Sequence[Term], *, start: int | None = None, respelt: bool = False
) -> dict[str, Any] | None:
    """The part of a text that shows what was found; None where nothing of it stands there.

    `marks` are pairs of code points within `text`. `html` is the same with `<mark>`, everything else escaped.
    """
    marked = text.marks(terms, text.spans(whole), respelt=respelt)
    if not marked:
        return None
    begin, end = text.window(whole, marked, WINDOW)
    inside = [(first - begin, last - begin) for first, last in marked if begin <= first and last <= end]
    part = whole[begin:end]
    before, after = "… " if begin else "", " …" if end < len(whole) else ""
    told: dict[str, Any] = {
        "field": name,
        "text": f"{before}{part}{after}",
        "marks": [[first + len(before), last + len(before)] for first, last in inside],
    }
    told["html"] = html(told["text"], told["marks"])
    if start is not None:
        told["start"] = start + begin
    return told


def html(whole: str, marked: Sequence[Sequence[int]]) -> str:
    """A text as HTML: what was found in `<mark>`, everything escaped."""
    parts, at = [], 0
    for first, last in marked:
        parts += [escape(whole[at:first]), "<mark>", escape(whole[first:last]), "</mark>"]
        at = last
    return "".join([*parts, escape(whole[at:])])


# ── Beside the hits ─────────────────────────────────────────────────────────────────────────────────────────────────


def facet(ranked: Matches, asked: Asked) -> list[dict[str, Any]]:
    """How many hits of each type there are among those that were ranked, each with the search for that type alone."""
    ordered = sorted(ranked.kinds.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"value": name, "n": n, "exact": ranked.exact(name), "items": link(asked, name)} for name, n in ordered]


def link(asked: Asked, type: str | None = None, q: str | None = None) -> str:
    """The same search for another type or other words."""
    kept = [
        (name, q if name == "q" and q is not None else value)
        for name, value in asked.pairs
        if name not in ("cursor", "limit", "count") and (type is None or name != "type")
    ]
    return f"/v1/search?{urlencode([*kept, *([('type', type)] if type else [])])}"


def counted(ranked: Matches, asked: Asked) -> dict[str, Any]:
    """How many hits there are, as far as they were looked at."""
    n = sum(n for name, n in ranked.kinds.items() if not asked.types or name in asked.types)
    return {"n": n, "exact": ranked.exact("event" if not asked.types or "event" in asked.types else "")}


def in_words(ranked: Matches) -> str:
    """How the hits are ordered."""
    told = [
        "By relevance: names weigh most, then glosses, quotations, other words, and least the records that one names."
    ]
    if ranked.last is not None:
        told.append(
            f"More than {RANKED:,} records hold these words: the newest are ranked, the others follow, newest first."
        )
    if ranked.coded:
        told.append(
            "Coded events come last, unranked, newest first: they have no words but their actors' names and their code's."
        )
    if ranked.led.cut:
        told.append(f"A word has more names in datasets than the {wording.NAMES_MOST:,} that were looked up.")
    return " ".join(told)


def covered(
    connection: Connection,
    view: View,
    terms: Sequence[Term],
    asked: Asked,
    coverage: page.Coverage,
    *,
    empty: bool,
) -> dict[str, Any]:
    """What was searched, and for an empty answer whether that means `none_found` or `not_covered`."""
    known = coverage.of(connection, RESOURCES["events"], view, RESOURCES)
    types = asked.types or TYPES
    outside = "with" if view.enrichment else "without"
    what = " and ".join(map(str, terms)) or "nothing"
    notes = [] if terms else ["q: there is no letter or digit in it to look for."]
    if empty:
        notes += withheld(connection, view)
    return {
        **known,
        "searched": ", ".join(types),
        "dates": None,
        "revision": view.revision,
        "query": f"records with {what}; {outside} enrichment; as of revision {view.revision}.",
        "zero": None if not empty else "none_found" if known["sources"] or known["datasets"] else "not_covered",
        "notes": notes,
    }


def withheld(connection: Connection, view: View) -> list[str]:
    """Which sources were not searched word by word, since their text is not at hand."""
    here = select(source_text.c.source)
    query = select(source.c.id).where(standing(source, view), source.c.id.not_in(here)).order_by(source.c.id).limit(6)
    ids = list(connection.scalars(query))
    if not ids:
        return []
    more = " and others" if len(ids) > 5 else ""
    return [f"Not searched, since its text is not at hand here: {', '.join(ids[:5])}{more}."]


# ── What may have been meant ────────────────────────────────────────────────────────────────────────────────────────


def suggestions(connection: Connection, view: View, terms: Sequence[Term], asked: Asked) -> list[dict[str, Any]]:
    """Searches that find something and differ in words which nobody here uses; none where each word is used by itself."""
    if len(terms) > wording.TERMS_MOST:
        return []
    single = text_index.each(connection, view, terms, (), limit=1)
    unknown = [term for term, rows in zip(terms, single, strict=True) if not rows and len(term.words) == 1]
    meant = {term: alike(connection, view, term.words[0]) for term in unknown[:SUGGESTED]}
    if not unknown or not all(meant.get(term) for term in unknown):
        return []
    found: list[dict[str, Any]] = []
    for rank in range(SUGGESTED):
        chosen = {term: words[min(rank, len(words) - 1)] for term, words in meant.items()}
        swapped = [Term((chosen[term],), term.begins) if term in chosen else term for term in terms]
        q = " ".join(map(str, swapped))
        if any(one["q"] == q for one in found):
            continue
        nouns = nouns_of(asked.types) if asked.types else ()
        if text_index.find(connection, view, swapped, nouns=nouns, limit=1):
            found.append({"q": q, "items": link(asked, q=q)})
    return found


def alike(connection: Connection, view: View, word: str) -> list[str]:
    """The words most like one that nobody uses, of those that this reader can find; best first."""
    from rapidfuzz import process  # heavy to import, and only an empty answer needs it
    from rapidfuzz.distance import OSA

    if len(word) < 3:
        return []
    known = text_index.near(connection, word, most=COMPARED)
    near = process.extract(word, known, scorer=OSA.normalized_similarity, score_cutoff=ALIKE, limit=8)
    if not near:
        return []
    # A word may be known only from what this reader does not see: a later revision, outside knowledge.
    there = text_index.each(connection, view, [Term((str(one),)) for one, *_ in near], (), limit=1)
    return [str(one) for (one, *_), rows in zip(near, there, strict=True) if rows][:SUGGESTED]
