"""Detection: each layout is known by its beginning, and what is none is refused with what was seen."""

from __future__ import annotations

import pytest

from app.importers.base import NOTES, REASONS, FileRefused
from app.importers.detect import HEAD_BYTES, IMPORTERS, detect, importer
from app.importers.opening import open_file
from tests.importers.reading import own, read_bytes, real

OWN = {
    "icews.tab": ("icews", "icews"),
    "tkg-named.tsv": ("tkg", "tkg-named"),
    "tkg-plain.txt": ("tkg", "tkg-plain"),
    "gdelt-2.CSV": ("gdelt", "gdelt-2"),
    "gdelt-1.CSV": ("gdelt", "gdelt-1"),
    "gdelt-mentions.CSV": ("gdelt-mentions", "gdelt-mentions"),
    "gdelt-mentions-header.csv": ("gdelt-mentions", "gdelt-mentions-csv"),
    "polecat.txt": ("polecat", "polecat"),
    "acled.csv": ("acled", "acled"),
    "ucdp.csv": ("ucdp", "ucdp-ged"),
}
REAL = {
    "icews_raw/events.2018.sample.tab.gz": "icews",
    "tkg/icews05-15/facts.tsv.gz": "tkg-named",
    "tkg/icews05-15/ids_train.txt.gz": "tkg-numbered",
    "tkg/icews14/mmkb_icews_2014_valid.txt.gz": "tkg-plain",
    "gdelt/20180101000000.export.CSV.gz": "gdelt-2",
    "gdelt/20190121220000.export.CSV.zip": "gdelt-2",
    "gdelt/20190121220000.export2.CSV.gz": "gdelt-2-reexport",
    "gdelt/20170912.export_sample.tsv": "gdelt-1",
    "gdelt/gdelt1_sample_57_and_58_cols.csv.gz": "gdelt-1",
    "gdelt/gdeltPyR_mentions_20170701234500.csv.gz": "gdelt-mentions-csv",
    "ucdp/ged_sample_1989_2013.csv.gz": "ucdp-ged",
}
OTHER = [
    "pax/pax_v2_agreements_to_2011.csv.gz",
    "codes/country-codes.csv",
    "ucdp/CWM_mediation.csv.gz",
    "gdelt/columns_events2.csv",
]


@pytest.mark.parametrize("name", OWN)
def test_our_own_rows_are_known(name: str):
    # The hostile rows stand at the end; a file that is hostile from the start is not known.
    head = b"\n".join(own(name).split(b"\n")[:10]) + b"\n"

    found = detect(head, name)

    assert (found.facts.name, found.layout.name) == OWN[name]
    assert "separated by" in found.reason or "no header" in found.reason


def test_a_damaged_line_hides_nothing():
    for name, expected in OWN.items():
        lines = own(name).split(b"\n")[:10]
        head = b"\n".join([*lines[:3], b"damaged", *lines[3:]])

        assert (detect(head, name).facts.name, detect(head, name).layout.name) == expected


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_line_ends_and_a_byte_order_mark_hide_nothing(end: bytes):
    for name, expected in OWN.items():
        head = b"\xef\xbb\xbf" + end.join(own(name).split(b"\n")[:10])

        assert (detect(head, name).facts.name, detect(head, name).layout.name) == expected


@pytest.mark.parametrize("name", ["icews.tab", "polecat.txt", "ucdp.csv", "acled.csv"])
def test_a_missing_header_hides_nothing(name: str):
    head = b"\n".join(own(name).split(b"\n")[1:10])

    assert detect(head, name).facts.name == OWN[name][0]


@pytest.mark.parametrize("path", REAL)
def test_real_files_are_known(path: str):
    with open_file(real(path)) as file:
        head = file.read(HEAD_BYTES)

    assert detect(head, path).layout.name == REAL[path]


@pytest.mark.parametrize("path", OTHER)
def test_real_files_of_other_kinds_are_refused(path: str):
    with open_file(real(path)) as file:
        head = file.read(HEAD_BYTES)

    with pytest.raises(FileRefused, match="is none of the formats there are"):
        detect(head, path)


def test_a_refusal_says_what_was_seen_and_which_formats_there_are():
    with pytest.raises(FileRefused) as refusal:
        detect(b"name,party,vote\nA,B,C\n", "votes.csv")

    assert refusal.value.exit_status == 2
    assert refusal.value.detail == (
        "votes.csv is none of the formats there are (icews, tkg, gdelt, gdelt-mentions, polecat, acled, ucdp): its first "
        "line has 3 columns separated by commas and begins 'name,party,vote'. If you know what it is, name it with --format."
    )


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "holds no lines"),
        (b"\n\n\n", "holds no lines"),
        (b"\xff\xfea\x00", "is UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "looks like no text at all"),
        (b"Poland\t0\nJapan\t1\n", "with this one as its map"),
    ],
)
def test_a_file_that_is_nothing_is_refused(head: bytes, words: str):
    with pytest.raises(FileRefused, match=words):
        detect(head, "file")


def test_an_unknown_format_is_refused_with_those_there_are():
    with pytest.raises(FileRefused, match=r"There is no format 'gkg'\. There are icews, tkg"):
        importer("gkg")


@pytest.mark.parametrize("name", IMPORTERS)
def test_every_importer_says_what_it_is_and_what_it_cannot_carry(name: str):
    facts = importer(name).FACTS

    assert facts.name == name
    assert facts.words.endswith(".")
    assert all(sentence.endswith(".") for sentence in (*facts.expectations, *facts.cannot))
    assert facts.cannot
    assert len({column for layout in facts.layouts for column in layout.columns}) > 3


def test_every_reason_and_note_is_explained():
    readings = [read_bytes(importer(expected[0]), own(name)) for name, expected in OWN.items()]

    assert {each.reason for reading in readings for each in reading.refused} <= set(REASONS)
    assert {note for reading in readings for note in reading.notes} <= set(NOTES)
