"""How one record alone is written: the parts of a dossier, with what its place in a dossier says otherwise put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import Field

from app.dossiers import schema
from app.dossiers.schema import AnyId, Count, Many, Offset, Part, Ref, Sha256, Unrecorded

# The names of passages are put in place of those that a record gives them, see `app.writing.lone`.


class LoneSource(schema.Source):
    """A document, with the sentences of it that hold no record."""

    unrecorded: Many[Unrecorded] = Field(
        (), description="Sentences that hold no record.", examples=[[{"passage": "arden:p1s4", "why": "A question."}]]
    )


class LonePassage(Part):
    """A span of a source."""

    noun: ClassVar[str] = "passage"
    called: ClassVar[str] = "passage"

    id: AnyId = Field(description="The source's id, a colon, and its own name.", examples=["arden-gazette:p1s2"])
    source: Annotated[AnyId, Ref.to("source")] = Field(description="The source.", examples=["arden-gazette"])
    paragraph: Count = Field(description="Number of the paragraph, from 1.", examples=[1])
    sentence: Count = Field(description="Number of the sentence in its paragraph, from 1.", examples=[2])
    start: Offset = Field(description="First code point, from 0.", examples=[75])
    end: Offset = Field(description="Code point after the last.", examples=[174])
    sha256: Sha256 = Field(description="Digest of exactly these words in UTF-8.", examples=["cd" * 32])


class LoneProvision(schema.Provision):
    """One thing an agreement lays down, and which agreement."""

    agreement: Annotated[AnyId, Ref.to("agreement")] = Field(
        description="The agreement that lays it down.", examples=["toll-accord"]
    )


PARTS: Final[Mapping[str, type[Part]]] = {
    "source": LoneSource,
    "passage": LonePassage,
    "office": schema.Office,
    "actor": schema.Actor,
    "place": schema.Location,
    "topic": schema.Topic,
    "event": schema.Event,
    "statement": schema.Statement,
    "claim": schema.Claim,
    "agreement": schema.Agreement,
    "provision": LoneProvision,
    "relation": schema.Relation,
}
