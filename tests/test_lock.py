"""Do the lock files pin everything, for every platform, to versions without the faults we know of?"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")

# No advisory database can be asked where these tests run, so what we know of stands here.
FLOORS = {
    "starlette": "1.3.1",
    "h11": "0.16.0",
    "orjson": "3.11.6",
    "python-multipart": "0.0.32",
    "mcp": "1.28.1",
    "pysqlite3": "0.6.1",
}


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock file."""

    name: str
    version: Version
    hashes: tuple[str, ...]


def pins(lock: str) -> dict[str, Pin]:
    """The packages of a lock file by name."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
            asked = Requirement(requirement)
            (exactly,) = asked.specifier
            assert exactly.operator == "=="
            name = canonicalize_name(asked.name)
            found[name] = Pin(name, Version(exactly.version), tuple(hashes))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_digest(lock):
    for pin in pins(lock).values():
        assert pin.hashes
        assert all(re.fullmatch("[0-9a-f]{64}", one) for one in pin.hashes)


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_is_good_for_more_than_the_machine_it_was_made_on(lock):
    compiled = ("orjson", "pydantic-core", "pyyaml", "sqlalchemy", "rapidfuzz", "pyarrow", "psycopg-binary")

    assert all(len(pins(lock)[name].hashes) > 20 for name in compiled)


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_no_place_to_fetch_from(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")

    assert not re.search(r"https?:|file:|^-|--(index-url|extra-index-url|find-links|trusted-host)| @ ", text, re.M)


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(("package", "floor"), FLOORS.items())
def test_no_package_is_older_than_the_fix_it_needs(lock, package, floor):
    pinned = pins(lock).get(package)

    assert pinned is None or pinned.version >= Version(floor)


def test_what_serves_is_exactly_what_was_tested():
    tested = pins("requirements-dev.txt")

    assert all(tested[name] == pin for name, pin in pins("requirements.txt").items())


def test_the_lock_satisfies_what_pyproject_asks_for():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    served = [*asked["project"]["dependencies"], *asked["project"]["optional-dependencies"]["parquet"]]
    for lock, wanted in (("requirements.txt", served), ("requirements-dev.txt", asked["dependency-groups"]["dev"])):
        locked = pins(lock)
        for requirement in map(Requirement, wanted):
            assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)].version)
