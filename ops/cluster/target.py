"""Which cluster and which engine a command works with: the kubeconfig it is given, else a private one of the stack."""

from collections.abc import Mapping
from pathlib import Path

import psutil
import yaml

from cli.twin import node_of
from infra.catalog.gateway import GATEWAY_KINDS
from infra.plan.stack import plan
from infra.quantities import cores, gib
from infra.settings.loader import load, project
from infra.settings.model import ROOT, Node, Settings
from infra.settings.schema import PREFIX
from tools import paths
from tools.cluster import Cluster, Forward, Size
from tools.control_plane.files import write_private
from tools.errors import ClusterError, ToolsError, TwinError
from tools.offline.engine import PulumiEngine
from tools.twin import Twin

PACK = ("--policy-pack", str(ROOT / "policies"))
ON_A_TWIN = "a-secret-of-the-twin"
GATEWAY = "gateway"
"""The forward that leads to the gateway's Service."""


def own(stack: str, settings: Settings) -> Twin | Cluster:
    """The private cluster of the stack: with real pods where its node is this machine, else a twin of its node."""
    return Cluster(stack) if settings.node.embedded else Twin(stack)


def cluster(stack: str, settings: Settings, kubeconfig: Path | None) -> Path:
    """The kubeconfig to deploy to; brings the stack's private cluster up when none is given. Raises ToolsError."""
    if kubeconfig:
        _check_images(stack, settings, kubeconfig)
        return kubeconfig
    return _also_called(_private(stack, settings), settings.context)


def _private(stack: str, settings: Settings) -> Path:
    if not settings.node.embedded:
        return Twin(stack).up(node_of(settings))
    _check_machine(stack, settings.node)
    size = Size(memory=settings.node.memory, cpu=settings.node.cpus)
    return Cluster(stack).up(forwards(settings), size)


def existing_cluster(stack: str, kubeconfig: Path | None) -> Path:
    """The kubeconfig to look at; raises ToolsError when none is given and the stack's private cluster does not run."""
    if kubeconfig:
        return kubeconfig
    found = own(stack, load(stack))
    if isinstance(found, Cluster) and not found.status().api_ready:
        raise ClusterError(
            f"the cluster of {stack} does not run: run `make up STACK={stack}`, or name one with --kubeconfig"
        )
    if isinstance(found, Twin) and found.status().node is None:
        raise TwinError(
            f"there is no twin of {stack}: run `make up STACK={stack}`, or name a cluster with --kubeconfig"
        )
    return found.kubeconfig


def forwards(settings: Settings) -> tuple[Forward, ...]:
    """The way from this machine to the gateway's Service, if the stack has one."""
    planned = plan(settings)
    entries = (service for service in planned.services if service.backend.kind in GATEWAY_KINDS)
    addresses = (service.address(settings.namespace).rpartition(":") for service in entries)
    return tuple(Forward(GATEWAY, host, int(port)) for host, _, port in addresses)


def engine(
    stack: str, settings: Settings, kubeconfig: Path, config: Mapping[str, object] | None = None
) -> PulumiEngine:
    """A Pulumi engine of its own with the stack selected, at the phase of *settings*; *config* wins over its file.

    The stack file's secrets are sealed for somebody else's engine: a twin gets stand-ins of the same names, and a real
    cluster is refused with ToolsError.
    """
    private = own(stack, settings)
    is_own = kubeconfig == private.kubeconfig
    is_twin = is_own and isinstance(private, Twin)
    if settings.secrets and not is_twin:
        names = ", ".join(sorted(settings.secrets))
        raise ToolsError(f"only the stack's own engine can open its secrets ({names}): use `pulumi up -s {stack}`")
    # What the engine knows of a private cluster goes with that: its next life starts from nothing.
    state = private.folder / "engine" if is_own else paths.state() / "engines" / stack
    found = PulumiEngine(stack=stack, state=state, kubeconfig=kubeconfig, project=project())
    secrets = {f"{PREFIX}{key}": ON_A_TWIN for key in settings.secrets}
    found.prepare({f"{PREFIX}phase": settings.phase, **secrets, **(config or {})})
    for key, value in secrets.items():
        found.capture("config", "set", "--secret", key, value)
    return found


def at_phase(settings: Settings, phase: int | None) -> Settings:
    """The settings at another phase, or as they are."""
    return settings.model_copy(update={"phase": phase or settings.phase})


def _check_images(stack: str, settings: Settings, kubeconfig: Path) -> None:
    built = sorted({service.source for service in plan(settings).services if service.source})
    if built and not settings.registry:
        raise ToolsError(
            f"{kubeconfig} is not the cluster of {stack}, and gets none of the images that are built "
            f"({', '.join(built)}): name a registry that it pulls from under {PREFIX}registry"
        )


def _check_machine(stack: str, node: Node) -> None:
    memory, cpu = psutil.virtual_memory().total, 1000 * (psutil.cpu_count() or 1)
    if node.memory > memory or node.cpus > cpu:
        raise ToolsError(
            f"Pulumi.{stack}.yaml describes a node of {gib(node.memory)} and {cores(node.cpus)} cores, and this "
            f"machine has {gib(memory)} and {cores(cpu)}: lower {PREFIX}node, or run `make twin`, which simulates one"
        )


def _also_called(kubeconfig: Path, context: str | None) -> Path:
    """Let the one context of a private *kubeconfig* go by the name that the stack file has for the real cluster's."""
    content = yaml.safe_load(kubeconfig.read_text())
    known = {item["name"]: item["context"] for item in content["contexts"]}
    if context and context not in known:
        content["contexts"].append({"name": context, "context": known[content["current-context"]]})
        write_private(kubeconfig, yaml.safe_dump(content))
    return kubeconfig
