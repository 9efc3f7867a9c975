"""Which knobs Chancery has: each with its default, its unit and the reason for its number; read once at the start.

Every setting is an environment variable `CHANCERY_…`; `make run` also passes HOST and PORT on. Nothing else reads the environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url

HERE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """The folder of that name beside `app/` in a checkout, or the copy that an installed wheel carries inside it."""
    beside = HERE.parent / folder
    return beside if beside.is_dir() else HERE / f"_{folder}"


class Settings(BaseSettings):
    """This process's settings."""

    model_config = SettingsConfigDict(env_prefix="CHANCERY_", extra="ignore", frozen=True)

    data: Annotated[Path, Field(description="Folder of the embedded SQLite database, made when missing.")] = Path(
        "data"
    )
    database: Annotated[
        str | None,
        Field(
            description="SQLAlchemy URL of the database; unset means the SQLite file `chancery.db` in the data folder."
        ),
    ] = None
    database_password_file: Annotated[
        Path | None,
        Field(
            description="File with the database password, put into the URL: a container's secret never stands in it."
        ),
    ] = None

    host: Annotated[str, Field(description="Address to listen on. Loopback, since reads are open to everybody.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on.")] = 8000
    workers: Annotated[int, Field(ge=1, le=64, description="Processes that serve; one a core is right.")] = 1
    threads: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Requests that a worker answers at once. Few: beyond the cores they only wait for "
            "the interpreter lock (40 instead of 8 cost 40 % more CPU a request on PostgreSQL). The pool has as many connections.",
        ),
    ] = 6

    heavy_requests: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Requests that look at very much (counts by scan, picks, exports) and are worked at at once, on threads "
            "beside the others: two keep two cores busy, quick requests have their turn. The pool has as many connections more.",
        ),
    ] = 2
    heavy_wait_seconds: Annotated[
        float,
        Field(
            ge=0, description="How long such a request waits for its turn before 503: longer than most of them take."
        ),
    ] = 5.0
    connections: Annotated[
        int, Field(ge=1, description="Connections at once; beyond them 503 at once is better than waiting.")
    ] = 1000

    page_rows: Annotated[int, Field(ge=1, le=500, description="Records on a page when `limit` is not given.")] = 50
    page_rows_most: Annotated[int, Field(ge=1, le=5000, description="The largest `limit`.")] = 500
    url_bytes: Annotated[int, Field(ge=1024, description="The longest address; most proxies stop there too.")] = 8192
    body_bytes: Annotated[int, Field(ge=1024, description="The largest request body and dossier, in bytes.")] = (
        5_000_000
    )
    count_rows_most: Annotated[int, Field(ge=1, description="Where `count=bounded` stops counting.")] = 10_000
    facet_values_most: Annotated[int, Field(ge=1, description="Values that a facet lists, most frequent first.")] = 100
    answers_bytes: Annotated[
        int, Field(ge=0, description="Answers kept in memory by each worker, under their revision; 0 keeps none.")
    ] = 32_000_000
    chunk_rows: Annotated[
        int, Field(ge=1, description="Rows an export reads at a time; each chunk is a short read.")
    ] = 500

    read_seconds: Annotated[float, Field(gt=0, description="After so long a read is given up with 503.")] = 10.0
    write_wait_seconds: Annotated[
        float, Field(ge=0, description="How long a writer waits for another one before it says who holds the ledger.")
    ] = 10.0
    min_revision_seconds: Annotated[
        float, Field(ge=0, description="How long `min_revision` waits for the database.")
    ] = 2.0
    followers: Annotated[
        int,
        Field(
            ge=0,
            description="Clients of a worker that may follow the changes live; each is a connection that stays. Beyond them 503.",
        ),
    ] = 200
    heartbeat_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="How often a follower hears that nothing is new: proxies drop what is silent for a minute.",
        ),
    ] = 15.0
    stall_seconds: Annotated[
        float, Field(gt=0, description="How long a follower may leave what was sent unread before it is given up.")
    ] = 30.0
    drain_seconds: Annotated[int, Field(ge=0, description="How long SIGTERM lets accepted requests finish.")] = 15

    public_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^\s?#]+$",
            description="Where readers find this server, such as https://chancery.example.org: feeds, citations and "
            "the names in JSON-LD then carry it. Unset, they are paths and URNs: the Host header is anybody's to write.",
        ),
    ] = None
    reads: Annotated[
        Literal["open", "closed"],
        Field(description="Whether everybody may read, or only who has a key with the scope `read`."),
    ] = "open"
    write_threads: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Writes that a worker works at or waits with at once, beside its reads. The ledger takes one at a time: "
            "more would only wait for it.",
        ),
    ] = 3
    writes_waiting: Annotated[
        int, Field(ge=1, description="Writes that wait for one of these threads; beyond them 503 at once.")
    ] = 2000
    write_busy_seconds: Annotated[
        float,
        Field(
            ge=0, description="How long a write over HTTP waits for another writer before 503: clients give up sooner."
        ),
    ] = 10.0
    body_seconds: Annotated[
        float, Field(gt=0, description="How long a body may take to arrive: a slow one holds a connection.")
    ] = 30.0
    dossier_records: Annotated[
        int,
        Field(
            ge=1,
            description="Records that a dossier may make over HTTP: it is one transaction, and others wait for it.",
        ),
    ] = 20_000
    idempotency_hours: Annotated[
        float,
        Field(gt=0, description="How long the answer of a write is kept for whoever repeats its Idempotency-Key."),
    ] = 24.0
    rate_limit: Annotated[
        Literal["on", "off"], Field(description="`off` lifts the limits on requests a minute, for load tests.")
    ] = "on"
    writes_minute: Annotated[
        int,
        Field(
            ge=1,
            description="Writes a minute of one key, at all workers: a script that runs wild is stopped, a busy desk is not.",
        ),
    ] = 6_000
    reads_minute: Annotated[
        int,
        Field(
            ge=0,
            description="Reads a minute of one key or else one address; 0 is no limit, since a read from memory costs next to "
            "nothing and many may share an address.",
        ),
    ] = 0
    refused_minute: Annotated[
        int,
        Field(ge=1, description="Keys that were refused a minute from one address, until it has to wait for the next."),
    ] = 30

    cors_origins: Annotated[
        str, Field(description="Origins whose pages may read, separated by commas; `*` is everybody, empty is nobody.")
    ] = "*"
    log: Annotated[Literal["json", "text"], Field(description="Log lines for machines or for people.")] = "text"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="The least level logged.")] = (
        "info"
    )

    @property
    def url(self) -> URL:
        """Where the database is, the password filled in from its file where one is named."""
        if self.database is None:
            return URL.create("sqlite", database=str(self.data.absolute() / "chancery.db"))
        url = make_url(self.database)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        if self.database_password_file is not None:
            url = url.set(password=self.database_password_file.read_text(encoding="utf-8").strip())
        return url

    @property
    def base(self) -> str | None:
        """The public address without a slash at its end, for whoever puts a path behind it."""
        return self.public_url and self.public_url.rstrip("/")

    @property
    def embedded(self) -> bool:
        """Whether the database is a SQLite file, which a starting server may migrate by itself."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def seed(self) -> Path:
        """The folder of vocabularies and dossiers that `chancery seed` publishes."""
        return shipped("seed")

    @property
    def migrations(self) -> Path:
        """The folder of schema migrations."""
        return shipped("migrations")


def overridden(**given: Any) -> Settings:
    """The settings with what the command line said, which goes into the environment so that worker processes read it too."""
    for name, value in given.items():
        if value is not None:
            os.environ[f"CHANCERY_{name.upper()}"] = str(value)
    return Settings()


def child_environment(**more: str) -> dict[str, str]:
    """The environment for a program that we start, with what it is told besides."""
    return {**os.environ, **more}


def preset(**wanted: str) -> None:
    """What libraries find in the environment when they are loaded, where whoever started us has not said otherwise."""
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
