"""A consumer's second migration: from the shared Ollama to the real gateway with the stack's configuration."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from anyio.from_thread import start_blocking_portal

from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.cli.test_commands import synapse
from tests.gateway.running_gateway import RunningGateway, running
from tests.pulumi_engine.consumer import ALIAS, CHATS, EMBEDS, NAME, ConsumerProject, FakeOllama, migration
from tests.pulumi_engine.migration_process import MigrationRun, exit_code
from tests.pulumi_engine.test_migrate import project, run, servers  # noqa: F401 - fixtures

pytestmark = pytest.mark.engine

KEY = "a-key-of-the-tests"
GATEWAY_PHASE = 3
CLOSED = "http://127.0.0.1:9"


@dataclass(frozen=True, kw_only=True)
class SecondMigration:
    """A second migration of *project*, after the first: from *shared* to *gateway*; *own* still runs."""

    project: ConsumerProject
    kubeconfig: Path
    shared: FakeOllama
    own: FakeOllama
    gateway: RunningGateway

    def migrate(self, *more: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
        where = ("--stack", "mine", "--kubeconfig", str(self.kubeconfig))
        options = ("--url", self.gateway.url, "--own-url", self.own.url, "--key", key)
        return synapse(self.project.folder, "migrate", NAME, *where, *options, *more)


@pytest.fixture
def second(
    project: ConsumerProject,  # noqa: F811
    run: Callable[..., MigrationRun],  # noqa: F811
    servers: tuple[FakeOllama, FakeOllama],  # noqa: F811
    kubeconfig: Path,
    tmp_path: Path,
) -> Iterator[SecondMigration]:
    shared, own = servers
    assert exit_code(run()) == 0
    project.write({"namespace": project.namespace, "migration": migration(service="gateway")}, GATEWAY_PHASE)
    planned = plan(load("mine", project.folder))
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(gateway_for(shared, planned, tmp_path)) as gateway,
    ):
        yield SecondMigration(project=project, kubeconfig=kubeconfig, shared=shared, own=own, gateway=gateway)


def gateway_for(shared: FakeOllama, planned: Plan, folder: Path) -> AbstractAsyncContextManager[RunningGateway]:
    """Run the gateway with the stack's configuration; only its Ollama is reachable."""
    (config_map,) = (each for each in manifests(planned) if each["metadata"]["name"] == "synapse-gateway-config")
    document = yaml.safe_load(config_map["data"]["backends.yaml"])
    backends = {name: each | {"url": CLOSED} for name, each in document["backends"].items()}
    backends["ollama"]["url"] = shared.url
    routes = {route["model"]: route["targets"] for route in document["routes"]}
    return running(folder, backends, routes, {"SYNAPSE_API_KEYS": f"{KEY};name=migrate"})


def test_from_the_shared_ollama_to_the_gateway_and_back(second: SecondMigration) -> None:
    consumer, before = second.project, len(second.shared.calls("/v1/embeddings"))
    done = second.migrate()
    assert done.returncode == 0, done.stderr
    host = f"synapse-gateway.{consumer.platform}.svc.cluster.local"
    assert (consumer.data()["OLLAMA_URL"], consumer.aliases()) == (f"http://{host}:8000", {ALIAS: host})
    assert len(second.shared.calls("/v1/embeddings")) == before + 2  # check and verification
    assert {request.json()["model"] for request in second.shared.calls("/v1/chat/completions")} == {CHATS}

    assert second.migrate("--rollback").returncode == 0
    assert consumer.is_moved()  # back at the first service


def test_a_gateway_that_refuses_the_key_or_lacks_the_model_gets_no_consumer(second: SecondMigration) -> None:
    refused = second.migrate(key="another")
    assert (refused.returncode, "401" in refused.stderr) == (1, True), refused.stderr
    second.shared.handlers["POST /v1/embeddings"] = lambda *_: web.json_response({"error": "no such model"}, status=404)
    refused = second.migrate()
    assert (refused.returncode, f"embeddings of {EMBEDS} on synapse-gateway" in refused.stderr) == (1, True)
    assert second.project.is_moved()
