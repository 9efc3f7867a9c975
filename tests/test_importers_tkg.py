"""Temporal knowledge graphs: the same facts by name, in plain text and by number."""

from __future__ import annotations

import io
from datetime import date

import pytest

from app.importers import tkg
from app.importers.base import FileRefused, Notes, Party
from app.times import day_number
from tests.importers.reading import DATA, cells, count, own, read_bytes, read_path, real


def own_maps(unit: tkg.Unit = "day", origin: date = date(2031, 3, 1)) -> tkg.Maps:
    entities, relations = own("tkg-entity2id.txt"), own("tkg-relation2id.txt")
    return tkg.maps(io.BytesIO(entities), io.BytesIO(relations), origin=origin, unit=unit)


def real_maps(name: str, origin: date) -> tkg.Maps:
    real(f"tkg/{name}/entity2id.txt")
    with (
        open(DATA / f"tkg/{name}/entity2id.txt", "rb") as entities,
        open(DATA / f"tkg/{name}/relation2id.txt", "rb") as relations,
    ):
        return tkg.maps(entities, relations, origin=origin)


def test_a_fact_has_two_actors_words_and_a_day():
    fact = read_bytes(tkg, own("tkg-named.tsv")).coded[3]

    assert fact.initiator == Party("Foreign Affairs (Namibia)", None, "NA")
    assert fact.recipient == Party("Japan", None, "JP")
    assert (fact.label, fact.code, fact.first, fact.last) == ("Consult", None, *[day_number(date(2031, 3, 2))] * 2)


def test_the_three_layouts_of_one_dataset_give_the_same_facts():
    named = read_bytes(tkg, own("tkg-named.tsv")).coded[:14]

    assert read_bytes(tkg, own("tkg-plain.txt")).coded == named
    assert read_bytes(tkg, own("tkg-numbered.txt"), maps=own_maps()).coded == named


def test_the_same_fact_twice_has_the_same_key_and_its_mirror_another():
    facts = read_bytes(tkg, own("tkg-named.tsv")).coded

    assert facts[8].native == facts[11].native
    assert facts[1].native != facts[2].native
    assert facts[6].initiator == facts[6].recipient


def test_hostile_rows_of_named_facts_are_refused():
    reading = read_bytes(tkg, own("tkg-named.tsv"))

    assert reading.reasons == [
        (17, "bad-date"),
        (18, "missing-value"),
        (19, "bad-date"),
        (20, "missing-column"),
        (21, "extra-column"),
    ]
    assert reading.notes == {"header-repeated": 1, "empty-trailing-columns": 1}


def test_hostile_rows_of_numbers_are_refused():
    reading = read_bytes(tkg, own("tkg-numbered.txt"), maps=own_maps())

    assert reading.reasons == [
        (15, "unknown-id"),
        (16, "unknown-id"),
        (17, "bad-date"),
        (18, "bad-date"),
        (19, "missing-column"),
        (20, "extra-column"),
    ]
    assert reading.notes == {"fifth-column-ignored": 1}


@pytest.mark.parametrize(
    ("unit", "step", "day"),
    [
        ("minute", "1440", "2020-02-01"),
        ("quarter-hour", "96", "2020-02-01"),
        ("hour", "47", "2020-02-01"),
        ("day", "30", "2020-03-01"),
        ("week", "1", "2020-02-07"),
        ("month", "1", "2020-02-29"),
        ("year", "1", "2021-01-31"),
        ("year", "9000", None),
        ("day", "-1", None),
        ("day", "٣", None),
    ],
)
def test_a_time_step_is_a_day_of_the_calendar(unit: tkg.Unit, step: str, day: str | None):
    origin = date(2020, 1, 31)

    assert own_maps(unit, origin).day(step) == day


def test_a_map_that_gives_a_number_twice_is_refused():
    with pytest.raises(FileRefused, match="Line 2 of entity2id gives the number 0 a second time"):
        tkg.maps(io.BytesIO(b"A\t0\nB\t0\n"), io.BytesIO(b"r\t0\n"), origin=date(2020, 1, 1))


def test_a_map_may_hold_a_spreadsheets_quotation_marks():
    entities = io.BytesIO(b'"Ann_""Anna""_Example"\t0\r\n"Odd" name\t1\r\n')

    maps = tkg.maps(entities, io.BytesIO(b"r\t0\n"), origin=date(2020, 1, 1))

    assert maps.entities == {"0": 'Ann_"Anna"_Example', "1": '"Odd" name'}


def test_a_map_that_is_something_else_is_refused():
    with pytest.raises(FileRefused, match="Line 1 of relation2id"):
        tkg.maps(io.BytesIO(b"A\t0\n"), io.BytesIO(b"relation,number\n"), origin=date(2020, 1, 1))


def test_a_header_without_dates_is_refused():
    reading = read_bytes(tkg, b"subject\trelation\tdate\nA\tb\t2020-01-01\n")

    assert reading.reasons == [(1, "missing-column")]


@pytest.mark.parametrize(("name", "facts"), [("icews14", 90_730), ("icews05-15", 461_329)])
def test_every_real_fact_is_read(name: str, facts: int):
    path = real(f"tkg/{name}/facts.tsv.gz")
    rows = cells(path, "\t")[1:]

    reading = read_path(tkg, path)

    assert len(reading.coded) == len(rows) == facts
    assert reading.refused == []
    assert len({each.native for each in reading.coded}) == len({tuple(row[:4]) for row in rows})
    assert count([each.label for each in reading.coded]) == count([row[1].replace("_", " ") for row in rows])
    assert sum(each.initiator == each.recipient for each in reading.coded) == sum(row[0] == row[2] for row in rows)


def test_real_numbers_stand_for_the_facts_of_the_named_file():
    path = real("tkg/icews14/ids_test.txt.gz")
    named = {each.native for each in read_path(tkg, real("tkg/icews14/facts.tsv.gz")).coded}

    # This one counts from 1.
    reading = read_path(tkg, path, maps=real_maps("icews14", date(2013, 12, 31)))

    assert len(reading.coded) == len(cells(path, "\t")) == 7371
    assert reading.refused == []
    assert {each.native for each in reading.coded} <= named


def test_real_numbers_may_count_from_zero():
    path = real("tkg/icews05-15/ids_valid.txt.gz")
    steps = [int(row[3]) for row in cells(path, "\t")]

    reading = read_path(tkg, path, maps=real_maps("icews05-15", date(2005, 1, 1)))

    assert len(reading.coded) == len(steps)
    assert [each.first for each in reading.coded] == [day_number(date(2005, 1, 1)) + step for step in steps]


def test_real_plain_facts_are_read():
    path = real("tkg/icews14/mmkb_icews_2014_test.txt.gz")
    rows = cells(path, "\t")

    reading = read_path(tkg, path)

    assert len(reading.coded) == len(rows) == 8963
    assert {each.initiator.name for each in reading.coded} == {row[0] for row in rows}


def test_a_no_break_space_is_part_of_a_name():
    (row,) = tkg.read(io.BytesIO("Jean\u00a0Invented\tThreaten\tPoland\t2031-03-01\n".encode()), Notes())

    assert tkg.translate(row).initiator.name == "Jean\u00a0Invented"
