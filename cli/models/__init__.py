"""`synapse models`: the models of a stack on disk and in memory, their profiles and their memory."""

import typer

from cli.models.catalog import catalog
from cli.models.listing import show
from cli.models.load import load, unload
from cli.models.profile import profile
from cli.models.pull import pull
from cli.models.spec import spec
from cli.models.verify import verify

app = typer.Typer(help="Models of a stack: on disk, in memory, and in the ledger.", no_args_is_help=True)
app.command("list")(show)
for command in (catalog, spec, pull, load, unload, profile, verify):
    app.command()(command)
