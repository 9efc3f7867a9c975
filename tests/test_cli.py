"""Does the command do what it says, and say what it refuses, with the exit status that its help promises?"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from app import __version__, ledger
from app.db import open_database
from app.ledger import Change
from app.times import utc_now
from tests.conftest import make_schema
from tests.making import TEXT, dossier, person, statement

ROOT = Path(__file__).resolve().parent.parent
# As at a terminal: whoever runs the tests in the background has made their children deaf to Ctrl-C.
PROGRAM = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from app.cli import main; main()"
COMMAND = [sys.executable, "-c", PROGRAM]
SOURCE = "arden-arden-courier-article"
WORKING = f"""\
# What the courier says.
chancery: 1
id: arden
title: Annotate the Arden Courier
source: {{id: {SOURCE}, language: en, text: withheld}}
passages:
  - {{id: p1s1, text: "The harbour of Arden will open in spring."}}
  - {{id: p1s2, text: "Mayor Lena Voss said the town might build a second pier."}}
unrecorded:
  - {{passage: p1s1, why: "Not needed."}}
actors:
  - {{id: lena-voss, kind: person, name: Lena Voss, evidence: [p1s2]}}
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a run of the command came to."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Shell:
    """A person at a terminal, in a folder of their own."""

    folder: Path

    def __call__(self, *arguments: str | Path, **settings: str) -> Done:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(settings),
            capture_output=True,
            timeout=60,
        )
        told = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in told.err + told.out
        return told

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        return {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "CHANCERY_DATA": "data", **settings}

    def write(self, name: str, content: str | bytes) -> Path:
        file = self.folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file


@pytest.fixture
def run(tmp_path: Path, migrated_file: Path) -> Shell:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "chancery.db").write_bytes(migrated_file.read_bytes())
    return Shell(tmp_path)


@pytest.fixture
def loaded(run: Shell) -> Shell:
    """The same, with the dossier of an invented article."""
    run.write("arden.json", json.dumps(dossier(actors=[person()], statements=[statement()])))
    run.write("arden.txt", TEXT)
    assert run("load", "arden.json").status == 0
    return run


def vocabularies_and_seed(run: Shell) -> Done:
    return run("seed")


# ── Help and arguments ──────────────────────────────────────────────────────────────────────────────────────────────

SUBCOMMANDS = (
    *("serve", "migrate", "seed", "doctor", "backup", "restore"),
    *("check", "load", "pin", "attach", "verify", "show", "revisions"),
)


@pytest.mark.parametrize("subcommand", [(), *((name,) for name in SUBCOMMANDS), ("revisions", "resume")])
def test_help_is_there_for_every_subcommand_and_writes_nothing(tmp_path, subcommand):
    done = Shell(tmp_path)(*subcommand, "--help")

    assert (done.status, done.err) == (0, "")
    assert "Usage: chancery" in done.out.replace("-c", "chancery")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("--version",), ("--version", "doctor"), ("--version", "--help")])
def test_the_version_is_said_without_a_database(tmp_path, arguments):
    done = Shell(tmp_path)(*arguments)

    assert (done.status, done.out, done.err) == (0, f"chancery {__version__}\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("bogus",),
        ("show",),
        ("load",),
        ("serve", "--port", "99999"),
        ("serve", "--workers", "0"),
        ("revisions", "show", "one"),
        ("attach", "x"),
        ("attach", "x", "y", "--withdraw"),
        ("pin", "a", "--text", "b", "-i", "-o", "c"),
        ("load", "missing.yaml"),
        ("load", "."),
        ("check", "missing.yaml"),
        ("pin", "missing.yaml", "--text", "missing.txt"),
        ("attach", "x", "missing.txt"),
        ("verify", "--text", "missing.txt"),
        ("migrate", "--database", "no address"),
        ("migrate", "--database", "postgresql://u:secret@h:port/d"),
        ("backup", "no/such/folder/copy.db"),
    ],
)
def test_what_cannot_be_used_is_said_and_ends_with_2(run, arguments):
    done = run(*arguments)

    assert (done.status, done.out) == (2, "")
    assert 0 < len(done.err) < 700
    assert "secret" not in done.err


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"CHANCERY_PORT": "eighty"}, "CHANCERY_PORT"),
        ({"CHANCERY_LOG": "xml"}, "CHANCERY_LOG"),
        ({"CHANCERY_DATABASE": "postgresql://h/d", "CHANCERY_DATABASE_PASSWORD_FILE": "nowhere"}, "PASSWORD_FILE"),
    ],
)
def test_an_impossible_setting_is_named(run, setting, named):
    done = run("doctor", **setting)

    assert done.status == 2
    assert named in done.err


