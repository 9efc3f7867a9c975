"""Lines and rows: line ends, encodings, row lengths and quoting, and how much memory reading takes."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from pathlib import Path

import pytest

from app.importers import acled, gdelt, icews, polecat, tkg
from app.importers.base import Notes, Refused
from app.importers.lines import blocks, records
from app.importers.opening import open_file
from tests.importers.reading import own, read_bytes, read_path

FACT = b"Poland\tDemand\tNamibia\t2031-03-01"


class Trickle(io.BytesIO):
    """A file that gives a few bytes at a time, as a slow archive may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(7, size or 7))


def texts(content: bytes, *encodings: str) -> tuple[list[tuple[int, str]], dict[str, int]]:
    notes = Notes()
    lines: list[tuple[int, str]] = []
    for block in blocks(io.BytesIO(content), notes, encodings or ("utf-8",)):
        if isinstance(block, Refused):
            lines.append((block.line, block.reason))
        else:
            lines.extend(enumerate(block.texts, block.line))
    return lines, dict(notes)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_as_they_like(end: bytes, last: bool):
    content = end.join([b"one", b"two", b"", b"four"]) + (end if last else b"")

    lines, _ = texts(content)

    assert lines == [(1, "one"), (2, "two"), (3, ""), (4, "four")]


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
@pytest.mark.parametrize(
    ("module", "name"), [(icews, "icews.tab"), (gdelt, "gdelt-2.CSV"), (polecat, "polecat.txt"), (tkg, "tkg-named.tsv")]
)
def test_a_file_means_the_same_with_other_line_ends(module, name: str, end: bytes):
    reading = read_bytes(module, own(name).replace(b"\n", end))

    assert reading.coded == read_bytes(module, own(name)).coded
    assert reading.reasons == read_bytes(module, own(name)).reasons
    assert reading.notes["carriage-returns"] > 0


@pytest.mark.parametrize(("module", "name"), [(icews, "icews.tab"), (gdelt, "gdelt-1.CSV"), (acled, "acled.csv")])
def test_a_byte_order_mark_is_skipped(module, name: str):
    reading = read_bytes(module, b"\xef\xbb\xbf" + own(name))

    assert reading.coded == read_bytes(module, own(name)).coded
    assert reading.notes["byte-order-mark"] == 1


@pytest.mark.parametrize(("module", "name"), [(icews, "icews.tab"), (acled, "acled.csv"), (gdelt, "gdelt-2.CSV")])
def test_a_file_that_comes_in_drops_means_the_same(module, name: str):
    content = b"\xef\xbb\xbf" + own(name).replace(b"\n", b"\r\n")

    slow = [each if isinstance(each, Refused) else module.translate(each) for each in module.read(Trickle(content))]
    fast = [each if isinstance(each, Refused) else module.translate(each) for each in module.read(io.BytesIO(content))]

    assert slow == fast


def test_a_carriage_return_inside_a_line_stays_there():
    lines, _ = texts(b"o\rne\ntwo\n")

    assert lines == [(1, "o\rne"), (2, "two")]


def test_a_line_that_is_no_utf_8_is_refused_and_the_next_is_read():
    reading = read_bytes(tkg, FACT + b"\nPol\xff\tDemand\tNamibia\t2031-03-01\n" + FACT + b"\n")

    assert reading.reasons == [(2, "bad-encoding")]
    assert len(reading.coded) == 2
    assert reading.refused[0].text == "Pol\\xff\tDemand\tNamibia\t2031-03-01"
    assert "position 3" in reading.refused[0].detail


def test_a_fallback_encoding_is_for_the_damaged_line_alone():
    lines, notes = texts("é\n".encode() + b"\xe9\n" + "é\n".encode(), "utf-8", "iso-8859-1")

    assert lines == [(1, "é"), (2, "é"), (3, "é")]
    assert notes == {"fallback-encoding": 1}


def test_a_character_that_was_lost_before_is_counted():
    reading = read_bytes(tkg, FACT + b"\n" + FACT.replace(b"Poland", "Pol\ufffdnd".encode()))

    assert len(reading.coded) == 2
    assert reading.notes == {"replacement-character": 1}


def test_a_nul_byte_refuses_its_line_alone():
    reading = read_bytes(tkg, FACT + b"\nPol\0and\tDemand\tNamibia\t2031-03-01\n" + FACT)

    assert reading.reasons == [(2, "nul-byte")]
    assert reading.refused[0].text.startswith("Pol\\0and")
    assert len(reading.coded) == 2


def test_utf_16_is_refused_with_a_word_of_advice():
    reading = read_bytes(icews, own("icews.tab").decode().encode("utf-16"))

    assert reading.reasons == [(1, "bad-encoding")]
    assert "Save it as UTF-8" in reading.refused[0].detail


def test_blank_lines_are_skipped_and_counted():
    reading = read_bytes(tkg, b"\n" + FACT + b"\n\n\n" + FACT + b"\n")

    assert len(reading.coded) == 2
    assert reading.notes == {"blank-line": 3}


@pytest.mark.parametrize(
    ("module", "name"), [(icews, "icews.tab"), (tkg, "tkg-plain.txt"), (gdelt, "gdelt-2.CSV"), (acled, "acled.csv")]
)
def test_a_row_of_ten_megabytes_is_refused_and_the_next_is_read(module, name: str):
    lines = own(name).split(b"\n")
    content = b"\n".join([lines[0], b"9" * 10_000_000, *lines[1:]])

    reading = read_bytes(module, content)

    assert reading.reasons[0] == (2, "row-too-long")
    assert len(reading.refused[0].text) == 2000
    assert reading.coded == read_bytes(module, own(name)).coded


