"""Label keys and values of the platform's objects."""

from typing import Final

NAME_LABEL: Final = "app.kubernetes.io/name"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
PART_OF_LABEL: Final = "app.kubernetes.io/part-of"
PLATFORM: Final = "synapse"
"""Value of `PART_OF_LABEL` on every object of the platform."""


def part_of() -> dict[str, str]:
    """Return the label that every object of the platform has."""
    return {PART_OF_LABEL: PLATFORM}


def selector(name: str) -> dict[str, str]:
    """Return the labels that select the pods of one workload; a Deployment's selector can never change."""
    return {NAME_LABEL: name}


def labels(name: str, component: str) -> dict[str, str]:
    """Return all labels of a workload's objects."""
    return {**selector(name), COMPONENT_LABEL: component, **part_of()}
