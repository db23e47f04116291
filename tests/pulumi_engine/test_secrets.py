"""A secret of the stack is only in its Kubernetes Secret."""

import base64
import hashlib
from typing import Any

import pytest
from kubernetes import client

from infra.annotations import SECRETS
from tests.pulumi_engine.conftest import PACK, ok
from tools.offline.engine import PulumiEngine

pytestmark = pytest.mark.engine
CANARY = "hf_canary_4711"


def test_a_token_is_in_its_secret_and_nowhere_else(engine: PulumiEngine, core: Any, namespace: str) -> None:
    ok(engine.capture("config", "set", "--secret", "synapse:hfToken", CANARY))
    preview = ok(engine.capture("preview", "--diff", *PACK))
    update = ok(engine.capture("up", "--yes", "--skip-preview", "--diff", *PACK))
    export = ok(engine.capture("stack", "export"))
    encoded = base64.b64encode(CANARY.encode()).decode()
    for text in (preview, update, export):
        assert CANARY not in text
        assert encoded not in text
    secret = core.read_namespaced_secret("vllm-inference-hf-token", namespace)
    assert base64.b64decode(secret.data["token"]).decode() == CANARY
    assert CANARY not in str(secret.metadata)
    for pod in core.list_namespaced_pod(namespace).items:
        assert CANARY not in str(pod)


def test_a_new_key_rolls_the_gateway_and_only_its_hash_is_in_the_cluster(
    engine: PulumiEngine, core: Any, namespace: str
) -> None:
    apps = client.AppsV1Api(core.api_client)

    def rolled(key: str) -> tuple[int, str]:
        ok(engine.capture("config", "set", "--secret", "synapse:apiKeys", f"{key};name=ci"))
        ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
        secret = core.read_namespaced_secret("synapse-gateway-api-keys", namespace)
        keys = base64.b64decode(secret.data["keys"]).decode()
        assert keys == f"sha256:{hashlib.sha256(key.encode()).hexdigest()};name=ci"
        assert key not in ok(engine.capture("stack", "export"))
        deployment: Any = apps.read_namespaced_deployment("synapse-gateway", namespace)
        return deployment.metadata.generation, deployment.spec.template.metadata.annotations[SECRETS]

    before, after = rolled("canary-one"), rolled("canary-two")
    assert after[0] == before[0] + 1
    assert after[1] != before[1]
