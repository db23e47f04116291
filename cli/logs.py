"""`synapse logs`: what the pods of a service write, by the name that the stack file or a person gives it."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from cli.options import AsJson, Kubeconfig, Phase, Stack
from infra.errors import SynapseError
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.services import Task
from ops.cluster.logs import Line, PodLogs, Wish
from ops.cluster.pods import pods
from ops.cluster.target import at_phase, existing_cluster

TASKS: Final[Mapping[str, Task]] = {
    "embed": "embeddings",
    "llm": "chat",
    "tts": "speech",
    "stt": "transcription",
    "speaker": "speakers",
    "audio": "audio",
}
"""Short for whoever does the task."""
COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "bright_red")

Services = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SERVICE",
        help=f"Of the stack file or of the cluster, or short for a task: {', '.join(TASKS)}; all if left out.",
    ),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on, also with pods that come later, until Ctrl-C.")]
Tail = Annotated[int, typer.Option("--tail", min=0, help="Lines of each container that are there already.")]
Since = Annotated[int | None, typer.Option("--since", min=1, metavar="SECONDS", help="Nothing older.")]
Previous = Annotated[
    bool, typer.Option("--previous", help="Of a container that was started again: what it said before.")
]


def logs(  # noqa: PLR0913, PLR0917 - a command has its options
    names: Services = None,
    stack: Stack = "forge",
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    follow: Follow = False,
    tail: Tail = 50,
    since_s: Since = None,
    previous: Previous = False,
    as_json: AsJson = False,
) -> None:
    """Print what pods write; with --json each line is a document of its own. Exit 1 where there is no pod."""
    if follow and previous:
        raise SynapseError("--previous: that life is over, and nothing follows it; leave --follow out")
    planned = plan(at_phase(load(stack), phase))
    wish = Wish(services=chosen(planned, names or []), lines=tail, since_s=since_s, previous=previous)
    settings = planned.settings
    with pods(existing_cluster(stack, kubeconfig), settings.namespace, settings.context) as known:
        found = PodLogs(known.core, known.namespace)
        _print(found.follow(wish) if follow else found.last(wish), as_json=as_json)


def chosen(planned: Plan, names: Sequence[str]) -> tuple[str, ...]:
    """The names of the Services that *names* mean, or all. Raises SynapseError for a name that means none."""
    known: dict[str, list[str]] = {}
    for service in planned.services:
        words = [word for word, task in TASKS.items() if task in service.backend.tasks]
        for name in dict.fromkeys([service.name, service.service_name, *words]):
            known.setdefault(name, []).append(service.service_name)
    if strange := [name for name in names if name not in known]:
        raise SynapseError(f"{strange[0]}: no service of the stack; accepted: {', '.join(known)}")
    wanted = names or [service.name for service in planned.services]
    return tuple(dict.fromkeys(service for name in wanted for service in known[name]))


def _print(found: Iterable[Line], *, as_json: bool) -> None:
    console, colours = Console(soft_wrap=True, highlight=False), dict[str, str]()
    try:
        for line in found:
            if as_json:
                typer.echo(json.dumps(dataclasses.asdict(line)))
                continue
            colour = colours.setdefault(line.pod, COLOURS[len(colours) % len(COLOURS)])
            console.print(Text(f"{line.pod} ", style=colour).append(line.text, style="default"))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None  # how following ends
