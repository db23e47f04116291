"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from infra.settings.model import LAST_PHASE

Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack: NAME of Pulumi.NAME.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")]
Phase = Annotated[
    int | None,
    typer.Option("--phase", min=1, max=LAST_PHASE, help="Deploy up to this phase; the stack file's own if left out."),
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        envvar="SYNAPSE_KUBECONFIG",
        exists=True,
        dir_okay=False,
        help="Use this cluster; a twin of the stack's node if left out.",
    ),
]
