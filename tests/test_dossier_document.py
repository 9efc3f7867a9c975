"""What a YAML or JSON file says, and what is refused before anybody looks at its meaning."""

from __future__ import annotations

import time

import pytest

from app.dossiers import document
from app.dossiers.document import Number, Scalar, plain, read
from app.errors import BadDossier, Fault
from tests.dossiers.arden import values


def refusal(data: bytes, **options: int) -> Fault:
    with pytest.raises(BadDossier) as refused:
        read(data, **options)
    (only,) = refused.value.errors
    assert only.where == "body"
    return only


def noted(data: bytes) -> Fault:
    (only,) = read(data).faults
    return only


@pytest.mark.parametrize(
    "written",
    ["no", "on", "yes", "2024-06-01", "12:30", "1_000", "010", "0123", "0x1F", "+5", "1e", "NaN", "=", "1.2.3"],
)
def test_a_plain_yaml_word_means_what_stands_there(written):
    assert plain(read(f"key: {written}\n".encode()).root) == {"key": written}


@pytest.mark.parametrize(
    ("written", "value"), [("null", None), ("~", None), ("", None), ("true", True), ("False", False)]
)
def test_only_null_and_booleans_are_special_words(written, value):
    assert plain(read(f"key: {written}\n".encode()).root) == {"key": value}
    assert plain(read(f"key: '{written}'\n".encode()).root) == {"key": written}


@pytest.mark.parametrize(("written", "value"), [("2024", 2024), ("-7", -7), ("0", 0), ("1.50", 1.5), ("2e3", 2000.0)])
def test_a_number_keeps_how_it_was_written(written, value):
    assert plain(read(f"key: {written}\n".encode()).root) == {"key": Number(value, written)}
    assert plain(read(f'{{"key": {written}}}'.encode()).root) == {"key": Number(value, written)}


def test_every_node_knows_its_line_and_column():
    tree = read("a: 1\nlonger:\n  - x\n  - {y: 'ü', z: w}\n".encode()).root

    item = tree.get("longer").items[1]
    assert (item.place.line, item.place.column) == (4, 5)
    assert (item.get("z").place.line, item.get("z").place.column) == (4, 17)
    assert (tree.entry("longer").key.place.line, tree.entry("longer").key.place.column) == (2, 1)


def test_columns_count_characters_and_not_bytes_after_a_byte_order_mark():
    for data in ("﻿'𝒜𝒷ü': {x: !t 1}".encode(), "'𝒜𝒷ü': {x: !t 1}".encode()):
        fault = refusal(data)
        assert (fault.line, fault.column) == (1, 12)
        assert "Tags are not allowed" in fault.detail


def test_json_is_read_as_json():
    tree = read(b'{\t"a": "\\ud83d\\ude00\\/\\u00e9",\n\t"b": [1, -2.5, true, null, {}],\r\n"c": "x"}').root

    assert values(b'{\t"a": "\\ud83d\\ude00\\/\\u00e9",\n\t"b": [1, -2.5, true, null, {}],\r\n"c": "x"}') == {
        "a": "😀/é",
        "b": [1, -2.5, True, None, {}],
        "c": "x",
    }
    assert (tree.get("b").items[1].place.line, tree.get("b").items[1].place.column) == (2, 11)


def test_braces_that_are_no_json_are_yaml():
    assert values(b"{a: no, b: [1, 2],}") == {"a": "no", "b": [1, 2]}
    assert values(b'{"a": no}') == {"a": "no"}


@pytest.mark.parametrize(
    ("data", "line", "column", "advice"),
    [
        (b'{"a": 1,\n "b" 2}', 2, 6, "Expected `:` here"),
        (b'{"a": 1\n "b": 2}', 2, 2, "Expected `,` or `}`"),
        (b'{"a": "x\\q"}', 1, 9, "not well-formed"),
        (b'{"a": [1, 2}', 1, 12, "Expected `,` or `]`"),
        (b'{"a": 1} {"b": 2}', 1, 10, "Something follows"),
        (b'{"a": "unclosed', 1, 7, "Unterminated string"),
        (b"a: [1, 2\nb: 3\n", 2, 2, "not well-formed YAML"),
        (b"a: 1\n  b: 2\n", 2, 4, "indentation"),
        (b"a: 'open\n", 2, 1, "quotes"),
        (b"a: 1\n\tb: 2\n", 2, 1, "not well-formed YAML"),
    ],
)
def test_bad_syntax_is_told_with_its_place(data, line, column, advice):
    fault = refusal(data)

    assert (fault.line, fault.column) == (line, column)
    assert advice in fault.detail


