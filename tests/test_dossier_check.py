"""What is wrong with a dossier, where, what is allowed and what to do next."""

# ruff: noqa: E501  (a table of mistakes reads best with one mistake on a line)
from __future__ import annotations

import re

import pytest

from app.dossiers.check import MOST_FAULTS
from app.errors import BadDossier
from tests.dossiers.arden import PINNED, TEXT, WORKING, changed, checked, faults_of, place_of, the_fault

SHA = re.search(rb"p1s1, .*sha256: ([0-9a-f]{64})", PINNED)[1].decode()


def test_the_invented_dossier_holds_with_and_without_its_text():
    assert checked().accepted().id == "arden-bridge"
    assert checked(text=TEXT, pinned_required=True).faults == ()
    assert checked(text=TEXT, pinned_required=True).notes == ()


# One thing wrong: each row says what is written instead, where the fault stands, and what it advises.

ONE_FAULT = [
    # keys
    ("reporting_verb: said", "reportingverb: said", "reportingverb", "statements[0].reportingverb", "`reporting_verb`?"),
    ("title: Bridge closed", "titel: Bridge closed", "titel", "source.titel", "Did you mean `title`?"),
    ("cue: might}", "cue: might, note: x}", "note: x", "statements[0].modality.note", "Allowed are cue, polarity, type"),
    ("{id: arden, kind: city", "{id: arden, kinds: city, kind: city", "kinds", "places[0].kinds", "`kind`?"),
    ("    speaker: anna-moore\n", "", "id: moore-repair", "statements[0].speaker", "A statement needs `speaker`. Who is"),
    ("chancery: 1\n", "", "id: arden-bridge", "chancery", "A dossier needs `chancery`. The version of this format"),
    # types
    ("title: Bridge closed", "title: {a: b}", "{a: b}", "source.title", "must be text, not a mapping"),
    ("title: Bridge closed", "title: true", "true", "source.title", "not true or false. Put it in quotes"),
    ("text: withheld", "text: null", "null\n  sha256", "source.text", "must be text, not nothing"),
    ("topics: [bridges]\n    constraints", "topics: bridges\n    constraints", "bridges\n    cons", "statements[0].topics", "must be a list"),
    ("modality: {type: epistemic_possibility, cue: might}", "modality: likely", "likely", "statements[0].modality", "must be a modality, written with its keys, not text"),
    ("end: 34,", "end: 34.5,", "34.5", "passages[0].end", "must be a whole number"),
    ("chancery: 1", "chancery: 2", "2\nid", "chancery", "must be 1"),
    ("name: Millbrook", "name: ''", "''", "actors[2].name", "must not be empty. Leave the key out"),
    ("name: Millbrook", "name: '  '", "'  '", "actors[2].name", "one line that is not blank"),
    ("  language: en\n", "  language: e n\n", "e n", "source.language", "BCP 47"),
    ("  text: withheld", "  url: javascript:alert(1)\n  text: withheld", "javascript", "source.url", "http://"),
    (f"sha256: {SHA}", f"sha256: {SHA.upper()}", SHA.upper(), "passages[0].sha256", "64 lower-case hexadecimal digits"),
    # terms
    ("level: might", "level: migth", "migth", "statements[0].commitment.level", "Did you mean `might`? Allowed are none, observes"),
    ("status: ongoing", "status: going", "going", "events[0].status", "Did you mean `ongoing`?"),
    ("support: implies}]}\n  - {id: town-of-arden", "support: proves}]}\n  - {id: town-of-arden", "proves", "actors[0].memberships[0].evidence[0].support", "states, implies, mentions"),
    # dates
    ("edtf: 2019,", "edtf: 2019-13,", "2019-13", "events[1].happened.edtf", "2024-06"),
    ("published: 2019-10-02", "published: last Tuesday", "last Tuesday", "source.published", "Allowed are a year"),
    ("from: 2018, until: null", "from: 2018, until: 2018-02-30", "2018-02-30", "actors[0].offices[0].until", "2018-02-30"),
    ("term: P5Y", "term: five years", "five years", "agreements[0].term", "P10Y"),
    ("words: In 2019, basis: stated", "words: In 2019, basis: enrichment", "enrichment}\n    parti", "events[1].happened.basis", "Add `enrichment:"),
    ('until: "2024?", basis: derived', 'until: "2024?", basis: derived, enrichment: {source: x}', "{source: x}", "agreements[0].in_force.enrichment", "its basis must be `enrichment`"),
    ("{edtf: null, words: on Tuesday, basis: stated}", "{edtf: null, basis: stated}", "{edtf: null, basis: stated}", "statements[0].said", "Write null in its place"),
    ("from: 2018, until: null", "from: 2018-03, until: 2017", "2017", "actors[0].offices[0].until", "ends on 2017-12-31 at the latest, before it begins on 2018-03-01"),
    ("status: inferred", "status: enrichment", "enrichment, evidence", "relations[0].status", "Add `enrichment: {source"),
    ("chancery: 1", "chancery: true", "true", "chancery", "must be 1"),
    ("chancery: 1", "chancery: '1'", "'1'", "chancery", "must be 1"),
    ("chancery: 1", "chancery: 1.0", "1.0", "chancery", "must be 1"),
    # ids and references
    ("within: old-country", "within: new-country", "new-country", "places[0].within", "There is no place `new-country` in this dossier or in the knowledge base. Did you mean `old-country`?"),
    ("recipient: masons-guild", "recipient: masons-gild", "masons-gild", "agreements[0].provisions[0].recipient", "Did you mean `masons-guild`? Add it, or correct the id."),
    ("speaker: anna-moore", "speaker: bridge-closure", "bridge-closure\n    on_b", "statements[0].speaker", "of the noun event, but `speaker` must name one of the noun actor"),
    ("about: [bridge-closure]", "about: [bridge-closures]", "bridge-closures", "statements[0].about[0]", "There is no record `bridge-closures`"),
    ("office: mayor-of-arden, from", "office: mayor-of-ardn, from", "mayor-of-ardn", "actors[0].offices[0].office", "Did you mean `mayor-of-arden`?"),
    ("evidence: [p1s2-condition]", "evidence: [p1s2-conditions]", "p1s2-conditions", "statements[0].constraints[0].evidence[0]", "Did you mean `p1s2-condition`?"),
    # circles
    ("definition: What a town is built on.}", "definition: x, broader: bridges}", "infrastructure}\n", "topics[1].broader", "goes in a circle: infrastructure → bridges → infrastructure. Remove `broader`"),
    ("definition: What a town is built on.}", "definition: x, broader: infrastructure}", "infrastructure}\n", "topics[0].broader", "infrastructure → infrastructure"),
    ("name: the old country, enrichment", "name: x, within: arden, enrichment", "arden, enrichment", "places[1].within", "arden → old-country → arden"),
    # the one rule
    ("gloss: Only as far as the charter permits., voice: speaker, evidence: [p1s2-condition]}", "gloss: Only as far as the charter permits., voice: speaker}", "{family", "statements[0].constraints[0]", "This constraint rests on nothing. Cite at least one passage"),
    ("within: old-country, evidence: [p1s1]}", "within: old-country, evidence: []}", "[]", "places[0].evidence", "enrichment: {source: …, note: …}"),
    ("value: 0042, enrichment: {source: \"https://example.org/moore\"}}", "value: 0042}", "{scheme", "actors[0].identifiers[0]", "This identifier rests on nothing"),
    # quotes
    ("    quote: before the first snow,\n", "", "direct_quote_fragment", "statements[0].quote", "needs `quote`: the words that stand inside quotation marks"),
    ("form: direct_quote_fragment", "form: indirect_speech", "before the first", "statements[0].quote", "Remove it, or change the form"),
    # passages
    ("end: 34,", "end: 3400,", "3400", "passages[0].end", "outside the text, which has 302 characters"),
    ("start: 0, end: 34,", "start: 34, end: 34,", "34, sha", "passages[0].end", "must be greater than `start`"),
    ("{id: p1s2-condition, sentence: 2,", "{id: p1s2-condition, sentence: 9,", "9, start", "passages[2].sentence", "Paragraph 1 has no sentence 9"),
    (", start: 0, end: 34", "", "{id: p1s1", "passages[0]", "lacks start, end. Give `text` and run `chancery pin`"),
    # sentences
    ("sentences: [2, 3]", "sentences: [2, 4]", "4]", "source.sentences[1]", "Paragraph 2, sentence 4: no record cites it. Cite it"),
    ("sentences: [2, 3]", "sentences: [2, 100000]", "100000", "source.sentences[1]", "sentences 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, …"),
    ("  - {passage: p2s3, why: A rhetorical question.}", "  []", "3]\n", "source.sentences[1]", "list it under `unrecorded` with the reason"),
    ("  - {passage: p2s3, why", "  - {passage: p1s1, why: x}\n  - {passage: p2s3, why", "p1s1, why", "unrecorded[0].passage", "is listed as unrecorded, but a record cites it"),
    # source
    ("text: withheld", "text: withheld\n  text_file: a.txt", "a.txt", "source.text_file", "goes with `text: open` only"),
    ("text: withheld", "text: open\n  text_file: ../a.txt", "../a.txt", "source.text_file", "without `..`"),
    ("text: withheld", "text: attached", "attached", "source.text", "`open` or `withheld`"),
    # renamed and withdrawn
    ("{id: arden, kind", "{id: arden, formerly: [anna-moore], kind", "anna-moore], kind", "places[0].formerly[0]", "is said to be an old id, but is the actor at line"),
    ("relations:", "retracted: [{id: arden, why: x}]\nrelations:", "arden, why", "retracted[0].id", "is withdrawn here and stands at line"),
    # the layout of the file
    ("    kind: person\n", "    kind: person\n    kind: person\n", None, "actors[0].kind", "stands here a second time"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "at", "name", "advice"), ONE_FAULT, ids=[f"{row[3]} {n}" for n, row in enumerate(ONE_FAULT)]
)
def test_one_mistake_is_one_fault_with_its_place_and_advice(old, new, at, name, advice):
    data = changed(old, new)

    fault = the_fault(data)

    assert fault.where == "body"
    assert fault.name == name
    assert advice in fault.detail
    if at is not None:
        assert (fault.line, fault.column) == place_of(at, data)


