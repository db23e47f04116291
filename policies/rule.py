"""Factories for rules: over the budget of a stack, over all its objects, over each object, over each pod.

All rules are mandatory unless the pack's configuration says otherwise; it may also exempt objects from a rule.
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
from infra.sizing.specs.model_spec import ModelSpec
from policies.reading import node
from policies.reading.autoscalers import scaled_pods
from policies.reading.claims import ledger_line
from policies.reading.objects import Object, objects
from policies.reading.pods import Pods, pods
from policies.reading.rollouts import with_rollout
from policies.reading.unknowns import UnprovenError

Config = Mapping[str, Any]
Schema = Mapping[str, dict[str, Any]]
BudgetCheck = Callable[[Sequence[LedgerLine], Capacity], list[Violation]]
StackCheck = Callable[[Sequence[Object], Config], Iterable["ObjectViolation"]]
ObjectCheck = Callable[[Object, Config], Iterable[str]]
PodCheck = Callable[[Pods], Iterable[str]]

ALLOW: Schema = {
    "allow": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Objects that are exempt from the rule: Kind/name, or Kind/namespace/name.",
    }
}


class StackRule(StackValidationPolicy):
    """A rule over a whole stack, with the reason that docs/policies.md shows."""

    reason: str


class ObjectRule(ResourceValidationPolicy):
    """A rule over single resources, with the reason that docs/policies.md shows."""

    reason: str


Rule = StackRule | ObjectRule


@dataclass(frozen=True, kw_only=True)
class ObjectViolation:
    """One violation of a rule by one object of the stack."""

    object: Object
    message: str


def budget_rule(name: str, description: str, check: BudgetCheck, *, reason: str) -> StackRule:
    """Return a rule over the resource claims of all pods of a stack, with the budget checks of the ledger.

    A figure that is unknown or unreadable is a violation too, because the sum cannot be proved.
    """

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        try:
            capacity = node.capacity(args.get_config() or {})
            model_specs = node.model_specs()
            stack_pods = list(scaled_pods(_objects(args)))
        except UnprovenError as error:
            report(str(error), None)
            return
        lines = _lines(stack_pods, capacity, model_specs, report)
        urns = {line.name: urn for line, urn in lines}
        for violation in check([line for line, _ in lines], capacity):
            report(violation.message, urns[violation.name])

    return _stack_rule(name, description, validate, node.CONFIG_SCHEMA, reason)


def stack_rule(
    name: str, description: str, check: StackCheck, schema: Schema | None = None, *, reason: str
) -> StackRule:
    """Return a rule over all objects of a stack; *check* yields its violations, each with a remedy."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        config = args.get_config() or {}
        try:
            for violation in check(_objects(args), config):
                if not _is_allowed(violation.object, config):
                    report(f"{violation.object.name}: {violation.message}", violation.object.urn)
        except UnprovenError as error:
            report(f"{error}; give it a plain value", None)

    return _stack_rule(name, description, validate, {**ALLOW, **(schema or {})}, reason)


def object_rule(
    name: str, description: str, check: ObjectCheck, schema: Schema | None = None, *, reason: str
) -> ObjectRule:
    """Return a rule over each single object; *check* yields its violations, each with a remedy."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        config = args.get_config() or {}
        for item in objects(args):
            if _is_allowed(item, config):
                continue
            try:
                for message in check(item, config):
                    report(f"{item.name}: {message}", args.urn)
            except UnprovenError as error:
                report(f"{item.name}: {error}; give it a plain value", args.urn)

    rule = ObjectRule(
        name=name,
        description=description,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(properties={**ALLOW, **(schema or {})}),
        validate=validate,
    )
    rule.reason = reason
    return rule


def pod_rule(name: str, description: str, check: PodCheck, *, reason: str) -> ObjectRule:
    """Return a rule over the pods of each object; *check* yields its violations, each with a remedy."""

    def check_object(item: Object, _: Config) -> Iterator[str]:
        for pod in pods(item):
            yield from check(pod)

    return object_rule(name, description, check_object, reason=reason)


def schema_of(rule: Policy) -> Schema:
    """Return the configuration schema of *rule*, without its enforcement level."""
    return rule.config_schema.properties if rule.config_schema else {}


def _stack_rule(
    name: str,
    description: str,
    validate: Callable[[StackValidationArgs, ReportViolation], None],
    schema: Schema,
    reason: str,
) -> StackRule:
    rule = StackRule(
        name=name,
        description=description,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(properties=dict(schema)),
        validate=validate,
    )
    rule.reason = reason
    return rule


def _objects(args: StackValidationArgs) -> list[Object]:
    return [item for resource in sorted(args.resources, key=_platform_first) for item in objects(resource)]


def _platform_first(resource: PolicyResource) -> tuple[bool, str]:
    """Sort key: the same order in every run, with resources outside a component last."""
    return "$" not in resource.urn, resource.urn


def _is_allowed(item: Object, config: Config) -> bool:
    names = {item.name, f"{item.kind}/{item.namespace}/{item.bare_name}"}
    return not names.isdisjoint(config.get("allow", ()))


def _lines(
    stack_pods: Iterable[Pods], capacity: Capacity, model_specs: Mapping[str, ModelSpec], report: ReportViolation
) -> list[tuple[LedgerLine, str]]:
    """Return the ledger lines of *stack_pods*, each with the URN of its resource."""
    lines: list[tuple[LedgerLine, str]] = []
    for pod in stack_pods:
        try:
            lines += [(line, pod.urn) for line in with_rollout(ledger_line(pod, capacity, model_specs), pod)]
        except UnprovenError as error:
            report(f"{pod.name}: {error}; give it a plain value, so that the sum can be proved", pod.urn)
    return lines
