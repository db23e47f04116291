"""Images that the stack builds: one for each folder, deployed by the digest that the build printed."""

import os
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.rpc import unwrap_rpc_secret

from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.model import ROOT
from stacks import forge
from stacks.rendering import COMMAND, Recorded, record
from tests.conftest import config_of, settings_of
from tools.images import content

REMOTE = "command:remote:Command"
RUN = "import sys; sys.path.insert(0, {folder!r}); from tools.images.__main__ import main; main('gateway_image', 'x')"


def recorded(planned: Plan) -> list[Recorded]:
    return record(lambda: forge.deploy(planned, {}))


@pytest.fixture(scope="module")
def local() -> list[Recorded]:
    return recorded(plan(load("local")))


def commands(found: list[Recorded]) -> dict[str, dict[str, Any]]:
    return {each.name: each.inputs for each in found if each.token == COMMAND}


def images(found: list[Recorded]) -> dict[str, str]:
    """The image of each Deployment."""
    return {
        each.inputs["metadata"]["name"]: each.inputs["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in found
        if each.inputs.get("kind") == "Deployment"
    }


def test_each_folder_is_built_once_however_many_run_it(local: list[Recorded]) -> None:
    assert commands(local).keys() == {"gateway-image", "engines-image"}
    assert len([image for image in images(local).values() if image.startswith("localhost/engines-image")]) == 7


def test_a_change_of_the_folder_and_nothing_else_builds_again(local: list[Recorded]) -> None:
    built = commands(local)["gateway-image"]
    assert built["triggers"] == [content.digest(ROOT / "gateway_image")]
    assert "delete" not in built
    assert "environment" not in built


def test_it_is_handed_to_the_cluster_of_the_stack(local: list[Recorded]) -> None:
    words = shlex.split(commands(local)["gateway-image"]["create"])
    assert words[1:] == [
        *("-m", "cli", "image", "build", str(ROOT / "gateway_image")),
        *("--cluster", "rendered"),  # the name of the stack
    ]


def test_a_registry_is_preferred() -> None:
    config = config_of("local")
    config["synapse:registry"] = "registry.example/team"
    words = shlex.split(commands(recorded(plan(settings_of(config))))["engines-image"]["create"])
    assert words[-2:] == ["--registry", "registry.example/team"]


@pytest.fixture(scope="module")
def elsewhere() -> list[Recorded]:
    config = config_of("local") | {
        "synapse:registry": "registry.example/team",
        "synapse:buildHost": {"host": "forge", "hostKey": "ssh-ed25519 AAAA forge", "folder": "builds"},
    }
    return recorded(plan(settings_of(config)))


def of(found: list[Recorded], token: str) -> dict[str, dict[str, Any]]:
    return {each.name: each.inputs for each in found if each.token == token}


def test_a_build_host_is_known_by_its_key(elsewhere: list[Recorded]) -> None:
    sent, built = of(elsewhere, "command:remote:CopyToRemote"), of(elsewhere, REMOTE)
    assert sent.keys() == {"gateway-image-source", "engines-image-source"}
    for inputs in (*sent.values(), *built.values()):
        connection = unwrap_rpc_secret(inputs["connection"])
        assert (connection["host"], connection["hostKey"]) == ("forge", "ssh-ed25519 AAAA")
        assert "privateKey" not in connection
    assert commands(elsewhere) == {}


def test_a_build_host_gets_the_folder_and_what_makes_an_image_of_it(elsewhere: list[Recorded]) -> None:
    inputs = of(elsewhere, "command:remote:CopyToRemote")["gateway-image-source"]
    with tarfile.open(inputs["source"].path) as archive:
        names = archive.getnames()
    assert inputs["remotePath"] == f"builds/{Path(inputs['source'].path).name}"
    files = [f"gateway_image/{file}" for file in content.files(ROOT / "gateway_image")]
    assert [name for name in names if name.startswith("gateway_image/")] == files
    assert "tools/images/__main__.py" in names
    assert {name.split("/")[0] for name in names} == {"gateway_image", "tools"}


def test_what_a_build_host_gets_builds_with_pythons_own_library(elsewhere: list[Recorded], tmp_path: Path) -> None:
    inputs = of(elsewhere, "command:remote:CopyToRemote")["gateway-image-source"]
    subprocess.run(["/usr/bin/tar", "-xf", inputs["source"].path, "-C", tmp_path, "tools"], check=True)
    (tmp_path / "gateway_image").mkdir()
    command = [sys.executable, "-I", "-S", "-c", RUN.format(folder=str(tmp_path))]
    environment = os.environ | {"SYNAPSE_CACHE": str(tmp_path / "cache")}  # where nobody else builds anything
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "synapse: gateway_image: has no Dockerfile; accepted: a folder that an image is built from\n"


def test_a_key_of_the_stack_lets_us_in() -> None:
    config = config_of("local") | {
        "synapse:registry": "registry.example/team",
        "synapse:buildHost": {"host": "forge", "hostKey": "ssh-ed25519 AAAA"},
        "synapse:buildKey": {"secure": "sealed"},
    }
    planned = plan(settings_of(config))
    secret = pulumi.Output.secret("a private key")
    found = record(lambda: forge.deploy(planned, {"buildKey": secret}))
    for inputs in of(found, REMOTE).values():
        assert unwrap_rpc_secret(inputs["connection"])["privateKey"] == "a private key"


def test_pods_run_what_the_build_printed(local: list[Recorded]) -> None:
    assert images(local)["synapse-gateway"].startswith("localhost/gateway-image@sha256:")


def test_a_stack_that_builds_nothing_runs_no_command() -> None:
    assert commands(recorded(plan(load("forge")))) == {}
