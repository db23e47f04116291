"""The gateway's Deployment: what it knows of its stack, how it goes, and what it may do."""

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
    return _found(plan(load(stack)))


def _found(asked: Plan) -> Objects:
    return {(found["kind"], found["metadata"]["name"]): found for found in manifests(asked)}


@pytest.fixture(scope="module")
def forge() -> Objects:
    return objects_of("forge")


@pytest.fixture(scope="module")
def llamacpp() -> Objects:
    return objects_of("forge-llamacpp")


def pod(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = objects["Deployment", "synapse-gateway"]["spec"]["template"]["spec"]
    return found


def environment(objects: Objects) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in pod(objects)["containers"][0]["env"]}


def test_a_pod_that_goes_has_longer_than_the_gateway_takes_to_drain(forge: Objects) -> None:
    found = environment(forge)
    drain_s = float(found["SYNAPSE_DRAIN_DELAY_SECONDS"]) + float(found["SYNAPSE_DRAIN_SECONDS"])
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


def test_it_is_told_the_deployment_and_container_that_there_are(llamacpp: Objects) -> None:
    found = environment(llamacpp)
    router = llamacpp["Deployment", found["SYNAPSE_LLAMA_ROUTER_DEPLOYMENT_NAME"]]
    assert router["metadata"]["namespace"] == found["SYNAPSE_LLAMA_ROUTER_DEPLOYMENT_NAMESPACE"]
    containers = router["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in containers] == [found["SYNAPSE_LLAMA_ROUTER_CONTAINER_NAME"]]


def test_it_sends_spans_where_it_is_told_to_and_may_go_there() -> None:
    asked = planned("services.gateway.otlpEndpoint", "http://collector.ops.svc:4318")
    assert environment(_found(asked))["SYNAPSE_OTLP_ENDPOINT"] == "http://collector.ops.svc:4318"
    (gateway,) = [each for each in egress_rules(asked, ingress_rules(asked.services)) if each.name == "synapse-gateway"]
    assert gateway.anywhere == (4318,)


def test_without_a_collector_it_sends_none(forge: Objects) -> None:
    assert "SYNAPSE_OTLP_ENDPOINT" not in environment(forge)


def test_it_is_not_restarted_by_a_new_route(forge: Objects) -> None:
    """It watches its file: a rollout would end the streams that are under way."""
    annotations = forge["Deployment", "synapse-gateway"]["spec"]["template"]["metadata"]["annotations"]
    assert not any("files" in key for key in annotations)
