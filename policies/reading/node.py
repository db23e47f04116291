"""The node that the rules measure against: the policy's own configuration, else the stack's `synapse:node`."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from infra.errors import ModelFileError
from infra.settings.model import Node
from infra.settings.schema import PREFIX, ModelSpecSection
from infra.sizing.budget import Capacity
from infra.sizing.vram import MODEL_SPECS, ModelSpec
from policies.reading import stack_config
from policies.reading.unknowns import UnprovenError

CONFIG_SCHEMA = {
    "node": {
        "type": "object",
        "description": "The node, as in the stack file's synapse:node; the stack's own if left out.",
    }
}
_MODEL_SPECS = TypeAdapter(dict[str, ModelSpecSection])


def capacity(config: Mapping[str, Any]) -> Capacity:
    """The node's capacity; raises UnprovenError where none is described."""
    described = config.get("node") or stack_config.value(f"{PREFIX}node")
    if described is None:
        raise UnprovenError(f"no node is described: set {PREFIX}node in the stack file, or `node` of this policy")
    try:
        return Node.model_validate(described).capacity
    except ValidationError as error:
        raise UnprovenError(f"the node's description cannot be read: {error}") from error


def model_specs() -> dict[str, ModelSpec]:
    """The built-in model specs and the stack's own, which win; raises UnprovenError for one that cannot be read."""
    try:
        own = _MODEL_SPECS.validate_python(stack_config.value(f"{PREFIX}models") or {})
        return {**MODEL_SPECS, **{name: model_spec.model_spec() for name, model_spec in own.items()}}
    except (ValidationError, ModelFileError) as error:
        raise UnprovenError(f"the stack's model specs cannot be read: {error}") from error