# ── The database ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_database_that_cannot_be_reached_is_named_without_its_password(run):
    done = run("doctor", "--database", "postgresql://ada:secret@127.0.0.1:1/kb")

    assert done.status == 1
    assert "127.0.0.1:1/kb" in done.err
    assert "Connection refused" in done.err
    assert "secret" not in done.err


@pytest.mark.parametrize(
    ("version", "advice"), [(None, "chancery migrate"), ("of_the_future", "newer version of Chancery")]
)
def test_a_server_database_with_another_schema_is_refused_with_what_to_do(run, postgres_server, version, advice):
    url = postgres_server.create_database()
    if version is not None:
        make_schema(url)
        base = open_database(make_url(url))
        with base.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
        base.close()

    for command in (("seed",), ("serve", "--port", "0"), ("show", "x"), ("doctor",)):
        done = run(*command, CHANCERY_DATABASE=url)
        assert done.status == 1
        assert advice in done.err or (command == ("doctor",) and "newer Chancery" in done.err)
    postgres_server.drop_database(url)


@pytest.mark.parametrize(("content", "said"), [(b"", "empty"), (b"no database at all", "not a SQLite database")])
def test_a_file_that_is_no_database_is_not_taken_for_an_empty_one(run, content, said):
    run.write("data/chancery.db", content)

    done = run("seed")

    assert done.status == 1
    assert said in done.err


def test_a_damaged_database_is_said_in_a_sentence(run):
    file = run.folder / "data" / "chancery.db"
    file.write_bytes(file.read_bytes()[:4096] + os.urandom(40_000))

    assert run("show", "x").status == 1
    assert run("doctor").status == 1


def test_the_seed_is_published_once(run):
    first, second = run("seed"), run("seed")

    assert first.out.splitlines()[0] == "Revision 1: the vocabularies."
    assert first.out.splitlines()[1].startswith("Revision 2: ")
    assert (second.status, second.out) == (0, "Nothing changed.\n")
    assert run("doctor").out == "Nothing is wrong.\n"


def test_doctor_ends_with_1_where_something_is_wrong(loaded):
    base = open_database(make_url(f"sqlite:///{loaded.folder}/data/chancery.db"))
    with base.write() as connection:
        connection.execute(text("UPDATE revision SET state = 'open', published_at = NULL WHERE number = 1"))
    base.close()

    done = loaded("doctor")

    assert done.status == 1
    assert "chancery revisions resume 1" in done.err


def test_a_backup_can_be_put_back(loaded):
    assert loaded("backup", "copy.db").status == 0
    assert loaded("backup", "copy.db").status == 1
    assert loaded("restore", "copy.db").status == 1
    assert loaded("restore", "copy.db", CHANCERY_DATA="other").status == 0
    assert loaded("show", "lena-voss", CHANCERY_DATA="other").status == 0


# ── Dossiers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_check_names_every_fault_with_its_place_and_goes_on(run):
    bad = run.write("bad.yaml", WORKING.replace("kind: person", "kind: spaceship").replace("Lena Voss, ev", "7, ev"))
    good = run.write("good.yaml", WORKING)

    done = run("check", bad, "missing.yaml", good)

    assert done.status == 2
    assert any(line.startswith(f"{bad}:12:") for line in done.err.splitlines())
    assert "missing.yaml" in done.err
    assert f"{good}: no faults." in done.out


def test_check_makes_no_database(tmp_path):
    run = Shell(tmp_path)
    run.write("good.yaml", WORKING)

    assert run("check", "good.yaml").status == 0
    assert [file.name for file in tmp_path.iterdir()] == ["good.yaml"]


def test_check_proves_citations_against_a_text(loaded):
    loaded.write("other.txt", TEXT.replace("might", "could"))

    assert loaded("check", "arden.json", "--text", "arden.txt").status == 0
    done = loaded("check", "arden.json", "--text", "other.txt")
    assert done.status == 2
    assert "sha256" in done.err


