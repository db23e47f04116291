"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from infra.settings.names import LAST_PHASE

DEFAULT_STACK: Final = "local"
"""The stack of every command and make target that names none; SYNAPSE_STACK overrides it."""
KEY_VARIABLE: Final = "SYNAPSE_API_KEY"

Stack = Annotated[
    str, typer.Option("--stack", "-s", envvar="SYNAPSE_STACK", help="Name of the stack: NAME of Pulumi.NAME.yaml.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Output as one JSON document, for programs.")]
Phase = Annotated[
    int | None,
    typer.Option("--phase", min=1, max=LAST_PHASE, help="Phase to deploy up to; default: the stack file's."),
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        envvar="SYNAPSE_KUBECONFIG",
        exists=True,
        dir_okay=False,
        help="Kubeconfig of the cluster to use; default: the stack's private cluster or twin.",
    ),
]
Line = Annotated[
    str | None,
    typer.Option("--line", metavar="SPEED", help="Speed of the node's line, such as 100Mbit, for the first start."),
]
GatewayUrl = Annotated[
    str | None, typer.Option("--url", help="Address of the gateway; default: the one in the cluster.")
]
