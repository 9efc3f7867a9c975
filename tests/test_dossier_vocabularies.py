"""The controlled vocabularies, read from their files."""

from __future__ import annotations

import pytest

from app import vocabularies
from app.errors import ChanceryError
from tests.dossiers.arden import VOCABULARIES

GOOD = """name: mood
title: Moods
definition: How it is.
terms:
  - {id: no, label: "No", definition: Bad., rank: 1}
  - {id: on, label: "On", definition: Good., rank: 2}
"""


def load(tmp_path, text: str, name: str = "mood.yaml") -> vocabularies.Vocabularies:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return vocabularies.load(tmp_path)


def test_terms_keep_their_order_and_words(tmp_path):
    mood = load(tmp_path, GOOD)["mood"]

    assert mood.ids == ("no", "on")
    assert (mood.title, mood.rank("on"), mood.rank("off")) == ("Moods", 2, None)
    assert "no" in mood
    assert "off" not in mood


def test_the_levels_of_commitment_rise_from_nothing_to_doing():
    levels = VOCABULARIES["commitment_level"]

    assert [term.rank for term in levels.terms] == list(range(9))
    assert (levels.rank("none"), levels.rank("does")) == (0, 8)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: Moods\n", "", "has exactly the keys name, title, definition, terms"),
        ("name: mood", "name: moods", "`name` must be mood"),
        ("id: on", "id: no", "twice stands no"),
        ("rank: 2", "rank: high", "whose rank is no whole number: high"),
        ('label: "On", ', "", "each need id, label, definition"),
        ("rank: 2", "colour: red", "whose keys are id, label, definition, rank"),
        ("terms:", "terms: [", "cannot be read as YAML"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused_by_name(tmp_path, old, new, says):
    with pytest.raises(ChanceryError, match=r"mood\.yaml") as refused:
        load(tmp_path, GOOD.replace(old, new))

    assert says in str(refused.value)


def test_a_folder_without_vocabularies_is_refused(tmp_path):
    with pytest.raises(ChanceryError, match="There is no vocabulary in"):
        vocabularies.load(tmp_path)
