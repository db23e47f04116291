"""`synapse manifests`: the stack's Kubernetes objects as YAML files."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Stack
from infra.plan.stack import plan
from infra.settings.loader import load
from stacks.rendering import manifests as manifests_of
from stacks.rendering import write


def manifests(folder: Annotated[Path, typer.Argument(help="Where to write them.")], stack: Stack = "forge") -> None:
    """Write one file for each object, to read or to apply by hand. Secrets are left for the engine to fill."""
    for path in write(manifests_of(plan(load(stack))), folder):
        typer.echo(path)
