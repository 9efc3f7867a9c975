"""What a dossier may hold: every key with its type, its limits, what it means and an example.

The classes below are the schema. From them follow the checks of keys and types, the JSON Schema that lets an editor
complete and explain while one types, and the frozen values that `records` works on. Beside its type a field may carry

* `In("statement_form")`: its value is a term of that vocabulary;
* `Ref("actor")`: its value is the id of such a record, in this dossier or already in the knowledge base.

Every part says in `rests` how it stands to the one rule, that each fact has a passage or is marked as enrichment.
"""

from __future__ import annotations

import copy
import functools
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from app.dossiers.document import Number
from app.errors import BadDate
from app.times import parse_duration, parse_edtf
from app.vocabularies import Vocabularies

SCHEMA_ID = "/v1/schemas/dossier.json"
QUOTING_FORMS = ("direct_quote", "direct_quote_fragment")

ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
ANY_ID = r"^\S+$"
WORD = r"^[a-z0-9]+([-_][a-z0-9]+)*$"
ONE_LINE = r"^[^\r\n]*\S[^\r\n]*$"
NOT_BLANK = r"\S"
SHA256 = r"^[0-9a-f]{64}$"
HTTP_URL = r"^https?://[^\s<>\"]+$"
LANGUAGE = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"
COUNTRY = r"^[A-Z]{2}$"
RELATIVE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$"

IN_WORDS = {
    ID: "must be lower-case letters and digits in words joined by single hyphens, such as `town-of-arden`",
    ANY_ID: "must be an id, which holds no white space",
    WORD: "must be lower-case letters and digits in words joined by `_` or `-`",
    ONE_LINE: "must be one line that is not blank",
    NOT_BLANK: "must not be blank",
    SHA256: "must be 64 lower-case hexadecimal digits; `chancery pin` fills it in",
    HTTP_URL: "must be an address that begins with http:// or https://",
    LANGUAGE: "must be a language tag of BCP 47, such as `en` or `pt-BR`",
    COUNTRY: "must be the two capital letters of ISO 3166-1",
    RELATIVE: "must be a path below the dossier's folder, without `..`",
}
"""What each pattern asks for, to a person who has written something else."""

# Kinds of text. Where text is expected, a plain number is taken as it is written: `edtf: 2024` is the year 2024.


def _as_written(value: object) -> object:
    return value.text if isinstance(value, Number) else value


def _as_number(value: object) -> object:
    return value.value if isinstance(value, Number) else value


def _as_version(value: object) -> object:
    # Python takes True and 1.0 for 1; a file that says so does not mean a version.
    value = _as_number(value)
    return value if type(value) is int else str(value)


def _nothing_is_empty(value: object) -> object:
    return () if value is None else value


def _edtf(text: str) -> str:
    try:
        return parse_edtf(text).text
    except BadDate as error:
        raise PydanticCustomError("date", "{said}", {"said": error.detail}) from error


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except BadDate as error:
        raise PydanticCustomError("duration", "{said}", {"said": error.detail}) from error
    return text


_Written = BeforeValidator(_as_written)
_WrittenOrNumber = BeforeValidator(_as_written, json_schema_input_type=str | int)

Id = Annotated[str, Strict(), StringConstraints(pattern=ID, max_length=120), _Written]
# What a reference may name is wider than what a dossier may define: `icews:32889836@2018-06-01` is a coded event.
AnyId = Annotated[str, Strict(), StringConstraints(pattern=ANY_ID, max_length=200), _Written]
Word = Annotated[str, Strict(), StringConstraints(pattern=WORD, max_length=60), _Written]
Line = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=300, pattern=ONE_LINE), _Written]
Amount = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=300, pattern=NOT_BLANK), _WrittenOrNumber]
Prose = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=2_000, pattern=NOT_BLANK), _Written]
LongProse = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=10_000, pattern=NOT_BLANK), _Written]
Sha256 = Annotated[str, Strict(), StringConstraints(pattern=SHA256), _Written]
Url = Annotated[str, Strict(), StringConstraints(pattern=HTTP_URL, max_length=2_000), _Written]
Language = Annotated[str, Strict(), StringConstraints(pattern=LANGUAGE, max_length=35), _Written]
Country = Annotated[str, Strict(), StringConstraints(pattern=COUNTRY), _Written]
RelativePath = Annotated[str, Strict(), StringConstraints(pattern=RELATIVE, max_length=300), _Written]
DateText = Annotated[str, Strict(), StringConstraints(max_length=100), AfterValidator(_edtf), _WrittenOrNumber]
Duration = Annotated[str, Strict(), StringConstraints(max_length=100), AfterValidator(_duration), _Written]
Count = Annotated[int, Strict(), Field(ge=1, le=100_000), BeforeValidator(_as_number, json_schema_input_type=int)]
Offset = Annotated[int, Strict(), Field(ge=0, le=50_000_000), BeforeValidator(_as_number, json_schema_input_type=int)]
YesNo = Annotated[bool, Strict()]

