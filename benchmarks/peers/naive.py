"""What most would write: FastAPI, ORM entities with their relationships, `response_model`, a session a request.

Indexed as it should be, the relationships loaded with the page (no query a row), all parameters validated by FastAPI.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, contains_eager, mapped_column, relationship, selectinload

engine = create_engine(os.environ["BENCH_DATABASE"], pool_size=8)


class Base(DeclarativeBase):
    """The entities."""


class Actor(Base):
    __tablename__ = "actor"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Event(Base):
    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    label: Mapped[str]
    participants: Mapped[list[Participation]] = relationship(back_populates="event")

    @property
    def gloss(self) -> str:
        """What happened."""
        first, last = sorted(self.participants, key=lambda one: one.role)
        return f"{first.actor.name}: {self.label} → {last.actor.name}"


class Participation(Base):
    __tablename__ = "participation"
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    day: Mapped[date]
    event: Mapped[Event] = relationship(back_populates="participants")
    actor: Mapped[Actor] = relationship()


class ActorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str


class ParticipationOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    role: str
    inferred: bool = False
    actor: ActorOut


class EventOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    type: str = "event"
    gloss: str
    kind: str | None = None
    status: str = "occurred"
    day: date
    label: str
    place: str | None = None
    venue: str | None = None
    purpose: str | None = None
    intensity: float | None = None
    dataset: str = "tkg"
    reports: int = 1
    topics: list[str] = []
    evidence: list[dict[str, Any]] = []
    participants: list[ParticipationOut]


class PageOut(BaseModel):
    items: list[EventOut]
    next_offset: int | None


app = FastAPI()


def session() -> Iterator[Session]:
    """A session for a request."""
    with Session(engine) as opened:
        yield opened


Opened = Annotated[Session, Depends(session)]


@app.get("/events", response_model=PageOut)
def events(
    db: Opened,
    participant: int,
    happened_from: date | None = None,
    happened_before: date | None = None,
    label: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Any:
    """A page of the events of an actor, by day."""
    # The page is found in the index of the actor's participations, by their day; its events are fetched by key.
    query = select(Participation).join(Participation.event).where(Participation.actor_id == participant)
    if happened_from:
        query = query.where(Participation.day >= happened_from)
    if happened_before:
        query = query.where(Participation.day < happened_before)
    if label:
        query = query.where(Event.label == label)
    query = query.order_by(Participation.day, Participation.event_id).limit(limit).offset(offset)
    query = query.options(
        contains_eager(Participation.event).selectinload(Event.participants).joinedload(Participation.actor)
    )
    found = [one.event for one in db.scalars(query)]
    return {"items": found, "next_offset": offset + limit if len(found) == limit else None}


@app.get("/events/{id}", response_model=EventOut)
def event(db: Opened, id: int) -> Any:
    """One event."""
    found = db.get(Event, id, options=[selectinload(Event.participants).joinedload(Participation.actor)])
    if found is None:
        raise HTTPException(404)
    return found
