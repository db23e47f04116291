"""Sections of a stack file in a policy pack, checked as the program checks them.

They take longer to load than all rules together, so they are not loaded while the engine waits for the pack to start,
but while it starts the program (`policies/reading/node.py`).
"""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from infra.errors import ModelFileError
from infra.settings.model import Node
from infra.settings.model_specs import ModelSpecSection
from infra.sizing.budget import Capacity
from infra.sizing.specs.model_spec import ModelSpec
from policies.reading.unknowns import UnprovenError

_MODEL_SPECS = TypeAdapter(dict[str, ModelSpecSection])


def capacity(described: Any) -> Capacity:  # noqa: ANN401 - configuration is JSON
    """Return the capacity of the node that `synapse:node` describes. Raises UnprovenError where it cannot be read."""
    try:
        return Node.model_validate(described).capacity
    except ValidationError as error:
        raise UnprovenError(f"the node's description cannot be read: {error}") from error


def model_specs(section: Any) -> dict[str, ModelSpec]:  # noqa: ANN401 - configuration is JSON
    """Return the model specs of `synapse:models`. Raises UnprovenError where they cannot be read."""
    try:
        own = _MODEL_SPECS.validate_python(section)
        return {name: model_spec.model_spec() for name, model_spec in own.items()}
    except (ValidationError, ModelFileError) as error:
        raise UnprovenError(f"the model specs of the stack cannot be read: {error}") from error
