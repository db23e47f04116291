"""Migration of a consumer by the stack, and back, on the real API server."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from infra.annotations import MIGRATED
from tests.conftest import Config, changed
from tests.pulumi_engine.conftest import PACK, MakeProject, ok, refused
from tools.offline.engine import PulumiEngine

pytestmark = pytest.mark.engine

CONFIG_MAP = "ai-memory-config"
DEPLOYMENTS = ("indexer", "extractor")
OLD = {"OLLAMA_URL": "http://ollama:11434", "MODE": "own"}


@pytest.fixture
def consumer(core: Any, namespace: str) -> Iterator[str]:
    """Make a namespace of another project: a ConfigMap, and two servers that read it."""
    name = f"{namespace}-cortex"
    core.create_namespace({"metadata": {"name": name}})
    core.create_namespaced_config_map(name, {"metadata": {"name": CONFIG_MAP}, "data": OLD})
    for deployment in DEPLOYMENTS:
        apps(core).create_namespaced_deployment(name, server(deployment))
    yield name
    with contextlib.suppress(client.ApiException):
        core.delete_namespace(name)


def apps(core: Any) -> Any:
    return client.AppsV1Api(core.api_client)


def server(name: str) -> dict[str, Any]:
    container = {"name": name, "image": "example.test/server:1", "envFrom": [{"configMapRef": {"name": CONFIG_MAP}}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


def settings(consumer: str, migration: dict[str, Any] | None) -> Config:
    """Return a stack file of phase 1, in which a consumer is migrated to the shared Ollama."""
    section = {"namespace": consumer} | ({"migration": migration} if migration else {})
    config = changed("consumers", {"memory": section})
    config["synapse:phase"] = 1
    return config


def migration(**more: object) -> dict[str, Any]:
    return {
        "service": "ollama",
        "alias": "ollama-synapse",
        "configMaps": {CONFIG_MAP: {"OLLAMA_URL": "{url}", "OLLAMA_BASE_URL": "{url}"}},
        "restarts": list(DEPLOYMENTS),
        **more,
    }


def data(core: Any, consumer: str) -> dict[str, str]:
    return dict(core.read_namespaced_config_map(CONFIG_MAP, consumer).data)


def marks(core: Any, consumer: str) -> list[str | None]:
    """Return the migration annotation in the pod template of each Deployment."""
    deployments = [apps(core).read_namespaced_deployment(name, consumer) for name in DEPLOYMENTS]
    return [(each.spec.template.metadata.annotations or {}).get(MIGRATED) for each in deployments]


def depends_on(engine: PulumiEngine, patch: str) -> set[str]:
    """Return the resources that a restart depends on, by type and name."""
    resources = json.loads(ok(engine.capture("stack", "export")))["deployment"]["resources"]
    (restart,) = [each for each in resources if each["urn"].endswith(f"DeploymentPatch::memory-{patch}")]
    return {urn.rpartition("$")[2] for urn in restart.get("dependencies", []) if "Patch::" in urn or "Service::" in urn}


def test_a_consumer_is_moved_and_moved_back(project: MakeProject, core: Any, namespace: str, consumer: str) -> None:
    engine = project(settings=settings(consumer, migration()))
    ok(engine.capture("preview", *PACK))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))

    url = f"http://ollama.{namespace}.svc.cluster.local:11434"
    assert data(core, consumer) == {"OLLAMA_URL": url, "OLLAMA_BASE_URL": url, "MODE": "own"}
    alias = core.read_namespaced_service("ollama-synapse", consumer).spec
    assert (alias.type, alias.external_name) == ("ExternalName", f"ollama.{namespace}.svc.cluster.local")

    first = marks(core, consumer)
    assert None not in first
    status = apps(core).read_namespaced_deployment_status("extractor", consumer).status
    assert (status.updated_replicas, status.available_replicas) == (1, 1)
    assert depends_on(engine, "indexer") == {
        f"kubernetes:core/v1:ConfigMapPatch::memory-{CONFIG_MAP}",
        "kubernetes:core/v1:Service::memory-ollama-synapse",
    }
    assert "kubernetes:apps/v1:DeploymentPatch::memory-indexer" in depends_on(engine, "extractor")

    ok(engine.capture("preview", "--expect-no-changes", *PACK))
    engine = project(settings=settings(consumer, migration(configMaps={CONFIG_MAP: {"OLLAMA_URL": "{url}/"}})))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    assert data(core, consumer) == {"OLLAMA_URL": f"{url}/", "MODE": "own"}
    assert not set(first) & set(marks(core, consumer))

    engine = project(settings=settings(consumer, None))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    assert data(core, consumer) == {"MODE": "own"}
    assert marks(core, consumer) == [None, None]
    owners = core.read_namespaced_config_map(CONFIG_MAP, consumer).metadata.managed_fields
    assert not [owner.manager for owner in owners if owner.manager.startswith("pulumi")]
    with pytest.raises(client.ApiException, match="Not Found"):
        core.read_namespaced_service("ollama-synapse", consumer)


def test_destroy_leaves_the_consumer_its_objects(project: MakeProject, core: Any, consumer: str) -> None:
    engine = project(settings=settings(consumer, migration()))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    ok(engine.capture("destroy", "--yes"))
    assert data(core, consumer) == {"MODE": "own"}
    assert {each.metadata.name for each in apps(core).list_namespaced_deployment(consumer).items} == set(DEPLOYMENTS)


def test_a_missing_namespace_is_named_and_nothing_restarts(project: MakeProject, core: Any, consumer: str) -> None:
    config = settings(f"{consumer}-not", migration(alias=None, configMaps={CONFIG_MAP: {"A": "{url}"}}))
    output = refused(project(settings=config).capture("up", "--yes", "--skip-preview", *PACK))
    assert f'namespaces "{consumer}-not" not found' in output
    assert marks(core, consumer) == [None, None]


def test_a_missing_config_map_is_made_by_its_patch(project: MakeProject, core: Any, consumer: str) -> None:
    """The provider applies a patch; that there is nothing to patch is for others to notice, before the deployment."""
    config = settings(consumer, migration(alias=None, configMaps={"forgotten": {"A": "{url}"}}))
    ok(project(settings=config).capture("up", "--yes", "--skip-preview", *PACK))
    assert "A" in core.read_namespaced_config_map("forgotten", consumer).data
