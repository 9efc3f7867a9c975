"""A knowledge base of random records and coded events, and its timelines said a second time over the plain lists."""

from __future__ import annotations

from datetime import date as day_of
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.base import KnowledgeBase
from tests.brute import STATUSES, actor, agreement, cite, date, edge, event, provision, source, statement
from tests.test_coded import bring, facts

Record = dict[str, Any]
ACTORS = ("arden", "government-of-arden", "belmont", "lena-voss")
TOPICS = ("harbours", "piers", "jetties", "fairs")
BROADER = {"piers": "harbours", "jetties": "piers"}
LEVELS = ("none", "observes", "considers", "might", "hopes", "intends", "commits", "pledged", "does")
ORDER = ("event", "agreement", "statement", "claim")
DATED = {"event": "happened", "agreement": "signed", "statement": "said", "claim": None}


def some_date(random: Random) -> Record | None:
    """A date of any kind around the coded events, or none."""
    begin = day_of(2013, 11, 1) + timedelta(days=random.randrange(150))
    end = begin + timedelta(days=random.choice([0, 0, 0, 5, 60]))
    first, last = begin.isoformat(), end.isoformat()
    return random.choice(
        [
            date(first, first),
            date(first, first),
            date(f"{first}/{last}", first, last),
            date("2013", "2013-01-01", "2013-12-31"),
            date("2013-12", "2013-12-01", "2013-12-31"),
            date(f"{first}/..", first, None) | {"last": None},
            date(f"../{last}", None, last),
            date(None, words="recently"),
            None,
        ]
    )


def some(random: Random, values: tuple[str, ...]) -> list[str]:
    """A few of the values, perhaps none."""
    return random.sample(values, random.randrange(3))


def commitment(random: Random) -> Record | None:
    rank = random.randrange(len(LEVELS))
    named = {"level": LEVELS[rank], "rank": rank, "toward": random.choice([None, "building a pier", "opening"])}
    return random.choice([named, named, named, None])


def constraints(random: Random) -> list[Record]:
    families = some(random, ("legal", "interest", "logistical"))
    return [{"family": one, "gloss": f"It is {one}.", "voice": "speaker"} for one in families]


def put_random(kb: KnowledgeBase, seed: int, n: int = 12) -> None:
    """Publish random records; actors are not random, so that coded events find them by their names."""
    random = Random(seed)
    cited = lambda: [cite(random.choice(["gazette", "herald"]), random.randrange(1, 30))]  # noqa: E731
    parties = lambda: [{"actor": one, "role": "party"} for one in some(random, ACTORS)]  # noqa: E731
    records: list[tuple[str, Record]] = [
        ("source", source("gazette", date("2014-01-01", "2014-01-01"))),
        ("source", source("herald")),
        ("actor", actor("arden")),
        ("actor", actor("government-of-arden", "government")),
        ("actor", actor("belmont")),
        ("actor", actor("lena-voss", "person")),
        ("relation", edge("arden-government", "government-of-arden", "represents", "arden")),
        *[
            ("topic", {"id": one, "label": one, "definition": None, "broader": BROADER.get(one), "evidence": []})
            for one in TOPICS
        ],
    ]
    for number in range(n):
        told = {
            "about": some(random, (*ACTORS, "event-0")),
            "topics": some(random, TOPICS),
            "constraints": constraints(random),
        }
        polarity = {"type": "indicative", "cue": None, "polarity": random.choice(["positive", "negative"])}
        said = {**told, "modality": polarity, "commitment": commitment(random), "evidence": cited()}
        spoken = {"speaker": random.choice(ACTORS), "on_behalf_of": random.choice([None, *ACTORS])}
        records += [
            (
                "statement",
                statement(
                    f"statement-{number}", some_date(random), **said, **spoken, addressee=random.choice([None, *ACTORS])
                ),
            ),
            (
                "claim",
                {
                    "id": f"claim-{number}",
                    "subject": random.choice([None, "event-0", *ACTORS]),
                    "gloss": f"The claim {number}.",
                    "kind": random.choice(["assessment", "attributed_intent", "attributed_perception", "practice"]),
                    **said,
                },
            ),
            (
                "event",
                event(
                    f"event-{number}",
                    some_date(random),
                    parts={random.choice(["host", "participant"]): " ".join(some(random, ACTORS))},
                    status=random.choice(STATUSES),
                    topics=some(random, TOPICS),
                    evidence=cited(),
                ),
            ),
            (
                "agreement",
                agreement(
                    f"agreement-{number}",
                    some_date(random),
                    parties=parties(),
                    topics=some(random, TOPICS),
                    evidence=cited(),
                ),
            ),
            (
                "provision",
                provision(
                    f"provision-{number}",
                    f"agreement-{random.randrange(n)}",
                    random.choice(["cyber", "training"]),
                    None,
                    None,
                ),
            ),
        ]
    kb.put(*records)


