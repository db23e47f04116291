"""SGLang in place of vLLM: the same budget checks and GPU claims, and routes of the gateway."""

from typing import Any

import pytest
import yaml

from infra.errors import BudgetError
from infra.plan.stack import Plan, plan
from stacks.rendering import manifests
from tests.conftest import Config, forge_config, settings_of

MODEL = "Qwen/Qwen3-8B"
URL = "http://sglang-inference.llm-infra.svc.cluster.local:30000"


def config() -> Config:
    """Return the config of the forge with SGLang instead of vLLM."""
    changed_config = forge_config()
    services, routes = changed_config["synapse:services"], changed_config["synapse:routes"]
    services["sglang"] = services.pop("vllm")
    for targets in routes.values():
        for target in targets:
            target["service"] = target["service"].replace("vllm", "sglang")
    return changed_config


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan(settings_of(config()))


@pytest.fixture(scope="module")
def objects(planned: Plan) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in manifests(planned)}


def test_its_flags_come_from_the_ledger(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    template = objects["Deployment", "sglang-inference"]["spec"]["template"]
    (only,) = template["spec"]["containers"]
    assert only["command"] == ["python3", "-m", "sglang.launch_server"]
    for flag in (f"--model-path={MODEL}", "--context-length=32768", "--max-running-requests=2"):
        assert flag in only["args"]
    assert {"--max-total-tokens=65536", "--mem-fraction-static=0.81", "--port=30000"} <= set(only["args"])
    assert {"--tool-call-parser=qwen", "--reasoning-parser=qwen3"} <= set(only["args"])
    assert template["spec"]["runtimeClassName"] == "nvidia"


def test_its_probe_generates_no_token(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    (only,) = objects["Deployment", "sglang-inference"]["spec"]["template"]["spec"]["containers"]
    assert only["livenessProbe"]["httpGet"]["path"] == only["readinessProbe"]["httpGet"]["path"] == "/health"
    assert {"name": "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION", "value": "false"} in only["env"]
    assert only["startupProbe"]["httpGet"]["path"] == "/health_generate"
    assert only["startupProbe"]["periodSeconds"] * only["startupProbe"]["failureThreshold"] > 900  # and its download


def test_the_gateway_routes_to_it(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    document = yaml.safe_load(objects["ConfigMap", "synapse-gateway-config"]["data"]["backends.yaml"])
    assert document["backends"]["sglang"].items() >= {"url": URL, "type": "sglang", "health": "/health"}.items()


def test_litellm_calls_it_as_an_openai_server() -> None:
    changed_config = config()
    del changed_config["synapse:services"]["gateway"]
    changed_config["synapse:services"]["litellm"] = {"replicas": 1, "cpu": {"request": 1, "limit": 2}}
    (text,) = [
        made["data"]["config.yaml"]
        for made in manifests(plan(settings_of(changed_config)))
        if (made["kind"], made["metadata"]["name"]) == ("ConfigMap", "litellm-proxy-config")
    ]
    entries = [entry["litellm_params"] for entry in yaml.safe_load(text)["model_list"]]
    (found_params,) = [params for params in entries if params["api_base"] == f"{URL}/v1"]
    assert (found_params["model"], found_params["order"]) == (f"openai/{MODEL}", 1)


def test_two_engines_do_not_share_a_gpu() -> None:
    changed_config = forge_config()
    changed_config["synapse:services"]["sglang"] = {}
    with pytest.raises(BudgetError, match=r"sglang-inference: claims 1 nvidia\.com/gpu of the 1"):
        plan(settings_of(changed_config)).ledger.check()


def test_time_slicing_does_not_divide_the_memory() -> None:
    changed_config = forge_config()
    changed_config["synapse:services"]["sglang"] = {"memory": {"request": "1Gi", "limit": "8Gi"}}
    changed_config["synapse:services"]["sglang"]["cpu"] = {"request": 1, "limit": 1}
    changed_config["synapse:node"]["gpus"][0]["shares"] = 2
    with pytest.raises(BudgetError, match=r"26\.7\dGi of VRAM"):
        plan(settings_of(changed_config)).ledger.check()
