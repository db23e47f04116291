"""Convert Pulumi's property values to plain Python, with secrets and unknown values at any depth."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

# Marks of the protocol: sdk/go/common/resource/properties.go and sdk/go/common/resource/plugin/rpc.go.
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the mark of a secret, not one)
UNKNOWNS: Final = {
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # text, and values of unknown type
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Object = dict[str, Any]  # one JSON object; its values are what JSON has, `Secret` or `UNKNOWN`


class _Mark(Enum):
    UNKNOWN = "a value that is unknown before the update"


UNKNOWN: Final = _Mark.UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A value that Pulumi encrypts in the state and masks at the terminal."""

    value: object


def decode(message: Struct) -> Object:
    """Return the properties of a request, without nulls; whole numbers become `int`, as Kubernetes requires."""
    return _fields(MessageToDict(message))


def encode(properties: Mapping[str, object]) -> Struct:
    """Return the properties for a response."""
    return ParseDict({key: _encoded(value) for key, value in properties.items()}, Struct())


def revealed(value: Any) -> Any:  # noqa: ANN401 (as deep as JSON goes)
    """Return the value without secret marks: for the cluster, never for the state or a log."""
    if isinstance(value, Secret):
        return revealed(value.value)
    if isinstance(value, dict):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


def bare(value: object) -> object:
    """Return the value without its own secret mark; nested values keep theirs."""
    return bare(value.value) if isinstance(value, Secret) else value


def has_unknown(value: object) -> bool:
    """Return whether any nested value is unknown."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def has_secret(value: object) -> bool:
    """Return whether any nested value is secret."""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def concealed(value: object, like: object) -> object:
    """Return `value` with a secret mark wherever `like` has one; a list with a secret is secret as a whole."""
    if isinstance(value, dict) and isinstance(like, dict):
        return {key: concealed(item, like.get(key)) for key, item in value.items()}
    return Secret(revealed(value)) if has_secret(like) else value


def _fields(value: dict[str, object]) -> Object:
    return {key: _decoded(item) for key, item in value.items() if item is not None}


def _decoded(value: object) -> object:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return Secret(_decoded(value["value"]))
        return _fields(value)
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if isinstance(value, str) and value in UNKNOWNS else value


def _encoded(value: object) -> object:
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET, "value": _encoded(value.value)}
    if isinstance(value, dict):
        return {str(key): _encoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    return UNKNOWN_TEXT if value is UNKNOWN else value
