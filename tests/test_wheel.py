"""Does an installed package have all it needs, with no checkout beside it?"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.serving import answer, free_port, started

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel's content in a folder of its own, as an installer lays it down."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


def test_the_wheel_carries_the_first_content_the_migrations_and_the_pages(installed):
    for folder, inside in (("seed", "app/_seed"), ("migrations", "app/_migrations"), ("app", "app")):
        wanted = {path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()}
        carried = {path.relative_to(installed / inside) for path in (installed / inside).rglob("*") if path.is_file()}
        assert {path for path in wanted - carried if "__pycache__" not in path.parts} == set()


def test_the_wheel_carries_nothing_else(installed):
    (metadata,) = installed.glob("*.dist-info")

    assert {path.name for path in installed.iterdir()} == {"app", metadata.name}
    assert {path.name for path in (metadata / "licenses").iterdir()} == {"LICENSE", "THIRD_PARTY.md"}


def test_the_command_of_an_installed_wheel_serves(installed, tmp_path):
    port = free_port()
    program = f"import sys; sys.path.insert(0, {str(installed)!r}); from app.cli import main; main()"
    serve = [sys.executable, "-c", program, "serve", "--port", str(port)]
    with started(serve, folder=tmp_path, settings={"CHANCERY_DATA": str(tmp_path / "data")}) as server:
        page = answer(server, port, "/v1/statements?limit=1")

    assert len(page["items"]) == 1
