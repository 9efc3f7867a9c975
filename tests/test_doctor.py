"""Whether the doctor finds what is wrong with a database, and says how to mend it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pysqlite3.dbapi2 as sqlite3
import pytest
from sqlalchemy import delete, insert, select, text, update

from app import ledger
from app.doctor import examine
from app.errors import ChanceryError
from app.ledger import Change
from app.models import metadata
from app.models.actor import actor
from app.models.statement import statement as statement_table
from app.settings import Settings
from tests.base import KnowledgeBase
from tests.making import dossier, event, person, state, statement, topic


@pytest.fixture
def well(kb: KnowledgeBase) -> KnowledgeBase:
    """A knowledge base with nothing wrong."""
    participants = [{"actor": "arden", "role": "participant", "inferred": False}]
    kb.load(
        dossier(
            actors=[person(), state()],
            topics=[topic("ports")],
            statements=[statement(topics=["ports"], about=["arden"])],
            events=[event(participants=participants)],
        )
    )
    return kb


def ailments(kb: KnowledgeBase) -> list[str]:
    return list(examine(kb.database, Settings().migrations))


def do(kb: KnowledgeBase, *statements: object) -> None:
    """What no ledger does."""
    with kb.database.write() as connection:
        for one in statements:
            connection.execute(text(one) if isinstance(one, str) else one)


def test_a_database_that_was_filled_changed_and_emptied_is_well(well: KnowledgeBase) -> None:
    well.load(dossier(actors=[person(), state()]))
    well.load(dossier(topics=[topic("ports"), topic("roads")]))

    assert ailments(well) == []


def test_the_seed_is_well(seeded: KnowledgeBase) -> None:
    assert ailments(seeded) == []


def test_an_open_revision_is_found_with_the_commands_that_mend_it(well: KnowledgeBase) -> None:
    ledger.begin(well.database, Change("edit", "a test", "Left open"), well.clock)

    (ailment,) = ailments(well)
    assert "`chancery revisions resume 2`" in ailment
    assert "`chancery revisions abandon 2`" in ailment


@pytest.mark.parametrize("name", ["ix_statement_place", "uq_revision_open", "ix_topic_broader"])
def test_a_missing_index_is_found_with_the_statement_that_makes_it_again(well: KnowledgeBase, name: str) -> None:
    do(well, f"DROP INDEX {name}")

    (ailment,) = ailments(well)
    assert f"The index {name} is missing" in ailment
    do(well, ailment.partition("restore it with: ")[2])
    assert ailments(well) == []


def test_a_missing_table_is_found(well: KnowledgeBase) -> None:
    do(well, "DROP TABLE coded_report")

    assert any("The table coded_report is missing" in one for one in ailments(well))


def test_a_reference_that_leads_nowhere_is_found(well: KnowledgeBase) -> None:
    well.retract("actor", "arden")
    well.retract("topic", "ports")

    found = " ".join(ailments(well))
    assert "statement voss-pier: about leads to arden, which does not stand" in found
    assert "statement voss-pier: topics leads to ports, which does not stand" in found
    assert "event ferry-signing: participants leads to arden" in found


def test_a_citation_of_a_passage_that_is_gone_is_found(well: KnowledgeBase) -> None:
    well.retract("passage", "arden-arden-courier-article:p1s2")

    assert any("citation leads to arden-arden-courier-article:p1s2" in one for one in ailments(well))


def test_a_record_that_stands_twice_is_found(well: KnowledgeBase) -> None:
    well.load(dossier(actors=[person(), state()], statements=[statement(gloss="Perhaps.")]))
    do(well, update(statement_table).where(statement_table.c.since == 1).values(until=None))

    assert any("The statement voss-pier stands twice" in one for one in ailments(well))


def test_a_database_of_another_version_is_told_what_to_do(well: KnowledgeBase) -> None:
    do(well, "UPDATE alembic_version SET version_num = '99999999a'")

    assert ailments(well) == ["The schema is newer. Run a newer Chancery."]


def test_an_empty_database_is_told_what_to_do(kb: KnowledgeBase) -> None:
    do(
        kb,
        "DROP TABLE search_words",
        *[f"DROP TABLE {one.name}" for one in reversed(metadata.sorted_tables)],
        "DELETE FROM alembic_version",
    )
    do(kb, "DROP TABLE alembic_version")

    assert ailments(kb) == ["The schema is empty. Run `chancery migrate`."]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_damaged_file_is_found_and_a_backup_advised(migrated_file: Path, tmp_path: Path, part: float) -> None:
    file = Path(shutil.copy(migrated_file, tmp_path / "chancery.db"))
    base = KnowledgeBase.at(f"sqlite:///{file}")
    base.load(dossier(topics=[topic(f"topic-{n}", "Words " * 20) for n in range(200)]))
    base.close()
    with sqlite3.connect(str(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(file.read_bytes())
    at = int(len(content) * part) // 4096 * 4096
    content[at : at + 3 * 4096] = b"\x5a" * 3 * 4096
    file.write_bytes(content)

    again = KnowledgeBase.at(f"sqlite:///{file}")
    try:
        told = " ".join(ailments(again))
    except ChanceryError as error:
        told = error.detail
    again.close()
    assert re.search("(?s)damaged.*`chancery restore`", told)


def test_a_participant_that_nobody_knows_is_found(well: KnowledgeBase) -> None:
    with well.database.read() as connection:
        row = connection.execute(select(actor).where(actor.c.id == "arden")).mappings().one()
    do(
        well,
        delete(metadata.tables["actor_name"]).where(metadata.tables["actor_name"].c.id == "arden"),
        delete(actor).where(actor.c.id == "arden"),
    )

    assert any("event_participant leads to arden" in one for one in ailments(well))
    do(well, insert(actor).values(dict(row)))
    assert ailments(well) == []


def test_a_connection_that_saw_the_index_of_words_before_a_write_finds_it_well_after_it(
    own_seeded: KnowledgeBase,
) -> None:
    key, actors = own_seeded.key("write"), "/v1/actors"
    cited = own_seeded.json("/v1/passages?limit=1")["items"][0]["id"]
    nippon = {"kind": "state", "name": "Nippon", "evidence": [cited]}
    steps: list[tuple[str, str, dict[str, object] | None, dict[str, str | bytes]]] = [
        ("PUT", f"{actors}/nippon", nippon, {"If_None_Match": "*"}),
        ("POST", f"{actors}/japan/merge", {"into": "nippon", "why": "One state."}, {}),
        ("DELETE", f"{actors}/japan/merge?why=Two+states.", None, {}),
    ]
    assert ailments(own_seeded) == []

    for method, path, body, headers in steps:
        assert own_seeded.send(method, path, body, key=key, **headers).status_code in (200, 201)
        assert ailments(own_seeded) == [], path
