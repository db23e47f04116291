"""Ingress through a real Traefik: TLS, timeouts, limits and headers."""

import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from cryptography import x509

from infra.monitoring.metric_names import EXPOSED, INGRESS
from tests.conftest import planned
from tests.ingress.backend import PIECE, StubBackend, chat
from tests.ingress.blackbox_exporter import BlackboxExporter, blackbox_exporter
from tests.ingress.conftest import SECTIONS, TOKEN, Serve, host
from tests.ingress.traefik import Traefik
from tools.control_plane.credentials import Credentials

pytestmark = pytest.mark.engine
CHAT = "/v1/chat/completions"
LIMIT = "2s"
SILENCE_S = 3.0
"""Longer than LIMIT."""
LARGE = 200
"""Size of an upload in MiB."""
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="talk.wav"\r\nContent-Type: audio/wav\r\n\r\n'
TAIL = b"\r\n--b--\r\n"
STRICT = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
ELSEWHERE = "127.0.0.2"


@pytest.fixture
def client(ours: Traefik) -> Iterator[httpx.Client]:
    with ours.client(host("open")) as made:
        yield made


def recording(pieces: int, pause: float = 0.0) -> Iterator[bytes]:
    """Yield a form with a file of that many MiB, with a pause before each."""
    yield HEAD
    for _ in range(pieces):
        time.sleep(pause)
        yield bytes(PIECE)
    yield TAIL


def transcribe(client: httpx.Client, pieces: int, pause: float = 0.0) -> httpx.Response:
    length = {"Content-Length": str(len(HEAD) + pieces * PIECE + len(TAIL))}
    return client.post("/stt/transcribe", content=recording(pieces, pause), headers={**FORM, **length})


def streamed(client: httpx.Client, *pauses: float) -> list[float]:
    """Return the time of each chunk and of the end, in seconds after the request."""
    started = time.monotonic()
    with client.stream("POST", CHAT, json=chat(*pauses)) as response:
        return [time.monotonic() - started for line in response.iter_lines() if line.startswith("data:")]


def test_nothing_but_tls_leads_to_the_gateway(ours: Traefik, client: httpx.Client) -> None:
    plain = httpx.get(f"http://127.0.0.1:{ours.web}/livez", headers={"Host": host("open")})
    assert plain.status_code == httpx.codes.NOT_FOUND
    assert client.get("/livez").json() == {"status": "ok"}


def test_the_certificate_is_that_of_the_secret(ours: Traefik) -> None:
    with (
        ours.client("stranger.example.org") as client,
        pytest.raises(httpx.ConnectError, match="certificate verify failed"),
    ):
        client.get("/livez")


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlackboxExporter]:
    section = {"host": host("open"), "tlsSecret": "llm-tls-cert"}
    with blackbox_exporter(planned("ingress", section), tmp_path_factory.mktemp("blackbox")) as running:
        yield running


def test_the_expiry_of_the_certificate_is_measured(
    ours: Traefik, exporter: BlackboxExporter, certificates: Credentials
) -> None:
    metrics = exporter.probe(f"https://127.0.0.1:{ours.websecure}/livez")
    made = x509.load_pem_x509_certificate(certificates.certificate().read_bytes())
    assert metrics["probe_success"] == 1
    assert metrics["probe_ssl_earliest_cert_expiry"] == made.not_valid_after_utc.timestamp()
    assert metrics.keys() >= EXPOSED[INGRESS]


def test_a_probe_without_tls_fails(exporter: BlackboxExporter, gateway: str) -> None:
    metrics = exporter.probe(f"http://{gateway}:8000/livez")
    assert (metrics["probe_http_status_code"], metrics["probe_success"]) == (httpx.codes.OK, 0)


def test_a_chat_arrives_chunk_by_chunk(client: httpx.Client) -> None:
    first, second, third, end = streamed(client, 0.5, 0.5)
    assert second - first > 0.3
    assert third - second > 0.3
    assert end - third < 0.3


def test_a_stream_may_pause(client: httpx.Client) -> None:
    *_, end = streamed(client, SILENCE_S)
    assert end >= SILENCE_S


def test_a_write_timeout_would_cut_a_stream(serve: Serve) -> None:
    with serve({"writeTimeout": LIMIT}).client(host("open")) as client, pytest.raises(httpx.TransportError):
        streamed(client, SILENCE_S)


def test_an_upload_may_be_slow(client: httpx.Client) -> None:
    assert transcribe(client, pieces=6, pause=SILENCE_S / 6).status_code == httpx.codes.OK


def test_a_read_timeout_would_cut_a_slow_upload(serve: Serve) -> None:
    """Traefik's default is 60 s; the test uses LIMIT."""
    with serve({"readTimeout": LIMIT}).client(host("open")) as client:
        assert streamed(client, SILENCE_S)[-1] >= SILENCE_S
        assert not _passes(client)


def _passes(client: httpx.Client) -> bool:
    try:
        return transcribe(client, pieces=6, pause=SILENCE_S / 6).is_success
    except httpx.TransportError:
        return False


def test_a_large_upload_is_not_buffered(ours: Traefik, client: httpx.Client, model: StubBackend) -> None:
    assert transcribe(client, pieces=1).is_success
    memory, received = ours.peak_memory, model.received
    assert transcribe(client, pieces=LARGE).is_success
    assert model.received - received > LARGE * PIECE
    assert ours.peak_memory - memory < 40 * PIECE


def test_only_the_client_above_the_rate_limit_is_refused(ours: Traefik) -> None:
    with ours.client(host("paced")) as fast, ours.client(host("paced"), ELSEWHERE) as other:
        codes = [fast.get("/livez").status_code for _ in range(8)]
        assert codes[:3] == [httpx.codes.OK] * 3
        assert httpx.codes.TOO_MANY_REQUESTS in codes
        assert other.get("/livez").status_code == httpx.codes.OK


def test_requests_above_the_in_flight_limit_are_refused(ours: Traefik) -> None:
    with ours.client(host("narrow")) as client, ours.client(host("narrow"), ELSEWHERE) as other:
        with client.stream("POST", CHAT, json=chat(20)), client.stream("POST", CHAT, json=chat(20)):
            assert other.get("/livez").status_code == httpx.codes.TOO_MANY_REQUESTS
        assert _soon(lambda: other.get("/livez").is_success)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_response_has_the_security_headers(ours: Traefik, section: str) -> None:
    with ours.client(host(section), "127.0.0.3") as client:
        responses = [client.get("/livez") for _ in range(8)]
    assert {response.status_code for response in responses} >= {429 if section == "paced" else 200}
    for response in responses:
        assert {name: response.headers[name] for name in STRICT} == STRICT


def test_the_dashboard_keeps_its_content_security_policy(client: httpx.Client, gateway: str) -> None:
    key = {"Authorization": f"Bearer {TOKEN}"}
    direct, through = httpx.get(f"http://{gateway}:8000/", headers=key), client.get("/", headers=key)
    assert through.status_code == httpx.codes.OK
    assert through.text == direct.text
    policy = "content-security-policy"
    assert through.headers[policy] == direct.headers[policy]


def test_an_aborted_request_ends_the_backends_work(client: httpx.Client, model: StubBackend) -> None:
    model.left.clear()
    with client.stream("POST", CHAT, json=chat(20)) as response:
        next(response.iter_lines())
    assert model.left.wait(2)


def _soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()