def put_coded(kb: KnowledgeBase, folder: Path, seed: int, rows: int = 40) -> None:
    """Import random coded events, of whose actors some are known here by name."""
    bring(kb, folder, facts(seed, rows))


def everything(kb: KnowledgeBase, more: str = "") -> dict[str, list[Record]]:
    """Every record by kind, as the plain lists give them."""
    statuses = "".join(f"&status={one}" for one in STATUSES)
    return {noun: walked(kb, f"/v1/{noun}s?limit=500{more}{statuses if noun == 'event' else ''}")[0] for noun in ORDER}


def walked(kb: KnowledgeBase, path: str) -> tuple[list[Record], list[Record]]:
    """Every item of a list, page by page, and the pages."""
    items: list[Record] = []
    pages: list[Record] = []
    cursor = None
    while True:
        page = kb.json(path if cursor is None else f"{path}&cursor={cursor}")
        items += page["items"]
        pages.append(page)
        cursor = page["next_cursor"]
        if cursor is None:
            return items, pages


def reach(name: str | None) -> set[str]:
    """Whom a filter for an actor reaches."""
    return {"arden", "government-of-arden"} if name in ("arden", "government-of-arden") else {name} if name else set()


def below(topics: list[str]) -> set[str]:
    """Topics and their narrower ones."""
    found = set(topics)
    while more := {one for one, up in BROADER.items() if up in found} - found:
        found |= more
    return found


def roles(noun: str, record: Record) -> list[tuple[str, str]]:
    """Who has which part in a record."""
    if noun in ("event", "agreement"):
        return [(one["actor"], one["role"]) for one in record["participants" if noun == "event" else "parties"]]
    told = [(one, "about") for one in record["about"]]
    if noun == "claim":
        return [(record["subject"], "subject"), *told]
    return [*((record[role], role) for role in ("speaker", "on_behalf_of", "addressee")), *told]


def fits_span(noun: str, record: Record, asked: Record) -> bool:
    """Whether a record's date lies within the days asked for."""
    lower, upper = asked.get("from"), asked.get("before")
    if lower is None and upper is None:
        return True
    found = record.get(DATED[noun] or "") or {}
    first, last = found.get("first"), found.get("last")
    if first is None and last is None:
        return asked.get("undated") == "true"
    if asked.get("dates") == "certain":
        return (lower is None or (first is not None and first >= lower)) and (
            upper is None or (last is not None and last < upper)
        )
    return (lower is None or last is None or last >= lower) and (upper is None or first is None or first < upper)


def expected(world: dict[str, list[Record]], asked: Record) -> list[tuple[str, str]]:
    """The timeline that a question has, as (type, id), by brute force."""
    who, topics = reach(asked.get("actor")), asked.get("topic", [])
    found: list[tuple[Any, ...]] = []
    for noun in asked.get("type", ORDER):
        for record in world[noun]:
            if who and not who & {one for one, _ in roles(noun, record)}:
                continue
            if topics and not below(topics) & set(record["topics"]):
                continue
            if not fits_span(noun, record, asked):
                continue
            if noun == "event":
                statuses = asked.get("status")
                if record["status"] not in (statuses or ("occurred", "ongoing", "habitual")):
                    continue
                datasets = asked.get("dataset")
                if datasets is not None and (record["dataset"] or "none") not in datasets:
                    continue
            first = (record.get(DATED[noun] or "") or {}).get("first")
            found.append((first, ORDER.index(noun), record["id"], noun))
    down = asked.get("sort") == "-date"
    known = sorted((one for one in found if one[0] is not None), reverse=down)
    unknown = sorted((one[1:] for one in found if one[0] is None), reverse=down)
    return [(one[-1], one[-2]) for one in [*known, *unknown]]
