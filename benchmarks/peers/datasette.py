"""How Datasette is told to answer the same questions: canned SQL over the same indexes, an immutable file, no counts."""

from __future__ import annotations

from typing import Any

EVENT = """SELECT e.id, e.label, e.day, a.actor_id AS initiator, an.name AS initiator_name,
  b.actor_id AS recipient, bn.name AS recipient_name, an.name || ': ' || e.label || ' → ' || bn.name AS gloss,
  'event' AS type, 'occurred' AS status, NULL AS kind, NULL AS place, NULL AS venue, NULL AS purpose, NULL AS intensity,
  'tkg' AS dataset, 1 AS reports, '[]' AS topics, '[]' AS evidence
FROM participation p JOIN event e ON e.id = p.event_id
  JOIN participation a ON a.event_id = e.id AND a.role = 'initiator' JOIN actor an ON an.id = a.actor_id
  JOIN participation b ON b.event_id = e.id AND b.role = 'recipient' JOIN actor bn ON bn.id = b.actor_id
WHERE p.actor_id = CAST(:actor AS INTEGER)"""
QUERIES = {
    "page": f"{EVENT} ORDER BY p.day, p.event_id LIMIT 50",
    "last_between": f"{EVENT} AND p.other_id = CAST(:other AS INTEGER) AND p.day < :before "
    "ORDER BY p.day DESC, p.event_id DESC LIMIT 1",
    "first_of_code": f"{EVENT} AND p.label = :label ORDER BY p.day, p.event_id LIMIT 1",
    "months": "SELECT substr(day, 1, 7) AS month, count(*) AS n FROM participation "
    "WHERE actor_id = CAST(:actor AS INTEGER) GROUP BY month ORDER BY month",
    "search": "SELECT e.id, 'event' AS type, e.day, snippet(event_fts, 0, '<mark>', '</mark>', '…', 40) AS snippet, "
    "event_fts.rank AS score FROM event_fts JOIN event e ON e.id = event_fts.rowid WHERE event_fts MATCH :q "
    "ORDER BY event_fts.rank LIMIT 20",
    "counterparts": "SELECT other_id, (SELECT name FROM actor WHERE id = other_id) AS name, count(*) AS n "
    "FROM participation WHERE actor_id = CAST(:actor AS INTEGER) GROUP BY other_id ORDER BY n DESC LIMIT 20",
}
# Datasette's own: not asking for what nobody needs here, and no limit of time.
SETTINGS = {
    "suggest_facets": "off",
    "facet_time_limit_ms": "20000",
    "sql_time_limit_ms": "20000",
    "default_facet_size": "100",
    "num_sql_threads": "3",
    "cache_size_kb": "64000",
    "template_debug": "off",
}


def metadata() -> dict[str, Any]:
    """The metadata file."""
    return {"databases": {"rows": {"queries": {name: {"sql": sql} for name, sql in QUERIES.items()}}}}


def arguments(path: str, metadata_path: str, port: int) -> list[str]:
    """The command's arguments."""
    told = [part for name, value in SETTINGS.items() for part in ("--setting", name, value)]
    return ["serve", "--immutable", path, "--metadata", metadata_path, "--port", str(port), *told]
