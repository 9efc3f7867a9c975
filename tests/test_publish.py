"""Whether a dossier is published as what it changes and nothing else, refused whole, and never at the cost of somebody else's."""

from __future__ import annotations

import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from app import ledger
from app.dossiers import publish as publishing
from app.dossiers.publish import prepare, publish, resume
from app.errors import BadDossier, Conflict
from app.ledger import Change
from app.times import utc_now
from tests.base import KnowledgeBase
from tests.making import TEXT, dossier, event, person, state, statement, topic


def topics(*names: str, id: str = "arden", label: str = "Words") -> dict[str, Any]:
    return dossier(id, topics=[topic(name, label) for name in names])


def standing(kb: KnowledgeBase) -> dict[str, str]:
    return {item["id"]: item["label"] for item in kb.json("/v1/topics?limit=500")["items"]}


def open_revision(kb: KnowledgeBase) -> int | None:
    with kb.database.read() as connection:
        row = ledger.opened(connection)
    return None if row is None else row.number


def crash_in(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, made: dict[str, Any]) -> None:
    """Publish a large dossier whose writer dies before the end: nothing of it tidies up."""
    monkeypatch.setattr(publishing, "TRANSACTION_RECORDS", 4)
    monkeypatch.setattr(publishing, "drop", lambda *_: None)
    monkeypatch.setattr(ledger, "publish", power_cut)
    with pytest.raises(PowerCut):
        kb.load(made)
    monkeypatch.undo()


class PowerCut(BaseException):
    """The end of a process."""


def power_cut(*_: Any) -> None:
    raise PowerCut


# ── What changes, and nothing else ──────────────────────────────────────────────────────────────────────────────────


def test_publishing_the_same_dossier_again_is_no_revision(kb: KnowledgeBase) -> None:
    made = dossier(actors=[person(), state()], statements=[statement()], events=[event()])
    kb.load(made)

    assert kb.load(made).revision is None
    assert kb.load_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2)).revision is None
    assert kb.latest == 1


def test_only_what_changed_gets_a_new_version(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person(), state()], statements=[statement()]))
    told = kb.load(dossier(actors=[person(), state()], statements=[statement(gloss="Perhaps.")]))

    assert told.difference.counts() == {"created": {}, "updated": {"statement": 1}, "retracted": {}}
    assert [one["id"] for one in kb.json("/v1/changes?after=1")["items"]] == ["voss-pier"]


def test_what_a_dossier_does_not_hold_any_more_is_retracted(kb: KnowledgeBase) -> None:
    kb.load(topics("ports", "roads"))
    kb.load(topics("ports"))

    assert standing(kb) == {"ports": "Words"}
    assert "arden does not hold it any more" in kb.json("/v1/topics/roads", 410)["detail"]


def test_a_dossier_never_retracts_what_another_one_published(kb: KnowledgeBase) -> None:
    kb.load(topics("ports"))
    kb.load(topics("roads", id="belmont"))
    kb.load(topics("quays"))

    assert standing(kb) == {"quays": "Words", "roads": "Words"}


# ── Refused whole ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dossier_does_not_describe_again_what_another_one_published(kb: KnowledgeBase) -> None:
    kb.load(topics("ports"))

    with pytest.raises(BadDossier, match="ports stands already, published by the dossier or dataset arden"):
        kb.load(topics("ports", id="belmont", label="Mine"))
    assert (standing(kb), kb.latest, open_revision(kb)) == ({"ports": "Words"}, 1, None)


