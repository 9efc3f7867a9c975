"""Who is a dataset's actor here? Told by declared rules, kept apart when unsure, and changed without touching an event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app import ledger
from app.errors import BadQuery
from app.importers import runner
from app.importers.reconcile import reconcile, relink
from app.ledger import Change
from app.models.coded import coded_actor, coded_event, coded_link, coded_part
from tests.base import KnowledgeBase
from tests.making import dossier, person
from tests.test_import_runner import icews_file, row

ENRICHMENT = {"source": "https://example.org", "note": "A usual name."}


def state(id: str, name: str, iso: str, **more: Any) -> dict[str, Any]:
    """A state with its ISO code."""
    names = [{"text": name, "kind": "name", "language": "en"}]
    codes = [{"scheme": "iso3166-1-alpha2", "value": iso, "enrichment": ENRICHMENT}]
    return {"id": id, "kind": "state", "name": name, "evidence": ["p2s3"], "names": names, "identifiers": codes, **more}


def government(id: str, of: str, name: str) -> dict[str, Any]:
    """A government, named by description only."""
    names = [{"text": name, "kind": "metonym", "language": "en"}]
    return {"id": id, "kind": "government", "name": name, "evidence": ["p2s3"], "names": names}


def represents(subject: str, object: str) -> dict[str, Any]:
    """A government acts for a state."""
    edge = {
        "id": f"{subject}-represents",
        "subject": subject,
        "object": object,
        "kind": "represents",
        "status": "reported",
    }
    return {**edge, "gloss": "It acts for it.", "evidence": ["p2s3"]}


def settle(kb: KnowledgeBase) -> None:
    """Publish the actors that the tests link to."""
    alias = {"text": "L. Voss", "kind": "name", "language": "en", "enrichment": ENRICHMENT}
    voss = person(names=[{"text": "Lena Voss", "kind": "name", "language": "en"}, alias])
    actors = [
        state("japan", "Japan", "JP"),
        state("ukraine", "Ukraine", "UA"),
        government("government-of-japan", "japan", "Tokyo"),
        voss,
        person("sam-reed", "Sam Reed"),
        person("sam-reed-junior", "Sam Reed"),
    ]
    kb.load(dossier(actors=actors, relations=[represents("government-of-japan", "japan")]))


def links(kb: KnowledgeBase) -> dict[str, str]:
    """Who each linked actor of a dataset is now."""
    query = (
        select(coded_actor.c.name, coded_link.c.actor)
        .join(coded_link, coded_link.c.number == coded_actor.c.number)
        .where(coded_link.c.until.is_(None))
    )
    with kb.database.read() as connection:
        return {one.name: one.actor for one in connection.execute(query)}


def load(kb: KnowledgeBase, folder: Path, *names: tuple[str, str]) -> None:
    """Import events whose initiators these are, each with its country."""
    lines = [row(n, Source_Name=name, Source_Country=country) for n, (name, country) in enumerate(names, 1)]
    runner.run(kb.database, icews_file(folder, lines), clock=kb.clock, by="a test")


def change(kb: KnowledgeBase, to: str | None, number: int) -> int:
    """Link an actor of a dataset to somebody else, in a revision of its own."""
    with kb.database.write() as connection:
        revision = ledger.start(connection, Change("edit", "a test", "Link it rightly"), kb.clock())
        relink(connection, revision, number, to, "A person looked.")
        ledger.publish(connection, revision, kb.clock())
    return revision


def test_actors_are_linked_by_country_government_and_name(kb: KnowledgeBase, tmp_path: Path) -> None:
    settle(kb)

    load(kb, tmp_path, ("Japan", "Japan"), ("Government (Japan)", "Japan"), ("lena  VOSS", "NA"), ("L. Voss", "NA"))

    assert links(kb) == {
        "Japan": "japan",
        "Government (Japan)": "government-of-japan",
        "lena  VOSS": "lena-voss",
        "L. Voss": "lena-voss",
    }
    with kb.database.read() as connection:
        reasons = set(connection.scalars(select(coded_link.c.why)))
    assert {why.split(":")[0] for why in reasons} == {"identifier", "government", "name"}


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("Citizen (Japan)", "Japan"),  # somebody in a country is not the country
        ("Police (Japan)", "Japan"),
        ("Government (Ukraine)", "Ukraine"),  # no government of it is known here
        ("Sam Reed", "NA"),  # two have that name
        ("Tokyo", "Japan"),  # a metonym stands for a government only where it is used so
        ("Voss", "NA"),  # a family name alone
        ("Unheard Of", "NA"),
    ],
)
def test_an_actor_of_whom_no_rule_is_sure_is_kept_apart(
    kb: KnowledgeBase, tmp_path: Path, name: str, country: str
) -> None:
    settle(kb)

    load(kb, tmp_path, (name, country))

    assert links(kb) == {}


def test_a_link_can_be_changed_and_taken_back_without_touching_an_event(kb: KnowledgeBase, tmp_path: Path) -> None:
    settle(kb)
    load(kb, tmp_path, ("Lena Voss", "NA"))
    with kb.database.read() as connection:
        number = connection.execute(select(coded_link.c.number)).scalar_one()
        before = [list(connection.execute(select(table))) for table in (coded_event, coded_part)]

    first = change(kb, "sam-reed", number)
    assert links(kb) == {"Lena Voss": "sam-reed"}
    second = change(kb, None, number)
    assert links(kb) == {}

    with kb.database.read() as connection:
        history = {(one.actor, one.since, one.until) for one in connection.execute(select(coded_link))}
        assert history == {("lena-voss", first - 1, first), ("sam-reed", first, second)}
        assert [list(connection.execute(select(table))) for table in (coded_event, coded_part)] == before


def test_within_a_revision_the_last_word_on_a_link_counts(kb: KnowledgeBase, tmp_path: Path) -> None:
    settle(kb)
    load(kb, tmp_path, ("Lena Voss", "NA"))
    with kb.database.read() as connection:
        before = list(connection.execute(select(coded_link)))
        number = before[0].number

    with kb.database.write() as connection:
        revision = ledger.start(connection, Change("edit", "a test", "Try"), kb.clock())
        assert relink(connection, revision, number, "sam-reed", "A try.")
        assert relink(connection, revision, number, "lena-voss", "No.")
        assert not relink(connection, revision, number, "lena-voss", "No.")
        with pytest.raises(BadQuery):
            relink(connection, revision, number, "nobody", "A slip.")
        with pytest.raises(BadQuery):
            relink(connection, revision, 99, "sam-reed", "A slip.")
        ledger.publish(connection, revision, kb.clock())

    with kb.database.read() as connection:
        assert list(connection.execute(select(coded_link))) == before


def test_who_becomes_known_later_is_linked_when_asked(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, tmp_path, ("Lena Voss", "NA"), ("Japan", "Japan"))
    assert links(kb) == {}
    settle(kb)

    with kb.database.write() as connection:
        revision = ledger.start(connection, Change("edit", "a test", "Look again"), kb.clock())
        assert reconcile(connection, revision, "icews") == 2
        ledger.publish(connection, revision, kb.clock())

    assert links(kb) == {"Lena Voss": "lena-voss", "Japan": "japan"}
