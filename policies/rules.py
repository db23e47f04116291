"""Two ways to make a rule: of the whole stack's sums, and of each pod by itself. Both are mandatory."""

from collections.abc import Callable, Iterable, Sequence

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra.budget import Capacity, Finding, Line
from policies import node
from policies.claims import line
from policies.known import UnprovenError
from policies.pods import Pods, pods

SumCheck = Callable[[Sequence[Line], Capacity], list[Finding]]
PodCheck = Callable[[Pods], Iterable[str]]


def stack_rule(name: str, description: str, check: SumCheck) -> StackValidationPolicy:
    """A rule over the claims of every pod of a stack, with the ledger's own arithmetic.

    A figure that cannot be known or read is a violation too: what cannot be proved is not let through.
    """

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        ordered = sorted(args.resources, key=_platform_first)
        found = [pod for resource in ordered for pod in pods(resource.resource_type, resource.props, resource.urn)]
        try:
            capacity = node.capacity(args.get_config() or {})
        except UnprovenError as error:
            report(str(error), None)
            return
        lines = _lines(found, capacity, report)
        urns = {pod.name: pod.urn for pod in found}
        for finding in check(lines, capacity):
            report(finding.message, urns[finding.name])

    return StackValidationPolicy(
        name=name,
        description=description,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(properties=node.CONFIG_SCHEMA),
        validate=validate,
    )


def pod_rule(name: str, description: str, check: PodCheck) -> ResourceValidationPolicy:
    """A rule over the pods of one resource; *check* yields what is wrong, each with its remedy."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for found in pods(args.resource_type, args.props, args.urn):
            try:
                for message in check(found):
                    report(f"{found.name}: {message}", args.urn)
            except UnprovenError as error:
                report(f"{found.name}: {error}; give it a plain value", args.urn)

    return ResourceValidationPolicy(
        name=name, description=description, enforcement_level=EnforcementLevel.MANDATORY, validate=validate
    )


def _platform_first(resource: PolicyResource) -> tuple[bool, str]:
    """The same order in every run, whatever was registered first: what stands outside a component is named last."""
    return "$" not in resource.urn, resource.urn


def _lines(found: Iterable[Pods], capacity: Capacity, report: ReportViolation) -> list[Line]:
    cards, lines = node.cards(), []
    for pod in found:
        try:
            lines.append(line(pod, capacity, cards))
        except UnprovenError as error:
            report(f"{pod.name}: {error}; give it a plain value, so that the sum can be proved", pod.urn)
    return lines
