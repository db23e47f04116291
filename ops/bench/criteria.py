"""Success criteria of the platform against the measurement; a criterion that a stack cannot show gets a reason."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from infra.plan.stack import Plan
from ops.bench.endpoints import GATEWAY
from ops.bench.rounds import Series, overheads
from ops.cluster.pod_status import ready_condition
from ops.cluster.pods import ServicePods
from ops.cluster.port_forward import forward_port
from tools.bench.verdict import Verdict

EMBEDDING_MS: Final = 100
TOKENS_PER_S: Final = 100
ADDED_MS: Final = 5
VRAM_GB: Final = 28
START_MIN: Final = 5
EIGHT_BILLION: Final = (7.5e9, 9e9)
"""Parameters of a model that counts as one of eight billion."""
EXPORTER: Final = "dcgm-exporter"
USED = re.compile(r"^DCGM_FI_DEV_FB_USED\{.*\} (\S+)$", re.MULTILINE)
METRICS_TIMEOUT_S: Final = 20


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Verdicts, and the reason for each criterion without one."""

    verdicts: Sequence[Verdict]
    left_out: Sequence[str]


def evaluate(plan: Plan, series: Sequence[Series], pods: ServicePods) -> Evaluation:
    """Compare the measurement with every criterion."""
    results = [
        *_embeddings(series),
        *_tokens(plan, series),
        *_overhead(series),
        *_vram(plan, pods),
        *_start_times(plan, pods),
    ]
    return Evaluation(
        verdicts=[each for each in results if isinstance(each, Verdict)],
        left_out=[each for each in results if isinstance(each, str)],
    )


def _embeddings(series: Sequence[Series]) -> Iterator[Verdict | str]:
    measured = [each for each in series if each.task == "embeddings" and each.through == GATEWAY]
    for each in measured:
        value = each.median("latency_ms")
        if value is not None:
            yield Verdict(what=f"{each.model}: one embedding, median", value=value, bound=EMBEDDING_MS, unit=" ms")
    if not measured:
        yield "embeddings: the stack has no route for them"


def _tokens(plan: Plan, series: Sequence[Series]) -> Iterator[Verdict | str]:
    """Judge the models of about eight billion parameters on a GPU."""
    names = set(eight_billion_models(plan))
    measured = [each for each in series if each.task == "chat" and each.model in names and each.through == GATEWAY]
    for each in measured:
        value = each.median("tokens_per_s")
        if value is not None:
            yield Verdict(what=f"{each.model}: tokens/s", value=value, bound=TOKENS_PER_S, is_least=True)
    if not measured:
        yield "tokens/s at 8B: no route leads to a model of that size on a GPU"


def eight_billion_models(plan: Plan) -> Iterator[str]:
    """Yield the routes whose first target is a model of that size on a GPU."""
    for route in plan.routes.routes:
        target = route.targets[0]
        served = target.service.options.served_models()
        chosen = next((model.model_spec for model in served if model.name == target.model), None)
        name = (chosen or re.sub(r"-Q\d.*$", "", target.model)) if target.service.claim.gpus else ""
        specs = (
            spec
            for spec_name, spec in plan.settings.model_specs.items()
            if name and spec_name.rpartition("/")[2] == name.rpartition("/")[2]
        )
        if any(EIGHT_BILLION[0] <= spec.parameters <= EIGHT_BILLION[1] for spec in specs):
            yield route.model


def _overhead(series: Sequence[Series]) -> Iterator[Verdict]:
    for each in overheads(series):
        yield Verdict(what=f"{each.model}: added by the gateway, median", value=each.median, bound=ADDED_MS, unit=" ms")


def _vram(plan: Plan, pods: ServicePods) -> Iterator[Verdict | str]:
    """Judge the memory in use on the fullest GPU by the exporter; the ledger's sum where there is none."""
    if not plan.settings.node.gpus:
        yield "VRAM: the node has no GPU"
        return
    exporter = next((service for service in plan.services if service.backend.kind == EXPORTER), None)
    if exporter is None:
        claimed = sum(line.claim.vram * line.replicas * line.claim.gpus for line in plan.ledger.lines)
        yield Verdict(what="VRAM by the ledger", value=claimed / 1e9, bound=VRAM_GB, unit=" GB")
        return
    pod = pods.ready_pod(exporter.service_name)
    with forward_port(pods, pod, exporter.backend.container_port) as address:
        text = httpx.get(f"{address}/metrics", timeout=METRICS_TIMEOUT_S, trust_env=False).text
    used = [float(value) * 2**20 / 1e9 for value in USED.findall(text)]
    if used:
        yield Verdict(what="VRAM in use", value=max(used), bound=VRAM_GB, unit=" GB")
    else:
        yield "VRAM: the exporter reports no GPU"


def _start_times(plan: Plan, pods: ServicePods) -> Iterator[Verdict]:
    """Judge the time from the last start of each server's container until the pod was ready."""
    for service in (service for service in plan.services if service.backend.tasks):
        times = [_start_s(pod) for pod in pods.list_pods(service.service_name)]
        if measured := [seconds for seconds in times if seconds is not None]:
            what = f"{service.service_name}: last start until ready"
            yield Verdict(what=what, value=max(measured) / 60, bound=START_MIN, unit=" min")


def _start_s(pod: Any) -> float | None:  # noqa: ANN401 - the client is untyped
    ready = ready_condition(pod)
    running = [each.state.running.started_at for each in pod.status.container_statuses or [] if each.state.running]
    if ready is None or not running:
        return None
    return float((ready.last_transition_time - min(running)).total_seconds())
