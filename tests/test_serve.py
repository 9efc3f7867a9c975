"""Does `chancery serve` say where it is, serve with one process or several, and end without cutting anybody off?"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving import free_port

ROOT = Path(__file__).resolve().parent.parent
# As at a terminal: whoever runs the tests in the background has made their children deaf to Ctrl-C.
PROGRAM = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from app.cli import main; main()"
COMMAND = [sys.executable, "-c", PROGRAM, "serve"]
SLOW = "/v1/statements?min_revision=99"  # waits CHANCERY_MIN_REVISION_SECONDS, then answers 503


@dataclass(frozen=True, slots=True)
class Server:
    """A server of our own, and where it says it is."""

    process: subprocess.Popen[bytes]
    log: Path
    host: str
    port: int

    def get(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        """An answer, and its body."""
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=20)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer, answer.read()

    def end(self, sig: int = signal.SIGTERM) -> int:
        self.process.send_signal(sig)
        return self.process.wait(40)


@contextmanager
def serving(folder: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """A server that has announced itself."""
    log = folder / "log"
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "CHANCERY_DATA": str(folder)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "--port", "0", *arguments],
            cwd=folder,
            env={**environment, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + 60
        while (found := re.search(r"http://(\S+):(\d+)/docs", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        yield Server(process, log, found[1].strip("[]"), int(found[2]))
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def folder(tmp_path: Path, migrated_file: Path) -> Path:
    """A data folder with an empty, migrated database, so that no start spends its time on a migration."""
    (tmp_path / "chancery.db").write_bytes(migrated_file.read_bytes())
    return tmp_path


@pytest.mark.parametrize("arguments", [(), ("--host", "::1"), ("--workers", "2")])
def test_the_three_addresses_that_are_printed_answer(folder, arguments: Sequence[str]):
    with serving(folder, "--no-seed", *arguments) as server:
        printed = server.log.read_text().splitlines()
        answers = [server.get(path)[0].status for path in ("/", "/docs", "/v1/statements", "/readyz")]
        status = server.end()

    assert [line.split()[0] for line in printed] == ["Explorer", "API", "Try"]
    assert answers == [200, 200, 200, 200]
    assert status == 0


def test_an_empty_embedded_database_is_made_migrated_and_seeded(tmp_path):
    with serving(tmp_path) as server:
        items = json.loads(server.get("/v1/statements?speaker=Ishiba")[1])["items"]

    assert len(items) == 8


def test_a_port_in_use_is_a_sentence_and_nothing_is_touched(tmp_path):
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "CHANCERY_DATA": str(tmp_path)}
        done = subprocess.run(
            [*COMMAND, "--port", str(port)], cwd=tmp_path, env=environment, capture_output=True, timeout=60
        )

    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"Port {port} on 127.0.0.1 is in use by another program. Stop that one, or choose another port with --port.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_http_is_refused_with_a_problem_document(folder):
    with serving(folder) as server:
        for told in (
            b"FOO /v1 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00 hello\r\n\r\n",
            b"GET / HTTP/9\r\n\r\n",
        ):
            with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as line:
                line.sendall(told)
                answer = http.client.HTTPResponse(line)
                answer.begin()

                assert (answer.status, answer.getheader("Content-Type")) == (400, "application/problem+json")
                assert json.loads(answer.read())["status"] == 400
        assert server.get("/healthz")[0].status == 200


def test_two_workers_together_let_a_guesser_try_no_more_keys_than_one(folder):
    with serving(folder, "--no-seed", "--workers", "2", CHANCERY_REFUSED_MINUTE="8") as server:
        told = []
        for _ in range(40):
            with closing(http.client.HTTPConnection(server.host, server.port, timeout=20)) as connection:
                connection.request("GET", "/v1/topics", headers={"Authorization": "Bearer chy_guess"})
                told.append(connection.getresponse().status)

    assert set(told) == {401, 429}
    assert told.count(401) <= 8


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_lets_an_accepted_request_finish_and_ends_with_0(folder, workers):
    with serving(folder, "--no-seed", "--workers", workers, CHANCERY_MIN_REVISION_SECONDS="2") as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
        connection.request("GET", SLOW)
        time.sleep(0.7)
        server.process.terminate()
        answer = connection.getresponse()
        problem = json.loads(answer.read())
        status = server.process.wait(20)
        connection.close()

    assert (answer.status, problem["title"]) == (503, "Temporarily unavailable")
    assert answer.headers["Connection"] == "close"
    assert status == 0


def test_what_outlasts_the_drain_time_is_cut_off(folder):
    knobs = {"CHANCERY_MIN_REVISION_SECONDS": "30", "CHANCERY_DRAIN_SECONDS": "1"}
    with serving(folder, "--no-seed", **knobs) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
        connection.request("GET", SLOW)
        time.sleep(0.7)
        begun = time.monotonic()
        status = server.end()
        spent = time.monotonic() - begun
        said = server.log.read_text()
        connection.close()

    assert status == 0
    assert spent < 5
    assert "The drain time is over" in said
    assert "Traceback" not in said


def test_busy_keep_alive_clients_are_told_to_leave_and_none_is_reset(folder):
    broken: list[str] = []
    left: list[str] = []

    def client(server: Server) -> None:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
        while True:
            try:
                connection.request("GET", "/healthz")
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                broken.append(repr(error))
                break
            if answer.headers.get("Connection") == "close":
                left.append("politely")
                break
            time.sleep(0.01)
        connection.close()

    with serving(folder, "--no-seed") as server:
        clients = [threading.Thread(target=client, args=(server,)) for _ in range(8)]
        for one in clients:
            one.start()
        time.sleep(0.7)
        status = server.end()
        for one in clients:
            one.join(20)

    assert (broken, len(left), status) == ([], 8, 0)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_with_130_and_no_trace(folder, workers):
    with serving(folder, "--no-seed", "--workers", workers) as server:
        status = server.end(signal.SIGINT)
        said = server.log.read_text()

    assert status == 130
    assert "Interrupted." in said
    assert "Traceback" not in said


def test_logs_for_machines_are_json_lines_with_the_request_id_and_no_query(folder):
    with serving(folder, "--no-seed", CHANCERY_LOG="json") as server:
        answer, _ = server.get("/v1/statements?q=sesame")
        server.end()
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]

    (access,) = [line for line in lines if line["logger"] == "chancery.access"]
    assert access["request_id"] == answer.headers["X-Request-ID"]
    assert (access["method"], access["path"], access["status"]) == ("GET", "/v1/statements", 200)
    assert any(line["message"].startswith("Listening.") for line in lines)
    assert "sesame" not in server.log.read_text()


def test_logs_for_people_are_quiet_while_all_is_well(folder):
    with serving(folder, "--no-seed") as server:
        server.get("/v1/statements")
        server.end()

        assert len(server.log.read_text().splitlines()) == 3
