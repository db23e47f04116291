"""Options that the commands about models share."""

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(metavar="MODEL", help="Name that its service uses, or the name of a route.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL", help="Names that the services use; default: all models on a disk."),
]
Service = Annotated[str | None, typer.Option("--service", help="Service of the model; needed if several have it.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="SYNAPSE_API_KEY", help="API key of scope admin; default: the first that is kept."),
]
Url = Annotated[str | None, typer.Option("--url", help="Address of the gateway; default: its address in the cluster.")]
Files = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="PATH",
        help="Folder with config.json and model.safetensors.index.json of the model, or that config.json: its figures, "
        "instead of those of the catalog or of the hub.",
    ),
]
