"""Images that the stack builds: one for each folder, deployed by the digest that the build printed."""

import shlex
from typing import Any

import pytest

from infra.cli.rendering import COMMAND, Recorded, record
from infra.plan import Plan, plan
from infra.settings import ROOT, load
from stacks import forge
from tests.conftest import config_of, settings_of
from tools.images import content


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
        *("-m", "infra.cli", "image", "build", str(ROOT / "gateway_image")),
        *("--cluster", "rendered"),  # the name of the stack
    ]


def test_a_registry_is_preferred() -> None:
    config = config_of("local")
    config["synapse:registry"] = "registry.example/team"
    words = shlex.split(commands(recorded(plan(settings_of(config))))["engines-image"]["create"])
    assert words[-2:] == ["--registry", "registry.example/team"]


def test_pods_run_what_the_build_printed(local: list[Recorded]) -> None:
    assert images(local)["synapse-gateway"].startswith("localhost/gateway-image@sha256:")


def test_a_stack_that_builds_nothing_runs_no_command() -> None:
    assert commands(recorded(plan(load("forge")))) == {}
