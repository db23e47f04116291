"""`synapse models`: a stack's models, on disk, in memory, their profiles, and what they really take."""

import typer

from infra.cli.models.fetching import pull
from infra.cli.models.listing import show
from infra.cli.models.loading import load, unload
from infra.cli.models.profile import profile
from infra.cli.models.verifying import verify

app = typer.Typer(help="The models of a stack: on disk, in memory, and in the ledger.", no_args_is_help=True)
app.command("list")(show)
for command in (pull, load, unload, profile, verify):
    app.command()(command)