T = TypeVar("T")
Many = Annotated[tuple[T, ...], BeforeValidator(_nothing_is_empty)]


@dataclass(frozen=True, slots=True)
class In:
    """Marks a field whose value is a term of a vocabulary, which validation finds in its context."""

    vocabulary: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "x-vocabulary": self.vocabulary}

    def _known(self, value: str, info: ValidationInfo) -> str:
        vocabularies: Vocabularies = (info.context or {})["vocabularies"]
        if value not in vocabularies[self.vocabulary]:
            raise PydanticCustomError("term", "{value} is not a term", {"value": value, "vocabulary": self.vocabulary})
        return value


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a field whose value is the id of a record of one of these nouns; of any noun if it names none."""

    nouns: tuple[str, ...] = ()

    @classmethod
    def to(cls, *nouns: str) -> Ref:
        return cls(nouns)


Rests = Literal["must", "inherits", "may", "no"]


class Part(BaseModel):
    """Any mapping of a dossier: its keys are closed, its values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)
    noun: ClassVar[str] = ""
    rests: ClassVar[Rests] = "no"
    called: ClassVar[str] = "mapping"


class Enrichment(Part):
    """Outside knowledge, and where it comes from."""

    called = "enrichment"

    source: Prose = Field(
        description="Where this is known from: an address, a book, a register.",
        examples=["https://www.wikidata.org/wiki/Q1"],
    )
    note: Prose | None = Field(
        None, description="How it was matched, or why it was added.", examples=["Matched by name."]
    )


class Evidence(Part):
    """A passage that carries a fact, and how. `p1s2` alone is short for a passage that states it."""

    called = "evidence"

    passage: Annotated[Id, Ref.to("passage")] | None = Field(
        None, description="The local id of a passage of this dossier.", examples=["p1s2"]
    )
    text: LongProse | None = Field(
        None,
        description="Only while working: the words of the source; `chancery pin` turns them into a passage.",
        examples=["The council met on Tuesday."],
    )
    paragraph: Count | None = Field(None, description="Beside `text`: the paragraph to look in, from 1.", examples=[2])
    sentence: Count | None = Field(None, description="Beside `text`: the sentence to look in, from 1.", examples=[1])
    support: Annotated[str, Strict(), In("support"), _Written] = Field(
        "states", description="How the passage carries the fact.", examples=["states"]
    )


def _short_evidence(value: object) -> object:
    value = _as_written(value)
    return {"passage": value} if isinstance(value, str) else value


Cited = Annotated[Evidence, BeforeValidator(_short_evidence, json_schema_input_type=str | Evidence)]


class Date(Part):
    """A date as the source gives it. `"2024"` alone is short for a stated date."""

    called = "date"

    edtf: DateText | None = Field(
        None, description="The date in EDTF; null if only words are given.", examples=["2024-06", "2034?", "2024/.."]
    )
    words: Line | None = Field(None, description="The source's own time words.", examples=["Recently"])
    basis: Annotated[str, Strict(), In("date_basis"), _Written] = Field(
        "stated",
        description="Whether the source states the date, it is derived, or known from elsewhere.",
        examples=["stated"],
    )
    enrichment: Enrichment | None = Field(
        None,
        description="With `basis: enrichment`: where the date comes from.",
        examples=[{"source": "https://example.org", "note": None}],
    )


def _short_date(value: object) -> object:
    value = _as_written(value)
    return {"edtf": value} if isinstance(value, str) else value


