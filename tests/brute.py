"""What each filter, sort and facet means, said a second time in plain Python over all records, to compare answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from app.query.fields import Filter, Period, Ref, Resource
from app.resources import RESOURCES
from tests.base import KnowledgeBase, plant

Record = dict[str, Any]
STATUSES = ("occurred", "ongoing", "planned", "hypothetical", "habitual")


def address(resource: str, **asked: Any) -> str:
    """The address of a list; a list of values is a repeated parameter, `_not` and `_is` stand for `.not` and `.is`."""
    pairs = []
    for name, value in asked.items():
        for suffix in ("not", "is"):
            name = f"{name.removesuffix(f'_{suffix}')}.{suffix}" if name.endswith(f"_{suffix}") else name
        pairs += [(name, str(one)) for one in (value if isinstance(value, (list, tuple)) else [value])]
    return f"/v1/{resource}?{urlencode(pairs)}"


@dataclass
class World:
    """Every record that a reader sees."""

    kb: KnowledgeBase
    enrichment: bool = False
    held: dict[str, list[Record]] = field(default_factory=dict)

    def records(self, resource: str) -> list[Record]:
        """Every record of a resource, planned and imagined events included."""
        if resource not in self.held:
            extra = {"status": STATUSES} if resource == "events" else {}
            path = address(resource, limit=500, enrichment=str(self.enrichment).lower(), sort="id", **extra)
            found: list[Record] = []
            cursor = ""
            while cursor is not None:
                page = self.kb.json(path + (f"&cursor={cursor}" if cursor else ""))
                found += page["items"]
                cursor = page["next_cursor"]
            self.held[resource] = found
        return self.held[resource]

    @cached_property
    def counterparts(self) -> dict[str, set[str]]:
        """The government of each state, and the state of each government."""
        kinds = {item["id"]: item["kind"] for item in self.records("actors")}
        found: dict[str, set[str]] = {}
        for edge in self.records("relations"):
            pair = edge["subject"], edge["object"]
            if edge["kind"] == "represents" and {kinds.get(one) for one in pair} == {"state", "government"}:
                for one in pair:
                    found.setdefault(one, set()).update(set(pair) - {one})
        return found

    def reached(self, line: Filter, value: str) -> set[str]:
        """The ids that a value of a filter stands for."""
        kind = None if isinstance(line, Period) else line.kind
        if not isinstance(kind, Ref):
            return {value}
        topics = {item["id"] for item in self.records("topics")}
        if kind.to == "topics" or (kind.to == "*" and value in topics):
            found = {value}
            while True:
                more = {item["id"] for item in self.records("topics") if item["broader"] in found} - found
                if not more:
                    return found
                found |= more
        if kind.to in ("actors", "*"):
            return {value} | self.counterparts.get(value, set())
        return {value}


def world_of(kb: KnowledgeBase, enrichment: bool = False) -> World:
    """The records of a knowledge base that is only read, listed once."""
    worlds: dict[bool, World] = kb.__dict__.setdefault("worlds", {})
    return worlds.setdefault(enrichment, World(kb, enrichment))


def sources(value: Any) -> set[str]:
    """Every source that a record cites anywhere."""
    if isinstance(value, dict):
        own = {one["source"] for one in value.get("evidence") or () if isinstance(one, dict)}
        return own.union(*(sources(inner) for inner in value.values()))
    return set().union(*(sources(inner) for inner in value)) if isinstance(value, list) else set()


def some(*values: Any) -> set[Any]:
    """The values that are there."""
    return {value for value in values if value is not None}


def within(record: Record, name: str, key: str) -> Any:
    """What a part of a record says, None where there is no such part."""
    return (record.get(name) or {}).get(key)


def each(record: Record, name: str, key: str) -> set[Any]:
    """What every item of a list says."""
    return {item[key] for item in record.get(name) or ()}


def one_in(record: Record, role: str) -> str | None:
    """The only participant in a role."""
    found = [item["actor"] for item in record["participants"] if item["role"] == role]
    return found[0] if len(found) == 1 else None


Holds = Callable[[World, Record], set[Any]]


def plain(*names: str) -> dict[str, Holds]:
    """Filters of the name of the field they look in."""
    return {name: lambda _, record, name=name: some(record[name]) for name in names}


def by(find: Callable[[Record], set[Any]]) -> Holds:
    """A filter that looks in the record alone."""
    return lambda _, record: find(record)


SOURCE: dict[str, Holds] = {"source": by(sources)}
UTTERANCE: dict[str, Holds] = {
    **SOURCE,
    "about": by(lambda record: set(record["about"])),
    "topic": by(lambda record: set(record["topics"])),
    "modality": by(lambda record: some(within(record, "modality", "type"))),
    "commitment": by(lambda record: some(within(record, "commitment", "level"))),
    "constraint": by(lambda record: each(record, "constraints", "family")),
}


def source_says(name: str) -> Holds:
    """What a passage's source says."""
    return lambda world, record: set().union(
        *(some(item[name]) for item in world.records("sources") if item["id"] == record["source"])
    )