# Mistakes that make others: an id that nothing bears any more leaves references behind.

WITH_CONSEQUENCES = [
    ("end: 34,", "end: -3,", "-3,", "passages[0].end", "must be at least 0"),
    ("{id: arden, kind", "{id: Arden, kind", "Arden, kind: city", "places[0].id", "lower-case letters and digits"),
    ("{id: arden, kind", "{id: town--of-arden, kind", "town--of", "places[0].id", "`town-of-arden`"),
    ("{id: town-of-millbrook, kind: government, name: Millbrook, ", "{id: town-of-arden, kind: government, name: Millbrook, ", None, "actors[2].id", "An id names one record"),
    ("{passage: p2s3, why", "{passage: p9s3, why", "p9s3", "unrecorded[0].passage", "no passage `p9s3`"),
    ("{id: p1s1, paragraph: 1,", "{id: p1s1, paragraph: 7,", "7, sent", "passages[0].paragraph", "There is no paragraph 7"),
    ("  - {id: p2s3, par", "  - {id: p1s1, par", "p1s1, paragraph: 2", "passages[4].id", "stands here a second time; the first is at line"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "at", "name", "advice"),
    WITH_CONSEQUENCES,
    ids=[f"{row[3]} {n}" for n, row in enumerate(WITH_CONSEQUENCES)],
)
def test_a_mistake_with_consequences_is_told_beside_them(old, new, at, name, advice):
    data = changed(old, new)

    faults = [fault for fault in faults_of(data) if fault.name == name and advice in fault.detail]

    assert len(faults) == 1
    if at is not None:
        assert (faults[0].line, faults[0].column) == place_of(at, data)


