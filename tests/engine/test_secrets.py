"""A canary secret reaches its pod's Secret, and is nowhere else."""

import base64
from typing import Any

import pytest

from tests.engine.conftest import PACK, ok
from tools.engine import Engine

pytestmark = pytest.mark.engine
CANARY = "hf_canary_4711"


def test_a_token_is_in_its_secret_and_nowhere_else(engine: Engine, core: Any, namespace: str) -> None:
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
