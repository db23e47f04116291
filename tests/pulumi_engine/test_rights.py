"""Rights of each service account, as the API server lists them (`kubectl auth can-i --list`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import config, dynamic

from infra.plan.stack import plan
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.conftest import changed, forge_config, settings_of

pytestmark = pytest.mark.engine
RIGHTS = ("Namespace", "ServiceAccount", "Role", "RoleBinding")
OWN = {"authentication.k8s.io", "authorization.k8s.io"}
"""API groups in which every account may query its own rights."""


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[Any]:
    with config.new_client_from_config(str(kubeconfig)) as client:  # type: ignore[no-untyped-call]
        yield client


def deployed(api: Any, stack: Any, namespace: str) -> set[str]:
    """Apply the accounts of *stack* and their rights in *namespace*; return their names."""
    settings = stack.model_copy(update={"namespace": namespace})
    cluster = dynamic.DynamicClient(api)  # type: ignore[no-untyped-call]
    accounts = {"default"}
    for content in manifests(plan(settings)):
        if content["kind"] in RIGHTS and content["metadata"].get("namespace", namespace) == namespace:
            kind = cluster.resources.get(api_version=content["apiVersion"], kind=content["kind"])
            kind.server_side_apply(body=content, field_manager="test")
            accounts |= {content["metadata"]["name"]} if content["kind"] == "ServiceAccount" else set()
    return accounts


def rights(api: Any, namespace: str, account: str) -> list[tuple[list[str], list[str], list[str], list[str]]]:
    """Return verbs, groups, resources and names that *account* has in *namespace*, without those of every account."""
    headers = {
        "Impersonate-User": f"system:serviceaccount:{namespace}:{account}",
        "Impersonate-Group": "system:authenticated",
    }
    review = {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    cluster = dynamic.DynamicClient(api)  # type: ignore[no-untyped-call]
    rules = cluster.request("post", path, body=review, header_params=headers).to_dict()["status"]["resourceRules"]
    return [
        (sorted(rule["verbs"]), rule["apiGroups"], rule["resources"], rule.get("resourceNames", []))
        for rule in rules
        if not set(rule["apiGroups"]) <= OWN
    ]


def test_the_gateway_may_change_its_routers_deployment_and_nothing_else(api: Any, namespace: str) -> None:
    accounts = deployed(api, load("forge-llamacpp"), namespace)
    assert accounts == {"default", "synapse-gateway", "kube-state-metrics"}
    one = (["get", "patch"], ["apps"], ["deployments"], ["llama-router"])
    assert rights(api, namespace, "synapse-gateway") == [one]
    assert rights(api, namespace, "default") == []


def test_the_restart_may_change_the_proxys_deployment_and_nothing_else(api: Any, namespace: str) -> None:
    services = forge_config()["synapse:services"] | {"litellm": {"cpu": {"request": 2, "limit": 3}}}
    del services["gateway"]
    accounts = deployed(api, settings_of(changed("services", services)), namespace)
    assert accounts == {"default", "litellm-restart", "kube-state-metrics"}
    one = (["get", "patch"], ["apps"], ["deployments"], ["litellm-proxy"])
    assert rights(api, namespace, "litellm-restart") == [one]


def test_kube_state_metrics_may_list_jobs_and_quotas_here_and_nothing_else(api: Any, namespace: str) -> None:
    deployed(api, load("forge"), namespace)
    may = ["list", "watch"]
    listed = sorted(rights(api, namespace, "kube-state-metrics"), key=str)
    assert listed == [(may, [""], ["resourcequotas"], []), (may, ["batch"], ["cronjobs"], [])]
    assert rights(api, "default", "kube-state-metrics") == []
