"""What a cluster says of a stack: its pods, and its claims."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client

from infra.labels import NAME_LABEL, PART_OF_LABEL, PLATFORM
from ops.cluster.connection import connected

OURS = f"{PART_OF_LABEL}={PLATFORM}"
NAME = NAME_LABEL


@dataclass(frozen=True, kw_only=True)
class PodState:
    """One pod: whose it is, whether it can serve, where it runs, and why not."""

    workload: str
    name: str
    is_ready: bool
    node: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClaimState:
    """One disk: `Bound` once it has a volume."""

    name: str
    size: str
    state: str


@dataclass(frozen=True, kw_only=True)
class ClusterState:
    """Everything of a stack at one moment."""

    pods: tuple[PodState, ...]
    claims: tuple[ClaimState, ...]

    @property
    def is_ready(self) -> bool:
        """Every pod that there is can serve."""
        return all(pod.is_ready for pod in self.pods)


def read(kubeconfig: Path, *namespaces: str, context: str | None = None) -> ClusterState:
    """Ask the cluster of *kubeconfig* for what is ours in *namespaces*, less the pods that are on their way out.

    Raises UnreachableError without such a *context*, and kubernetes.client.ApiException.
    """
    with connected(kubeconfig, context) as api:
        core = client.CoreV1Api(api)
        pods = _items(core.list_namespaced_pod, namespaces)
        claims = _items(core.list_namespaced_persistent_volume_claim, namespaces)
    lasting = tuple(_pod(pod) for pod in pods if not pod.metadata.deletion_timestamp)
    return ClusterState(pods=lasting, claims=tuple(_claim(claim) for claim in claims))


def _items(listed: Callable[..., Any], namespaces: Iterable[str]) -> list[Any]:
    return [item for name in namespaces for item in listed(name, label_selector=OURS).items]


def _pod(pod: Any) -> PodState:  # noqa: ANN401 - the client is untyped
    conditions = {found.type: found for found in pod.status.conditions or []}
    ready, scheduled = conditions.get("Ready"), conditions.get("PodScheduled")
    is_ready = ready is not None and ready.status == "True"
    blamed = scheduled if scheduled is not None and scheduled.status == "False" else ready
    return PodState(
        workload=pod.metadata.labels.get(NAME, ""),
        name=pod.metadata.name,
        is_ready=is_ready,
        node=pod.spec.node_name or "",
        reason="" if is_ready or blamed is None else blamed.message or blamed.reason or "",
    )


def _claim(claim: Any) -> ClaimState:  # noqa: ANN401 - the client is untyped
    size = claim.spec.resources.requests["storage"]
    return ClaimState(name=claim.metadata.name, size=size, state=claim.status.phase)
