"""The ways to make a rule: of the stack's sums, of all its objects together, of each object, of each pod.

All are mandatory unless the pack's configuration says otherwise, which may also name what a rule leaves alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra.sizing.budget import Capacity, LedgerLine, Violation
from infra.sizing.vram import ModelSpec
from policies.reading import node
from policies.reading.autoscalers import scaled_pods
from policies.reading.claims import line
from policies.reading.objects import Object, objects
from policies.reading.pods import Pods, pods
from policies.reading.rollouts import at_once
from policies.reading.unknowns import UnprovenError

Config = Mapping[str, Any]
Schema = Mapping[str, dict[str, Any]]
SumCheck = Callable[[Sequence[LedgerLine], Capacity], list[Violation]]
StackCheck = Callable[[Sequence[Object], Config], Iterable["Fault"]]
ObjectCheck = Callable[[Object, Config], Iterable[str]]
PodCheck = Callable[[Pods], Iterable[str]]

ALLOW: Schema = {
    "allow": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Objects that the rule leaves alone: Kind/name, or Kind/namespace/name.",
    }
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with one object of the stack."""

    object: Object
    message: str


def stack_rule(name: str, description: str, check: SumCheck) -> StackValidationPolicy:
    """A rule over the claims of every pod of a stack, with the ledger's own arithmetic.

    A figure that cannot be known or read is a violation too: what cannot be proved is not let through.
    """

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        try:
            capacity = node.capacity(args.get_config() or {})
            model_specs = node.model_specs()
            found = list(scaled_pods(_objects(args)))
        except UnprovenError as error:
            report(str(error), None)
            return
        lines = _lines(found, capacity, model_specs, report)
        urns = {each.name: urn for each, urn in lines}
        for violation in check([each for each, _ in lines], capacity):
            report(violation.message, urns[violation.name])

    return StackValidationPolicy(
        name=name,
        description=description,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(properties=node.CONFIG_SCHEMA),
        validate=validate,
    )


def objects_rule(name: str, description: str, check: StackCheck, schema: Schema | None = None) -> StackValidationPolicy:
    """A rule over all objects of a stack together; *check* yields what is wrong with which, each with its remedy."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        config = args.get_config() or {}
        try:
            for fault in check(_objects(args), config):
                if not _is_allowed(fault.object, config):
                    report(f"{fault.object.name}: {fault.message}", fault.object.urn)
        except UnprovenError as error:
            report(f"{error}; give it a plain value", None)

    return StackValidationPolicy(
        name=name,
        description=description,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=_schema(schema),
        validate=validate,
    )


def object_rule(
    name: str, description: str, check: ObjectCheck, schema: Schema | None = None
) -> ResourceValidationPolicy:
    """A rule over each object by itself; *check* yields what is wrong, each with its remedy."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        config = args.get_config() or {}
        for found in objects(args):
            if _is_allowed(found, config):
                continue
            try:
                for message in check(found, config):
                    report(f"{found.name}: {message}", args.urn)
            except UnprovenError as error:
                report(f"{found.name}: {error}; give it a plain value", args.urn)

    return ResourceValidationPolicy(
        name=name,
        description=description,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=_schema(schema),
        validate=validate,
    )


def pod_rule(name: str, description: str, check: PodCheck) -> ResourceValidationPolicy:
    """A rule over the pods of each object; *check* yields what is wrong, each with its remedy."""

    def of_object(found: Object, _: Config) -> Iterator[str]:
        for pod in pods(found):
            yield from check(pod)

    return object_rule(name, description, of_object)


def schema_of(rule: Policy) -> Schema:
    """The configuration that *rule* takes, beside its enforcement level."""
    return rule.config_schema.properties if rule.config_schema else {}


def _objects(args: StackValidationArgs) -> list[Object]:
    return [item for resource in sorted(args.resources, key=_platform_first) for item in objects(resource)]


def _platform_first(resource: PolicyResource) -> tuple[bool, str]:
    """The same order in every run, whatever was registered first: what stands outside a component is named last."""
    return "$" not in resource.urn, resource.urn


def _schema(more: Schema | None) -> PolicyConfigSchema:
    return PolicyConfigSchema(properties={**ALLOW, **(more or {})})


def _is_allowed(found: Object, config: Config) -> bool:
    names = {found.name, f"{found.kind}/{found.namespace}/{found.bare_name}"}
    return not names.isdisjoint(config.get("allow", ()))


def _lines(
    found: Iterable[Pods], capacity: Capacity, model_specs: Mapping[str, ModelSpec], report: ReportViolation
) -> list[tuple[LedgerLine, str]]:
    """The ledger lines of *found*, each with the URN of its resource."""
    lines: list[tuple[LedgerLine, str]] = []
    for pod in found:
        try:
            lines += [(each, pod.urn) for each in at_once(line(pod, capacity, model_specs), pod)]
        except UnprovenError as error:
            report(f"{pod.name}: {error}; give it a plain value, so that the sum can be proved", pod.urn)
    return lines
