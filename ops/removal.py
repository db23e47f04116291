"""Removal of a stack: the list of what is lost, and the deletion."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubernetes import client

from infra.labels import STACK_SELECTOR
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.loader import load
from infra.settings.model import Settings
from ops.cluster.api_errors import translate_errors
from ops.cluster.connection import check_reachable, connect
from ops.cluster.state import PvcState, read
from ops.cluster.target import cluster_for, engine, existing_cluster
from ops.deployment import alone, explained, ownership
from ops.errors import UnreachableError
from tools.cluster import Cluster
from tools.errors import ToolsError
from tools.twin import Twin


def destroy(stack: str, kubeconfig: Path | None = None, *, volumes: bool = False) -> int:
    """Run `pulumi destroy`, then end the private cluster unless *kubeconfig* names another; return the exit code.

    *volumes*: delete the private cluster's data too. Raises ToolsError and UnreachableError.
    """
    settings = load(stack)
    if volumes and kubeconfig:
        raise ToolsError(
            f"--volumes deletes the data of a private cluster, and {kubeconfig} is another: "
            f"use `kubectl delete namespace {settings.namespace}` there"
        )
    if kubeconfig:
        check_reachable(kubeconfig, settings.context)
    private = cluster_for(stack, settings)
    # A cluster that has ended keeps its objects and volumes on disk: there is nothing to destroy, only data to delete.
    is_running = kubeconfig or not isinstance(private, Cluster) or private.status().api_ready
    if is_running:
        code = _destroy(stack, settings, existing_cluster(stack, kubeconfig))
        if code:
            return code
    if kubeconfig is None:
        private.down()
    if volumes and isinstance(private, Cluster):
        private.delete()
    return 0


def _destroy(stack: str, settings: Settings, target: Path) -> int:
    """Run `pulumi destroy`. Raises ToolsError where another engine has deployed the stack."""
    pulumi = engine(stack, settings, target, runs_program=False)
    owner = ownership(pulumi, settings, target)
    with alone(pulumi):
        if owner:
            owner.check()
        code = explained(pulumi, pulumi.run("destroy", "--yes"))
        if owner and not code:
            owner.end()
    return code


def losses(plan: Plan, stack: str, kubeconfig: Path | None, *, volumes: bool) -> Iterator[str]:
    """Yield a line for each object that a removal deletes or keeps. Raises ToolsError where there is no cluster."""
    private = cluster_for(stack, plan.settings)
    if kubeconfig is None and isinstance(private, Cluster) and not private.status().api_ready:
        fate = "is deleted, with every volume" if volumes else "stays for the next `synapse up`; --volumes deletes it"
        yield f"The cluster of {stack} has ended; its data in {private.folder} {fate}."
        return
    target = existing_cluster(stack, kubeconfig)
    state = read(target, *plan.namespaces, context=plan.settings.context)
    yield f"The stack {stack}, in namespace {plan.settings.namespace} of {target}:"
    for workload, count in Counter(pod.workload for pod in state.pods).items():
        yield f"  deleted: {workload}, {count} pod{'s' if count > 1 else ''}"
    is_lost = volumes or (kubeconfig is None and isinstance(private, Twin))
    for claim in state.claims:
        yield _pvc_line(plan, claim, is_lost=is_lost)
    if kubeconfig is None:
        yield f"  ended: the {'twin' if isinstance(private, Twin) else 'private cluster'} itself"


def delete_pvcs(kubeconfig: Path, settings: Settings) -> None:
    """Delete the stack's PVCs, which `pulumi destroy` keeps."""
    with connect(kubeconfig, settings.context) as api, translate_errors(UnreachableError, f"{kubeconfig}: the cluster"):
        core: Any = client.CoreV1Api(api)
        core.delete_collection_namespaced_persistent_volume_claim(settings.namespace, label_selector=STACK_SELECTOR)


def _pvc_line(plan: Plan, claim: PvcState, *, is_lost: bool) -> str:
    users = [service.service_name for service in plan.services if claim.name in _written_pvcs(service)]
    content = f"the data of {', '.join(users)}" if users else "its data"
    return f"  {'LOST' if is_lost else 'stays'}: PVC {claim.name}, {claim.size}, with {content}"


def _written_pvcs(service: ServicePlan) -> set[str]:
    """Return the PVCs that the service writes to; one that it mounts read-only belongs to another service."""
    return {disk.name for disk in service.volumes if not disk.is_read_only}
