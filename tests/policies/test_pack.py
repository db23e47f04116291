"""The pack accepts the forge, refuses each removed safeguard, and allows configured exceptions."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_OBJECT_VALUE, UNKNOWN_STRING_VALUE

from infra.plan.stack import plan
from infra.settings.loader import load
from policies.pack import RULES
from tests.conftest import config_of
from tests.policies.bad import EACH
from tests.policies.bad.builders import Bad
from tests.policies.run_pack import NAMESPACE, Resource, container, judge, resources_of, rules, thing, workload
from tests.shipped import STACKS

SAFEGUARDS: dict[tuple[str | int, ...], str] = {
    ("automountServiceAccountToken",): "tokens-are-asked-for",
    ("securityContext",): "containers-run-unprivileged",
    ("securityContext", "runAsNonRoot"): "containers-run-unprivileged",
    ("securityContext", "runAsUser"): "containers-run-unprivileged",
    ("securityContext", "runAsGroup"): "containers-run-unprivileged",
    ("securityContext", "seccompProfile"): "containers-stay-confined",
    ("containers", 0, "securityContext"): "containers-run-unprivileged",
    ("containers", 0, "securityContext", "allowPrivilegeEscalation"): "containers-run-unprivileged",
    ("containers", 0, "securityContext", "capabilities"): "containers-run-unprivileged",
    ("containers", 0, "securityContext", "readOnlyRootFilesystem"): "root-is-read-only",
    ("containers", 0, "resources"): "containers-have-limits",
    ("containers", 0, "resources", "limits", "memory"): "containers-have-limits",
    ("containers", 0, "resources", "limits", "cpu"): "containers-have-limits",
    ("containers", 0, "readinessProbe"): "servers-are-probed",
    ("containers", 0, "livenessProbe"): "servers-are-probed",
    ("containers", 0, "startupProbe"): "servers-are-probed",
}
"""Field of every pod of the forge -> the rule that requires it."""
FULL = {"ingress-other", "undenied", "budget-min", "impatient-ingress", "gpu-device", "gpu-surges", "linked-own"} | {
    "sysctl",
    "added-rights",
    "selinux-user",
    "litellm-installed",
    "secret-map",
    "external-address",
    "host-port",
    "lost-set",
    "lost-namespace",
    "slow-loader",
}
"""Bad programs that together contain every field that a rule reads."""
NOT_HARDENING = {"fsGroup", "fsGroupChangePolicy"}
"""Ownership of volumes, which is not a safeguard."""


def deployments(forge: list[Resource]) -> list[str]:
    return [props["metadata"]["name"] for kind, props in forge if kind.endswith(":Deployment")]


def without(forge: list[Resource], name: str, path: tuple[str | int, ...]) -> list[Resource]:
    """Return the forge without one field of one Deployment's pod."""
    changed = copy.deepcopy(forge)
    (holder,) = [props for kind, props in changed if kind.endswith(":Deployment") and props["metadata"]["name"] == name]
    at: Any = holder["spec"]["template"]["spec"]
    for part in path[:-1]:
        at = at[part]
    del at[path[-1]]
    return changed


def guarded(forge: list[Resource], path: tuple[str | int, ...]) -> list[str]:
    """Return the Deployments with the field as a safeguard; pods that use the API server mount a token."""
    return [name for name in deployments(forge) if path != ("automountServiceAccountToken",) or not mounts(forge, name)]


def mounts(forge: list[Resource], name: str) -> bool:
    (props,) = [props for kind, props in forge if kind.endswith(":Deployment") and props["metadata"]["name"] == name]
    return bool(props["spec"]["template"]["spec"]["automountServiceAccountToken"])


def test_the_forge_passes(forge: list[Resource]) -> None:
    assert judge(forge) == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_shipped_stack_passes(stack: str) -> None:
    assert judge(resources_of(plan(load(stack))), config_of(stack)) == []


def test_every_rule_is_mandatory_and_described() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.enforcement_level is EnforcementLevel.MANDATORY
        assert rule.description


