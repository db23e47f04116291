"""Run of the smoke checks, one after the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from infra.plan.stack import Plan
from ops.cluster.pods import connect_pods
from ops.errors import UnreachableError, WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.checks import CHECKS
from ops.smoke.scope import CheckCase, cases, recordings

WITHIN_S: Final = 300.0
"""The gateway's own limit for a language model, which may have to be loaded first."""


@dataclass(frozen=True, kw_only=True)
class SmokeResult:
    """Result of one case. *fault*: why it failed; *seconds*: time of its requests, recordings left out."""

    case: CheckCase
    seconds: float
    figures: Figures = field(default_factory=dict)
    fault: str | None = None

    @property
    def passed(self) -> bool:
        return self.fault is None


def run(
    plan: Plan, http: httpx.Client, within_s: float, checks: Sequence[SmokeCheck] = CHECKS
) -> Iterator[SmokeResult]:
    """Yield the result of each case; each request has *within_s* seconds."""
    shared = recordings(plan, GatewayClient(http, within_s))
    for case in cases(plan, checks):
        client = GatewayClient(http, within_s)
        yield _result(case, CheckContext(client=client, plan=plan, recordings=shared, model=case.model))


def failure_logs(plan: Plan, kubeconfig: Path, results: Sequence[SmokeResult]) -> Mapping[str, Sequence[str]]:
    """Return the last log lines of the pods of every service that took part in a failed case."""
    failures = [result for result in results if not result.passed]
    services = dict.fromkeys(service.service_name for result in failures for service in result.case.services)
    logs: dict[str, Sequence[str]] = {}
    if not services:
        return logs
    with connect_pods(kubeconfig, plan.settings.namespace, plan.settings.context) as pods:
        for service in services:
            try:
                logs |= pods.last_lines(service)
            except UnreachableError as error:
                logs[service] = [str(error)]
    return logs


def _result(case: CheckCase, context: CheckContext) -> SmokeResult:
    try:
        figures = case.check.run(context)
    except WrongAnswerError as error:
        return SmokeResult(case=case, seconds=context.client.seconds, fault=str(error))
    fallback = context.client.fallback_backend
    # The key is part of the JSON document.
    return SmokeResult(
        case=case,
        seconds=context.client.seconds,
        figures={**figures, "fallback_backend": fallback} if fallback else figures,
    )