When = Annotated[Date, BeforeValidator(_short_date, json_schema_input_type=str | int | Date)]


class Fact(Part):
    """A part that carries evidence, or says that it is outside knowledge."""

    rests: ClassVar[Rests] = "must"

    evidence: Many[Cited] = Field((), description="The passages that carry this.", examples=[["p1s2"]])
    enrichment: Enrichment | None = Field(
        None,
        description="Set if this is not from the cited source: where it comes from.",
        examples=[{"source": "https://example.org", "note": "Matched by name."}],
    )


class Record(Fact):
    """A fact that has an id of its own."""

    id: Id = Field(
        description="Readable, lower case, unique over all records, never reused.", examples=["council-of-arden"]
    )
    formerly: Many[Id] = Field(
        (), description="Ids this record had before; they will redirect here.", examples=[["old-id"]]
    )


# The source and its passages


class Source(Part):
    """The document this dossier annotates."""

    noun, called = "source", "source"

    id: Id = Field(description="The record id of the source.", examples=["arden-gazette-2019-05-02"])
    title: Line | None = Field(None, description="Its title; null if it has none.", examples=["Council meets"])
    author: Line | None = Field(None, description="Who wrote it, as it says.", examples=["A. Writer"])
    publisher: Line | None = Field(None, description="Who published it.", examples=["Arden Gazette"])
    published: When | None = Field(None, description="When it was published.", examples=["2019-05-02"])
    language: Language | None = Field(None, description="The language of its text, BCP 47.", examples=["en"])
    url: Url | None = Field(None, description="Where it can be read.", examples=["https://example.org/a"])
    licence: Line | None = Field(None, description="Under which licence it may be carried.", examples=["CC-BY-4.0"])
    text: Annotated[str, Strict(), In("text_access"), _Written] = Field(
        description="`open` if its text may be carried, `withheld` if only positions and digests may.",
        examples=["withheld"],
    )
    text_file: RelativePath | None = Field(
        None, description="Only with `text: open`: the file with its text, relative to the dossier.", examples=["a.txt"]
    )
    sha256: Sha256 | None = Field(
        None, description="Digest of the text's UTF-8 bytes; `chancery pin` fills it.", examples=["ab" * 32]
    )
    characters: Offset | None = Field(
        None, description="Length of the text in code points; `chancery pin` fills it.", examples=[2578]
    )
    sentences: Many[Count] = Field(
        (), description="How many sentences each paragraph has; `chancery pin` fills it.", examples=[[4, 3, 3]]
    )


class Passage(Part):
    """A span within one sentence of the source: quoted while working, pinned to be published."""

    noun, called = "passage", "passage"
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["text"]}, {"required": ["paragraph", "sentence", "start", "end", "sha256"]}]
        }
    )

    id: Id = Field(description="Local to this dossier; the record is called `{source}:{id}`.", examples=["p1s2"])
    text: LongProse | None = Field(
        None,
        description="Only while working: the words of the source; `chancery pin` replaces them by the keys below.",
        examples=["The council met on Tuesday."],
    )
    paragraph: Count | None = Field(
        None, description="Number of the paragraph, from 1; beside `text`, where to look.", examples=[1]
    )
    sentence: Count | None = Field(
        None, description="Number of the sentence in its paragraph, from 1; beside `text`, where to look.", examples=[2]
    )
    start: Offset | None = Field(None, description="First code point, from 0.", examples=[75])
    end: Offset | None = Field(None, description="Code point after the last.", examples=[174])
    sha256: Sha256 | None = Field(None, description="Digest of exactly these words in UTF-8.", examples=["cd" * 32])


class Unrecorded(Part):
    """A sentence that holds no record, and why, so that nothing is passed over in silence."""

    called = "unrecorded sentence"

    passage: Annotated[Id, Ref.to("passage")] = Field(description="The passage of that sentence.", examples=["p1s4"])
    why: Prose = Field(description="Why nothing was recorded from it.", examples=["A rhetorical question."])


# Who and where


class Name(Fact):
    """A surface form of an actor."""

    rests: ClassVar[Rests] = "inherits"
    called = "name"

    text: Line = Field(description="The name as it is written.", examples=["Arden"])
    kind: Annotated[str, Strict(), In("name_kind"), _Written] = Field(
        "name", description="What kind of surface this is.", examples=["name"]
    )
    language: Language | None = Field(None, description="The language of the name, BCP 47.", examples=["en"])


