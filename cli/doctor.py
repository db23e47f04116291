"""`synapse doctor`: checks of a real node before anything is deployed to it."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Line, Stack
from cli.output import show, waiting
from infra.plan.stack import Plan
from infra.settings.loader import load
from ops.check_results import CheckResult, document, failed, table
from ops.cluster.target import existing_cluster
from ops.doctor.diagnosis import node_plan, probe_gpus, probe_pulls, read_facts, run_checks
from ops.doctor.facts import NodeFacts
from ops.first_start import parse_line

Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Start short-lived pods: one reads the GPU figures which no label has, and one for each registry tries "
        "to pull an image that does not exist.",
    ),
]
Within = Annotated[
    float,
    typer.Option("--within", min=1, help="Timeout of each probe in seconds, which includes the pull of its image."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings and unknown results too.")]


def doctor(  # noqa: PLR0913, PLR0917 - a command has its options
    stack: Stack = DEFAULT_STACK,
    kubeconfig: Kubeconfig = None,
    use_probe: Probe = False,
    within_s: Within = 120.0,
    strict: Strict = False,
    line: Line = None,
    as_json: AsJson = False,
) -> None:
    """Check the node and its cluster; exit 1 when something must be done before a deployment."""
    planned = node_plan(load(stack), stack, kubeconfig)
    settings = planned.settings
    speed = parse_line(line) if line else None
    target = existing_cluster(stack, kubeconfig)
    facts = dataclasses.replace(read_facts(target, settings), line=speed)
    if use_probe and facts.node:
        facts = _probed(facts, target, planned, within_s)
    results = run_checks(facts, planned)
    _show(results, settings.node.name, as_json=as_json)
    faults = [each for each in results if each.state != "ok"] if strict else failed(results)
    raise typer.Exit(1 if faults else 0)


def _probed(facts: NodeFacts, target: Path, planned: Plan, within_s: float) -> NodeFacts:
    with waiting("probing the registries") as status:
        facts = probe_pulls(facts, target, planned, within_s)
        if planned.settings.node.gpus:
            status.update("probing the GPUs")
            facts = probe_gpus(facts, target, planned.settings, within_s)
    return facts


def _show(results: Sequence[CheckResult], node: str, *, as_json: bool) -> None:
    if as_json:
        summary = {"node": node, "passed": not failed(results), "findings": document(results)}
        typer.echo(json.dumps(summary, indent=2))
    else:
        show(table(results, f"node {node}"))
