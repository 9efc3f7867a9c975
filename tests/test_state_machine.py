"""Whether history ever lies: a knowledge base lives through chance, every answer is remembered and asked for again."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app import ledger
from app.ledger import Change
from app.query.evidence import access
from app.resources import RESOURCES
from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, database_url
from tests.making import TEXT, claim, dossier, event, person, state, statement, topic

# About half a minute a database. A failure prints the steps and the blob that replays them; it is not made smaller, which would
# take minutes: add Phase.shrink for that.
EXAMPLES, STEPS = 3, 14

DOSSIERS = ("arden", "belmont")
OUTSIDE = {"source": "https://example.org/", "note": "Known from elsewhere."}

DATES = [None, "2021", {"edtf": None, "words": "in spring", "basis": "stated"}]
ENRICHED_DATE = {"edtf": "2020-02", "words": "last winter", "basis": "enrichment", "enrichment": OUTSIDE}

PARTS = st.fixed_dictionaries(
    {
        "statements": st.dictionaries(
            st.sampled_from(["s1", "s2", "s3"]),
            st.fixed_dictionaries(
                {
                    "gloss": st.sampled_from(["A pier is possible.", "A second pier, perhaps."]),
                    "level": st.sampled_from(["might", "considers"]),
                    "topic": st.sampled_from([None, "ports", "piers"]),
                    "said": st.sampled_from([*DATES, ENRICHED_DATE]),
                }
            ),
        ),
        "claims": st.dictionaries(st.sampled_from(["c1", "c2"]), st.sampled_from(["It opens.", "It opens soon."])),
        "events": st.dictionaries(
            st.sampled_from(["e1", "e2"]), st.sampled_from([None, "2021", "2021-05-03", ENRICHED_DATE])
        ),
        "known_as": st.sampled_from([None, "Lena", "Mayor Voss"]),
        "title": st.sampled_from([None, "The harbour"]),
        "outsider": st.booleans(),
    }
)

LISTS = (
    "/v1/statements?limit=500&facet=commitment&facet=topic&facet=speaker&count=exact",
    "/v1/statements?speaker=Voss&sort=-said&limit=2&include=actors",
    "/v1/statements?topic=arden-ports&undated=true&said_from=2020",
    "/v1/statements?about=arden-arden&count=bounded",
    "/v1/statements?q=pier&enrichment=true&sort=since",
    "/v1/claims?sort=-id&limit=1",
    "/v1/events?participant=arden-arden&facet=kind",
    "/v1/events?happened_from=2020&happened_before=2022&enrichment=true",
    "/v1/actors?limit=2&sort=name",
    "/v1/actors?name=Lena&enrichment=true&facet=kind",
    "/v1/topics",
    "/v1/passages?limit=3&sort=start",
    "/v1/sources",
)
ONCE = (
    "/v1/resolve?name=Voss",
    "/v1/resolve?name=Lena&enrichment=true",
    "/v1/revisions?limit=500",
    "/v1/changes?limit=500",
    "/v1/changes?limit=500&enrichment=true",
    "/v1/vocabularies",
    "/v1/sources/arden-arden-courier-article/verification",
)
RECORDS = tuple(
    f"{path}{end}"
    for path in (
        "/v1/statements/arden-s1",
        "/v1/statements/arden-s1-renamed",
        "/v1/events/arden-e1",
        "/v1/actors/arden-voss",
        "/v1/actors/arden-outsider",
        "/v1/sources/arden-arden-courier-article",
        "/v1/passages/arden-arden-courier-article:p1s2",
    )
    for end in ("", "?enrichment=true", "/revisions")
)
# What depends on whether the text of a source is at hand, which is no matter of the revision.
ACCESS = re.compile(
    rb'"(exact|prefix|suffix)":(null|"(\\.|[^"\\])*")|"text":"(open|attached|withheld)"'
    rb'|"(text_available|digest_fits)":\w+|"(checked|confirmed)":\d+'
)


def with_(path: str, **more: Any) -> str:
    """A path with more parameters."""
    return path + "".join(
        f"{'&' if '?' in path or n else '?'}{name}={value}" for n, (name, value) in enumerate(more.items())
    )


def document(
    id: str, parts: dict[str, Any], *, formerly: str | None = None, retracted: str | None = None
) -> dict[str, Any]:
    """A dossier with these parts; with `formerly`, its statement s1 has another id now."""
    names = [{"text": "Lena Voss", "kind": "name", "language": "en"}]
    if parts["known_as"]:
        names.append({"text": parts["known_as"], "kind": "name", "language": "en", "enrichment": OUTSIDE})
    actors = [person(f"{id}-voss", names=names), state(f"{id}-arden")]
    if parts["outsider"]:
        actors.append({"id": f"{id}-outsider", "kind": "person", "name": "Otto", "names": [], "enrichment": OUTSIDE})
    statements = [
        statement(
            f"{id}-{name}" if formerly != f"{id}-{name}" else f"{id}-{name}-renamed",
            speaker=f"{id}-voss",
            about=[f"{id}-arden"],
            gloss=one["gloss"],
            commitment={"level": one["level"], "toward": "building"},
            topics=[f"{id}-{one['topic']}"] if one["topic"] else [],
            said=one["said"],
            **({"formerly": [formerly]} if formerly == f"{id}-{name}" else {}),
        )
        for name, one in sorted(parts["statements"].items())
    ]
    participants = [{"actor": f"{id}-arden", "role": "participant", "inferred": False}]
    made = dossier(
        id,
        actors=actors,
        topics=[topic(f"{id}-ports"), topic(f"{id}-piers", broader=f"{id}-ports")],
        statements=statements,
        claims=[claim(f"{id}-{name}", gloss=gloss) for name, gloss in sorted(parts["claims"].items())],
        events=[
            event(f"{id}-{name}", happened=when, participants=participants)
            for name, when in sorted(parts["events"].items())
        ],
    )
    made["source"]["title"] = parts["title"]
    if retracted is not None:
        made["retracted"] = [{"id": retracted, "why": "It was wrong."}]
    return made


class Life(RuleBasedStateMachine):
    """A knowledge base that lives through changes, and a small model of what it must say."""

    def __init__(self, make: Callable[[], KnowledgeBase]) -> None:
        super().__init__()
        self.kb = make()
        self.parts: dict[str, dict[str, Any]] = {}
        self.statements: dict[str, set[str]] = {}  # by dossier, those that stand
        self.history: dict[int, set[str]] = {0: set()}  # by revision, the statements that stood
        self.answers: dict[tuple[str, int, int], bytes] = {}
        self.scrubbed: dict[tuple[str, int], bytes] = {}
        self.walks: list[tuple[int, str, list[str]]] = []  # the revision, the next cursor, what was seen
        self.mirrors: dict[bool, dict[tuple[str, str], dict[str, Any]]] = {False: {}, True: {}}
        self.positions = {False: "0", True: "0"}
        self.attached: set[str] = set()

    def teardown(self) -> None:
        try:
            for path, revision in sorted(self.scrubbed):
                self.ask(path, revision)
            while self.walks:
                self.go_on(0)
        finally:
            self.kb.close()

    # What happens

    def publish(self, id: str, parts: dict[str, Any], **more: Any) -> None:
        made = document(id, parts, **more)
        told = self.kb.load(made)
        self.parts[id] = parts
        self.statements[id] = {one["id"] for one in made["statements"]}
        if told.revision is not None:
            self.history[told.revision] = set().union(*self.statements.values())
        assert self.kb.latest == max(self.history)

    @rule(id=st.sampled_from(DOSSIERS), parts=PARTS)
    def load(self, id: str, parts: dict[str, Any]) -> None:
        self.publish(id, parts)

    @precondition(lambda self: self.parts)
    @rule(data=st.data())
    def load_the_same_again(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.parts)))
        renamed = f"{id}-s1-renamed" in self.statements[id]
        before = self.kb.latest

        self.publish(id, self.parts[id], formerly=f"{id}-s1" if renamed else None)

        assert self.kb.latest == before

    @precondition(lambda self: "s1" in self.parts.get("arden", {}).get("statements", {}))
    @rule()
    def rename(self) -> None:
        self.publish("arden", self.parts["arden"], formerly="arden-s1")

    @precondition(lambda self: "arden-s2" in self.statements.get("arden", set()))
    @rule()
    def retract_with_a_reason(self) -> None:
        kept = {name: one for name, one in self.parts["arden"]["statements"].items() if name != "s2"}
        renamed = "arden-s1-renamed" in self.statements["arden"]

        self.publish(
            "arden",
            {**self.parts["arden"], "statements": kept},
            formerly="arden-s1" if renamed else None,
            retracted="arden-s2",
        )

        assert "It was wrong." in self.kb.json("/v1/statements/arden-s2", 410)["detail"]

    @precondition(lambda self: self.parts)
    @rule(data=st.data())
    def attach_or_withdraw_the_text(self, data: st.DataObject) -> None:
        source = f"{data.draw(st.sampled_from(sorted(self.parts)))}-arden-courier-article"
        before = self.kb.latest

        if source in self.attached:
            assert self.kb.withdraw(source)
        else:
            assert self.kb.attach(source, TEXT)

        self.attached ^= {source}
        assert self.kb.latest == before

    @rule(parts=PARTS)
    def leave_a_revision_open_and_abandon_it(self, parts: dict[str, Any]) -> None:
        number = ledger.begin(self.kb.database, Change("edit", "a test", "Never seen"), self.kb.clock)
        record = {"id": "arden-ports", "label": "Never seen", "definition": None, "broader": None, "evidence": []}
        with self.kb.database.write() as connection:
            ledger.put(connection, number, "topic", [record, {**record, "id": "never-seen"}], origin=None)
            ledger.retract(connection, number, "statement", dict.fromkeys(("arden-s1", "arden-s3"), "Never seen"))
        self.remember()
        with self.kb.database.write() as connection:
            ledger.abandon(connection, number)

    @rule(seconds=st.sampled_from([-86_400, -1, 3600, 86_400]))
    def the_clock_of_the_machine_is_set(self, seconds: int) -> None:
        self.kb.clock.moment += timedelta(seconds=seconds)

    # Somebody walks through a list, page by page, while all this goes on

    @rule(
        path=st.sampled_from(
            ["/v1/statements?limit=1", "/v1/passages?limit=2&sort=-start", "/v1/statements?limit=1&sort=said"]
        )
    )
    def set_out(self, path: str) -> None:
        page = self.kb.json(path)
        seen = [item["id"] for item in page["items"]]
        if page["next_cursor"]:
            self.walks.append((page["revision"], with_(path, cursor=page["next_cursor"]), seen))

    @precondition(lambda self: self.walks)
    @rule(which=st.integers(0, 5))
    def go_on(self, which: int) -> None:
        revision, path, seen = self.walks.pop(which % len(self.walks))
        page = self.kb.json(path)
        seen = [*seen, *(item["id"] for item in page["items"])]
        base, _, _ = path.partition("&cursor=")

        assert page["revision"] == revision
        if page["next_cursor"]:
            self.walks.append((revision, with_(base, cursor=page["next_cursor"]), seen))
        else:
            whole = base.replace("limit=1", "limit=500").replace("limit=2", "limit=500")
            assert seen == [item["id"] for item in self.kb.json(with_(whole, as_of=revision))["items"]]

    # What must be so, always

    def ask(self, path: str, revision: int) -> bytes:
        """What a pinned read answers, which must be what it answered before."""
        answer = self.kb.get(with_(path, as_of=revision))
        assert answer.status_code < 500, answer.text
        # Words of a refusal may tell of what came later; that it is refused, and where it leads, may not change.
        kept = (
            answer.content
            if answer.status_code == 200
            else repr((answer.status_code, answer.headers.get("location"))).encode()
        )
        with self.kb.database.read() as connection:
            key = (path, revision, access(connection))
        assert self.answers.setdefault(key, kept) == kept
        scrubbed = ACCESS.sub(b"", kept)
        assert self.scrubbed.setdefault((path, revision), scrubbed) == scrubbed
        return kept

    @invariant()
    def remember(self) -> None:
        revision = self.kb.latest
        for path in (*LISTS, *ONCE, *RECORDS):
            now, pinned = self.kb.get(path), self.ask(path, revision)
            if path in LISTS and now.status_code == 200:
                shown, then = now.json(), orjson.loads(pinned)
                for part in ("items", "next_cursor", "revision", "count", "included", "coverage"):
                    assert shown[part] == then[part]
            elif now.status_code == 200:
                assert now.content == pinned
            else:
                assert f"({now.status_code}," in pinned.decode()

    @invariant()
    def each_revision_shows_what_stood_then(self) -> None:
        for revision, wanted in sorted(self.history.items())[-4:]:
            page = self.kb.json(f"/v1/statements?limit=500&as_of={revision}")
            assert {item["id"] for item in page["items"]} == wanted

    @invariant()
    def an_earlier_revision_answers_as_it_did(self) -> None:
        newest = self.kb.latest
        earlier = [key for key in self.scrubbed if key[1] == newest // 2]
        for path, revision in earlier[:: max(1, len(earlier) // 8)]:
            self.ask(path, revision)

    @invariant()
    def who_follows_the_changes_has_what_stands(self) -> None:
        for enrichment, mirror in self.mirrors.items():
            self.follow(enrichment)
            for name, resource in RESOURCES.items():
                page = self.kb.json(f"/v1/{name}?limit=500&enrichment={str(enrichment).lower()}")
                if name == "events":
                    assert {item["status"] for item in page["items"]} <= {"occurred"}
                stands = {item["id"]: item for item in page["items"]}
                followed = {id: body for (noun, id), body in mirror.items() if noun == resource.noun}
                assert stands.keys() == followed.keys()
                plain = [line.name for line in resource.fields if not line.late and line.name != "text"]
                for id, item in stands.items():
                    assert all(without_words(item[one]) == followed[id].get(one, item[one]) for one in plain)

    def follow(self, enrichment: bool) -> None:
        """Read on in the feed, a few changes at a time."""
        mirror = self.mirrors[enrichment]
        while True:
            page = self.kb.json(
                f"/v1/changes?after={self.positions[enrichment]}&limit=3&enrichment={str(enrichment).lower()}"
            )
            for change in page["items"]:
                key = (change["type"], change["id"])
                assert mirror.get(key) == change["before"]
                assert (change["act"] in ("retract", "merge")) == (change["after"] is None)
                assert (change["act"] == "create") == (change["before"] is None)
                if change["after"] is None:
                    del mirror[key]
                else:
                    mirror[key] = change["after"]
                self.positions[enrichment] = change["position"]
            if page["next_cursor"] is None:
                return


def without_words(value: Any) -> Any:
    """A value without the words of sources that an answer adds to it."""
    if isinstance(value, list):
        return [without_words(one) for one in value]
    if isinstance(value, dict):
        return {name: without_words(one) for name, one in value.items() if name != "exact"}
    return value


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_answer_as_of_a_revision_stays_what_it_was(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = iter(range(10_000))

    def make() -> KnowledgeBase:
        folder = tmp_path / str(next(made))
        folder.mkdir()
        return KnowledgeBase.at(database_url(backend, request, folder))

    run_state_machine_as_test(
        lambda: Life(make),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            derandomize=os.environ.get("CHANCERY_CI") == "1",
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
