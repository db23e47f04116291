"""Which cluster and which engine a command works with: the kubeconfig it is given, else the stack's twin."""

from pathlib import Path

from infra.cli.twin import node_of
from infra.settings import PREFIX, ROOT, Settings, project
from tools import places
from tools.engine import Engine
from tools.errors import ToolsError, TwinError
from tools.twin import Twin

PACK = ("--policy-pack", str(ROOT / "policies"))
ON_A_TWIN = "a-secret-of-the-twin"


def cluster(stack: str, settings: Settings, kubeconfig: Path | None) -> Path:
    """The kubeconfig to deploy to; brings the stack's twin up when none is given."""
    return kubeconfig or Twin(stack).up(node_of(settings))


def existing_cluster(stack: str, kubeconfig: Path | None) -> Path:
    """The kubeconfig to look at; raises TwinError when none is given and there is no twin."""
    if kubeconfig is None and Twin(stack).status().node is None:
        raise TwinError(f"there is no twin of {stack}: run `make up`, or name a cluster with --kubeconfig")
    return kubeconfig or Twin(stack).kubeconfig


def engine(stack: str, settings: Settings, kubeconfig: Path) -> Engine:
    """A Pulumi engine of its own with the stack selected, at the phase of *settings*.

    The stack file's secrets are sealed for somebody else's engine: a twin gets stand-ins of the same names, and a real
    cluster is refused with ToolsError.
    """
    twin = Twin(stack)
    is_twin = kubeconfig == twin.kubeconfig
    if settings.secrets and not is_twin:
        names = ", ".join(sorted(settings.secrets))
        raise ToolsError(f"only the stack's own engine can open its secrets ({names}): use `pulumi up -s {stack}`")
    # What a twin's engine knows goes with the twin: its next life starts from nothing.
    state = twin.folder / "engine" if is_twin else places.state() / "engines" / stack
    found = Engine(stack=stack, state=state, kubeconfig=kubeconfig, project=project())
    secrets = {f"{PREFIX}{key}": ON_A_TWIN for key in settings.secrets}
    found.prepare({f"{PREFIX}phase": settings.phase, **secrets})
    for key, value in secrets.items():
        found.capture("config", "set", "--secret", key, value)
    return found


def at_phase(settings: Settings, phase: int | None) -> Settings:
    """The settings at another phase, or as they are."""
    return settings.model_copy(update={"phase": phase or settings.phase})
