"""Errors of a cluster.

PluginError
├── UnsupportedError       something that only the official plugin supports
└── KubernetesError
    ├── ApiError                  the API server refused; has its status and reason
    ├── UnknownKindError          the cluster does not serve such objects
    ├── ClusterUnreachableError   no response, or no usable kubeconfig
    └── NotReadyError             an object exists but did not become ready
"""

from collections.abc import Sequence
from http import HTTPStatus

from tools.offline.plugins.responses import PluginError
from tools.offline.plugins.values import Object


class KubernetesError(PluginError):
    """A request to the cluster failed."""


class ApiError(KubernetesError):
    """A refusal; `status` is the HTTP status, `reason` Kubernetes' word such as `Conflict`."""

    def __init__(self, status: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.details = details or {}

    @classmethod
    def of(cls, status: int, content: Object) -> "ApiError":
        """Return the error of the API server's `Status` object."""
        message = str(content.get("message") or f"HTTP status {status}")
        return cls(status, str(content.get("reason", "")), message, content.get("details"))

    @property
    def is_missing_namespace(self) -> bool:
        return self.status == HTTPStatus.NOT_FOUND and self.details.get("kind") == "namespaces"

    @property
    def required_field(self) -> str | None:
        """Return the field that must have a value, where that is the reason."""
        causes = self.details.get("causes") or []
        return next((each["field"] for each in causes if each.get("reason") == "FieldValueRequired"), None)


class UnknownKindError(KubernetesError):
    """The kind is not served: a typing error, or its definition is missing."""


class ClusterUnreachableError(KubernetesError):
    """There was no response; a change may or may not have been made."""


class NotReadyError(KubernetesError):
    """The object is not ready; `reasons` has more than the message says."""

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reasons = list(reasons)


class UnsupportedError(PluginError):
    """The official plugin is needed; the message names the reason."""
