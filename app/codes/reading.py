"""How the files of event codes are read and checked: each code has its parent, each weight its range, each counterpart exists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from app.codes.values import Code, Codes, Crossing, Weight, labels
from app.errors import ChanceryError

FILES: Final = ("cameo", "goldstein", "plover", "crosswalk")
KINDS: Final = {2: "root", 3: "base", 4: "detail"}

# Every scalar stays as it is written: 010 is neither 10 nor 8. libyaml reads the four files in 50 ms instead of 600.
_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NONE: Final = frozenset({"", "null"})


@cache
def load(folder: Path) -> Codes:
    """The codes of a folder, read once; raises ChanceryError that names the file and what to correct."""
    data = {name: _bytes(folder / f"{name}.yaml") for name in FILES}
    raw = {name: _document(name, data[name]) for name in FILES}
    cameo = _cameo(raw["cameo"])
    plover = _plover(raw["plover"])
    by_scheme = {"cameo": cameo, "plover": plover}
    digest = sha256(b"".join(sha256(data[name]).digest() for name in FILES)).hexdigest()
    return Codes(
        versions=MappingProxyType({name: _text(name, raw[name], "version") for name in FILES}),
        digest=digest,
        by_scheme=MappingProxyType({name: MappingProxyType(codes) for name, codes in by_scheme.items()}),
        weights=MappingProxyType(_weights(raw["goldstein"], cameo)),
        crossings=MappingProxyType(_crossings(raw["crosswalk"], cameo, plover)),
        below=MappingProxyType({name: MappingProxyType(_below(codes.values())) for name, codes in by_scheme.items()}),
        by_label=MappingProxyType(labels(cameo.values())),
    )


def _cameo(raw: Mapping[str, Any]) -> dict[str, Code]:
    codes: dict[str, Code] = {}
    for item in _items("cameo", raw, "codes"):
        code = _text("cameo", item, "code")
        _require(code.isdecimal() and len(code) in KINDS, "cameo", f"{code} is not two, three or four digits")
        _require(code not in codes, "cameo", f"{code} stands twice")
        root = len(code) == 2
        above = None if root else codes.get(code[:-1])
        _require(root or above is not None, "cameo", f"{code} stands before {code[:-1]}, or without it")
        quad = _quad("cameo", item, "quad") if above is None else above.quad
        quads = {"gdelt": _quad("cameo", item, "quad_gdelt")} if "quad_gdelt" in item else above.quads if above else {}
        codes[code] = Code(
            "cameo",
            code,
            KINDS[len(code)],
            _text("cameo", item, "label"),
            _text("cameo", item, "definition"),
            None if root else code[:-1],
            quad,
            quads=MappingProxyType(dict(quads)),
            labels=MappingProxyType({name: item[name] for name in ("gdelt", "icews") if name in item}),
        )
    return codes


def _plover(raw: Mapping[str, Any]) -> dict[str, Code]:
    codes: dict[str, Code] = {}
    for item in _items("plover", raw, "types"):
        for one in _type(item):
            _require(one.code not in codes, "plover", f"{one.code} stands twice")
            codes[one.code] = one
    for item in _items("plover", raw, "contexts"):
        code = _text("plover", item, "code")
        _require(code not in codes, "plover", f"{code} stands twice")
        label, definition = _text("plover", item, "label"), _text("plover", item, "definition")
        codes[code] = Code("plover", code, "context", label, definition)
    return codes


def _type(item: Mapping[str, Any]) -> list[Code]:
    """A PLOVER type, and after it its modes, which share its quad class."""
    code, quad = _text("plover", item, "code"), _quad("plover", item, "quad")
    needs = _text("plover", item, "recipient") == "required"
    label, definition = _text("plover", item, "label"), _text("plover", item, "definition")
    found = [Code("plover", code, "type", label, definition, None, quad, _number("plover", item, "score"), needs)]
    for mode in item.get("modes", ()):
        name = f"{code}-{_text('plover', mode, 'mode')}"
        label, definition = _text("plover", mode, "label"), _text("plover", mode, "definition")
        score = _number("plover", mode, "score")
        found.append(Code("plover", name, "mode", label, definition, code, quad, score, needs))
    return found


def _weights(raw: Mapping[str, Any], cameo: Mapping[str, Code]) -> dict[str, Weight]:
    weights: dict[str, Weight] = {}
    for item in _items("goldstein", raw, "weights"):
        code = _known("goldstein", item, cameo)
        found = {name: _number("goldstein", item, name) for name in ("gdelt", "icews")}
        by_dataset = {name: value for name, value in found.items() if value is not None}
        weights[code] = Weight(code, MappingProxyType(by_dataset), _maybe(item, "note"))
    return weights


def _crossings(raw: Mapping[str, Any], cameo: Mapping[str, Code], plover: Mapping[str, Code]) -> dict[str, Crossing]:
    crossings: dict[str, Crossing] = {}
    for item in _items("crosswalk", raw, "rows"):
        code = _known("crosswalk", item, cameo)
        to, mode, manual = (_maybe(item, name) for name in ("plover", "mode", "manual"))
        contexts = tuple(item.get("contexts", ()))
        for name in (to, f"{to}-{mode}" if mode else None, manual, *contexts):
            _require(name is None or name in plover, "crosswalk", f"{code} leads to {name}, which plover.yaml lacks")
        crossings[code] = Crossing(code, to, mode, contexts, manual, _maybe(item, "note"), _maybe(item, "loss"))
    missing = sorted(cameo.keys() - crossings.keys())
    _require(not missing, "crosswalk", f"there is no line for {', '.join(missing[:10])}")
    return crossings


def _below(codes: Iterable[Code]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in codes:
        if one.parent is not None:
            found[one.parent] = (*found.get(one.parent, ()), one.code)
    return found


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ChanceryError(f"The codes in {file.name} cannot be read: {error.strerror}.") from error


def _document(name: str, data: bytes) -> Mapping[str, Any]:
    try:
        found = yaml.load(data, Loader=_LOADER)  # noqa: S506  (no objects, only text)
    except yaml.YAMLError as error:
        raise ChanceryError(f"{name}.yaml cannot be read as YAML: {error}") from error
    _require(isinstance(found, dict), name, "it is no mapping")
    known: Mapping[str, Any] = found
    return known


def _items(name: str, raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = raw.get(key)
    holds = isinstance(found, list) and bool(found) and all(isinstance(item, dict) for item in found)
    _require(holds, name, f"it needs a list of lines under {key}")
    return list(found or ())


def _text(name: str, item: Mapping[str, Any], key: str) -> str:
    found = item.get(key)
    _require(isinstance(found, str) and found not in _NONE, name, f"{item.get('code', 'the file')} needs {key}")
    return str(found)


def _maybe(item: Mapping[str, Any], key: str) -> str | None:
    found = item.get(key, "")
    return None if found in _NONE else str(found)


def _number(name: str, item: Mapping[str, Any], key: str) -> float | None:
    found = _maybe(item, key)
    try:
        value = None if found is None else float(found)
        holds = value is None or -10 <= value <= 10
    except ValueError:
        value, holds = None, False
    _require(holds, name, f"{item.get('code', item.get('mode'))} has {key} {found}, which is not within -10 and 10")
    return value


def _quad(name: str, item: Mapping[str, Any], key: str) -> int:
    found = _text(name, item, key)
    _require(found in ("1", "2", "3", "4"), name, f"{item.get('code')} has {key} {found}, which is none of 1 to 4")
    return int(found)


def _known(name: str, item: Mapping[str, Any], cameo: Mapping[str, Code]) -> str:
    code = _text(name, item, "code")
    _require(code in cameo, name, f"{code} is not in cameo.yaml")
    return code


def _require(holds: object, name: str, what: str) -> None:
    if not holds:
        raise ChanceryError(f"The codes in {name}.yaml are not well formed: {what}.")
