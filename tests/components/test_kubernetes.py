"""Our way to register a kind, held to the SDK's own classes."""

import importlib
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest
from pulumi._types import _py_properties, is_input_type

from components import kubernetes
from components.kubernetes import Api, camel
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
"""A daemon's port, which a Node reports: the one name that begins with a capital."""


def by_the_sdk(api: Api, kind: str, name: str, **fields: Any) -> pulumi.Resource:
    made: pulumi.Resource = getattr(getattr(pulumi_kubernetes, GROUPS[api.token]).v1, kind)(name, **fields)
    return made


def deployed(stack: str) -> dict[tuple[str, str], Recorded]:
    settings = load(stack)
    secrets = {key: pulumi.Output.secret(SEALED) for key in settings.secrets}
    return {(each.token, each.name): each for each in record(lambda: forge.deploy(plan(settings), secrets))}


@pytest.mark.parametrize("stack", ["forge", "forge-llamacpp", "local"])
def test_every_object_is_what_the_sdk_would_register(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = deployed(stack)
    monkeypatch.setattr(kubernetes, "Object", by_the_sdk)
    assert ours == deployed(stack)


@pytest.mark.parametrize("group", [*GROUPS.values(), "meta"])
def test_every_field_has_the_name_that_the_sdk_gives_it(group: str) -> None:
    names = dict(fields(group))
    assert names
    assert {ours: next(iter(camel({ours: 1}))) for ours in names} == names


def fields(group: str) -> Iterator[tuple[str, str]]:
    """The SDK's name of each field that can be set in a group, and Kubernetes'."""
    inputs: dict[str, Any] = vars(importlib.import_module(f"pulumi_kubernetes.{group}.v1._inputs"))
    for each in inputs.values():
        if isinstance(each, type) and is_input_type(each):
            yield from ((ours, theirs) for ours, theirs, _ in _py_properties(each) if STATUS_ONLY.get(ours) != theirs)


def test_a_persons_own_keys_are_left_as_they_are() -> None:
    assert camel({"data": {"OLLAMA_HOST": "a"}, "metadata": {"labels": {"my_label": "b"}}}) == {
        "data": {"OLLAMA_HOST": "a"},
        "metadata": {"labels": {"my_label": "b"}},
    }


def test_a_secret_is_kept_secret_as_by_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = secret()
    monkeypatch.setattr(kubernetes, "Object", by_the_sdk)
    assert ours == secret()
    (made, options) = ours
    assert made.inputs["stringData"] != {"key": "word"}  # wrapped as a secret
    assert options == (["data", "stringData"], version("pulumi-kubernetes"))


def secret() -> tuple[Recorded, tuple[list[str] | None, str | None]]:
    """A Secret as it is registered: its inputs, which of its outputs are secret, and whose plugin makes it."""
    asked: list[pulumi.ResourceOptions] = []

    def see(args: pulumi.ResourceTransformationArgs) -> None:
        asked.append(args.opts)

    def program() -> None:
        options = pulumi.ResourceOptions(transformations=[see])
        kubernetes.core.v1.Secret("key", metadata={"name": "key"}, string_data={"key": "word"}, opts=options)

    (made,) = record(program)
    return made, (asked[0].additional_secret_outputs, asked[0].version)
