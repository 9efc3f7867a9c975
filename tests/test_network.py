"""Whether networks and chains are what an independent program makes of the lists, and every number's link lists just that many."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import networkx as nx
import pytest
from sqlalchemy import select

from app import ledger
from app.importers.runner import run
from app.ledger import Change
from app.models.coded import coded_actor, coded_link
from tests.base import KnowledgeBase
from tests.brute import actor
from tests.conftest import BACKENDS, database_url
from tests.test_coded import bring, facts
from tests.test_query_counts import cost

PEOPLE = [f"p{n}" for n in range(6)]
STATES = [f"s{n}" for n in range(5)]
BODIES = ["club", "band"]
ACTORS = [*PEOPLE, *STATES, *BODIES]
# What datasets call them: some are tied to an actor here, two of them to the same one.
NAMES = {
    "Sone": "s1",
    "Sone (again)": "s1",
    "Stwo": "s2",
    "Pthree": "p3",
    "Far Away": None,
    "Farther": None,
    "Nobody <&>": None,
}
DAYS = [f"20{year:02}-{month:02}-{day:02}" for year in (12, 13, 14) for month in (1, 6, 12) for day in (1, 15, 28)]
RELATIONS = ("has_tensions_with", "might_join", "represents", "encourages")
RELATION_STATUSES = ("asserted", "reported", "hypothetical")
EVENT_STATUSES = ("occurred", "planned", "hypothetical", "ongoing")


def dated(day: str | None) -> dict[str, Any] | None:
    return None if day is None else {"edtf": day, "first": day, "last": day, "words": None, "basis": "stated"}


@dataclass
class World:
    """A random knowledge base, and what ties whom in it, told from the records and not from the database."""

    kb: KnowledgeBase
    records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    facts: list[tuple[str, str, str]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def ties(
        self, *, lower: str = "", upper: str = "9999", undated: bool = False
    ) -> Iterator[tuple[str, str, str, Any, Any]]:
        """Each record with two it ties, its kind, type and status."""

        def within(day: str | None) -> bool:
            if not lower and upper == "9999":
                return True
            return undated if day is None else lower <= day < upper

        for noun, record in self.records:
            if noun == "relation" and within(None) and record["subject"] != record["object"]:
                yield record["subject"], record["object"], "relation", record["kind"], record["status"]
            if noun == "event" and within((record["happened"] or {}).get("first")):
                for one, other in itertools.combinations(sorted({part["actor"] for part in record["participants"]}), 2):
                    yield one, other, "event", None, record["status"]
            if noun == "agreement" and within((record["signed"] or {}).get("first")):
                for one, other in itertools.combinations(sorted({part["actor"] for part in record["parties"]}), 2):
                    yield one, other, "agreement", None, None
            if noun == "statement" and within((record["said"] or {}).get("first")):
                roles = [("about", one) for one in set(record["about"]) & set(ACTORS)]
                roles += [(name, record[name]) for name in ("addressee", "on_behalf_of") if record[name]]
                for role, one in roles:
                    if one != record["speaker"]:
                        yield record["speaker"], one, "statement", role, None
            if noun == "actor":
                for item in record["memberships"]:
                    first = f"{item['from'] or '0001'}-01-01"
                    last = f"{item['until'] or '9998'}-12-31"
                    plain = not lower and upper == "9999"
                    known = bool(item["from"] or item["until"])
                    if plain or (known and first < upper and last >= lower) or (undated and not known):
                        yield record["id"], item["actor"], "membership", None, None
        for one, other, day in self.facts:
            a, b = self.ids[one], self.ids[other]
            if a != b and within(day):
                yield a, b, "event", None, "occurred"

    def graph(self, **narrowed: Any) -> nx.Graph:
        """The whole graph, the number of records as `n`."""
        made = nx.Graph()
        for one, other, kind, type, status in self.ties(**narrowed):
            if not made.has_edge(one, other):
                made.add_edge(one, other, n=0, ties=Counter())
            made.edges[one, other]["n"] += 1
            made.edges[one, other]["ties"][(kind, type, status)] += 1
        return made


def statement(random: Random, n: int) -> dict[str, Any]:
    from tests.brute import statement as plain

    maybe: list[str | None] = [None, None, *ACTORS]
    return plain(
        f"st{n}",
        speaker=random.choice(PEOPLE),
        about=random.sample(ACTORS, 2),
        addressee=random.choice(maybe),
        on_behalf_of=random.choice(maybe),
        said=dated(random.choice([None, *DAYS])),
    )


def grow(kb: KnowledgeBase, folder: Path, seed: int) -> World:
    """A random knowledge base with curated records and coded events."""
    random = Random(seed)
    world = World(kb)
    for id in ACTORS:
        own = [
            {
                "actor": body,
                "from": random.choice([None, "2012", "2013"]),
                "until": random.choice([None, "2013", "2014"]),
                "evidence": [],
                "enrichment": None,
            }
            for body in BODIES
            if id not in BODIES and random.random() < 0.3
        ]
        kind = "person" if id in PEOPLE else "state" if id in STATES else "organisation"
        world.records.append(("actor", {**actor(id), "kind": kind, "memberships": own}))
    for n in range(12):
        one, other = random.choice(ACTORS), random.choice(ACTORS)
        world.records.append(
            (
                "relation",
                {
                    "id": f"r{n}",
                    "subject": one,
                    "object": other,
                    "kind": random.choice(RELATIONS),
                    "status": random.choice(RELATION_STATUSES),
                    "via": None,
                    "gloss": None,
                    "evidence": [],
                },
            )
        )
    for n in range(12):
        parts = [
            {"actor": id, "role": random.choice(["participant", "host"]), "inferred": False, "evidence": []}
            for id in random.choices(ACTORS, k=3)
        ]
        world.records.append(
            (
                "event",
                {
                    "id": f"e{n}",
                    "gloss": "It",
                    "kind": random.choice(["summit_meeting", "tension"]),
                    "status": random.choice(EVENT_STATUSES),
                    "happened": dated(random.choice([None, *DAYS])),
                    "participants": parts,
                    "topics": [],
                    "evidence": [],
                },
            )
        )
    for n in range(6):
        parties = [{"actor": id, "role": "party", "evidence": []} for id in random.sample(ACTORS, 2)]
        world.records.append(
            (
                "agreement",
                {
                    "id": f"a{n}",
                    "gloss": "It",
                    "kind": "treaty",
                    "parties": parties,
                    "signed": dated(random.choice([None, *DAYS])),
                    "topics": [],
                    "evidence": [],
                },
            )
        )
    world.records += [("statement", statement(random, n)) for n in range(8)]
    world.records.append(("actor", {**actor("hermit"), "memberships": []}))
    kb.put(*world.records)
    names = list(NAMES)
    world.facts = sorted({(random.choice(names), random.choice(names), random.choice(DAYS)) for _ in range(60)})
    file = folder / "facts.tsv"
    lines = ["subject\trelation\tobject\tdate", *(f"{one}\tConsult\t{other}\t{day}" for one, other, day in world.facts)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(kb.database, file, dataset="far", clock=kb.clock, by="a test", accept=1.0)
    world.ids = link(kb)
    return world


def link(kb: KnowledgeBase) -> dict[str, str]:
    """Tie the datasets' actors to those here; who each is, by name."""
    found = {}
    with kb.database.write() as connection:
        number = ledger.start(connection, Change("edit", "a test", "Tie"), kb.clock())
        for row in connection.execute(coded_actor.select()).all():
            here = NAMES[row.name]
            found[row.name] = here or row.id
            connection.execute(coded_link.delete().where(coded_link.c.number == row.number))
            if here:
                connection.execute(
                    coded_link.insert().values(number=row.number, since=number, actor=here, why="Said so.")
                )
        ledger.publish(connection, number, kb.clock())
    return found


