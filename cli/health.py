"""`synapse health`: which pods are ready, and what the gateway says of each backend."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.options import AsJson, Kubeconfig, Phase, Stack
from cli.status import is_complete
from cli.status import pods as pod_table
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.cluster.state import ClusterState, read
from ops.cluster.target import at_phase, existing_cluster
from ops.errors import UnreachableError
from ops.gateway.connect import HERE
from ops.gateway.locate import found
from ops.gateway.responses import Health
from ops.smoke.scope import GATEWAY

HEALTHY: Final = "healthy"
PATIENCE_S: Final = 30.0
"""The gateway asks its backends meanwhile, and gives each five seconds."""
Url = Annotated[str | None, typer.Option("--url", help="The gateway's address; that of the cluster if left out.")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """*state*: the cluster's word, where one was asked; *health*: the gateway's, or in *fault* why there is none.

    A stack without a gateway, at an early phase, has neither.
    """

    state: ClusterState | None
    health: Health | None = None
    fault: str | None = None

    def is_well(self, planned: Plan) -> bool:
        is_ready = self.state is None or is_complete(planned, self.state)
        return is_ready and self.fault is None and (self.health is None or self.health.status == HEALTHY)


def health(
    stack: Stack = "forge", phase: Phase = None, url: Url = None, kubeconfig: Kubeconfig = None, as_json: AsJson = False
) -> None:
    """Ask the cluster for the pods and the gateway for its backends; exit 1 unless all of them are well."""
    planned = plan(at_phase(load(stack), phase))
    told = _told(planned, stack, url, kubeconfig)
    if as_json:
        typer.echo(json.dumps(_document(planned, told), indent=2))
    else:
        _show(planned, told)
    raise typer.Exit(0 if told.is_well(planned) else 1)


def _told(planned: Plan, stack: str, url: str | None, kubeconfig: Path | None) -> Found:
    """With an address alone, no cluster is asked. Raises ToolsError where there is none."""
    target = kubeconfig if url else existing_cluster(stack, kubeconfig)
    state = read(target, *planned.namespaces, context=planned.settings.context) if target else None
    if not url and GATEWAY not in {service.backend.kind for service in planned.services}:
        return Found(state=state)
    try:
        with found(planned, stack, url, kubeconfig) as place:
            return Found(state=state, health=_asked(place.url))
    except UnreachableError as error:
        return Found(state=state, fault=str(error))


def _asked(url: str) -> Health:
    """The gateway's `/health`, which needs no key. Raises UnreachableError."""
    try:
        with httpx.Client(base_url=url, mounts=HERE, timeout=PATIENCE_S) as http:
            return Health.model_validate_json(http.get("/health").raise_for_status().content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreachableError(f"{url} does not tell its health: {error}") from error
    except ValidationError as error:
        raise UnreachableError(f"{url} is no Synapse gateway: its /health cannot be read") from error


def _document(planned: Plan, told: Found) -> dict[str, object]:
    pods = [dataclasses.asdict(pod) for pod in told.state.pods] if told.state else None
    said = told.health.model_dump(exclude_none=True) if told.health else None
    return {"healthy": told.is_well(planned), "pods": pods, "gateway": said, "fault": told.fault}


def _show(planned: Plan, told: Found) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if told.state:
        console.print(pod_table(planned, told.state))
    if told.health:
        console.print(_backends(told.health))
    if told.fault:
        console.print(f"gateway: {told.fault}", markup=False)


def _backends(said: Health) -> Table:
    table = Table("Backend", "State", "Says", title=f"Gateway: {said.status}", title_justify="left")
    for name, backend in said.backends.items():
        colour = "green" if backend.status == HEALTHY else "red"
        says = backend.error or ("" if backend.code is None else str(backend.code))
        table.add_row(name, f"[{colour}]{backend.status}[/]", escape(says))
    return table
