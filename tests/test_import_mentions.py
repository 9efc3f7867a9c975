"""Whether mentions become reports of the events they name, and change no number of events."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.importers.runner import run
from tests.base import KnowledgeBase

FIRST = "/v1/events/gdelt:9000000001"  # the event that most of our mentions name
OWN = Path(__file__).resolve().parent / "importers"


def bring(kb: KnowledgeBase, file: Path, **more: Any) -> Any:
    """Import a file of our own rows."""
    return run(kb.database, file, clock=kb.clock, by="a test", accept=1.0, **more)


def mentioned(kb: KnowledgeBase, folder: Path) -> Path:
    """Our own mentions, and one of an event that is nowhere; their events are imported."""
    kb.clock.moment = datetime(2032, 1, 1, tzinfo=UTC)  # the rows are of 2031
    bring(kb, OWN / "gdelt-2.CSV")
    lines = (OWN / "gdelt-mentions.CSV").read_text(encoding="utf-8").splitlines()
    cells = lines[0].split("\t")
    file = folder / "mentions.CSV"
    file.write_text("\n".join([lines[0], "\t".join(["8999999999", *cells[1:]]), *lines[1:]]) + "\n", encoding="utf-8")
    return file


def test_a_mention_stands_beside_its_event_and_adds_to_no_count(kb: KnowledgeBase, tmp_path: Path) -> None:
    file = mentioned(kb, tmp_path)
    event = kb.json(FIRST)
    before = (kb.json("/v1/events/counts?measure=reports")["total"], len(kb.json(f"{event['self']}/reports")["items"]))

    told = bring(kb, file)

    reports = kb.json(f"{event['self']}/reports")["items"]
    assert told.new > 0
    assert before[1] < len(reports) <= before[1] + told.new
    assert {one["weight"] for one in reports if one["since"] == kb.latest} == {0}
    assert kb.json("/v1/events/counts?measure=reports")["total"] == before[0]
    assert len(kb.json(f"{event['self']}/reports?as_of={kb.latest - 1}")["items"]) == before[1]


def test_mentions_of_events_that_are_not_here_are_kept_as_refused(kb: KnowledgeBase, tmp_path: Path) -> None:
    told = bring(kb, mentioned(kb, tmp_path))

    refused = kb.json("/v1/datasets/gdelt/rejected?limit=500")["items"]

    assert told.rejected["unknown-event"] > 0
    assert sum(1 for one in refused if one["reason"] == "unknown-event") == told.rejected["unknown-event"]


def test_the_same_mentions_again_change_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    file = mentioned(kb, tmp_path)
    bring(kb, file)
    latest = kb.latest
    other = Path(shutil.copy(file, tmp_path / "again.CSV"))

    told = bring(kb, other, again=True)

    assert told.revision is None
    assert told.new == 0
    assert kb.latest == latest


def test_a_dry_run_of_mentions_writes_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    file = mentioned(kb, tmp_path)
    latest = kb.latest

    told = bring(kb, file, dry_run=True)

    assert told.new > 0
    assert kb.latest == latest
