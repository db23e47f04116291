"""The policy pack without an engine: its rules over rendered resources, with the SDK's own proxies as in a preview."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pulumi
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import unknown_checking_proxy

from infra.labels import PART_OF_LABEL
from infra.plan.stack import Plan
from policies.pack import RULES
from stacks.rendering import manifests

Resource = tuple[str, dict[str, Any]]
"""Its type token, and its properties."""
Violation = tuple[str, str]
"""The rule, and its message."""


def judge(
    resources: Iterable[Resource],
    config: Mapping[str, Any],
    pack: Mapping[str, Mapping[str, Any]] | None = None,
    protected: Collection[str] = (),
) -> list[Violation]:
    """Every violation of *resources*.

    *config* is the stack's, *pack* that of the rules by name; *protected* are names of resources with `protect`.
    """
    pulumi.runtime.set_all_config({key: json.dumps(value) for key, value in config.items()})
    judged = [resource(*item, protected) for item in resources]
    found: list[Violation] = []
    for rule in RULES:
        settings = dict((pack or {}).get(rule.name, {}))

        def report(message: str, urn: str | None = None, rule: str = rule.name) -> None:  # noqa: ARG001 - the SDK's
            found.append((rule, message))

        if isinstance(rule, StackValidationPolicy):
            rule.validate(StackValidationArgs(judged, settings), report)
        elif isinstance(rule, ResourceValidationPolicy):
            for each in judged:
                rule.validate(_args(each, settings), report)
    return found


def resources_of(plan: Plan) -> list[Resource]:
    """What *plan* deploys, as the rules see it."""
    return [(f"kubernetes:{found['apiVersion']}:{found['kind']}", found) for found in manifests(plan)]


def resource(kind: str, props: dict[str, Any], protected: Collection[str] = ()) -> PolicyResource:
    """One resource as the engine hands it to a rule."""
    metadata = props["metadata"] if isinstance(props.get("metadata"), dict) else {}
    name = str(metadata.get("name", "unnamed"))
    is_ours = PART_OF_LABEL in metadata.get("labels", {})
    parent = "synapse:components:Workload$" if is_ours else ""
    urn = f"urn:pulumi:test::synapse::{parent}{kind}::{name}"
    options = PolicyResourceOptions(
        protect=name in protected,
        ignore_changes=[],
        delete_before_replace=None,
        aliases=[],
        custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
        additional_secret_outputs=[],
    )
    return PolicyResource(kind, unknown_checking_proxy(_as_sent(props)), urn, name, options, None, None, [], {})


def _as_sent(value: Any) -> Any:  # noqa: ANN401 - properties are JSON
    """What the engine makes of *value*: every number is a float."""
    if isinstance(value, dict):
        return {key: _as_sent(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _args(found: PolicyResource, settings: dict[str, Any]) -> ResourceValidationArgs:
    return ResourceValidationArgs(found.resource_type, found.props, found.urn, found.name, found.opts, None, settings)