class Identifier(Fact):
    """What another register calls this."""

    called = "identifier"

    scheme: Word = Field(description="The register.", examples=["wikidata"])
    value: Amount = Field(description="The identifier there.", examples=["Q1"])


class Tenure(Fact):
    """That a person holds an office, and from when until when."""

    called = "tenure"

    office: Annotated[Id, Ref.to("office")] = Field(description="The office that is held.", examples=["mayor-of-arden"])
    from_: DateText | None = Field(
        None, alias="from", description="Since when, EDTF; null if unsaid.", examples=["2018"]
    )
    until: DateText | None = Field(None, description="Until when, EDTF; null if unsaid.", examples=["2022-05"])


class Membership(Fact):
    """That an actor belongs to an organisation or coalition, and from when until when."""

    called = "membership"

    actor: Annotated[AnyId, Ref.to("actor")] = Field(
        description="The organisation or coalition.", examples=["league-of-towns"]
    )
    from_: DateText | None = Field(
        None, alias="from", description="Since when, EDTF; null if unsaid.", examples=["2018"]
    )
    until: DateText | None = Field(None, description="Until when, EDTF; null if unsaid.", examples=["2022-05"])


class Office(Record):
    """An office of a state or body."""

    noun, called = "office", "office"

    title: Line = Field(description="What the office is called.", examples=["Mayor"])
    of: Annotated[AnyId, Ref.to("actor")] | None = Field(
        None, description="The actor it is an office of.", examples=["town-of-arden"]
    )


class Actor(Record):
    """Somebody who can speak, sign, take part or be acted upon."""

    noun, called = "actor", "actor"

    kind: Annotated[str, Strict(), In("actor_kind"), _Written] = Field(
        description="What kind of actor.", examples=["person"]
    )
    name: Line = Field(description="The name to show, as the source has it.", examples=["Anna Moore"])
    existence: Annotated[str, Strict(), In("existence"), _Written] = Field(
        "certain", description="Whether it is certain that there is such an actor.", examples=["certain"]
    )
    names: Many[Name] = Field((), description="Other surface forms.", examples=[[{"text": "Moore"}]])
    identifiers: Many[Identifier] = Field(
        (),
        description="What other registers call this actor.",
        examples=[
            [{"scheme": "wikidata", "value": "Q1", "enrichment": {"source": "https://www.wikidata.org/wiki/Q1"}}]
        ],
    )
    offices: Many[Tenure] = Field(
        (), description="Offices this person holds.", examples=[[{"office": "mayor-of-arden", "evidence": ["p1s2"]}]]
    )
    memberships: Many[Membership] = Field(
        (), description="What this actor belongs to.", examples=[[{"actor": "league-of-towns", "evidence": ["p1s2"]}]]
    )


class Location(Record):
    """Where things happen."""

    noun, called = "place", "place"

    kind: Annotated[str, Strict(), In("place_kind"), _Written] = Field(
        description="What kind of place.", examples=["city"]
    )
    name: Line = Field(description="The name to show, as the source has it.", examples=["Arden"])
    within: Annotated[AnyId, Ref.to("place")] | None = Field(
        None, description="The place that contains this one.", examples=["old-country"]
    )
    country: Country | None = Field(
        None, description="ISO 3166-1 code of the country; only where that follows from the source.", examples=["JP"]
    )
    identifiers: Many[Identifier] = Field(
        (),
        description="What other registers call this place.",
        examples=[
            [{"scheme": "wikidata", "value": "Q1", "enrichment": {"source": "https://www.wikidata.org/wiki/Q1"}}]
        ],
    )


class Topic(Record):
    """What things are about. Topics are our own words, so they need no evidence."""

    noun, called = "topic", "topic"
    rests: ClassVar[Rests] = "may"

    label: Line = Field(description="The topic in a few words.", examples=["Town defence"])
    definition: Prose | None = Field(
        None, description="What belongs to it and what does not.", examples=["Walls and watch."]
    )
    broader: Annotated[AnyId, Ref.to("topic")] | None = Field(
        None, description="The wider topic this belongs to; never in a circle.", examples=["security"]
    )


