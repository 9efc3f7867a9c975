"""POLECAT: what its rows mean, in either encoding and with the columns that some files add."""

from __future__ import annotations

from datetime import date

from app.importers import polecat
from app.importers.base import Party
from app.times import day_number
from tests.importers.reading import own, read_bytes

MARCH_1 = day_number(date(2031, 3, 1))


def test_a_row_says_who_did_what_to_whom_in_plovers_words():
    event = read_bytes(polecat, own("polecat.txt")).coded[0]

    assert (event.plover, event.mode, event.contexts, event.quad) == ("CONSULT", "visit", ("diplomatic", "military"), 1)
    assert (event.intensity, event.code, event.kind) == (4.0, None, None)
    assert event.initiator == Party("Ada Probewicz", "Ada_Probewicz", "PL", ("GOV", "ELI"))
    assert event.recipient == Party("the ministry", None, "NA", ("GOV",))
    assert (event.first, event.last, event.reported) == (MARCH_1, MARCH_1, MARCH_1 + 1)
    assert (event.country, event.place, event.publisher) == ("NA", "Windhoek", "L’Inventé")


def test_an_event_with_two_recipients_is_two_rows_with_two_keys():
    first, second = read_bytes(polecat, own("polecat.txt")).coded[:2]

    assert first.native.split("@")[0] == second.native.split("@")[0] == "INV00001"
    assert first.native != second.native


def test_none_is_nothing():
    events = read_bytes(polecat, own("polecat.txt")).coded

    assert (events[3].recipient, events[3].contexts, events[3].place) == (None, (), "Khomas")
    assert (events[4].initiator, events[4].country, events[4].latitude) == (None, None, None)
    assert (events[2].mode, events[2].quad, events[2].contexts) == (None, 4, ("gender", "human_rights"))


def test_a_country_is_a_code_or_a_name_and_a_body_of_many_is_none():
    events = read_bytes(polecat, own("polecat.txt")).coded

    assert [each.initiator.country for each in events[5:8]] == [None, "NA", "XK"]


def test_hostile_rows_are_refused():
    reading = read_bytes(polecat, own("polecat.txt"))

    assert len(reading.coded) == 12
    assert [reason for _, reason in reading.reasons] == [
        "bad-id", "bad-id", "bad-date", "bad-code", "bad-number", "bad-number", "bad-coordinate", "bad-date",
        "missing-column",
    ]  # fmt: skip
    assert reading.notes == {"empty-trailing-columns": 1}


def test_lines_in_the_older_encoding_are_read_and_counted():
    lines = own("polecat.txt").split(b"\n")
    lines[11] = lines[11].decode().replace("’", "'").encode("iso-8859-1")

    reading = read_bytes(polecat, b"\n".join(lines))

    assert reading.coded[10].initiator.name == "Société Générale d'Invention"
    assert reading.coded[0].publisher == "L’Inventé"
    assert reading.notes["fallback-encoding"] == 1


def test_more_columns_and_another_name_for_intensity_are_taken():
    header, rest = own("polecat.txt").decode().split("\n", 1)
    header = "Headline\t" + header.replace("\tIntensity\t", "\tEvent Intensity\t")
    rest = "\n".join(["A headline\t" + line for line in rest.split("\n") if line])

    reading = read_bytes(polecat, f"{header}\n{rest}\n".encode())

    assert reading.coded == read_bytes(polecat, own("polecat.txt")).coded
    assert reading.notes["extra-columns-ignored"] == 1


def test_a_file_without_its_header_is_read_all_the_same():
    reading = read_bytes(polecat, own("polecat.txt").split(b"\n", 1)[1])

    assert len(reading.coded) == 12
    assert reading.notes["header-missing"] == 1
