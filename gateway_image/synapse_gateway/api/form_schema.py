"""How a form with files is described: by a msgspec Struct, whose fields are left out rather than null."""

from collections.abc import Mapping
from typing import Any

import msgspec

FILE: Mapping[str, Any] = {"type": "string", "format": "binary"}


def described(kind: type[msgspec.Struct], *files: str) -> dict[str, Mapping[str, Any]]:
    """Field -> JSON schema, of *files* and of the fields of *kind*."""
    _, components = msgspec.json.schema_components([kind])
    return {**dict.fromkeys(files, FILE), **components[kind.__name__]["properties"]}
