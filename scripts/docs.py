"""Write what is made from the code: the OpenAPI snapshot and its examples, the data dictionary, the settings, the dossier's schema.

A test runs the same functions and compares, so that none of these files can drift.
"""

from __future__ import annotations

import ast
import inspect
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from fastapi.testclient import TestClient

from app import errors, schema
from app.answers.dictionary import entry
from app.db import open_database
from app.dossiers.schema import json_schema
from app.errors import ChanceryError
from app.main import EXAMPLES, create_app, openapi_of
from app.resources import PUBLIC
from app.routes import every, service
from app.seeding import seed
from app.settings import Settings
from app.times import parse_moment
from app.vocabularies import load
from benchmarks import report

ROOT = Path(__file__).resolve().parent.parent
# The moment at which the examples' knowledge base was made: a document must not change with the day it is written on.
THEN = "2026-01-01T00:00:00Z"


def main() -> None:
    """Write every page."""
    # The examples go first: the OpenAPI document shows them.
    write(EXAMPLES, pretty(examples()))
    for path, data in pages().items():
        write(ROOT / path, data)


def write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def pages() -> Mapping[str, bytes]:
    """The generated files, by their path in the project."""
    settings = Settings()
    return {
        "docs/openapi.json": pretty(orjson.loads(openapi_of(create_app(settings)))),
        "docs/dossier.schema.json": pretty(json_schema(load(settings.seed / "vocabularies"))),
        "docs/data-dictionary.md": "".join(dictionary()).encode(),
        "docs/settings.md": "".join(settings_page()).encode(),
        "docs/errors.md": filled("docs/errors.md", "".join(error_kinds())),
        "docs/benchmarks.md": filled("docs/benchmarks.md", report.section(report.read(report.RESULTS))),
        "docs/code-map.md": filled("docs/code-map.md", "".join(modules())),
    }


def filled(page: str, made: str) -> bytes:
    """A page that is written by hand, with what stands between its two marks made anew."""
    text = (ROOT / page).read_text(encoding="utf-8")
    before, begin, rest = text.partition("<!-- made by `make docs`: begin -->\n")
    _, end, after = rest.partition("<!-- made by `make docs`: end -->\n")
    if not begin or not end:
        raise SystemExit(f"{page} has lost the marks between which a part of it is made.")
    return f"{before}{begin}{made}{end}{after}".encode()


def pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def examples() -> dict[str, Any]:
    """Real answers from the seed, one for each operation that names a request; long lists are cut to their first items."""
    then = parse_moment(THEN)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database=f"sqlite:///{folder}/examples.db")
        database = open_database(settings.url)
        schema.migrate(database, settings.migrations)
        clock: Any = lambda: then  # noqa: E731 - a clock that stands still
        seed(database, settings.seed, load(settings.seed / "vocabularies"), clock=clock)
        client = TestClient(create_app(settings, database=database, clock=clock))
        told = {}
        for one in every.operations():
            if one.example is None:
                continue
            request, path = one.example, {}
            if "{first}" in request:
                resource = request.split("/")[2]
                found = client.get(f"/v1/{resource}?limit=1").json()["items"]
                if not found:
                    continue  # the seed has no dataset: an example would not be a real answer
                path = {"id": found[0]["id"]}
                request = request.replace("{first}", found[0]["id"])
            answer = client.get(request)
            told[one.id] = {"request": request, "path": path, "answer": cut(answer.json())}
        database.close()
    return told


def cut(value: Any) -> Any:
    """An answer short enough to read: long lists end after their third item, which a reader of an example forgives."""
    if isinstance(value, list):
        return [cut(item) for item in value[:3]]
    if isinstance(value, dict):
        return {name: cut(item) for name, item in value.items()}
    return value


def dictionary() -> Iterator[str]:
    """The data dictionary as a page."""
    yield "# Data dictionary\n\nMade from the declarations in `app/resources/` by `make docs`; "
    yield "the same is served at `/v1/resources`.\n"
    common = entry(PUBLIC[0])["common"]
    yield "\n## Every list\n\n| parameter | value | meaning | default |\n|---|---|---|---|\n"
    for one in common:
        yield f"| `{one['name']}` | {one['value']} | {one['words']} | {one['default'] or ''} |\n"
    for resource in PUBLIC:
        told = entry(resource)
        yield f"\n## {resource.name}\n\n{resource.words}\n\n| field | meaning | leads to |\n|---|---|---|\n"
        for one in told["fields"]:
            yield f"| `{one['name']}` | {one['words']} | {', '.join(one['links']).replace('*', 'any record')} |\n"
        yield "\n| filter | value | meaning | example |\n|---|---|---|---|\n"
        for one in told["filters"]:
            if not one["name"].endswith(".not"):
                example = f"`{one['example']}`" if one["example"] else ""
                yield f"| `{one['name']}` | {one['value']} | {one['words']} | {example} |\n"
        sorts = ", ".join(f"`{one['name']}`" for one in told["sorts"])
        facets = ", ".join(f"`{name}`" for name in told["facets"]) or "none"
        yield f"\nSorts by {sorts} (the first by default). Facets: {facets}.\n"


def settings_page() -> Iterator[str]:
    """The settings as a page."""
    yield "# Settings\n\nMade from `app/settings.py` by `make docs`. Each is an environment variable.\n\n"
    yield "| variable | default | meaning |\n|---|---|---|\n"
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        yield f"| `CHANCERY_{name.upper()}` | {default} | {field.description} |\n"


def error_kinds() -> Iterator[str]:
    """The kinds of error as sections of a page."""
    for one in kinds():
        yield f"\n### {one.kind}\n\n**{one.status} {one.title}.** {service.WORDS[one.kind]}\n"
    yield "\n"


def kinds() -> list[type[ChanceryError]]:
    """Every kind of error that an answer can have, the general one last."""
    known = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, ChanceryError)]
    return sorted(known, key=lambda one: (one is ChanceryError, one.status, one.kind))


def modules() -> Iterator[str]:
    """The modules of `app/` as a table: each with the sentence that it opens with."""
    yield "\n| module | what it answers |\n|---|---|\n"
    for file in sorted((ROOT / "app").rglob("*.py")):
        said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        yield f"| `{file.relative_to(ROOT).as_posix()}` | {said.partition(chr(10))[0].replace('|', chr(92) + '|')} |\n"
    yield "\n"


if __name__ == "__main__":
    main()
