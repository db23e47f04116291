"""LiteLLM in the gateway's place, on the real API server: it runs, and its restart may do one thing."""

from typing import Any

import pytest
from kubernetes import client

from ops.cluster.state import read
from tests.components.test_litellm import config
from tests.pulumi_engine.conftest import PACK, MakeProject, ok

pytestmark = pytest.mark.engine


def may(core: Any, namespace: str, verb: str, resource: str, name: str) -> bool:
    """Whether the restart's account may do this, as the API server itself decides it."""
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


def test_litellm_runs_and_its_restart_has_no_rights_to_spare(project: MakeProject, core: Any, namespace: str) -> None:
    engine = project(settings=config())
    ok(engine.capture("preview", *PACK))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    assert engine.kubeconfig
    state = read(engine.kubeconfig, namespace)
    assert state.is_ready
    assert [pod.workload for pod in state.pods].count("litellm-proxy") == 2
    assert may(core, namespace, "patch", "deployments", "litellm-proxy")
    assert not may(core, namespace, "patch", "deployments", "ollama")
    assert not may(core, namespace, "delete", "deployments", "litellm-proxy")
    assert not may(core, namespace, "get", "secrets", "vllm-inference-hf-token")
