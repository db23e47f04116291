"""The few calls that the tools make to an API server of theirs."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from tools.control_plane.credentials import ADMIN, LOOPBACK, Credentials
from tools.errors import ControlPlaneError

Manifest = dict[str, Any]


@dataclass(frozen=True)
class AdminClient:
    """The API server on `port`, as its administrator."""

    credentials: Credentials
    port: int
    answer_s: float = 10.0  # how long to wait for each answer

    def is_ready(self) -> bool:
        try:
            return self._call("GET", "/readyz") == b"ok"
        except OSError:
            return False

    def is_node_ready(self, name: str) -> bool:
        """Whether the node is Ready and pods may land on it."""
        node = self.get(f"/api/v1/nodes/{name}")
        if node is None or node["spec"].get("taints"):
            return False
        conditions = node.get("status", {}).get("conditions", [])
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    def has_default_account(self) -> bool:
        """Whether pods can be made in the namespace `default`: each runs as a service account."""
        return self.get("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at `path`; None where there is none, or no API server."""
        try:
            answer: dict[str, Any] = json.loads(self._call("GET", path))
        except OSError:
            return None
        return answer

    def apply(self, path: str, manifest: Manifest) -> None:
        """Make the object what `manifest` says, there or not; raises ControlPlaneError where it is refused."""
        try:
            self._call("PATCH", f"{path}?fieldManager=synapse-tools&force=true", json.dumps(manifest).encode())
        except urllib.error.HTTPError as error:
            with error:
                raise ControlPlaneError(f"the API server refused {path}: {json.load(error)['message']}") from error

    def delete(self, path: str) -> None:
        """Remove the object, if it is there."""
        if self.get(path) is not None:
            self._call("DELETE", path)

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"https://{LOOPBACK}:{self.port}{path}", body, method=method)
        request.add_header("Authorization", f"Bearer {self.credentials.token(ADMIN)}")
        if body is not None:
            request.add_header("Content-Type", "application/apply-patch+yaml")
        trust = ssl.create_default_context(cafile=str(self.credentials.authority))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        with opener.open(request, timeout=self.answer_s) as answer:
            content: bytes = answer.read()
            return content
