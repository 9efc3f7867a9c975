"""An invented article and the dossiers that annotate it, for tests that need a little knowledge of their own."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

TEXT = (
    "The harbour of Arden will open in spring. Mayor Lena Voss said the town might build a second pier.\n"
    "“We will pay for it,” she added. Observers doubt that. Arden and Belmont signed a ferry pact in 2021."
)
SENTENCES = [2, 3]
SOURCE = "arden-courier-article"


def passage(id: str, words: str, paragraph: int, sentence: int, text: str = TEXT) -> dict[str, Any]:
    """A pinned passage of the article."""
    start = text.index(words)
    digest = sha256(words.encode()).hexdigest()
    return {
        "id": id,
        "paragraph": paragraph,
        "sentence": sentence,
        "start": start,
        "end": start + len(words),
        "sha256": digest,
    }


PASSAGES = [
    passage("p1s1", "The harbour of Arden will open in spring.", 1, 1),
    passage("p1s2", "Mayor Lena Voss said the town might build a second pier.", 1, 2),
    passage("p2s1", "“We will pay for it,” she added.", 2, 1),
    passage("p2s2", "Observers doubt that.", 2, 2),
    passage("p2s3", "Arden and Belmont signed a ferry pact in 2021.", 2, 3),
]
UNRECORDED = [{"passage": one["id"], "why": "Not needed by this test."} for one in PASSAGES]


def dossier(id: str = "arden", *, text: str = "withheld", **parts: list[dict[str, Any]]) -> dict[str, Any]:
    """A dossier of the article with these parts; sentences that none of them cites are passed over with a reason."""
    source = f"{id}-{SOURCE}"
    cited = {each for part in parts.values() for each in _cited(part)}
    return {
        "chancery": 1,
        "id": id,
        "title": f"Annotate the Arden Courier ({id})",
        "source": {
            "id": source,
            "language": "en",
            "text": text,
            "sha256": sha256(TEXT.encode()).hexdigest(),
            "characters": len(TEXT),
            "sentences": SENTENCES,
        },
        "passages": PASSAGES,
        "unrecorded": [one for one in UNRECORDED if one["passage"] not in cited],
        **parts,
    }


def _cited(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [one if isinstance(one, str) else one["passage"] for one in part.get("evidence") or ()]
        return own + [each for value in part.values() for each in _cited(value)]
    return [each for item in part for each in _cited(item)] if isinstance(part, list) else []


def person(id: str = "lena-voss", name: str = "Lena Voss", **more: Any) -> dict[str, Any]:
    """A person."""
    names = [{"text": name, "kind": "name", "language": "en"}]
    return {"id": id, "kind": "person", "name": name, "evidence": ["p1s2"], "names": names, **more}


def state(id: str = "arden", name: str = "Arden", **more: Any) -> dict[str, Any]:
    """A state."""
    names = [{"text": name, "kind": "name", "language": "en"}]
    return {"id": id, "kind": "state", "name": name, "evidence": ["p2s3"], "names": names, **more}


def statement(id: str = "voss-pier", **more: Any) -> dict[str, Any]:
    """Something that Lena Voss is reported as saying."""
    return {
        "id": id,
        "speaker": "lena-voss",
        "reporting_verb": "said",
        "form": "indirect_speech",
        "gloss": "A second pier is a possibility.",
        "kind": "policy_possibility",
        "modality": {"type": "epistemic_possibility", "cue": "might", "polarity": "positive"},
        "commitment": {"level": "might", "toward": "building a second pier"},
        "about": [],
        "evidence": ["p1s2"],
        **more,
    }


def claim(id: str = "harbour-opens", **more: Any) -> dict[str, Any]:
    """Something that the article's author asserts."""
    return {
        "id": id,
        "subject": None,
        "gloss": "The harbour is about to open.",
        "kind": "reported_fact",
        "modality": {"type": "future", "cue": "will", "polarity": "positive"},
        "commitment": {"level": "none", "toward": None},
        "about": [],
        "evidence": ["p1s1"],
        **more,
    }


def event(id: str = "ferry-signing", **more: Any) -> dict[str, Any]:
    """Something that happened."""
    return {
        "id": id,
        "kind": "agreement_signing",
        "status": "occurred",
        "gloss": "The ferry pact was signed.",
        "happened": "2021",
        "participants": [],
        "evidence": ["p2s3"],
        **more,
    }


def topic(id: str, label: str | None = None, broader: str | None = None) -> dict[str, Any]:
    """A topic."""
    return {"id": id, "label": label or id, "definition": f"What concerns {id}.", "broader": broader}
