"""The JSON Schema of a dossier, which editors and other programs read."""

from __future__ import annotations

import jsonschema
import pytest

from app.dossiers.schema import SCHEMA_ID, Dossier, Part, json_schema, slots
from tests.dossiers.arden import PINNED, VOCABULARIES, WORKING, changed, values

SCHEMA = json_schema(VOCABULARIES)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def parts(part: type[Part] = Dossier) -> set[type[Part]]:
    inner = {slot.part for slot in slots(part).values() if slot.part}
    return {part}.union(*map(parts, inner))


def test_it_is_a_schema_with_a_name():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$id"] == SCHEMA_ID == "/v1/schemas/dossier.json"
    assert SCHEMA["title"] == "Chancery dossier"
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("data", [WORKING, PINNED], ids=["working", "pinned"])
def test_it_accepts_what_the_check_accepts(data):
    assert list(VALIDATOR.iter_errors(values(data))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("reporting_verb: said", "verb: said"),
        ("level: might", "level: migth"),
        ("support: implies}]}\n  - {id: town-of-arden", "support: proves}]}\n  - {id: town-of-arden"),
        ("  text: withheld\n", ""),
        ("start: 0, end: 34, ", ""),
        ("{id: arden, kind", "{id: Arden, kind"),
        ("end: 34,", "end: x,"),
    ],
)
def test_it_refuses_what_the_check_refuses(old, new):
    assert list(VALIDATOR.iter_errors(values(changed(old, new))))


def test_an_editor_is_told_the_terms_with_their_meaning():
    level = SCHEMA["$defs"]["Commitment"]["properties"]["level"]
    terms = SCHEMA["$defs"][level["$ref"].removeprefix("#/$defs/")]

    assert terms["enum"] == list(VOCABULARIES["commitment_level"].ids)
    assert len(terms["enumDescriptions"]) == len(terms["enum"])
    assert level["description"]
    assert "`observes`: Watches" in terms["description"]


@pytest.mark.parametrize("part", sorted(parts(), key=lambda part: part.__name__), ids=lambda part: part.__name__)
def test_every_key_is_explained_by_a_sentence_and_an_example(part):
    for slot in slots(part).values():
        assert slot.description.endswith((".", ")")), slot.key
        assert part.model_fields[next(n for n, f in part.model_fields.items() if (f.alias or n) == slot.key)].examples


def test_every_vocabulary_that_the_schema_names_exists():
    named = {slot.vocabulary for part in parts() for slot in slots(part).values() if slot.vocabulary}

    assert named == set(VOCABULARIES)
