"""Options that `synapse fit` and `synapse add` share."""

from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Model of the catalog, its owner may be left out, or OWNER/NAME of the Hugging Face hub.",
    ),
]
Card = Annotated[
    str | None, typer.Option("--card", metavar="CARD", help="Card, such as rtx-5090; default: the stack's.")
]
Context = Annotated[
    int | None,
    typer.Option("--context", min=1, metavar="TOKENS", help="Longest prompt and answer together; default: 32768."),
]
Sequences = Annotated[
    int | None,
    typer.Option("--sequences", min=1, max=4096, help="Requests that are served at the same time; default: 2."),
]
