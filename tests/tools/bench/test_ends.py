"""The two ends of the gateway's benchmark: a stub that answers everything, a load client that understands it all."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.tools.bench.loads import CORES, load
from tools.bench.load import LoadResult, chat, run_load
from tools.bench.process import ProbeRequest, RunningProcess, ask
from tools.bench.program import SOURCES
from tools.offline.gobuild import READONLY

EVENTS = 65  # of one stream of the stub, with the one that says it is over
PARTS = (b'data: {"a":1}\n\n', b"data: 2\n\ndata: 3\n\n", b"data: [DONE]\n\n", b"")
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + b"".join(
    b"%x\r\n%b\r\n" % (len(part), part) for part in PARTS
)


@contextmanager
def saying(answer: bytes) -> Iterator[int]:
    """A server that gives one connection *answer*, and ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def heard(answer: bytes) -> LoadResult:
    with saying(answer) as port:
        return run_load(port, load(connections=1, requests=1, is_stream=True), CORES.rest)


def test_every_request_to_the_stub_is_answered(backend: RunningProcess) -> None:
    figures = run_load(backend.port, load(), CORES.rest)
    assert (figures.all, figures.errors, figures.statuses) == (200, 0, {"200": 200})


def test_every_event_of_a_stream_is_counted(backend: RunningProcess) -> None:
    figures = run_load(backend.port, load(body=chat(is_stream=True), is_stream=True), CORES.rest)
    assert (figures.all, figures.events, figures.errors) == (200, 200 * EVENTS, 0)


def test_the_stub_waits_as_long_as_it_is_asked_to(backend: RunningProcess) -> None:
    figures = run_load(backend.port, load(body=chat(wait_ms=30), requests=4), CORES.rest)
    assert figures.p50 >= 29_000


def test_a_rate_is_kept(backend: RunningProcess) -> None:
    figures = run_load(backend.port, load(requests=40, rate=100), CORES.rest)
    assert figures.seconds >= 0.38


def test_clients_that_leave_are_no_errors(backend: RunningProcess) -> None:
    leaving = load(aborts=0.5, body=chat(is_stream=True, wait_ms=5), is_stream=True, requests=60)
    figures = run_load(backend.port, leaving, CORES.rest)
    assert figures.aborted > 0
    assert figures.errors == 0


def test_a_stream_in_chunks_of_any_size_is_understood() -> None:
    figures = heard(STREAM)
    assert (figures.all, figures.events, figures.errors) == (1, 4, 0)


def test_an_answer_is_understood_however_it_is_cut() -> None:
    done = subprocess.run(["go", "test", "./..."], cwd=SOURCES, env=os.environ | READONLY, check=False)  # noqa: S607
    assert done.returncode == 0


def test_a_stream_that_breaks_off_is_an_error() -> None:
    assert heard(STREAM[:-5]).first_error == "EOF"


def test_a_stream_that_ends_without_its_last_event_is_an_error() -> None:
    assert heard(STREAM.replace(b"[DONE]", b"[GONE]")).first_error == "a stream without its end"


def test_an_answer_that_is_none_is_an_error() -> None:
    assert heard(b"SSH-2.0-OpenSSH_9.2 hello\r\n").errors == 1


def test_a_status_that_is_no_success_is_an_error() -> None:
    figures = heard(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
    assert (figures.errors, figures.first_error) == (1, "status 502")


def test_a_refusal_is_counted_by_itself() -> None:
    figures = heard(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")
    assert (figures.refused, figures.errors, figures.requests) == (1, 0, 0)


def test_the_stub_says_that_it_is_well(backend: RunningProcess) -> None:
    assert ask(backend.port, ProbeRequest(path="/health", headers={})) == (200, b'{"status":"ok"}')
