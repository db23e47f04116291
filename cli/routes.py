"""`synapse routes`: which service answers for a model."""

from rich.console import Console
from rich.table import Table

from cli.options import Stack
from infra.plan.routes import COLUMNS
from infra.plan.stack import plan
from infra.settings.loader import load


def routes(stack: Stack = "forge") -> None:
    """Print every public model name and the services that are tried for it, in order."""
    table = Table(*COLUMNS)
    for row in plan(load(stack)).routes.rows():
        table.add_row(*row)
    Console().print(table)
