"""`synapse pins`: images of the catalog that are behind the newest release in their registry."""

import json

import typer
from rich.table import Table
from rich.text import Text

from cli.options import AsJson
from cli.output import show
from ops.pins.pin import BAD, PinState, pinned, states
from ops.pins.registry import Registry


def pins(as_json: AsJson = False) -> None:
    """Compare each pinned image with the tags of its registry; exit 1 unless all are current."""
    with Registry() as registry:
        results = list(states(pinned(), registry))
    if as_json:
        typer.echo(json.dumps([_document(result) for result in results], indent=2))
    else:
        show(_table(results))
    for fault in dict.fromkeys(result.fault for result in results if result.fault):
        typer.echo(fault, err=True)
    raise typer.Exit(1 if any(result.state in BAD for result in results) else 0)


def _document(result: PinState) -> dict[str, str]:
    return {"kind": result.kind, "image": str(result.image), "state": result.state, "newest": result.newest}


def _table(results: list[PinState]) -> Table:
    table = Table("Kind", "Image", "Pinned", "Newest", "")
    for result in results:
        colour = "red" if result.state in BAD else "green"
        name = f"{result.image.host}/{result.image.repository}"
        cells = (result.kind, name, result.image.tag or "-", result.newest or "-")
        table.add_row(*cells, Text(result.state, style=colour))
    return table
