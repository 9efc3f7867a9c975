"""Quotations become positions, and the author's file stays the author's."""

# ruff: noqa: E501  (a layout or record reads best on one line)
from __future__ import annotations

import hashlib
import json

import pytest

from app.dossiers.document import MOST_BYTES
from app.dossiers.pin import pin
from app.errors import BadDossier, Fault
from tests.dossiers.arden import PINNED, TEXT, VOCABULARIES, WORKING, changed, checked, place_of, values

SOURCE = "It rained. The “old” mill’s wheel  stood still, and it rained.\n\nIt rained."


def file(passages: str, rest: str = "") -> bytes:
    return f"chancery: 1\nid: mill\ntitle: Mill\nsource: {{id: mill-news, text: withheld}}\n{passages}{rest}".encode()


def the_fault(data: bytes, text: str = SOURCE) -> Fault:
    with pytest.raises(BadDossier) as refused:
        pin(data, text)
    (only,) = refused.value.errors
    return only


def test_a_pinned_dossier_is_accepted_and_holds_no_words_of_the_source():
    assert checked(PINNED, text=TEXT, pinned_required=True).faults == ()
    assert b"The old bridge" not in PINNED
    assert b"40 barrels of lime" not in PINNED


def test_every_digest_is_that_of_the_words_at_its_position():
    for passage in values(PINNED)["passages"]:
        words = TEXT[passage["start"] : passage["end"]]
        assert passage["sha256"] == hashlib.sha256(words.encode()).hexdigest()
    assert values(PINNED)["source"]["sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    assert values(PINNED)["source"]["characters"] == len(TEXT)


def test_pinning_twice_changes_nothing():
    assert pin(PINNED, TEXT) == PINNED


def test_what_is_not_quoted_stays_as_the_author_wrote_it():
    before = WORKING.decode().splitlines()
    after = PINNED.decode().splitlines()

    lost = [line for line in before if line not in after]
    assert all(
        "text:" in line or line.startswith("      Mayor") or "first snow" in line or "support" in line for line in lost
    )
    assert [line.split("#")[1] for line in before if "#" in line] == [
        line.split("#")[1] for line in after if "#" in line
    ]


def test_quotes_and_white_space_may_be_typed_differently():
    data = file('passages:\n  - {id: a, text: "The \\"old\\" mill\'s\\n wheel stood still"}\n')

    (passage,) = values(pin(data, SOURCE))["passages"]

    assert SOURCE[passage["start"] : passage["end"]] == "The “old” mill’s wheel  stood still"
    assert passage["sha256"] == hashlib.sha256("The “old” mill’s wheel  stood still".encode()).hexdigest()


def test_quoted_evidence_becomes_a_passage_or_finds_the_one_that_is_there():
    data = file(
        "passages:\n  - {id: wheel, text: wheel}\n",
        "actors:\n  - id: miller\n    evidence:\n      - text: wheel\n      - {text: 'The \"old\" mill', support: mentions}\n"
        "      - {text: It rained., paragraph: 2}\n",
    )

    pinned = values(pin(data, SOURCE))

    assert pinned["actors"][0]["evidence"] == ["wheel", {"passage": "p1s2-1", "support": "mentions"}, "p2s1"]
    assert [passage["id"] for passage in pinned["passages"]] == ["wheel", "p1s2-1", "p2s1"]


# Layouts. Each says the same; pinning keeps the layout and the words around.

LAYOUTS = [
    ("flow", "passages: [{id: a, text: wheel}, {id: b, text: still}]\n"),
    ("flow over lines", "passages: [\n  {id: a, text: wheel},  # round\n  {id: b,\n   text: still}\n]\n"),
    ("trailing comma", "passages: [{id: a, text: wheel,}, {id: b, text: still,},]\n"),
    ("text first", "passages:\n  - {text: wheel, id: a}\n  - text: still\n    id: b\n"),
    ("not indented", "passages:\n- id: a\n  text: wheel\n- {id: b, text: still}\n"),
    ("block scalars", "passages:\n  - id: a\n    text: |\n      wheel\n\n  # between\n  - id: b\n    text: >-\n      still\n\n"),
    ("block scalar first", "passages:\n  - text: >\n      wheel\n    id: a\n  - text: |2\n        still\n    id: b\n"),
    ("comments", "passages:  # spans\n  - id: a  # one\n    text: wheel  # turn\n  # two\n  - {id: b, text: 'still'}  # end\n"),
    ("null beside", "passages:\n  - {id: a, text: wheel, sentence: null, start: , sha256: ~}\n  - id: b\n    start:\n    text: still\n"),
    ("all null", "passages:\n  - {id: a, text: wheel, paragraph: , sentence: , start: , end: , sha256: null}\n  - paragraph: null\n    sentence:\n    start: ~\n    end: null  # end\n    sha256:\n    id: b\n    text: still\n"),
    ("all null, text last", "passages:\n  - {id: a, paragraph: , sentence: , start: , end: , sha256: , text: wheel}\n  - text: still\n    paragraph: null\n    sentence:\n    start: ~\n    end: null\n    sha256:\n    id: b\n"),
    ("hints", "passages:\n  - {id: a, paragraph: 1, text: wheel}\n  - {id: b, sentence: 2, text: still, paragraph: 1}\n"),
    ("no newline at end", "passages:\n  - {id: a, text: wheel}\n  - id: b\n    text: still"),
    ("quoted keys", "passages:\n  - {'id': a, \"text\": wheel}\n  - 'id': b\n    'text': still\n"),
]  # fmt: skip


@pytest.mark.parametrize("layout", [row[1] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_layout_is_pinned_and_kept(layout, end, mark):
    data = mark + file(layout).replace(b"\n", end.encode())

    pinned = pin(data, SOURCE)

    assert [(p["id"], SOURCE[p["start"] : p["end"]]) for p in values(pinned)["passages"]] == [
        ("a", "wheel"),
        ("b", "still"),
    ]
    assert b"wheel" not in pinned
    assert pinned.startswith(mark)
    assert pinned.count(b"#") == data.count(b"#")
    assert (b"\r\n" in pinned) == (end == "\r\n")
    assert pin(pinned, SOURCE) == pinned


EVIDENCE_LAYOUTS = [
    ("no passages", "", "actors: [{id: a, evidence: [{text: wheel}]}]\n"),
    ("empty passages", "passages: []\n", "actors: [{id: a, evidence: [{text: wheel}]}]\n"),
    ("null passages", "passages:  # none yet\n", "actors:\n- id: a\n  evidence:\n  - text: wheel\n    support: states  # s\n"),
    ("null word", "passages: null\n", "actors:\n- id: a\n  evidence:\n  - {text: wheel}\n"),
    ("flow passages", "passages: [{id: b, text: still}]  # x\n", "actors: [{id: a, evidence: [{text: wheel}]}]\n"),
    ("flow lines", "passages: [\n  {id: b, text: still},\n]\n", "actors: [{id: a, evidence: [{text: wheel}]}]\n"),
    ("block", "passages:\n- {id: b, text: still}  # x\n# y\n", "actors:\n- id: a\n  evidence: [{text: wheel}]"),
    ("block scalar last", "passages:\n  - id: b\n    text: |\n      still\n\n", "actors:\n- id: a\n  evidence: [{text: wheel}]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("passages", "rest"), [row[1:] for row in EVIDENCE_LAYOUTS], ids=[row[0] for row in EVIDENCE_LAYOUTS]
)
def test_a_new_passage_is_added_in_every_layout(passages, rest):
    data = file(passages, rest)

    pinned = pin(data, SOURCE)

    assert values(pinned)["actors"][0]["evidence"] == ["p1s2-1"]
    assert SOURCE[values(pinned)["passages"][-1]["start"] :].startswith("wheel")
    assert pinned.count(b"#") == data.count(b"#")
    assert pin(pinned, SOURCE) == pinned


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_stays_json(indent):
    data = json.dumps(
        {
            "chancery": 1,
            "source": {"id": "mill-news", "sha256": None},
            "passages": [{"id": "a", "text": 'The "old" mill'}],
            "actors": [{"id": "b", "evidence": [{"text": "wheel", "support": "implies"}, {"text": "still"}]}],
        },
        indent=indent,
    ).encode()

    pinned = pin(data, SOURCE)

    said = json.loads(pinned)
    assert said["source"]["sentences"] == [2, 1]
    assert [passage["id"] for passage in said["passages"]] == ["a", "p1s2-1", "p1s2-2"]
    assert said["actors"][0]["evidence"] == [{"passage": "p1s2-1", "support": "implies"}, "p1s2-2"]
    assert pinned.count(b"\n") >= data.count(b"\n")
    assert pin(pinned, SOURCE) == pinned


# Refusals

NOT_FOUND = [
    ("wheels", "Nearest is paragraph 1, sentence 2: The “old” mill’s wheel"),
    ("zzz qqq", "Quote it exactly; only quotation marks and spaces may differ"),
    ("It rained.", "stand in the source 3 times"),
    ("still, and it rained.\n\nIt rained", "reach over the end of a sentence. Make it one passage for each"),
]


@pytest.mark.parametrize(("words", "advice"), NOT_FOUND)
def test_words_that_are_not_found_once_are_refused_with_advice(words, advice):
    data = file(f"passages:\n  - {{id: a, text: {json.dumps(words)}}}\n")
    text = SOURCE.replace("and it rained", "but then: It rained")

    fault = the_fault(
        data, text.replace("still, but then: It rained.", "still, and it rained.") if "\n" in words else text
    )

    assert (fault.name, fault.line, fault.column) == ("passages[0].text", 6, 19)
    assert advice in fault.detail


def test_words_that_stand_several_times_are_told_apart_by_numbers():
    fault = the_fault(file("passages:\n  - {id: a, text: It rained.}\n"))
    assert "2 times: paragraph 1, sentence 1, from 0; paragraph 2, sentence 1, from 64" in fault.detail
    assert "Add `paragraph` and `sentence` beside `text`" in fault.detail

    pinned = pin(file("passages:\n  - {id: a, text: It rained., paragraph: 2}\n"), SOURCE)
    assert values(pinned)["passages"][0]["start"] == 64

    elsewhere = the_fault(file("passages:\n  - {id: a, text: wheel, paragraph: 2}\n"))
    assert "but in paragraph 1, sentence 2. Correct the numbers" in elsewhere.detail


def test_words_twice_in_one_sentence_ask_for_more_words():
    assert "Quote more words." in the_fault(file("passages:\n  - {id: a, text: st}\n")).detail


def test_the_digest_of_another_text_is_refused():
    data = changed("characters: 302", "characters: 301", data=changed("sentences: [2, 3]", "sentences: [3, 2]"))

    with pytest.raises(BadDossier) as refused:
        pin(data, TEXT)

    assert [fault.name for fault in refused.value.errors] == ["source.characters", "source.sentences"]
    assert (refused.value.errors[0].line, refused.value.errors[0].column) == place_of("301", data)
    assert "it is not the text that was annotated" in refused.value.errors[0].detail


def test_a_misspelt_key_beside_quoted_evidence_is_not_lost_in_silence():
    fault = the_fault(file("", "actors: [{id: a, evidence: [{text: wheel, suport: implies}]}]\n"))

    assert (fault.name, fault.line, fault.column) == ("actors[0].evidence[0].suport", 5, 43)
    assert "Allowed beside `text` are paragraph, sentence, support" in fault.detail


def test_a_passage_is_either_quoted_or_pinned():
    fault = the_fault(file("passages:\n  - {id: a, text: wheel, start: 4}\n"))

    assert (fault.name, fault.line, fault.column) == ("passages[0].start", 6, 33)
    assert "Remove one of them" in fault.detail


@pytest.mark.parametrize("data", [b"chancery: 1\n", b"source: x\n", b"source: [1]\n", b"passages: 3\nsource:\n"])
def test_without_a_source_nothing_can_be_pinned(data):
    assert "needs `source`" in the_fault(data).detail


def test_a_layout_that_cannot_be_edited_is_refused_rather_than_spoiled():
    fault = the_fault(file("passages:\n  - id: a\n    ? text\n    : wheel\n"))

    assert "cannot be edited in place" in fault.detail


def test_a_file_too_large_is_refused_like_anywhere_else():
    assert "at most" in the_fault(b" " * (MOST_BYTES + 1)).detail


def test_vocabularies_play_no_part_in_pinning():
    assert VOCABULARIES
    assert pin(file("passages: []\n", "actors: [{kind: nonsense}]\n"), SOURCE).startswith(b"chancery: 1\n")
