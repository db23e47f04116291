"""Resources judged in process by the pack's own rules, with the SDK's proxies as in a preview."""

import json
from collections.abc import Iterable
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

from policies.pack import RULES
from tests.conftest import Config, forge_config

OPTIONS = PolicyResourceOptions(
    protect=False,
    ignore_changes=[],
    delete_before_replace=None,
    aliases=[],
    custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
    additional_secret_outputs=[],
)
Resource = tuple[str, dict[str, Any]]


def judge(resources: Iterable[Resource], config: Config | None = None) -> list[tuple[str, str]]:
    """(rule, message) of every violation of *resources*, given as (type token, properties)."""
    stack = forge_config() if config is None else config
    pulumi.runtime.set_all_config({key: json.dumps(value) for key, value in stack.items()})
    resources = list(resources)
    found: list[tuple[str, str]] = []
    for rule in RULES:

        def report(message: str, urn: str | None = None, rule: str = rule.name) -> None:
            found.append((rule, message))

        if isinstance(rule, StackValidationPolicy):
            rule.validate(StackValidationArgs([_resource(*resource) for resource in resources], {}), report)
        elif isinstance(rule, ResourceValidationPolicy):
            for kind, props in resources:
                rule.validate(_args(kind, props), report)
    return found


def workload(
    kind: str, spec: dict[str, Any], *, name: str = "hand", annotations: dict[str, str] | None = None
) -> Resource:
    """A resource of *kind* around one pod spec."""
    api = {"Pod": "core/v1", "Job": "batch/v1", "CronJob": "batch/v1"}.get(kind, "apps/v1")
    template = {"metadata": {"annotations": annotations or {}}, "spec": spec}
    outer: dict[str, Any] = {"kind": kind, "metadata": {"name": name}}
    if kind == "Pod":
        outer |= {"spec": spec}
        outer["metadata"]["annotations"] = annotations or {}
    elif kind == "CronJob":
        outer["spec"] = {"jobTemplate": {"spec": {"template": template}}}
    else:
        outer["spec"] = {"template": template}
    return f"kubernetes:{api}:{kind}", outer


def container(memory: str | None = "1Gi", cpu: str | None = "1", gpus: int = 0, **more: Any) -> dict[str, Any]:
    limits = {"memory": memory, "cpu": cpu, "nvidia.com/gpu": str(gpus) if gpus else None}
    kept = {key: value for key, value in limits.items() if value is not None}
    return {"name": "main", "image": "busybox", "resources": {"limits": kept}, **more}


def _resource(kind: str, props: dict[str, Any]) -> PolicyResource:
    name = str(props.get("metadata", {}).get("name", "unnamed"))
    is_ours = "app.kubernetes.io/part-of" in props.get("metadata", {}).get("labels", {})
    parent = "synapse:components:Workload$" if is_ours else ""
    urn = f"urn:pulumi:test::synapse::{parent}{kind}::{name}"
    return PolicyResource(kind, unknown_checking_proxy(props), urn, name, OPTIONS, None, None, [], {})


def _args(kind: str, props: dict[str, Any]) -> ResourceValidationArgs:
    resource = _resource(kind, props)
    return ResourceValidationArgs(kind, resource.props, resource.urn, resource.name, OPTIONS, None, {})
