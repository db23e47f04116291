"""Registration without the SDK's classes, compared with the classes."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest
from pulumi._types import _py_properties, is_input_type

from components import kubernetes
from components.kubernetes import ApiVersion, camel
from infra import fast_preview
from infra.plan.stack import plan
from infra.settings.loader import load
from stacks import forge
from stacks.rendering import SEALED, Recorded, record

GROUPS = {
    "core/v1": "core",
    "apps/v1": "apps",
    "batch/v1": "batch",
    "networking.k8s.io/v1": "networking",
    "policy/v1": "policy",
    "rbac.authorization.k8s.io/v1": "rbac",
}
STATUS_ONLY = {"port": "Port"}
"""A daemon's port in the status of a Node: the only name that begins with a capital."""


def by_the_sdk(api: ApiVersion, kind: str, name: str, **fields: Any) -> pulumi.Resource:
    resource: pulumi.Resource = getattr(getattr(pulumi_kubernetes, GROUPS[api.token]).v1, kind)(name, **fields)
    return resource


def deployed(stack: str) -> dict[tuple[str, str], Recorded]:
    settings = load(stack)

    def program() -> Awaitable[object]:
        return forge.deploy(plan(settings), {key: pulumi.Output.secret(SEALED) for key in settings.secrets})

    # The SDK adds the types of former API versions as aliases, which no released resource has.
    return {(each.token, each.name): replace(each, aliases=()) for each in record(program)}


@pytest.mark.parametrize("stack", ["forge", "forge-llamacpp", "local"])
def test_every_object_is_what_the_sdk_would_register(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = deployed(stack)
    monkeypatch.setattr(kubernetes, "Object", by_the_sdk)
    assert ours == deployed(stack)


def test_the_switch_loads_the_classes_and_registers_the_same(forge_objects: list[dict[str, Any]]) -> None:
    program = (
        "import json, sys\n"
        "from infra.plan.stack import plan\n"
        "from infra.settings.loader import load\n"
        "from stacks.rendering import manifests\n"
        "objects = manifests(plan(load('forge')))\n"
        "assert 'pulumi_kubernetes.apps.v1' in sys.modules\n"
        "print(json.dumps(objects))\n"
    )
    environment = os.environ | {fast_preview.SWITCH: "0"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == forge_objects


@pytest.mark.parametrize("group", [*GROUPS.values(), "meta"])
def test_every_field_has_the_name_that_the_sdk_gives_it(group: str) -> None:
    names = dict(fields(group))
    assert names
    assert {ours: next(iter(camel({ours: 1}))) for ours in names} == names


def fields(group: str) -> Iterator[tuple[str, str]]:
    """Yield the SDK's name of each input field of a group, and the name in Kubernetes."""
    inputs: dict[str, Any] = vars(importlib.import_module(f"pulumi_kubernetes.{group}.v1._inputs"))
    for each in inputs.values():
        if isinstance(each, type) and is_input_type(each):
            yield from ((ours, theirs) for ours, theirs, _ in _py_properties(each) if STATUS_ONLY.get(ours) != theirs)


def test_user_defined_keys_are_not_changed() -> None:
    assert camel({"data": {"OLLAMA_HOST": "a"}, "metadata": {"labels": {"my_label": "b"}}}) == {
        "data": {"OLLAMA_HOST": "a"},
        "metadata": {"labels": {"my_label": "b"}},
    }


def test_a_secret_is_protected_as_by_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = secret()
    monkeypatch.setattr(kubernetes, "Object", by_the_sdk)
    assert ours == secret()
    (resource, options) = ours
    assert resource.inputs["stringData"] != {"key": "word"}  # wrapped as a secret
    assert options == (["data", "stringData"], version("pulumi-kubernetes"))


def secret() -> tuple[Recorded, tuple[list[str] | None, str | None]]:
    """Return a registered Secret, the names of its secret outputs, and the version of its plugin."""
    registered: list[pulumi.ResourceOptions] = []

    def transform(args: pulumi.ResourceTransformationArgs) -> None:
        registered.append(args.opts)

    def program() -> None:
        options = pulumi.ResourceOptions(transformations=[transform])
        kubernetes.core.v1.Secret("key", metadata={"name": "key"}, string_data={"key": "word"}, opts=options)

    (resource,) = record(program)
    return resource, (registered[0].additional_secret_outputs, registered[0].version)
