"""Whether anything that somebody with a key sends gets a 5xx, or is written and cannot be read."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema

from app.doctor import examine
from app.main import create_app
from app.resources import RESOURCES
from app.settings import Settings
from app.writing.parts import PARTS
from tests.base import KnowledgeBase

SEED = 20261125
EDITS = 200
HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, 2**64, 1e308, "", " ", "x" * 100_000, "\0", "\u202e", "é" * 2_000, "0001-01-01", "9999-12-31",
    "-0001", "10000", "../..", "2024-06-31", "2024/1066", "<script>", "' OR 1=1 --", "%", "_", "japan", "ishiba-remarks",
    "japan-ukraine-security-article", "japan-ukraine-security-article:p1s1", "nobody", [], [None], [[]], [{}], {}, {"a": 1},
    {"edtf": "XXXX"}, {"edtf": "0001-01-01", "basis": "stated"}, {"source": "x"}, ["japan", "japan"], [1], ["x"] * 500,
)  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a record."""
    if at:
        yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from paths(one, (*at, key))


def changed(record: Any, at: tuple[Any, ...], value: Any) -> Any:
    """A record with another value at a place."""
    told = copy.deepcopy(record)
    here = told
    for key in at[:-1]:
        here = here[key]
    here[at[-1]] = value
    return told


def test_no_value_anywhere_in_a_record_breaks_it_or_what_lists_it(own_seeded: KnowledgeBase) -> None:
    kb, chance, seen = own_seeded, random.Random(SEED), Counter[int]()
    key = kb.key("admin")
    resources = [one for one in RESOURCES.values() if one.noun in PARTS]
    ids = {one.name: kb.ids(f"/v1/{one.name}?limit=500&enrichment=true") for one in resources}

    for n in range(EDITS):
        resource = chance.choice(resources)
        path = f"/v1/{resource.name}/{chance.choice(ids[resource.name])}?enrichment=true"
        read = kb.get(path)
        if read.status_code != 200:
            continue
        record = read.json()
        at, value = chance.choice(list(paths(record))), chance.choice(HOSTILE)
        replay = f"seed {SEED}, edit {n}: PUT {path} {at} = {str(value)[:60]!r}"
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            continue
        put = kb.send(
            "PUT",
            path,
            orjson.dumps(changed(record, at, value)),
            key=key,
            If_Match="*",
            Content_Type="application/json",
        )
        seen[put.status_code] += 1
        assert put.status_code in (200, 409, 412, 422), f"{replay}: {put.status_code} {put.text[:300]}"
        if put.status_code == 200:
            assert kb.get(path).content == put.content, replay
            assert kb.get(f"/v1/{resource.name}?limit=500&enrichment=true").status_code == 200, replay
            assert kb.get(f"/v1/{resource.name}/{record['id']}/revisions?enrichment=true").status_code == 200, replay

    assert seen[200] > 5
    assert seen[422] > 50
    kb.database.close()  # the doctor comes with connections of its own
    assert list(examine(kb.database, Settings().migrations)) == []
    for resource in resources:
        assert kb.get(f"/v1/{resource.name}?format=csv&enrichment=true").status_code == 200
        assert kb.get(f"/v1/{resource.name}?format=jsonld&enrichment=true").status_code == 200
    assert kb.get("/v1/changes?limit=500&enrichment=true").status_code == 200


def test_writes_made_up_from_the_document_get_no_5xx(own_seeded: KnowledgeBase) -> None:
    kb = own_seeded
    app = create_app(Settings(database=kb.settings.database, rate_limit="off"), database=kb.database, clock=kb.clock)
    config = SchemathesisConfig.from_dict({"headers": {"Authorization": f"Bearer {kb.key('admin')}"}, "seed": SEED})
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config).include(
        method=["PUT", "POST", "DELETE"]
    )
    schema.config.generation.update(max_examples=2)
    seen: Counter[int] = Counter()
    for event in from_schema(schema).execute():
        recorder = getattr(event, "recorder", None)
        if recorder is None or type(event).__name__ != "ScenarioFinished":
            continue
        for interaction in recorder.interactions.values():
            if interaction.response is not None:
                seen[interaction.response.status_code] += 1
                replay = (
                    f"seed {SEED}: {interaction.request.method} {interaction.request.uri} {interaction.request.body!r}"
                )
                assert interaction.response.status_code < 500, replay

    assert sum(seen.values()) > 100
    assert seen[401] < sum(seen.values()) / 2
    kb.database.close()  # the doctor comes with connections of its own
    assert list(examine(kb.database, Settings().migrations)) == []