def test_a_failure_half_way_leaves_nothing_behind(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    for most in (2_000, 4):
        monkeypatch.setattr(publishing, "TRANSACTION_RECORDS", most)
        monkeypatch.setattr(ledger, "publish", power_cut)
        with pytest.raises(PowerCut):
            kb.load(topics(*"abcdefghij"))
        monkeypatch.undo()

    assert (standing(kb), kb.latest, open_revision(kb)) == ({}, 0, None)
    assert kb.load(topics("a")).revision is not None


# ── At the same time as somebody else ───────────────────────────────────────────────────────────────────────────────


def test_a_dossier_that_another_writer_made_impossible_meanwhile_is_refused_and_leaves_nothing(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, name in ((2_000, "ports"), (4, "quays")):
        monkeypatch.setattr(publishing, "TRANSACTION_RECORDS", most)
        with kb.database.read() as connection:
            data = orjson.dumps(topics(name, *"abcdefgh", id="belmont"))
            prepared = prepare(connection, data, kb.vocabularies)
        kb.load(topics(name))
        with pytest.raises(BadDossier, match=f"{name} stands already"):
            publish(kb.database, prepared, by="a test", clock=kb.clock)

    assert standing(kb) == {"quays": "Words"}
    assert open_revision(kb) is None


def test_a_dossier_that_another_writer_published_meanwhile_is_no_second_revision(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, names in ((2_000, "abc"), (4, "abcdefgh")):
        monkeypatch.setattr(publishing, "TRANSACTION_RECORDS", most)
        data = orjson.dumps(topics(*names))
        with kb.database.read() as connection:
            prepared = prepare(connection, data, kb.vocabularies)
        first = kb.load_bytes(data)
        second = publish(kb.database, prepared, by="a test", clock=kb.clock)

        assert second.revision is None
        assert kb.latest == first.revision


def test_the_same_dossier_loaded_by_many_at_once_is_one_revision(kb: KnowledgeBase) -> None:
    made = orjson.dumps(topics(*"abcdefgh"))
    told = []

    def work() -> None:
        with kb.database.read() as connection:
            prepared = prepare(connection, made, kb.vocabularies)
        told.append(publish(kb.database, prepared, by="a test", clock=utc_now, wait_seconds=30).revision)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told, key=str) == [1, None, None, None]
    assert kb.latest == 1


# ── What a crash leaves ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_large_dossier_whose_writer_died_is_finished_under_its_number(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.load(topics("a", "z", label="Before"))
    made = topics(*"abcdefghij")
    crash_in(kb, monkeypatch, made)
    assert standing(kb) == {"a": "Before", "z": "Before"}
    with pytest.raises(Conflict, match="`chancery revisions resume 2`"):
        kb.load(topics("k", id="belmont"))

    resume(kb.database, 2, orjson.dumps(made), kb.vocabularies, clock=kb.clock)

    assert standing(kb) == dict.fromkeys("abcdefghij", "Words")
    assert kb.latest == 2
    assert kb.load(made).revision is None


def test_a_large_dossier_whose_writer_died_can_be_dropped_and_loaded_again(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = topics(*"abcdefghij")
    crash_in(kb, monkeypatch, made)

    with kb.database.write() as connection:
        ledger.abandon(connection, 1)

    assert standing(kb) == {}
    assert kb.load(made).revision == 2


def test_another_file_does_not_finish_what_a_crash_left(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    crash_in(kb, monkeypatch, topics(*"abcdefghij"))

    with pytest.raises(Conflict, match="changed since revision 1 was opened"):
        resume(kb.database, 1, orjson.dumps(topics(*"abc")), kb.vocabularies, clock=kb.clock)
    with pytest.raises(Conflict, match="Revision 2 is not open"):
        resume(kb.database, 2, orjson.dumps(topics(*"abcdefghij")), kb.vocabularies, clock=kb.clock)
    assert open_revision(kb) == 1


def test_what_a_dossier_writes_is_checked_against_what_is_published_only(kb: KnowledgeBase) -> None:
    number = ledger.begin(kb.database, Change("edit", "a test", "Never seen"), kb.clock)
    with kb.database.write() as connection:
        record = {"id": "ports", "label": "", "definition": None, "broader": None, "evidence": []}
        ledger.put(connection, number, "topic", [record], origin=None)

    with kb.database.read() as connection:
        data = orjson.dumps(dossier(actors=[person()], statements=[statement(topics=["ports"])]))
        with pytest.raises(BadDossier, match="ports"):
            prepare(connection, data, kb.vocabularies)


# ── Open texts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def open_dossier(name: str) -> bytes:
    made = topics("ports") | {"passages": dossier()["passages"]}
    made["source"] |= {"text": "open", "licence": "CC-BY-4.0", "text_file": name}
    return orjson.dumps(made)


def prepared_in(kb: KnowledgeBase, folder: Path, data: bytes) -> publishing.Prepared:
    with kb.database.read() as connection:
        return prepare(connection, data, kb.vocabularies, folder=folder)


def test_the_text_of_an_open_source_comes_with_its_dossier(kb: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text(TEXT, encoding="utf-8")
    publish(kb.database, prepared_in(kb, tmp_path, open_dossier("article.txt")), by="a test", clock=kb.clock)

    source = kb.json("/v1/sources/arden-arden-courier-article")
    assert (source["text"], source["sha256"]) == ("open", sha256(TEXT.encode()).hexdigest())
    assert kb.json("/v1/passages/arden-arden-courier-article:p2s2")["exact"] == "Observers doubt that."


def test_a_text_that_was_lost_comes_back_when_its_dossier_is_loaded_again(kb: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text(TEXT, encoding="utf-8")
    data = open_dossier("article.txt")
    publish(kb.database, prepared_in(kb, tmp_path, data), by="a test", clock=kb.clock)
    kb.withdraw("arden-arden-courier-article")

    told = publish(kb.database, prepared_in(kb, tmp_path, data), by="a test", clock=kb.clock)

    assert told.revision is None
    assert kb.json("/v1/passages/arden-arden-courier-article:p2s2")["exact"] == "Observers doubt that."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.txt", None),
        ("article.txt", TEXT.encode() + b"!"),
        ("article.txt", b"\xff\xfe"),
        ("../article.txt", TEXT.encode()),
        ("/etc/passwd", None),
    ],
)
def test_an_open_source_without_its_text_beside_it_is_refused(
    kb: KnowledgeBase, tmp_path: Path, name: str, content: bytes | None
) -> None:
    folder = tmp_path / "dossiers"
    folder.mkdir()
    if content is not None:
        (folder / name).write_bytes(content)

    with pytest.raises(BadDossier):
        prepared_in(kb, folder, open_dossier(name))
    assert kb.latest == 0


def test_a_dossier_does_not_take_away_what_others_name(kb: KnowledgeBase):
    kb.load(dossier("arden", actors=[person(), state()], topics=[topic("ferries")]))
    kb.load(dossier("belmont", statements=[statement(topics=["ferries"])]))

    with pytest.raises(BadDossier) as refused:
        kb.load(dossier("arden", actors=[state()]))

    assert [fault.name for fault in refused.value.errors] == ["ferries", "lena-voss"]
    assert "statement voss-pier" in refused.value.errors[0].detail
    kb.load(dossier("belmont", topics=[topic("locks")]))
    assert kb.load(dossier("arden", actors=[state()])).revision is not None