@pytest.fixture(scope="module", params=BACKENDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that is only read, on each database."""
    folder = tmp_path_factory.mktemp("world")
    kb = KnowledgeBase.at(database_url(request.param, request, folder))
    yield grow(kb, folder, 7)
    kb.close()


def asked(kb: KnowledgeBase, path: str, **given: Any) -> dict[str, Any]:
    """The answer to a question, names with `_not` for `.not`."""
    pairs = {name.replace("_not", ".not"): value for name, value in given.items()}
    answer: dict[str, Any] = kb.json(f"/v1/{path}?{urlencode(pairs, doseq=True)}")
    return answer


def edges(answer: dict[str, Any]) -> dict[frozenset[str], dict[str, Any]]:
    found = {frozenset((edge["source"], edge["target"])): edge for edge in answer["edges"]}
    assert len(found) == len(answer["edges"])
    return found


def compare(answer: dict[str, Any], whole: nx.Graph, centres: list[str], depth: int) -> None:
    """The answer is what networkx makes of the same records."""
    known = set(centres) & set(whole)
    distances = nx.multi_source_dijkstra_path_length(whole, known, cutoff=depth, weight=None) if known else {}
    expected = whole.subgraph(distances)

    assert {node["id"]: node["distance"] for node in answer["nodes"]} == {**dict.fromkeys(centres, 0), **distances}
    assert {pair: edge["n"] for pair, edge in edges(answer).items()} == {
        frozenset(ends): n for *ends, n in expected.edges.data("n")
    }
    for pair, edge in edges(answer).items():
        one, other = pair
        ties: Counter[Any] = Counter()
        for tie in edge["ties"]:
            ties[(tie["kind"], tie["type"], tie["status"])] += tie["n"]
        assert ties == expected.edges[one, other]["ties"]
        unreal = {"hypothetical", "planned"}
        assert edge["hypothetical"] is all(status in unreal for _, _, status in ties)
    for node in answer["nodes"]:
        if node["neighbours"] is not None:
            assert node["neighbours"] == (whole.degree(node["id"]) if node["id"] in whole else 0)


def test_a_network_is_the_part_of_the_whole_graph_around_its_actors(world: World) -> None:
    kb = world.kb
    whole = world.graph()
    far = world.ids["Far Away"]
    for centres in (["s1"], ["p0"], [far], ["club", "p3"]):
        for depth in (1, 2, 3):
            compare(asked(kb, "network", actor=centres, depth=depth), whole, centres, depth)


@pytest.mark.parametrize("undated", [False, True])
def test_a_window_of_time_holds_what_falls_into_it_and_the_undated_only_where_asked(
    world: World, undated: bool
) -> None:
    windows = (("2013-01-01", "2014-01-01"), ("2012-06-15", "2012-12-02"), ("", "2013-06-01"), ("2014-12-01", ""))
    for lower, upper in windows:
        bounds = {name: day for name, day in (("from", lower), ("before", upper)) if day}
        whole = world.graph(lower=lower, upper=upper or "9998", undated=undated)

        answer = asked(world.kb, "network", actor="s1", depth=2, undated=str(undated).lower(), **bounds)

        compare(answer, whole, ["s1"], 2)


def narrowed(whole: nx.Graph, holds: Any) -> nx.Graph:
    """The graph of the ties for which something holds."""
    made = nx.Graph()
    for one, other, ties in whole.edges.data("ties"):
        kept = Counter({tie: n for tie, n in ties.items() if holds(*tie)})
        if kept:
            made.add_edge(one, other, n=kept.total(), ties=kept)
    return made


NARROWED: list[tuple[dict[str, Any], Any]] = [
    (
        {"status_not": ["hypothetical", "planned"]},
        lambda kind, type, status: status not in ("hypothetical", "planned"),
    ),
    ({"status": "hypothetical"}, lambda kind, type, status: status == "hypothetical"),
    ({"status": ["occurred", "asserted"]}, lambda kind, type, status: status in ("occurred", "asserted")),
    ({"kind": "event"}, lambda kind, type, status: kind == "event"),
    ({"kind": ["statement", "might_join"]}, lambda kind, type, status: kind == "statement" or type == "might_join"),
    ({"kind_not": "event"}, lambda kind, type, status: kind != "event"),
    (
        {"kind_not": ["might_join", "membership"]},
        lambda kind, type, status: type != "might_join" and kind != "membership",
    ),
    ({"kind": "treaty"}, lambda kind, type, status: kind == "agreement"),
    ({"kind": "memorandum"}, lambda kind, type, status: False),
]


def test_kinds_and_statuses_narrow_a_network(world: World) -> None:
    for given, holds in NARROWED:
        whole = narrowed(world.graph(), holds)
        for centre in ("s1", "club"):
            compare(asked(world.kb, "network", actor=centre, depth=2, **given), whole, [centre], 2)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"from": "2012-06", "before": "2014-06"},
        {"from": "2013-06-15", "undated": "true"},
        {"before": "2014", "dates": "certain"},
        {"status": "occurred"},
        {"kind": "summit_meeting"},
        {"kind_not": "tension"},
        {"dataset": "far"},
        {"members_on": "2013-05-05"},
        {"as_of": "2"},
    ],
    ids=str,
)
def test_the_link_of_every_number_lists_just_that_many_records(world: World, given: dict[str, Any]) -> None:
    answer = asked(world.kb, "network", actor="s1", depth=2, **given)

    assert answer["edges"] or given
    for edge in answer["edges"]:
        for tie in edge["ties"]:
            counted = world.kb.json(f"{tie['items']}&count=exact&limit=500")
            assert counted["count"] == {"n": tie["n"], "exact": True}, tie
            days = [item.get(name) for item in counted["items"] for name in ("happened", "signed", "said")]
            known = [day for day in days if day]
            if tie["kind"] in ("event", "agreement", "statement"):
                assert tie["first"] == min((day["first"] for day in known), default=None), tie
                assert tie["last"] == max((day["last"] for day in known), default=None), tie
        assert edge["n"] == sum(edge["counts"].values()) == sum(tie["n"] for tie in edge["ties"])


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("start", ["s1", "Far Away"])
def test_a_network_keeps_the_strongest_edges_of_each_node_and_says_what_it_left_out(
    world: World, limit: int, start: str
) -> None:
    start = world.ids.get(start, start)
    check_strongest(world.kb, world.graph(), start, limit)


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_the_strongest_edges_among_actors_that_only_a_dataset_names_are_those_of_a_scan(
    kb: KnowledgeBase, tmp_path: Path, limit: int
) -> None:
    found = facts(5, 300)
    bring(kb, tmp_path, found[:200])
    bring(kb, tmp_path, found, whole=True)  # some counterparts have numbers of two revisions
    with kb.database.read() as connection:
        ids = {row.name: row.id for row in connection.execute(select(coded_actor.c.name, coded_actor.c.id))}
    whole = nx.Graph()
    for fact in found:
        one, other = ids[fact.initiator], ids[fact.recipient]
        if one != other:
            n = whole.edges[one, other]["n"] if whole.has_edge(one, other) else 0
            whole.add_edge(one, other, n=n + 1)

    for start in sorted(whole)[:4]:
        check_strongest(kb, whole, start, limit)


def check_strongest(kb: KnowledgeBase, whole: nx.Graph, start: str, limit: int) -> None:
    """Whether a network of depth 2 holds the strongest edges of each node in it, and says how many it left out."""
    strongest = {
        node: sorted(whole[node], key=lambda end, node=node: (-whole[node][end]["n"], end))[:limit] for node in whole
    }
    reached, rim = {start}, [start]
    kept: set[frozenset[str]] = set()
    left = 0
    for _ in range(2):
        kept |= {frozenset((node, end)) for node in rim for end in strongest[node]}
        left += sum(max(0, whole.degree(node) - limit) for node in rim)
        rim = sorted({end for node in rim for end in strongest[node]} - reached)
        reached |= set(rim)

    answer = asked(kb, "network", actor=start, depth=2, limit=limit, among="false")

    assert {pair: edge["n"] for pair, edge in edges(answer).items()} == {pair: whole.edges[*pair]["n"] for pair in kept}
    assert {node["id"] for node in answer["nodes"]} == reached
    told = {node["id"]: node["neighbours"] for node in answer["nodes"] if node["neighbours"] is not None}
    assert told == {node: whole.degree(node) for node in told}
    assert start in told
    assert answer["left_out"]["edges"] == left
    assert answer["truncated"] is (left > 0)


def test_a_network_has_no_more_nodes_than_asked_for_the_strongest_first(world: World) -> None:
    whole = world.graph()
    best = sorted(whole["s1"], key=lambda end: (-whole["s1"][end]["n"], end))[:3]

    answer = asked(world.kb, "network", actor="s1", nodes=4)

    assert [node["id"] for node in answer["nodes"][:1]] == ["s1"]
    assert {node["id"] for node in answer["nodes"]} == {"s1", *best}
    assert answer["left_out"]["nodes"] == whole.degree("s1") - 3


def test_a_coalition_is_expanded_to_its_members_of_a_day(world: World) -> None:
    def valid(item: dict[str, Any]) -> bool:
        return (item["from"] or "0001") <= "2013-05" and (item["until"] or "9998") >= "2013"

    here = [
        record["id"]
        for noun, record in world.records
        if noun == "actor" and any(item["actor"] == "club" and valid(item) for item in record["memberships"])
    ]

    answer = asked(world.kb, "network", actor="club", members_on="2013-05-05")

    assert answer["actors"] == ["club"]
    assert {node["id"] for node in answer["nodes"] if node["distance"] == 0} == {"club", *here}


def test_chains_are_the_shortest_and_the_strongest_of_them(world: World) -> None:
    kb = world.kb
    real = narrowed(world.graph(), lambda kind, type, status: status not in ("hypothetical", "planned"))
    for whole, given in ((world.graph(), {}), (real, {"status_not": ["hypothetical", "planned"]})):
        for one, other in (
            ("p0", "s1"),
            ("band", world.ids["Farther"]),
            (world.ids["Far Away"], "p5"),
            ("p1", "p2"),
            ("s2", "s2"),
        ):
            answer = asked(kb, "paths", from_actor=one, to_actor=other, max_length=6, limit=20, **given)
            known = one in whole and other in whole and nx.has_path(whole, one, other)
            every = list(nx.all_shortest_paths(whole, one, other)) if known and one != other else []

            assert answer["n"] == (1 if one == other else len(every))
            if one == other:
                assert [chain["length"] for chain in answer["items"]] == [0]
                continue
            resistance = {
                tuple(path): sum(1 / whole.edges[pair]["n"] for pair in itertools.pairwise(path)) for path in every
            }
            expected = sorted(resistance, key=lambda path: (round(resistance[path], 12), path))[:20]
            told = [tuple(actor["id"] for actor in chain["actors"]) for chain in answer["items"]]
            assert told == expected
            assert answer["length"] == (len(expected[0]) - 1 if expected else None)
            check_links(kb, answer, whole)


def check_links(kb: KnowledgeBase, answer: dict[str, Any], whole: nx.Graph) -> None:
    """Each link of a chain says what ties its ends, with a record that is among those it lists."""
    for chain in answer["items"]:
        for (one, other), told in zip(itertools.pairwise(chain["actors"]), chain["links"], strict=True):
            assert (told["source"], told["target"]) == (one["id"], other["id"])
            assert told["n"] == whole.edges[one["id"], other["id"]]["n"]
            for tie in told["ties"]:
                listed = kb.json(f"{tie['items']}&limit=500")["items"]
                assert tie["record"]["id"] in {item["id"] for item in listed}
                assert len(listed) == tie["n"]


def test_a_chain_is_no_longer_than_asked(world: World) -> None:
    whole = world.graph()
    far = nx.single_source_shortest_path_length(whole, "p0")
    one = max(far, key=lambda end: (far[end], end))

    short, enough = (
        asked(world.kb, "paths", from_actor="p0", to_actor=one, max_length=most)
        for most in (max(far[one] - 1, 1), far[one])
    )

    assert enough["length"] == far[one]
    assert far[one] == 1 or short["items"] == []
    if far[one] > 1:
        assert short["coverage"]["zero"] == "none_found"
        assert "no chain of at most" in short["coverage"]["notes"][-1]


def test_whoever_is_unknown_tied_to_nobody_or_too_far_is_told_apart(world: World) -> None:
    unknown = asked(world.kb, "paths", from_actor="nobody-at-all", to_actor="s1")["coverage"]
    alone = asked(world.kb, "paths", from_actor="s1", to_actor="hermit")["coverage"]
    network, stranger = asked(world.kb, "network", actor="hermit"), asked(world.kb, "network", actor="nobody-at-all")

    assert unknown["zero"] == "not_covered"
    assert "nothing is known here by 'nobody-at-all'" in unknown["notes"][0]
    assert alone["zero"] == "none_found"
    assert "hermit: known here, and nothing" in " ".join(alone["notes"])
    assert [node["id"] for node in network["nodes"]] == ["hermit"]
    assert network["coverage"]["zero"] == "none_found"
    assert stranger["nodes"] == []
    assert stranger["coverage"]["zero"] == "not_covered"


def test_a_network_of_the_past_is_what_was_known_then(kb: KnowledgeBase, tmp_path: Path) -> None:
    world = grow(kb, tmp_path, 3)
    before = kb.latest
    then = asked(kb, "network", actor="s1", depth=2)
    kb.retract("relation", *[record["id"] for noun, record in world.records if noun == "relation"])
    now = asked(kb, "network", actor="s1", depth=2)
    past = asked(kb, "network", actor="s1", depth=2, as_of=before)

    assert [edge["n"] for edge in past["edges"]] == [edge["n"] for edge in then["edges"]]
    assert not any("relation" in edge["counts"] for edge in now["edges"])
    answer = kb.get(f"/v1/network?actor=s1&as_of={before}")
    assert kb.get(f"/v1/network?actor=s1&as_of={before}", If_None_Match=answer.headers["etag"]).status_code == 304


def test_a_network_takes_as_many_statements_whatever_its_size(world: World) -> None:
    for depth in (1, 2, 3):
        few, many = (cost(world.kb, f"/v1/network?actor=s1&depth={depth}&limit={limit}") for limit in (1, 500))
        assert many <= 8 + 9 * (depth + 1)
        assert few <= 8 + 9 * (depth + 1)
    assert cost(world.kb, "/v1/paths?from_actor=p0&to_actor=s1&max_length=6") <= 30 + 9 * 6


SEED_EDGES = {frozenset(("japan", "security-guarantee-coalition")): True, frozenset(("china", "japan")): False}


def test_the_article_ties_japan_to_a_coalition_that_it_might_join_and_marks_it(seeded: KnowledgeBase) -> None:
    everything, real = (seeded.json(f"/v1/network?actor=japan{more}") for more in ("", "&status.not=hypothetical"))

    for pair, unreal in SEED_EDGES.items():
        assert edges(everything)[pair]["hypothetical"] is unreal
        assert (pair in edges(real)) is not unreal


def test_enrichment_ties_only_whoever_asks_for_it(seeded: KnowledgeBase) -> None:
    plain, rich = (
        defaultdict(int, seeded.json(f"/v1/network?actor=security-guarantee-coalition{more}"))
        for more in ("", "&enrichment=true")
    )

    pair = frozenset(("coalition-of-the-willing", "security-guarantee-coalition"))
    assert pair not in edges(plain)
    assert edges(rich)[pair]["ties"][0]["status"] == "enrichment"
    assert "enrichment=true" in edges(rich)[pair]["ties"][0]["items"]
