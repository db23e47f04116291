"""Health checks of a released gateway."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest

from infra.errors import ReleaseError
from ops.cluster.retry import retry
from ops.release.health import HEALTH, READY, ROUNDS, check, healthy_backends

WELL = {"status": "degraded", "backends": {"chat": {"status": "healthy"}, "voice": {"status": "unhealthy"}}}


@contextmanager
def gateway(answers: dict[str, tuple[int, Any]]) -> Iterator[str]:
    """Yield the URL of a server that answers each path with *answers*."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_a_gateway_that_reaches_the_former_backends_passes() -> None:
    with gateway({READY: (200, {}), HEALTH: (200, WELL)}) as url:
        assert healthy_backends(url) == check(url, {"chat"}) == {"chat"}
        with pytest.raises(ReleaseError, match="/health: not healthy any more: other, voice"):
            check(url, {"chat", "voice", "other"})


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({READY: (503, "draining"), HEALTH: (200, WELL)}, '/readyz: 503 "draining"'),
        ({READY: (200, {}), HEALTH: (500, "oops")}, '/health: 500 "oops"'),
        ({READY: (200, {}), HEALTH: (200, b"<html>")}, "/health gives no state of the backends"),
        ({READY: (200, {}), HEALTH: (200, {"status": "healthy"})}, "/health gives no state of the backends"),
        ({READY: (200, {}), HEALTH: (200, {"backends": {"chat": "up"}})}, "/health gives no state of the backends"),
    ],
)
def test_an_unhealthy_or_foreign_server_is_refused(answers: dict[str, tuple[int, Any]], message: str) -> None:
    with gateway(answers) as url, pytest.raises(ReleaseError) as raised:
        check(url, ())
    assert str(raised.value) == f"GET {url}{message}"


def test_a_refused_connection_is_reported() -> None:
    with gateway({}) as url:
        pass
    with pytest.raises(ReleaseError, match=r"/readyz: .*refused"):
        healthy_backends(url)


def test_one_unhealthy_replica_of_several_is_enough_to_fail() -> None:
    numbers = count()

    class Sometimes(dict[str, Any]):
        def __getitem__(self, path: str) -> tuple[int, Any]:
            is_last = path == READY and next(numbers) % ROUNDS == ROUNDS - 1
            return (503, "draining") if is_last else super().__getitem__(path)

    with gateway(Sometimes({READY: (200, {}), HEALTH: (200, WELL)})) as url, pytest.raises(ReleaseError, match="503"):
        check(url, ())


def test_retry_raises_the_last_error() -> None:
    numbers = count()

    def check_once() -> int:
        number = next(numbers)
        if number < 2:
            raise ReleaseError(f"not yet {number}")
        return number

    assert retry(check_once) == 2
    numbers = count()
    with pytest.raises(ReleaseError, match="not yet 0"):
        retry(check_once, for_s=-1)
