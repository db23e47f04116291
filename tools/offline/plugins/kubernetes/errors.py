"""Errors of a cluster.

PluginError
├── UnsupportedError       something that only the official plugin supports
└── KubernetesError
    ├── ApiError                  the API server refused; has its status and reason
    ├── UnknownKindError          the cluster does not serve such objects
    ├── ClusterUnreachableError   no response, or no usable kubeconfig
    └── NotReadyError             an object exists but did not become ready
"""

from tools.offline.plugins.responses import PluginError
from tools.offline.plugins.values import Object


class KubernetesError(PluginError):
    """A request to the cluster failed."""


class ApiError(KubernetesError):
    """A refusal; `status` is the HTTP status, `reason` Kubernetes' word such as `Conflict`."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @classmethod
    def of(cls, status: int, content: Object) -> "ApiError":
        """Return the error of the API server's `Status` object."""
        return cls(status, str(content.get("reason", "")), str(content.get("message") or f"HTTP status {status}"))


class UnknownKindError(KubernetesError):
    """The kind is not served: a typing error, or its definition is missing."""


class ClusterUnreachableError(KubernetesError):
    """There was no response; a change may or may not have been made."""


class NotReadyError(KubernetesError):
    """The object is not ready; the message has the reasons, one per line, the most specific first."""


class UnsupportedError(PluginError):
    """The official plugin is needed; the message names the reason."""
