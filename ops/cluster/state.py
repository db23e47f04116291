"""State of a stack in a cluster: its pods and its persistent volume claims."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes import client

from infra.labels import NAME_LABEL, STACK_SELECTOR
from infra.plan.stack import Plan
from ops.cluster.api_errors import translate_errors
from ops.cluster.connection import connect
from ops.cluster.pod_metrics import memory_in_use
from ops.cluster.pod_status import has_ended, is_ready, is_terminating
from ops.errors import UnreachableError


@dataclass(frozen=True, kw_only=True)
class PodState:
    """One pod: its workload and node, and the reason where it is not ready."""

    workload: str
    name: str
    is_ready: bool
    node: str
    reason: str
    restarts: int = 0  # of all its containers
    age_s: int = 0
    images: tuple[str, ...] = ()
    memory: int | None = None  # bytes in use; None where the cluster has no metrics of it


@dataclass(frozen=True, kw_only=True)
class PvcState:
    """One persistent volume claim; *state* is `Bound` once it has a volume."""

    name: str
    size: str
    state: str


@dataclass(frozen=True, kw_only=True)
class ClusterState:
    """Pods and PVCs of a stack at one moment."""

    pods: tuple[PodState, ...]
    claims: tuple[PvcState, ...]

    @property
    def is_ready(self) -> bool:
        """Return whether every pod is ready."""
        return all(pod.is_ready for pod in self.pods)


def read(kubeconfig: Path, *namespaces: str, context: str | None = None) -> ClusterState:
    """Read the stack's objects in *namespaces*; pods that terminate, or have done their work, are left out.

    Raises UnreachableError.
    """
    with connect(kubeconfig, context) as api, translate_errors(UnreachableError, f"{kubeconfig}: the cluster"):
        core = client.CoreV1Api(api)
        pods = _items(core.list_namespaced_pod, namespaces)
        claims = _items(core.list_namespaced_persistent_volume_claim, namespaces)
        memory = memory_in_use(api, namespaces)
    present = tuple(
        _pod(pod, memory.get(pod.metadata.name)) for pod in pods if not is_terminating(pod) and not has_ended(pod)
    )
    return ClusterState(pods=present, claims=tuple(_claim(claim) for claim in claims))


def is_complete(plan: Plan, state: ClusterState) -> bool:
    """Return whether every workload of the plan has all of its pods, and all pods are ready."""
    ready = [pod.workload for pod in state.pods if pod.is_ready]
    permanent = [line for line in plan.ledger.lines if line.is_lasting]
    return state.is_ready and all(ready.count(line.name) == line.replicas for line in permanent)


def _items(call: Callable[..., Any], namespaces: Iterable[str]) -> list[Any]:
    return [item for name in namespaces for item in call(name, label_selector=STACK_SELECTOR).items]


def _pod(pod: Any, memory: int | None) -> PodState:  # noqa: ANN401 - the client is untyped
    conditions = {each.type: each for each in pod.status.conditions or []}
    ready, scheduled = conditions.get("Ready"), conditions.get("PodScheduled")
    # An unscheduled pod has both conditions; only the scheduler's says what is missing.
    cause = scheduled if scheduled is not None and scheduled.status == "False" else ready
    return PodState(
        workload=pod.metadata.labels.get(NAME_LABEL, ""),
        name=pod.metadata.name,
        is_ready=is_ready(pod),
        node=pod.spec.node_name or "",
        reason="" if is_ready(pod) or cause is None else cause.message or cause.reason or "",
        restarts=sum(each.restart_count for each in pod.status.container_statuses or []),
        age_s=_age(pod.metadata.creation_timestamp),
        images=tuple(dict.fromkeys(each.image for each in pod.spec.containers)),
        memory=memory,
    )


def _age(since: datetime | None) -> int:
    return max(round((datetime.now(UTC) - since).total_seconds()), 0) if since else 0


def _claim(claim: Any) -> PvcState:  # noqa: ANN401 - the client is untyped
    size = claim.spec.resources.requests["storage"]
    return PvcState(name=claim.metadata.name, size=size, state=claim.status.phase)