# What happened and what was said

ABOUT = "Records this is about: ids of any noun."
TOPICS = "Ids of topics."


class Participation(Fact):
    """Who took part in an event, and as what."""

    rests: ClassVar[Rests] = "inherits"
    called = "participant"

    actor: Annotated[AnyId, Ref.to("actor")] = Field(description="Who took part.", examples=["anna-moore"])
    role: Annotated[str, Strict(), In("participant_role"), _Written] = Field(description="As what.", examples=["host"])
    inferred: YesNo = Field(False, description="True if the passage only implies it.", examples=[False])


class Event(Record):
    """Something that happened, happens, is planned or is imagined."""

    noun, called = "event", "event"

    kind: Annotated[str, Strict(), In("event_type"), _Written] = Field(
        description="What type of event.", examples=["summit_meeting"]
    )
    status: Annotated[str, Strict(), In("event_status"), _Written] = Field(
        description="Whether it occurred, goes on, is planned or is imagined.", examples=["occurred"]
    )
    gloss: Prose = Field(description="What happened, in our own words.", examples=["The mayors of two towns met."])
    happened: When | None = Field(None, description="When; null if the source does not say.", examples=["2019-05"])
    place: Annotated[AnyId, Ref.to("place")] | None = Field(None, description="Where.", examples=["arden"])
    venue: Annotated[AnyId, Ref.to("place")] | None = Field(
        None, description="In which building.", examples=["town-hall"]
    )
    purpose: Prose | None = Field(
        None, description="What it was for, in our own words.", examples=["To settle the toll."]
    )
    participants: Many[Participation] = Field(
        (), description="Who took part, one list for all.", examples=[[{"actor": "anna-moore", "role": "host"}]]
    )
    topics: Many[Annotated[AnyId, Ref.to("topic")]] = Field((), description=TOPICS, examples=[["tolls"]])


class Modality(Part):
    """In which mood something is said."""

    called = "modality"

    type: Annotated[str, Strict(), In("modality_type"), _Written] = Field(
        description="The mood.", examples=["indicative"]
    )
    cue: Line | None = Field(None, description="The one or two words that show it.", examples=["might"])
    polarity: Annotated[str, Strict(), In("polarity"), _Written] = Field(
        "positive", description="Whether it is affirmed or denied.", examples=["positive"]
    )


class Commitment(Part):
    """How strongly one binds oneself, and to which act."""

    called = "commitment"

    level: Annotated[str, Strict(), In("commitment_level"), _Written] = Field(
        description="The level, by name, toward the act itself.", examples=["considers"]
    )
    toward: Prose | None = Field(
        None, description="Toward which act, in our own words.", examples=["repairing the bridge"]
    )


class Constraint(Fact):
    """Something a statement or claim says it depends on."""

    called = "constraint"

    family: Annotated[str, Strict(), In("constraint_family"), _Written] = Field(
        description="What it depends on.", examples=["legal"]
    )
    gloss: Prose = Field(description="The condition, in our own words.", examples=["Only if the charter allows it."])
    voice: Annotated[str, Strict(), In("voice"), _Written] = Field(
        "speaker", description="Who sets the condition: the speaker or the author.", examples=["speaker"]
    )


class Assertion(Record):
    """What statements and claims share."""

    gloss: Prose = Field(description="What is said, in our own words.", examples=["The bridge may be repaired."])
    modality: Modality = Field(description="In which mood it is said.", examples=[{"type": "indicative"}])
    commitment: Commitment = Field(
        description="How strongly, and toward which act.",
        examples=[{"level": "considers", "toward": "repairing the bridge"}],
    )
    about: Many[Annotated[AnyId, Ref()]] = Field((), description=ABOUT, examples=[["arden-bridge"]])
    topics: Many[Annotated[AnyId, Ref.to("topic")]] = Field((), description=TOPICS, examples=[["bridges"]])
    constraints: Many[Constraint] = Field(
        (),
        description="What it says it depends on.",
        examples=[[{"family": "legal", "gloss": "Only if the charter allows it.", "evidence": ["p1s2"]}]],
    )


