"""How the service is run: uvicorn with our logs, one process or several, drained on SIGTERM.

    SIGTERM ──> accept what has already connected, then nothing more
            ──> answer on open connections with `Connection: close`, so that a busy client leaves instead of being cut off
            ──> close the idle ones, wait for what was accepted, end with status 0

Exit status: 0 after SIGTERM, also when the drain time cut something off; 130 after Ctrl-C; 1 where it could not start.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.supervisors import Multiprocess, multiprocess

from app.errors import BadRequest, ChanceryError, Unavailable
from app.routes.memory import WHOLE
from app.routes.problems import problem
from app.routes.rates import Tally
from app.settings import Settings
from app.standing import Standing

EXAMPLE = "/v1/statements?speaker=Ishiba"
OWN = ("request_id", "method", "path", "status", "ms")
BACKLOG = 512

# How long open connections are answered with `Connection: close` before idle ones are closed: a client that sends at the
# moment of closing is reset, and a busy one sends again within a second.
LEAVE_SECONDS = 1.0
# A longer request comes from no client that sends it again and again.
WHOLE_MOST = 2_000

# A second start takes 1 s on two busy cores; after so long a worker is taken to be stuck and nothing is announced.
START_SECONDS = 60.0

log = logging.getLogger("chancery")

# The answer to a request by its bytes, behind the headers that every answer begins with, where the database stands at what is
# named last; None for one that was not met before.
AtOnce = Callable[[bytes, list[tuple[bytes, bytes]], Standing | None], bytes | None]
# A new answer to a request that was read, behind the same headers; None for one that has to be waited for.
Promptly = Callable[[Any, list[tuple[bytes, bytes]]], bytes | None]
# What the database will say it stands at, for a request that was met before and cannot be answered without asking that.
Soon = Callable[[bytes], asyncio.Future[Standing] | None]


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


# ── Addresses ───────────────────────────────────────────────────────────────────────────────────────────────────────


def bound(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address that `host` stands for; port 0 is one that the system picks, the same on each of them.

    They take no connection yet. Raises ChanceryError where one cannot be had.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ChanceryError(f"{host} is no address of this machine ({error.strerror}). Try --host 127.0.0.1.") from None
    addresses = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
    sockets: list[socket.socket] = []
    for family, address in addresses:
        chosen = port or (sockets[0].getsockname()[1] if sockets else 0)
        try:
            sockets.append(socket_on(family, (address[0], chosen, *address[2:]), both=host == "::"))
        except OSError as error:
            # `localhost` stands for an IPv6 address too, which not every machine has.
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and (sockets or address != addresses[-1][1]):
                continue
            close(sockets)
            raise ChanceryError(unbindable(host, chosen, error)) from None
    return sockets


def socket_on(family: int, address: Any, *, both: bool) -> socket.socket:
    """A socket on one address, which worker processes may have too; `both`: one of IPv6 that takes IPv4 as well."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
        made.set_inheritable(True)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def unbindable(host: str, port: int, error: OSError) -> str:
    """Why an address cannot be listened on, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program. Stop that one, or choose another port with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has. Choose one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine. Try --host 127.0.0.1."
    return f"{host}:{port} cannot be listened on: {error.strerror}."


def close(sockets: Sequence[socket.socket]) -> None:
    """Close sockets, the closed ones too."""
    for one in sockets:
        one.close()


def announce(host: str, port: int, *, machine: bool) -> None:
    """Where to go now: lines for people on standard output, one in the log for machines."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host  # noqa: S104
    base = f"http://{shown}:{port}"
    if machine:
        log.info("Listening. Explorer: %s/ API docs: %s/docs Try: %s%s", base, base, base, EXAMPLE)
        return
    lines = (f"Explorer  {base}/", f"API docs  {base}/docs", f"Try       curl '{base}{EXAMPLE}'")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


# ── Logs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def logging_of(settings: Settings) -> dict[str, Any]:
    """The logging configuration: everything to standard error, one line each."""
    machine = settings.log == "json"
    formatter: dict[str, Any] = (
        {"()": JsonLines} if machine else {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    )
    level = settings.log_level.upper()
    # Requests, and what uvicorn says of its own coming and going, are for machines; at a terminal stands what goes wrong.
    quiet = (
        level if machine or level == "DEBUG" else max("WARNING", level, key=logging.getLevelNamesMapping().__getitem__)
    )
    levels = {"chancery": level, "chancery.access": quiet, "uvicorn": quiet, "uvicorn.error": quiet}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "loggers": {name: {"level": one, "handlers": ["err"], "propagate": False} for name, one in levels.items()},
    }


