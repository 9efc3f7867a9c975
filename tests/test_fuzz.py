"""Whether machines that make up requests, from our own document and at random, ever get a 5xx or a shape we did not promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema

from app.main import create_app
from app.query.params import parameters
from app.resources import RESOURCES
from app.settings import Settings
from tests.base import KnowledgeBase

SEED = 20261125
# What a refusal depends on is more than the document can say: a name that two go by, a cursor of another query.
SETTLED_ELSEWHERE = {"positive_data_acceptance", "negative_data_rejection"}


def impatient(kb: KnowledgeBase) -> Any:
    """The same knowledge base served by an application that does not wait for a `min_revision`."""
    waits_not = Settings(database=kb.settings.database, min_revision_seconds=0)
    return create_app(waits_not, database=kb.database, clock=kb.clock)


def answers(app: Any) -> Iterator[tuple[Any, Any, list[str]]]:
    """Every request that schemathesis makes up in all its phases, its answer, and the checks that the answer fails."""
    config = SchemathesisConfig(seed=SEED)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    schema.config.generation.update(max_examples=2)
    for event in from_schema(schema).execute():
        recorder = getattr(event, "recorder", None)
        if recorder is None or type(event).__name__ != "ScenarioFinished":
            continue
        for id, interaction in recorder.interactions.items():
            failed = [check.name for check in recorder.checks.get(id, []) if check.failure_info is not None]
            yield interaction.request, interaction.response, failed


def test_requests_made_up_from_the_document_get_what_it_promises(seeded: KnowledgeBase) -> None:
    seen: Counter[int] = Counter()
    for request, response, failed in answers(impatient(seeded)):
        if response is None:
            continue
        replay = f"seed {SEED}: {request.method} {request.uri}"
        seen[response.status_code] += 1
        asked_to_wait = response.status_code == 503 and "min_revision" in request.uri
        assert response.status_code < 500 or asked_to_wait, replay
        broken = set(failed) - SETTLED_ELSEWHERE - ({"not_a_server_error"} if asked_to_wait else set())
        assert not broken, f"{replay}: {broken}"
    assert seen[200] > 100
    assert seen[422] > 100


# ── At random ───────────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["japan", "Tokyo", "ukraine", "security-guarantees", "white-house-summit", "legal", "might", "true"]
    ),
    st.sampled_from(["1", "2", "500", "2024", "2024-06-13", "id", "-id", "gloss", "speaker", "kind", "exact", "first"]),
    st.sampled_from(
        ["csv", "ndjson", "parquet", "jsonld", "certain", "possible", "pair", "host", "02", "-2.5", "\\%_"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)


@pytest.fixture(scope="module")
def client(seeded: KnowledgeBase) -> TestClient:
    return TestClient(impatient(seeded), raise_server_exceptions=False, follow_redirects=False)


@pytest.mark.parametrize("resource", RESOURCES)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_list_of_parameters_is_answered_or_refused(client: TestClient, resource: str, data: st.DataObject) -> None:
    names = st.sampled_from([one.name for one in parameters(RESOURCES[resource])])
    pairs = data.draw(st.lists(st.tuples(names, VALUES), max_size=5))
    query = urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in pairs])
    answer = client.get(f"/v1/{resource}?{query}")

    if not (answer.status_code == 503 and "min_revision" in query):
        assert answer.status_code in (200, 422, 406), query
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert all(fault["name"] for fault in answer.json()["errors"])


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(path=st.text(max_size=60), prefix=st.sampled_from(["/", "/v1/", "/v1/actors/", "/v1/resources/", "/static/"]))
def test_any_path_is_answered_or_refused(client: TestClient, prefix: str, path: str) -> None:
    sent = path.encode("utf-8", "surrogatepass")
    answer = client.get(prefix + urlencode({"": sent})[1:].replace("+", "%20"))

    assert answer.status_code < 500