class Statement(Assertion):
    """An utterance the source reports: quoted, paraphrased or nominal."""

    noun, called = "statement", "statement"

    speaker: Annotated[AnyId, Ref.to("actor")] = Field(
        description="Who is reported to say it.", examples=["anna-moore"]
    )
    office: Annotated[AnyId, Ref.to("office")] | None = Field(
        None,
        description="The speaker's office at the time; filled from their tenures when exactly one can hold.",
        examples=["mayor-of-arden"],
    )
    on_behalf_of: Annotated[AnyId, Ref.to("actor")] | None = Field(
        None, description="For whom the speaker speaks.", examples=["town-of-arden"]
    )
    occasion: Annotated[AnyId, Ref.to("event")] | None = Field(
        None, description="The event at which it was said.", examples=["council-meeting"]
    )
    reporting_verb: Line | None = Field(None, description="The author's verb.", examples=["said"])
    form: Annotated[str, Strict(), In("statement_form"), _Written] = Field(
        description="How the source renders the utterance.", examples=["indirect_speech"]
    )
    quote: Prose | None = Field(
        None,
        description="Only the words inside quotation marks in the source, without the marks.",
        examples=["very soon"],
    )
    kind: Annotated[str, Strict(), In("statement_kind"), _Written] = Field(
        description="What the utterance does.", examples=["announcement"]
    )
    addressee: Annotated[AnyId, Ref.to("actor")] | None = Field(
        None, description="To whom it is said.", examples=["league-of-towns"]
    )
    said: When | None = Field(None, description="When; null if the source does not say.", examples=["2019-05-02"])


class Claim(Assertion):
    """Something the author of the source asserts in their own voice."""

    noun, called = "claim", "claim"

    kind: Annotated[str, Strict(), In("claim_kind"), _Written] = Field(
        description="What the author does in asserting it.", examples=["assessment"]
    )
    subject: Annotated[AnyId, Ref()] | None = Field(
        None, description="The actor or other record it is asserted of.", examples=["town-of-arden"]
    )


# Agreements and relations


class Party(Fact):
    """Who is bound by an agreement, and as what."""

    rests: ClassVar[Rests] = "inherits"
    called = "party"

    actor: Annotated[AnyId, Ref.to("actor")] = Field(description="Who is bound.", examples=["town-of-arden"])
    role: Annotated[str, Strict(), In("party_role"), _Written] = Field(
        "party", description="As what.", examples=["party"]
    )


class Characterisation(Fact):
    """How somebody describes an agreement."""

    called = "characterisation"

    gloss: Prose = Field(description="The description, in our own words.", examples=["The first of its kind."])
    voice: Annotated[str, Strict(), In("voice"), _Written] = Field(
        "author", description="Who describes it: a reported speaker or the author.", examples=["author"]
    )


class InForce(Part):
    """From when until when an agreement binds."""

    called = "period in force"

    from_: DateText | None = Field(
        None, alias="from", description="Since when, EDTF; null if unsaid.", examples=["2019"]
    )
    until: DateText | None = Field(None, description="Until when, EDTF; null if unsaid.", examples=["2029?"])
    basis: Annotated[str, Strict(), In("date_basis"), _Written] = Field(
        "stated",
        description="Whether the source states this, it is derived, or known from elsewhere.",
        examples=["derived"],
    )
    enrichment: Enrichment | None = Field(
        None,
        description="With `basis: enrichment`: where the dates come from.",
        examples=[{"source": "https://example.org", "note": None}],
    )


class Provision(Record):
    """One thing an agreement lays down."""

    noun, called = "provision", "provision"

    type: Annotated[str, Strict(), In("provision_type"), _Written] = Field(
        description="What is laid down.", examples=["financial_aid"]
    )
    gloss: Prose = Field(
        description="What is laid down, in our own words.", examples=["The town lends the guild money."]
    )
    provider: Annotated[AnyId, Ref.to("actor")] | None = Field(
        None, description="Who gives.", examples=["town-of-arden"]
    )
    recipient: Annotated[AnyId, Ref.to("actor")] | None = Field(
        None, description="Who receives.", examples=["masons-guild"]
    )
    quantity: Amount | None = Field(None, description="How much, as the source says.", examples=["40 barrels"])
    commitment: Commitment | None = Field(
        None, description="How strongly it binds.", examples=[{"level": "pledged", "toward": "lending the guild money"}]
    )


