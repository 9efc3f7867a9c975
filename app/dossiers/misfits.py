"""What the schema says against a file, in words: each complaint with its place, what is allowed and an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from app.dossiers import document, schema
from app.dossiers.document import Items, Mapping, Node, Place, Scalar, plain, shown
from app.dossiers.reading import Reading, a, fault, join
from app.dossiers.schema import Part, Slot, slots
from app.errors import Fault

MOST_MISFITS = 5_000


P = TypeVar("P", bound=Part)


def fitted(reading: Reading, part: type[P]) -> tuple[P | None, list[Fault]]:
    """The dossier, or the one part that the file is, as its schema reads it, or what does not fit."""
    context = {"vocabularies": reading.vocabularies}
    try:
        return part.model_validate(plain(reading.document.root), context=context), []
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        return None, [
            _misfit(reading, problem["type"], problem["loc"], dict(problem.get("ctx", {})))
            for problem in problems[:MOST_MISFITS]
        ]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a complaint of the schema stands: its key or item, and what the schema expects there."""

    path: str
    place: Place
    node: Node | None
    within: type[Part]
    slot: Slot | None
    key: str


def _spot(reading: Reading, loc: tuple[int | str, ...]) -> Spot:
    """Follows a location as far as the file goes."""
    root = reading.document.root
    node: Node | None = root
    place, path, key = root.place, "", ""
    part: type[Part] = reading.part
    within: type[Part] = part
    slot: Slot | None = None
    for step in loc:
        if isinstance(step, int):
            path = f"{path}[{step}]"
            node = node.items[step] if isinstance(node, Items) and step < len(node.items) else None
        else:
            within, key = part, step
            slot = slots(within).get(step)
            part = (slot.part if slot else None) or part
            if isinstance(node, Scalar):
                continue  # what is written short (`p1s2`, `"2024"`) has no keys: the complaint is about the scalar
            path = join(path, shown(step))
            node = node.get(step) if isinstance(node, Mapping) else None
        place = node.place if node is not None else place
    return Spot(path, place, node, within, slot, key)


def _misfit(reading: Reading, kind: str, loc: tuple[int | str, ...], about: dict[str, Any]) -> Fault:
    spot = _spot(reading, loc)
    if kind == "extra_forbidden":
        return _unknown_key(reading, spot, loc)
    if kind == "missing":
        return _missing_key(spot, loc)
    if kind == "term":
        return fault(_unknown_term(reading, str(about["value"]), str(about["vocabulary"])), (spot.path, spot.place))
    if kind in ("date", "duration"):
        return fault(str(about["said"]), (spot.path, spot.place))
    return fault(f"{_mismatch(kind, spot, about)}{_example(spot.slot)}", (spot.path, spot.place))


def _unknown_key(reading: Reading, spot: Spot, loc: tuple[int | str, ...]) -> Fault:
    key = str(loc[-1])
    parent = _spot(reading, loc[:-1])
    entry = parent.node.entry(key) if isinstance(parent.node, Mapping) else None
    allowed = slots(spot.within)
    meant = reading.nearest(key, allowed)
    detail = (
        f"`{shown(key)}` is not a key of {a(spot.within)}."
        + (f" Did you mean `{meant}`?" if meant else " Remove it.")
        + f" Allowed are {', '.join(sorted(allowed))}."
    )
    return fault(detail, (spot.path, entry.key.place if entry else spot.place))


def _missing_key(spot: Spot, loc: tuple[int | str, ...]) -> Fault:
    slot = spot.slot
    says = f" {slot.description}" if slot and slot.description else ""
    return fault(f"{a(spot.within).capitalize()} needs `{loc[-1]}`.{says}{_example(slot)}", (spot.path, spot.place))


def _unknown_term(reading: Reading, value: str, name: str) -> str:
    vocabulary = reading.vocabularies[name]
    meant = reading.nearest(value, vocabulary.ids)
    return (
        f"`{shown(value)}` is not a term of {name}."
        + (f" Did you mean `{meant}`?" if meant else "")
        + f" Allowed are {', '.join(vocabulary.ids)}."
    )


def _mismatch(kind: str, spot: Spot, about: dict[str, Any]) -> str:
    name = f"`{spot.key}`" if spot.key else "The document"
    is_ = f", not {_what(spot.node)}"
    match kind:
        case "string_type":
            quotes = " Put it in quotes if it is text." if isinstance(spot.node, Scalar) and not spot.node.style else ""
            return f"{name} must be text{is_}.{quotes}"
        case "string_pattern_mismatch":
            rule = schema.IN_WORDS.get(str(about.get("pattern")), "is not written as it must be")
            return f"{name} {rule}."
        case "string_too_long":
            length = len(spot.node.text or "") if isinstance(spot.node, Scalar) else 0
            return f"{name} has {length:,} characters; at most {about.get('max_length'):,} are allowed. Shorten it."
        case "string_too_short":
            return f"{name} must not be empty. Leave the key out, or write null, if the source does not say."
        case "int_type" | "int_parsing" | "int_from_float":
            return f"{name} must be a whole number{is_}."
        case "greater_than_equal":
            return f"{name} must be at least {about.get('ge')}."
        case "less_than_equal":
            return f"{name} must be at most {about.get('le'):,}."
        case "bool_type":
            return f"{name} must be true or false{is_}."
        case "literal_error":
            return f"{name} must be {about.get('expected')}: this program reads no other version of the format."
        case "tuple_type":
            return f"{name} must be a list{is_}. In YAML, begin each item with `- ` or put them in brackets."
        case "model_type" | "model_attributes_type" | "dict_type":
            wanted = a(spot.slot.part) if spot.slot and spot.slot.part else "a mapping"
            return f"{name} must be {wanted}, written with its keys{is_}."
    return f"{name} is not what may stand here."


def _what(node: Node | None) -> str:
    match node:
        case Mapping():
            return "a mapping"
        case Items():
            return "a list"
        case Scalar(value=str()):
            return "text"
        case Scalar(value=bool()):
            return "true or false"
        case Scalar(value=document.Number()):
            return "a number"
    return "nothing"


def _example(slot: Slot | None) -> str:
    if slot is None or slot.example is None or isinstance(slot.example, list | dict):
        return ""
    return f" Example: `{slot.key}: {slot.example}`."
