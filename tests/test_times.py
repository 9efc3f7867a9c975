"""What a date means: the days it covers, and what is refused with advice."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from time import struct_time

import edtf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.errors import BadDate
from app.times import (
    Duration,
    Edtf,
    add,
    day_number,
    first_day,
    from_day_number,
    parse_day,
    parse_duration,
    parse_edtf,
    parse_moment,
    rfc3339,
    utc_now,
)

unhurried = settings(deadline=None)  # a busy machine is no failure


def day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023-02", "2023-02-01", "2023-02-28"),
        ("2024-06-05", "2024-06-05", "2024-06-05"),
        ("0001", "0001-01-01", "0001-12-31"),
        ("9999-12-31", "9999-12-31", "9999-12-31"),
        ("202X", "2020-01-01", "2029-12-31"),
        ("20XX", "2000-01-01", "2099-12-31"),
        ("2XXX", "2000-01-01", "2999-12-31"),
        ("000X", "0001-01-01", "0009-12-31"),
        ("XXXX", "", ""),
        ("2024-XX", "2024-01-01", "2024-12-31"),
        ("2024-XX-XX", "2024-01-01", "2024-12-31"),
        ("2024-06-XX", "2024-06-01", "2024-06-30"),
        ("2024/2025", "2024-01-01", "2025-12-31"),
        ("2024-06-01/2024-07", "2024-06-01", "2024-07-31"),
        ("2024-06/2024", "2024-06-01", "2024-12-31"),
        ("../2024", "", "2024-12-31"),
        ("2024/..", "2024-01-01", ""),
        ("/2024", "", "2024-12-31"),
        ("2024/", "2024-01-01", ""),
        ("/..", "", ""),
        ("../..", "", ""),
        ("[2024..]", "2024-01-01", ""),
        ("[..2024]", "", "2024-12-31"),
        ("[2023,2024]", "2023-01-01", "2024-12-31"),
        ("[2024,2021-05]", "2021-05-01", "2024-12-31"),
        ("[2023..2025]", "2023-01-01", "2025-12-31"),
        ("{2023,2025..2027-03}", "2023-01-01", "2027-03-31"),
        ("{..2023,2025}", "", "2025-12-31"),
        ("2024-21", "2024-03-01", "2024-05-31"),
        ("2024-22", "2024-06-01", "2024-08-31"),
        ("2024-23", "2024-09-01", "2024-11-30"),
        ("2024-24", "2024-12-01", "2025-02-28"),
        ("2023-24", "2023-12-01", "2024-02-29"),
        ("9999-24", "9999-12-01", "9999-12-31"),
    ],
)
def test_a_date_covers_every_day_it_can_mean(text, first, last):
    assert parse_edtf(text) == Edtf(text, day(first), day(last), uncertain=False, approximate=False)


@pytest.mark.parametrize(
    ("text", "uncertain", "approximate"),
    [
        ("2034?", True, False),
        ("2024-06~", False, True),
        ("2024-06-05%", True, True),
        ("2024-21?", True, False),
        ("2024?/2025~", True, True),
        ("[2023?,2024]", True, False),
        ("../2024~", False, True),
    ],
)
def test_a_doubt_anywhere_makes_the_whole_date_doubtful(text, uncertain, approximate):
    read = parse_edtf(text)

    assert (read.uncertain, read.approximate) == (uncertain, approximate)


def test_a_doubt_does_not_change_the_days():
    assert parse_edtf("2034?").first == date(2034, 1, 1)
    assert parse_edtf("2034?").last == date(2034, 12, 31)


NOT_DATES = [
    "", " ", "2024 ", " 2024", "2024\n", "2024- 06", "2024 / 2025", "2024\x00", "\x00", "\ud800", "null", "June 2024",
    "24", "20245", "2024-6", "2024-13", "2024-00", "2024-02-30", "2023-02-29", "2024-06-31", "2024-06-00",
    "0000", "0000-01-01", "-0044", "Y12024", "1_000", "２０２４", "٢٠٢٤", "2024-0६",
    "202x", "2024-xx", "20X4", "X024", "XXXX-06", "202X-06", "202X-XX", "2024-XX-05", "2024-1X", "2024-06-1X",
    "2024-20", "2024-25", "2024-21-05", "2024??", "?2024", "2024?-06",
    "2025/2024", "2024-07/2024-06-30", "/", "..", "2024/2025/2026", "2024/2025..",
    "[2025..2024]", "[]", "[..]", "[2024", "2024]", "[2024}", "[2023,,2024]", "[2023,2024..,2025]", "[2023,..2024]",
    "[2023...2024]", "[2023..2024..2025]", "[2023/2024]", "[[2023]]", "[2023, 2024]", "[2023]?",
    "2024-06-05T10:00:00Z", "20240605", "2024-W23", "2024-157",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_DATES, ids=ascii)
def test_what_is_not_a_date_is_refused_with_advice(text):
    with pytest.raises(BadDate) as refused:
        parse_edtf(text)

    assert refused.value.detail.startswith(repr(text))
    assert "Allowed" in refused.value.detail
    assert "for example 2024-06." in refused.value.detail
    refused.value.detail.encode()


@pytest.mark.parametrize("parse", [parse_edtf, parse_day, first_day, parse_duration, parse_moment])
def test_an_over_long_date_is_refused_without_repeating_it(parse):
    with pytest.raises(BadDate, match="100000 characters; 64 are the most") as refused:
        parse("[" + "2" * 99_999)

    assert len(refused.value.detail) < 800


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2024-13", "has no month 13"),
        ("2024-02-30", "a day 30 that its month does not have"),
        ("0000", "the year 0000"),
        ("2025/2024", "runs backwards"),
        ("202X-06", "after digits that are not known"),
        ("/", "says nothing"),
    ],
)
def test_a_refusal_says_what_is_wrong_with_this_very_date(text, why):
    with pytest.raises(BadDate, match=why):
        parse_edtf(text)


@unhurried
@given(st.text(st.sampled_from("0123456789X-/.,?~%[]{} TZ２"), max_size=24) | st.text(max_size=70))
@example("[" * 64)
def test_any_text_is_either_a_date_whose_days_are_in_order_or_refused(text):
    try:
        read = parse_edtf(text)
    except BadDate:
        return

    assert read.text == text
    assert read.first is None or read.last is None or read.first <= read.last


# ---- the `edtf` library tells what a date means, where we mean the same
#
# Left out, because the library differs: XXXX (it has a year 0; ours is unknown), 000X (likewise), winter (it ends it on
# December 31st), seasons with a doubt, sets of months and of one (it refuses them), intervals with an unknown side (it
# adds ten years), `/..` (it raises a TypeError), `%` (it reports neither doubt), intervals that run backwards (it takes
# them).

years = st.integers(1, 9999)
months = st.builds("{:04d}-{:02d}".format, years, st.integers(1, 12))
days = st.dates().map(date.isoformat)
plain = st.one_of(years.map("{:04d}".format), months, days)
unknown = st.one_of(
    st.integers(1, 999).map("{:03d}X".format),
    st.integers(1, 99).map("{:02d}XX".format),
    years.map("{:04d}-XX".format),
    years.map("{:04d}-XX-XX".format),
    months.map("{}-XX".format),
)
seasons = st.builds("{:04d}-{}".format, years, st.integers(21, 23))
doubtful = st.builds("{}{}".format, plain, st.sampled_from("?~"))
forwards = st.tuples(plain, plain).map(sorted)
intervals = forwards.map("/".join)
open_intervals = st.one_of(plain.map("{}/..".format), plain.map("../{}".format))
year_sets = st.lists(years.map("{:04d}".format), min_size=2, max_size=4).map(sorted).map(lambda y: f"[{','.join(y)}]")


def as_date(moment: struct_time | float) -> date | None:
    return date(*moment[:3]) if isinstance(moment, struct_time) else None


@unhurried
@given(st.one_of(plain, unknown, seasons, doubtful, intervals, open_intervals, year_sets))
def test_a_date_means_what_the_edtf_library_says_it_means(text):
    theirs = edtf.parse_edtf(text)
    ours = parse_edtf(text)

    assert (ours.first, ours.last) == (as_date(theirs.lower_strict()), as_date(theirs.upper_strict()))
    if isinstance(theirs, edtf.UncertainOrApproximate):
        assert (ours.uncertain, ours.approximate) == (theirs.is_uncertain, theirs.is_approximate)


# ---- plain days


def test_a_filter_takes_a_day_a_month_or_a_year_as_its_first_day():
    assert first_day("2024-06-05") == date(2024, 6, 5)
    assert first_day("2024-06") == date(2024, 6, 1)
    assert first_day("2024") == date(2024, 1, 1)


@pytest.mark.parametrize(
    "text", ["", "2024?", "202X", "2024-21", "2024/2025", "2024-06-31", "0000", "٢٠٢٤", "2024\n", " 2024"]
)
def test_a_filter_takes_no_other_date(text):
    with pytest.raises(BadDate, match="for example 2024-06-05, 2024-06 or 2024"):
        first_day(text)


@pytest.mark.parametrize(
    "text", ["2024", "2024-06", "20240605", "2024-W23-3", "2024-06-5", "2024-06-31", "2024-06-05T00:00:00Z"]
)
def test_a_day_is_written_in_one_way(text):
    with pytest.raises(BadDate, match="for example 2024-06-05"):
        parse_day(text)


@unhurried
@given(st.dates())
def test_a_day_comes_back_from_its_text_and_from_its_number(some_day):
    assert parse_day(some_day.isoformat()) == some_day
    assert from_day_number(day_number(some_day)) == some_day


def test_days_are_counted_from_1970():
    assert day_number(date(1970, 1, 1)) == 0
    assert day_number(date(1969, 12, 31)) == -1
    assert day_number(date(2024, 6, 5)) == 19879


@pytest.mark.parametrize("number", [2**31, -(2**31), 2**63, -(10**30)])
def test_a_day_number_outside_the_calendar_is_refused(number):
    with pytest.raises(BadDate, match="0001 to 9999"):
        from_day_number(number)


# ---- durations


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P10Y", Duration(years=10)),
        ("P1Y6M", Duration(years=1, months=6)),
        ("P2W", Duration(weeks=2)),
        ("P90D", Duration(days=90)),
        ("P1Y2M3W4D", Duration(1, 2, 3, 4)),
        ("P0D", Duration()),
    ],
)
def test_a_term_is_years_months_weeks_and_days(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "10Y", "P1", "PY", "P1.5Y", "P1,5Y", "-P1Y", "P-1Y", "PT5M", "P1YT5M", "P1M1Y", "p1y", "P１Y", "P1_0Y",
        "P1Y ", "P1Y\n",
    ],
)  # fmt: skip
def test_what_is_not_a_term_is_refused_with_advice(text):
    with pytest.raises(BadDate, match="Allowed are whole years, months, weeks and days") as refused:
        parse_duration(text)

    assert repr(text) in refused.value.detail
    assert "for example P10Y" in refused.value.detail


@pytest.mark.parametrize(
    ("start", "term", "end"),
    [
        ("2024-06-13", "P10Y", "2034-06-13"),
        ("2024-01-31", "P1M", "2024-02-29"),
        ("2023-01-31", "P1M", "2023-02-28"),
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2024-12-15", "P1M", "2025-01-15"),
        ("2024-01-31", "P1M1D", "2024-03-01"),
        ("2024-06-05", "P2W", "2024-06-19"),
        ("2024-06-05", "P0D", "2024-06-05"),
    ],
)
def test_a_term_ends_on_a_day_that_its_month_has(start, term, end):
    assert add(date.fromisoformat(start), parse_duration(term)) == date.fromisoformat(end)


@unhurried
@given(st.dates(), st.builds(Duration, *[st.integers(0, 999_999)] * 3, st.integers(0, 9_999_999)))
@example(date.max, Duration(days=1))
def test_a_term_either_ends_later_or_is_refused(start, term):
    try:
        end = add(start, term)
    except BadDate:
        return

    assert end >= start


# ---- moments


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-06-05T10:00:00Z", datetime(2024, 6, 5, 10, tzinfo=UTC)),
        ("2024-06-05t10:00:00z", datetime(2024, 6, 5, 10, tzinfo=UTC)),
        ("2024-06-05 10:00:00Z", datetime(2024, 6, 5, 10, tzinfo=UTC)),
        ("2024-06-05T10:00:00", datetime(2024, 6, 5, 10, tzinfo=UTC)),
        ("2024-06-05T10:00:00+02:00", datetime(2024, 6, 5, 8, tzinfo=UTC)),
        ("2024-06-05T22:30:00-05:30", datetime(2024, 6, 6, 4, tzinfo=UTC)),
        ("2024-06-05T10:00:00.5Z", datetime(2024, 6, 5, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2024-06-05T10:00:00.123456789Z", datetime(2024, 6, 5, 10, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_a_timestamp_is_a_moment_in_utc(text, moment):
    read = parse_moment(text)

    assert read == moment
    assert isinstance(read, datetime)
    assert read.utcoffset() == timedelta(0)


def test_a_day_stays_a_day():
    read = parse_moment("2024-06-05")

    assert read == date(2024, 6, 5)
    assert not isinstance(read, datetime)


@pytest.mark.parametrize(
    "text",
    [
        "", "2024", "2024-06", "2024-06-31", "20240605T100000Z", "1717581600", "now", "0000-01-01T00:00:00Z",
        "2024-06-05T10:00", "2024-06-05T24:00:00Z", "2024-06-05T10:60:00Z", "2024-06-05T10:00:00Z\n",
        "2024-06-05T10:00:00+24:00", "2024-06-05T10:00:00+02:60", "2024-06-05T10:00:00+0200",
        "2024-06-05T10:00:00 +02:00", "2024-06-05T10:00:00−02:00", "2024-06-05T10:00:00.Z", "2024-06-05T10:00:00,5Z",
        "２０２４-06-05T10:00:00Z", "2024-06-05T1０:00:00Z",
    ],
)  # fmt: skip
def test_what_is_not_a_moment_is_refused_with_advice(text):
    with pytest.raises(BadDate, match=r"for example 2024-06-05 or 2024-06-05T10:00:00Z\.") as refused:
        parse_moment(text)

    assert refused.value.detail.startswith(repr(text))


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-00:01"])
def test_a_moment_that_leaves_the_calendar_on_its_way_to_utc_is_refused(text):
    with pytest.raises(BadDate, match="outside the years 0001 to 9999 in UTC"):
        parse_moment(text)


def test_a_leap_second_is_refused_with_what_to_write_instead():
    with pytest.raises(BadDate, match="leap second, which our clock does not count; use second 59"):
        parse_moment("2016-12-31T23:59:60Z")


def test_an_offset_whose_plus_became_a_space_is_explained():
    with pytest.raises(BadDate, match=re.escape("write the + of an offset as %2B")):
        parse_moment("2024-06-05T10:00:00 02:00")


@unhurried
@given(st.text(st.sampled_from("0123456789-+:.TZ ２"), max_size=36) | st.text(max_size=70))
def test_any_text_is_either_a_moment_or_refused(text):
    with suppress(BadDate):
        assert isinstance(parse_moment(text), date)


@unhurried
@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_from_its_text(moment):
    assert parse_moment(rfc3339(moment)) == moment


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2024, 6, 5, 8, tzinfo=UTC), "2024-06-05T08:00:00Z"),
        (datetime(2024, 6, 5, 8, 0, 0, 1500, tzinfo=UTC), "2024-06-05T08:00:00.001500Z"),
        (datetime(2024, 6, 5, 10, tzinfo=timezone(timedelta(hours=2))), "2024-06-05T08:00:00Z"),
        (datetime(2024, 6, 5, 8), "2024-06-05T08:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_a_moment_is_written_in_utc(moment, text):
    assert rfc3339(moment) == text


def test_the_clock_is_in_utc():
    assert utc_now().utcoffset() == timedelta(0)