class Agreement(Record):
    """An instrument between parties, with what it lays down."""

    noun, called = "agreement", "agreement"

    kind: Annotated[str, Strict(), In("agreement_kind"), _Written] = Field(
        description="What kind of instrument.", examples=["bilateral_accord"]
    )
    gloss: Prose = Field(description="What it is, in our own words.", examples=["Two towns share the toll."])
    parties: Many[Party] = Field(
        (), description="Who is bound by it.", examples=[[{"actor": "town-of-arden", "role": "party"}]]
    )
    signed: When | None = Field(None, description="When it was signed.", examples=["2019"])
    signing: Annotated[AnyId, Ref.to("event")] | None = Field(
        None, description="The event of its signing.", examples=["toll-accord-signing"]
    )
    term: Duration | None = Field(None, description="How long it runs, ISO 8601.", examples=["P10Y"])
    in_force: InForce | None = Field(
        None,
        description="From when until when it binds.",
        examples=[{"from": "2019", "until": "2029?", "basis": "derived"}],
    )
    occasion: Annotated[AnyId, Ref.to("event")] | None = Field(
        None, description="The event at which it was signed.", examples=["council-meeting"]
    )
    characterisations: Many[Characterisation] = Field(
        (),
        description="How the source describes it.",
        examples=[[{"gloss": "The first of its kind.", "voice": "author", "evidence": ["p1s2"]}]],
    )
    topics: Many[Annotated[AnyId, Ref.to("topic")]] = Field((), description=TOPICS, examples=[["tolls"]])
    provisions: Many[Provision] = Field(
        (),
        description="What it lays down, each thing a record.",
        examples=[[{"id": "toll-loan", "type": "financial_aid", "gloss": "A loan.", "evidence": ["p1s2"]}]],
    )


class Relation(Record):
    """A typed edge between two records."""

    noun, called = "relation", "relation"

    subject: Annotated[AnyId, Ref()] = Field(description="From which record.", examples=["anna-moore"])
    object: Annotated[AnyId, Ref()] = Field(description="To which record.", examples=["town-of-arden"])
    kind: Annotated[str, Strict(), In("relation_type"), _Written] = Field(
        description="What ties them.", examples=["speaks_for"]
    )
    status: Annotated[str, Strict(), In("relation_status"), _Written] = Field(
        description="Whether it is asserted, reported, inferred, hypothetical or outside knowledge.",
        examples=["reported"],
    )
    via: Annotated[AnyId, Ref()] | None = Field(
        None, description="The record that carries it.", examples=["council-meeting"]
    )
    gloss: Prose | None = Field(None, description="The tie in our own words.", examples=["She speaks for the town."])


class Retraction(Part):
    """A record this dossier once published and now withdraws."""

    called = "retraction"

    id: Id = Field(description="The id of the record to withdraw.", examples=["old-record"])
    why: Prose = Field(description="Why; readers of the record will see it.", examples=["It was a misreading."])


class Dossier(Part):
    """What one source says, written down by hand, with a passage behind every fact."""

    called = "dossier"

    chancery: Annotated[Literal[1], BeforeValidator(_as_version, json_schema_input_type=Literal[1])] = Field(
        description="The version of this format.", examples=[1]
    )
    id: Id = Field(description="The id of this dossier.", examples=["arden-bridge"])
    title: Line = Field(
        description="One line; becomes the reason of the published revision.", examples=["The bridge of Arden"]
    )
    method: LongProse | None = Field(
        None, description="How the source was annotated.", examples=["Read twice by one person."]
    )
    source: Source = Field(
        description="The document this dossier annotates.", examples=[{"id": "arden-gazette", "text": "withheld"}]
    )
    passages: Many[Passage] = Field(
        (), description="The spans that facts rest on.", examples=[[{"id": "p1s1", "text": "The council met."}]]
    )
    unrecorded: Many[Unrecorded] = Field(
        (),
        description="Sentences that hold no record.",
        examples=[[{"passage": "p1s4", "why": "A rhetorical question."}]],
    )
    offices: Many[Office] = Field((), description="Offices of states and bodies.", examples=[[]])
    actors: Many[Actor] = Field((), description="Who speaks, signs, takes part or is acted upon.", examples=[[]])
    places: Many[Location] = Field((), description="Where things happen.", examples=[[]])
    topics: Many[Topic] = Field((), description="What things are about.", examples=[[]])
    events: Many[Event] = Field((), description="What happened, happens, is planned or is imagined.", examples=[[]])
    statements: Many[Statement] = Field((), description="Utterances the source reports.", examples=[[]])
    claims: Many[Claim] = Field((), description="What the author asserts.", examples=[[]])
    agreements: Many[Agreement] = Field((), description="Instruments between parties.", examples=[[]])
    relations: Many[Relation] = Field((), description="Typed edges between records.", examples=[[]])
    retracted: Many[Retraction] = Field((), description="Records this dossier withdraws.", examples=[[]])


