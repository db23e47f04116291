"""The forge stack, deployed by the real engine on a real API server and scheduler."""

import json
import re
from typing import Any

import pytest
from kubernetes import client

from infra.quantities import as_bytes
from ops.cluster.state import ClusterState, read
from stacks.rendering import manifests
from tests.conftest import changed, planned
from tests.pulumi_engine.conftest import PACK, MakeProject, ok
from tools.offline.engine import PulumiEngine

pytestmark = pytest.mark.engine
EXPORTERS = ["blackbox-exporter", "dcgm-exporter", "kube-state-metrics", "node-exporter"]
MONITORING = ["alertmanager", "grafana", "prometheus", *EXPORTERS]
SERVICES = ["kokoro-tts", "ollama", "piper-tts", "speaches-stt", "synapse-gateway", "synapse-gateway", "vllm-inference"]
EVERYTHING = sorted([*MONITORING, *SERVICES])


def state_of(engine: PulumiEngine, namespace: str) -> ClusterState:
    assert engine.kubeconfig
    return read(engine.kubeconfig, namespace)


def up(engine: PulumiEngine) -> str:
    return ok(engine.capture("up", "--yes", "--skip-preview", *PACK))


def workloads(engine: PulumiEngine, namespace: str) -> list[str]:
    return sorted(pod.workload for pod in state_of(engine, namespace).pods if pod.is_ready)


def dependencies(engine: PulumiEngine, kind: str, others: str) -> set[str]:
    """Return the objects of *others* that the one of *kind* depends on, as Traefik's router does on its middlewares."""
    resources = json.loads(ok(engine.capture("stack", "export")))["deployment"]["resources"]
    (one,) = [resource for resource in resources if resource["type"] == f"kubernetes:{kind}"]
    names = {each["urn"]: each["inputs"] for each in resources if each["type"] == f"kubernetes:{others}"}
    return {names[urn]["metadata"]["name"] for urn in one["dependencies"] if urn in names}


def unchanged(output: str) -> int:
    """Return the number of unchanged resources in the summary of a command that changes nothing."""
    match = re.search(r"^Resources:\s+(\d+) unchanged$", output, re.MULTILINE)
    assert match, output
    return int(match[1])


def test_a_first_up_makes_every_pod_ready_and_a_second_changes_nothing(engine: PulumiEngine, namespace: str) -> None:
    ok(engine.capture("preview", *PACK))
    up(engine)
    state = state_of(engine, namespace)
    assert workloads(engine, namespace) == EVERYTHING
    assert {pod.node for pod in state.pods} == {"forge"}
    assert {claim.state for claim in state.claims} == {"Bound"}
    middlewares = {"security-headers", "rate-limit", "in-flight"}
    assert dependencies(engine, "networking.k8s.io/v1:Ingress", "traefik.io/v1alpha1:Middleware") == middlewares
    ok(engine.capture("preview", "--expect-no-changes", *PACK))
    count = unchanged(up(engine))
    assert count > len(manifests(planned()))  # components and the provider are resources too
    assert unchanged(ok(engine.capture("refresh", "--yes"))) == count


def test_phases_go_up_and_down_and_claims_stay(engine: PulumiEngine, namespace: str) -> None:
    for phase, expected in ((1, 1), (3, 4), (2, 2), (1, 1), (5, 7), (6, 14), (5, 7)):
        engine.prepare({"synapse:namespace": namespace, "synapse:phase": phase})
        up(engine)
        assert len(workloads(engine, namespace)) == expected
        assert len(state_of(engine, namespace).pods) == expected
    claims = {each["metadata"]["name"] for each in manifests(planned()) if each["kind"] == "PersistentVolumeClaim"}
    assert {claim.name for claim in state_of(engine, namespace).claims} == claims


def test_destroy_leaves_the_namespace_and_its_claims_and_they_are_adopted_again(
    engine: PulumiEngine, core: Any, namespace: str
) -> None:
    up(engine)
    before = {claim.name for claim in state_of(engine, namespace).claims}
    ok(engine.capture("destroy", "--yes"))
    state = state_of(engine, namespace)
    assert state.pods == ()
    assert {claim.name for claim in state.claims} == before
    assert core.list_namespaced_service(namespace).items == []
    assert core.list_namespaced_resource_quota(namespace).items == []
    assert [each.metadata.name for each in core.list_namespaced_config_map(namespace).items] == ["kube-root-ca.crt"]
    up(engine)
    assert workloads(engine, namespace) == EVERYTHING


def test_a_preview_names_the_field_that_changes(project: MakeProject) -> None:
    up(project())
    output = ok(project(settings=changed("services.gateway.logLevel", "DEBUG")).capture("preview", "--diff", *PACK))
    assert '"INFO" => "DEBUG"' in output
    assert "1 to update" in output


def test_drift_is_seen_by_refresh_and_repaired_by_up(engine: PulumiEngine, core: Any, namespace: str) -> None:
    up(engine)
    apps: Any = client.AppsV1Api(core.api_client)
    apps.patch_namespaced_deployment_scale("ollama", namespace, {"spec": {"replicas": 0}})
    assert "1 updated" in ok(engine.capture("refresh", "--yes"))
    up(engine)
    assert apps.read_namespaced_deployment("ollama", namespace).status.ready_replicas == 1


def test_the_scheduler_places_what_the_ledger_allows(engine: PulumiEngine, core: Any) -> None:
    up(engine)
    (node,) = core.list_node().items
    assert as_bytes(node.status.capacity["memory"]) == planned().ledger.capacity.memory
    assert node.status.capacity["nvidia.com/gpu"] == str(planned().ledger.capacity.gpu_shares)
