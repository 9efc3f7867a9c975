"""Who gets in: keys made, recognised, refused, ended and counted; reads closed, with nothing that leaks past."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from app.cli import app as command
from app.models.access import access_key
from app.writing import keys
from tests.base import KnowledgeBase, plant
from tests.conftest import BACKENDS, database_url
from tests.making import dossier, topic

DOSSIER = dossier(topics=[topic("ferries")])
CHALLENGE = 'Bearer realm="chancery"'


@pytest.fixture(params=BACKENDS)
def closed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KnowledgeBase]:
    """A seeded knowledge base that nobody reads without a key."""
    base = KnowledgeBase.at(database_url(request.param, request, tmp_path), reads="closed")
    plant(base)
    yield base
    base.close()


def test_a_key_is_shown_once_and_kept_as_a_digest(kb: KnowledgeBase):
    secret = kb.key("write")

    with kb.database.read() as connection:
        row = connection.execute(select(access_key)).one()
    assert secret not in str(row)
    assert row.digest == keys.digest_of(secret)
    assert len(secret.rsplit("_", 1)[-1]) <= 43 < len(secret)


def test_without_a_key_nothing_is_written(kb: KnowledgeBase):
    answer = kb.send("POST", "/v1/dossiers", DOSSIER)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, CHALLENGE)
    assert answer.headers["content-type"] == "application/problem+json"
    assert kb.latest == 0


NO_KEYS = [
    "Bearer",
    "Bearer chy_abcdefgh",
    "Bearer chy_abcdefgh_" + "x" * 43,
    "Basic dXNlcjpwYXNz",
    "bearer  ",
    "Bearer " + "chy_" * 2_000,
    "Bearer chy_abcdefgh_" + "é" * 43,
]


def test_what_is_no_good_key_is_refused_as_the_standard_says(kb: KnowledgeBase):
    for given in NO_KEYS:
        answer = kb.send("POST", "/v1/dossiers", DOSSIER, Authorization=given.encode("latin-1"))

        assert answer.status_code == 401, given
        assert answer.headers["www-authenticate"] == f'{CHALLENGE}, error="invalid_token"'
        assert "x" * 43 not in answer.text
    assert kb.latest == 0


def test_a_key_one_letter_off_does_not_get_in(kb: KnowledgeBase):
    secret = kb.key("write")

    wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")

    assert kb.send("POST", "/v1/dossiers", DOSSIER, key=wrong).status_code == 401


def test_a_revoked_key_is_refused_at_once(kb: KnowledgeBase):
    secret = kb.key("write", name="desk")
    assert kb.send("POST", "/v1/dossiers", DOSSIER, key=secret).status_code == 201

    with kb.database.write() as connection:
        assert keys.revoke(connection, "desk", kb.clock())
    answer = kb.send("POST", "/v1/dossiers", DOSSIER, key=secret)

    assert answer.status_code == 401
    assert "revoked" in answer.json()["detail"]


def test_a_key_ends_when_it_says(kb: KnowledgeBase):
    secret = kb.key("write", expires=kb.clock() + timedelta(hours=1))
    assert kb.send("POST", "/v1/dossiers", DOSSIER, key=secret).status_code == 201

    kb.clock.moment += timedelta(hours=1)

    assert "expired" in kb.send("POST", "/v1/dossiers", DOSSIER, key=secret).json()["detail"]


def test_a_key_that_only_reads_does_not_write(kb: KnowledgeBase):
    answer = kb.send("POST", "/v1/dossiers", DOSSIER, key=kb.key("read"))

    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == f'{CHALLENGE}, error="insufficient_scope", scope="write"'
    assert kb.latest == 0


def test_every_revision_names_the_key_that_made_it(kb: KnowledgeBase):
    kb.send("POST", "/v1/dossiers?why=First+try", DOSSIER, key=kb.key("admin", name="Ann's desk".replace("'", "")))

    revision = kb.json("/v1/revisions/1")

    assert (revision["by"], revision["why"]) == ("Anns desk", "First try")


def test_who_tries_many_keys_has_to_wait(kb: KnowledgeBase):
    good = kb.key("write")
    for _ in range(kb.settings.refused_minute):
        assert kb.send("POST", "/v1/dossiers", DOSSIER, key="chy_guess").status_code == 401

    answer = kb.send("POST", "/v1/dossiers", DOSSIER, key=good)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert kb.get("/v1/topics").status_code == 200  # who brings none is not meant


def test_a_key_that_is_no_good_is_refused_on_open_reads_too(seeded: KnowledgeBase):
    assert seeded.get("/v1/actors").status_code == 200
    assert seeded.get("/v1/actors", Authorization="Bearer chy_old").status_code == 401
    assert seeded.get("/healthz", Authorization="Bearer chy_old").status_code == 200


def test_no_key_stands_in_a_log(kb: KnowledgeBase, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    good, bad = kb.key("write"), "chy_abcdefgh_" + "x" * 43

    for secret in (good, bad):
        kb.send("POST", "/v1/dossiers", DOSSIER, key=secret)
        kb.send("POST", "/v1/dossiers", b"{", key=secret, Content_Type="application/json")

    told = "".join(f"{one.getMessage()} {one.__dict__}" for one in caplog.records)
    assert "/v1/dossiers" in told
    assert good not in told
    assert bad not in told


# ── Closed reads ────────────────────────────────────────────────────────────────────────────────────────────────────

READS = (
    "/v1",
    "/v1/actors",
    "/v1/actors/japan",
    "/v1/statements?format=csv",
    "/v1/changes",
    "/v1/resolve?name=Tokyo",
    "/v1/events/counts?by=month",
    "/v1/no-such-thing",
    "/metrics",
)


def test_closed_reads_need_a_key(closed: KnowledgeBase):
    key = f"Bearer {closed.key('read')}"

    for path in READS:
        assert closed.get(path).status_code == 401, path
        assert closed.client.head(path).status_code == 401
        assert closed.get(path, Authorization=key).status_code in (200, 404)


def test_what_somebody_read_with_a_key_does_not_leak_from_memory(closed: KnowledgeBase):
    key = f"Bearer {closed.key('read')}"
    for _ in range(3):
        answer = closed.get("/v1/actors", Authorization=key)

    assert answer.status_code == 200
    assert "private" in answer.headers["cache-control"]
    assert "public" not in answer.headers["cache-control"]
    assert "Authorization" in answer.headers["vary"]
    assert closed.get("/v1/actors").status_code == 401
    assert closed.get("/v1/actors", If_None_Match=answer.headers["etag"]).status_code == 401


def test_a_pinned_read_of_closed_knowledge_is_private_too(closed: KnowledgeBase):
    answer = closed.get("/v1/topics?as_of=1", Authorization=f"Bearer {closed.key('read')}")

    assert "public" not in answer.headers["cache-control"]


def test_whether_it_is_well_stays_open(closed: KnowledgeBase):
    assert closed.get("/healthz").status_code == 200
    assert closed.get("/readyz").status_code == 200
    assert closed.client.options("/v1/actors").status_code == 204


def test_open_answers_stay_public_whoever_asks(seeded: KnowledgeBase):
    key = seeded.key("read")

    answer = seeded.get("/v1/actors", Authorization=f"Bearer {key}")

    assert answer.headers["cache-control"].startswith("public")
    assert answer.content == seeded.get("/v1/actors").content


# ── Limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=BACKENDS)
def narrow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KnowledgeBase]:
    """A knowledge base that takes little at once."""
    knobs = {"writes_minute": 3, "reads_minute": 5, "body_bytes": 2_000, "dossier_records": 4, "answers_bytes": 0}
    base = KnowledgeBase.at(database_url(request.param, request, tmp_path), **knobs)
    yield base
    base.close()


def test_a_script_that_runs_wild_is_told_when_to_come_again(narrow: KnowledgeBase):
    mine, other = narrow.key("write"), narrow.key("write")
    answers = [narrow.send("POST", "/v1/dossiers", {}, key=mine) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
    assert [answer.headers["ratelimit"].partition(";t")[0] for answer in answers] == [
        '"writes";r=2',
        '"writes";r=1',
        '"writes";r=0',
        '"writes";r=0',
    ]
    assert answers[0].headers["ratelimit-policy"] == '"writes";q=3;w=60'
    assert int(answers[3].headers["retry-after"]) <= 60
    assert narrow.send("POST", "/v1/dossiers", {}, key=other).status_code == 422


def test_reads_are_counted_where_a_setting_says_so(narrow: KnowledgeBase):
    seen = [narrow.get("/v1/topics").status_code for _ in range(6)]

    assert seen == [200] * 5 + [429]
    assert narrow.get("/healthz").status_code == 200


def test_a_body_that_is_too_large_is_refused_whatever_it_declares(narrow: KnowledgeBase):
    key = narrow.key("write")

    declared = narrow.send("POST", "/v1/dossiers", b"x" * 3_000, key=key, Content_Type="application/json")
    chunked = narrow.send("POST", "/v1/dossiers", iter([b"x" * 1_500] * 2), key=key, Content_Type="application/json")

    assert (declared.status_code, chunked.status_code) == (413, 413)


def test_a_dossier_of_too_many_records_is_refused(request: pytest.FixtureRequest, tmp_path: Path):
    base = KnowledgeBase.at(database_url("sqlite", request, tmp_path), dossier_records=8)
    key = base.key("write")

    small = base.send("POST", "/v1/dossiers", dossier(topics=[topic("a"), topic("b")]), key=key)
    large = base.send("POST", "/v1/dossiers", dossier(topics=[topic(x) for x in "abcd"]), key=key)
    base.close()

    assert (small.status_code, large.status_code) == (201, 413)


# ── The command ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_makes_lists_and_revokes_keys(request: pytest.FixtureRequest, tmp_path: Path):
    base = KnowledgeBase.at(database_url("sqlite", request, tmp_path))
    where = ["--database", str(base.settings.database)]

    made = CliRunner().invoke(command, ["keys", "add", "desk", "--scope", "read,write", *where])
    secret = made.stdout.strip()
    assert re.fullmatch(keys.FORM, secret)
    assert base.send("POST", "/v1/dossiers", DOSSIER, key=secret).status_code == 201
    listed = CliRunner().invoke(command, ["keys", "list", *where]).stdout
    assert secret[:12] in listed
    assert secret not in listed
    assert "revoked" in CliRunner().invoke(command, ["keys", "revoke", "desk", *where]).stdout
    assert base.send("POST", "/v1/dossiers", DOSSIER, key=secret).status_code == 401
    base.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "desk", "--scope", "root"],
        ["add", "de\nsk"],
        ["add", "desk", "--expires", "2001-01-01"],
        ["revoke", "nobody"],
    ],
)
def test_the_command_refuses_keys_that_cannot_be(request: pytest.FixtureRequest, tmp_path: Path, arguments: list[str]):
    url = database_url("sqlite", request, tmp_path)

    done = CliRunner().invoke(command, ["keys", *arguments, "--database", url])

    assert done.exit_code != 0
    assert not done.stdout
