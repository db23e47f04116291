"""Deployment of the gateway: environment, termination and rights."""

from typing import Any

import pytest

from infra.plan.egress_rules import egress_rules
from infra.plan.ingress_rules import ingress_rules
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.conftest import planned

Objects = dict[tuple[str, str], dict[str, Any]]


def objects_of(stack: str) -> Objects:
    return _objects(plan(load(stack)))


def _objects(planned: Plan) -> Objects:
    return {(item["kind"], item["metadata"]["name"]): item for item in manifests(planned)}


@pytest.fixture(scope="module")
def forge() -> Objects:
    return objects_of("forge")


@pytest.fixture(scope="module")
def llamacpp() -> Objects:
    return objects_of("forge-llamacpp")


def pod(objects: Objects) -> dict[str, Any]:
    rendered: dict[str, Any] = objects["Deployment", "synapse-gateway"]["spec"]["template"]["spec"]
    return rendered


def environment(objects: Objects) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in pod(objects)["containers"][0]["env"]}


def test_the_grace_period_is_longer_than_the_drain(forge: Objects) -> None:
    rendered = environment(forge)
    drain_s = float(rendered["SYNAPSE_DRAIN_DELAY_SECONDS"]) + float(rendered["SYNAPSE_DRAIN_SECONDS"])
    assert pod(forge)["terminationGracePeriodSeconds"] > drain_s


def test_without_a_router_it_has_no_token(forge: Objects) -> None:
    assert pod(forge)["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod(forge)
    assert ("Role", "synapse-gateway") not in forge


def test_with_a_router_it_may_change_that_one_deployment(llamacpp: Objects) -> None:
    assert pod(llamacpp)["serviceAccountName"] == "synapse-gateway"
    assert llamacpp["Role", "synapse-gateway"]["rules"] == [
        {
            "apiGroups": ["apps"],
            "resources": ["deployments"],
            "resourceNames": ["llama-router"],
            "verbs": ["get", "patch"],
        }
    ]
    assert llamacpp["RoleBinding", "synapse-gateway"]["subjects"][0]["name"] == "synapse-gateway"


def test_its_variables_name_the_deployment_and_container_of_the_router(llamacpp: Objects) -> None:
    rendered = environment(llamacpp)
    router = llamacpp["Deployment", rendered["SYNAPSE_LLAMA_ROUTER_DEPLOYMENT_NAME"]]
    assert router["metadata"]["namespace"] == rendered["SYNAPSE_LLAMA_ROUTER_DEPLOYMENT_NAMESPACE"]
    containers = router["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in containers] == [rendered["SYNAPSE_LLAMA_ROUTER_CONTAINER_NAME"]]


def test_it_sends_spans_to_the_collector_and_may_reach_it() -> None:
    with_collector = planned("services.gateway.otlpEndpoint", "http://collector.ops.svc:4318")
    assert environment(_objects(with_collector))["SYNAPSE_OTLP_ENDPOINT"] == "http://collector.ops.svc:4318"
    (gateway,) = [
        each
        for each in egress_rules(with_collector, ingress_rules(with_collector.services))
        if each.name == "synapse-gateway"
    ]
    assert gateway.anywhere == (4318,)


def test_without_a_collector_it_sends_none(forge: Objects) -> None:
    assert "SYNAPSE_OTLP_ENDPOINT" not in environment(forge)


def test_a_new_route_does_not_restart_it(forge: Objects) -> None:
    """It reloads its file: a rollout would end open streams."""
    annotations = forge["Deployment", "synapse-gateway"]["spec"]["template"]["metadata"]["annotations"]
    assert not any("files" in key for key in annotations)
