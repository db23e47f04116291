"""LiteLLM instead of the gateway, on the real API server, and the rights of its restart job."""

from typing import Any

import pytest
from kubernetes import client

from ops.cluster.state import read
from tests.components.test_litellm import config
from tests.pulumi_engine.conftest import PACK, MakeProject, ok

pytestmark = pytest.mark.engine


def is_allowed(core: Any, namespace: str, verb: str, resource: str, name: str) -> bool:
    """Return whether the API server allows this to the restart's account."""
    review = {
        "spec": {
            "user": f"system:serviceaccount:{namespace}:litellm-restart",
            "resourceAttributes": {
                "group": "apps" if resource == "deployments" else "",
                "namespace": namespace,
                "verb": verb,
                "resource": resource,
                "name": name,
            },
        }
    }
    reviews: Any = client.AuthorizationV1Api(core.api_client)
    return bool(reviews.create_subject_access_review(review).status.allowed)


def test_litellm_runs_and_its_restart_can_patch_only_its_deployment(
    project: MakeProject, core: Any, namespace: str
) -> None:
    engine = project(settings=config())
    ok(engine.capture("preview", *PACK))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    assert engine.kubeconfig
    state = read(engine.kubeconfig, namespace)
    assert state.is_ready
    assert [pod.workload for pod in state.pods].count("litellm-proxy") == 2
    assert is_allowed(core, namespace, "patch", "deployments", "litellm-proxy")
    assert not is_allowed(core, namespace, "patch", "deployments", "ollama")
    assert not is_allowed(core, namespace, "delete", "deployments", "litellm-proxy")
    assert not is_allowed(core, namespace, "get", "secrets", "vllm-inference-hf-token")
