"""`synapse graph`: a picture of a stack, with its claims and routes."""

import typer

from infra.cli.options import Stack
from infra.graph import svg
from infra.plan import plan
from infra.settings import load


def graph(stack: Stack = "forge") -> None:
    """Print the stack as one SVG document."""
    typer.echo(svg(plan(load(stack))), nl=False)