def test_the_first_use_of_a_repeated_id_is_named_across_nouns():
    data = changed("{id: infrastructure, label", "{id: anna-moore, label").replace(
        b"broader: infrastructure", b"broader: null"
    )

    fault = the_fault(data)

    line, column = place_of("anna-moore", data)
    assert (fault.name, (fault.line, fault.column)) == ("topics[0].id", place_of("anna-moore, label", data))
    assert f"`anna-moore` is already the actor at line {line}, column {column}." in fault.detail


def test_all_faults_are_told_at_once_in_the_order_of_the_file():
    data = changed("level: might", "level: migth")
    data = changed("edtf: 2019,", "edtf: 2019-13,", data=data)
    data = changed("title: Bridge closed", "titel: Bridge closed", data=data)
    data = changed("    kind: person\n", "    kind: person\n    kind: state\n", data=data)
    data = changed("recipient: masons-guild", "recipient: masons-gild", data=data)
    data = changed("end: 34,", "end: 3400,", data=data)

    faults = faults_of(data)

    assert [fault.name for fault in faults] == [
        "source.titel",
        "passages[0].end",
        "actors[0].kind",
        "events[1].happened.edtf",
        "statements[0].commitment.level",
        "agreements[0].provisions[0].recipient",
    ]


def test_a_reference_may_lead_into_the_knowledge_base():
    data = changed("on_behalf_of: town-of-arden", "on_behalf_of: league-of-towns")

    assert the_fault(data).name == "statements[0].on_behalf_of"
    assert faults_of(data, known={"league-of-towns": "actor"}.get) == ()
    assert "of the noun topic" in the_fault(data, known={"league-of-towns": "topic"}.get).detail