def agreement_of(world: World, record: Record) -> Record:
    return next((item for item in world.records("agreements") if item["id"] == record["agreement"]), {})


def actors_in(world: World, ids: Iterable[str | None]) -> set[Any]:
    """Those of the ids that are actors."""
    return {item["id"] for item in world.records("actors")} & set(ids)


def ascribes(record: Record) -> bool:
    """Whether a claim ascribes an act, an aim or a view to its subject."""
    return record["kind"].startswith("attributed_") or (within(record, "commitment", "rank") or 0) > 0


def country(world: World, record: Record) -> set[Any]:
    return {item["country"] for item in world.records("places") if item["id"] == record["place"]} - {None}


# What a record holds for each filter that looks for values: a value finds it where what it reaches is among them.
HELD: dict[str, dict[str, Holds]] = {
    "actors": {
        **plain("id", "kind"),
        "identifier": by(lambda record: {f"{one['scheme']}:{one['value']}" for one in record["identifiers"]}),
        "member_of": by(lambda record: each(record, "memberships", "actor")),
        "holds_office": by(lambda record: each(record, "offices", "office")),
    },
    "statements": {
        **plain("speaker", "on_behalf_of", "kind", "form", "occasion", "addressee", "office"),
        **UTTERANCE,
        "position_of": by(lambda record: some(record["speaker"], record["on_behalf_of"])),
        "involves": lambda world, record: (
            some(record["speaker"], record["on_behalf_of"], record["addressee"]) | actors_in(world, record["about"])
        ),
    },
    "claims": {
        **plain("kind", "subject"),
        **UTTERANCE,
        "position_of": lambda world, record: actors_in(world, [record["subject"]] if ascribes(record) else []),
        "involves": lambda world, record: actors_in(world, [record["subject"], *record["about"]]),
    },
    "agreements": {
        **plain("kind", "occasion"),
        **SOURCE,
        "party": by(lambda record: each(record, "parties", "actor")),
        "topic": by(lambda record: set(record["topics"])),
        "provision": lambda world, record: {
            one["type"] for one in world.records("provisions") if one["agreement"] == record["id"]
        },
    },
    "provisions": {
        **plain("agreement", "type", "provider", "recipient"),
        **SOURCE,
        "commitment": by(lambda record: some(within(record, "commitment", "level"))),
        "party": lambda world, record: (
            some(record["provider"], record["recipient"]) | each(agreement_of(world, record), "parties", "actor")
        ),
    },
    "events": {
        **plain("kind", "status", "dataset", "place"),
        **SOURCE,
        "participant": by(lambda record: each(record, "participants", "actor")),
        "role": by(lambda record: each(record, "participants", "role")),
        "initiator": by(lambda record: some(one_in(record, "initiator"))),
        "recipient": by(lambda record: some(one_in(record, "recipient"))),
        "code": by(
            lambda record: (
                {(record["codes"] or {}).get("cameo", "")[:n] for n in range(1, 6)}
                if within(record, "codes", "cameo")
                else set()
            )
        ),
        "plover": by(lambda record: some(within(record, "codes", "plover"))),
        "quad": by(lambda record: some(within(record, "codes", "quad"))),
        "topic": by(lambda record: set(record["topics"])),
        "country": country,
    },
    "relations": {**plain("subject", "object", "kind", "status", "via"), **SOURCE},
    "sources": {
        **plain("publisher", "language"),
        "source": by(lambda record: {record["id"]}),
        "paragraph": lambda world, item: {
            str(one["paragraph"]) for one in world.records("passages") if one["source"] == item["id"]
        },
    },
    "passages": {
        **plain("source", "paragraph", "sentence"),
        "publisher": source_says("publisher"),
        "language": source_says("language"),
    },
    "topics": plain("broader", "label"),
    "places": plain("kind", "name", "within", "country"),
    "offices": plain("of"),
    "datasets": plain("publisher", "release"),
}

