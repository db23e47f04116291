"""`synapse image`: images that are built from folders of this repository."""

from pathlib import Path
from typing import Annotated

import typer

from tools.images.build import Images
from tools.images.publish import publish
from tools.progress import say

app = typer.Typer(help="Images that are built here.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Folder with a Dockerfile, such as gateway_image, or FOLDER#ENVIRONMENT.")]
Cluster = Annotated[
    str | None, typer.Option("--cluster", metavar="NAME", help="Private cluster to import the image into.")
]
Registry = Annotated[str | None, typer.Option("--registry", metavar="HOST/PATH", help="Registry to push the image to.")]
Node = Annotated[
    str | None, typer.Option("--node", metavar="NAME", help="Node that is this machine, with K3s, to import it into.")
]
Archive = Annotated[str | None, typer.Option("--archive", metavar="FILE", help="File to write the image to.")]
Keep = Annotated[int, typer.Option("--keep", min=0, help="Number of images of each name to keep, the newest.")]


@app.command()
def build(
    folder: Folder, cluster: Cluster = None, registry: Registry = None, node: Node = None, archive: Archive = None
) -> None:
    """Build an image unless it exists, publish it where an option says so, and print its reference, name:tag@digest."""
    typer.echo(publish(Images(), folder, cluster=cluster, registry=registry, node=node, archive=archive))


@app.command("list")
def show() -> None:
    """Show the images in the local store, the newest first."""
    files = list(Images().kept())
    for file in files:
        typer.echo(f"{file.stat().st_size / 2**20:6.0f} MiB  {file}")
    if not files:
        say("the local store has no images: `synapse up` builds them")


@app.command()
def prune(keep: Keep = 1) -> None:
    """Delete all but the newest images from the local store; clusters and registries are not changed."""
    removed = list(Images().prune(keep))
    for file in removed:
        typer.echo(f"removed {file}")
    if not removed:
        say(f"nothing to remove: the local store has no more than {keep} of each image")
