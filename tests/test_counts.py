"""Whether cells, links, orders and picks are exact over every place where events are kept, compared with all events listed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from app.answers import counts as answers
from app.coded import counts as coded
from app.query import picks
from tests.base import KnowledgeBase
from tests.making import dossier, event, person, state
from tests.test_coded import bring, facts

BY = coded.BY
ACTORS = ("initiator", "recipient", "participant")
UCDP = Path(__file__).resolve().parent / "importers" / "ucdp.csv"


@pytest.fixture
def mixed(kb: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    """Two datasets whose actors are partly one, and partly somebody of a dossier, who has events of their own there."""
    from app.importers.runner import run

    def part(actor: str, role: str) -> dict[str, Any]:
        return {"actor": actor, "role": role, "evidence": ["p2s3"]}

    kb.load(dossier(actors=[person(), state()]))
    kb.clock.moment = datetime(2040, 1, 1, tzinfo=UTC)
    bring(kb, tmp_path, facts(1, 120))
    for name, seed in (("barge", 2), ("ferry", 3)):
        file = tmp_path / f"{name}.tsv"
        lines = ["\t".join([f.initiator, f.label, f.recipient, f.day.isoformat()]) for f in facts(seed, 60)]
        file.write_text("\n".join(["subject\trelation\tobject\tdate", *lines]) + "\n", encoding="utf-8")
        run(kb.database, file, dataset=name, clock=kb.clock, by="a test", accept=1.0)
    kb.load(
        dossier(
            actors=[person(), state()],
            events=[
                event(f"ferry-{n}", happened=day, participants=[part("arden", one), part("lena-voss", other)])
                for n, (day, one, other) in enumerate(
                    (
                        ("2013-11-20", "initiator", "recipient"),
                        ("2013-12/2014-02", "recipient", "initiator"),
                        ("2014-03-05", "initiator", "recipient"),
                        ("2013-12-24", "participant", "host"),
                    )
                )
            ],
        )
    )
    return kb


def everything(kb: KnowledgeBase, query: str) -> list[dict[str, Any]]:
    """Every event of a query."""
    found, cursor = [], ""
    while cursor is not None:
        page = kb.json(f"/v1/events?{query}&limit=500" + (f"&cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
    return found


def values(item: dict[str, Any], axis: str) -> list[Any]:
    """What an event is counted as along an axis of actors, code, root, quad, dataset or time."""
    happened = item["happened"] or {"first": None, "last": None}
    first, last = happened["first"], happened["last"]
    role = {one["role"]: one["actor"] for one in item["participants"]}
    code = item["codes"]["cameo"]
    match axis:
        case "day" | "month" | "year":
            width = {"day": 10, "month": 7, "year": 4}[axis]
            return [first[:width] if first and last and first[:width] == last[:width] else None]
        case "participant":
            return sorted({one["actor"] for one in item["participants"]}) or [None]
        case "initiator" | "recipient":
            return [role.get(axis)]
        case "code":
            return [code or item["label"]]
        case "root":
            return [code[:2] if code else None]
        case "quad":
            return [item["codes"]["quad"] or {"0": 1, "1": 4}.get((code or " ")[0])]
        case "country":
            return [(item["location"] or {}).get("country")]
        case _:
            return [item["dataset"]]


def expected(items: list[dict[str, Any]], by: list[str]) -> Counter[tuple[Any, ...]]:
    """The cells of these events."""
    found: Counter[tuple[Any, ...]] = Counter()
    for item in items:
        cells: list[tuple[Any, ...]] = [()]
        for axis in by:
            cells = [(*cell, one) for cell in cells for one in values(item, axis)]
        found.update(cells)
    return found


def asked(random: Random) -> list[tuple[str, str]]:
    """A few filters, whatever comes."""
    choices: list[list[tuple[str, str]]] = [
        [("participant", "arden")],
        [("participant", "ferry:corvo")],
        [("participant", "lena-voss"), ("participant", "ferry:belmont")],
        [("initiator", "arden")],
        [("initiator", "arden"), ("initiator", "lena-voss")],
        [("recipient", "lena-voss")],
        [("initiator.not", "arden")],
        [("code", "04")],
        [("code", "Consult"), ("code", "19")],
        [("code.not", "04")],
        [("dataset", "ferry")],
        [("quad", "4")],
        [("happened_from", "2013-12-05")],
        [("happened_from", "2013-12-05"), ("happened_before", "2014-02-10")],
        [("happened_before", "2014-01-01"), ("dates", "certain")],
        [("q", "signing")],
    ]
    found: dict[str, list[tuple[str, str]]] = {}
    for pairs in random.sample(choices, random.randrange(4)):
        names = {name.partition("_")[0].partition(".")[0] for name, _ in pairs}
        if not names & {key for one in found for key in one.split(",")}:
            found[",".join(names)] = pairs
    return [pair for pairs in found.values() for pair in pairs]


@pytest.mark.parametrize("seed", range(2))
def test_random_cells_of_random_filters_are_right_and_link_to_their_members(mixed: KnowledgeBase, seed: int) -> None:
    random = Random(seed)
    for _ in range(14):
        pairs = asked(random)
        revision = random.choice((mixed.latest, mixed.latest, mixed.latest - 1, mixed.latest - 2))
        base = urlencode([*pairs, ("as_of", str(revision))])
        by = random.sample([*BY], random.randrange(4))
        by = [one for one in by if one not in coded.TIMES or one == next(t for t in by if t in coded.TIMES)]
        # Participants of a question for one role are those in that role; that is another test's.
        wanted = expected(everything(mixed, base), by)

        told = mixed.json(
            f"/v1/events/counts?{base}&by={','.join(by)}&limit=10000" if by else f"/v1/events/counts?{base}"
        )

        cells = {tuple(item[one] for one in by): item["n"] for item in told["items"]}
        if not ("happened_from" in base or "happened_before" in base) or not set(by) & set(coded.TIMES):
            assert {cell: n for cell, n in cells.items() if n} == wanted, (base, by)
        assert told["total"] == sum(wanted.values()), (base, by)
        linked = [item for item in told["items"] if item["items"] is not None]
        for item in random.sample(linked, min(3, len(linked))):
            assert mixed.json(f"{item['items']}&limit=1&count=exact")["count"]["n"] == item["n"], item["items"]


@pytest.mark.parametrize(
    "query", ["", "participant=arden&", "participant=ferry:corvo&", "initiator=arden&", "recipient=ferry:corvo&"]
)
def test_an_order_of_actors_is_the_same_page_by_page_as_whole(mixed: KnowledgeBase, query: str) -> None:
    for axis in ACTORS:
        for measure in ("events", "reports", "intensity"):
            path = f"/v1/events/counts?{query}by={axis}&measure={measure}"
            whole = mixed.json(f"{path}&limit=1000")
            walked, cursor = [], ""
            while cursor is not None:
                page = mixed.json(f"{path}&limit=2" + (f"&cursor={cursor}" if cursor else ""))
                assert page["total"] == whole["total"]
                walked, cursor = [*walked, *page["items"]], page["next_cursor"]

            assert walked == whole["items"], path
            if measure == "events":
                found = expected(everything(mixed, query.rstrip("&")), [axis])
                assert {(item[axis],): item["n"] for item in walked} == found, path


@pytest.mark.parametrize("per", ["initiator", "recipient", "code", "pair"])
def test_the_first_and_last_of_each_group_are_those_of_all_places(mixed: KnowledgeBase, per: str) -> None:
    from app.importers.runner import run

    run(mixed.database, UCDP, clock=mixed.clock, by="a test", accept=1.0)
    axes = ["initiator", "recipient"] if per == "pair" else [per]
    for query in ("", "participant=arden&", "initiator=lena-voss&", "code=04&", "happened_from=2013-12-20&"):
        items = [item for item in everything(mixed, query.rstrip("&")) if item["happened"]["first"]]
        for which in ("first", "last"):
            best: dict[tuple[Any, ...], tuple[str, str]] = {}
            for item in items:
                group = tuple(values(item, axis)[0] for axis in axes)
                if per == "code" and not item["dataset"]:
                    group = (item["codes"]["cameo"],)
                if None in group:
                    continue
                here = (item["happened"][which], item["id"])
                best[group] = (min if which == "first" else max)(best.get(group, here), here)

            for sort in ("", "&sort=id", "&sort=-since"):
                path = f"{query}pick={which}&per={per}{sort}"
                walked = [item["id"] for item in walk(mixed, path)]
                assert sorted(walked) == sorted(id for _, id in best.values()), path
            assert mixed.json(f"/v1/events?{query}pick={which}&per={per}&count=exact&limit=1")["count"]["n"] == len(
                best
            )
            (only,) = mixed.json(f"/v1/events?{query}pick={which}")["items"]
            ends = [(item["happened"][which], item["id"]) for item in items]
            assert (only["happened"][which], only["id"]) == (min if which == "first" else max)(ends), (query, which)


def walk(kb: KnowledgeBase, query: str) -> list[dict[str, Any]]:
    """Every event of a query, seven a page."""
    found, cursor = [], ""
    while cursor is not None:
        page = kb.json(f"/v1/events?{query}&limit=7" + (f"&cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
    return found


def test_too_many_cells_and_groups_are_refused_before_all_are_counted(
    mixed: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coded, "PORTION_ROWS", 20)
    whole = mixed.json("/v1/events/counts?by=quad,initiator,recipient&limit=1000")
    own = mixed.json("/v1/events/counts?by=day,recipient&participant=arden&limit=1000")
    monkeypatch.setattr(coded.counts, "__defaults__", ("events", 30))
    monkeypatch.setattr(picks, "GROUPS_MOST", 3)

    read: list[int] = []
    cells = coded.cells
    monkeypatch.setattr(coded, "cells", lambda rows, *more: read.append(len(rows)) or cells(rows, *more))
    ahead = mixed.json("/v1/events/counts?by=month,code,participant", 422)
    monkeypatch.setattr(coded, "cells", cells)

    refused = mixed.json("/v1/events/counts?by=day,initiator,recipient", 422)
    crowded = mixed.json("/v1/events?pick=last&per=pair", 422)

    assert whole["total"] == mixed.json("/v1/events?count=exact&limit=1")["count"]["n"]
    assert own["total"] == mixed.json("/v1/events?participant=arden&count=exact&limit=1")["count"]["n"]
    assert "more than 30 cells" in refused["detail"]
    assert "more than 30 cells" in ahead["detail"]
    assert set(read) == {31}  # asked on the loop and, being refused there, once more in a thread
    assert refused["errors"][0]["name"] == "by"
    assert crowded["errors"][0]["name"] == "per"
    assert answers.CELLS_MOST == 100_000


@pytest.mark.parametrize(
    "query", ["participant=arden", "initiator=lena-voss", "recipient=arden", "code=04&code=Consult&participant=arden"]
)
def test_a_walk_over_actors_of_several_datasets_leaves_nothing_out(mixed: KnowledgeBase, query: str) -> None:
    whole = [item["id"] for item in everything(mixed, query)]

    assert [item["id"] for item in walk(mixed, query)] == whole
    assert [item["id"] for item in walk(mixed, f"{query}&sort=-happened")] == whole[::-1]
