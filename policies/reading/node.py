"""Node of the budget rules: from the policy's configuration, else from the stack's `synapse:node`."""

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
        "description": "The node, in the format of synapse:node; the node of the stack if left out.",
    }
}
_MODEL_SPECS = TypeAdapter(dict[str, ModelSpecSection])


def capacity(config: Mapping[str, Any]) -> Capacity:
    """Return the capacity of the node. Raises UnprovenError where none is described."""
    described = config.get("node") or stack_config.value(f"{PREFIX}node")
    if described is None:
        raise UnprovenError(f"no node is described: set {PREFIX}node in the stack file, or `node` of this policy")
    try:
        return Node.model_validate(described).capacity
    except ValidationError as error:
        raise UnprovenError(f"the node's description cannot be read: {error}") from error


def model_specs() -> dict[str, ModelSpec]:
    """Return the built-in model specs and those of the stack, which win. Raises UnprovenError for an unreadable one."""
    try:
        own = _MODEL_SPECS.validate_python(stack_config.value(f"{PREFIX}models") or {})
        return {**MODEL_SPECS, **{name: model_spec.model_spec() for name, model_spec in own.items()}}
    except (ValidationError, ModelFileError) as error:
        raise UnprovenError(f"the model specs of the stack cannot be read: {error}") from error
