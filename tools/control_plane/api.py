"""Client of a private cluster's API server."""

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
    """Client of the API server on `port`, with the administrator's token."""

    credentials: Credentials
    port: int
    answer_s: float = 10.0  # timeout of each response

    def is_ready(self) -> bool:
        try:
            return self._call("GET", "/readyz") == b"ok"
        except OSError:
            return False

    def is_node_ready(self, name: str) -> bool:
        """Return whether the node is Ready and schedulable."""
        node = self.get(f"/api/v1/nodes/{name}")
        if node is None or node["spec"].get("taints"):
            return False
        conditions = node.get("status", {}).get("conditions", [])
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    def has_default_account(self) -> bool:
        """Return whether the namespace `default` has its service account, without which no pod can be created."""
        return self.get("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def get(self, path: str) -> dict[str, Any] | None:
        """Return the object at `path`; None where there is none, or no API server."""
        try:
            content: dict[str, Any] = json.loads(self._call("GET", path))
        except OSError:
            return None
        return content

    def apply(self, path: str, manifest: Manifest) -> None:
        """Create or change the object by server-side apply. Raises ControlPlaneError where it is refused."""
        try:
            self._call("PATCH", f"{path}?fieldManager=synapse-tools&force=true", json.dumps(manifest).encode())
        except urllib.error.HTTPError as error:
            with error:
                raise ControlPlaneError(f"the API server refused {path}: {json.load(error)['message']}") from error

    def delete(self, path: str) -> None:
        """Remove the object, if it exists."""
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
        with opener.open(request, timeout=self.answer_s) as response:
            content: bytes = response.read()
            return content
