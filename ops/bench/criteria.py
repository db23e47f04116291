"""The success criteria of the platform, beside what was measured; what the stack cannot show is said."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from infra.plan.stack import Plan
from ops.bench.endpoints import GATEWAY
from ops.bench.rounds import Series, added
from ops.cluster.pods import Pods
from ops.cluster.port_forward import forwarded
from tools.bench.verdict import Verdict

EMBEDDING_MS: Final = 100
TOKENS_PER_S: Final = 100
ADDED_MS: Final = 5
VRAM_GB: Final = 28
RESTART_MIN: Final = 5
EIGHT: Final = (7.5e9, 9e9)
"""Parameters of a model of the size that the criterion means."""
EXPORTER: Final = "dcgm-exporter"
USED = re.compile(r"^DCGM_FI_DEV_FB_USED\{.*\} (\S+)$", re.MULTILINE)
PATIENCE_S: Final = 20


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Verdicts, and for each criterion that got none the reason."""

    verdicts: Sequence[Verdict]
    left_out: Sequence[str]


def judge(plan: Plan, series: Sequence[Series], pods: Pods) -> Judged:
    found = [
        *_embeddings(series),
        *_tokens(plan, series),
        *_overhead(series),
        *_vram(plan, pods),
        *_restarts(plan, pods),
    ]
    return Judged(
        verdicts=[each for each in found if isinstance(each, Verdict)],
        left_out=[each for each in found if isinstance(each, str)],
    )


def _embeddings(series: Sequence[Series]) -> Iterator[Verdict | str]:
    known = [each for each in series if each.task == "embeddings" and each.through == GATEWAY]
    for each in known:
        value = each.median("latency_ms")
        if value is not None:
            yield Verdict(what=f"{each.model}: one embedding, median", value=value, bound=EMBEDDING_MS, unit=" ms")
    if not known:
        yield "embeddings: the stack has no route for them"


def _tokens(plan: Plan, series: Sequence[Series]) -> Iterator[Verdict | str]:
    """Of models of about eight billion parameters on a GPU."""
    names = set(_eights(plan))
    known = [each for each in series if each.task == "chat" and each.model in names and each.through == GATEWAY]
    for each in known:
        value = each.median("tokens_per_s")
        if value is not None:
            yield Verdict(what=f"{each.model}: tokens/s", value=value, bound=TOKENS_PER_S, is_least=True)
    if not known:
        yield "tokens/s at 8B: no route leads to a model of that size on a GPU"


def _eights(plan: Plan) -> Iterator[str]:
    for route in plan.routes.routes:
        target = route.targets[0]
        served = target.service.options.served_models()
        named = next((model.model_spec for model in served if model.name == target.model), None)
        name = (named or re.sub(r"-Q\d.*$", "", target.model)) if target.service.claim.gpus else ""
        model_specs = (
            model_spec
            for known, model_spec in plan.settings.model_specs.items()
            if name and known.rpartition("/")[2] == name.rpartition("/")[2]
        )
        if any(EIGHT[0] <= model_spec.parameters <= EIGHT[1] for model_spec in model_specs):
            yield route.model


def _overhead(series: Sequence[Series]) -> Iterator[Verdict]:
    for each in added(series):
        yield Verdict(what=f"{each.model}: added by the gateway, median", value=each.median, bound=ADDED_MS, unit=" ms")


def _vram(plan: Plan, pods: Pods) -> Iterator[Verdict | str]:
    """In use on the fullest card, as the exporter sees it; the ledger's sum where there is none."""
    if not plan.settings.node.gpus:
        yield "VRAM: the node has no GPU"
        return
    exporter = next((service for service in plan.services if service.backend.kind == EXPORTER), None)
    if exporter is None:
        claimed = sum(line.claim.vram * line.replicas * line.claim.gpus for line in plan.ledger.lines)
        yield Verdict(what="VRAM by the ledger", value=claimed / 1e9, bound=VRAM_GB, unit=" GB")
        return
    pod = pods.ready(exporter.service_name)
    with forwarded(pods, pod, exporter.backend.container_port) as address:
        text = httpx.get(f"{address}/metrics", timeout=PATIENCE_S, trust_env=False).text
    used = [float(value) * 2**20 / 1e9 for value in USED.findall(text)]
    yield Verdict(what="VRAM in use", value=max(used), bound=VRAM_GB, unit=" GB") if used else "VRAM: no card is seen"


def _restarts(plan: Plan, pods: Pods) -> Iterator[Verdict]:
    """From the start of each server's container to its being ready, the last time that it was started."""
    for service in (service for service in plan.services if service.backend.tasks):
        seconds = [_start_s(pod) for pod in pods.of(service.service_name)]
        if known := [found for found in seconds if found is not None]:
            what = f"{service.service_name}: last start until ready"
            yield Verdict(what=what, value=max(known) / 60, bound=RESTART_MIN, unit=" min")


def _start_s(pod: Any) -> float | None:  # noqa: ANN401 - the client is untyped
    ready = [each for each in pod.status.conditions or [] if each.type == "Ready" and each.status == "True"]
    running = [each.state.running.started_at for each in pod.status.container_statuses or [] if each.state.running]
    if not ready or not running:
        return None
    return float((ready[0].last_transition_time - min(running)).total_seconds())
