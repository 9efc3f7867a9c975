"""Importers under fire: whatever the bytes, there are rows, meanings and refusals, and nothing else."""

from __future__ import annotations

import io
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.importers import acled, gdelt, gdelt_mentions, icews, polecat, tkg, ucdp
from app.importers.base import NOTES, REASONS, Coded, FileRefused, Mention, Notes, Refused, Row
from app.importers.detect import Detected, detect
from app.times import day_number
from tests.importers.reading import own

FILES: list[tuple[ModuleType, str]] = [
    (icews, "icews.tab"),
    (tkg, "tkg-named.tsv"),
    (tkg, "tkg-plain.txt"),
    (gdelt, "gdelt-2.CSV"),
    (gdelt, "gdelt-1.CSV"),
    (gdelt_mentions, "gdelt-mentions.CSV"),
    (gdelt_mentions, "gdelt-mentions-header.csv"),
    (polecat, "polecat.txt"),
    (acled, "acled.csv"),
    (ucdp, "ucdp.csv"),
]
FIRST, LAST = day_number(date.min), day_number(date.max)
SPICE = [
    b"\t",
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    "٣".encode(),
    b"nan",
    b"-",
    b"1e400",
    b"NA",
    b";",
    b"_",
    b"()",
]
CALM = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def check(module: ModuleType, content: bytes, **companions: Any) -> None:
    notes = Notes()
    line = 0
    for row in module.read(io.BytesIO(content), notes, **companions):
        assert isinstance(row, Row | Refused)
        assert row.line > line
        line = row.line
        assert len(row.text) <= 2000
        sound(row if isinstance(row, Refused) else module.translate(row))
    assert set(notes) <= set(NOTES)


def sound(meaning: object) -> None:
    assert isinstance(meaning, Coded | Mention | Refused)
    if isinstance(meaning, Refused):
        assert meaning.reason in REASONS
        assert meaning.detail.endswith((".", "!"))
    elif isinstance(meaning, Coded):
        assert meaning.native
        assert FIRST <= meaning.first <= meaning.last <= LAST
        assert meaning.weight >= 1
        assert meaning.intensity is None or -10 <= meaning.intensity <= 10
        assert (meaning.latitude is None) == (meaning.longitude is None)
        assert meaning.quad in (None, 1, 2, 3, 4)
        for party in (meaning.initiator, meaning.recipient):
            assert party is None or party.country is None or len(party.country) == 2


@pytest.mark.parametrize(("module", "name"), FILES)
@given(
    content=st.binary(max_size=400)
    | st.lists(st.sampled_from([*SPICE, b"2031-03-01", b"20310301", b"1"])).map(b"".join)
)
@CALM
def test_any_bytes_are_rows_or_refusals(module: ModuleType, name: str, content: bytes):
    check(module, content)
    check(module, own(name).split(b"\n")[0] + b"\n" + content)


@pytest.mark.parametrize(("module", "name"), FILES)
@given(
    changes=st.lists(
        st.tuples(
            st.floats(0, 1, exclude_max=True), st.sampled_from(SPICE) | st.binary(max_size=3), st.integers(0, 30)
        ),
        min_size=1,
        max_size=12,
    )
)
@CALM
def test_our_own_rows_damaged_are_rows_or_refusals(
    module: ModuleType, name: str, changes: list[tuple[float, bytes, int]]
):
    content = own(name)
    for where, what, length in changes:
        at = int(where * len(content))
        content = content[:at] + what + content[at + length :]

    check(module, content)


@pytest.mark.parametrize("module", [icews, tkg, gdelt, gdelt_mentions, polecat, acled, ucdp])
@given(data=st.data())
@CALM
def test_any_cells_are_a_meaning_or_a_refusal(module: ModuleType, data: st.DataObject):
    columns = data.draw(st.sampled_from([len(each.columns) for each in module.FACTS.layouts] + [0, 1, 100]))
    cell = (
        st.none()
        | st.text(max_size=12)
        | st.sampled_from(["1", "2031-03-01", "20310301", "20310301120000", "010", "-1", "0.0"])
    )
    fields = tuple(data.draw(st.lists(cell, min_size=columns, max_size=columns)))

    sound(module.translate(Row(1, fields, "")))


@given(content=st.binary(max_size=300), unit=st.sampled_from(["minute", "day", "week", "month", "year"]))
@CALM
def test_any_numbers_are_facts_or_refusals(content: bytes, unit: tkg.Unit):
    maps = tkg.Maps({"0": "Poland", "1": "Japan"}, {"0": "Demand"}, date(2031, 1, 31), unit)

    check(tkg, content, maps=maps)
    check(tkg, b"0\t0\t1\t" + content, maps=maps)


@given(head=st.binary(max_size=300) | st.lists(st.sampled_from(SPICE)).map(b"".join))
@CALM
def test_any_beginning_is_known_or_refused(head: bytes):
    try:
        found = detect(head, "file")
    except FileRefused:
        return
    assert isinstance(found, Detected)


@pytest.mark.parametrize(("module", "name"), FILES)
def test_a_file_cut_anywhere_is_read_up_to_there(module: ModuleType, name: str):
    content = own(name)

    for at in range(0, len(content), 97):
        check(module, content[:at])
