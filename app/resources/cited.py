"""Which filter asks for records by the source they cite, for every noun that carries evidence."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, select

from app.models.source import citation
from app.query.fields import Asked, By, Ref
from app.query.sql import standing


def cited_source(noun: str, table: Table) -> By:
    """The filter `source`: records that rest on a passage of it."""

    def condition(asked: Asked) -> ColumnElement[bool]:
        sources = [one for ids in asked.values for one in ids]
        chosen = select(citation.c.id).where(
            citation.c.noun == noun, citation.c.source.in_(sources), standing(citation, asked.view)
        )
        return table.c.id.in_(chosen)

    return By(
        "source", "A source it cites.", Ref("sources"), condition, "japan-ukraine-security-article", form=lambda _: None
    )
