"""docs/commands.md, rendered from the application itself: every command, its arguments, options and help.

`uv run python -m cli.reference > docs/commands.md` writes it.
"""

import inspect
from collections.abc import Iterator
from typing import Any, Final

import typer

from cli import COMMANDS, application
from infra.sizing.ledger import markdown

COLUMNS: Final = ("Option", "Default", "Meaning")
HEAD: Final = """# Commands

Every command of `synapse`, with its options. An option of a group stands before the name of the subcommand.

This file is rendered from the code: `uv run python -m cli.reference > docs/commands.md`.
"""


def render() -> str:
    """Return the whole document."""
    root: Any = typer.main.get_command(application(COMMANDS))
    return "\n".join([HEAD, *_sections("synapse", root)])


def _sections(path: str, command: Any) -> Iterator[str]:  # noqa: ANN401 - of click, which typer brings
    """Yield a section for *command* and for each of its subcommands; a group without options has none of its own."""
    parameters = [each for each in command.params if each.name != "help"]
    subcommands = getattr(command, "commands", {})
    if parameters or not subcommands:
        yield _section(path, command, parameters)
    for name, subcommand in subcommands.items():
        yield from _sections(f"{path} {name}", subcommand)


def _section(path: str, command: Any, parameters: list[Any]) -> str:  # noqa: ANN401 - as above
    # The docstring is used first: a group with an action of its own has another help text in the list of commands.
    text = inspect.cleandoc(getattr(command.callback, "__doc__", None) or command.help or "")
    usage = " ".join([path, *(_metavar(each) for each in parameters if _is_argument(each))])
    table = markdown(COLUMNS, [_row(each) for each in parameters])
    return "\n".join([f"## `{usage}`", "", text, *(["", table] if parameters else [""])])


def _row(parameter: Any) -> tuple[str, str, str]:  # noqa: ANN401 - as above
    name = f"`{_metavar(parameter)}`" if _is_argument(parameter) else _option(parameter)
    environment = f" Environment variable: `{parameter.envvar}`." if parameter.envvar else ""
    return name, _default(parameter), f"{parameter.help or ''}{environment}{_range(parameter)}".replace("|", r"\|")


def _is_argument(parameter: Any) -> bool:  # noqa: ANN401 - as above
    return not parameter.opts[0].startswith("-")


def _metavar(argument: Any) -> str:  # noqa: ANN401 - as above
    """Return `NAME`, `[NAME]` where it is optional, with an ellipsis where it may be repeated."""
    name = argument.metavar or argument.name.upper()
    name = name if argument.required else f"[{name}]"
    return f"{name}..." if argument.nargs == -1 else name


def _option(parameter: Any) -> str:  # noqa: ANN401 - as above
    value = f" {parameter.metavar}" if parameter.metavar else ""
    return ", ".join(f"`{name}{value}`" for name in [*parameter.opts, *parameter.secondary_opts])


def _default(parameter: Any) -> str:  # noqa: ANN401 - as above
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, False, (), []) else f"`{parameter.default}`"


def _range(parameter: Any) -> str:  # noqa: ANN401 - as above
    least, most = getattr(parameter, "min", None), getattr(parameter, "max", None)
    if least is not None and most is not None:
        return f" Accepted: {least:g} to {most:g}."
    return "" if least is None else f" Accepted: {least:g} or more."


if __name__ == "__main__":
    typer.echo(render(), nl=False)
