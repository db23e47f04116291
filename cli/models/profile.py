"""`synapse models profile`: what the gateway fills in for a model where a request leaves it out."""

import json
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.models.options import Key, Url, gateway, planned
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from ops.errors import WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.models.inventory import ModelError

WITHIN_S: Final = 300.0
"""A change of the context size restarts the router, when the profile is put to use."""
Name = Annotated[str, typer.Argument(metavar="MODEL", help="As the router calls it.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Repeat it for several.")]
Unsets = Annotated[list[str] | None, typer.Option("--unset", metavar="FIELD", help="Go back to the model's own.")]
Reset = Annotated[bool, typer.Option("--reset", help="Take every field away that is not set here.")]
Apply = Annotated[bool, typer.Option("--apply", help="Load the model with it now.")]


class Profile(BaseModel):
    family: str
    values: dict[str, Any]


class Field(BaseModel):
    name: str
    type: str
    default: Any
    description: str


class Schema(BaseModel):
    fields: list[Field]


class Loaded(BaseModel):
    success: bool
    detail: str | None = None


class Applied(BaseModel):
    load: Loaded


def profile(  # noqa: PLR0913, PLR0917 - a command has its options
    name: Name,
    sets: Sets = None,
    unsets: Unsets = None,
    reset: Reset = False,
    apply: Apply = False,
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    url: Url = None,
    kubeconfig: Kubeconfig = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show the profile of a router's model, after changing it if asked."""
    changes = {**dict.fromkeys(unsets or []), **dict(_value(text) for text in sets or [])}
    with gateway(planned(stack, phase), stack, url, kubeconfig, key) as http:
        try:
            found, fields = _changed(GatewayClient(http, WITHIN_S), name, changes, is_whole=reset, is_applied=apply)
        except WrongAnswerError as error:
            raise ModelError(f"{name}: {error}") from error
    if as_json:
        typer.echo(json.dumps({"model": name, **found.model_dump()}, indent=2))
    else:
        Console(soft_wrap=True, highlight=False).print(_table(name, found, fields))


def _changed(
    asker: GatewayClient, name: str, changes: dict[str, Any], *, is_whole: bool, is_applied: bool
) -> tuple[Profile, list[Field]]:
    """Raises WrongAnswerError with the gateway's own refusal, and ModelError when the model does not load."""
    path = f"/models/{quote(name)}"
    if changes or is_whole:
        asker.json(Profile, "PUT", f"{path}/profile", json={"values": changes, "replace": is_whole})
    if is_applied:
        done = asker.json(Applied, "POST", f"{path}/profile/apply", json={"load_model": True})
        if not done.load.success:
            raise ModelError(f"{name}: the profile is stored, and the model does not load with it: {done.load.detail}")
    return asker.json(Profile, "GET", f"{path}/profile"), asker.json(Schema, "GET", f"{path}/schema").fields


def _value(text: str) -> tuple[str, Any]:
    """A number where it is one. Raises ModelError."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ModelError(f"--set {text}: accepted: FIELD=VALUE, such as temperature=0.7")
    try:
        found = json.loads(value)
    except ValueError:
        return name, value
    return name, found if isinstance(found, int | float) and not isinstance(found, bool) else value


def _table(name: str, found: Profile, fields: list[Field]) -> Table:
    table = Table(
        "Field", "Value", "Otherwise", "Means", title=f"{escape(name)} ({found.family})", title_justify="left"
    )
    for field in fields:
        value = found.values.get(field.name)
        table.add_row(
            field.name, "-" if value is None else escape(str(value)), escape(str(field.default)), field.description
        )
    return table
