"""`synapse doctor`: whether a node has what the stack needs, before anything is deployed to it."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer
from kubernetes import client
from rich.console import Console
from urllib3.exceptions import HTTPError

from cli.options import AsJson, Kubeconfig, Stack
from infra.errors import SynapseError
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.model import Settings
from ops.check_results import Finding, document, failed, table
from ops.cluster.connection import connected
from ops.cluster.target import existing_cluster
from ops.doctor.checks import CHECKS
from ops.doctor.facts import Facts, read
from ops.doctor.probe import ProbeError, probe

Probe = Annotated[
    bool,
    typer.Option("--probe", help="Run a pod for a moment that asks the driver what no label tells; off by default."),
]
Within = Annotated[float, typer.Option("--within", min=1, help="Seconds that this pod may take, its image included.")]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings, and what is not known, count as failures too.")]


def doctor(  # noqa: PLR0913, PLR0917 - a command has its options
    stack: Stack = "forge",
    kubeconfig: Kubeconfig = None,
    use_probe: Probe = False,
    within_s: Within = 120.0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Look at the node and at what it came with; exit 1 when something has to be done first."""
    planned = _planned(load(stack))
    target = existing_cluster(stack, kubeconfig)
    try:
        facts = read(target, planned.settings)
    except (client.ApiException, HTTPError) as error:
        said = f"{error.status} {error.reason}" if isinstance(error, client.ApiException) else str(error)
        raise SynapseError(f"{target}: the cluster does not tell ({said}); see `kubectl get nodes` with it") from error
    if use_probe and planned.settings.node.gpus:
        facts = _probed(facts, target, planned, within_s)
    found = [finding for check in CHECKS for finding in check.findings(facts, planned)]
    _show(found, planned, as_json)
    bad = [each for each in found if each.state != "ok"] if strict else failed(found)
    raise typer.Exit(1 if bad else 0)


def _planned(settings: Settings) -> Plan:
    """Of all that is to be deployed; consumers that phases wait for are no matter of the node."""
    return plan(settings.model_copy(update={"consumers": {}}))


def _probed(facts: Facts, kubeconfig: Path, planned: Plan, within_s: float) -> Facts:
    settings = planned.settings
    with (
        connected(kubeconfig, settings.context) as api,
        Console(stderr=True).status("asking the driver"),
    ):
        try:
            return dataclasses.replace(facts, cards=probe(client.CoreV1Api(api), settings.node, within_s))
        except ProbeError as error:
            return dataclasses.replace(facts, no_cards=str(error))


def _show(found: list[Finding], planned: Plan, as_json: bool) -> None:
    if as_json:
        node = planned.settings.node.name
        typer.echo(json.dumps({"node": node, "passed": not failed(found), "findings": document(found)}, indent=2))
    else:
        Console(soft_wrap=True, highlight=False).print(table(found, f"node {planned.settings.node.name}"))
