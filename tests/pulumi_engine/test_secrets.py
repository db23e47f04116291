"""A secret of the stack is only in its Kubernetes Secret, and stays with what was deployed."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from infra.annotations import SECRETS
from infra.settings.loader import load
from infra.settings.model import ROOT
from ops import deployment
from ops.cluster.target import engine as stack_engine
from tests.pulumi_engine.conftest import PACK, clean, ok
from tools.errors import ToolsError
from tools.offline.engine import PulumiEngine
from tools.offline.passphrase import Passphrase

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


@pytest.fixture
def deployed(
    kubeconfig: Path, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PulumiEngine]:
    """Yield the engine that commands use for the forge in a cluster that is not private, with a stack of this test."""
    monkeypatch.setenv("SYNAPSE_STATE", str(tmp_path / "state"))
    pulumi = prepared(kubeconfig, namespace)
    yield pulumi
    clean(pulumi, kubeconfig, namespace)


def prepared(kubeconfig: Path, namespace: str) -> PulumiEngine:
    """Return the engine as the next command makes it: its copy of the stack file is new."""
    return stack_engine("forge", load("forge"), kubeconfig, {"synapse:namespace": namespace})


def test_a_kept_secret_reaches_the_cluster_until_it_is_removed(
    deployed: PulumiEngine, core: Any, kubeconfig: Path, namespace: str
) -> None:
    deployed.kept.set("synapse:hfToken", CANARY)
    ok(prepared(kubeconfig, namespace).capture("up", "--yes", "--skip-preview", *PACK))
    secret = core.read_namespaced_secret("vllm-inference-hf-token", namespace)
    assert base64.b64decode(secret.data["token"]).decode() == CANARY
    ok(prepared(kubeconfig, namespace).capture("preview", "--expect-no-changes"))

    deployed.kept.remove("synapse:hfToken")
    ok(prepared(kubeconfig, namespace).capture("up", "--yes", "--skip-preview", *PACK))
    names = {item.metadata.name for item in core.list_namespaced_secret(namespace).items}
    assert "vllm-inference-hf-token" not in names


def test_pulumi_and_the_engine_open_each_others_secrets(
    deployed: PulumiEngine, kubeconfig: Path, namespace: str
) -> None:
    deployed.kept.set("synapse:hfToken", CANARY)
    pulumi = prepared(kubeconfig, namespace)
    assert ok(pulumi.capture("config", "get", "synapse:hfToken")).strip() == CANARY

    command = ["config", "set", "--secret", "synapse:apiKeys", "canary;name=ci"]
    assert deployment.run_pulumi("forge", kubeconfig, command) == 0
    assert prepared(kubeconfig, namespace).kept.get("synapse:apiKeys") == "canary;name=ci"
    assert ok(prepared(kubeconfig, namespace).capture("config", "get", "synapse:apiKeys")).strip() == "canary;name=ci"
    assert deployed.kept.get("synapse:hfToken") == CANARY

    assert deployment.run_pulumi("forge", kubeconfig, ["config", "rm", "synapse:apiKeys"]) == 0
    assert list(deployed.kept.config()) == ["synapse:hfToken"]


def test_what_pulumi_sets_in_its_copy_of_the_stack_file_is_refused(deployed: PulumiEngine, kubeconfig: Path) -> None:
    with pytest.raises(ToolsError, match=r"^synapse:phase: changed in a copy of the stack file, which the next"):
        deployment.run_pulumi("forge", kubeconfig, ["config", "set", "synapse:phase", "3"])
    assert deployed.kept.config() == {}


def test_secrets_of_the_stack_file_are_opened_for_a_run_and_not_kept(
    deployed: PulumiEngine, kubeconfig: Path, namespace: str
) -> None:
    """The values are encrypted anew under the engine's own passphrase, which Pulumi is given."""
    deployed.prepare({"synapse:namespace": namespace}, {"synapse:hfToken": CANARY})
    assert ok(deployed.capture("config", "get", "synapse:hfToken")).strip() == CANARY
    assert deployed.kept.config() == {}
    assert "synapse:hfToken" not in prepared(kubeconfig, namespace).config()


def test_a_salt_that_is_made_here_is_taken_by_a_new_stack(tmp_path: Path, kubeconfig: Path) -> None:
    engine = PulumiEngine(stack="forge", state=tmp_path / "new", kubeconfig=kubeconfig, project=ROOT)
    engine.kept.set("synapse:hfToken", CANARY)
    engine.prepare()
    assert ok(engine.capture("config", "get", "synapse:hfToken")).strip() == CANARY
    Passphrase(engine.kept.ensure_passphrase(), engine.kept.salt or "").check()