@pytest.mark.parametrize(
    ("data", "line", "column", "advice"),
    [
        (b"a: &x 1\nb: 2\n", 1, 4, "`&x` is an anchor. Anchors and aliases are not allowed"),
        (b"a: 1\nb: *x\n", 2, 4, "write the value out"),
        (b"a: !!python/object:os.system 1\n", 1, 4, "Tags are not allowed"),
        (b"a: ! 1\n", 1, 4, "Tags are not allowed"),
        (b"a: 1\n---\nb: 2\n", 2, 1, "A file holds one dossier"),
        (b"? [a, b]\n: 1\n", 1, 3, "A key must be a word"),
        (b"", 1, 1, "is empty"),
        (b"# nothing\n", 1, 1, "is empty"),
        (b"- a\n- b\n", 1, 1, "is not a mapping"),
        (b"a: b\xff", 1, 5, "not UTF-8"),
        ("a: b".encode("utf-16"), 1, 1, "not UTF-8"),
        (b"a: 1\nb: x\x00y\n", 2, 5, "U+0000 is a control character"),
        (b"a: \x1b[31m\n", 1, 4, "U+001B"),
        (b"a: " + b"[" * 60 + b"]" * 60, 1, 43, "nested deeper than 40"),
        (b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}", 1, 46, "nested deeper than 40"),
    ],
)
def test_what_could_harm_is_refused_with_its_place(data, line, column, advice):
    fault = refusal(data)

    assert (fault.line, fault.column) == (line, column)
    assert advice in fault.detail


@pytest.mark.parametrize(
    ("data", "name", "column", "advice"),
    [
        (b"a: 1\nb: 2\na: 3\n", "a", 1, "the first is at line 1, column 1"),
        (b'{"x": {"a": 1,\n\n"a": 3}}', "x.a", 1, "the first is at line 1, column 8"),
        (b"a:\n\n <<: {b: 1}\n", "a.<<", 2, "write its keys out"),
        (b"\n\na: 9223372036854775808\n", "a", 4, "64 bits"),
        (b"\n\na: -99999999999999999999999999999\n", "a", 4, "put it in quotes"),
        (b"\n\na: 1e400\n", "a", 4, "too large"),
        (b"\n\na: .inf\n", "a", 4, "not numbers"),
        (b"\n\na: -.Inf\n", "a", 4, "not numbers"),
        (b"\n\na: .nan\n", "a", 4, "not numbers"),
        (b'{"a":\n\nNaN}', "a", 1, "NaN and infinity are not numbers"),
        (b'{"a":\n\n-Infinity}', "a", 1, "Write null"),
        (b'{"a":\n\n1e400}', "a", 1, "too large"),
        (b'{"a":\n\n"\\ud800"}', "a", 1, "U+D800 is a lone surrogate"),
        (b'{"a":\n\n"x\\u0000"}', "a", 1, "U+0000"),
        (b'a:\n- 1\n- "\\0"\n', "a[1]", 3, "U+0000"),
    ],
)
def test_what_can_be_read_past_is_told_with_everything_else(data, name, column, advice):
    fault = noted(data)

    assert (fault.name, fault.line, fault.column) == (name, 3, column)
    assert advice in fault.detail


def test_the_largest_numbers_of_64_bits_are_numbers():
    assert values(b"a: 9223372036854775807\nb: -9223372036854775808\n") == {"a": 2**63 - 1, "b": -(2**63)}


def test_ten_megabytes_of_aliases_die_at_once():
    bomb = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"b: [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n" * 260_000
    began = time.perf_counter()

    too_large = refusal(bomb)
    at_the_anchor = refusal(bomb, most_bytes=20_000_000)
    at_the_alias = refusal(bomb[bomb.index(b"\n") + 1 :], most_bytes=20_000_000)

    assert time.perf_counter() - began < 1
    assert (too_large.line, too_large.column) == (1, 1)
    assert "at most 5,000,000 are allowed. Split it" in too_large.detail
    assert (at_the_anchor.line, at_the_anchor.column) == (1, 4)
    assert (at_the_alias.line, at_the_alias.column) == (1, 5)
    assert "Aliases are not allowed; write the value out" in at_the_alias.detail


def test_five_megabytes_of_nothing_are_refused_by_count():
    fault = refusal(b"a:\n" + b"-\n" * 2_400_000)

    assert f"more than {document.MOST_NODES:,} values" in fault.detail


@pytest.mark.parametrize(
    "opening", [b"[", b"{", b"{a: ", b"- ", b'{"a":', b"? ", b"'", b'"', b"|\n", b"- - ", b"a: b: "]
)
def test_megabytes_of_one_sign_are_refused_in_time(opening):
    began = time.perf_counter()

    with pytest.raises(BadDossier):
        read(opening * (1_000_000 // len(opening)))
    assert time.perf_counter() - began < 5


def test_the_pure_python_reader_reads_the_same(monkeypatch):
    import yaml

    data = "a: [x, 'ü', {b: no}]\nc: |\n  two\n  lines\n\nd: 2024\n".encode()
    with_c = read(data)
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)

    assert read(data).root == with_c.root
    assert refusal(b"a: &x 1\n").column == 4


def test_a_number_is_text_where_text_is_wanted():
    assert Scalar(read(b"a: 1\n").root.place, Number(123, "0123")).text == "0123"