@pytest.mark.parametrize("path", SAFEGUARDS, ids=lambda path: ".".join(map(str, path)))
def test_a_removed_safeguard_is_refused(forge: list[Resource], path: tuple[str | int, ...]) -> None:
    assert len(guarded(forge, path)) >= len(deployments(forge)) - 1
    for name in guarded(forge, path):
        violations = judge(without(forge, name, path))
        assert any(rule == SAFEGUARDS[path] and f"Deployment/{name}: " in message for rule, message in violations), name


@pytest.mark.parametrize("name", ["ollama", "vllm-inference", "synapse-gateway"])
def test_injected_variables_are_refused_where_software_reads_them(forge: list[Resource], name: str) -> None:
    violations = judge(without(forge, name, ("enableServiceLinks",)))
    assert {(rule, message.partition(": ")[0]) for rule, message in violations} == {
        ("services-set-nothing", f"Deployment/{name}")
    }


def test_every_field_of_a_security_context_is_a_safeguard(forge: list[Resource]) -> None:
    for _, props in (item for item in forge if item[0].endswith(":Deployment")):
        spec = props["spec"]["template"]["spec"]
        fields = {path[-1] for path in SAFEGUARDS} | NOT_HARDENING
        assert spec["securityContext"].keys() | spec["containers"][0]["securityContext"].keys() <= fields


def test_other_faults_of_the_forge_are_refused_too(forge: list[Resource]) -> None:
    gpu = copy.deepcopy(forge)
    for kind, props in gpu:
        if kind.endswith(":Deployment"):
            del props["spec"]["strategy"]
            image = props["spec"]["template"]["spec"]["containers"][0]["image"]
            props["spec"]["template"]["spec"]["containers"][0]["image"] = image.partition("@")[0]
        props["metadata"].pop("annotations", None)
    broken = rules(judge(gpu))
    assert {"gpu-is-released-first", "images-are-pinned", "claims-survive-destroy"} <= set(broken)


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*at, key)
            yield from paths(inner, (*at, key))


@pytest.mark.parametrize("unknown", [UNKNOWN_STRING_VALUE, UNKNOWN_OBJECT_VALUE])
@pytest.mark.parametrize("bad", [bad for bad in EACH if bad.name in FULL], ids=lambda bad: bad.name)
def test_no_rule_is_aborted_by_an_unknown_value(bad: Bad, unknown: str) -> None:
    for number, (token, whole) in enumerate(bad.resources):
        for path in paths(whole):
            props = copy.deepcopy(whole)
            holder: Any = props
            for part in path[:-1]:
                holder = holder[part]
            holder[path[-1]] = unknown
            judge([*bad.resources[:number], (token, props), *bad.resources[number + 1 :]])


def test_values_that_no_rule_needs_may_be_unknown(forge: list[Resource]) -> None:
    later = container("1Mi", "1m", image=UNKNOWN_STRING_VALUE, env=UNKNOWN_ARRAY_VALUE)
    spec = {"serviceAccountName": UNKNOWN_STRING_VALUE, "containers": [later]}
    assert judge([*forge, workload("Deployment", spec), thing("ConfigMap", data=UNKNOWN_OBJECT_VALUE)]) == []


@pytest.mark.parametrize("allowed", ["Service/node-port", f"Service/{NAMESPACE}/node-port"])
def test_an_object_may_be_allowed_by_name(allowed: str) -> None:
    (bad,) = [bad for bad in EACH if bad.name == "node-port"]
    assert judge(bad.resources, pack={"nothing-is-exposed": {"allow": [allowed]}}) == []
    assert judge(bad.resources, pack={"nothing-is-exposed": {"allow": ["Service/other"]}})


def test_an_object_may_be_allowed_in_a_rule_over_the_stack() -> None:
    (bad,) = [bad for bad in EACH if bad.name == "lost-claim"]
    assert judge(bad.resources, pack={"claims-survive-destroy": {"allow": ["PersistentVolumeClaim/lost-claim"]}}) == []
