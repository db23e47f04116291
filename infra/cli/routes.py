"""`synapse routes`: which service answers for a model."""

from rich.console import Console
from rich.table import Table

from infra.cli.options import Stack
from infra.plan import plan
from infra.routes import COLUMNS
from infra.settings import load


def routes(stack: Stack = "forge") -> None:
    """Print every public model name and the services that are tried for it, in order."""
    table = Table(*COLUMNS)
    for row in plan(load(stack)).routes.rows():
        table.add_row(*row)
    Console().print(table)
