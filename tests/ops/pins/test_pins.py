"""Stale pins, against a registry of this machine that speaks the distribution API."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.catalog.kinds import CATALOG
from ops.errors import UnreachableError
from ops.pins.image_reference import ImageReference
from ops.pins.pin import BAD, is_denied, newest, pinned, states
from ops.pins.registry import Registry

TOKEN = "anonymous"  # noqa: S105 - of no account
DIGEST = f"@sha256:{64 * 'a'}"
TAGS = {
    "prom/prometheus": ["latest", "v3.9.0", "v3.15.0", "v3.16.0", "v3.17.0-rc.0", "v3.16.0-distroless", "main"],
    "ggml-org/llama.cpp": ["server", "server-b9999", "server-b11243", "server-cuda-b12000"],
    "berriai/litellm": ["v1.103.0", "v1.107.0"],
}


class FakeRegistry(BaseHTTPRequestHandler):
    """Pages of two tags, for a bearer of the token that its own token server gives to anybody."""

    tags: Mapping[str, list[str]] = TAGS
    token_requests: list[dict[str, list[str]]]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/token":
            self.token_requests.append(parse_qs(url.query))
            return self._answer(200, {"token": TOKEN})
        repository = url.path.removeprefix("/v2/").removesuffix("/tags/list")
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            host = self.headers["host"]
            scope = f'Bearer realm="http://{host}/token",service="here",scope="repository:{repository}:pull"'
            return self._answer(401, {}, {"www-authenticate": scope})
        if repository not in self.tags:
            return self._answer(404, {"errors": [{"code": "NAME_UNKNOWN"}]})
        first = int(parse_qs(url.query).get("last", ["0"])[0])
        page = self.tags[repository][first : first + 2]
        more = first + 2 < len(self.tags[repository])
        link = {"link": f'<{url.path}?n=2&last={first + 2}>; rel="next"'} if more else {}
        return self._answer(200, {"name": repository, "tags": page}, link)

    def _answer(self, status: int, document: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """Yield the registry's host and port, and the requests for tokens."""
    requests: list[dict[str, list[str]]] = []
    handler = type("Handler", (FakeRegistry,), {"token_requests": requests})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", requests
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def host() -> Iterator[str]:
    with serving() as (host, _):
        yield host


def test_every_page_of_tags_is_read_with_a_token_of_the_registry() -> None:
    with serving() as (host, requests), Registry() as registry:
        image = ImageReference.parse(f"{host}/prom/prometheus:v3.15.0{DIGEST}")
        assert registry.tags(image) == TAGS["prom/prometheus"]
        assert registry.tags(image) == TAGS["prom/prometheus"]
    assert requests == [{"service": ["here"], "scope": ["repository:prom/prometheus:pull"]}]


def test_a_pin_is_stale_current_denied_or_unknown(host: str) -> None:
    images = {
        "behind": f"{host}/prom/prometheus:v3.15.0{DIGEST}",
        "ahead": f"{host}/prom/prometheus:v3.16.0{DIGEST}",
        "build": f"{host}/ggml-org/llama.cpp:server-b11243{DIGEST}",
        "harmful": f"{host}/berriai/litellm:v1.107.0{DIGEST}",
        "safe": f"{host}/berriai/litellm:v1.103.0{DIGEST}",
        "bare": f"{host}/prom/prometheus{DIGEST}",
        "missing": f"{host}/nobody/nothing:v1{DIGEST}",
    }
    with Registry() as registry:
        results = {result.kind: result for result in states(images, registry)}
    assert {kind: (result.state, result.newest) for kind, result in results.items()} == {
        "behind": ("stale", "v3.16.0"),
        "ahead": ("current", "v3.16.0"),
        "build": ("current", "server-b11243"),
        "harmful": ("denied", ""),
        "safe": ("current", "v1.103.0"),  # the only newer one is denied
        "bare": ("untagged", ""),
        "missing": ("unknown", ""),
    }
    assert results["missing"].fault.startswith(f"{host}: cannot list the tags of nobody/nothing: Client error '404")
    assert {"stale", "denied", "unknown"} == BAD


def test_a_registry_that_does_not_answer_is_named() -> None:
    image = ImageReference.parse(f"127.0.0.1:9/prom/prometheus:v3.15.0{DIGEST}")  # nobody listens at the discard port
    with (
        Registry() as registry,
        pytest.raises(UnreachableError, match=r"^127\.0\.0\.1:9: cannot list the tags of prom"),
    ):
        registry.tags(image)


@pytest.mark.parametrize(
    ("tag", "tags", "expected"),
    [
        ("v0.9.2", ["v0.10.0", "v0.9.10"], "v0.10.0"),
        ("v0.9.2", ["v0.10.0rc1", "v0.10.0-cu130", "latest"], "v0.9.2"),
        ("8.10.2-alpine", ["8.10.3", "8.10.3-alpine", "8.11-alpine"], "8.10.3-alpine"),
        ("4.6.0-4.8.3-distroless", ["4.6.1-4.8.3-distroless", "4.7.0-4.9.0-ubuntu"], "4.6.1-4.8.3-distroless"),
        ("server-cuda-b11206", ["server-cuda-b11300", "server-b12000"], "server-cuda-b11300"),
    ],
)
def test_only_a_tag_of_the_same_form_is_newer(tag: str, tags: list[str], expected: str) -> None:
    assert newest(tag, tags) == expected


@pytest.mark.parametrize(
    ("text", "api", "repository"),
    [
        ("docker.io/prom/prometheus:v1", "https://registry-1.docker.io", "prom/prometheus"),
        ("nvcr.io/nvidia/k8s/dcgm-exporter:4", "https://nvcr.io", "nvidia/k8s/dcgm-exporter"),
        ("registry.example:5000/a/b:1", "https://registry.example:5000", "a/b"),
        ("localhost:5000/a:1", "http://localhost:5000", "a"),
    ],
)
def test_the_registry_follows_from_the_name(text: str, api: str, repository: str) -> None:
    image = ImageReference.parse(text)
    assert (image.api, image.repository) == (api, repository)


def test_every_pulled_image_of_the_catalog_is_compared() -> None:
    images = pinned()
    assert {"vllm", "ollama", "prometheus", "nvidia-device-plugin", "downloads", "llama-router"} <= images.keys()
    assert "gateway" not in images  # built from its source
    assert all("/" in ImageReference.parse(image).repository for image in images.values() if "kubectl" not in image)
    assert not [kind for kind, image in images.items() if is_denied(ImageReference.parse(image), image)]
    assert CATALOG["vllm"].image == images["vllm"]