# ── Serving ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Draining(uvicorn.Server):
    """A server that lets its clients go before it ends."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and sockets and self.config.workers == 1:
            announce(self.config.host, sockets[0].getsockname()[1], machine=speaks_json(self.config))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM is how a server is told to end, so it ends with 0; uvicorn would raise it once more and end by it."""
        if sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        drain = self.config.timeout_graceful_shutdown or 0
        begun = time.monotonic()
        # Cancelling would not do: a request's thread goes on, and the process with it.
        self.config.timeout_graceful_shutdown = None
        end = threading.Timer(drain, cut_off)
        end.daemon = True
        end.start()
        # Who follows the changes would wait for ever; they come back to whoever serves next, and miss nothing.
        self.lifespan.state.get("leave", lambda: None)()
        for one in sockets or []:
            await self.take_waiting(one)
        for server in self.servers:
            server.close()
        close(sockets or [])
        self.ask_to_leave()
        while self.server_state.connections and not self.force_exit:
            if time.monotonic() - begun >= min(LEAVE_SECONDS, drain / 2):
                break
            await asyncio.sleep(0.02)
        await super().shutdown(sockets=[])

    def ask_to_leave(self) -> None:
        """Let every answer from now on say that its connection ends with it."""
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and not cycle.response_started:
                connection.shutdown()

    async def take_waiting(self, listener: socket.socket) -> None:
        """Accept what waits in the kernel's queue, which closing the listener would reset."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        for _ in range(BACKLOG):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setblocking(False)
            await loop.connect_accepted_socket(self.protocol, connection)

    def protocol(self) -> asyncio.Protocol:
        """What speaks HTTP on one connection, made as uvicorn makes it."""
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


class Speaking(HttpToolsProtocol):
    """HTTP on one connection, where requests that were met before are answered without being read again, and short ones at once.

    What is no HTTP at all is refused like any other fault, as a problem document.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # An application that remembers answers says them by the request's bytes, see `routes/memory.py`.
        self.at_once: AtOnce | None = getattr(self.app, "at_once", None)
        self.soon: Soon | None = getattr(self.app, "soon", None)
        self.promptly: Promptly | None = getattr(self.app, "promptly", None)
        self.reading = False  # what begins a request
        self.starting: tuple[RequestResponseCycle, Any] | None = None  # what was read, and is to be answered
        self.between = True  # two requests: what comes next begins one
        self.begun = 0  # requests in what was read last
        self.held = b""  # a request that was met before, until the database says what it stands at
        self.behind = b""  # what came meanwhile

    @property
    def idle(self) -> bool:
        """Whether nobody waits for an answer on this connection."""
        # The first request of a connection finds no cycle, whatever uvicorn's annotation says.
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete

    def data_received(self, data: bytes) -> None:
        if self.held:
            self.behind += data
            self.flow.pause_reading()
        elif self.at_once is None or not self.between:
            super().data_received(data)
        elif not self.idle or self.flow.write_paused:
            self.read(data)
        elif self.soon is None:
            self.tell(data, None)
        elif (stands := self.soon(data)) is None:
            self.read(data)
        else:
            self._unset_keepalive_if_required()
            self.held = data
            stands.add_done_callback(self.settle)

    def settle(self, stands: asyncio.Future[Standing]) -> None:
        """Answer the request that is held, now that the database said what it stands at, or did not."""
        data, behind, self.held, self.behind = self.held, self.behind, b"", b""
        if self.transport.is_closing():
            return
        if stands.cancelled() or stands.exception() is not None:
            self.read(data)
        else:
            self.tell(data, stands.result())
        if behind:
            self.data_received(behind)

    def tell(self, data: bytes, standing: Standing | None) -> None:
        """Answer a request by its bytes, or read it."""
        assert self.at_once is not None
        told = self.at_once(data, self.server_state.default_headers, standing)
        if told is None:
            self.read(data)
            return
        self.transport.write(told)
        self._unset_keepalive_if_required()
        self.on_response_complete()

    def read(self, data: bytes) -> None:
        """Read what begins a request."""
        self.begun, self.reading = 0, True
        super().data_received(data)
        self.reading = False
        whole = self.was_one()
        if whole and len(data) <= WHOLE_MOST:
            # The application may know the request by these bytes from now on; its task has not begun yet.
            self.scope["extensions"] = {WHOLE: {"bytes": data}}
        if self.starting is not None:
            (cycle, app), self.starting = self.starting, None
            if not whole or not self.answered(cycle):
                super()._start_asgi_task(cycle, app)

    def answered(self, cycle: RequestResponseCycle) -> bool:
        """Whether a request could be answered on the spot: a task and ASGI's messages take as long as a short answer."""
        if self.promptly is None or self.flow.write_paused:
            return False  # who does not read what was sent waits as others do
        told = self.promptly(cycle.scope, self.server_state.default_headers)
        if told is None:
            return False
        cycle.response_started = cycle.response_complete = True
        self.transport.write(told)
        self.on_response_complete()
        return True

    def shutdown(self) -> None:
        """End once nobody waits for an answer; what is held will be answered as the last one."""
        if not self.held:
            super().shutdown()

    def was_one(self) -> bool:
        """Whether what was read last was one whole request and nothing else."""
        return self.begun == 1 and self.between

    def on_message_begin(self) -> None:
        self.begun += 1
        self.between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self.between = True
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Uvicorn's own refusal of a connection too many is plain text.
        if app is service_unavailable:
            super()._start_asgi_task(cycle, crowded)  # type: ignore[arg-type]
        elif self.reading:
            self.starting = (cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        headers = b"".join(b"%b: %b\r\n" % pair for pair in self.server_state.default_headers)
        told = f"{REFUSED}content-length: {len(NO_HTTP)}\r\nconnection: close\r\n\r\n".encode()
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + headers + told + NO_HTTP)
        self.transport.close()


