"""How values are said to people: what a record is called, when something was, how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from re import findall, fullmatch
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

Record = Mapping[str, Any]


def title(record: Record, names: Names | None = None) -> str:
    """What a record is called: its own name, gloss or label; a coded event by who did what to whom."""
    for name in ("name", "gloss", "label", "title"):
        if isinstance(record.get(name), str) and record[name]:
            return str(record[name])
    if record.get("type") == "event":
        return coded(record, names)
    if record.get("type") == "relation":
        said = names.title if names is not None else str
        return f"{said(record['subject'])} {spaced(record['kind'])} {said(record['object'])}"
    if record.get("type") == "passage":
        return f"Paragraph {record.get('paragraph')}, sentence {record.get('sentence')}"
    return str(record.get("id", ""))


def coded(record: Record, names: Names | None) -> str:
    """A coded event in a line."""
    said = names.title if names is not None else str
    by_role: dict[str, list[str]] = {}
    for one in record.get("participants") or ():
        by_role.setdefault(one["role"], []).append(said(one["actor"]))
    codes = record.get("codes") or {}
    what = codes.get("cameo") or codes.get("plover") or "?"
    parts = [" and ".join(by_role.get("initiator", ["?"])), str(what), " and ".join(by_role.get("recipient", []))]
    return " → ".join(part for part in parts if part)


def spaced(term: str | None) -> str:
    """A term of a vocabulary as words."""
    return (term or "").replace("_", " ")


def when(date: Mapping[str, Any] | None) -> str:
    """A date as a reader would say it, with how far it can be relied on."""
    if date is None:
        return "undated"
    said = plain(date.get("edtf")) if date.get("edtf") else ""
    words = f"“{date['words']}”" if date.get("words") else ""
    if not said:
        return f"{words}, undated" if words else "undated"
    return f"{said} ({words})" if words else said


def plain(edtf: str | None) -> str:
    """An EDTF date in words where that is plain, else as it stands."""
    if not edtf:
        return ""
    left, slash, right = edtf.partition("/")
    if slash:
        ends = [plain(part) if part not in ("", "..") else "" for part in (left, right)]
        if all(ends):
            return f"{ends[0]} to {ends[1]}"
        return f"from {ends[0]} on" if ends[0] else f"until {ends[1]}"
    about = {"?": "perhaps ", "~": "about ", "%": "perhaps about "}.get(edtf[-1:], "")
    return f"{about}{edtf.rstrip('?~%')}" if about else edtf


UNITS = {"Y": "year", "M": "month", "W": "week", "D": "day"}


def lasting(duration: str | None) -> str:
    """An ISO duration of whole years, months, weeks and days in words; anything else as it stands."""
    if not duration or not (found := fullmatch(r"P((?:\d{1,4}[YMWD])+)", duration)):
        return duration or ""
    return ", ".join(counted(int(n), UNITS[unit]) for n, unit in findall(r"(\d+)([YMWD])", found[1]))


def counted(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 passage`, `1,204 passages`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def coded_words(text: str) -> Markup:
    """Our own words as HTML: what stands between backticks is code; everything is escaped."""
    parts = str(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if n % 2 and n < len(parts) - 1 else escape(part)
        for n, part in enumerate(parts)
    )


def marked(snippet: Mapping[str, Any]) -> Markup:
    """A snippet with the words that were found marked; `marks` are pairs of offsets into its text."""
    text, at, parts = str(snippet["text"]), 0, []
    for start, end in snippet.get("marks") or ():
        parts += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])


def web(url: Any) -> str | None:
    """An address that data may make a link of: http and https alone, or a page would run what a name says."""
    if not isinstance(url, str):
        return None
    try:
        return url if urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


@dataclass(slots=True)
class Names:
    """What the ids on a page are called, and where each has its page."""

    known: dict[str, Record] = field(default_factory=dict)

    def learn(self, *answers: Mapping[str, Any] | None) -> Names:
        """Take in the records of some answers: those they list, and those they include."""
        for answer in answers:
            if answer is None:
                continue
            for records in (answer.get("included") or {}).values():
                self.known.update(records)
            self.add(answer.get("items") or ())
        return self

    def add(self, records: Iterable[Record]) -> None:
        """Take in some records."""
        self.known.update({one["id"]: one for one in records if "id" in one})

    def title(self, id: str) -> str:
        """What an id is called; itself where nothing is known of it."""
        found = self.known.get(id)
        return title(found) if found is not None else id

    def page(self, id: str) -> str | None:
        """Where its page is."""
        found = self.known.get(id)
        return page_of(found.get("self")) if found is not None else None


def noun_of(record: Record) -> str:
    """What kind of record it is, by where it stands: a provision's `type` says what it lays down."""
    parts = str(record.get("self") or "").split("/")
    return parts[2][:-1] if len(parts) > 3 else str(record.get("type", ""))


def page_of(self_: Any) -> str | None:
    """The page of a record or list that the API has at this address."""
    return self_.removeprefix("/v1") if isinstance(self_, str) and self_.startswith("/v1/") else None