def test_a_coded_event_can_be_what_a_statement_is_about():
    data = changed("about: [bridge-closure]", 'about: ["icews:32889836@2018-06-01"]')

    assert faults_of(data, known={"icews:32889836@2018-06-01": "event"}.get) == ()


def test_an_id_of_another_noun_in_the_knowledge_base_is_not_taken_over():
    fault = the_fault(PINNED, known={"arden": "actor"}.get)

    assert fault.name == "places[0].id"
    assert "already a record of the noun actor in the knowledge base. Ids are never reused" in fault.detail


def test_what_is_withdrawn_may_not_be_named():
    data = changed("relations:", "retracted: [{id: old-league, why: It never was.}]\nrelations:")
    data = changed("on_behalf_of: town-of-arden", "on_behalf_of: old-league", data=data)

    assert "is withdrawn by this dossier under `retracted`" in the_fault(data, known={"old-league": "actor"}.get).detail


def test_working_passages_are_notes_until_they_are_to_be_published():
    result = checked(WORKING)
    published = faults_of(WORKING, pinned_required=True)

    assert result.faults == ()
    assert {note.name for note in result.notes} >= {"passages[0].text", "actors[3].evidence[0].text"}
    assert [fault.name for fault in published if fault.name.endswith(".text")] == [note.name for note in result.notes]
    assert "run `chancery pin FILE --text TEXT`" in published[-1].detail.replace("Run", "run")
    assert {fault.name for fault in published} >= {"source.sha256", "source.characters", "source.sentences"}


def test_an_open_source_may_be_published_with_its_words_when_its_text_is_at_hand():
    data = changed("text: withheld", "text: open", data=WORKING)

    assert checked(data, text=TEXT).dossier.passages[0].start == 0
    names = {fault.name for fault in faults_of(data, text=TEXT, pinned_required=True)}
    assert names == {"source.sha256", "source.characters", "source.sentences"}


# Proved against the text

UNPROVED = [
    (f"sha256: {SHA}", f"sha256: {'0' * 64}", "0" * 64, "passages[0].sha256", "is not that of the words from 0 to 34"),
    ("start: 0, end: 34,", "start: 1, end: 34,", SHA, "passages[0].sha256", "quote the words under `text` and run"),
    ("{id: p2s3, paragraph: 2, sentence: 3", "{id: p2s3, paragraph: 2, sentence: 2", "2, sentence: 2, start: 281", "passages[4].paragraph", "stand in paragraph 2, sentence 3, not"),
    ("characters: 302", "characters: 303", "303", "source.characters", "has characters 302, not 303"),
    ("sentences: [2, 3]", "sentences: [2, 3, 1]", "[2, 3, 1]", "source.sentences", "sentences [2, 3]"),
    ("quote: before the first snow,", "quote: before the last snow", "before the last", "statements[0].quote", "do not stand in the passages"),
    ("quote: before the first snow,", "quote: the town might repair it", "the town might", "statements[0].quote", "but not inside quotation marks"),
    ("quote: before the first snow,", "quote: The old bridge", "The old bridge", "statements[0].quote", "cite the passage that has them"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "at", "name", "advice"), UNPROVED, ids=[f"{row[3]} {n}" for n, row in enumerate(UNPROVED)]
)
def test_what_the_text_does_not_bear_out_is_a_fault(old, new, at, name, advice):
    data = changed(old, new)

    found = {fault.name: fault for fault in faults_of(data, text=TEXT)}

    assert advice in found[name].detail
    assert (found[name].line, found[name].column) == place_of(at, data)


