"""The login to a private registry, and the pods that use it."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from pulumi.runtime.rpc import unwrap_rpc_secret

from infra.plan.stack import plan
from infra.settings.registry import docker_config
from stacks import forge
from stacks.rendering import Recorded, record
from tests.conftest import Config, forge_config, settings_of

REGISTRY = "registry.example:5000/team"
LOGIN = {"synapse:registry": REGISTRY, "synapse:registryUser": "robot", "synapse:registryPassword": {"secure": "v1:x"}}


def recorded(config: Config) -> list[Recorded]:
    planned = plan(settings_of(config))
    return record(lambda: forge.deploy(planned, {"registryPassword": pulumi.Output.secret("a token")}))


def pull_secrets(resources: list[Recorded]) -> dict[str, Any]:
    """Return the `imagePullSecrets` of each Deployment that has some."""
    pods = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]["template"]["spec"]
        for each in resources
        if each.inputs.get("kind") == "Deployment"
    }
    return {name: pod["imagePullSecrets"] for name, pod in pods.items() if "imagePullSecrets" in pod}


def test_pods_of_the_registry_have_the_login_and_no_others() -> None:
    config = forge_config() | LOGIN
    config["synapse:services"]["ollama"]["image"] = f"registry.example:5000/other/ollama@sha256:{64 * 'a'}"
    login = [{"name": "registry-login"}]
    assert pull_secrets(recorded(config)) == dict.fromkeys(
        ("synapse-gateway", "kokoro-tts", "piper-tts", "speaches-stt", "ollama"), login
    )


def test_the_login_is_a_secret_of_the_type_that_the_kubelet_reads() -> None:
    (secret,) = [each for each in recorded(forge_config() | LOGIN) if each.name == "registry-secret"]
    assert secret.inputs["type"] == "kubernetes.io/dockerconfigjson"
    content = unwrap_rpc_secret(secret.inputs["stringData"])
    assert auths(unwrap_rpc_secret(content[".dockerconfigjson"])).keys() == {"registry.example:5000"}


def test_without_a_user_nothing_is_logged_in() -> None:
    resources = recorded(forge_config() | {"synapse:registry": REGISTRY})
    assert pull_secrets(resources) == {}
    assert "registry-secret" not in {each.name for each in resources}


def auths(text: str) -> Mapping[str, Any]:
    logins: Mapping[str, Any] = json.loads(text)["auths"]
    return logins


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        ("registry.example", "registry.example"),
        ("registry.example:5000/team", "registry.example:5000"),
        ("docker.io/team", "https://index.docker.io/v1/"),
    ],
)
def test_a_login_is_by_host(registry: str, name: str) -> None:
    ((host, login),) = auths(docker_config(registry, "robot", "a:b")).items()
    assert host == name
    assert base64.b64decode(login["auth"]) == b"robot:a:b"
    assert (login["username"], login["password"]) == ("robot", "a:b")
