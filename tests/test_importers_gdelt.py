"""GDELT: events of both versions, damaged re-exports, and mentions."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from app.importers import gdelt, gdelt_mentions
from app.importers.base import Party
from app.times import day_number
from tests.importers.reading import cells, count, own, read_bytes, read_path, real

MARCH_1 = day_number(date(2031, 3, 1))
HOSTILE = [
    "bad-date",
    "bad-date",
    "bad-id",
    "bad-code",
    "bad-code",
    "bad-number",
    "bad-coordinate",
    "bad-number",
    "bad-date",
]


def test_a_row_says_who_did_what_where_and_who_reported_it():
    event = read_bytes(gdelt, own("gdelt-2.CSV"))["9000000001"]

    assert (event.first, event.last, event.reported) == (MARCH_1, MARCH_1, MARCH_1)
    assert event.initiator == Party("JAPAN", "JPNGOV", "JP", ("GOV",))
    assert event.recipient == Party("UKRAINE", "UKR", "UA")
    assert (event.code, event.quad, event.intensity, event.kind) == ("057", 1, 8.0, "agreement_signing")
    assert (event.country, event.place) == ("UA", "Kyiv, Kyyiv, Misto, Ukraine")
    assert (event.latitude, event.longitude) == (50.4333, 30.5167)
    assert (event.url, event.publisher, event.weight) == ("https://news.example/accord", None, 6)


def test_the_country_of_a_place_is_fips_and_that_of_an_actor_is_not():
    events = read_bytes(gdelt, own("gdelt-2.CSV")).coded

    assert (events[1].country, events[1].initiator.country) == ("NA", "NA")
    assert (events[9].country, events[10].country, events[11].country) == ("RS", "CN", "CH")
    assert (events[7].initiator.country, events[7].recipient.country) == ("RO", "TL")
    assert (events[5].country, events[5].initiator.country, events[5].initiator.sectors) == (None, None, ("REB", "MIL"))


def test_an_actor_may_be_missing_on_either_side():
    events = read_bytes(gdelt, own("gdelt-2.CSV")).coded

    assert events[2].initiator is None
    assert events[3].recipient is None


def test_what_is_no_web_address_is_the_publisher():
    event = read_bytes(gdelt, own("gdelt-2.CSV")).coded[8]

    assert (event.url, event.publisher, event.weight) == (None, "Invented Monitoring", 1)


def test_hostile_rows_are_refused():
    reading = read_bytes(gdelt, own("gdelt-2.CSV"))

    assert [reason for _, reason in reading.reasons] == [*HOSTILE, "missing-column", "extra-column"]
    assert len(reading.coded) == 13
    assert reading.notes == {"empty-trailing-columns": 1}


def test_daily_files_mix_rows_with_and_without_an_address():
    reading = read_bytes(gdelt, own("gdelt-1.CSV"))

    assert [each.url is None for each in reading.coded] == [False] * 5 + [True] * 5 + [False] * 2
    assert reading.coded[0].place == "Kyiv, Kyyiv, Misto, Ukraine"
    assert reading.coded[0].latitude == 50.4333
    assert reading.coded[0].reported == MARCH_1 + 1
    assert [reason for _, reason in reading.reasons] == HOSTILE


def test_a_header_where_none_belongs_is_skipped_and_said():
    header = "\t".join(gdelt.COLUMNS_2).encode() + b"\n"

    reading = read_bytes(gdelt, header + own("gdelt-2.CSV") + header)

    assert len(reading.coded) == 13
    assert (reading.notes["header-unexpected"], reading.notes["header-repeated"]) == (1, 1)


@pytest.mark.parametrize("name", ["20180101000000.export.CSV.gz", "20190121220000.export.CSV.zip"])
def test_every_row_of_a_real_file_of_version_2_is_read(name: str):
    rows = cells(real(f"gdelt/{name}"), "\t")

    reading = read_path(gdelt, real(f"gdelt/{name}"))

    assert len(reading.coded) == len(rows)
    assert reading.refused == []
    assert [each.native for each in reading.coded] == [row[0] for row in rows]
    assert [each.code for each in reading.coded] == [row[26] for row in rows]
    assert sum(each.weight for each in reading.coded) == sum(int(row[31]) for row in rows)
    assert sum(each.initiator is None for each in reading.coded) == sum(not row[5] and not row[6] for row in rows)
    assert [each.url for each in reading.coded] == [row[60] for row in rows]
    assert sum(each.latitude is None for each in reading.coded) == sum(row[56] == "" for row in rows)


def test_a_real_spreadsheet_export_means_what_the_original_means():
    original = read_path(gdelt, real("gdelt/20190121220000.export.CSV.gz"))

    reading = read_path(gdelt, real("gdelt/20190121220000.export2.CSV.gz"))

    told = [
        (each.native, each.code, each.first, each.initiator, each.recipient, each.country) for each in reading.coded
    ]
    assert told == [
        (each.native, each.code, each.first, each.initiator, each.recipient, each.country) for each in original.coded
    ]
    assert {each.reported for each in reading.coded} == {None}
    lost = sum(row[28].startswith("0") for row in cells(real("gdelt/20190121220000.export.CSV.gz"), "\t"))
    assert reading.notes["leading-zero-restored"] == lost
    assert reading.notes["header-unexpected"] == 1


@pytest.mark.parametrize("name", ["gdelt1_sample_57_and_58_cols.csv.gz", "20170912.export_sample.tsv"])
def test_every_row_of_a_real_file_of_version_1_is_read(name: str):
    rows = cells(real(f"gdelt/{name}"), "\t")

    reading = read_path(gdelt, real(f"gdelt/{name}"))

    assert len(reading.coded) == len(rows)
    assert count([each.country is None for each in reading.coded if each.place]) == {
        False: sum(row[50] != "" for row in rows)
    }
    assert sum(each.url is None and each.publisher is None for each in reading.coded) == sum(
        len(row) == 57 or not row[57] for row in rows
    )


def test_a_mention_says_which_report_named_which_event():
    mention = read_bytes(gdelt_mentions, own("gdelt-mentions.CSV")).coded[0]

    assert (mention.event, mention.happened, mention.reported) == ("9000000001", MARCH_1, MARCH_1)
    assert (mention.kind, mention.url, mention.publisher) == ("web", "https://news.example/0?a=1,2", "news.example")
    assert (mention.sentence, mention.initiator_at, mention.recipient_at, mention.action_at) == (1, None, 120, 140)
    assert (mention.confidence, mention.in_raw_text, mention.language) == (70, True, None)


def test_a_mention_knows_the_language_it_was_translated_from():
    mentions = read_bytes(gdelt_mentions, own("gdelt-mentions.CSV")).coded

    assert [each.language for each in mentions[8:11]] == ["fra", "jpn", None]


def test_both_layouts_of_mentions_mean_the_same():
    raw = read_bytes(gdelt_mentions, own("gdelt-mentions.CSV"))
    listed = read_bytes(gdelt_mentions, own("gdelt-mentions-header.csv"))

    assert listed.coded == raw.coded
    assert len(raw.coded) == 13
    assert [reason for _, reason in raw.reasons] == [
        "bad-number", "bad-code", "bad-date", "bad-date", "bad-id", "missing-value", "bad-code", "missing-column",
    ]  # fmt: skip


def test_raw_mentions_need_no_header():
    assert "header-missing" not in read_bytes(gdelt_mentions, own("gdelt-mentions.CSV")).notes
    assert read_bytes(gdelt_mentions, own("gdelt-mentions-header.csv").split(b"\n", 1)[1]).notes == {
        "header-missing": 1
    }


def test_every_real_mention_is_read():
    path = real("gdelt/gdeltPyR_mentions_20170701234500.csv.gz")
    rows = cells(path, ",", csv.QUOTE_MINIMAL)[1:]

    reading = read_path(gdelt_mentions, path)

    assert len(reading.coded) == len(rows) == 1635
    assert reading.refused == []
    assert [each.event for each in reading.coded] == [row[0] for row in rows]
    assert [each.identifier for each in reading.coded] == [row[5] for row in rows]
    assert sum(each.initiator_at is None for each in reading.coded) == sum(row[7] == "-1" for row in rows)


def test_a_real_mention_in_tabs_means_what_it_means_in_commas():
    path = real("gdelt/gdeltPyR_mentions_20170701234500.csv.gz")
    out = io.StringIO()
    csv.writer(out, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n").writerows(
        cells(path, ",", csv.QUOTE_MINIMAL)[1:]
    )

    assert read_bytes(gdelt_mentions, out.getvalue().encode()).coded == read_path(gdelt_mentions, path).coded


def test_a_damaged_first_mention_does_not_hide_the_others():
    damaged = b"9\t20310301134500\n" + own("gdelt-mentions.CSV")

    reading = read_bytes(gdelt_mentions, damaged)

    assert len(reading.coded) == 13
    assert reading.reasons[0] == (1, "missing-column")
