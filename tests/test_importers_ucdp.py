"""UCDP GED: what its rows mean, with each kind of header and none."""

from __future__ import annotations

import csv
import io
from datetime import date

from app.importers import ucdp
from app.importers.base import Party
from app.times import day_number
from tests.importers.reading import cells, count, own, read_bytes, read_path, real

MARCH_1 = day_number(date(2031, 3, 1))


def test_a_row_says_who_fought_where_and_when():
    event = read_bytes(ucdp, own("ucdp.csv"))["900001"]

    assert (event.label, event.first, event.last) == ("State-based violence", MARCH_1, MARCH_1)
    assert event.initiator == Party("Government of Mali", "72", "ML")
    assert event.recipient == Party("Figment Front", "9999")
    assert (event.country, event.place, event.latitude) == ("ML", "Figment village", 14.5)
    assert (event.weight, event.reported, event.publisher) == (2, MARCH_1 + 1, "Daily Figment;L'Inventé")


def test_an_event_may_last():
    event = read_bytes(ucdp, own("ucdp.csv"))["900002"]

    assert (event.first, event.last) == (MARCH_1, MARCH_1 + 30)


def test_days_may_carry_a_midnight():
    reading = read_bytes(ucdp, own("ucdp.csv"))

    assert [(each.first, each.last) for each in reading.coded[4:6]] == [(MARCH_1, MARCH_1 + 1)] * 2


def test_a_country_has_its_number_or_its_name():
    reading = read_bytes(ucdp, own("ucdp.csv"))

    assert [each.country for each in reading.coded[6:9]] == ["NA", "RS", "CD"]
    assert [each.initiator.country for each in reading.coded[6:8]] == ["NA", "RS"]


def test_a_remark_instead_of_a_day_of_report_is_no_day():
    assert read_bytes(ucdp, own("ucdp.csv"))["900010"].reported is None


def test_hostile_rows_are_refused():
    reading = read_bytes(ucdp, own("ucdp.csv"))

    assert len(reading.coded) == 12
    assert [reason for _, reason in reading.reasons] == [
        "bad-date", "bad-date", "bad-code", "bad-id", "bad-coordinate", "bad-date", "bad-number", "bad-date",
        "missing-column",
    ]  # fmt: skip


def test_a_file_without_its_header_is_read_all_the_same():
    reading = read_bytes(ucdp, own("ucdp.csv").split(b"\n", 1)[1])

    assert reading.coded == read_bytes(ucdp, own("ucdp.csv")).coded
    assert reading.notes == {"header-missing": 1}


def test_an_older_release_has_fewer_columns():
    rows = list(csv.DictReader(io.StringIO(own("ucdp.csv").decode())))[:12]
    kept = [
        name
        for name in ucdp.COLUMNS
        if not name.endswith("dset_id") and name not in ("relid", "gwnoa", "gwnob", "country_id")
    ]
    out = io.StringIO()
    writer = csv.DictWriter(out, kept, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)

    reading = read_bytes(ucdp, out.getvalue().encode())

    assert [(each.native, each.country) for each in reading.coded] == [
        (each.native, each.country) for each in read_bytes(ucdp, own("ucdp.csv")).coded
    ]
    assert reading.refused == []


def test_every_row_of_a_real_file_is_read():
    path = real("ucdp/ged_sample_1989_2013.csv.gz")
    header, *rows = cells(path, ",", csv.QUOTE_MINIMAL)

    reading = read_path(ucdp, path)

    assert len(reading.coded) == len(rows) == 520
    assert reading.refused == []
    assert [each.native for each in reading.coded] == [row[0] for row in rows]
    long = sum(row[header.index("date_start")] != row[header.index("date_end")] for row in rows)
    assert sum(each.first != each.last for each in reading.coded) == long
    assert None not in count([each.country for each in reading.coded])
    governments = [each.initiator for each in reading.coded if each.initiator.name.startswith("Government of ")]
    assert [each.name for each in governments if each.country is None] == []
