"""`synapse settings`: every key of a stack file, as Markdown."""

import typer

from infra.settings.reference import render


def settings() -> None:
    """Print the reference of the stack file."""
    typer.echo(render(), nl=False)
