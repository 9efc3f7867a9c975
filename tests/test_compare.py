"""Whether agreements side by side say what each says by itself, and what cannot be compared is refused with the reason."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest

from app import ledger
from app.ledger import Change
from tests.base import KnowledgeBase
from tests.brute import actor, agreement, cite, date, provision, source
from tests.test_query_counts import cost
from tests.timelines import put_random

Record = dict[str, Any]


def pact(id: str, parties: str, signed: str, **more: Any) -> tuple[str, Record]:
    who = [{"actor": one, "role": "party"} for one in parties.split()]
    return "agreement", agreement(id, date(signed, f"{signed}-01-01", f"{signed}-12-31"), parties=who, **more)


@pytest.fixture
def pacts(kb: KnowledgeBase) -> KnowledgeBase:
    """Three pacts: two of them alike, one apart."""
    force = {"from": "2020", "until": "2030", "basis": "stated"}
    kb.put(
        ("source", source("gazette")),
        *[("actor", actor(one)) for one in ("arden", "belmont", "corvo")],
        *[
            ("topic", {"id": one, "label": one.title(), "definition": None, "broader": None, "evidence": []})
            for one in ("harbours", "fairs")
        ],
        pact("ferry-pact", "arden belmont", "2020", term="P10Y", in_force=force, topics=["harbours"]),
        pact("pier-pact", "arden corvo", "2020", term="P10Y", in_force=force, topics=["harbours", "fairs"]),
        pact(
            "fair-pact",
            "arden",
            "2021",
            characterisations=[{"gloss": "=New.", "voice": "author", "evidence": [cite("gazette", 7)]}],
        ),
        (
            "provision",
            {**provision("ferry-training", "ferry-pact", "training", "arden", "belmont"), "quantity": "ten a year"},
        ),
        ("provision", provision("ferry-cyber", "ferry-pact", "cyber", None, None)),
        ("provision", provision("pier-training", "pier-pact", "training", "corvo", "arden")),
        ("provision", provision("pier-training-more", "pier-pact", "training", None, "arden")),
        ("provision", provision("fair-training", "fair-pact", "training", None, None)),
    )
    return kb


def address(*ids: str, **more: Any) -> str:
    return f"/v1/agreements/compare?{urlencode([*(('id', one) for one in ids), *more.items()])}"


THREE = ("pier-pact", "ferry-pact", "fair-pact")


def rows(told: Record) -> dict[tuple[str, str | None], Record]:
    return {(row["group"], row["key"]): row for row in told["rows"]}


def test_each_cell_holds_the_provisions_of_its_agreement_and_type(pacts: KnowledgeBase) -> None:
    told = pacts.json(address(*THREE))
    every = pacts.json("/v1/provisions?limit=500")["items"]

    assert [one["id"] for one in told["agreements"]] == list(THREE)
    laid = {key: row for (group, key), row in rows(told).items() if group == "provision"}
    assert set(laid) == {one["type"] for one in every}
    for type, row in laid.items():
        for id in THREE:
            right = [one for one in every if (one["agreement"], one["type"]) == (id, type)]
            names = ("id", "self", "gloss", "provider", "recipient", "quantity", "commitment", "evidence")
            assert [{name: one[name] for name in names} for one in row["cells"][id]] == [
                {name: one[name] for name in names} for one in right
            ]
        assert sorted(pacts.ids(row["items"])) == sorted(one["id"] for id in THREE for one in row["cells"][id])


def test_what_all_have_and_what_only_one_has_is_marked(pacts: KnowledgeBase) -> None:
    told = pacts.json(address(*THREE))
    marks = {where: row["mark"] for where, row in rows(told).items()}

    assert (marks["provision", "training"], marks["provision", "cyber"]) == ("all", "one")
    assert (marks["party", "arden"], marks["party", "corvo"]) == ("all", "one")
    assert (marks["topic", "harbours"], marks["topic", "fairs"], marks["term", None]) == ("some", "one", "some")
    assert marks["occasion", None] == "none"
    assert rows(told)["provision", "cyber"]["lacks"] == ["pier-pact", "fair-pact"]
    assert told["marks"] == {name: list(marks.values()).count(name) for name in ("all", "some", "one", "none")}


def test_a_field_that_says_the_same_in_all_is_alike_and_provisions_are_left_to_the_reader(pacts: KnowledgeBase) -> None:
    two, three = rows(pacts.json(address("pier-pact", "ferry-pact"))), rows(pacts.json(address(*THREE)))

    assert [two[name, None]["alike"] for name in ("kind", "signed", "in_force", "term")] == [True] * 4
    assert three["signed", None]["alike"] is False
    assert three["term", None]["alike"] is None
    assert two["provision", "training"]["alike"] is None


def test_every_entry_of_the_matrix_has_its_passages(pacts: KnowledgeBase) -> None:
    for row in pacts.json(address(*THREE))["rows"]:
        for entries in row["cells"].values():
            assert all(one["evidence"] and one["evidence"][0]["passage"] for one in entries)


def test_the_matrix_as_csv_is_a_table_that_no_spreadsheet_runs(pacts: KnowledgeBase) -> None:
    answer = pacts.get(address(*THREE, format="csv"))
    table = list(csv.reader(StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert table[0] == ["group", "key", "label", "mark", *THREE]
    assert {len(line) for line in table} == {7}
    assert "'=New. (author) [gazette 7.1]" in table[[line[0] for line in table].index("characterisation")]
    assert pacts.get(address(*THREE), Accept="text/csv").text == answer.text


def test_only_the_rows_asked_for_are_shown(pacts: KnowledgeBase) -> None:
    told = pacts.json(address(*THREE, fields="provision, party"))

    assert {row["group"] for row in told["rows"]} == {"provision", "party"}
    assert "'provision'" in pacts.json(address(*THREE, fields="provisons"), 422)["detail"]


def test_a_comparison_as_of_a_revision_stays_what_it_was(pacts: KnowledgeBase) -> None:
    then, was = pacts.latest, pacts.json(address(*THREE))["rows"]
    pacts.retract("provision", "ferry-cyber")

    assert ("provision", "cyber") not in rows(pacts.json(address(*THREE)))
    assert [row | {"items": None} for row in pacts.json(address(*THREE, as_of=then))["rows"]] == [
        row | {"items": None} for row in was
    ]


def test_unknown_and_retracted_agreements_are_told_apart(pacts: KnowledgeBase) -> None:
    pacts.retract("agreement", "fair-pact", why="It was a rumour.")
    unknown = pacts.json(address("ferry-pact", "fery-pact", "nothing"), 404)
    gone = pacts.json(address("ferry-pact", "fair-pact"), 410)

    assert "Did you mean ferry-pact" in unknown["detail"]
    assert [fault["name"] for fault in unknown["errors"]] == ["id", "id"]
    assert "rumour" in gone["detail"]
    assert "/v1/actors/arden" in pacts.json(address("ferry-pact", "arden"), 404)["detail"]
    assert len(pacts.json(address("fair-pact", "nothing"), 404)["errors"]) == 2
    assert pacts.json(address("ferry-pact", "fair-pact", as_of=pacts.latest - 1))["agreements"][1]["id"] == "fair-pact"


def test_a_renamed_agreement_leads_to_the_same_comparison_under_its_new_id(pacts: KnowledgeBase) -> None:
    with pacts.database.write() as connection:
        number = ledger.start(connection, Change("edit", "a test", "Renamed"), pacts.clock())
        ledger.put(connection, number, "agreement", [pact("quay-pact", "arden corvo", "2020")[1]], origin="test")
        ledger.rename(connection, number, "agreement", "pier-pact", "quay-pact")
        ledger.retract(connection, number, "agreement", {"pier-pact": "It is quay-pact now."})
        ledger.publish(connection, number, pacts.clock())
    answer = pacts.get(address("ferry-pact", "pier-pact", fields="party"))

    assert answer.status_code == 308
    assert answer.headers["location"] == "/v1/agreements/compare?id=ferry-pact&id=quay-pact&fields=party"
    assert pacts.json(answer.headers["location"])["agreements"][1]["id"] == "quay-pact"


def test_one_too_many_or_the_same_agreement_twice_is_refused_with_advice(pacts: KnowledgeBase) -> None:
    for ids, said in (
        ((), "2 to 20"),
        (("ferry-pact",), "2 to 20"),
        (("ferry-pact", "ferry-pact"), "ferry-pact is there twice"),
        (tuple(f"a{n}" for n in range(21)), "not 21"),
        (tuple(f"a{n}" for n in range(101)), "100 times"),
    ):
        problem = pacts.json(address(*ids), 422)
        assert said in problem["detail"]
        assert problem["errors"][0]["name"] == "id"


@pytest.mark.parametrize(
    "query", ["id=a&id=%00", "id=a&id=", "ids=a,b", "id=a&id=b&format=xml", "id=a&id=b&limit=3", f"id=a&id={'x' * 501}"]
)
def test_what_makes_no_sense_is_refused(seeded: KnowledgeBase, query: str) -> None:
    assert seeded.json(f"/v1/agreements/compare?{query}", 422)["errors"]


@pytest.mark.parametrize("id", ["' OR 1=1", "😀", "a\u202eb", "../x", "%", "x" * 500])
def test_a_hostile_id_is_not_found(seeded: KnowledgeBase, id: str) -> None:
    seeded.json(address("japan-ukraine-accord-2024", id), 404)


def test_many_agreements_take_as_many_statements_as_two(kb: KnowledgeBase) -> None:
    put_random(kb, 4, n=20)
    ids = kb.ids("/v1/agreements?limit=500")

    few, many = cost(kb, address(*ids[:2])), cost(kb, address(*ids))
    assert many <= min(few + 3, 14)
