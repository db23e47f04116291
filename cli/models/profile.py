"""`synapse models profile`: the defaults that the gateway adds to requests for a model."""

import json
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from pydantic import BaseModel
from rich.table import Table

from cli.models.connections import gateway_client, planned
from cli.models.options import Key, Url
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from cli.output import show
from ops.errors import WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.models.inventory import ModelError

WITHIN_S: Final = 300.0
"""Enough for a restart of the router, which a change of the context size needs."""
Name = Annotated[str, typer.Argument(metavar="MODEL", help="Name that the router uses.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Field and its value; repeatable.")
]
Unsets = Annotated[
    list[str] | None,
    typer.Option("--unset", metavar="FIELD", help="Field to reset to the default of the model; repeatable."),
]
Reset = Annotated[bool, typer.Option("--reset", help="Reset every field that --set does not name.")]
Apply = Annotated[bool, typer.Option("--apply", help="Load the model with the profile now.")]


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
    """Show the profile of a router's model; --set, --unset and --reset change it first."""
    changes = {**dict.fromkeys(unsets or []), **dict(_value(text) for text in sets or [])}
    with gateway_client(planned(stack, phase), stack, url, kubeconfig, key) as http:
        try:
            result, fields = _changed(GatewayClient(http, WITHIN_S), name, changes, is_whole=reset, is_applied=apply)
        except WrongAnswerError as error:
            raise ModelError(f"{name}: {error}") from error
    if as_json:
        typer.echo(json.dumps({"model": name, **result.model_dump()}, indent=2))
    else:
        show(_table(name, result, fields))


def _changed(
    client: GatewayClient, name: str, changes: dict[str, Any], *, is_whole: bool, is_applied: bool
) -> tuple[Profile, list[Field]]:
    """Raises WrongAnswerError with the refusal of the gateway, and ModelError if the model does not load."""
    path = f"/models/{quote(name)}"
    if changes or is_whole:
        client.json(Profile, "PUT", f"{path}/profile", json={"values": changes, "replace": is_whole})
    if is_applied:
        applied = client.json(Applied, "POST", f"{path}/profile/apply", json={"load_model": True})
        if not applied.load.success:
            raise ModelError(
                f"{name}: the profile is stored, but the model does not load with it: {applied.load.detail}"
            )
    return client.json(Profile, "GET", f"{path}/profile"), client.json(Schema, "GET", f"{path}/schema").fields


def _value(text: str) -> tuple[str, Any]:
    """Parse FIELD=VALUE, with a number where the value is one. Raises ModelError."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ModelError(f"--set: got {text}; accepted: FIELD=VALUE, such as temperature=0.7")
    try:
        parsed = json.loads(value)
    except ValueError:
        return name, value
    return name, parsed if isinstance(parsed, int | float) and not isinstance(parsed, bool) else value


def _table(name: str, profile: Profile, fields: list[Field]) -> Table:
    title = f"{name} ({profile.family})"
    table = Table("Field", "Value", "Default", "Description", title=title, title_justify="left")
    for field in fields:
        value = profile.values.get(field.name)
        table.add_row(field.name, "-" if value is None else str(value), str(field.default), field.description)
    return table