# Filters that compare rather than look for a value; each has a test of its own.
COMPARING = {
    "actors": {"name", "valid_on"},
    "statements": {"commitment_from", "has_quote", "said"},
    "claims": {"commitment_from"},
    "agreements": {"in_force_on", "signed"},
    "events": {"happened", "intensity_from", "intensity_before", "after", "before", "same_day_as"},
    "sources": {"published"},
    "passages": {"published"},
    "datasets": {"covers"},
}


def fitting(world: World, resource: Resource, line: Filter, values: Iterable[str], *, every: bool = False) -> set[str]:
    """The ids that a filter finds for these values."""
    holds = HELD[resource.name][line.name]
    reached = [world.reached(line, value) for value in values]
    every = every or getattr(line, "every", False)
    found = set()
    for record in world.records(resource.name):
        has = {str(one) for one in holds(world, record)}
        hits = [bool(has & {str(one) for one in ids}) for ids in reached]
        if all(hits) if every else any(hits):
            found.add(record["id"])
    return found


def values_of(world: World, resource: Resource, line: Filter, most: int = 6) -> list[str]:
    """Some values that records hold for a filter, the rarest and the most frequent, and the declared example."""
    holds = HELD[resource.name][line.name]
    counted: dict[str, int] = {}
    for record in world.records(resource.name):
        for value in holds(world, record):
            counted[str(value)] = counted.get(str(value), 0) + 1
    ordered = sorted(counted, key=lambda value: (-counted[value], value))
    return list(dict.fromkeys([*ordered[: most // 2], *ordered[-most // 2 :]]))


def shown(resource: str) -> dict[str, Any]:
    """The parameters that let a list leave nothing out."""
    return {"status": STATUSES} if resource == "events" else {}


def looking(resource: Resource) -> Iterator[Filter]:
    """The filters of a resource that look for values."""
    for line in resource.filters:
        if line.name not in COMPARING.get(resource.name, ()):
            yield line


def quoted(text: str) -> str:
    """Text in an address."""
    return quote(text, safe="")


def undeclared() -> set[tuple[str, str]]:
    """Filters that this page says nothing about."""
    return {
        (resource.name, line.name)
        for resource in RESOURCES.values()
        for line in resource.filters
        if line.name not in HELD[resource.name] and line.name not in COMPARING.get(resource.name, ())
    }


# ── A knowledge base with something for every filter ────────────────────────────────────────────────────────────────


def date(
    edtf: str | None, first: str | None = None, last: str | None = None, words: str | None = None
) -> Record | None:
    """A date as records hold it."""
    return {"edtf": edtf, "first": first, "last": last or first, "words": words, "basis": "stated" if edtf else None}


def cite(source: str, number: int = 1) -> Record:
    """A citation of a passage of `source`."""
    return {
        "passage": f"{source}:p{number}",
        "source": source,
        "paragraph": number,
        "sentence": 1,
        "start": number * 10,
        "end": number * 10 + 5,
        "sha256": "0" * 64,
        "support": "states",
    }


def actor(id: str, kind: str = "state", **more: Any) -> Record:
    """An actor."""
    name = id.replace("-", " ").title()
    return {
        "id": id,
        "name": name,
        "kind": kind,
        "names": [{"text": name, "kind": "name", "language": "en"}],
        "identifiers": [],
        "existence": "certain",
        "offices": [],
        "memberships": [],
        "evidence": [cite("gazette")],
        **more,
    }


def event(id: str, happened: Record | None = None, **more: Any) -> Record:
    """An event; `parts` maps roles to actors."""
    parts = more.pop("parts", {})
    return {
        "id": id,
        "gloss": f"What happened as {id}.",
        "kind": "tension",
        "status": "occurred",
        "happened": happened,
        "place": None,
        "venue": None,
        "purpose": None,
        "participants": [
            {"actor": who, "role": role, "inferred": False} for role, whos in parts.items() for who in whos.split()
        ],
        "codes": {"cameo": None, "plover": None, "quad": None},
        "intensity": None,
        "dataset": None,
        "reports": 0,
        "topics": [],
        "evidence": [],
        **more,
    }


def coded(n: int, day: str | None, who: str, whom: str, cameo: str, intensity: float | None, **more: Any) -> Record:
    """A dyadic event of a coded dataset."""
    happened = None if day is None else date(day, day, day)
    codes = {"cameo": cameo, "plover": "CONSULT" if cameo < "05" else "COERCE", "quad": 1 if cameo < "05" else 4}
    parts = {"initiator": who, "recipient": whom}
    return event(f"coded:{n}", happened, parts=parts, codes=codes, intensity=intensity, dataset="coded", **more)


def statement(id: str, said: Record | None = None, **more: Any) -> Record:
    """A statement."""
    return {
        "id": id,
        "speaker": "arden",
        "office": None,
        "on_behalf_of": None,
        "occasion": None,
        "reporting_verb": "said",
        "form": "direct_quote",
        "quote": None,
        "gloss": f"What {id} says.",
        "kind": "demand",
        "modality": {"type": "indicative", "cue": None, "polarity": "positive"},
        "commitment": {"level": "intends", "rank": 5, "toward": None},
        "about": [],
        "topics": [],
        "constraints": [],
        "addressee": None,
        "said": said,
        "evidence": [cite("gazette")],
        **more,
    }


def agreement(id: str, signed: Record | None = None, **more: Any) -> Record:
    """An agreement."""
    return {
        "id": id,
        "gloss": f"The agreement {id}.",
        "kind": "treaty",
        "parties": [],
        "signed": signed,
        "signing": None,
        "term": None,
        "in_force": None,
        "occasion": None,
        "characterisations": [],
        "topics": [],
        "evidence": [cite("gazette")],
        **more,
    }


def source(id: str, published: Record | None = None, **more: Any) -> Record:
    """A source."""
    return {
        "id": id,
        "title": None,
        "author": None,
        "publisher": None,
        "published": published,
        "language": "en",
        "url": None,
        "licence": None,
        "sha256": "1" * 64,
        "characters": 100,
        "sentences": [1, 1],
        "text": "withheld",
        "unrecorded": [],
        **more,
    }


def passage(of: str, number: int) -> Record:
    """A passage."""
    place = {name: cite(of, number)[name] for name in ("paragraph", "sentence", "start", "end", "sha256")}
    return {"id": f"{of}:p{number}", "source": of, **place}


def rich_records() -> list[tuple[str, Record]]:
    """Records with something for every filter: states and governments, dates of every kind, coded events."""
    role = {"role": "party"}
    days = [None, "2018-01-01", "2018-01-01", "2018-01-02", "2018-02-01", "2019-12-31", None, "2018-01-02"]
    return [
        (
            "source",
            source("gazette", date("2020-05", "2020-05-01", "2020-05-31"), publisher="Gazette", title="Morning"),
        ),
        (
            "source",
            source("herald", date("2021-01-01", "2021-01-01"), publisher="Herald", language="fr", title="Abend"),
        ),
        ("source", source("leaflet")),
        *[("passage", passage(of, n)) for of in ("gazette", "herald") for n in (1, 2)],
        ("office", {"id": "mayor-of-arden", "title": "Mayor", "of": "arden", "evidence": [cite("gazette")]}),
        ("actor", actor("arden")),
        ("actor", actor("government-of-arden", "government")),
        ("actor", actor("belmont", evidence=[cite("herald")])),
        ("actor", actor("league", "organisation")),
        (
            "actor",
            actor(
                "lena-voss",
                "person",
                identifiers=[{"scheme": "isni", "value": "0001"}],
                offices=[
                    {"office": "mayor-of-arden", "title": "Mayor", "of": "arden", "from": "2019", "until": "2021-06"}
                ],
                memberships=[{"actor": "league", "from": None, "until": "2018-12-31"}],
            ),
        ),
        (
            "actor",
            actor(
                "old-mayor",
                "person",
                offices=[{"office": "mayor-of-arden", "of": "arden", "from": None, "until": "2018?"}],
            ),
        ),
        ("relation", edge("arden-government", "government-of-arden", "represents", "arden")),
        ("relation", edge("arden-aims", "arden", "aims_at", "belmont", status="reported", via="treaty-one")),
        ("relation", edge("government-aims", "government-of-arden", "aims_at", "belmont", evidence=[cite("herald")])),
        ("place", place("arden-town", "city", within="arden-land", country="AR")),
        ("place", place("arden-land", "country", country="AR")),
        ("topic", {"id": "harbours", "label": "Harbours", "definition": None, "broader": None, "evidence": []}),
        ("topic", {"id": "piers", "label": "Piers", "definition": None, "broader": "harbours", "evidence": []}),
        ("topic", {"id": "jetties", "label": "Jetties", "definition": None, "broader": "piers", "evidence": []}),
        ("dataset", dataset("coded", date("2018/2019", "2018-01-01", "2019-12-31"), "Coders", "2020")),
        ("dataset", dataset("other", None, None, None)),
        ("statement", statement("said-day", date("2020-05-05", "2020-05-05"), topics=["piers"], quote="We will.")),
        (
            "statement",
            statement(
                "said-month",
                date("2020-05", "2020-05-01", "2020-05-31"),
                speaker="government-of-arden",
                topics=["jetties", "harbours"],
            ),
        ),
        (
            "statement",
            statement(
                "said-since", date("2020/..", "2020-01-01", None) | {"last": None}, about=["arden", "treaty-one"]
            ),
        ),
        (
            "statement",
            statement(
                "said-until",
                date("../2020", None, "2020-12-31"),
                about=["government-of-arden"],
                speaker="lena-voss",
                on_behalf_of="arden",
            ),
        ),
        (
            "statement",
            statement(
                "said-recently",
                date(None, words="recently"),
                constraints=[
                    {"family": "legal", "gloss": "Law.", "voice": "speaker"},
                    {"family": "interest", "gloss": "Gain.", "voice": "author"},
                ],
            ),
        ),
        (
            "statement",
            statement(
                "said-ever",
                None,
                constraints=[{"family": "legal", "gloss": "Law.", "voice": "speaker", "evidence": [cite("herald")]}],
                commitment=None,
                addressee="belmont",
            ),
        ),
        (
            "agreement",
            agreement(
                "treaty-one",
                date("2020", "2020-01-01", "2020-12-31"),
                parties=[{"actor": "arden", **role}, {"actor": "belmont", **role}],
                topics=["piers"],
                in_force={"from": "2020", "until": "2030-06", "basis": "derived"},
            ),
        ),
        (
            "agreement",
            agreement(
                "treaty-two",
                date("2021-03-01", "2021-03-01"),
                parties=[{"actor": "government-of-arden", **role}],
                in_force={"from": "2021-03-01", "until": None, "basis": "stated"},
            ),
        ),
        (
            "agreement",
            agreement("treaty-three", None, parties=[{"actor": "belmont", **role}, {"actor": "league", **role}]),
        ),
        ("provision", provision("one-training", "treaty-one", "training", "arden", "belmont")),
        ("provision", provision("one-cyber", "treaty-one", "cyber", None, None)),
        ("provision", provision("two-training", "treaty-two", "training", "league", "government-of-arden")),
        *[
            ("event", coded(n, day, who, whom, cameo, intensity))
            for n, (day, who, whom, cameo, intensity) in enumerate(
                zip(
                    days,
                    ["arden", "arden", "belmont", "arden", "government-of-arden", "belmont", "arden", "belmont"],
                    ["belmont", "belmont", "arden", "league", "belmont", "arden", "belmont", "arden"],
                    ["040", "042", "0421", "190", "19", "042", "190", "0211"],
                    [1.0, 2.5, -10.0, None, 0.0, 4.0, 1.0, -2.5],
                    strict=True,
                )
            )
        ],
        (
            "event",
            event(
                "fair",
                date("2018-01", "2018-01-01", "2018-01-31"),
                place="arden-town",
                parts={"host": "arden", "participant": "belmont lena-voss"},
                topics=["piers"],
            ),
        ),
        (
            "event",
            event(
                "ball",
                date("2018-02-01", "2018-02-01"),
                place="arden-land",
                parts={"host": "belmont lena-voss", "participant": "arden"},
                status="planned",
            ),
        ),
        (
            "event",
            event(
                "dance",
                None,
                parts={"initiator": "arden league", "recipient": "belmont"},
                status="hypothetical",
                evidence=[cite("herald")],
            ),
        ),
    ]


def edge(id: str, subject: str, kind: str, object: str, **more: Any) -> Record:
    """A relation."""
    plain = {"id": id, "subject": subject, "kind": kind, "object": object, "status": "asserted", "via": None}
    return {**plain, "gloss": None, "evidence": [cite("gazette")], **more}


def place(id: str, kind: str, within: str | None = None, country: str | None = None) -> Record:
    """A place."""
    name = id.replace("-", " ").title()
    return {"id": id, "name": name, "kind": kind, "within": within, "country": country, "evidence": [cite("gazette")]}


def dataset(id: str, covers: Record | None, publisher: str | None, release: str | None) -> Record:
    """A dataset."""
    known = {"id": id, "name": id.title(), "publisher": publisher, "licence": None, "release": release, "url": None}
    return {**known, "covers": covers, "events": 8, "reports": 8, "rejected": 0, "evidence": []}


def provision(id: str, agreement: str, type: str, provider: str | None, recipient: str | None) -> Record:
    """A provision."""
    return {
        "id": id,
        "agreement": agreement,
        "type": type,
        "gloss": f"The provision {id}.",
        "provider": provider,
        "recipient": recipient,
        "quantity": None,
        "commitment": {"level": "pledged", "rank": 7, "toward": None},
        "evidence": [cite("gazette")],
    }


@pytest.fixture(scope="session", params=("sqlite", "postgresql"))
def rich(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    """The seed and, beside it, something for every filter, on each database. Shared: only for reading."""
    from tests.conftest import database_url

    base = KnowledgeBase.at(database_url(request.param, request, tmp_path_factory.mktemp("rich")))
    plant(base)
    base.put(*rich_records())
    yield base
    base.close()


# What a filter asks for with `.is`, where it asks for more without: a code without those below it.
EXACTLY: dict[tuple[str, str], Any] = {
    ("events", "code"): lambda world, item: {one for one in (item["codes"]["cameo"], item.get("label")) if one},
}
