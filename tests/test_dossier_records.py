"""Which records a dossier makes."""

# ruff: noqa: E501  (a layout or record reads best on one line)
from __future__ import annotations

import json

import pytest

from app.dossiers.records import Rename, records, renames
from app.errors import BadDossier
from tests.dossiers.arden import PINNED, TEXT, VOCABULARIES, WORKING, changed, checked


def made(data: bytes = PINNED, **options):
    return {record["id"]: (noun, record) for noun, record in records(checked(data, **options).accepted(), VOCABULARIES)}


def record(id: str, data: bytes = PINNED):
    return made(data)[id][1]


def test_every_noun_is_made_in_the_order_of_the_file():
    nouns = [noun for noun, _ in records(checked().accepted(), VOCABULARIES)]

    assert list(dict.fromkeys(nouns)) == [
        "source", "passage", "office", "actor", "place", "topic", "event", "statement", "claim", "agreement", "provision", "relation",
    ]  # fmt: skip
    assert list(made())[:3] == ["arden-gazette", "arden-gazette:p1s1", "arden-gazette:p1s2"]


def test_the_same_dossier_always_makes_the_same_bytes():
    once, again = (json.dumps(records(checked(data, text=TEXT).accepted(), VOCABULARIES)) for data in (WORKING, PINNED))

    assert once == again


def test_evidence_says_where_the_words_stand_and_not_what_they_are():
    (evidence,) = record("bridge-is-closed")["evidence"]

    assert evidence == {
        "passage": "arden-gazette:p1s1", "source": "arden-gazette", "paragraph": 1, "sentence": 1, "start": 0, "end": 34,
        "sha256": made()["arden-gazette:p1s1"][1]["sha256"], "support": "states",
    }  # fmt: skip


def test_dates_carry_the_days_they_can_mean():
    assert record("toll-accord-signing")["happened"] == {
        "edtf": "2019", "first": "2019-01-01", "last": "2019-12-31", "words": "In 2019", "basis": "stated",
    }  # fmt: skip
    assert record("moore-repair")["said"] == {
        "edtf": None, "first": None, "last": None, "words": "on Tuesday", "basis": "stated",
    }  # fmt: skip
    assert record("bridge-closure")["happened"] is None


def test_a_date_from_elsewhere_says_so():
    data = changed(
        "published: 2019-10-02", "published: {edtf: 2019-10, basis: enrichment, enrichment: {source: A shelf mark}}"
    )

    assert record("arden-gazette", data)["published"]["enrichment"] == {"source": "A shelf mark", "note": None}


def test_what_the_source_does_not_say_is_null_and_never_missing():
    event = record("bridge-closure")

    assert {
        "venue": None,
        "purpose": None,
        "participants": [],
        "intensity": None,
        "enrichment": None,
    }.items() <= event.items()
    assert record("arden-gazette")["author"] is None
    assert record("bridge-is-closed")["constraints"] == []


def test_levels_get_their_rank():
    assert record("moore-repair")["commitment"] == {"level": "might", "rank": 3, "toward": "repairing the bridge"}
    assert record("toll-accord-lime")["commitment"]["rank"] == 7


def test_names_and_parties_without_evidence_rest_on_that_of_their_record():
    moore, enriched = record("anna-moore")["names"]

    assert moore["evidence"] == record("anna-moore")["evidence"]
    assert enriched["evidence"] == []
    assert enriched["enrichment"]["source"] == "https://example.org/moore"
    assert record("toll-accord")["parties"][0]["evidence"] == record("toll-accord")["evidence"]


def test_text_that_looks_like_a_number_stays_as_written():
    assert record("anna-moore")["identifiers"][0]["value"] == "0042"
    assert record("anna-moore")["offices"][0] | {"evidence": []} == {
        "office": "mayor-of-arden", "title": "Mayor", "of": "town-of-arden", "from": "2018", "until": None,
        "evidence": [], "enrichment": None,
    }  # fmt: skip


TENURE = "      - {office: mayor-of-arden, from: 2018, until: null, evidence: [p1s2]}\n"
OFFICE = "  - {id: mayor-of-arden, title: Mayor, of: town-of-arden, evidence: [p1s2]}\n"
JUDGE = OFFICE + "  - {id: judge-of-arden, title: Judge, of: town-of-arden, evidence: [p1s2]}\n"


@pytest.mark.parametrize(
    ("tenures", "said", "office"),
    [
        ("{office: mayor-of-arden, evidence: [p1s2]}", "null", "mayor-of-arden"),
        ("{office: mayor-of-arden, from: 2018, until: 2018-06, evidence: [p1s2]}", "2018-06-30", "mayor-of-arden"),
        ("{office: mayor-of-arden, from: 2018, until: 2018-06, evidence: [p1s2]}", "2018-07", None),
        ("{office: mayor-of-arden, from: 2018, evidence: [p1s2]}", "2017", None),
        ("{office: mayor-of-arden, until: 2018, evidence: [p1s2]}", "2017/..", "mayor-of-arden"),
        ("{office: mayor-of-arden, enrichment: {source: A list}}", "null", None),
        ("{office: mayor-of-arden, evidence: [p1s2]}, {office: judge-of-arden, evidence: [p1s2]}", "null", None),
        (
            "{office: mayor-of-arden, until: 2018, evidence: [p1s2]}, {office: judge-of-arden, from: 2019, evidence: [p1s2]}",
            "2019-05",
            "judge-of-arden",
        ),
        (
            "{office: mayor-of-arden, until: 2018, evidence: [p1s2]}, {office: mayor-of-arden, from: 2019, evidence: [p1s2]}",
            "null",
            "mayor-of-arden",
        ),
    ],
)
def test_the_office_is_the_one_that_can_have_been_held(tenures, said, office):
    data = changed("    offices:\n" + TENURE, f"    offices: [{tenures}]\n")
    data = changed("said: {edtf: null, words: on Tuesday, basis: stated}", f"said: {said}", data=data)
    data = changed(OFFICE, JUDGE, data=data)

    assert record("moore-repair", data)["office"] == office


def test_the_office_that_an_author_names_is_kept():
    data = changed("    on_behalf_of: town-of-arden", "    office: judge-of-arden\n    on_behalf_of: town-of-arden")

    assert record("moore-repair", changed(OFFICE, JUDGE, data=data))["office"] == "judge-of-arden"


def test_a_provision_knows_its_agreement_and_the_source_what_was_passed_over():
    assert record("toll-accord-lime")["agreement"] == "toll-accord"
    assert "provisions" not in record("toll-accord")
    assert record("arden-gazette")["unrecorded"] == [{"passage": "arden-gazette:p2s3", "why": "A rhetorical question."}]


def test_old_ids_lead_to_new_ones():
    data = changed("{id: arden, kind", "{id: arden, formerly: [ardenne, old-arden], kind")

    assert renames(checked(data).accepted()) == [
        Rename("place", "ardenne", "arden"),
        Rename("place", "old-arden", "arden"),
    ]


def test_a_dossier_that_still_quotes_makes_no_records():
    with pytest.raises(BadDossier, match="Run `chancery pin FILE --text TEXT` first"):
        records(checked(WORKING).accepted(), VOCABULARIES)
