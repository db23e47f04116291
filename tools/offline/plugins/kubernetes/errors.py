"""What can go wrong with a cluster.

PluginError
├── UnsupportedError       something only the official plugin does
└── ClusterError
    ├── ApiError           the API server refused; has its status and reason
    ├── UnknownKindError   the cluster does not know such objects
    ├── UnreachableError   no answer, or no way to ask
    └── NotReadyError      an object is there but not in the state that was waited for
"""

from tools.offline.plugins.answers import PluginError
from tools.offline.plugins.values import Object


class KubernetesError(PluginError):
    """Something between us and the cluster."""


class ApiError(KubernetesError):
    """A refusal; `status` is the HTTP status, `reason` Kubernetes' own word such as `Conflict`."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @classmethod
    def of(cls, status: int, answer: Object) -> "ApiError":
        """From the `Status` object that the API server answers with."""
        return cls(status, str(answer.get("reason", "")), str(answer.get("message") or f"HTTP status {status}"))


class UnknownKindError(KubernetesError):
    """The kind is not served: a typing error, or its definition is not there yet."""


class ClusterUnreachableError(KubernetesError):
    """Not an answer of any kind; whether a change was made is not known."""


class NotReadyError(KubernetesError):
    """The reasons, one per line, most telling first."""


class UnsupportedError(PluginError):
    """The message names what the official plugin is needed for."""
