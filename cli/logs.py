"""`synapse logs`: the logs of a service's pods, by its name or by its task."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Annotated, Final

import typer
from rich.text import Text

from cli import output
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.cluster.logs import LogLine, LogQuery, PodLogs
from ops.cluster.pods import connect_pods
from ops.cluster.target import at_phase, existing_cluster
from ops.service_names import TASK_NAMES, select_services

COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "bright_red")

Services = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SERVICE",
        help="Services by their name in the stack file or the cluster, or by a task: "
        f"{', '.join(TASK_NAMES)}; default: all.",
    ),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Print new lines too, also of new pods, until Ctrl-C.")]
Tail = Annotated[int, typer.Option("--tail", min=0, help="Number of existing lines to print of each container.")]
Since = Annotated[int | None, typer.Option("--since", min=1, metavar="SECONDS", help="Maximum age of a line.")]
Previous = Annotated[
    bool, typer.Option("--previous", help="Print the lines from before the last restart of each container.")
]


def logs(  # noqa: PLR0913, PLR0917 - a command has its options
    names: Services = None,
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    follow: Follow = False,
    tail: Tail = 50,
    since_s: Since = None,
    previous: Previous = False,
    as_json: AsJson = False,
) -> None:
    """Print the logs of pods; with --json, one JSON document per line. Exit 1 when there is no pod."""
    if follow and previous:
        raise SynapseError(
            "got --follow and --previous; accepted: one of them, since a previous instance writes no new lines"
        )
    planned = plan(at_phase(load(stack), phase))
    services = select_services(planned, names or [])
    query = LogQuery(services=services, lines=tail, since_s=since_s, previous=previous)
    settings = planned.settings
    with connect_pods(existing_cluster(stack, kubeconfig), settings.namespace, settings.context) as pods:
        pod_logs = PodLogs(pods.core, pods.namespace)
        _print(pod_logs.follow(query) if follow else pod_logs.last(query), as_json=as_json)


def _print(lines: Iterable[LogLine], *, as_json: bool) -> None:
    console, colours = output.console(), dict[str, str]()
    try:
        for line in lines:
            if as_json:
                typer.echo(json.dumps(dataclasses.asdict(line)))
                continue
            colour = colours.setdefault(line.pod, COLOURS[len(colours) % len(COLOURS)])
            console.print(Text(f"{line.pod} ", style=colour).append(line.text, style="default"))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None  # the usual end of --follow
