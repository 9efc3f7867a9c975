"""ACLED: what its rows mean, however the export writes its dates."""

from __future__ import annotations

import io
from datetime import date

from app.importers import acled
from app.importers.base import Party
from app.times import day_number
from tests.importers.reading import Reading, own, read_bytes


def days(reading: Reading, native: str) -> tuple[int, int]:
    return reading[native].first, reading[native].last


def span(first: date, last: date) -> tuple[int, int]:
    return day_number(first), day_number(last)


def test_a_row_says_what_happened_between_whom_and_where():
    event = read_bytes(acled, own("acled.csv"))["NAM7"]

    assert event.label == "Battles: Armed clash"
    assert event.initiator == Party("Military Forces of Mali (2020-)", None, "ML", ("State Forces",))
    assert event.recipient == Party("Figment Front", None, None, ("Rebel Forces",))
    assert (event.country, event.place, event.publisher) == ("ML", "Windhoek", "Daily Figment; L'Inventé")
    assert (event.code, event.plover, event.intensity, event.kind) == (None, None, None, None)


def test_the_order_of_the_actors_means_nothing():
    assert acled.FACTS.directed is False


def test_a_precision_widens_the_date():
    reading = read_bytes(acled, own("acled.csv"))

    assert days(reading, "NAM1") == span(date(2031, 3, 1), date(2031, 3, 1))
    assert days(reading, "NAM2") == span(date(2031, 2, 23), date(2031, 3, 7))
    assert days(reading, "NAM3") == span(date(2031, 2, 1), date(2031, 2, 28))
    assert days(reading, "NAM6") == span(date(2031, 12, 1), date(2031, 12, 31))


def test_dates_of_older_exports_are_read():
    reading = read_bytes(acled, own("acled.csv"))

    assert days(reading, "NAM4") == span(date(2031, 3, 13), date(2031, 3, 13))
    assert days(reading, "NAM5") == span(date(2031, 1, 1), date(2031, 1, 1))


def test_the_ends_of_the_calendar_stay_within_it():
    text = (
        own("acled.csv").decode().replace("2031-03-01,2031,2", "9999-12-31,9999,2").replace("2031-02-14", "9999-12-05")
    )

    reading = read_bytes(acled, text.encode())

    assert days(reading, "NAM2")[1] == days(reading, "NAM3")[1] == day_number(date.max)


def test_a_country_has_its_number_or_its_name():
    reading = read_bytes(acled, own("acled.csv"))

    assert [reading[f"NAM{at}"].country for at in (1, 8, 10)] == ["NA", "XK", "CI"]
    assert [reading[f"NAM{at}"].initiator.country for at in (1, 8, 9, 12)] == ["NA", "XK", "UA", None]


def test_a_cell_may_hold_commas_quotation_marks_and_lines():
    lines = [each.line for each in acled.read(io.BytesIO(own("acled.csv")))]

    assert lines[6:8] == [8, 10]


def test_hostile_rows_are_refused():
    reading = read_bytes(acled, own("acled.csv"))

    assert len(reading.coded) == 12
    assert [reason for _, reason in reading.reasons] == [
        "ambiguous-date", "bad-date", "bad-date", "bad-id", "missing-value", "bad-number", "bad-coordinate", "bad-date",
        "missing-column", "bad-quoting",
    ]  # fmt: skip
    assert reading.notes == {}


def test_what_stands_behind_an_unclosed_quotation_mark_is_not_lost():
    lines = own("acled.csv").decode().split("\n")
    broken = "\n".join([lines[0], 'NAM98,"never closed,2031', *lines[1:5]])

    reading = read_bytes(acled, broken.encode())

    assert reading.reasons == [(2, "bad-quoting")]
    assert [each.native for each in reading.coded] == ["NAM1", "NAM2", "NAM3", "NAM4"]


def test_an_export_with_fewer_and_other_columns_is_read():
    text = "\ufeffdata_id,event_id_cnty,event_date,event_type,sub_event_type,actor1,country,population_best\n"
    text += "1,NAM1,2031-03-01,Riots,Mob violence,Rioters (Namibia),Namibia,5\n"

    reading = read_bytes(acled, text.encode())

    assert reading["NAM1"].country == "NA"
    assert reading.notes == {"byte-order-mark": 1, "extra-columns-ignored": 1}
