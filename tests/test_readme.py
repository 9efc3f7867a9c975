"""Does everything that the README and the pages under docs/ show happen as shown? Requests are asked, commands are run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.markdown import Command, Request, blocks, commands, fits, pick, requests

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ASKED = [(page, one) for page in PAGES for one in requests(page)]
TYPED = [page for page in PAGES if any(commands(page))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(("page", "asked"), [pytest.param(*one, id=f"{name(one[0])}: {one[1].path}") for one in ASKED])
def test_a_request_is_answered_as_the_page_shows(seeded, page: Path, asked: Request):
    answer = seeded.get(asked.path).json()

    assert pick(answer, asked.picked) == json.loads(asked.answer)


@pytest.mark.parametrize("page", TYPED, ids=name)
def test_the_commands_of_a_page_print_what_it_shows(page: Path, tmp_path: Path):
    chancery(tmp_path, "chancery migrate")
    chancery(tmp_path, "chancery seed")
    for block in blocks(page):
        if block.file is not None:
            with (tmp_path / block.file).open("a", encoding="utf-8") as file:
                file.write(block.body)

    for typed in commands(page):
        told = chancery(tmp_path, typed.line)
        assert fits(told, typed.output), f"{typed.line}\n{told}"


def chancery(folder: Path, line: str) -> str:
    """What a command line prints, standard error included."""
    program, *arguments = shlex.split(line)
    assert program == "chancery", f"only `chancery …` can be typed in an example: {line}"
    command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", *arguments]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CHANCERY_")}
    environment = {**inherited, "PYTHONPATH": str(ROOT), "CHANCERY_DATA": str(folder / "data")}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout


def test_the_readme_asks_five_questions_and_types_commands():
    assert len([one for page, one in ASKED if page == README]) >= 5
    assert README in TYPED


def test_an_example_that_no_longer_fits_is_noticed():
    assert not fits("revision 4, 8 created\n", Command("", "revision 3, 8 created\n").output)
    assert fits("kb.backup: 1,024 bytes.\n", "kb.backup: … bytes.\n")
    assert pick({"a": [{"b": 1}], "c": 2}, ".a[0].b") == 1
    assert pick({"a": 1, "c": 2}, "{a}") == {"a": 1}
