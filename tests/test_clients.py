"""Whether people can make a client from our OpenAPI document and work with it, in Python and in TypeScript."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import answer, free_port, started

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
NODE = ROOT / "tools" / "node_modules" / ".bin"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document, as a file."""
    file = tmp_path_factory.mktemp("openapi") / "openapi.json"
    file.write_bytes(
        subprocess.run([sys.executable, "-m", "scripts.openapi"], cwd=ROOT, check=True, capture_output=True).stdout
    )
    return file


@pytest.fixture(scope="module")
def python_client(document: Path) -> Iterator[Any]:
    """The generated Python client, imported."""
    folder = document.parent / "client"
    command = [BIN / "openapi-python-client", "generate", "--path", document, "--output-path", folder]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": f"{BIN}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("chancery_client")
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the seed, as a process of its own."""
    port = free_port()
    folder = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    with started(command, folder=ROOT, settings={"CHANCERY_DATA": str(folder)}) as program:
        answer(program, port, "/readyz")
        yield f"http://127.0.0.1:{port}"


def test_the_generated_python_client_reads_statements_with_their_evidence(python_client: Any, server: str) -> None:
    statements = importlib.import_module("chancery_client.api.statements.list_statements")
    level = importlib.import_module("chancery_client.models.commitment_level").CommitmentLevel

    with python_client.Client(base_url=server) as client:
        page = statements.sync(client=client, speaker=["Ishiba"], commitment=[level.MIGHT])

    (item,) = page.items
    assert item.speaker == "shigeru-ishiba"
    assert item.evidence[0].sha256
    assert page.coverage.zero is None


def test_the_generated_python_client_tells_a_refusal_from_an_answer(python_client: Any, server: str) -> None:
    record = importlib.import_module("chancery_client.api.statements.get_statement")
    problem = importlib.import_module("chancery_client.models.problem").Problem

    with python_client.Client(base_url=server) as client:
        found = record.sync(client=client, id="no-such-statement")

    assert isinstance(found, problem)
    assert found.status == 404


def test_the_generated_python_client_walks_every_page(python_client: Any, server: str) -> None:
    claims = importlib.import_module("chancery_client.api.claims.list_claims")
    seen: list[str] = []

    with python_client.Client(base_url=server) as client:
        page = claims.sync(client=client, limit=4)
        seen += [item.id for item in page.items]
        while page.next_cursor:
            page = claims.sync(client=client, limit=4, cursor=page.next_cursor)
            seen += [item.id for item in page.items]
        whole = claims.sync(client=client, limit=500)

    assert seen == [item.id for item in whole.items]


def test_typescript_types_are_generated_without_a_warning_and_compile(document: Path) -> None:
    if shutil.which("node") is None or not (NODE / "openapi-typescript").exists():
        pytest.skip("Needs Node.js and `npm --prefix tools ci` (`make clients` does it).")
    types = document.parent / "client.ts"

    made = subprocess.run([NODE / "openapi-typescript", document, "--output", types], capture_output=True, text=True)
    checked = subprocess.run([NODE / "tsc", "--noEmit", "--strict", types], capture_output=True, text=True)

    assert made.returncode == 0, made.stdout + made.stderr
    assert "warn" not in (made.stdout + made.stderr).lower()
    assert checked.returncode == 0, checked.stdout
