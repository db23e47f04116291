"""Conversion of environment variables into settings by msgspec, with messages that state the accepted values.

The `description` in the type of a field is the text after "accepted:".
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_origin

import msgspec
from msgspec.inspect import Metadata, StructType, UnionType, type_info

HIDDEN = {"is_hidden": True}
"""`extra` of values that error messages must not repeat: they may hold a password."""
T = TypeVar("T")
S = TypeVar("S", bound="SettingsGroup")


class SettingError(Exception):
    """An invalid variable; the message names it, its value and the accepted values."""


def variable(name: str, default: T) -> T:
    """Return a field that is read from the variable `SYNAPSE_` + *name*."""
    field: T = msgspec.field(name=f"SYNAPSE_{name}", default=default)
    return field


class SettingsGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a group of settings; its fields are made with `variable`."""


def settings_group(kind: type[S], values: Mapping[str, Any]) -> S:
    """Return the settings of *kind*. *values* are the variables, lists already split. Raises SettingError."""
    try:
        return msgspec.convert(values, kind, strict=False, dec_hook=_decoded)
    except msgspec.ValidationError as error:
        raise SettingError(_message(kind, values, error)) from error


def _decoded(kind: Any, text: str) -> Any:  # noqa: ANN401 - the signature of a dec_hook
    """Return *text* as a type that msgspec does not convert itself."""
    if kind is Path:
        return Path(text)
    if get_origin(kind) is re.Pattern:
        try:
            return re.compile(text)
        except re.error as error:
            raise ValueError(f"{error}") from error
    raise NotImplementedError  # the answer of a dec_hook to a type that it does not know


def _message(kind: type[SettingsGroup], values: Mapping[str, Any], error: msgspec.ValidationError) -> str:
    """Return the error in the form `VARIABLE: got ...; accepted: ...`."""
    reason, _, path = str(error).partition(" - at `$.")
    name = re.sub(r"\[.*", "", path.rstrip("`"))
    if not name:
        return reason  # of __post_init__, complete
    description, is_hidden = _accepted(kind, name)
    got = (reason if error.__cause__ else "got a value that is not shown") if is_hidden else f"got {values[name]!r}"
    return f"{name}: {got}; accepted: {description}"


def _accepted(kind: type[SettingsGroup], name: str) -> tuple[str, bool]:
    """Return the description of the accepted values of a variable, and whether its value is hidden."""
    info = type_info(kind)
    assert isinstance(info, StructType)  # noqa: S101 - a SettingsGroup
    accepted = next(field.type for field in info.fields if field.encode_name == name)
    choices = accepted.types if isinstance(accepted, UnionType) else (accepted,)
    meta = next(choice for choice in choices if isinstance(choice, Metadata))
    return (meta.extra_json_schema or {})["description"], bool(meta.extra)
