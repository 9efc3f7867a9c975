"""How records and changes are said as an Atom feed (RFC 4287), so that a feed reader can watch one actor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

MEDIA_TYPE: Final = "application/atom+xml"
TITLE_MOST: Final = 200  # characters; a headline is no article
BEGINNING: Final = "1970-01-01T00:00:00Z"  # when a knowledge base without a revision was last changed

# What XML 1.0 cannot carry, not even escaped.
NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A record or a change as an entry: `id` is for ever, `updated` is when this version of it was published."""

    id: str
    title: str
    updated: str
    author: str
    summary: str | None = None
    link: str | None = None
    categories: tuple[tuple[str, str], ...] = ()  # (scheme, term)


@dataclass(frozen=True, slots=True)
class Feed:
    """What stands around the entries; addresses are paths, put behind `base` where the settings name one."""

    id: str
    title: str
    updated: str
    here: str
    json: str
    older: str | None = None
    base: str = ""


def urn(id: str) -> str:
    """The IRI of a record: the same wherever it is served, since ids are never reused."""
    return f"urn:chancery:{quote(id, safe=':@')}"


def feed_urn(address: str) -> str:
    """The IRI of a feed, the same for the same question."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'urn:chancery:feed:{address}')}"


def document(feed: Feed, entries: Iterable[Entry]) -> bytes:
    """The feed."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        element("id", feed.id),
        element("title", feed.title),
        element("updated", feed.updated),
        element("generator", "Chancery"),
        link("self", feed.base + feed.here, MEDIA_TYPE),
        link("alternate", feed.base + feed.json, "application/json"),
    ]
    if feed.older is not None:
        lines.append(link("next", feed.base + feed.older, MEDIA_TYPE))
    for entry in entries:
        lines += _entry(entry, feed.base)
    return ("\n".join([*lines, "</feed>"]) + "\n").encode()


def _entry(entry: Entry, base: str) -> Iterable[str]:
    yield "<entry>"
    yield element("id", entry.id)
    yield element("title", short(entry.title))
    yield element("updated", entry.updated)
    yield f"<author>{element('name', entry.author)}</author>"
    if entry.link is not None:
        yield link("alternate", base + entry.link.removeprefix("/v1"), "text/html")
        yield link("alternate", base + entry.link, "application/json")
    for scheme, term in entry.categories:
        yield f'<category scheme="{said(scheme)}" term="{said(term)}"/>'
    # An entry without a link must say something itself.
    yield element("content" if entry.link is None else "summary", entry.summary or entry.title, type="text")
    yield "</entry>"


def link(rel: str, href: str, media_type: str) -> str:
    """A link."""
    return f'<link rel="{rel}" href="{said(href)}" type="{media_type}"/>'


def element(name: str, text: str, **attributes: str) -> str:
    """An element with nothing but text."""
    given = "".join(f' {one}="{said(value)}"' for one, value in attributes.items())
    return f"<{name}{given}>{said(text)}</{name}>"


def said(text: str) -> str:
    """Text as XML can carry it."""
    return escape(NOT_XML.sub("\ufffd", text))


def short(text: str) -> str:
    """Text as a headline."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_MOST else line[: TITLE_MOST - 1].rstrip() + "…"


def of_record(
    record: Mapping[str, Any], *, updated: str, by: str, names: Mapping[str, str], schemes: Mapping[str, str]
) -> Entry:
    """A record as an entry; `names` are those of the actors it links to, `schemes` its fields that are categories."""
    what = headline(record)
    speaker = record.get("speaker")
    title = f"{names.get(speaker, speaker)}: {what}" if isinstance(speaker, str) else what
    return Entry(
        id=urn(record["id"]),
        title=title,
        updated=updated,
        author=by,
        summary=record.get("gloss") or record.get("definition") or title,
        link=record["self"],
        categories=tuple(categories(record, schemes)),
    )


def of_change(change: Mapping[str, Any]) -> Entry:
    """A change as an entry."""
    body = change["after"] or change["before"] or {}
    return Entry(
        id=f"urn:chancery:change:{change['position']}",
        title=f"{change['act']} {change['type']} {change['id']}: {headline({'id': change['id'], **body})}",
        updated=change["at"],
        author=change["by"],
        summary=change["why"],
        # A record that is gone has no page of its own any more; the log shows what it said.
        link=change["self"] if change["after"] is not None else f"/v1/changes?after={change['revision'] - 1}",
        categories=(("urn:chancery:act", change["act"]), ("urn:chancery:type", change["type"])),
    )


def headline(record: Mapping[str, Any]) -> str:
    """What a record is called, or says in short."""
    named: Sequence[Any] = [record.get(name) for name in ("name", "title", "label", "gloss", "quote")]
    return next((one for one in named if isinstance(one, str) and one.strip()), str(record["id"]))


def categories(record: Mapping[str, Any], schemes: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """The topics and terms of a record."""
    for name, scheme in schemes.items():
        value = record.get(name)
        for term in value if isinstance(value, list) else [value]:
            if isinstance(term, str):
                yield scheme, term