def test_a_passage_outside_the_text_is_told_once():
    without = changed("  characters: 302\n", "", data=changed("end: 34,", "end: 3400,"))

    assert [fault.name for fault in faults_of(changed("end: 34,", "end: 3400,"), text=TEXT)] == ["passages[0].end"]
    assert [fault.name for fault in faults_of(without, text=TEXT)] == ["passages[0].end"]


def test_another_text_is_one_fault_and_not_one_for_each_passage():
    faults = faults_of(PINNED, text=TEXT.replace("old bridge", "new bridge"))

    assert [fault.name for fault in faults] == ["source.sha256"]
    assert "it is not the text that was annotated" in faults[0].detail


def test_the_wording_of_a_withheld_source_is_noticed_even_in_a_comment():
    data = changed("# the second", "# signed a 5-year toll accord at the river fair")

    (note,) = checked(data, text=TEXT).notes

    assert (note.line, note.column) == place_of("signed a 5", data)
    assert "Say it in your own words" in note.detail


def test_a_passage_that_nothing_cites_is_a_note():
    data = changed("evidence: [p1s2-condition]", "evidence: [p1s2]")

    (note,) = checked(data).notes

    assert note.name == "passages[2].id"
    assert "Nothing cites the passage `p1s2-condition`" in note.detail


# Big and hostile


def test_a_refused_dossier_tells_the_first_fault_and_carries_the_others():
    with pytest.raises(BadDossier, match=r"Line \d+, column \d+, events\[1\].happened.edtf: .* And 1 more") as refused:
        checked(changed("level: might", "level: x", data=changed("edtf: 2019,", "edtf: x,"))).accepted()

    assert len(refused.value.errors) == 2


def test_thousands_of_faults_are_cut_short_and_say_so():
    faults = faults_of(PINNED + b"".join(b"key-%d: x\n" % n for n in range(60_000)))

    assert len(faults) == MOST_FAULTS
    assert "more follow from here" in faults[-1].detail


def test_a_hundred_thousand_dangling_references_take_seconds_at_most():
    ids = b"[" + b", ".join(b"nobody-%d" % n for n in range(100_000)) + b"]"

    faults = faults_of(changed("about: [bridge-closure]", f"about: {ids.decode()}"))

    assert len(faults) == MOST_FAULTS


def test_a_long_circle_is_told_in_one_line():
    topics = "".join(f"  - {{id: t{n}, label: T, broader: t{(n + 1) % 20_000}}}\n" for n in range(20_000))

    fault = the_fault(changed("topics:\n  - {id: infra", f"topics:\n{topics}  - {{id: infra"))

    assert len(fault.detail) < 300
    assert "goes in a circle: t0 → t1" in fault.detail


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("recipient: masons-guild", "recipient: %s"),
        ("level: might", "level: %s"),
        ("reporting_verb:", "%s:"),
        ("id: p1s1, par", "id: %s, par"),
        ("  - {id: arden, kind", "  - {id: %s, kind"),
        ("published: 2019-10-02", "published: %s"),
        ("term: P5Y", "term: %s"),
        ("title: Bridge closed", "title: !%s x"),
        ("title: Bridge closed", "title: &%s x"),
        ("  language: en\n", "  language: %s\n"),
        ("on_behalf_of: town-of-arden", "on_behalf_of: a\n    %s: b\n    %s: c"),
    ],
)
def test_what_is_refused_does_not_come_back_at_full_length(old, new):
    data = changed(old, new.replace("%s", "x" * 900))

    for fault in faults_of(data):
        assert "x" * 200 not in fault.detail + fault.name
