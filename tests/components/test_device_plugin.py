"""NVIDIA's device plugin on the stack's node, with the shares of each GPU from the stack file."""

import copy
from typing import Any

import pytest
import yaml

from components.namespace import quota
from infra.errors import SettingsError
from infra.plan.stack import Plan, plan
from infra.quantities import MI, memory_text
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.conftest import Config, config_of, planned, settings_of

NAME, SYSTEM = "nvidia-device-plugin", "kube-system"
Objects = dict[tuple[str, str], dict[str, Any]]


def with_plugin(shares: int = 6, **more: Any) -> Config:
    """Return the stack with llama.cpp and one GPU with *shares*; *more* are keys of the stack file."""
    config = copy.deepcopy(config_of("forge-llamacpp"))
    config["synapse:node"]["gpus"][0]["shares"] = shares
    return config | {f"synapse:{key}": value for key, value in more.items()}


def objects(rendered: Plan) -> Objects:
    return {(each["kind"], each["metadata"]["name"]): each for each in manifests(rendered)}


@pytest.fixture(scope="module")
def shared() -> Objects:
    return objects(plan(settings_of(with_plugin())))


def configuration(rendered: Objects) -> dict[str, Any]:
    text = rendered["ConfigMap", f"{NAME}-config"]["data"]["config.yaml"]
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def pod(rendered: Objects) -> dict[str, Any]:
    spec: dict[str, Any] = rendered["DaemonSet", NAME]["spec"]["template"]["spec"]
    return spec


def test_it_offers_the_shares_of_the_stack_file(shared: Objects) -> None:
    assert configuration(shared) == {
        "version": "v1",
        "flags": {"migStrategy": "none", "failOnInitError": True},
        "sharing": {
            "timeSlicing": {
                "failRequestsGreaterThanOne": True,
                "resources": [{"name": "nvidia.com/gpu", "replicas": 6}],
            }
        },
    }


def test_a_gpu_that_is_not_shared_needs_no_sharing() -> None:
    alone = with_plugin(shares=1, phase=2)
    assert "sharing" not in configuration(objects(plan(settings_of(alone))))


def test_each_of_two_gpus_has_its_shares() -> None:
    config = with_plugin()
    config["synapse:node"]["gpus"] *= 2
    rendered = plan(settings_of(config))
    assert rendered.ledger.capacity.gpu_shares == 12
    assert configuration(objects(rendered))["sharing"]["timeSlicing"]["resources"][0]["replicas"] == 6


def test_it_has_no_more_rights_than_it_needs(shared: Objects) -> None:
    spec = pod(shared)
    (only,) = spec["containers"]
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert [volume["hostPath"]["path"] for volume in spec["volumes"] if "hostPath" in volume] == [
        "/var/lib/kubelet/device-plugins"
    ]
    assert spec["automountServiceAccountToken"] is False
    assert "@sha256:" in only["image"]


def test_it_is_critical_for_the_node(shared: Objects) -> None:
    spec = pod(shared)
    assert spec["nodeSelector"] == {"kubernetes.io/hostname": "forge"}
    assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("system-node-critical", "nvidia")


def test_it_reads_the_configuration_that_it_mounts(shared: Objects) -> None:
    (only,) = pod(shared)["containers"]
    variables = {entry["name"]: entry["value"] for entry in only["env"]}
    (mount,) = [mount for mount in only["volumeMounts"] if mount["name"] == "config"]
    assert variables["CONFIG_FILE"] == f"{mount['mountPath']}/config.yaml"
    (volume,) = [volume for volume in pod(shared)["volumes"] if volume["name"] == "config"]
    assert volume["configMap"]["name"] == f"{NAME}-config"


def test_other_shares_restart_the_pod(shared: Objects) -> None:
    def template(rendered: Objects) -> Any:
        return rendered["DaemonSet", NAME]["spec"]["template"]["metadata"]

    assert template(shared) != template(objects(plan(settings_of(with_plugin(shares=5)))))
    assert template(shared) == template(objects(plan(settings_of(with_plugin()))))


def test_its_network_policy_denies_all_connections(shared: Objects) -> None:
    policy = shared["NetworkPolicy", f"{NAME}-deny"]
    labels = shared["DaemonSet", NAME]["spec"]["template"]["metadata"]["labels"]
    assert policy["metadata"]["namespace"] == SYSTEM
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not policy["spec"].keys() & {"ingress", "egress"}


def test_it_comes_with_the_gpu_phase() -> None:
    assert ("DaemonSet", NAME) not in objects(plan(settings_of(with_plugin(phase=1))))
    assert ("DaemonSet", NAME) in objects(plan(settings_of(with_plugin(phase=2))))


def test_an_existing_plugin_is_not_replaced() -> None:
    assert not load("forge").node.device_plugin
    assert ("DaemonSet", NAME) not in objects(planned())


def test_it_counts_in_the_ledger_and_not_in_the_quota() -> None:
    with_it, without = plan(settings_of(with_plugin())), plan(settings_of(with_plugin(phase=1)))
    (line,) = [line for line in with_it.ledger.lines if line.name == NAME]
    assert (line.phase, line.namespace, with_it.namespaces) == (2, SYSTEM, ("llm-infra", SYSTEM))
    budget = with_it.ledger.capacity.memory_budget
    assert quota(with_it.ledger)["limits.memory"] == memory_text((budget - line.claim.memory_limit) // MI * MI)
    assert quota(without.ledger)["limits.memory"] == memory_text(budget // MI * MI)
    assert quota(with_it.ledger)["limits.cpu"] == "50950m"


@pytest.mark.parametrize(
    ("gpus", "fragment"),
    [
        ([], "synapse:node.gpus: got none; accepted: one or more with the same shares"),
        (
            [{"name": "a", "memory": "32Gi", "shares": 2}, {"name": "b", "memory": "32Gi"}],
            "synapse:node.gpus: got with 1 and 2 shares; accepted: one or more with the same shares",
        ),
    ],
)
def test_gpus_that_it_cannot_serve_are_refused(gpus: list[dict[str, Any]], fragment: str) -> None:
    config = with_plugin()
    config["synapse:node"]["gpus"] = gpus
    with pytest.raises(SettingsError, match=fragment):
        settings_of(config)


def test_a_pod_claims_one_share() -> None:
    config = with_plugin()
    config["synapse:services"]["vllm"] = {"tensorParallel": 2}
    with pytest.raises(
        SettingsError, match=r"synapse:services\.vllm: got 2 GPUs; accepted: 1, since a pod gets one share"
    ):
        settings_of(config)
