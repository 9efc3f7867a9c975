"""How an answer is cited: as BibTeX or CSL-JSON, with the address that replays it to the same bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

STYLES: Final = {"bibtex": "application/x-bibtex", "csl": "application/vnd.citationstyles.csl+json"}
ENDINGS: Final = {"bibtex": "bib", "csl": "json"}
TITLE_MOST: Final = 500  # characters
WHO: Final = "Chancery"

TEX: Final = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "^": "\\textasciicircum{}",
    "_": "\\_",
    "~": "\\textasciitilde{}",
    "%": "\\%",
}
UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Citation:
    """What a citation says: the question in words, the revision that answered it, and where the answer is found again."""

    key: str
    title: str
    url: str
    revision: int
    published: date | None  # when the revision was published; None before the first
    accessed: date
    note: str | None = None


def written(citation: Citation, style: str) -> bytes:
    """A citation in one of the `STYLES`."""
    return (bibtex(citation) if style == "bibtex" else csl(citation)) + b"\n"


def bibtex(one: Citation) -> bytes:
    """A BibTeX entry; `url` and `urldate` are biblatex's names, which Zotero and JabRef read too."""
    fields = {
        "author": f"{{{WHO}}}",
        "title": f"{{{tex(line(one.title))}}}",
        **({} if one.published is None else {"year": f"{one.published:%Y}", "date": one.published.isoformat()}),
        "version": f"revision {one.revision}",
        # Verbatim, as `url` is; braces in it are percent-encoded already.
        "url": one.url,
        "urldate": one.accessed.isoformat(),
        **({} if one.note is None else {"note": tex(line(one.note))}),
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{one.key},\n{lines}\n}}".encode()


def csl(one: Citation) -> bytes:
    """A CSL-JSON document, which is a list of items."""
    item: dict[str, Any] = {
        "id": one.key,
        "type": "dataset",
        "title": line(one.title),
        "author": [{"literal": WHO}],
        "version": f"revision {one.revision}",
        "URL": one.url,
        "accessed": parts(one.accessed),
    }
    if one.published is not None:
        item["issued"] = parts(one.published)
    if one.note is not None:
        item["note"] = line(one.note)
    return orjson.dumps([item], option=orjson.OPT_INDENT_2)


def parts(day: date) -> dict[str, list[list[int]]]:
    """A day as CSL-JSON writes it."""
    return {"date-parts": [[day.year, day.month, day.day]]}


def line(text: str) -> str:
    """Text on one line, and not too long."""
    flat = " ".join(UNPRINTABLE.sub(" ", text).split())
    return flat if len(flat) <= TITLE_MOST else flat[: TITLE_MOST - 1].rstrip() + "…"


def tex(text: str) -> str:
    """Text whose characters mean themselves in TeX."""
    return "".join(TEX.get(one, one) for one in text)
