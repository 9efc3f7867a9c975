"""Does everything on the page about writing happen as shown? Its shell is run in order against a server with the seed."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from tests.base import KnowledgeBase, plant
from tests.conftest import database_url
from tests.markdown import blocks, fits
from tests.serving import answer, free_port, started

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "writing.md"
END = "-- end of a block --"


def test_the_page_about_writing_shows_what_happens(request, tmp_path: Path):
    url = database_url("sqlite", request, tmp_path)
    base = KnowledgeBase.at(url)
    plant(base)
    base.close()
    port = free_port()
    found = blocks(PAGE)
    for one in found:
        if one.file is not None:
            (tmp_path / one.file).write_text(one.body, encoding="utf-8")
    typed = [(one.body, after.body) for one, after in pairwise(found) if one.language == "sh"]
    script = "".join(f"{body}\necho; echo '{END}'\n" for body, _ in typed).replace(
        "127.0.0.1:8000", f"127.0.0.1:{port}"
    )

    serving = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--database", url]
    with started(serving, folder=ROOT, settings={"CHANCERY_DATA": str(tmp_path)}) as program:
        answer(program, port, "/readyz")
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "CHANCERY_DATABASE": url,
            "no_proxy": "*",
        }
        done = subprocess.run(
            ["bash", "-eu"], input=script, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )

    assert done.returncode == 0, done.stdout + done.stderr
    told = [part.strip() for part in done.stdout.split(END)]
    assert len(typed) >= 10
    for (body, shown), printed in zip(typed[1:], told[1:], strict=False):
        assert fits(printed, shown.strip()), f"{body}\n{printed}"
    # The first block speaks on standard error as well.
    words, listed = typed[0][1].splitlines()[:2], typed[0][1].splitlines()[2:]
    assert done.stderr.splitlines()[:2] == words
    assert fits(told[0] + "\n", "\n".join(listed) + "\n")
