"""Stub and load client of the gateway's benchmark."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.tools.bench.loads import CORES, load
from tools.bench.load import LoadTestResult, chat, run_load
from tools.bench.process import ProbeRequest, RunningProcess, send
from tools.bench.program import SOURCES
from tools.offline.gobuild import READONLY

EVENTS = 65  # events of one stream of the stub, the last one included
PARTS = (b'data: {"a":1}\n\n', b"data: 2\n\ndata: 3\n\n", b"data: [DONE]\n\n", b"")
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + b"".join(
    b"%x\r\n%b\r\n" % (len(part), part) for part in PARTS
)


@contextmanager
def responding(response: bytes) -> Iterator[int]:
    """Serve one connection with *response* and close it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(response)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def measured(response: bytes) -> LoadTestResult:
    with responding(response) as port:
        return run_load(port, load(connections=1, requests=1, is_stream=True), CORES.rest)


def test_every_request_to_the_stub_is_answered(backend: RunningProcess) -> None:
    figures = run_load(backend.port, load(), CORES.rest)
    assert (figures.all, figures.errors, figures.statuses) == (200, 0, {"200": 200})


def test_every_event_of_a_stream_is_counted(backend: RunningProcess) -> None:
    figures = run_load(backend.port, load(body=chat(is_stream=True), is_stream=True), CORES.rest)
    assert (figures.all, figures.events, figures.errors) == (200, 200 * EVENTS, 0)


def test_the_stub_waits_for_the_requested_time(backend: RunningProcess) -> None:
    figures = run_load(backend.port, load(body=chat(wait_ms=30), requests=4), CORES.rest)
    assert figures.p50 >= 29_000


def test_a_rate_is_kept(backend: RunningProcess) -> None:
    figures = run_load(backend.port, load(requests=40, rate=100), CORES.rest)
    assert figures.seconds >= 0.38


def test_aborted_requests_are_not_errors(backend: RunningProcess) -> None:
    leaving = load(aborts=0.5, body=chat(is_stream=True, wait_ms=5), is_stream=True, requests=60)
    figures = run_load(backend.port, leaving, CORES.rest)
    assert figures.aborted > 0
    assert figures.errors == 0


def test_a_stream_in_chunks_of_any_size_is_understood() -> None:
    figures = measured(STREAM)
    assert (figures.all, figures.events, figures.errors) == (1, 4, 0)


def test_go_tests_of_the_load_client_pass() -> None:
    done = subprocess.run(["go", "test", "./..."], cwd=SOURCES, env=os.environ | READONLY, check=False)  # noqa: S607
    assert done.returncode == 0


def test_a_stream_that_breaks_off_is_an_error() -> None:
    assert measured(STREAM[:-5]).first_error == "EOF"


def test_a_stream_that_ends_without_its_last_event_is_an_error() -> None:
    assert measured(STREAM.replace(b"[DONE]", b"[GONE]")).first_error == "a stream without its end"


def test_a_response_that_is_not_http_is_an_error() -> None:
    assert measured(b"SSH-2.0-OpenSSH_9.2 hello\r\n").errors == 1


def test_a_server_error_is_an_error() -> None:
    figures = measured(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
    assert (figures.errors, figures.first_error) == (1, "status 502")


def test_a_429_is_counted_as_refused_not_as_an_error() -> None:
    figures = measured(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")
    assert (figures.refused, figures.errors, figures.requests) == (1, 0, 0)


def test_the_stub_is_healthy(backend: RunningProcess) -> None:
    assert send(backend.port, ProbeRequest(path="/health", headers={})) == (200, b'{"status":"ok"}')
