"""Cluster and Pulumi engine of a command: the kubeconfig that is named, else the stack's private cluster."""

from collections.abc import Mapping
from pathlib import Path

import psutil
import yaml

from infra.catalog.gateway import GATEWAY_KINDS
from infra.plan.stack import plan
from infra.quantities import cores, gib
from infra.settings.loader import load, project
from infra.settings.model import ROOT, Node, Settings
from infra.settings.names import PREFIX
from ops.cluster.sealed_secrets import SealedSecrets
from tools import disk, paths, twin
from tools.cluster import Cluster, Forward, Size
from tools.control_plane.files import write_private
from tools.errors import ClusterError, ToolsError, TwinError
from tools.offline.engine import PulumiEngine
from tools.twin import Twin

PACK = ("--policy-pack", str(ROOT / "policies"))
GATEWAY = "gateway"
"""Name of the forward to the gateway's Service."""


def cluster_for(stack: str, settings: Settings) -> Twin | Cluster:
    """Return the stack's private cluster: with real pods where its node is this machine, else a twin of its node."""
    return Cluster(stack) if settings.node.embedded else Twin(stack)


def ensure_cluster(stack: str, settings: Settings, kubeconfig: Path | None) -> Path:
    """Return the kubeconfig to deploy to; start the stack's private cluster where none is named. Raises ToolsError."""
    if kubeconfig:
        _check_images(stack, settings, kubeconfig)
        return kubeconfig
    return _add_context_alias(_start_private(stack, settings), settings.context)


def _start_private(stack: str, settings: Settings) -> Path:
    disk.check(disk.needs(cluster_for(stack, settings).folder, has_images=settings.node.embedded))
    if not settings.node.embedded:
        return Twin(stack).up(simulated_node(settings))
    _check_machine(stack, settings.node)
    size = Size(memory=settings.node.memory, cpu=settings.node.cpus)
    return Cluster(stack).up(forwards(settings), size)


def simulated_node(settings: Settings) -> twin.SimulatedNode:
    """Return the stack's machine as a twin simulates it."""
    node = settings.node
    return twin.SimulatedNode(
        name=node.name,
        memory=node.memory,
        cpu=node.cpus,
        gpus=node.gpu_shares,
        storage_class=node.storage_class,
        runtime_class=node.runtime_class,
    )


def existing_cluster(stack: str, kubeconfig: Path | None) -> Path:
    """Return the kubeconfig to read from. Raises ToolsError where none is named and the stack does not run here."""
    if kubeconfig:
        return kubeconfig
    private = cluster_for(stack, load(stack))
    if isinstance(private, Cluster) and not private.status().api_ready:
        raise ClusterError(_not_running(stack))
    if isinstance(private, Twin) and private.status().node is None:
        raise TwinError(_not_running(stack))
    return private.kubeconfig


def _not_running(stack: str) -> str:
    return (
        f"the stack {stack} does not run here; running: {', '.join(running_stacks()) or 'none'}. "
        f"Start it with `make up STACK={stack}`, choose a stack with --stack, or name a cluster with --kubeconfig"
    )


def running_stacks() -> tuple[str, ...]:
    """Return the stacks of the project whose private cluster or twin runs on this machine."""
    names = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in project().glob("Pulumi.*.yaml"))
    return tuple(name for name in names if _runs(name))


def _runs(stack: str) -> bool:
    try:
        return Cluster(stack).status().api_ready or Twin(stack).status().api_ready
    except ToolsError:  # a name that no private cluster can have
        return False


def forwards(settings: Settings) -> tuple[Forward, ...]:
    """Return the forward from this machine to the gateway's Service, if the stack has one."""
    services = (service for service in plan(settings).services if service.backend.kind in GATEWAY_KINDS)
    addresses = (service.address(settings.namespace).rpartition(":") for service in services)
    return tuple(Forward(GATEWAY, host, int(port)) for host, _, port in addresses)


def engine_state(stack: str, settings: Settings, kubeconfig: Path | None) -> Path:
    """Return the folder of the stack's Pulumi engine; for a private cluster it is deleted with the cluster."""
    private = cluster_for(stack, settings)
    if kubeconfig in {None, private.kubeconfig}:
        return private.folder / "engine"
    return paths.state() / "engines" / stack


def engine(
    stack: str,
    settings: Settings,
    kubeconfig: Path,
    config: Mapping[str, object] | None = None,
    *,
    runs_program: bool = True,
) -> PulumiEngine:
    """Return a Pulumi engine with the stack selected, at the phase of *settings*; *config* overrides the stack file.

    A twin gets stand-ins for the stack file's secrets, which are encrypted for another engine. Elsewhere a command
    that *runs_program* needs each of them: raises ToolsError for one that can be had from nowhere.
    """
    private = cluster_for(stack, settings)
    state = engine_state(stack, settings, kubeconfig)
    pulumi = PulumiEngine(stack=stack, state=state, kubeconfig=kubeconfig, project=project())
    sealed = SealedSecrets.read(stack).without(pulumi.kept.config())
    if isinstance(private, Twin) and kubeconfig == private.kubeconfig:
        secrets = sealed.stand_ins()
    else:
        secrets = sealed.opened(stack, needed=runs_program)
    pulumi.prepare({f"{PREFIX}phase": settings.phase, **(config or {})}, secrets)
    return pulumi


def at_phase(settings: Settings, phase: int | None) -> Settings:
    """Return the settings at *phase*, or unchanged."""
    return settings.model_copy(update={"phase": phase or settings.phase})


def _check_images(stack: str, settings: Settings, kubeconfig: Path) -> None:
    built = sorted(plan(settings).sources)
    if built and settings.node.embedded and not settings.registry:
        raise ToolsError(
            f"{kubeconfig} is not the private cluster of {stack}, and cannot pull the images that are built here "
            f"({', '.join(built)}): set {PREFIX}registry to a registry that it pulls from, or take away "
            f"{PREFIX}node.embedded, so that they are imported into the node"
        )


def _check_machine(stack: str, node: Node) -> None:
    memory, cpu = psutil.virtual_memory().total, 1000 * (psutil.cpu_count() or 1)
    if node.memory > memory or node.cpus > cpu:
        raise ToolsError(
            f"Pulumi.{stack}.yaml describes a node of {gib(node.memory)} and {cores(node.cpus)} cores, and this "
            f"machine has {gib(memory)} and {cores(cpu)}: lower {PREFIX}node, or run `make twin`, which simulates one"
        )


def _add_context_alias(kubeconfig: Path, context: str | None) -> Path:
    """Add *context*, the real cluster's in the stack file, as a second name of the private cluster's only context."""
    content = yaml.safe_load(kubeconfig.read_text())
    contexts = {item["name"]: item["context"] for item in content["contexts"]}
    if context and context not in contexts:
        content["contexts"].append({"name": context, "context": contexts[content["current-context"]]})
        write_private(kubeconfig, yaml.safe_dump(content))
    return kubeconfig