# Reading the classes


@dataclass(frozen=True, slots=True)
class Slot:
    """What a key of a part may hold, for walking a tree beside its schema."""

    key: str
    description: str
    example: object
    required: bool
    many: bool
    part: type[Part] | None
    ref: Ref | None
    vocabulary: str | None


@functools.cache
def slots(part: type[Part]) -> Mapping[str, Slot]:
    """The keys of a part, by the name they have in a file."""
    found: dict[str, Slot] = {}
    for name, info in part.model_fields.items():
        pieces = list(_pieces(Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation))
        key = info.alias or name
        found[key] = Slot(
            key=key,
            description=info.description or "",
            example=(info.examples or [None])[0],
            required=info.is_required(),
            many=tuple in pieces,
            part=_first(piece for piece in pieces if isinstance(piece, type) and issubclass(piece, Part)),
            ref=_first(piece for piece in pieces if isinstance(piece, Ref)),
            vocabulary=_first(piece.vocabulary for piece in pieces if isinstance(piece, In)),
        )
    return types.MappingProxyType(found)


F = TypeVar("F")


def _first(found: Iterable[F]) -> F | None:
    return next(iter(found), None)


def _pieces(annotation: Any) -> Iterable[Any]:
    """Every type and mark in an annotation, outside in."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        yield from annotation.__metadata__
        yield from _pieces(annotation.__origin__)
        return
    yield origin or annotation
    for inner in typing.get_args(annotation) if origin is not Literal else ():
        if inner is not Ellipsis:
            yield from _pieces(inner)


def json_schema(vocabularies: Vocabularies) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a dossier, with the terms of the vocabularies, for editors and other programs."""
    schema = copy.deepcopy(Dossier.model_json_schema(mode="validation"))
    terms = {
        f"vocabulary_{name}": {
            "title": vocabulary.title,
            "description": "\n".join(
                [vocabulary.definition, "", *(f"- `{term.id}`: {term.definition}" for term in vocabulary.terms)]
            ),
            "type": "string",
            "enum": list(vocabulary.ids),
            # Not of the standard, but what editors show beside each term while one types.
            "enumDescriptions": [f"{term.label}: {term.definition}" for term in vocabulary.terms],
        }
        for name, vocabulary in vocabularies.items()
    }
    _rewrite(schema, _vocabulary_reference)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **schema,
        "title": "Chancery dossier",
        "$defs": {**schema["$defs"], **terms},
    }


def _vocabulary_reference(schema: dict[str, Any]) -> None:
    # The names pydantic makes up ("From", "Topics") say less than the key an author has just typed.
    if isinstance(schema.get("title"), str) and "properties" not in schema:
        del schema["title"]
    name = schema.pop("x-vocabulary", None)
    if name:
        schema.pop("type", None)
        schema["$ref"] = f"#/$defs/vocabulary_{name}"


def _rewrite(schema: Any, change: Callable[[dict[str, Any]], None]) -> None:
    if isinstance(schema, dict):
        if (
            "examples" in schema
            or "type" in schema
            or "x-vocabulary" in schema
            or "anyOf" in schema
            or "$ref" in schema
        ):
            change(schema)
        for key, inner in schema.items():
            if key not in ("examples", "default"):
                _rewrite(inner, change)
    elif isinstance(schema, list):
        for inner in schema:
            _rewrite(inner, change)
