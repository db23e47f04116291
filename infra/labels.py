"""Label keys that objects carry, and the value that marks an object as part of the platform."""

from typing import Final

NAME: Final = "app.kubernetes.io/name"
COMPONENT: Final = "app.kubernetes.io/component"
PART_OF: Final = "app.kubernetes.io/part-of"
PLATFORM: Final = "synapse"
"""The value of PART_OF on every object of a stack."""
SERVICE_NAME: Final = "kubernetes.io/service-name"
"""On an EndpointSlice: the name of its Service."""
STACK_SELECTOR: Final = f"{PART_OF}={PLATFORM}"
"""Selects every object of a stack."""


def service_selector(service: str) -> str:
    """Return the selector of the pods of *service*."""
    return f"{NAME}={service}"
