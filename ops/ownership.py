"""Owner of a deployed stack: the engine whose state has its resources, marked in the namespace.

Two engines with states of their own would take over each other's objects without a word, and either one's `down` would
delete the other's. The mark names the state, not the checkout: clones that share a state share the stack.
"""

import platform
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kubernetes import client

from infra.labels import STACK_SELECTOR
from ops.cluster.api_errors import CONFLICT, NOT_FOUND, translate_errors
from ops.cluster.connection import connect
from ops.errors import UnreachableError
from tools.control_plane.files import create_private
from tools.errors import ToolsError
from tools.offline.engine import PulumiEngine

MARK: Final = "synapse-engine"
"""Name of the ConfigMap with the mark."""
IDENTITY: Final = "identity"


@dataclass(frozen=True)
class Ownership:
    """The stack in *namespace* of a cluster, as seen by one engine."""

    pulumi: PulumiEngine
    kubeconfig: Path
    namespace: str
    context: str | None

    def check(self, *, adopt: bool = False) -> None:
        """Raise ToolsError where another engine has deployed the stack, unless this one is to *adopt* it."""
        with connect(self.kubeconfig, self.context) as api, translate_errors(UnreachableError):
            mark = self._mark(client.CoreV1Api(api))
            workloads = client.AppsV1Api(api).list_namespaced_deployment(self.namespace, label_selector=STACK_SELECTOR)
        is_foreign = mark is not None and mark[IDENTITY] != self._identity()
        is_unknown = mark is None and workloads.items and not self.pulumi.backend.has_resources()
        if (is_foreign or is_unknown) and not adopt:
            raise ToolsError(self._refusal(mark, len(workloads.items)))

    def claim(self) -> None:
        """Mark the stack as this engine's. Raises UnreachableError."""
        content = {IDENTITY: self._identity(), "machine": platform.node(), "state": str(self.pulumi.state)}
        body = {"metadata": {"name": MARK}, "data": content}
        with connect(self.kubeconfig, self.context) as api, translate_errors(UnreachableError):
            core: Any = client.CoreV1Api(api)
            try:
                core.create_namespaced_config_map(self.namespace, body)
            except client.ApiException as error:
                if error.status != CONFLICT:
                    raise
                core.replace_namespaced_config_map(MARK, self.namespace, body)

    def end(self) -> None:
        """Take the mark away: the stack is destroyed. Raises UnreachableError."""
        with connect(self.kubeconfig, self.context) as api, translate_errors(UnreachableError):
            try:
                client.CoreV1Api(api).delete_namespaced_config_map(MARK, self.namespace)
            except client.ApiException as error:
                if error.status != NOT_FOUND:
                    raise

    def _mark(self, core: Any) -> dict[str, str] | None:  # noqa: ANN401 - the client is untyped
        try:
            return dict(core.read_namespaced_config_map(MARK, self.namespace).data or {IDENTITY: ""})
        except client.ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _identity(self) -> str:
        file = self.pulumi.state / IDENTITY
        create_private(file, str(uuid.uuid4()))
        return file.read_text().strip()

    def _refusal(self, mark: dict[str, str] | None, workloads: int) -> str:
        owner = f"{mark.get('state')} on {mark.get('machine')}" if mark else "an engine that left no mark"
        return (
            f"namespace {self.namespace} of {self.kubeconfig} has {workloads} workloads that another engine deployed "
            f"({owner}), and {self.pulumi.state} knows nothing of them; accepted: the command on that machine, or "
            f"`synapse up --adopt --stack {self.pulumi.stack}`, after which they are this engine's"
        )
