"""`synapse settings`: every key of a stack file, as Markdown."""

import typer

from infra.reference import render

app = typer.Typer()


@app.callback(invoke_without_command=True)
def settings() -> None:
    """Print the reference of the stack file."""
    typer.echo(render(), nl=False)
