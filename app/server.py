"""How the service is run: uvicorn with our logs, one process or several, drained on SIGTERM."""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import uvicorn

from app.settings import Settings, overridden

EXAMPLE = "/v1/statements?speaker=Ishiba"
OWN = ("request_id", "method", "path", "status", "ms")


class JsonLines(logging.Formatter):
    """A log line for machines."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: getattr(record, name) for name in OWN if hasattr(record, name)}
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return orjson.dumps(told).decode()


class Announcing(uvicorn.Server):
    """A server that says where it is once it listens."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self.servers and self.servers[0].sockets:
            announce(self.config.host, self.servers[0].sockets[0].getsockname()[1])


def announce(host: str, port: int) -> None:
    """Where to go now."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host  # noqa: S104
    base = f"http://{shown}:{port}"
    lines = (f"Explorer  {base}/", f"API docs  {base}/docs", f"Try       curl '{base}{EXAMPLE}'")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def logging_of(settings: Settings) -> dict[str, Any]:
    """The logging configuration: everything to standard error, one line each."""
    formatter: dict[str, Any] = (
        {"()": JsonLines} if settings.log == "json" else {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    )
    level = settings.log_level.upper()
    loggers = {
        name: {"level": level, "handlers": ["err"], "propagate": False}
        for name in ("chancery", "uvicorn", "uvicorn.error")
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "loggers": {
            **loggers,
            # A line a request is for machines; people at a terminal see what goes wrong.
            "chancery.access": {
                "level": level if settings.log == "json" else "WARNING",
                "handlers": ["err"],
                "propagate": False,
            },
            "uvicorn": {
                "level": "INFO" if settings.log == "json" else "WARNING",
                "handlers": ["err"],
                "propagate": False,
            },
        },
    }


def run(*, host: str | None, port: int | None, database: str | None, workers: int | None) -> None:
    """Serve until told to stop. What the command line says goes before the environment, in every worker too."""
    settings = overridden(host=host, port=port, database=database, workers=workers)
    common: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "factory": True,
        "log_config": logging_of(settings),
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": settings.drain_seconds,
        "timeout_keep_alive": 15,
        "limit_concurrency": settings.connections,
        "backlog": 512,
        "proxy_headers": False,
    }
    if settings.workers == 1:
        Announcing(uvicorn.Config("app.main:create_app", **common)).run()
        return
    announce(settings.host, settings.port)
    uvicorn.run("app.main:create_app", workers=settings.workers, **common)
