"""Run of the policy pack without an engine: its rules over rendered resources, with the SDK's proxies of a preview."""

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
"""Type token and properties."""
PolicyViolation = tuple[str, str]
"""Rule and message."""


def run_pack(
    resources: Iterable[Resource],
    config: Mapping[str, Any],
    pack: Mapping[str, Mapping[str, Any]] | None = None,
    protected: Collection[str] = (),
) -> list[PolicyViolation]:
    """Return every violation of *resources*.

    *config* is the stack's, *pack* that of the rules by name; *protected* are names of resources with `protect`.
    """
    pulumi.runtime.set_all_config({key: json.dumps(value) for key, value in config.items()})
    inputs = [resource(*item, protected) for item in resources]
    violations: list[PolicyViolation] = []
    for rule in RULES:
        settings = dict((pack or {}).get(rule.name, {}))

        def report(message: str, urn: str | None = None, rule: str = rule.name) -> None:  # noqa: ARG001 - the SDK's
            violations.append((rule, message))

        if isinstance(rule, StackValidationPolicy):
            rule.validate(StackValidationArgs(inputs, settings), report)
        elif isinstance(rule, ResourceValidationPolicy):
            for each in inputs:
                rule.validate(_args(each, settings), report)
    return violations


def resources_of(plan: Plan) -> list[Resource]:
    """Return the resources that *plan* deploys, as the rules get them."""
    return [(f"kubernetes:{each['apiVersion']}:{each['kind']}", each) for each in manifests(plan)]


def resource(kind: str, props: dict[str, Any], protected: Collection[str] = ()) -> PolicyResource:
    """Return one resource as the engine passes it to a rule."""
    metadata = props["metadata"] if isinstance(props.get("metadata"), dict) else {}
    name = str(metadata.get("name", "unnamed"))
    is_of_stack = PART_OF_LABEL in metadata.get("labels", {})
    parent = "synapse:components:Workload$" if is_of_stack else ""
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
    """Return *value* as the engine sends it: every number is a float."""
    if isinstance(value, dict):
        return {key: _as_sent(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _args(each: PolicyResource, settings: dict[str, Any]) -> ResourceValidationArgs:
    return ResourceValidationArgs(each.resource_type, each.props, each.urn, each.name, each.opts, None, settings)