def test_load_says_what_changed_and_nothing_when_nothing_did(loaded):
    again = loaded("load", "arden.json")
    loaded.write("arden.json", json.dumps(dossier(actors=[person(name="Lena Boss")])))
    dry = loaded("load", "--dry-run", "arden.json")
    then = loaded("load", "arden.json", "--why", "She married")

    assert again.out == "arden.json: nothing changed.\n"
    assert "  ~ actor lena-voss: name, names" in dry.out.splitlines()
    assert any(line.startswith("  - statement voss-pier: ") for line in dry.out.splitlines())
    assert "revision 2, " in then.out
    assert "She married" in loaded("revisions", "list").out


def test_a_dry_run_writes_nothing(run):
    run.write("arden.json", json.dumps(dossier(actors=[person()])))

    assert "+ actor lena-voss" in run("load", "--dry-run", "arden.json").out
    assert run("show", "lena-voss").status == 1
    assert run("revisions", "list").out == ""


def test_load_refuses_a_faulty_dossier_whole(run):
    run.write("bad.json", json.dumps(dossier(actors=[person(kind="spaceship")])))

    done = run("load", "bad.json")

    assert done.status == 2
    assert "bad.json:1:" in done.err
    assert "nothing was written" in done.err


def test_pin_writes_to_standard_output_or_to_a_file_or_in_place(run):
    run.write("arden.txt", TEXT)
    file = run.write("arden.yaml", WORKING)
    file.chmod(0o640)

    printed = run("pin", file, "--text", "arden.txt")
    run("pin", file, "--text", "arden.txt", "-o", "new.yaml")
    there = run("pin", file, "--text", "arden.txt", "-i")

    assert printed.out.startswith("# What the courier says.\n")
    assert printed.out == (run.folder / "new.yaml").read_text() == file.read_text()
    assert there.out == f"{file}: pinned.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "nothing was left" in run("pin", file, "--text", "arden.txt", "-i").out


def test_pin_leaves_the_file_as_it_was_when_a_quotation_is_not_found(run):
    run.write("other.txt", TEXT.replace("might", "could"))
    file = run.write("arden.yaml", WORKING)

    done = run("pin", file, "--text", "other.txt", "-i")

    assert done.status == 2
    assert f"{file}:8:" in done.err
    assert file.read_text() == WORKING


# ── Texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_attached_once_and_taken_away_again(loaded):
    def exact() -> str | None:
        return str(json.loads(loaded("show", f"{SOURCE}:p1s2").out)["exact"])

    steps = [loaded("attach", SOURCE, "arden.txt"), loaded("attach", SOURCE, "arden.txt")]
    shown = exact()
    steps += [loaded("attach", SOURCE, "--withdraw"), loaded("attach", SOURCE, "--withdraw")]

    assert [step.status for step in steps] == [0, 0, 0, 0]
    assert shown == "Mayor Lena Voss said the town might build a second pier."
    assert exact() == "None"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda text: text + "\n", "without its last line break"),
        (lambda text: text.replace("\n", "\r\n"), "Unix line breaks"),
        (lambda text: "\ufeff" + text, "byte order mark"),
        (lambda text: "\ufeff" + text.replace("\n", "\r\n") + "\r\n", "byte order mark and without line breaks"),
        (lambda text: text + "\n\n", "blanks at its beginning and end"),
        (lambda text: text.replace("might", "maybe"), "single characters were changed"),
        (lambda text: text + "!!", "the annotated one has"),
    ],
)
def test_a_wrong_text_is_refused_with_the_likely_cause(loaded, change: Callable[[str], str], cause):
    loaded.write("wrong.txt", change(TEXT))

    attached = loaded("attach", SOURCE, "wrong.txt")
    checked = loaded("verify", SOURCE, "--text", "wrong.txt")

    assert (attached.status, checked.status) == (1, 1)
    assert cause in attached.err
    assert cause in checked.out


def test_a_text_that_is_not_utf_8_is_refused(loaded):
    loaded.write("latin.txt", TEXT.encode("utf-16"))

    done = loaded("attach", SOURCE, "latin.txt")

    assert done.status == 2
    assert "not UTF-8" in done.err


@pytest.mark.parametrize(
    "arguments", [("attach", "nobody", "arden.txt"), ("attach", "nobody", "--withdraw"), ("verify", "nobody")]
)
def test_an_unknown_source_is_answered_with_those_there_are(loaded, arguments):
    done = loaded(*arguments)

    assert done.status == 1
    assert SOURCE in done.err


