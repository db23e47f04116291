"""What a gateway has to answer to be well."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest

from infra.errors import ReleaseError
from ops.release.health import HEALTH, READY, ROUNDS, check, reached
from ops.retry import patiently

WELL = {"status": "degraded", "backends": {"chat": {"status": "healthy"}, "voice": {"status": "unhealthy"}}}


@contextmanager
def gateway(answers: dict[str, tuple[int, Any]]) -> Iterator[str]:
    """Answers each path so; what is changed in *answers* is answered from then on."""

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


def test_one_that_reaches_what_the_former_did_is_well() -> None:
    with gateway({READY: (200, {}), HEALTH: (200, WELL)}) as url:
        assert reached(url) == check(url, {"chat"}) == {"chat"}
        with pytest.raises(ReleaseError, match="/health: not healthy any more: other, voice"):
            check(url, {"chat", "voice", "other"})


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({READY: (503, "draining"), HEALTH: (200, WELL)}, '/readyz: 503 "draining"'),
        ({READY: (200, {}), HEALTH: (500, "oops")}, '/health: 500 "oops"'),
        ({READY: (200, {}), HEALTH: (200, b"<html>")}, "/health gives no state of the backends"),
        ({READY: (200, {}), HEALTH: (200, {"status": "healthy"})}, "/health gives no state of the backends"),
        ({READY: (200, {}), HEALTH: (200, {"backends": {"chat": "up"}})}, "/health gives no state of the backends"),
    ],
)
def test_what_is_no_gateway_or_not_well_is_told(answers: dict[str, tuple[int, Any]], said: str) -> None:
    with gateway(answers) as url, pytest.raises(ReleaseError) as raised:
        check(url, ())
    assert str(raised.value) == f"GET {url}{said}"


def test_nobody_there_is_told() -> None:
    with gateway({}) as url:
        pass
    with pytest.raises(ReleaseError, match=r"/readyz: .*refused"):
        reached(url)


def test_each_connection_may_reach_another_replica() -> None:
    """One of several that is not well is enough."""
    numbers = count()

    class Sometimes(dict[str, Any]):
        def __getitem__(self, path: str) -> tuple[int, Any]:
            is_last = path == READY and next(numbers) % ROUNDS == ROUNDS - 1
            return (503, "draining") if is_last else super().__getitem__(path)

    with gateway(Sometimes({READY: (200, {}), HEALTH: (200, WELL)})) as url, pytest.raises(ReleaseError, match="503"):
        check(url, ())


def test_patience_ends_with_the_last_reason() -> None:
    numbers = count()

    def look() -> int:
        number = next(numbers)
        if number < 2:
            raise ReleaseError(f"not yet {number}")
        return number

    assert patiently(look) == 2
    numbers = count()
    with pytest.raises(ReleaseError, match="not yet 0"):
        patiently(look, within_s=-1)
