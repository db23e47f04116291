"""The two servers of a move, the consumer's own and the shared one, asked over OpenAI's API, which both speak."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
from kubernetes import client
from pydantic import BaseModel

from infra.plan.migration import Move
from infra.settings.consumers import OwnServer
from ops.cluster.pods import ServicePods, connect_pods
from ops.cluster.port_forward import forward_port
from ops.errors import UnreachableError, WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.gateway.connect import LOOPBACK
from ops.gateway.responses import ChatResponse, EmbeddingsResponse
from ops.migrate.errors import StepError
from ops.migrate.objects import Objects

SENTENCE = "A text that both servers are given."
QUESTION = "Answer with one word: which colour does snow have?"
MOST_TOKENS = 24
LATEST = ":latest"
T = TypeVar("T", bound=BaseModel)


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model] | None = None  # Ollama without a model says null


class Server:
    """One server, asked at *url*; every answer within *within_s* seconds. All methods raise StepError."""

    def __init__(self, name: str, url: str, within_s: float, key: str | None = None) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.name = name
        self._http = httpx.Client(base_url=url, headers=headers, mounts=LOOPBACK)
        self._within_s = within_s

    def models(self) -> frozenset[str]:
        """Their names; Ollama's `:latest` goes without saying."""
        found = self._asked(_Models, "GET", "/v1/models").data or []
        return frozenset(model.id.removesuffix(LATEST) for model in found)

    def dimensions(self, model: str) -> int:
        """The length of its vectors."""
        found = self._asked(EmbeddingsResponse, "POST", "/v1/embeddings", model=model, input=[SENTENCE])
        if not found.data or not any(found.data[0].embedding):
            raise StepError(f"{self.name}: {model} gives no vector, or one of zeros")
        return len(found.data[0].embedding)

    def said(self, model: str) -> str:
        """What it answers to a question; never nothing."""
        messages = [{"role": "user", "content": QUESTION}]
        found = self._asked(
            ChatResponse, "POST", "/v1/chat/completions", model=model, messages=messages, max_tokens=MOST_TOKENS
        )
        text = found.choices[0].message.text if found.choices else ""
        if not text.strip():
            raise StepError(f"{self.name}: {model} answers a question with nothing")
        return text

    def close(self) -> None:
        self._http.close()

    def _asked(self, kind: type[T], method: str, path: str, **body: object) -> T:
        content = {"json": body} if body else {}
        try:
            return GatewayClient(self._http, self._within_s).json(kind, method, path, **content)
        except WrongAnswerError as error:
            subject = f"{method} {path}" + (f" for {body['model']}" if "model" in body else "")
            raise StepError(f"{self.name}: {subject}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Servers:
    """How the two are reached: at an address that was given, or by a port of a pod through the API server."""

    move: Move
    kubeconfig: Path
    context: str | None = None
    url: str | None = None
    own_url: str | None = None
    key: str | None = None

    @contextmanager
    def shared(self) -> Iterator[Server]:
        """Raises StepError when it cannot be reached."""
        service = self.move.service
        if self.url:
            with self._server(service.service_name, self.url, self.key) as server:
                yield server
            return
        with connect_pods(self.kubeconfig, self.move.namespace, self.context) as known:
            pod = _ready(known, service.service_name)
            with (
                forward_port(known, pod, service.backend.container_port) as url,
                self._server(service.service_name, url, self.key) as server,
            ):
                yield server

    @contextmanager
    def own(self, own: OwnServer) -> Iterator[Server]:
        """Raises StepError when it cannot be reached."""
        name = f"{self.move.consumer.namespace}/{own.deployment}"
        if self.own_url:
            with self._server(name, self.own_url) as server:
                yield server
            return
        with connect_pods(self.kubeconfig, self.move.consumer.namespace, self.context) as known:
            pod = Objects(known.core.api_client, known.namespace).ready_pod(own.deployment)
            with forward_port(known, pod.metadata.name, own.port) as url, self._server(name, url) as server:
                yield server

    @contextmanager
    def _server(self, name: str, url: str, key: str | None = None) -> Iterator[Server]:
        server = Server(name, url, self.move.migration.verify.within_s, key)
        try:
            yield server
        finally:
            server.close()


def _ready(known: ServicePods, service: str) -> str:
    try:
        return known.ready_pod(service)
    except (UnreachableError, client.ApiException) as error:
        raise StepError(str(error)) from error
