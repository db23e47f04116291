"""LiteLLM in place of the gateway: the same routes and isolation, and a restart with minimal rights."""

from typing import Any

import pytest
import yaml

from infra.errors import RouteError
from infra.plan.ingress_rules import ingress_rules
from infra.plan.stack import Plan, plan
from stacks.rendering import manifests
from tests.conftest import Config, forge_config, settings_of

VLLM = "http://vllm-inference.llm-infra.svc.cluster.local:8001/v1"
OLLAMA = "http://ollama.llm-infra.svc.cluster.local:11434"


def config() -> Config:
    """Return the config of the forge with LiteLLM instead of the gateway."""
    changed_config = forge_config()
    del changed_config["synapse:services"]["gateway"]
    changed_config["synapse:services"]["litellm"] = {"cpu": {"request": 2, "limit": 3}}
    return changed_config


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan(settings_of(config()))


@pytest.fixture(scope="module")
def objects(planned: Plan) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in manifests(planned)}


def test_its_configuration_is_the_routes(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    document = yaml.safe_load(objects["ConfigMap", "litellm-proxy-config"]["data"]["config.yaml"])
    chat = [entry["litellm_params"] for entry in document["model_list"] if entry["model_name"] == "qwen3-8b"]
    assert [(each["model"], each["api_base"], each["order"]) for each in chat] == [
        ("hosted_vllm/Qwen/Qwen3-8B", VLLM, 1),
        ("ollama/qwen3:8b", OLLAMA, 2),
    ]
    assert document["router_settings"]["num_retries"] == 2
    assert document["litellm_settings"] == {"callbacks": ["prometheus"], "require_auth_for_metrics_endpoint": False}


def test_two_replicas_listen_where_the_service_points(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    deployment = objects["Deployment", "litellm-proxy"]["spec"]
    (only,) = deployment["template"]["spec"]["containers"]
    assert deployment["replicas"] == 2
    assert only["args"] == ["--config", "/config/config.yaml", "--port", "8000"]
    assert only["livenessProbe"]["httpGet"]["path"] == "/health/liveliness"
    assert only["readinessProbe"]["httpGet"]["path"] == "/health/readiness"


def test_it_is_restarted_each_night(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    spec = objects["CronJob", "litellm-restart"]["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("0 4 * * *", "Etc/UTC", "Forbid")
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["command"] == ["kubectl", "rollout", "restart", "deployment/litellm-proxy"]
    assert pod["serviceAccountName"] == "litellm-restart"


def test_the_restart_may_touch_one_deployment_and_nothing_else(
    objects: dict[tuple[str, str], dict[str, Any]],
) -> None:
    assert objects["Role", "litellm-restart"]["rules"] == [
        {
            "apiGroups": ["apps"],
            "resources": ["deployments"],
            "resourceNames": ["litellm-proxy"],
            "verbs": ["get", "patch"],
        }
    ]
    assert objects["RoleBinding", "litellm-restart"]["subjects"][0]["name"] == "litellm-restart"


def test_the_restarts_pod_is_in_the_ledger(planned: Plan) -> None:
    assert "litellm-restart" in {line.name for line in planned.ledger.lines}


def test_the_backends_allow_its_calls(planned: Plan) -> None:
    callers = {each.service.name: [caller.name for caller in each.callers] for each in ingress_rules(planned.services)}
    assert callers["vllm"] == ["litellm", "prometheus"]
    assert callers["ollama"] == ["litellm", "blackbox"]


def test_a_route_to_an_unsupported_kind_is_refused() -> None:
    changed_config = config() | {"synapse:phase": 5}  # with monitoring there would be no core left for it
    changed_config["synapse:services"]["deepfilter"] = {"engine": "cpu", "cpu": {"request": 1, "limit": 1}}
    changed_config["synapse:routes"]["denoise"] = [{"service": "deepfilter"}]
    with pytest.raises(
        RouteError, match=r"routes\.denoise: LiteLLM cannot call deepfilter; accepted: a service of kind ollama"
    ):
        manifests(plan(settings_of(changed_config)))
