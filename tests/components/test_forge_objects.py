"""Kubernetes objects of the forge."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from infra.errors import BudgetError
from stacks import forge
from stacks.rendering import manifests, record
from tests.conftest import planned

Find = Callable[[str, str], dict[str, Any]]
MONITORING = ("prometheus", "alertmanager", "grafana", "blackbox-exporter", "dcgm-exporter", "node-exporter")
SPEECH = ("speaches-stt", "kokoro-tts", "piper-tts")
WORKLOADS = ("ollama", "vllm-inference", "synapse-gateway", *SPEECH, *MONITORING)


def pod(find: Find, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = find("Deployment", name)["spec"]["template"]["spec"]
    return spec


def container(find: Find, name: str) -> dict[str, Any]:
    (only,) = pod(find, name)["containers"]
    spec: dict[str, Any] = only
    return spec


def environment(find: Find, name: str) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container(find, name)["env"]}


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_is_hardened(forge_object: Find, name: str) -> None:
    spec, only = pod(forge_object, name), container(forge_object, name)
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert "@sha256:" in only["image"]


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_container_has_limits_and_three_probes(forge_object: Find, name: str) -> None:
    only = container(forge_object, name)
    for amounts in only["resources"].values():
        assert {"memory", "cpu", "ephemeral-storage"} <= amounts.keys()
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert only[probe]["httpGet"]["path"].startswith("/")


def test_ephemeral_storage_is_limited_to_scratch_folders_and_the_log(forge_object: Find) -> None:
    assert container(forge_object, "piper-tts")["resources"]["limits"]["ephemeral-storage"] == "2304Mi"  # /tmp: 2Gi
    assert container(forge_object, "dcgm-exporter")["resources"]["limits"]["ephemeral-storage"] == "320Mi"  # 64Mi


def test_replicas_have_a_disruption_budget_and_a_topology_spread(
    forge_object: Find, forge_objects: list[dict[str, Any]]
) -> None:
    (budget,) = (item for item in forge_objects if item["kind"] == "PodDisruptionBudget")
    pods = forge_object("Deployment", "synapse-gateway")["spec"]["selector"]
    assert budget["spec"] == {"maxUnavailable": 1, "selector": pods}
    (spread,) = pod(forge_object, "synapse-gateway")["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["labelSelector"]) == ("kubernetes.io/hostname", pods)
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert "topologySpreadConstraints" not in pod(forge_object, "ollama")


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_service_selects_the_pods_of_its_deployment(forge_object: Find, name: str) -> None:
    template = forge_object("Deployment", name)["spec"]["template"]["metadata"]["labels"]
    assert forge_object("Service", name)["spec"]["selector"].items() <= template.items()
    assert forge_object("Deployment", name)["spec"]["selector"]["matchLabels"].items() <= template.items()


@pytest.mark.parametrize("name", WORKLOADS)
def test_everything_mounted_is_a_volume_of_the_pod(forge_object: Find, name: str) -> None:
    volumes = {volume["name"] for volume in pod(forge_object, name)["volumes"]}
    assert {mount["name"] for mount in container(forge_object, name)["volumeMounts"]} == volumes


@pytest.mark.parametrize(
    ("name", "port", "target"),
    [("ollama", 11434, 11434), ("vllm-inference", 8001, 8000), ("synapse-gateway", 8000, 8000)],
)
def test_ports_are_those_of_the_references(forge_object: Find, name: str, port: int, target: int) -> None:
    assert [entry["port"] for entry in forge_object("Service", name)["spec"]["ports"]] == [port]
    assert [entry["containerPort"] for entry in container(forge_object, name)["ports"]] == [target]


def test_ollama_keeps_one_model_for_two_agents(forge_object: Find) -> None:
    variables = environment(forge_object, "ollama")
    expected = {
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_NUM_PARALLEL": "2",
        "OLLAMA_CONTEXT_LENGTH": "32768",
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_MODELS": "/models",
        "CUDA_VISIBLE_DEVICES": "",
    }
    assert expected.items() <= variables.items()


def test_vllm_claims_the_whole_gpu(forge_object: Find) -> None:
    deployment = forge_object("Deployment", "vllm-inference")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert pod(forge_object, "vllm-inference")["runtimeClassName"] == "nvidia"
    resources = container(forge_object, "vllm-inference")["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == "1"


def test_vllm_flags_come_from_the_ledger(forge_object: Find) -> None:
    arguments = container(forge_object, "vllm-inference")["args"]
    assert arguments[0] == "Qwen/Qwen3-8B"
    for flag in ("--gpu-memory-utilization=0.82", "--kv-cache-memory-bytes=9859356426", "--max-model-len=32768"):
        assert flag in arguments
    assert "--enforce-eager" in arguments


def test_vllm_parses_the_tool_calls_and_the_reasoning_of_its_model(forge_object: Find) -> None:
    arguments = container(forge_object, "vllm-inference")["args"]
    assert {"--enable-auto-tool-choice", "--tool-call-parser=hermes", "--reasoning-parser=qwen3"} <= set(arguments)
    assert not [argument for argument in arguments if argument.startswith("--chat-template")]


def test_shared_memory_is_sized(forge_object: Find) -> None:
    (shared,) = [v for v in pod(forge_object, "vllm-inference")["volumes"] if v["name"] == "shared-memory"]
    assert shared["emptyDir"] == {"medium": "Memory", "sizeLimit": "4Gi"}


def test_vllm_may_load_for_fifteen_minutes_after_its_download(forge_object: Find) -> None:
    """16.4 GB of weights take 1311 s at 100 Mbit/s."""
    probe = container(forge_object, "vllm-inference")["startupProbe"]
    load_s = probe["periodSeconds"] * probe["failureThreshold"]
    assert load_s - probe["periodSeconds"] < 900 + 1311 <= load_s
    assert forge_object("Deployment", "vllm-inference")["spec"]["progressDeadlineSeconds"] > load_s


def test_the_gateway_rolls_without_losing_a_pod(forge_object: Find) -> None:
    spec = forge_object("Deployment", "synapse-gateway")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_gateway_probes_its_own_process_only(forge_object: Find) -> None:
    only = container(forge_object, "synapse-gateway")
    assert only["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert only["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_gateway_is_configured_by_the_routes(forge_object: Find) -> None:
    config = yaml.safe_load(forge_object("ConfigMap", "synapse-gateway-config")["data"]["backends.yaml"])
    assert config["backends"]["vllm"] == {
        "url": "http://vllm-inference.llm-infra.svc.cluster.local:8001",
        "type": "vllm",
        "health": "/health",
        "tasks": ["chat"],
    }
    assert config["routes"][0] == {
        "model": "mxbai-embed-large",
        "targets": [{"backend": "ollama", "model": "mxbai-embed-large"}],
    }
    mounts = {mount["mountPath"] for mount in container(forge_object, "synapse-gateway")["volumeMounts"]}
    assert "/config" in mounts


def test_the_namespace_admits_restricted_pods_only(forge_object: Find) -> None:
    labels = forge_object("Namespace", "llm-infra")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_quota_is_the_budget(forge_object: Find) -> None:
    hard = forge_object("ResourceQuota", "budget")["spec"]["hard"]
    assert hard == {
        "limits.memory": "160563Mi",
        "requests.memory": "160563Mi",
        "limits.cpu": "51200m",
        "requests.cpu": "51200m",
        "requests.nvidia.com/gpu": "1",
    }


def test_the_largest_claim_limits_every_container(forge_object: Find) -> None:
    (limits,) = forge_object("LimitRange", "containers")["spec"]["limits"]
    assert limits["max"] == {"memory": "64Gi", "cpu": "16"}
    assert limits["default"] == {"memory": "256Mi", "cpu": "250m"}


def test_a_plan_that_does_not_fit_registers_nothing() -> None:
    with pytest.raises(BudgetError):
        manifests(planned("services.vllm.memory.limit", "120Gi"))


def test_claims_are_those_of_the_references(forge_objects: list[dict[str, Any]]) -> None:
    sizes = {
        item["metadata"]["name"]: item["spec"]["resources"]["requests"]["storage"]
        for item in forge_objects
        if item["kind"] == "PersistentVolumeClaim"
    }
    assert sizes == {
        "ollama-models": "200Gi",
        "vllm-model-cache": "100Gi",
        "synapse-voices": "5Gi",
        "speaches-models": "2Gi",
        "kokoro-models": "2Gi",
        "piper-models": "2Gi",
        "prometheus-data": "20Gi",
        "alertmanager-data": "1Gi",
    }


def test_an_engine_that_may_sleep_has_the_settings_to_wake() -> None:
    objects = manifests(planned("services.vllm.sleep", value=True))
    vllm = next(f for f in objects if f["kind"] == "Deployment" and f["metadata"]["name"] == "vllm-inference")
    (only,) = vllm["spec"]["template"]["spec"]["containers"]
    assert "--enable-sleep-mode" in only["args"]
    assert {"name": "VLLM_SERVER_DEV_MODE", "value": "1"} in only["env"]


def test_the_namespace_and_every_claim_are_retained() -> None:
    """The option itself, without which `pulumi destroy` deletes them in spite of their annotation."""
    resources = record(lambda: forge.deploy(planned(), {}))
    kept = {"kubernetes:core/v1:Namespace", "kubernetes:core/v1:PersistentVolumeClaim"}
    assert {each.token for each in resources if each.token in kept} == kept
    assert {(each.token, each.name) for each in resources if each.retain_on_delete} == {
        (each.token, each.name) for each in resources if each.token in kept
    }