def test_verify_confirms_the_right_text_and_names_what_a_changed_one_breaks(loaded):
    loaded.write("changed.txt", TEXT.replace("second pier", "secund pier"))

    nothing, right = loaded("verify"), loaded("verify", "--text", "arden.txt")
    wrong = loaded("verify", "--text", "changed.txt", SOURCE)

    assert (nothing.status, right.status, wrong.status) == (1, 0, 1)
    assert "none checked" in nothing.out
    assert "confirmed" in right.out
    assert f"{SOURCE}:p1s2 " in wrong.out
    assert "voss-pier" in wrong.out


# ── Records ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_show_prints_a_record_of_every_noun(run):
    vocabularies_and_seed(run)
    source = "japan-ukraine-security-article"
    wanted: Sequence[str] = (
        *("shigeru-ishiba", "prime-minister-of-japan", "asia", "security-guarantees", "white-house-summit"),
        *("ishiba-might-join-coalition", "talks-could-end-war", "japan-ukraine-accord-2024"),
        *("accord-military-equipment", "ishiba-holds-office", source, f"{source}:p1s2", "commitment_level:might"),
    )

    for id in wanted:
        assert json.loads(run("show", id).out)["id"] == id
    assert "--enrichment" in run("show", "fumio-kishida").err
    assert json.loads(run("show", "fumio-kishida", "--enrichment").out)["enrichment"]["source"]
    assert "Did you mean shigeru-ishiba?" in run("show", "shigeru-ishba").err


def test_show_tells_the_past(loaded):
    loaded.write("arden.json", json.dumps(dossier(actors=[person()])))
    loaded("load", "arden.json")

    gone = loaded("show", "voss-pier")

    assert gone.status == 1
    assert "--as-of 1" in gone.err
    assert loaded("show", "voss-pier", "--as-of", "1").status == 0
    assert loaded("show", "voss-pier", "--as-of", "9").status == 1


def test_the_log_lists_and_shows_revisions(loaded):
    assert "Annotate the Arden Courier" in loaded("revisions", "list").out
    assert "create   actor      lena-voss" in loaded("revisions", "show", "1").out
    for command in ("show", "resume", "abandon"):
        assert loaded("revisions", command, "9").status == 1


def left_open(run: Shell, file: Path) -> None:
    """What a crash between opening a revision and publishing it leaves behind."""
    job, digest = {"load": str(file)}, sha256(file.read_bytes()).hexdigest()
    base = open_database(make_url(f"sqlite:///{run.folder}/data/chancery.db"))
    ledger.begin(base, Change("dossier", "a test", "Annotate", "arden", digest, job), utc_now)
    base.close()


def test_what_a_crash_left_open_can_be_resumed(run):
    left_open(run, run.write("arden.json", json.dumps(dossier(actors=[person()]))))

    assert run("doctor").status == 1
    assert run("show", "lena-voss").status == 1
    assert run("revisions", "resume", "1").out == "Revision 1 is published.\n"
    assert run("show", "lena-voss").status == 0


def test_what_a_crash_left_open_can_be_abandoned(run):
    left_open(run, run.write("arden.json", json.dumps(dossier(actors=[person()]))))

    assert run("load", "arden.json", CHANCERY_WRITE_WAIT_SECONDS="0").status == 1
    assert run("revisions", "abandon", "1").out == "Revision 1 is abandoned.\n"
    assert "revision 2" in run("load", "arden.json").out


# ── Terminals and pipes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reader_that_has_seen_enough_is_no_fault(run):
    vocabularies_and_seed(run)
    shown = [*COMMAND, "revisions", "show", "2"]
    with subprocess.Popen(
        shown, cwd=run.folder, env=run.environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (1, b"")


def test_a_full_disk_behind_standard_output_is_said(loaded):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "doctor"], cwd=loaded.folder, env=loaded.environment({}), stdout=full, stderr=subprocess.PIPE
        )

    assert done.returncode == 1
    assert done.stderr == b"No space left on device.\n"


def test_ctrl_c_ends_with_130_and_no_trace(loaded):
    # Another writer holds the ledger, so the command waits until it is interrupted.
    base = open_database(make_url(f"sqlite:///{loaded.folder}/data/chancery.db"))
    with (
        base.write(),
        subprocess.Popen(
            [*COMMAND, "attach", SOURCE, "arden.txt"],
            cwd=loaded.folder,
            env=loaded.environment({"CHANCERY_WRITE_WAIT_SECONDS": "3"}),
            stderr=subprocess.PIPE,
        ) as process,
    ):
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    base.close()

    assert process.returncode == 130
    assert said.startswith("Interrupted.")
