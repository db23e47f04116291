"""`synapse bench`: the preview of a stack beside an empty program's; `gateway.py` and `stack.py` have subcommands."""

from typing import Annotated

import typer
from rich.table import Table

from cli import output
from cli.bench import gateway, stack
from cli.options import DEFAULT_STACK, Stack
from infra.sizing.ledger import markdown
from ops.bench import preview

Runs = Annotated[int, typer.Option("--runs", min=1, max=50, help="Number of previews of each subject.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Table in Markdown, for docs/performance.md.")]


app = typer.Typer(help="Benchmarks: the preview of a stack or, with a subcommand, the gateway or a deployed stack.")
app.command()(gateway.gateway)
app.command()(gateway.soak)
app.command("stack")(stack.stack)


@app.callback(invoke_without_command=True)
def bench(context: typer.Context, stack: Stack = DEFAULT_STACK, runs: Runs = 5, as_markdown: Markdown = False) -> None:
    """Time the previews of the stack and of an empty program; exit 1 when the first takes over 3 times or 4 s more."""
    if context.invoked_subcommand:
        return
    medians = preview.measure_preview(stack, runs)
    if as_markdown:
        typer.echo(markdown(preview.COLUMNS, preview.rows(medians)) + f"\n{preview.method(runs)}")
    else:
        table = Table(*preview.COLUMNS, title=preview.method(runs), title_justify="left")
        for row in preview.rows(medians):
            table.add_row(*row)
        output.show(table)
    raise typer.Exit(0 if preview.is_met(medians, stack) else 1)
