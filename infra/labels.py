"""Label keys and values of the platform's objects, and selectors made of them."""

from typing import Final

NAME_LABEL: Final = "app.kubernetes.io/name"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
PART_OF_LABEL: Final = "app.kubernetes.io/part-of"
PLATFORM: Final = "synapse"
"""Value of `PART_OF_LABEL` on every object of the platform."""
SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"
"""Label of an EndpointSlice: the name of its Service."""
STACK_SELECTOR: Final = f"{PART_OF_LABEL}={PLATFORM}"
"""Selector of every object of a stack."""


def part_of() -> dict[str, str]:
    """Return the label that every object of the platform has."""
    return {PART_OF_LABEL: PLATFORM}


def selector(name: str) -> dict[str, str]:
    """Return the labels that select the pods of one workload; a Deployment's selector can never change."""
    return {NAME_LABEL: name}


def service_selector(service: str) -> str:
    """Return the selector of the pods of a service, as the API writes selectors."""
    return f"{NAME_LABEL}={service}"


def labels(name: str, component: str) -> dict[str, str]:
    """Return all labels of a workload's objects."""
    return {**selector(name), COMPONENT_LABEL: component, **part_of()}
