"""Security contexts of hardened pods, in the notation of Kubernetes; components and the commands' own pods use them."""

from typing import Any


def container_security() -> dict[str, Any]:
    """Return the security context of every container: no privileges, and a read-only root filesystem."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def pod_security(user: int) -> dict[str, Any]:
    """Return the security context of a pod: an ordinary user, and the seccomp profile of the runtime."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",  # a model volume has too many files to change them at each start
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def pod_fields() -> dict[str, Any]:
    """Return the fields that turn off what a pod does not need: an API token, and variables of other Services."""
    return {"automountServiceAccountToken": False, "enableServiceLinks": False}
