"""Ownership of fields: annotations that give all objects of the stack one field manager, which takes fields back."""

from collections.abc import Mapping
from typing import Final

import pulumi

from infra.annotations import FIELD_MANAGER, FORCE

MANAGER: Final = "synapse"
PATCH: Final = "Patch"


def own_fields(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Add the annotations to a Kubernetes object; one that it has already stays."""
    metadata = args.props.get("metadata")
    if not args.type_.startswith("kubernetes:") or not isinstance(metadata, Mapping):
        return None
    annotations = {FIELD_MANAGER: manager(args.type_, args.name), FORCE: "true", **(metadata.get("annotations") or {})}
    props = {**args.props, "metadata": {**metadata, "annotations": annotations}}
    return pulumi.ResourceTransformationResult(props, args.opts)


def manager(token: str, name: str) -> str:
    """Return the field manager of a resource; each patch has its own, as two of them may patch one object."""
    return f"{MANAGER}-{name}" if token.endswith(PATCH) else MANAGER