def test_a_row_of_a_little_more_than_a_megabyte_is_refused_too():
    reading = read_bytes(tkg, FACT + b"\n" + b"x" * 1_000_001 + b"\n" + FACT + b"\n")

    assert reading.reasons == [(2, "row-too-long")]
    assert len(reading.coded) == 2


@pytest.mark.parametrize("first", [b"", FACT + b"\n"])
def test_a_file_that_never_ends_its_line_takes_no_memory(first: bytes):
    class Endless(io.RawIOBase):
        sent = 0

        def read(self, size: int = -1, /) -> bytes:
            Endless.sent += size
            return first if Endless.sent == size and first else b"x" * size if Endless.sent < 30_000_000 else b""

    tracemalloc.start()
    outcomes = list(tkg.read(Endless()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [each.reason for each in outcomes if isinstance(each, Refused)] == ["row-too-long"]
    assert peak < 8_000_000


def test_a_quotation_mark_that_never_closes_takes_no_memory():
    content = own("acled.csv").split(b"\n")[0] + b'\nNAM1,"' + b"2031-03-01,\n" * 100_000

    tracemalloc.start()
    reasons = [each.reason for each in acled.read(io.BytesIO(content)) if isinstance(each, Refused)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert reasons[0] == "bad-quoting"
    assert len(reasons) == 100_000
    assert peak < 100_000_000


def test_memory_does_not_grow_with_the_file(tmp_path: Path):
    path = tmp_path / "many.CSV.gz"
    row = own("gdelt-2.CSV").split(b"\n")[0]
    with gzip.open(path, "wb", compresslevel=1) as file:
        for at in range(10_000):
            file.write(row.replace(b"9000000001", str(at).encode()) + b"\n")

    tracemalloc.start()
    with open_file(path) as opened:
        rows = sum(not isinstance(gdelt.translate(each), Refused) for each in gdelt.read(opened))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert rows == 10_000
    assert peak < 6_000_000


def test_records_keep_their_line_and_their_text():
    content = b'a,b\n1,"two\nlines"\n3,4\n'

    found = list(records(io.BytesIO(content), Notes(), ",", quoted=True))

    assert [(each.line, each.cells, each.text) for each in found if not isinstance(each, Refused)] == [
        (1, ["a", "b"], "a,b"),
        (2, ["1", "two\nlines"], '1,"two\nlines"'),
        (4, ["3", "4"], "3,4"),
    ]


@pytest.mark.parametrize(
    ("content", "refused"),
    [(b'a,b\n"x"y,1\n2,3\n', 2), (b'a,b\n2,3\n1,"open\n', 3), (b'a,b\n1,"\xff"\n2,3\n', 2)],
)
def test_a_broken_record_is_refused_and_the_others_are_read(content: bytes, refused: int):
    found = list(records(io.BytesIO(content), Notes(), ",", quoted=True))

    assert [each.line for each in found if isinstance(each, Refused)] == [refused]
    assert [each.cells for each in found if not isinstance(each, Refused)] == [["a", "b"], ["2", "3"]]


def test_a_packed_file_means_what_the_plain_one_means(tmp_path: Path):
    (tmp_path / "packed").write_bytes(gzip.compress(own("icews.tab")))
    (tmp_path / "plain").write_bytes(own("icews.tab"))

    assert read_path(icews, tmp_path / "packed") == read_path(icews, tmp_path / "plain")


def test_many_enormous_names_are_not_remembered():
    # Of its own making each time, so that nothing but the importer could keep them.
    content = (b"%d" % at + b"x" * 400_000 + b"\tDemand\tNamibia\t2031-03-01\n" for at in range(60))

    class Rows(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            return next(content, b"")

    tracemalloc.start()
    facts = sum(not isinstance(tkg.translate(row), Refused) for row in tkg.read(Rows()) if not isinstance(row, Refused))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert facts == 60
    assert peak < 12_000_000


def test_what_a_report_shows_of_a_line_is_never_longer_than_it_says():
    reading = read_bytes(tkg, FACT + b"\n" + b"\0" * 5000 + b"\n")

    assert reading.reasons == [(2, "nul-byte")]
    assert len(reading.refused[0].text) == 2000


def test_a_refused_line_inside_a_quoted_cell_refuses_its_row():
    content = b'a,b\n1,"two\n\xff\nlines"\n\xff\n3,4\n\xff\n'

    found = list(records(io.BytesIO(content), Notes(), ",", quoted=True))

    assert [(each.line, isinstance(each, Refused)) for each in found] == [
        (1, False), (2, True), (5, True), (6, False), (7, True),
    ]  # fmt: skip
    assert "Line 3, inside a quoted cell of this row" in found[1].detail


def test_lines_that_are_all_refused_are_told_one_by_one():
    content = io.BytesIO(b"a,b\n" + b"\xff\n" * 50_000)

    tracemalloc.start()
    told = sum(isinstance(each, Refused) for each in records(content, Notes(), ",", quoted=True))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert told == 50_000
    assert peak < 30_000_000
