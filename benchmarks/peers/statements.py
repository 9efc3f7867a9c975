"""What SQLite alone takes: the very statements that our answer asks it, through the standard module, without HTTP."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import event

Asked = list[tuple[str, Any]]


def recorded(url: str, paths: Sequence[str]) -> list[Asked]:
    """The statements of each request, as an application of our own sends them once what it remembers is known."""
    from fastapi.testclient import TestClient

    from app.main import create_app
    from app.settings import Settings

    app = create_app(Settings(database=url, answers_bytes=0))
    client, found, sent = TestClient(app), [], []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(app.state.chancery.database.reader, "before_cursor_execute", note)
    for path in paths:
        client.get(path)
        sent.clear()
        client.get(path)
        found.append(list(sent))
    app.state.chancery.database.close()
    return found


def run(connection: sqlite3.Connection, asked: Asked) -> None:
    """Ask the statements of one request, every row taken."""
    for statement, parameters in asked:
        connection.execute(statement, parameters).fetchall()
