"""Does the house stand as docs/code-map.md draws it? Read from the code itself, so that nobody has to remember the rules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "app").rglob("*.py"))

# From the top of the house to its ground. A module imports its own storey and what lies below, never what lies above.
STOREYS = (
    ("main", "cli", "commands", "server", "routes"),
    ("answers", "formats", "dossiers", "importers", "writing", "seeding", "doctor", "explorer"),
    ("coded", "resources", "ledger", "texts", "standing", "glance", "indexing"),
    ("query", "models", "schema"),
    ("db", "straight", "copies", "times", "names", "errors", "settings", "vocabularies", "codes"),
)
STOREY = {name: number for number, names in enumerate(STOREYS) for name in names}

FOLDERS_OF_OTHERS = {"node_modules", "vendor", "build", "dist", "data", "__pycache__"}
WORDS_IN = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".sh", ".json", ".html", ".css", ".js", ".mako", ""}


def name_of(file: Path) -> str:
    """`app.query.plan` for app/query/plan.py, `app.query` for its `__init__`."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it the import stands: `app.query.page` for `from app.query import page`."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in NAMES else node.module


NAMES = {name_of(file) for file in MODULES}


def part_of(module: str) -> str:
    """The part of the house that a module belongs to: `query` for `app.query.plan`; '' for `app` itself."""
    return module.split(".")[1] if "." in module else ""


def calls(file: Path) -> Iterator[tuple[str, str]]:
    """Every call of a method or function in a file as (what it is called on, its name)."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield "", node.func.id


def words_of_ours() -> Iterator[tuple[str, str]]:
    """Every text file of the project that we wrote, with what it says."""
    for file in sorted(ROOT.rglob("*")):
        inside = file.relative_to(ROOT)
        hidden = any(part.startswith(".") and part != ".ci" for part in inside.parts[:-1])
        foreign = hidden or FOLDERS_OF_OTHERS & set(inside.parts[:-1]) or file.suffix not in WORDS_IN
        if file.is_file() and not foreign:
            yield str(inside), file.read_text(encoding="utf-8")


def test_every_part_of_the_house_has_a_storey():
    assert {part_of(name_of(file)) for file in MODULES} - {""} <= STOREY.keys()


def test_imports_go_down_the_house_and_never_up():
    upwards = {
        f"{name_of(file)} imports {other}"
        for file in MODULES
        for other in imported(file)
        if other.startswith("app.") and STOREY[part_of(name_of(file))] > STOREY[part_of(other)]
    }

    assert upwards == set()


def test_modules_that_are_loaded_together_form_no_circle():
    needs = {name_of(file): loaded(file) - {name_of(file)} for file in MODULES}

    while ready := {name for name, others in needs.items() if not others & needs.keys()}:
        needs = {name: others for name, others in needs.items() if name not in ready}
    assert needs == {}


def loaded(file: Path) -> set[str]:
    """The modules that importing a file imports at once: not those within functions, nor those for type checkers only."""
    found: set[str] = set()
    for node in tree_of(file).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in NAMES else node.module for name in whole}
    return found & NAMES


def test_only_the_routes_and_what_composes_them_know_the_web_framework():
    knowing = {
        name_of(file)
        for file in MODULES
        for other in imported(file)
        if other.split(".")[0] in ("fastapi", "starlette", "uvicorn")
    }

    assert {name for name in knowing if not name.startswith("app.routes")} == {"app.main", "app.server"}


def test_engines_are_made_and_transactions_ended_in_one_file():
    ending = {
        name_of(file)
        for file in MODULES
        for on, called in calls(file)
        if called in ("create_engine", "commit", "rollback") or (called == "begin" and on != "ledger")
    }

    assert ending == {"app.db"}


def test_the_clock_and_the_environment_are_read_in_one_file_each():
    def reading(*banned: str) -> set[str]:
        return {
            name_of(file)
            for file in MODULES
            for node in ast.walk(tree_of(file))
            if isinstance(node, ast.Attribute) and ast.unparse(node) in banned
        }

    assert reading("datetime.now", "datetime.utcnow", "date.today", "time.time") == {"app.times"}
    assert reading("os.environ", "os.getenv") == {"app.settings"}


def test_the_read_engine_could_live_in_another_project():
    engine = [file for file in MODULES if part_of(name_of(file)) == "query"]
    models = {other for file in engine for other in imported(file) if other.startswith("app.models")}

    # Ids, citations and words belong to the machinery; every other table comes in with a declaration.
    assert models == {"app.models.revision", "app.models.search", "app.models.source"}
    assert not [other for file in engine for other in imported(file) if other.startswith("app.resources")]


def test_models_hold_no_questions():
    asking = {
        name_of(file)
        for file in MODULES
        if part_of(name_of(file)) == "models"
        for _, called in calls(file)
        if called in ("select", "insert", "update", "delete", "execute")
    }

    assert asking == set()


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_a_module_opens_with_one_sentence(file):
    said = ast.get_docstring(tree_of(file)) or ""
    first, *rest = said.split("\n")

    assert first.endswith((".", "?"))
    assert not rest or rest[0] == ""


def test_the_code_map_has_one_line_for_each_module():
    code_map = (ROOT / "docs" / "code-map.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(app/[^`]+)` \|", code_map, re.M)
    there = [str(file.relative_to(ROOT)) for file in MODULES]

    assert sorted(listed) == there


def test_nothing_names_a_package_registry_or_a_folder_of_somebody_s_machine():
    registries = ["pypi" + ".org", "python" + "hosted", "npm" + "js.", "proxy.golang" + ".org", "crates" + ".io"]
    folders = ["/ho" + "me/", "/ro" + "ot/", "/Us" + "ers/", "/wo" + "rk/", "site-" + "packages/"]
    found = {(file, word) for file, text in words_of_ours() for word in registries + folders if word in text}

    assert found == set()


def test_the_changelog_tells_both_readers_about_what_is_not_released_yet():
    told = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.split(r"^## ", told, flags=re.M)[1]

    assert newest.startswith(("[Unreleased]", "[0.1.0]"))
    assert {"### API", "### Data"} <= set(re.findall(r"^### .+", newest, re.M))
