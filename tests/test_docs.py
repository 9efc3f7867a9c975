"""Do the pages say what the code says? Generated ones are made again and compared; names and links of the others are looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from app import errors
from app.cli import app as command
from app.errors import ChanceryError
from app.main import EXAMPLES
from app.routes import service
from app.settings import Settings
from scripts import docs
from tests.markdown import blocks

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "seed").rglob("*.md")],
    key=lambda page: str(page.relative_to(ROOT)),
)
# The tests' own switches, and where one line of a page speaks of variables in general.
SWITCHES = {"CHANCERY_TEST_POSTGRES", "CHANCERY_CI", "CHANCERY_WAIT_S", "CHANCERY_TEST_DATA"}
MADE = docs.pages()


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def every_page(about: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(about, PAGES, ids=name)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """What can stand behind `#` in a link to this page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"`|\*", "", heading)).strip().lower() for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", MADE)
def test_a_generated_page_is_what_the_code_makes_of_it(path: str):
    committed = (ROOT / path).read_bytes()

    # Not `==` in the assertion: a diff of a megabyte says less than this line.
    same = committed == MADE[path]
    assert same, f"{path} is not what the code makes of it: run `make docs`."


def test_the_examples_of_the_api_are_what_it_answers():
    same = EXAMPLES.read_bytes() == docs.pretty(docs.examples())

    assert same, f"{EXAMPLES.name} is not what the API answers: run `make docs`."


@every_page("page")
def test_every_link_of_a_page_leads_somewhere(page: Path):
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(link)

    assert lost == []


@every_page("page")
def test_every_command_that_a_page_names_exists(page: Path):
    unknown = [" ".join(words) for words in named_commands(page) if not known_command(words)]

    assert unknown == []


def named_commands(page: Path) -> Iterator[list[str]]:
    """The words after `chancery` in code, in the text and in blocks."""
    spans = re.findall(r"`([^`\n]+)`", prose(page))
    lines = [line for block in blocks(page) if block.language in ("sh", "console") for line in block.body.splitlines()]
    for code in [*spans, *lines]:
        for words in re.findall(r"(?:^|&& |\$ )chancery ([^&#]*)", code):
            yield words.split()


def known_command(words: list[str]) -> bool:
    """Whether the command has this subcommand, and it each of these options."""
    here = get_command(command)
    while (commands := getattr(here, "commands", None)) is not None and words and not words[0].startswith("-"):
        if words[0] not in commands:
            return False
        here, words = commands[words[0]], words[1:]
    options = {option for one in here.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    return all(word.partition("=")[0] in options for word in words if word.startswith("--"))


@every_page("page")
def test_every_variable_that_a_page_names_is_a_setting(page: Path):
    known = {f"CHANCERY_{setting.upper()}" for setting in Settings.model_fields} | SWITCHES
    named = set(re.findall(r"CHANCERY_[A-Z][A-Z_]*[A-Z]", page.read_text(encoding="utf-8")))

    assert named <= known


def test_every_kind_of_error_has_its_section():
    kinds = {one.kind for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ChanceryError)}

    assert kinds <= anchors(ROOT / "docs" / "errors.md")
    assert kinds == set(service.WORDS)


def test_every_make_target_that_a_page_names_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    code = [line for page in PAGES for line in re.findall(r"`(make [a-z]+)", prose(page))]
    code += [line for page in PAGES for one in blocks(page) for line in re.findall(r"^(make [a-z]+)", one.body, re.M)]

    assert {line.removeprefix("make ") for line in code} <= targets


def test_every_decision_says_what_it_is_instead_of_and_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[a-z-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    there = sorted(file.name for file in folder.glob("0*.md"))

    assert listed == there
    for file in there:
        text = (folder / file).read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Consequences", "Alternatives"], file
        assert text.count("\n") < 50, file
