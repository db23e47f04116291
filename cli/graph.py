"""`synapse graph`: a picture of a stack, with its claims and routes."""

import typer

from cli.options import Stack
from infra.plan.graph import svg
from infra.plan.stack import plan
from infra.settings.loader import load


def graph(stack: Stack = "forge") -> None:
    """Print the stack as one SVG document."""
    typer.echo(svg(plan(load(stack))), nl=False)
