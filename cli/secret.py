"""`synapse secret`: the secrets of a deployed stack, encrypted beside its engine's state."""

import sys
from typing import Annotated

import typer

from cli.options import DEFAULT_STACK, Kubeconfig, Stack
from ops.stack_secrets import full_key, generated, kept_secrets
from tools.errors import ToolsError
from tools.progress import say

app = typer.Typer(
    help="The secrets of a stack that the bundled engine deploys: API keys, tokens and passwords.",
    no_args_is_help=True,
)

Key = Annotated[str, typer.Argument(help="Name of the secret, such as apiKeys; docs/settings.md lists all.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a random value; `show` prints it.")]


@app.command("set")
def set_(key: Key, stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None, generate: Generate = False) -> None:
    """Keep a secret: its value is read from standard input, or asked for at a terminal."""
    name = full_key(key)
    value = generated(name) if generate else _value(name)
    kept_secrets(stack, kubeconfig).set(name, value)
    say(f"{name} is kept; `synapse up --stack {stack}` brings it to the cluster")


@app.command("list")
def list_(stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None) -> None:
    """Print the names of the secrets that are kept, and no values."""
    names = sorted(kept_secrets(stack, kubeconfig).config())
    for name in names:
        typer.echo(name)
    if not names:
        say(f"no secret of {stack} is kept; `synapse secret set --stack {stack} KEY` keeps one")


@app.command()
def show(key: Key, stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None) -> None:
    """Print the value of a secret."""
    name = full_key(key)
    if (value := kept_secrets(stack, kubeconfig).get(name)) is None:
        raise ToolsError(_unknown(name, stack))
    typer.echo(value)


@app.command()
def remove(key: Key, stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None) -> None:
    """Forget a secret; the next `synapse up` takes it out of the cluster."""
    name = full_key(key)
    if not kept_secrets(stack, kubeconfig).remove(name):
        raise ToolsError(_unknown(name, stack))
    say(f"{name} is forgotten; `synapse up --stack {stack}` takes it out of the cluster")


def _value(name: str) -> str:
    """Return what standard input has, less one line end; a value is in no command line, which others can read."""
    value: str = typer.prompt(name, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    value = value.removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise ToolsError(f"{name}: got nothing; accepted: a value on standard input")
    return value


def _unknown(name: str, stack: str) -> str:
    return f"{name}: not kept for {stack}; `synapse secret list --stack {stack}` prints what is"
