"""`synapse image`: the images that are built from folders of this repository."""

from pathlib import Path
from typing import Annotated

import typer

from tools.images.build import Images
from tools.images.publish import publish

app = typer.Typer(help="Images that are built here.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Such as gateway_image; it has a Dockerfile.")]
Cluster = Annotated[str | None, typer.Option("--cluster", metavar="NAME", help="Import it into this cluster's node.")]
Registry = Annotated[str | None, typer.Option("--registry", metavar="HOST/PATH", help="Push it to this registry.")]
Archive = Annotated[str | None, typer.Option("--archive", metavar="FILE", help="Write it to this file.")]
Keep = Annotated[int, typer.Option("--keep", min=0, help="How many of each are kept, the newest.")]


@app.command()
def build(folder: Folder, cluster: Cluster = None, registry: Registry = None, archive: Archive = None) -> None:
    """Build an image unless it is there, hand it on, and print its one reference, name:tag@digest."""
    typer.echo(publish(Images(), folder, cluster=cluster, registry=registry, archive=archive))


@app.command("list")
def show() -> None:
    """Show the images that are kept here, the newest first."""
    for file in Images().kept():
        typer.echo(f"{file.stat().st_size / 2**20:6.0f} MiB  {file}")


@app.command()
def prune(keep: Keep = 1) -> None:
    """Remove all but the newest images; what a cluster or a registry has stays there."""
    for file in Images().prune(keep):
        typer.echo(f"removed {file}")
