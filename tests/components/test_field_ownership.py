"""Ownership of fields: every object has the stack's field manager, and takes back what others change."""

from typing import Any

import pulumi
import pytest

from components.field_ownership import own_fields
from infra.annotations import FIELD_MANAGER, FORCE, PULUMI_PREFIX
from infra.plan.stack import plan
from stacks import forge
from stacks.rendering import Recorded, manifests, record
from tests.conftest import changed, config_of, planned, settings_of
from tests.shipped import STACKS

CONSUMER = "jarvis-cortex"
MIGRATION = {"service": "ollama", "alias": "ollama", "configMaps": {"settings": {"URL": "{url}"}}, "restarts": ["app"]}


def objects(config: dict[str, Any]) -> list[Recorded]:
    """Return the recorded Kubernetes objects of a stack."""
    settings = settings_of(config)
    secrets = settings.secrets
    everything = record(
        lambda: forge.deploy(plan(settings), {key: pulumi.Output.from_input("sealed") for key in secrets})
    )
    return [each for each in everything if each.token.startswith("kubernetes:")]


def annotations(recorded: Recorded) -> dict[str, str]:
    written: dict[str, str] = recorded.inputs["metadata"]["annotations"]
    return written


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_has_one_field_manager_and_is_forced(stack: str) -> None:
    recorded = objects(config_of(stack))
    assert len(recorded) > 20
    for each in recorded:
        assert annotations(each)[FIELD_MANAGER] == "synapse", each.name
        assert annotations(each)[FORCE] == "true", each.name


def test_objects_of_a_consumer_are_apart() -> None:
    config = changed("consumers.memory", {"namespace": CONSUMER, "migration": MIGRATION})
    config["synapse:phase"] = 2  # from phase 5 on, consumers may call the gateway only
    recorded = [each for each in objects(config) if each.inputs["metadata"].get("namespace") == CONSUMER]
    managers = {each.token.rpartition(":")[2]: annotations(each)[FIELD_MANAGER] for each in recorded}
    assert managers == {
        "ConfigMapPatch": "synapse-memory-settings",
        "DeploymentPatch": "synapse-memory-app",
        "Service": "synapse",
    }
    forced = {each.token.rpartition(":")[2]: annotations(each)[FORCE] for each in recorded}
    assert forced == {"ConfigMapPatch": "true", "DeploymentPatch": "true", "Service": "false"}


def test_other_resources_are_left_alone() -> None:
    args = pulumi.ResourceTransformationArgs(
        resource=object(),  # type: ignore[arg-type]
        type_="command:local:Command",
        name="image",
        props={"metadata": {}},
        opts=pulumi.ResourceOptions(),
    )
    assert own_fields(args) is None


def test_manifests_for_people_are_without_annotations_for_pulumi() -> None:
    for content in manifests(planned()):
        written = content["metadata"].get("annotations", {"some": "annotation"})
        assert written
        assert not [key for key in written if key.startswith(PULUMI_PREFIX)]
