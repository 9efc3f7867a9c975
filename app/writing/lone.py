"""What a record says that somebody sends as a reader sees it: checked by the rules of dossiers, with the places of the body.

    body ── document ──▶ tree ── less what is computed ──▶ a part of a dossier ── schema, rules ──▶ the record as it is kept

What a reader sees and nobody writes (`first` and `last` of a date, the rank of a commitment, where a passage stands) may be
left out or come as it is; where it says otherwise, that is a fault: somebody meant to change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from app import ledger
from app.dossiers import document, misfits, rules, schema
from app.dossiers import records as made
from app.dossiers.check import in_order
from app.dossiers.document import Document, Entry, Items, Node, Number, Place, Plain, Scalar, plain, shown
from app.dossiers.document import Mapping as Tree
from app.dossiers.publish import known
from app.dossiers.reading import Cited, Reading, Seen, fault, join
from app.dossiers.schema import Part, slots
from app.errors import BadDossier, BadRecord, Fault
from app.query.fields import Record, Resource
from app.query.shapes import COMPONENTS
from app.resources import NOUNS
from app.vocabularies import Vocabularies
from app.writing.parts import PARTS


def evidence_is_pinned(reading: Reading) -> Iterator[Fault]:
    """Evidence names a passage: the words of a source that may not be carried are for the author's own file."""
    for seen in reading.each(schema.Evidence):
        if isinstance(seen.node, Tree) and plain(seen.mapping.get("text")) is not None:
            yield fault("Evidence names a `passage` here; `chancery pin` turns quoted words into one.", seen.here)


RULES: Final = (
    evidence_is_pinned,
    rules.references_lead_somewhere,
    rules.every_fact_rests_on_something,
    rules.evidence_names_one_thing,
    rules.dates_say_where_they_come_from,
    rules.periods_run_forward,
    rules.outside_ties_say_where_from,
    rules.quotes_fit_their_form,
)
OWN: Final = ("type", "self", "since", "until", "included")  # what every answer says of itself
PROOF: Final = ("evidence", "enrichment")  # what every answer has, also of records that carry none
WRITTEN_OF_EVIDENCE: Final = ("passage", "support")
ABOVE: Final = {"topic": "broader", "place": "within"}  # which fields may form no circle


@dataclass(slots=True)
class Lone:
    """One record being read: what was left out of it, and which passages it names."""

    resource: Resource
    claims: list[tuple[str, Place, Plain]] = field(default_factory=list)
    named: dict[str, tuple[str, Place]] = field(
        default_factory=dict
    )  # passages by their ids, with where they are named
    faults: list[Fault] = field(default_factory=list)

    def alias(self, id: str) -> str:
        """The name under which the dossier's schema knows a passage: its own has none for those of other sources."""
        return f"e{list(self.named).index(id)}"

    # ── Less what is computed ──

    def part(self, node: Tree, part: type[Part], shape: Mapping[str, Any], path: str) -> Tree:
        """A part of the record without what is computed, its passages under their aliases."""
        kept = []
        written = slots(part)
        for entry in node.entries:
            here = join(path, entry.name)
            slot = written.get(entry.name)
            computed = entry.name in shape and (
                slot is None or (part is schema.Evidence and entry.name not in WRITTEN_OF_EVIDENCE)
            )
            if computed or (slot is not None and path == "" and self.late(entry.name)):
                self.claims.append((here, entry.value.place, plain(entry.value)))
                continue
            value = entry.value
            if entry.name == "formerly" and slot is not None:
                self.faults.append(
                    fault("Old names come about by a merge: see POST /v1/actors/{id}/merge.", (here, value.place))
                )
                continue
            if slot is not None and slot.part is not None:
                value = self.inner(value, slot.part, inner_shape(shape.get(entry.name)), here)
            elif slot is not None and slot.ref is not None and slot.ref.nouns == ("passage",):
                value = self.passage(value, here)
            kept.append(replace(entry, value=value))
        return Tree.of(node.place, kept, flow=node.flow)

    def inner(self, node: Node, part: type[Part], shape: Mapping[str, Any], path: str) -> Node:
        """The parts within a value."""
        if isinstance(node, Items):
            items = tuple(self.inner(item, part, shape, f"{path}[{n}]") for n, item in enumerate(node.items))
            return Items(node.place, items, node.flow)
        if isinstance(node, Tree):
            return self.part(node, part, shape, path)
        return self.passage(node, path) if part is schema.Evidence else node

    def passage(self, node: Node, path: str) -> Node:
        """The name of a passage, noted and replaced."""
        if not isinstance(node, Scalar) or node.text is None:
            return node
        self.named.setdefault(node.text, (path, node.place))
        return Scalar(node.place, self.alias(node.text), node.style or '"')

    def late(self, name: str) -> bool:
        """Whether a field is worked out when the record is read."""
        line = self.resource.field(name)
        return line is not None and line.late

    # ── What is still claimed of it ──

    def contradictions(self, record: Record) -> Iterator[Fault]:
        """What the body says of what is computed, and is not so."""
        for path, place, value in self.claims:
            if path in PROOF and value:
                detail = f"`{path}` does not go here: a {self.resource.noun} is no fact that rests on passages. Leave it out."
                yield fault(detail, (path, place))
            if path in OWN and not (path == "type" and isinstance(value, str)):
                continue
            known_one, stands = (True, self.resource.noun) if path == "type" else at(record, path)
            if known_one and value is not None and not alike(value, stands):
                yield fault(
                    f"`{path.rsplit('.', 1)[-1]}` is computed and is {shown(str(stands))} here. Leave it out, or change what it "
                    "is computed from.",
                    (path, place),
                )


