"""What people type into a search, what of it is looked for, and where in a text it stands."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.names import words
from app.query.text import Term, beginnings, folded, holds, marks, numbers, rated, read, spans, window


def said(typed: str) -> list[str]:
    return [str(term) for term in read(typed)]


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("net-zero", ["net", "zero"]),
        ("U.S.", ["us"]),
        ("C++", ["c"]),
        ("EU's CO2 (2030) 40%", ["eu", "co2", "2030", "40"]),
        ("a-b", ["a", "b"]),
        ("foo:bar", ["foo", "bar"]),
        ('"', []),
        ("NEAR(", ["near"]),
        ("Ishiba AND NOT Ukraine", ["ishiba", "and", "not", "ukraine"]),
        ('"peace talks" soon', ['"peace talks"', "soon"]),
        ("“peace talks”", ['"peace talks"']),
        ('"peace tal*"', ['"peace tal*"']),
        ('"peace', ["peace"]),
        ("ishi*", ["ishi*"]),
        ("ishi* ukr*", ["ishi*", "ukr*"]),
        ("ishi *", ["ishi"]),
        ("*", []),
        ("石破", ["石破*"]),
        ("Côte d’Ivoire", ["cote", "divoire"]),
        ("peace peace", ["peace"]),
        ("🙂 ?! …", []),
        ("", []),
        ("x" * 5000, ["x" * 100]),
    ],
)
def test_of_what_is_typed_words_phrases_and_beginnings_are_looked_for(typed: str, terms: list[str]) -> None:
    assert said(typed) == terms


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("guarantee", ("guarantees",)),
        ("guarantees", ("guarantee",)),
        ("country", ("countries",)),
        ("countries", ("country",)),
        ("speech", ("speeches",)),
        ("speeches", ("speech",)),
        ("news", ()),
        ("crisis", ()),
        ("us", ()),
        ("2030", ()),
        ("石破茂氏", ()),
    ],
)
def test_a_word_finds_its_other_number(word: str, other: tuple[str, ...]) -> None:
    assert numbers(word) == other


def test_no_phrase_reaches_from_one_text_into_the_next() -> None:
    field = folded(["an end", "the beginning"])

    assert holds(Term(("an", "end")), field)
    assert not holds(Term(("end", "the")), field)


def test_a_filter_takes_every_word_for_a_beginning_and_leaves_out_what_another_implies() -> None:
    assert sorted(map(str, beginnings("sec security uk"))) == ["security*", "uk*"]


def test_the_very_name_fits_better_than_a_longer_one_and_a_name_better_than_a_gloss() -> None:
    terms = read("security guarantees")
    ranked = [
        rated(terms, {"name": "security guarantees"}),
        rated(terms, {"name": "coalition for security guarantees"}),
        rated(terms, {"gloss": "security guarantees"}),
        rated(terms, {"gloss": "guarantees of its security"}),
        rated(terms, {"gloss": "guarantees of its security " + "and more " * 60}),
        rated(terms, {"linked": "security guarantees"}),
    ]

    assert ranked == sorted(ranked, reverse=True)
    assert len(set(ranked)) == len(ranked)
    assert ranked[-1] > 0
    assert ranked[0] < 1


@pytest.mark.parametrize(
    ("typed", "text", "found"),
    [
        ("guarantee", "Security guarantees, a guarantee.", ["guarantees", "guarantee"]),
        ("us", "The U.S. and the US agreed", ["U.S.", "US"]),
        ("us", "The U. S. agreed", ["U. S."]),
        ("zero", "a net-zero plan", ["zero"]),
        ("eu", "the EU's plan", ["EU's"]),
        ('"net zero"', "zero net and net-zero", ["net", "zero"]),
        ("cote", "Côte d’Ivoire", ["Côte"]),
        ("ukr*", "Ukraine, Ukrainian", ["Ukraine", "Ukrainian"]),
        ("nothing", "at all", []),
    ],
)
def test_what_was_found_is_marked_where_it_stands(typed: str, text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in marks(read(typed), spans(text))] == found


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_the_words_of_a_text_are_placed_in_it_in_order_whatever_it_holds(text: str) -> None:
    found = spans(text)

    assert all(0 <= start < end <= len(text) for _, start, end in found)
    assert [start for _, start, _ in found] == sorted(start for _, start, _ in found)
    assert all(word for word, _, _ in found)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["EU's", "U.S.", "net-zero", "Côte", "d’Ivoire", "(2030)", "AT&T", "40%", "“so”", "…"]))
)
def test_the_words_that_are_placed_are_the_words_that_are_searched(some: list[str]) -> None:
    text = " ".join(some)

    assert [word for word, _, _ in spans(text)] == words(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120), st.text(max_size=60))
def test_nothing_that_is_typed_or_written_makes_reading_fail(typed: str, text: str) -> None:
    terms = read(typed)
    marked = marks(terms, spans(text))
    begin, end = window(text, marked, 20)

    assert all(term.words and all(term.words) for term in terms)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(marked))
    assert 0 <= begin <= end <= len(text)


def test_a_window_shows_where_most_of_it_stands() -> None:
    text = "peace " + "filler " * 100 + "peace talks and peace " + "filler " * 100
    begin, end = window(text, marks(read("peace talks"), spans(text)), 60)

    assert "peace talks and peace" in text[begin:end]
    assert end - begin <= 60
