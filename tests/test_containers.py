"""Would the container image start, and is it locked down? Everything about it that can be tried without an engine.

The image itself is not built here. Its lint, its Compose file, its layout and its start script stand in for it.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml
from sqlalchemy import make_url

from tests.postgres import running
from tests.serving import Program, answer, free_port, started

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = ("setup", "api")

# A server that was told to end finishes what it accepted, and then ends by that signal or with 0.
ENDED = (0, -signal.SIGTERM)


def copied() -> list[tuple[str, str]]:
    """What the build stage copies from the checkout: (source, target) below the image's `/srv/chancery`."""
    pairs = []
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M):
        *sources, target = line.split()
        if not target.startswith("/"):
            pairs += [(source, f"{target}{source}" if target == "./" else target) for source in sources]
    return [(source, f"{target}{Path(source).name}" if target.endswith("/") else target) for source, target in pairs]


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """The image's folders, laid out on this machine from the Dockerfile's own COPY lines."""
    root = tmp_path_factory.mktemp("image")
    layout = root / "srv" / "chancery"
    for source, target in copied():
        (layout / target).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, layout / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / source, layout / target)
    # The commands of the image's environment: this one's packages, with `app` taken from the layout alone.
    commands = root / "bin"
    commands.mkdir()
    for name, program in (("python", ""), ("chancery", "-c 'import sys; from app.cli import main; sys.exit(main())' ")):
        (commands / name).write_text(f'#!/bin/sh\nPYTHONPATH={layout} exec {sys.executable} {program}"$@"\n')
        (commands / name).chmod(0o755)
    return root


def entrypoint(image: Path, *arguments: str, **settings: str) -> AbstractContextManager[Program]:
    """The image's entrypoint, as a container would run it."""
    layout = image / "srv" / "chancery"
    return started([layout / "deploy" / "start.sh", *arguments], folder=layout, path=image / "bin", settings=settings)


@pytest.fixture
def port() -> int:
    return free_port()


def guarded(url: str, folder: Path) -> dict[str, str]:
    """Settings for a database whose password stands in a file and not in its URL."""
    address = make_url(url)
    secret = folder / "database_password"
    secret.write_text(f"{address.password}\n", encoding="utf-8")
    bare = address.set(password=None).render_as_string()
    return {"CHANCERY_DATABASE": bare, "CHANCERY_DATABASE_PASSWORD_FILE": str(secret), "CHANCERY_WAIT_S": "20"}


@pytest.fixture
def empty_postgres(postgres_server, tmp_path) -> Iterator[dict[str, str]]:
    """Settings for an empty PostgreSQL database."""
    url = postgres_server.create_database()
    yield guarded(url, tmp_path)
    postgres_server.drop_database(url)


def test_the_dockerfile_has_nothing_that_hadolint_complains_of():
    found = subprocess.run([TOOLS / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True)

    assert (found.returncode, found.stdout) == (0, "")


def test_the_compose_file_follows_the_compose_specification():
    checker = [TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"]
    found = subprocess.run(checker, capture_output=True, text=True)

    assert found.returncode == 0, found.stdout


def test_everything_the_image_copies_is_there_and_is_let_through():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sources = {source for source, _ in copied()} | {"requirements.txt"}

    assert "*" in ignored
    assert sources == {line[1:] for line in ignored if line.startswith("!")}
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_does_not_run_as_root():
    users = re.findall(r"^USER (.+)$", DOCKERFILE, re.M)

    assert users == ["10001:10001"]
    assert DOCKERFILE.rindex("USER 10001:10001") > DOCKERFILE.rindex("RUN ")


@pytest.mark.parametrize("name", OURS)
def test_a_service_can_do_no_more_than_it_needs(name):
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert "privileged" not in service


def test_only_this_machine_reaches_the_api_and_nobody_the_database():
    published = {name: service.get("ports", []) for name, service in COMPOSE["services"].items()}

    assert published == {"database": [], "setup": [], "api": ["127.0.0.1:${PORT:-8000}:8000"]}
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert COMPOSE["services"]["database"]["networks"] == ["inside"]


def test_no_password_stands_in_the_compose_file():
    for service in COMPOSE["services"].values():
        settings = service["environment"]
        assert all(name.endswith("_FILE") for name in settings if "PASSWORD" in name)
        assert make_url(settings.get("CHANCERY_DATABASE", "sqlite://")).password is None
    assert COMPOSE["secrets"]["database_password"]["file"] == "./deploy/secrets/database_password"
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_one_container_alone_sets_up_an_empty_postgresql_and_serves(image, empty_postgres, port):
    with entrypoint(image, CHANCERY_HOST="127.0.0.1", CHANCERY_PORT=str(port), **empty_postgres) as server:
        page = answer(server, port, "/v1/statements?limit=1")
        assert answer(server, port, "/readyz")
        assert server.terminate() in ENDED, server.output

    assert len(page["items"]) == 1


def test_setting_up_twice_changes_nothing_the_second_time(image, empty_postgres, port):
    address = {"CHANCERY_HOST": "127.0.0.1", "CHANCERY_PORT": str(port)}
    revisions = []
    for _ in range(2):
        with entrypoint(image, "setup", **empty_postgres) as setup:
            assert setup.finish() == 0, setup.output
        with entrypoint(image, "serve", **address, **empty_postgres) as server:
            revisions.append(answer(server, port, "/v1/statements?limit=1")["revision"])

    assert revisions[0] == revisions[1] >= 1


def test_the_start_waits_for_a_database_that_comes_up_later(image, tmp_path):
    with running() as database:
        settings = guarded(database.create_database(), tmp_path)
        database.stop()
        with entrypoint(image, "setup", **settings) as setup:
            time.sleep(1.5)
            assert not setup.ended, setup.output
            database.start()
            assert setup.finish() == 0, setup.output


def test_the_start_says_which_database_did_not_answer_and_not_its_password(image, tmp_path, port):
    settings = guarded(f"postgresql+psycopg://chancery:do-not-tell@127.0.0.1:{port}/nowhere", tmp_path)
    with entrypoint(image, "setup", **settings | {"CHANCERY_WAIT_S": "1"}) as setup:
        assert setup.finish() == 1
        out = setup.output

    assert "did not answer within 1 s" in out
    assert f"port {port}" in out
    assert "do-not-tell" not in out


def test_nothing_is_served_when_the_schema_could_not_be_brought_up_to_date(image, tmp_path, port):
    (tmp_path / "chancery.db").mkdir()
    settings = {"CHANCERY_DATA": str(tmp_path), "CHANCERY_HOST": "127.0.0.1", "CHANCERY_PORT": str(port)}
    with entrypoint(image, **settings) as server:
        assert server.finish() == 1, server.output


def test_a_start_without_a_database_server_keeps_its_knowledge_in_the_data_folder(image, tmp_path, port):
    settings = {"CHANCERY_DATA": str(tmp_path), "CHANCERY_HOST": "127.0.0.1", "CHANCERY_PORT": str(port)}
    with entrypoint(image, **settings) as server:
        page = answer(server, port, "/v1/statements?limit=1")
        assert server.terminate() in ENDED, server.output

    assert len(page["items"]) == 1
    assert (tmp_path / "chancery.db").stat().st_size > 0
