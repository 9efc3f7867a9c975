"""How a page becomes HTML: its template, filled with values that are all escaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from app.explorer import words
from app.explorer.visit import Visit, inside

TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its template, its title, and what the template says."""

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@cache
def environment() -> Environment:
    """The templates. Whatever comes from the data is escaped, wherever it stands."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    made.filters |= {
        "when": words.when,
        "plain": words.plain,
        "lasting": words.lasting,
        "spaced": words.spaced,
        "web": words.web,
        "marked": words.marked,
        "told": words.coded_words,
        "page": words.page_of,
        "noun": words.noun_of,
        "inside": inside,
    }
    made.globals |= {"counted": words.counted}
    return made


def render(page: Page, visit: Visit) -> str:
    """The HTML of a page in the view of its visit."""
    names = page.values.get("names") or words.Names()
    template = environment().get_template(page.template)
    return template.render(
        **{**page.values, "names": names},
        page_title=page.title,
        visit=visit,
        link=visit.link,
        title=lambda record: words.title(record, names),
    )