NO_HTTP = problem(
    BadRequest("What came is no HTTP/1.1 request: its first line or a header cannot be read. Nothing was done."),
    "/",
    None,
).body
REFUSED = "content-type: application/problem+json\r\ncache-control: no-store\r\n"


async def crowded(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer to a request on a connection beyond those that may be open."""
    refusal = Unavailable(
        "As many connections as may be are open already. Nothing was done; try again in a few seconds.",
        headers={"Retry-After": "2", "Connection": "close"},
    )
    await problem(refusal, "/", None)(scope, receive, send)


def cut_off() -> None:
    """End this process, whatever it still does."""
    log.warning("The drain time is over; what had not finished by now was cut off.")
    logging.shutdown()
    os._exit(0)


def speaks_json(config: uvicorn.Config) -> bool:
    """Whether the logs of this configuration are for machines."""
    told = config.log_config
    return isinstance(told, dict) and "()" in told["formatters"]["line"]


@dataclass(frozen=True, slots=True)
class Served:
    """The application of a worker, made in its process, with what all of them count in."""

    tally: Tally

    def __call__(self) -> Any:
        # Here, since the process that starts the workers needs nothing of it.
        from app.main import served

        return served(tally=self.tally)


class Worker(multiprocess.Process):
    """A process of several that serve."""

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = Draining(config=self.config)
        return self._server


class Workers(Multiprocess):
    """The process that starts the others, says where they are, and ends with them."""

    interrupted = False

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(START_SECONDS, self.should_exit) for process in self.processes):
            announce(self.config.host, self.sockets[0].getsockname()[1], machine=speaks_json(self.config))

    def terminate_all(self) -> None:
        # Before the workers close theirs: what connected to a listener that nobody serves any more would hang.
        close(self.sockets)
        super().terminate_all()

    def handle_int(self) -> None:
        self.interrupted = True
        super().handle_int()

    @property
    def failed(self) -> bool:
        """Whether a worker could not start."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)


def run(settings: Settings, sockets: list[socket.socket]) -> None:
    """Serve on these sockets until told to stop. Raises KeyboardInterrupt after Ctrl-C, ChanceryError where it cannot start."""
    config = uvicorn.Config(
        # One more than workers: while they are replaced one by one there is one more.
        Served(Tally.shared(settings.workers + 1)) if settings.workers > 1 else "app.main:served",
        factory=True,
        http=Speaking,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=logging_of(settings),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.drain_seconds,
        timeout_keep_alive=15,
        limit_concurrency=settings.connections,
        backlog=BACKLOG,
        proxy_headers=False,
    )
    if settings.workers > 1:
        run_workers(config, sockets)
        return
    try:
        Draining(config).run(sockets=sockets)
    except SystemExit:
        # How uvicorn ends when the application does not come up; it has logged why.
        raise ChanceryError("The server could not start; the lines above say why.") from None


def run_workers(config: uvicorn.Config, sockets: list[socket.socket]) -> None:
    """Serve with several processes."""
    multiprocess.Process = Worker  # type: ignore[misc]  # its supervisor looks the class up there
    # A worker would first run the program again that started us, to find our classes: they are all in modules.
    vars(sys.modules["__main__"]).pop("__file__", None)
    workers = Workers(config, sockets=sockets)
    workers.run()
    if workers.interrupted:
        raise KeyboardInterrupt
    if workers.failed:
        raise ChanceryError("A worker could not start; the lines above say why.")
