"""A probe whose connection was closed while it was idle is repeated on another one."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from infra.plan.stack import plan
from infra.settings.loader import load
from ops.bench.endpoints import ModelEndpoint
from ops.bench.probes import MOST_CLOSED, probe
from ops.errors import WrongAnswerError

VECTOR = b'{"data": [{"embedding": [0.5], "index": 0}]}'


@dataclass
class Closing:
    """A server that takes *kept* requests on each connection, and closes it amid the next one.

    It does so without a response, or after *sent* bytes of the body of a vector.
    """

    kept: int
    sent: int | None = None
    paths: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def closing(request: pytest.FixtureRequest) -> Iterator[Closing]:
    state = Closing(*request.param)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        count = 0

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.count += 1
            if self.count > state.kept:
                self.close_connection = True
                return
            state.paths.append(self.path)
            self.send_response(200)
            self.send_header("content-length", str(len(VECTOR)))
            self.end_headers()
            is_cut = state.sent is not None and self.command == "POST"
            self.wfile.write(VECTOR[: state.sent] if is_cut else VECTOR)
            self.close_connection = is_cut

        do_POST = do_GET  # noqa: N815 - the name that the class looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield state
        server.shutdown()


def endpoint(http: httpx.Client) -> ModelEndpoint:
    service = next(each for each in plan(load("local")).services if each.name == "llama-embed")
    return ModelEndpoint(
        task="embeddings", model="small", through=service.service_name, service=service, name="small", http=http
    )


@pytest.mark.parametrize("closing", [(2,), (3,)], indirect=True)
def test_it_is_measured_on_a_connection_that_is_open(closing: Closing) -> None:
    with httpx.Client(base_url=closing.url, timeout=300, trust_env=False) as http:
        figures = [probe(endpoint(http), 8) for _ in range(4)]
    assert all(each["latency_ms"] > 0 for each in figures)
    assert closing.paths.count("/v1/embeddings") == 4
    for place, path in enumerate(closing.paths):  # a request that is not measured comes before each
        assert path == "/health" or closing.paths[place - 1] == "/health"


@pytest.mark.parametrize("closing", [(0,)], indirect=True)
def test_a_server_that_closes_every_connection_is_an_error(closing: Closing) -> None:
    with (
        httpx.Client(base_url=closing.url, timeout=300, trust_env=False) as http,
        pytest.raises(WrongAnswerError, match=f"llama-embed closed {MOST_CLOSED} connections in a row"),
    ):
        probe(endpoint(http), 8)
    assert closing.paths == []


@pytest.mark.parametrize("closing", [(9, 7)], indirect=True)
def test_a_response_that_breaks_off_is_an_error_at_once(closing: Closing) -> None:
    with (
        httpx.Client(base_url=closing.url, timeout=300, trust_env=False) as http,
        pytest.raises(WrongAnswerError, match="the connection broke: peer closed connection"),
    ):
        probe(endpoint(http), 8)
    assert closing.paths.count("/v1/embeddings") == 1
