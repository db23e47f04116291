"""A consumer project in another namespace: a ConfigMap, two servers that read it, and an Ollama."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from infra.settings.model import ROOT
from ops.migrate.objects import is_rolled_out
from tests.conftest import Config, changed
from tests.gateway.fakes import Fake

NAME = "memory"
CONFIG_MAP = "ai-memory-config"
DEPLOYMENTS = ("indexer", "extractor")
ALIAS = "ollama-synapse"
OLD = {"OLLAMA_URL": "http://ollama:11434", "MODE": "own"}
EMBEDS, CHATS, DIMENSIONS = "mxbai-embed-large", "qwen3:8b", 4


class FakeOllama(Fake):
    """An Ollama with OpenAI's API; *dimensions* and *models* may be changed while it runs."""

    def __init__(self) -> None:
        self.dimensions = DIMENSIONS
        self.models = [f"{EMBEDS}:latest", CHATS]
        super().__init__(
            {
                "GET /v1/models": lambda *_: {"data": [{"id": name} for name in self.models]},
                "POST /v1/embeddings": lambda *_: {"data": [{"embedding": [0.5] * self.dimensions}]},
            }
        )


@asynccontextmanager
async def ollamas() -> AsyncIterator[tuple[FakeOllama, FakeOllama]]:
    """Run the shared Ollama and the consumer's own."""
    async with AsyncExitStack() as entered:
        yield await entered.enter_async_context(FakeOllama()), await entered.enter_async_context(FakeOllama())


def deployment(name: str, **labels: str) -> dict[str, Any]:
    container = {
        "name": name,
        "image": "example.test/server:1",
        "envFrom": [{"configMapRef": {"name": CONFIG_MAP, "optional": True}}],
    }
    labels = {"app": name, **labels}
    return {
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def migration(**more: Any) -> dict[str, Any]:
    return {
        "by": "command",
        "service": "ollama",
        "alias": ALIAS,
        "configMaps": {CONFIG_MAP: {"OLLAMA_URL": "{url}", "OLLAMA_BASE_URL": "{url}"}},
        "restarts": list(DEPLOYMENTS),
        "readyS": 60,
        "verify": {"embeddings": {EMBEDS: DIMENSIONS}, "chat": [CHATS], "withinS": 10},
        "own": {"deployment": "ollama", "service": "ollama", "claim": "ollama-models", "quietHours": 0},
        **more,
    }


@dataclass(frozen=True, kw_only=True)
class ConsumerProject:
    """A consumer of the platform in namespace *platform*; *folder* has the stack file `mine`."""

    core: Any
    platform: str
    folder: Path

    @property
    def namespace(self) -> str:
        return f"{self.platform}-cortex"

    @property
    def apps(self) -> Any:
        return client.AppsV1Api(self.core.api_client)

    @property
    def url(self) -> str:
        return f"http://ollama.{self.platform}.svc.cluster.local:11434"

    def deploy(self) -> None:
        for namespace in (self.platform, self.namespace):
            self.core.create_namespace({"metadata": {"name": namespace}})
            self.apps.create_namespaced_deployment(namespace, deployment("ollama"))
        self.core.create_namespaced_config_map(self.namespace, {"metadata": {"name": CONFIG_MAP}, "data": OLD})
        self.core.create_namespaced_service(self.namespace, service("ollama"))
        self.core.create_namespaced_persistent_volume_claim(self.namespace, claim("ollama-models"))
        for name in DEPLOYMENTS:
            self.apps.create_namespaced_deployment(self.namespace, deployment(name))
        self.declare()

    def declare(self, **more: Any) -> None:
        """Write the stack file with changed keys of the migration."""
        self.write({"namespace": self.namespace, "migration": migration(**more)})

    def write(self, consumer: dict[str, Any], phase: int = 1) -> None:
        config: Config = changed("consumers", {NAME: consumer})
        config |= {"synapse:phase": phase, "synapse:namespace": self.platform}
        self.folder.mkdir(exist_ok=True)
        (self.folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
        (self.folder / "Pulumi.mine.yaml").write_text(yaml.safe_dump({"config": config}))

    def is_ready(self) -> bool:
        """Return whether all servers are rolled out, the platform's too."""
        spaces = (self.platform, self.namespace)
        return all(is_rolled_out(each) for name in spaces for each in self.apps.list_namespaced_deployment(name).items)

    def data(self) -> dict[str, str]:
        return dict(self.core.read_namespaced_config_map(CONFIG_MAP, self.namespace).data)

    def generations(self) -> list[int]:
        """Return the generation of each Deployment."""
        read = self.apps.read_namespaced_deployment
        return [read(name, self.namespace).metadata.generation for name in DEPLOYMENTS]

    def replicas(self) -> int:
        """Return the replicas of the consumer's own Ollama."""
        replicas: int = self.apps.read_namespaced_deployment("ollama", self.namespace).spec.replicas
        return replicas

    def aliases(self) -> dict[str, str]:
        listed = self.core.list_namespaced_service(self.namespace).items
        return {each.metadata.name: each.spec.external_name for each in listed if each.spec.type == "ExternalName"}

    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(
            self.core.read_namespaced_config_map(f"migration-{NAME}", self.platform).data["record"]
        )
        return record

    def is_moved(self) -> bool:
        """Return whether the consumer is migrated, and nothing else has changed."""
        values = {"OLLAMA_URL": self.url, "OLLAMA_BASE_URL": self.url, "MODE": "own"}
        host = f"ollama.{self.platform}.svc.cluster.local"
        return self.data() == values and self.aliases() == {ALIAS: host} and len(self.marks() - {None}) == 1

    def is_as_before(self) -> bool:
        return self.data() == OLD and self.aliases() == {} and self.marks() == {None} and self.replicas() == 1

    def marks(self) -> set[str | None]:
        deployments = [self.apps.read_namespaced_deployment(name, self.namespace) for name in DEPLOYMENTS]
        return {(each.spec.template.metadata.annotations or {}).get("synapse.dev/migrated") for each in deployments}


def service(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": 11434}]}}


def claim(name: str) -> dict[str, Any]:
    resources = {"requests": {"storage": "50Gi"}}
    return {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources}}
