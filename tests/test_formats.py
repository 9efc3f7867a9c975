"""Whether every format says the same records as the JSON pages, whole, in a form that its readers take."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Any

import orjson
import pytest

from app.query.fields import Resource
from app.resources import RESOURCES
from tests.base import KnowledgeBase, ids
from tests.brute import address, shown, statement, world_of

EVERY_RESOURCE = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
MEDIA = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "jsonld": "application/ld+json",
}


def rows(form: str, content: bytes) -> list[dict[str, Any]]:
    """The records of an answer as its readers would read them."""
    if form == "csv":
        return list(csv.DictReader(StringIO(content.decode("utf-8"), newline="")))
    if form == "ndjson":
        return [orjson.loads(line) for line in content.splitlines()]
    if form == "jsonld":
        found: list[dict[str, Any]] = orjson.loads(content)["@graph"]
        return found
    parquet = pytest.importorskip("pyarrow.parquet")
    table: list[dict[str, Any]] = parquet.read_table(BytesIO(content)).to_pylist()
    return table


@EVERY_RESOURCE
@pytest.mark.parametrize("form", MEDIA)
def test_every_format_holds_the_records_of_the_pages_in_their_order(
    rich: KnowledgeBase, resource: Resource, form: str
) -> None:
    whole = ids(rich.json(address(resource.name, limit=500, **shown(resource.name)))["items"])
    asked = rich.get(address(resource.name, format=form, **shown(resource.name)))
    accepted = rich.get(address(resource.name, **shown(resource.name)), Accept=MEDIA[form])

    assert asked.status_code == 200
    assert ids(rows(form, asked.content)) == whole
    assert asked.headers["content-type"].startswith(MEDIA[form])
    assert accepted.headers["content-type"] == asked.headers["content-type"]
    assert ids(rows(form, accepted.content)) == whole
    assert f"{resource.name}-r{rich.latest}.{form}" in asked.headers["content-disposition"]
    assert asked.headers["kb-revision"] == str(rich.latest)


@EVERY_RESOURCE
def test_ndjson_lines_are_the_records_themselves(rich: KnowledgeBase, resource: Resource) -> None:
    for enrichment in (False, True):
        path = address(
            resource.name, format="ndjson", sort="id", enrichment=str(enrichment).lower(), **shown(resource.name)
        )
        assert rows("ndjson", rich.get(path).content) == world_of(rich, enrichment).records(resource.name)


@EVERY_RESOURCE
def test_csv_and_parquet_have_the_same_columns_and_values(rich: KnowledgeBase, resource: Resource) -> None:
    texts = rows("csv", rich.get(address(resource.name, format="csv", **shown(resource.name))).content)
    typed = rows("parquet", rich.get(address(resource.name, format="parquet", **shown(resource.name))).content)

    for text, value in zip(texts, typed, strict=True):
        assert list(text) == list(value)
        for name, cell in value.items():
            expected = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
            assert text[name].removeprefix("'") == expected.removeprefix("'"), name


def test_an_export_goes_beyond_every_page(kb: KnowledgeBase) -> None:
    wanted = [f"s{n:04d}" for n in range(1200)]
    kb.put(*[("statement", statement(id, evidence=[])) for id in wanted])

    for form in MEDIA:
        content = kb.get(f"/v1/statements?sort=id&format={form}").content
        few = kb.get(f"/v1/statements?sort=-id&format={form}&fields=gloss&q=s0007").content
        assert ids(rows(form, content)) == wanted
        assert ids(rows(form, few)) == ["s0007"]
        assert rows(form, few)[0]["gloss"] == "What s0007 says."
    assert kb.json("/v1/statements?limit=500&count=exact")["count"]["n"] == 1200


@pytest.mark.parametrize("form", MEDIA)
def test_an_export_of_nothing_is_an_empty_file_that_can_be_read(kb: KnowledgeBase, form: str) -> None:
    for path in (f"/v1/statements?format={form}", f"/v1/statements?speaker=Nobody&format={form}"):
        answer = kb.get(path)
        assert answer.status_code == 200
        assert rows(form, answer.content) == []


DANGEROUS = (
    "=1+1",
    "+SUM(A1)",
    "-2+3",
    "@cmd",
    "\tTab",
    "\rReturn",
    'He said "no", then left.',
    "Two\nlines",
    "Windows\r\nlines",
    "comma, semicolon; done",
    "'quoted'",
    " leading space",
    "naïve — “typographic” ’ 石破茂 🕊",
    "plain",
)


def test_csv_text_that_a_spreadsheet_would_run_is_defused_and_all_else_is_kept(kb: KnowledgeBase) -> None:
    kb.put(*[("statement", statement(f"s{n:02d}", gloss=text, evidence=[])) for n, text in enumerate(DANGEROUS)])
    content = kb.get("/v1/statements?format=csv&sort=id").content
    found = [row["gloss"] for row in rows("csv", content)]

    for text, cell in zip(DANGEROUS, found, strict=True):
        assert cell == (f"'{text}" if text[0] in "=+-@\t\r" else text)
    assert b"\r\n" in content
    assert not content.startswith(b"\xef\xbb\xbf")
    for form in ("ndjson", "parquet"):
        other = rows(form, kb.get(f"/v1/statements?format={form}&sort=id").content)
        assert [row["gloss"] for row in other] == list(DANGEROUS)


def test_numbers_in_csv_stay_numbers(rich: KnowledgeBase) -> None:
    found = {row["id"]: row for row in rows("csv", rich.get("/v1/events?format=csv&dataset=coded").content)}

    assert found["coded:2"]["intensity"] == "-10.0"
    assert found["coded:2"]["codes.cameo"] == "0421"
    assert found["coded:0"]["happened.first"] == ""


def test_parquet_has_types(rich: KnowledgeBase) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    schema = parquet.read_schema(BytesIO(rich.get("/v1/events?format=parquet").content))

    assert schema.field("intensity").type == pyarrow.float64()
    assert schema.field("reports").type == pyarrow.int64()
    assert schema.field("gloss").type == pyarrow.string()


@EVERY_RESOURCE
def test_json_ld_has_its_context_with_it(rich: KnowledgeBase, resource: Resource) -> None:
    listing = orjson.loads(rich.get(address(resource.name, format="jsonld", **shown(resource.name))).content)
    assert listing["@context"]["@vocab"]
    for node in listing["@graph"][:3]:
        assert node["@type"]
        record = rich.get(f"/v1/{resource.name}/{node['id']}", Accept="application/ld+json")
        assert record.headers["content-type"] == "application/ld+json"
        alone = record.json()
        assert alone.pop("@context") == listing["@context"]
        assert alone == node


@pytest.mark.parametrize("form", MEDIA)
@pytest.mark.parametrize("more", ["cursor=x", "facet=kind", "count=exact", "include=speaker"])
def test_what_only_pages_have_is_refused_for_a_whole_result(seeded: KnowledgeBase, form: str, more: str) -> None:
    problem = seeded.json(f"/v1/statements?format={form}&{more}", 422)

    assert problem["errors"][0]["name"] in more


@pytest.mark.parametrize("form", MEDIA)
def test_an_export_as_of_a_revision_is_the_list_as_it_was(kb: KnowledgeBase, form: str) -> None:
    kb.put(("statement", statement("one", evidence=[])))
    kb.put(("statement", statement("two", evidence=[])))

    assert ids(rows(form, kb.get(f"/v1/statements?format={form}&as_of=1").content)) == ["one"]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/csv", "csv"),
        ("text/csv; charset=utf-8", "csv"),
        ("TEXT/CSV", "csv"),
        ("text/html, text/csv;q=0.9", "csv"),
        ("application/json;q=0.5, application/x-ndjson", "ndjson"),
        ("text/*", "csv"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
        ("application/ld+json", "jsonld"),
        ("application/json", "json"),
        ("", "json"),
    ],
)
def test_accept_chooses_the_format(seeded: KnowledgeBase, accept: str, form: str) -> None:
    kind = seeded.get("/v1/statements", Accept=accept).headers["content-type"]

    assert kind.startswith({**MEDIA, "json": "application/json"}[form])


def test_format_wins_over_accept(seeded: KnowledgeBase) -> None:
    assert seeded.get("/v1/statements?format=csv", Accept="image/png").headers["content-type"].startswith("text/csv")
    assert seeded.get("/v1/statements?format=json", Accept="text/csv").headers["content-type"] == "application/json"


def test_a_browser_gets_json_to_look_at(seeded: KnowledgeBase) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

    for path in ("/v1", "/v1/statements", "/v1/actors/japan", "/v1/changes", "/v1/resources/topics"):
        assert seeded.get(path, Accept=accept).headers["content-type"] == "application/json"


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_a_whole_result_can_be_cut_to_its_first_records(seeded: KnowledgeBase, format: str) -> None:
    whole = seeded.get(f"/v1/claims?format={format}").text.splitlines()

    some = seeded.get(f"/v1/claims?format={format}&limit=3").text.splitlines()

    assert some == whole[: len(some)]
    assert len(some) == 3 + (format == "csv")
