"""Figures of a model spec as a stack file has them, for a model that is not in the catalog."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, Final

from pydantic.alias_generators import to_camel

from infra.quantities import MI
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec

FIRST: Final = ("parameters", "context_tokens")
LAST: Final = "groups"


def figures(spec: ModelSpec) -> dict[str, Any]:
    """Return the section of `synapse:models` for *spec*: what differs from the defaults, the layers at the end."""
    values = dict(_differing(spec))
    ordered = [*(name for name in FIRST if name in values), *(name for name in values if name not in {*FIRST, LAST})]
    groups = [{to_camel(name): value for name, value in _differing(group)} for group in spec.groups]
    return {**{to_camel(name): _written(name, values[name]) for name in ordered}, LAST: groups}


def _differing(values: ModelSpec | LayerGroup) -> Iterator[tuple[str, Any]]:
    """Yield the fields that differ from their defaults."""
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if field.default is dataclasses.MISSING or value != field.default:
            yield field.name, value


def _written(name: str, value: object) -> object:
    """Return a value as the stack file has it: the size of the weights as a quantity, rounded up."""
    return f"{math.ceil(value / MI)}Mi" if name == "stored" and isinstance(value, int) else value
