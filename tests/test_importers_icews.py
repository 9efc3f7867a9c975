"""ICEWS: what its rows mean, and which rows it refuses."""

from __future__ import annotations

import csv
from datetime import date

from app.importers import icews
from app.importers.base import Party
from app.times import day_number
from tests.importers.reading import cells, count, own, read_bytes, read_path, real

MARCH_1 = day_number(date(2031, 3, 1))


def test_a_row_says_who_did_what_to_whom_where_and_when():
    event = read_bytes(icews, own("icews.tab"))["90000001@2031-03-01"]

    assert (event.first, event.last, event.code, event.label, event.quad) == (MARCH_1, MARCH_1, "040", "Consult", 1)
    assert event.initiator == Party(
        "Foreign Affairs (Namibia)", None, "NA", ("Executive", "Foreign Ministry", "Government")
    )
    assert event.recipient == Party("Ministry (Japan)", None, "JP", ("Government",))
    assert (event.country, event.place, event.latitude, event.longitude) == ("NA", "Windhoek, Khomas", -22.56, 17.0832)
    assert (event.story, event.sentence, event.publisher) == ("70000001", 2, "The Invented Courier")
    assert (event.intensity, event.weight, event.url, event.reported) == (1.0, 1, None, None)


def test_na_is_nothing_and_namibia_is_a_country():
    reading = read_bytes(icews, own("icews.tab"))

    assert reading["90000007@2031-03-02"].recipient is None
    assert reading["90000008@2031-03-02"].initiator is None
    assert reading["90000001@2031-03-01"].initiator.country == "NA"


def test_the_number_of_an_event_repeats_on_another_day():
    reading = read_bytes(icews, own("icews.tab"))

    assert reading["90000004@2031-03-01"].story == "70000003"
    assert reading["90000004@2031-03-02"].story == "70000004"


def test_a_day_may_be_written_month_first_as_in_the_file_of_2017():
    reading = read_bytes(icews, own("icews.tab"))

    assert reading["90000005@2031-03-13"].initiator.sectors == ("Government", "Police")


def test_quotation_marks_mean_nothing():
    event = read_bytes(icews, own("icews.tab"))["90000010@2031-03-02"]

    assert (event.initiator.name, event.publisher) == ('Say "Anything" Society', 'The "Quoted" Post')


def test_only_what_is_plain_becomes_one_of_our_types():
    reading = read_bytes(icews, own("icews.tab"))

    assert reading["90000004@2031-03-01"].kind == "agreement_signing"
    assert reading["90000003@2031-03-01"].kind == "public_statement"
    assert reading["90000001@2031-03-01"].kind is None


def test_a_row_without_a_code_keeps_its_words():
    event = read_bytes(icews, own("icews.tab"))["90000009@2031-03-02"]

    assert (event.code, event.quad, event.label) == (None, None, "Appeal for something unheard of")


def test_each_hostile_row_is_refused_with_its_line_and_reason():
    reading = read_bytes(icews, own("icews.tab"))

    assert len(reading.coded) == 11
    assert reading.reasons == [
        (14, "bad-date"),
        (15, "bad-date"),
        (16, "bad-id"),
        (17, "bad-code"),
        (18, "bad-number"),
        (19, "bad-coordinate"),
        (20, "missing-value"),
        (21, "missing-column"),
        (22, "extra-column"),
    ]
    assert reading.notes == {"empty-trailing-columns": 1, "header-repeated": 1}
    assert reading.refused[0].detail == "Event Date is '2031-02-30'; there is no such day."


def test_a_file_without_its_header_is_read_all_the_same():
    headless = own("icews.tab").split(b"\n", 1)[1]

    reading = read_bytes(icews, headless)

    assert len(reading.coded) == 11
    assert reading.notes["header-missing"] == 1


def test_columns_are_found_by_name_in_any_order():
    lines = [line.split("\t") for line in own("icews.tab").decode().split("\n")[:12]]
    turned = "\n".join(["\t".join(reversed(line)) for line in lines if len(line) == 20])

    assert read_bytes(icews, turned.encode()).coded == read_bytes(icews, own("icews.tab")).coded[:10]


def test_a_header_that_lacks_a_needed_column_refuses_the_file():
    reading = read_bytes(icews, own("icews.tab").replace(b"CAMEO Code", b"Code"))

    assert reading.coded == []
    assert reading.reasons == [(1, "missing-column")]
    assert "lacks CAMEO Code" in reading.refused[0].detail


def test_every_row_of_a_real_file_is_read():
    path = real("icews_raw/events.2018.sample.tab.gz")
    rows = cells(path, "\t", csv.QUOTE_NONE)[1:]

    reading = read_path(icews, path)

    assert len(reading.coded) == len(rows) == 3705
    assert reading.refused == []
    assert reading.notes == {}
    assert count([each.code for each in reading.coded]) == count([row[6] for row in rows])
    assert sum(each.intensity for each in reading.coded) == sum(float(row[7]) for row in rows)
    assert sum(each.recipient is None for each in reading.coded) == sum(row[8] == row[10] == "NA" for row in rows)
    assert len({each.native for each in reading.coded}) == len({(row[0], row[1]) for row in rows})


def test_every_country_that_a_real_file_names_has_its_code():
    rows = cells(real("icews_raw/events.2018.sample.tab.gz"), "\t", csv.QUOTE_NONE)[1:]

    named = {row[at] for row in rows for at in (4, 10, 17)} - {"NA"}

    assert [name for name in named if icews.named(name) is None] == []
