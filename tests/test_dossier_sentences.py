"""Where sentences begin and end."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dossiers.sentences import counts, sentences


def split(text: str) -> list[str]:
    return [text[found.start : found.end] for found in sentences(text)]


@pytest.mark.parametrize(
    "whole",
    [
        "The U.S. President met Mr. Moore.",
        "Gen. A. B. Moore of Foo Inc. paid 3.5 million.",
        "“Why not?” he asked.",
        "He paid (see No. 5) at 5 p.m. Monday.",
        "It was e.g. a wall.",
        "1. First the wall.",
        "Really... no.",
        "No full stop at the end",
        "Version 2.0.1 is out.",
        "The so-called “U.S.” bridge fell.",
    ],
)
def test_a_point_inside_a_sentence_does_not_end_it(whole):
    assert split(whole) == [whole]


@pytest.mark.parametrize(
    "parts",
    [
        ["It is closed.", "It stays closed."],
        ["“We will.”", "She left."],
        ["(He said so.)", "[She did not.]"],
        ["Is it?!", "Yes…", "“No!”", "Well... So be it."][:3],
        ["He left the U.S. for good.", "They left at 5 p.m.", "The door closed."],
        ["He said no.", "They said 5."],
        ["So did I.", "The end."],
        ["It has 40 barrels.", "2019 was wet."],
    ],
)
def test_a_sentence_ends_where_a_reader_would_end_it(parts):
    assert split(" ".join(parts)) == parts


def test_japanese_needs_no_space_after_its_full_stop():
    assert split("橋は閉鎖された。「雪の前に。」彼女は言った。") == [
        "橋は閉鎖された。",
        "「雪の前に。」",
        "彼女は言った。",
    ]


def test_a_paragraph_is_a_line_that_is_not_blank():
    text = "\n  One. Two.\r\n\r\n \t\nThree.\n"

    assert [(found.paragraph, found.sentence) for found in sentences(text)] == [(1, 1), (1, 2), (2, 1)]
    assert split(text) == ["One.", "Two.", "Three."]
    assert counts(text) == (2, 1)


def test_offsets_count_code_points():
    text = "𝒜 és. Next."

    assert [(found.start, found.end) for found in sentences(text)] == [(0, 5), (6, 11)]


@given(st.text(alphabet=st.sampled_from(list("aB.!?…”“ \n\r.(U.S)1。\u2028é’")), max_size=60))
def test_sentences_cover_everything_but_white_space_in_order(text):
    found = sentences(text)

    covered = "".join(text[one.start : one.end] for one in found)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(one.start < one.end <= other.start for one, other in pairwise(found))
    assert all(text[one.start : one.end].strip() == text[one.start : one.end] for one in found)


@pytest.mark.parametrize("piece", ["a. B ", "a.", '."', "A. x B.   ", ".", " ", "“", "U.S. "])
def test_a_megabyte_in_one_line_takes_no_more_than_moments(piece):
    began = time.perf_counter()

    sentences(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - began < 5