def shape_of(resource: Resource) -> dict[str, Any]:
    """The members of a record as a reader sees it."""
    return {**{name: {} for name in (*OWN, *PROOF)}, **{line.name: line.shape for line in resource.fields}}


def inner_shape(shape: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The members of an object, or of the objects of a list, that a field holds."""
    shape = shape or {}
    if "items" in shape:
        return inner_shape(shape["items"])
    found = next((one for one in shape.get("oneOf", ()) if "$ref" in one), shape)
    name = str(found.get("$ref", "")).rpartition("/")[2]
    inner: Mapping[str, Any] = COMPONENTS.get(name, {}).get("properties", {})
    return inner


def at(record: Any, path: str) -> tuple[bool, Any]:
    """Whether a record says something at a path, and what."""
    value = record
    for step in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, Mapping) and step in value:
            value = value[step]
        else:
            return False, None
    return True, value


def alike(said: Plain, stands: Any) -> bool:
    """Whether a value of a body is the one that stands."""
    if isinstance(said, Number):
        return bool(said.value == stands)
    if isinstance(said, list):
        return isinstance(stands, list) and len(said) == len(stands) and all(map(alike, said, stands))
    if isinstance(said, dict):
        return isinstance(stands, Mapping) and all(alike(value, stands.get(name)) for name, value in said.items())
    return bool(said == stands)


def read(connection: Connection, resource: Resource, id: str, body: bytes, vocabularies: Vocabularies) -> Record:
    """The record that a body describes, as it is kept. Raises BadRecord with every fault and its place."""
    part = PARTS[resource.noun]
    try:
        tree = document.read(body, as_json=True)
    except BadDossier as error:
        raise refusal(error.errors) from None
    lone = Lone(resource)
    root = with_id(lone.part(tree.root, part, shape_of(resource), ""), id, lone)
    passages = ledger.current(connection, NOUNS["passage"], list(lone.named))
    lone.faults += [
        fault(f"There is no passage `{shown(name)}` here. /v1/passages lists those that there are.", where)
        for name, where in lone.named.items()
        if name not in passages
    ]
    reading = Reading.of(
        Document(tree.text, root, tree.json, tree.marked, tree.faults),
        vocabularies,
        known(connection, body),
        None,
        pinned_required=False,
        part=part,
    )
    reading.passages = {lone.alias(name): cited(lone.alias(name), root) for name in lone.named}
    value, faults = misfits.fitted(reading, part)
    faults += [*lone.faults, *tree.faults]
    for rule in RULES:
        faults += [alone(one) for one in rule(reading)]
    if faults or value is None:
        raise refusal(in_order(faults))
    named = {lone.alias(name): orjson.loads(body) for name, (_, body) in passages.items()}
    record = made.record(resource.noun, value, vocabularies, passages=named, offices=offices(connection, value))
    wrong = [*lone.contradictions(record), *circle(connection, resource, record, reading)]
    if wrong:
        raise refusal(in_order(wrong))
    return record


def with_id(root: Tree, id: str, lone: Lone) -> Tree:
    """The record with its id, which the address says and the body may say again."""
    said = root.get("id")
    if said is not None:
        if not isinstance(said, Scalar) or said.text != id:
            lone.faults.append(
                fault(f"The address names {shown(id)}, the body another id. Ids never change.", ("id", said.place))
            )
        return root
    here = Place(root.place.line, root.place.column, root.place.start, root.place.start)
    return Tree.of(
        root.place, [Entry(Scalar(here, "id", '"'), "id", Scalar(here, id, '"')), *root.entries], flow=root.flow
    )


def cited(alias: str, root: Tree) -> Cited:
    """A passage as the rules know it: by its name alone."""
    return Cited(Seen("", root, schema.Passage), alias, None, None, None, None, None, None)


def alone(one: Fault) -> Fault:
    """A fault of a dossier, told of a record."""
    return replace(
        one, detail=one.detail.replace(" in this dossier or in the knowledge base", " in the knowledge base")
    )


def offices(connection: Connection, part: Part) -> dict[str, Any]:
    """The offices that an actor is said to hold, by their ids."""
    ids = [tenure.office for tenure in getattr(part, "offices", ())]
    return {id: orjson.loads(body) for id, (_, body) in ledger.current(connection, NOUNS["office"], ids).items()}


def circle(connection: Connection, resource: Resource, record: Record, reading: Reading) -> Iterator[Fault]:
    """That a topic or place would contain itself."""
    key = ABOVE.get(resource.noun)
    above = record.get(key) if key else None
    way = [record["id"]]
    while key and above is not None:
        way.append(above)
        if above == record["id"]:
            place = Seen("", reading.document.root, reading.part).at(key)
            yield fault(f"`{key}` would go in a circle: {' → '.join(map(shown, way[:12]))}. Name another one.", place)
            return
        if above in way[:-1]:
            return  # a circle of others, which is not of this record's making
        stands = ledger.current(connection, resource, [above]).get(above)
        above = None if stands is None else orjson.loads(stands[1]).get(key)


def refusal(faults: tuple[Fault, ...]) -> BadRecord:
    """The exception that carries these faults; its text tells the first."""
    first, more = faults[0], len(faults) - 1
    others = f" And {more} more." if more else ""
    return BadRecord(
        f"The record has faults. Line {first.line}, column {first.column}, {first.name}: {first.detail}{others}",
        errors=faults,
    )
