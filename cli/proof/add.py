"""`synapse add`: a model in a stack file, once it is proved that it fits."""

import difflib
import sys
from typing import Annotated

import typer

from cli.models.options import Files
from cli.options import DEFAULT_STACK, Stack
from cli.plan import comparison
from cli.proof.options import Card, Model
from infra.errors import SettingsError
from infra.quantities import gib
from infra.sizing.gpu_budget import vram_warnings
from ops import stack_file
from ops.models import refusal
from ops.models.adding import Addition, Wish, prepare
from ops.models.route_edit import public_name

Service = Annotated[
    str | None,
    typer.Option(
        "--service",
        metavar="NAME",
        help="Service that gets the model, of kind vllm or sglang; a new name makes a new one (of kind sglang where it "
        "begins with it); default: the first of kind vllm.",
    ),
]
Context = Annotated[
    int | None,
    typer.Option(
        "--context",
        min=1,
        metavar="TOKENS",
        help="Longest prompt and answer together; default: as published for the card, else a preset that fits.",
    ),
]
Sequences = Annotated[
    int | None,
    typer.Option("--sequences", min=1, max=4096, help="Requests that are served at the same time; default: the same."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")]


def add(  # noqa: PLR0913, PLR0917 - a command has its options
    name: Model,
    stack: Stack = DEFAULT_STACK,
    service: Service = None,
    files: Files = None,
    context: Context = None,
    sequences: Sequences = None,
    card: Card = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Give a service of the stack a model, with options that fit its GPU, and a route; exit 1 when none fit."""
    wish = Wish(stack=stack, model=name, service=service, files=files, card=card, context=context, sequences=sequences)
    addition = prepare(wish)
    typer.echo(comparison(addition.plan_before, addition.plan_after, f"With {addition.model.name}"))
    if not addition.fits:
        _refuse(addition)
    _show(addition)
    if addition.after == addition.before:
        typer.echo(f"{addition.before.name} has it already; nothing to write")
    elif not dry_run:
        _confirm(addition, is_sure=yes)
        _write(addition)


def _refuse(addition: Addition) -> None:
    typer.echo(f"{addition.model.name} does not fit; {addition.before.name} is as it was", err=True)
    for reason in refusal.reasons(addition):
        typer.echo(f"- {reason}", err=True)
    raise typer.Exit(1)


def _show(addition: Addition) -> None:
    """Print the options, the warnings, and the lines that change."""
    ledger, choice = addition.plan_after.ledger, addition.choice
    if choice:
        typer.echo(f"Options: {choice.reason}; {gib(addition.request.left(choice.options))} of VRAM are left.")
    for warning in vram_warnings(ledger.lines, ledger.capacity):
        typer.echo(f"Warning: {warning.message}")
    name, before, after = addition.before.name, addition.before.text, addition.after.text
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (new)", lineterm="", n=1)
    typer.echo("\n".join(["", *lines, ""]))


def _confirm(addition: Addition, *, is_sure: bool) -> None:
    """Ask unless *is_sure*. Raises SettingsError where nobody can answer."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise SettingsError(
            f"{addition.before.name}: nothing was written, since no terminal is there to ask; accepted: --yes, or "
            "--dry-run to see the change"
        )
    typer.confirm(f"Write this into {addition.before.name}?", abort=True)


def _write(addition: Addition) -> None:
    stack = addition.before.stack
    path = stack_file.write(addition.before, addition.after)
    typer.echo(f"Written: {path.name}. Clients call it {public_name(addition.model.name)}. Next:")
    for step, text in (
        (f"synapse plan --stack {stack}", "the ledger and the first start"),
        (f"synapse preview --stack {stack}", "what changes in the cluster"),
        (f"synapse up --stack {stack}", "deploy and test it"),
    ):
        typer.echo(f"  {step:<34}{text}")
