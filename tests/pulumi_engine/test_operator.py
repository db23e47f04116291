"""Monitoring by a Prometheus operator: its definitions on the real API server accept the stack's objects."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from infra.catalog.kinds import OPERATED
from infra.settings.loader import load
from ops.cluster.target import simulated_node
from tests.conftest import Config, forge_config
from tests.pulumi_engine.conftest import PACK, MakeProject, ok
from tools.offline.gobuild import READONLY
from tools.offline.pins import MODULES
from tools.twin import Twin

pytestmark = pytest.mark.engine
MODULE = "github.com/prometheus-operator/prometheus-operator"
KINDS = ("podmonitors", "probes", "prometheusrules", "servicemonitors")
GROUP, VERSION = "monitoring.coreos.com", "v1"


def definitions() -> list[dict[str, Any]]:
    """Return the operator's CustomResourceDefinitions from its Go module, verified by go.sum."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", MODULE],  # noqa: S607 - the Go of this machine
        cwd=MODULES / "prometheus-operator",
        env=os.environ | READONLY,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = Path(json.loads(done.stdout)["Dir"]) / "example/prometheus-operator-crd"
    return [yaml.safe_load((folder / f"{GROUP}_{kind}.yaml").read_text()) for kind in KINDS]


@pytest.fixture(scope="module")
def kubeconfig(state: Path) -> Iterator[Path]:
    """Run a separate twin: a cluster is slow to forget removed definitions."""
    twin = Twin("operator", state, owner_pid=os.getpid())
    try:
        yield twin.up(simulated_node(load("forge")))
    finally:
        twin.down()


@pytest.fixture
def operator(core: Any) -> None:
    api: Any = client.ApiextensionsV1Api(core.api_client)
    for definition in definitions():
        api.create_custom_resource_definition(definition)
    _wait_for_kinds(api)


def _wait_for_kinds(api: Any) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        states = [api.read_custom_resource_definition(f"{kind}.{GROUP}").status.conditions or [] for kind in KINDS]
        if all(any(c.type == "Established" and c.status == "True" for c in conditions) for conditions in states):
            return
        time.sleep(0.2)
    raise AssertionError(f"the API server does not serve {GROUP}")


def config() -> Config:
    changed = forge_config()
    for kind in OPERATED:
        del changed["synapse:services"][kind]
    changed["synapse:monitoring"] = {"operator": True, "labels": {"release": "kube-prometheus-stack"}}
    return changed


def names(core: Any, namespace: str, kind: str) -> set[str]:
    objects: Any = client.CustomObjectsApi(core.api_client)
    items = objects.list_namespaced_custom_object(GROUP, VERSION, namespace, kind)["items"]
    return {item["metadata"]["name"] for item in items}


@pytest.mark.usefixtures("operator")
def test_an_operator_gets_targets_rules_and_dashboards(project: MakeProject, core: Any, namespace: str) -> None:
    engine = project(settings=config())
    ok(engine.capture("preview", *PACK))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    assert names(core, namespace, "podmonitors") == {
        "vllm-inference",
        "synapse-gateway",
        "blackbox-exporter",
        "dcgm-exporter",
        "kube-state-metrics",
        "node-exporter",
    }
    assert names(core, namespace, "probes") == {"ingress", "ollama", "speaches-stt", "kokoro-tts", "piper-tts"}
    assert names(core, namespace, "prometheusrules") == {"synapse"}
    boards = core.list_namespaced_config_map(namespace, label_selector="grafana_dashboard=1").items
    assert {board.metadata.name for board in boards} == {
        f"dashboard-{key}" for key in ("overview", "language", "speech", "gpu", "gateway", "budget")
    }
    ok(engine.capture("preview", "--expect-no-changes", *PACK))
    ok(engine.capture("destroy", "--yes"))
    assert not any(names(core, namespace, kind) for kind in KINDS)
