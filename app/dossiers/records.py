"""Which records a dossier makes: every field present, dates with their days, evidence with its position, ranks filled.

A record holds both of its faces. What comes from the cited source stands plain; what is outside knowledge carries
`enrichment: {source, note}`, on the record, on an item of a list, or on a date. Nothing here looks at a database or a
clock: the same dossier always makes the same records, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.dossiers import schema
from app.dossiers.schema import Dossier, Enrichment, Evidence, Fact
from app.errors import BadDossier, Fault
from app.times import parse_edtf
from app.vocabularies import Vocabularies

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rename:
    """A record that had another id before."""

    noun: str
    old: str
    new: str


def records(dossier: Dossier, vocabularies: Vocabularies) -> list[tuple[str, Json]]:
    """The (noun, record) pairs of a checked dossier, sources and passages first, in the order of the file.

    Raises BadDossier if a passage still quotes the source instead of saying where the words stand.
    """
    return list(_Maker.of(dossier, vocabularies).all(dossier))


def record(
    noun: str, part: Any, vocabularies: Vocabularies, *, passages: Mapping[str, Json], offices: Mapping[str, Json]
) -> Json:
    """The record of one part that stands alone.

    `passages` are the records of passages by the names that its evidence gives them, `offices` those of the offices it names.
    """
    maker = _Maker(vocabularies, passages, offices)
    make: dict[str, Callable[[Any], Json]] = {
        "source": maker._source,
        "passage": maker._passage,
        "office": maker._office,
        "actor": maker._actor,
        "place": maker._place,
        "topic": maker._topic,
        "event": maker._event,
        "statement": maker._statement,
        "claim": maker._claim,
        "agreement": maker._agreement,
        "provision": lambda provision: maker._provision(provision.agreement, provision),
        "relation": maker._relation,
    }
    return make[noun](part)


def renames(dossier: Dossier) -> list[Rename]:
    """The old ids that should lead to records of this dossier, in the order of the file."""
    listed: Iterable[schema.Record] = (
        *dossier.offices,
        *dossier.actors,
        *dossier.places,
        *dossier.topics,
        *dossier.events,
        *dossier.statements,
        *dossier.claims,
        *(record for agreement in dossier.agreements for record in (agreement, *agreement.provisions)),
        *dossier.relations,
    )
    return [Rename(record.noun, old, record.id) for record in listed for old in record.formerly]


class _Maker:
    """Makes records with what they need to know of others: the passages and offices that they name, and who held what."""

    def __init__(
        self,
        vocabularies: Vocabularies,
        passages: Mapping[str, Json],
        offices: Mapping[str, Json],
        tenures: Mapping[str, tuple[schema.Tenure, ...]] | None = None,
    ) -> None:
        self.vocabularies = vocabularies
        self.passages = passages
        self.offices = offices
        self.tenures = tenures or {}

    @classmethod
    def of(cls, dossier: Dossier, vocabularies: Vocabularies) -> _Maker:
        maker = cls(vocabularies, {}, {})
        source = dossier.source.id
        maker.passages = {passage.id: maker._passage(passage, source) for passage in dossier.passages}
        maker.offices = {office.id: {"title": office.title, "of": office.of} for office in dossier.offices}
        maker.tenures = {actor.id: actor.offices for actor in dossier.actors}
        return maker

    def all(self, dossier: Dossier) -> Iterator[tuple[str, Json]]:
        yield "source", self._source(dossier.source, dossier.unrecorded)
        yield from (("passage", passage) for passage in self.passages.values())
        yield from (("office", self._office(office)) for office in dossier.offices)
        yield from (("actor", self._actor(actor)) for actor in dossier.actors)
        yield from (("place", self._place(place)) for place in dossier.places)
        yield from (("topic", self._topic(topic)) for topic in dossier.topics)
        yield from (("event", self._event(event)) for event in dossier.events)
        yield from (("statement", self._statement(statement)) for statement in dossier.statements)
        yield from (("claim", self._claim(claim)) for claim in dossier.claims)
        for agreement in dossier.agreements:
            yield "agreement", self._agreement(agreement)
            yield from (("provision", self._provision(agreement.id, provision)) for provision in agreement.provisions)
        yield from (("relation", self._relation(relation)) for relation in dossier.relations)

    # One method a noun, in the order above

    def _source(self, source: schema.Source, unrecorded: Iterable[schema.Unrecorded] | None = None) -> Json:
        if unrecorded is None:
            unrecorded = getattr(source, "unrecorded", ())
        return {
            "id": source.id,
            "title": source.title,
            "author": source.author,
            "publisher": source.publisher,
            "published": _date(source.published),
            "language": source.language,
            "url": source.url,
            "licence": source.licence,
            "text": source.text,
            "sha256": source.sha256,
            "characters": source.characters,
            "sentences": list(source.sentences),
            "unrecorded": [{"passage": self.passages[item.passage]["id"], "why": item.why} for item in unrecorded],
        }

    def _passage(self, passage: schema.Passage, source: str | None = None) -> Json:
        if passage.start is None or passage.end is None or passage.sha256 is None:
            raise BadDossier(
                f"The passage `{passage.id}` still quotes the source. Run `chancery pin FILE --text TEXT` first.",
                errors=[Fault("passages", f"`{passage.id}` is not pinned.", "body")],
            )
        return {
            "id": passage.id if source is None else f"{source}:{passage.id}",
            "source": getattr(passage, "source", None) if source is None else source,
            "paragraph": passage.paragraph,
            "sentence": passage.sentence,
            "start": passage.start,
            "end": passage.end,
            "sha256": passage.sha256,
        }

    def _office(self, office: schema.Office) -> Json:
        return {"id": office.id, "title": office.title, "of": office.of, **self._rests(office)}

    def _actor(self, actor: schema.Actor) -> Json:
        return {
            "id": actor.id,
            "kind": actor.kind,
            "name": actor.name,
            "existence": actor.existence,
            "names": [
                {"text": name.text, "kind": name.kind, "language": name.language, **self._rests(name, actor)}
                for name in actor.names
            ],
            "identifiers": self._identifiers(actor.identifiers),
            "offices": [self._tenure(tenure) for tenure in actor.offices],
            "memberships": [
                {"actor": item.actor, "from": item.from_, "until": item.until, **self._rests(item)}
                for item in actor.memberships
            ],
            **self._rests(actor),
        }

    def _tenure(self, tenure: schema.Tenure) -> Json:
        office = self.offices.get(tenure.office)
        return {
            "office": tenure.office,
            "title": office["title"] if office else None,
            "of": office["of"] if office else None,
            "from": tenure.from_,
            "until": tenure.until,
            **self._rests(tenure),
        }

    def _identifiers(self, identifiers: Iterable[schema.Identifier]) -> list[Json]:
        return [{"scheme": item.scheme, "value": item.value, **self._rests(item)} for item in identifiers]

    def _place(self, place: schema.Location) -> Json:
        return {
            "id": place.id,
            "kind": place.kind,
            "name": place.name,
            "within": place.within,
            "country": place.country,
            "identifiers": self._identifiers(place.identifiers),
            **self._rests(place),
        }

    def _topic(self, topic: schema.Topic) -> Json:
        return {
            "id": topic.id,
            "label": topic.label,
            "definition": topic.definition,
            "broader": topic.broader,
            **self._rests(topic),
        }

    def _event(self, event: schema.Event) -> Json:
        return {
            "id": event.id,
            "kind": event.kind,
            "status": event.status,
            "gloss": event.gloss,
            "happened": _date(event.happened),
            "place": event.place,
            "venue": event.venue,
            "purpose": event.purpose,
            "participants": [
                {"actor": item.actor, "role": item.role, "inferred": item.inferred, **self._rests(item, event)}
                for item in event.participants
            ],
            "topics": list(event.topics),
            # Codes, intensity and reports belong to coded datasets; the keys stand here so that every event has them.
            "codes": {"cameo": None, "plover": None, "quad": None},
            "intensity": None,
            "dataset": None,
            "reports": 0,
            **self._rests(event),
        }

    def _statement(self, statement: schema.Statement) -> Json:
        return {
            "id": statement.id,
            "speaker": statement.speaker,
            "office": statement.office or self._office_at(statement),
            "on_behalf_of": statement.on_behalf_of,
            "occasion": statement.occasion,
            "reporting_verb": statement.reporting_verb,
            "form": statement.form,
            "quote": statement.quote,
            "addressee": statement.addressee,
            "said": _date(statement.said),
            **self._assertion(statement, statement.kind),
        }

    def _claim(self, claim: schema.Claim) -> Json:
        return {"id": claim.id, "subject": claim.subject, **self._assertion(claim, claim.kind)}

    def _assertion(self, assertion: schema.Assertion, kind: str) -> Json:
        return {
            "gloss": assertion.gloss,
            "kind": kind,
            "modality": {
                "type": assertion.modality.type,
                "cue": assertion.modality.cue,
                "polarity": assertion.modality.polarity,
            },
            "commitment": self._commitment(assertion.commitment),
            "about": list(assertion.about),
            "topics": list(assertion.topics),
            "constraints": [
                {"family": item.family, "gloss": item.gloss, "voice": item.voice, **self._rests(item)}
                for item in assertion.constraints
            ],
            **self._rests(assertion),
        }

    def _agreement(self, agreement: schema.Agreement) -> Json:
        return {
            "id": agreement.id,
            "kind": agreement.kind,
            "gloss": agreement.gloss,
            "parties": [
                {"actor": item.actor, "role": item.role, **self._rests(item, agreement)} for item in agreement.parties
            ],
            "signed": _date(agreement.signed),
            "signing": agreement.signing,
            "term": agreement.term,
            "in_force": _in_force(agreement.in_force),
            "occasion": agreement.occasion,
            "characterisations": [
                {"gloss": item.gloss, "voice": item.voice, **self._rests(item)} for item in agreement.characterisations
            ],
            "topics": list(agreement.topics),
            **self._rests(agreement),
        }

    def _provision(self, agreement: str, provision: schema.Provision) -> Json:
        return {
            "id": provision.id,
            "agreement": agreement,
            "type": provision.type,
            "gloss": provision.gloss,
            "provider": provision.provider,
            "recipient": provision.recipient,
            "quantity": provision.quantity,
            "commitment": self._commitment(provision.commitment),
            **self._rests(provision),
        }

    def _relation(self, relation: schema.Relation) -> Json:
        return {
            "id": relation.id,
            "subject": relation.subject,
            "object": relation.object,
            "kind": relation.kind,
            "status": relation.status,
            "via": relation.via,
            "gloss": relation.gloss,
            **self._rests(relation),
        }

    # What several nouns share

    def _rests(self, fact: Fact, record: Fact | None = None) -> Json:
        """The evidence and enrichment of a fact; with `record`, its evidence if the fact carries none of its own."""
        inherits = record is not None and not fact.evidence and fact.enrichment is None
        evidence = record.evidence if inherits and record is not None else fact.evidence
        return {
            "evidence": [self._evidence(item) for item in evidence],
            "enrichment": _enrichment(fact.enrichment),
        }

    def _evidence(self, evidence: Evidence) -> Json:
        passage = self.passages.get(evidence.passage or "")
        if passage is None:
            raise BadDossier(
                "Evidence still quotes the source. Run `chancery pin FILE --text TEXT` first.",
                errors=[Fault("evidence", "This evidence is not pinned.", "body")],
            )
        position = {key: passage[key] for key in ("source", "paragraph", "sentence", "start", "end", "sha256")}
        return {"passage": passage["id"], **position, "support": evidence.support}

    def _commitment(self, commitment: schema.Commitment | None) -> Json | None:
        if commitment is None:
            return None
        rank = self.vocabularies["commitment_level"].rank(commitment.level)
        return {"level": commitment.level, "rank": rank, "toward": commitment.toward}

    def _office_at(self, statement: schema.Statement) -> str | None:
        """The one office that the speaker can have held when they said it; None if there is none or several.

        Only tenures that the source itself bears out count: filling a plain field from outside knowledge would hide
        where it comes from.
        """
        said = _days(statement.said.edtf if statement.said else None)
        possible = {
            tenure.office
            for tenure in self.tenures.get(statement.speaker, ())
            if tenure.enrichment is None and _may_overlap(said, (_days(tenure.from_)[0], _days(tenure.until)[1]))
        }
        return possible.pop() if len(possible) == 1 else None


Days = tuple[date | None, date | None]


def _days(edtf: str | None) -> Days:
    """The first and last day a date can mean; None where it is open or unknown."""
    if edtf is None:
        return None, None
    parsed = parse_edtf(edtf)
    return parsed.first, parsed.last


def _may_overlap(one: Days, other: Days) -> bool:
    return not _before(one[1], other[0]) and not _before(other[1], one[0])


def _before(last: date | None, first: date | None) -> bool:
    return last is not None and first is not None and last < first


def _date(when: schema.Date | None) -> Json | None:
    if when is None:
        return None
    first, last = _days(when.edtf)
    return {
        "edtf": when.edtf,
        "first": first.isoformat() if first else None,
        "last": last.isoformat() if last else None,
        "words": when.words,
        "basis": when.basis,
        **({"enrichment": _enrichment(when.enrichment)} if when.enrichment else {}),
    }


def _in_force(period: schema.InForce | None) -> Json | None:
    if period is None:
        return None
    return {
        "from": period.from_,
        "until": period.until,
        "basis": period.basis,
        **({"enrichment": _enrichment(period.enrichment)} if period.enrichment else {}),
    }


def _enrichment(enrichment: Enrichment | None) -> Json | None:
    return None if enrichment is None else {"source": enrichment.source, "note": enrichment.note}
