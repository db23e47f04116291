"""Clients of the two servers of a migration, the consumer's own and the shared one, by OpenAI's API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kubernetes import client
from pydantic import BaseModel

from infra.plan.migration import MigrationPlan
from infra.settings.consumers import OwnServer
from ops.cluster.pods import ServicePods, connect_pods
from ops.cluster.port_forward import forward_port
from ops.errors import UnreachableError, WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.gateway.connect import http_client
from ops.gateway.responses import ChatResponse, EmbeddingsResponse
from ops.migrate.errors import StepError
from ops.migrate.objects import Objects

SENTENCE = "A text that both servers get."
QUESTION = "Answer with one word: which colour does snow have?"
MAX_TOKENS = 24
LATEST = ":latest"
T = TypeVar("T", bound=BaseModel)


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model] | None = None  # Ollama without a model says null


class ServerClient:
    """Client of the server at *url*; each request has *within_s* seconds. All methods raise StepError."""

    def __init__(self, name: str, url: str, within_s: float, key: str | None = None) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.name = name
        self._http = http_client(url, within_s, headers)
        self._within_s = within_s

    def models(self) -> frozenset[str]:
        """Return the names of its models, without Ollama's tag `:latest`."""
        models = self._request(_Models, "GET", "/v1/models").data or []
        return frozenset(model.id.removesuffix(LATEST) for model in models)

    def dimensions(self, model: str) -> int:
        """Return the length of the vectors of *model*."""
        response = self._request(EmbeddingsResponse, "POST", "/v1/embeddings", model=model, input=[SENTENCE])
        if not response.data or not any(response.data[0].embedding):
            raise StepError(f"{self.name}: {model} returns no vector, or one of zeros")
        return len(response.data[0].embedding)

    def chat(self, model: str) -> str:
        """Return the answer of *model* to a question, which is never empty."""
        messages = [{"role": "user", "content": QUESTION}]
        response = self._request(
            ChatResponse, "POST", "/v1/chat/completions", model=model, messages=messages, max_tokens=MAX_TOKENS
        )
        text = response.choices[0].message.text if response.choices else ""
        if not text.strip():
            raise StepError(f"{self.name}: the answer of {model} is empty")
        return text

    def close(self) -> None:
        self._http.close()

    def _request(self, kind: type[T], method: str, path: str, **body: object) -> T:
        content = {"json": body} if body else {}
        try:
            return GatewayClient(self._http, self._within_s).json(kind, method, path, **content)
        except WrongAnswerError as error:
            subject = f"{method} {path}" + (f" for {body['model']}" if "model" in body else "")
            raise StepError(f"{self.name}: {subject}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class MigrationServers:
    """Connections to both servers: at a given address, or by a port of a pod through the API server."""

    move: MigrationPlan
    kubeconfig: Path
    context: str | None = None
    url: str | None = None
    own_url: str | None = None
    key: str | None = None

    @contextmanager
    def shared(self) -> Iterator[ServerClient]:
        """Raises StepError for a server that cannot be reached."""
        service = self.move.service
        if self.url:
            with self._server(service.service_name, self.url, self.key) as server:
                yield server
            return
        with connect_pods(self.kubeconfig, self.move.namespace, self.context) as cluster:
            pod = _ready(cluster, service.service_name)
            with (
                forward_port(cluster, pod, service.backend.container_port) as url,
                self._server(service.service_name, url, self.key) as server,
            ):
                yield server

    @contextmanager
    def own(self, own: OwnServer) -> Iterator[ServerClient]:
        """Raises StepError for a server that cannot be reached."""
        name = f"{self.move.consumer.namespace}/{own.deployment}"
        if self.own_url:
            with self._server(name, self.own_url) as server:
                yield server
            return
        with connect_pods(self.kubeconfig, self.move.consumer.namespace, self.context) as cluster:
            pod = Objects(cluster.core.api_client, cluster.namespace).ready_pod(own.deployment)
            with forward_port(cluster, pod.metadata.name, own.port) as url, self._server(name, url) as server:
                yield server

    @contextmanager
    def _server(self, name: str, url: str, key: str | None = None) -> Iterator[ServerClient]:
        server = ServerClient(name, url, self.move.migration.verify.within_s, key)
        try:
            yield server
        finally:
            server.close()


def _ready(cluster: ServicePods, service: str) -> str:
    try:
        return cluster.ready_pod(service)
    except (UnreachableError, client.ApiException) as error:
        raise StepError(str(error)) from error
