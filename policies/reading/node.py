"""Node of the budget rules: from the policy's configuration, else from the stack's `synapse:node`."""

from collections.abc import Mapping
from importlib import import_module
from threading import Thread
from typing import Any

from infra.catalog.model_catalog import ModelSpecs
from infra.settings.names import PREFIX
from infra.sizing.budget import Capacity
from policies.reading import stack_config
from policies.reading.unknowns import UnprovenError

CONFIG_SCHEMA = {
    "node": {
        "type": "object",
        "description": "The node, in the format of synapse:node; the node of the stack if left out.",
    }
}


def load_checks() -> None:
    """Begin to load the checks of the stack file, while the pack waits for the first resource of the program."""
    Thread(target=import_module, args=("policies.reading.described_node",), daemon=True).start()


def capacity(config: Mapping[str, Any]) -> Capacity:
    """Return the capacity of the node. Raises UnprovenError where none is described."""
    described = config.get("node") or stack_config.value(f"{PREFIX}node")
    if described is None:
        raise UnprovenError(f"no node is described: set {PREFIX}node in the stack file, or `node` of this policy")
    from policies.reading import described_node  # noqa: PLC0415 - loaded late, as it explains

    return described_node.capacity(described)


def model_specs() -> ModelSpecs:
    """Return the model specs of the catalog and of the stack, which win. Raises UnprovenError for unreadable ones."""
    from policies.reading import described_node  # noqa: PLC0415 - loaded late, as it explains

    return ModelSpecs(described_node.model_specs(stack_config.value(f"{PREFIX}models") or {}))
