"""Whatever comes in: faults with their place, or a dossier; never anything else."""

# ruff: noqa: E501
from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.dossiers.pin import pin
from app.dossiers.records import records
from app.errors import BadDossier, Fault
from tests.dossiers.arden import PINNED, TEXT, VOCABULARIES, WORKING, checked, values

SNIPPETS = [
    b"", b"\n", b" ", b"- ", b": ", b"? ", b"{", b"}", b"[", b"]", b",", b'"', b"'", b"|\n", b"&a ", b"*a", b"!x ", b"#", b"%",
    b"null", b"true", b"-1", b"1e999", b".nan", b"99999999999999999999", b"2024-99", b"\x00", b"\xff", b"\xed\xa0\x80", b"\r", b"\t",
    "\u2028".encode(), "\x85".encode(), "”".encode(), b"text: wheel", b"id: arden", b"<<: {a: b}", b"evidence: []", b"\\ud800", b"---\n",
]  # fmt: skip

patient = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def answers(data: bytes) -> None:
    """Checks, pins and makes records; anything but faults and records fails the test by itself."""
    for options in ({}, {"pinned_required": True}, {"text": TEXT}, {"known": lambda id: "actor"}):
        result = checked(data, **options)
        assert (result.dossier is None) == bool(result.faults)
        assert all(fault.where == "body" and fault.line and fault.column and fault.detail for fault in result.faults)
        json.dumps([fault.as_json() for fault in (*result.faults, *result.notes)], ensure_ascii=False).encode()
        if result.dossier is not None and "text" in options:
            json.dumps(records(result.dossier, VOCABULARIES), allow_nan=False, ensure_ascii=False).encode()
    pinned = pinned_or_refused(data)
    assert all(isinstance(fault, Fault) and fault.line for fault in pinned) if isinstance(pinned, tuple) else pinned
    if isinstance(pinned, bytes):
        assert pin(pinned, TEXT) == pinned


def pinned_or_refused(data: bytes) -> bytes | tuple[Fault, ...]:
    try:
        return pin(data, TEXT)
    except BadDossier as refused:
        return refused.errors


@given(st.binary(max_size=200))
@patient
def test_any_bytes_get_an_answer(data):
    answers(data)


@given(st.text(max_size=120))
@patient
def test_any_text_gets_an_answer(text):
    answers(text.encode("utf-8", "surrogatepass"))


@given(
    st.sampled_from([WORKING, PINNED]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 30), st.sampled_from(SNIPPETS)), min_size=1, max_size=4),
)
@patient
def test_a_spoiled_dossier_gets_an_answer(data, cuts):
    for at, length, snippet in cuts:
        at %= len(data)
        data = data[:at] + snippet + data[at + length :]
    answers(data)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["p1s1", "arden", "2019", "p1s9"])
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6)  # fmt: skip


@given(st.sampled_from([WORKING, PINNED]), st.lists(st.tuples(st.integers(0, 10**6), TREES), min_size=1, max_size=3))
@patient
def test_a_dossier_with_other_values_gets_an_answer(data, swaps):
    tree = values(data)
    for which, value in swaps:
        holders = list(_holders(tree))
        holder, key = holders[which % len(holders)]
        holder[key] = value
    answers(json.dumps(tree).encode())


def _holders(tree):
    """Every container of a tree with each of its keys."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _holders(tree[key])
