"""Client of the API server for any kind of object, by discovery."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from threading import Lock
from typing import Final
from urllib.parse import urlencode

import urllib3

from tools.offline.plugins.kubernetes.connection import ApiConnection, connect
from tools.offline.plugins.kubernetes.errors import ApiError, ClusterUnreachableError, UnknownKindError
from tools.offline.plugins.kubernetes.objects import ObjectReference
from tools.offline.plugins.values import Object

TIMEOUT: Final = urllib3.Timeout(connect=5, read=60)
APPLY: Final = "application/apply-patch+yaml"
JSON: Final = "application/json"
JSON_PATCH: Final = "application/json-patch+json"


class KubernetesApi:
    """Client of the cluster of a kubeconfig; safe to use from many threads."""

    def __init__(self, kubeconfig: str | None, context: str | None) -> None:
        """Take a kubeconfig as a path or as content; None means the default locations."""
        self._kubeconfig = kubeconfig
        self._context = context
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self._namespaces: dict[str, bool] = {}
        self._lock = Lock()

    def path(self, target: ObjectReference) -> str:
        """Return the URL path of the object, or of its collection where it has no name."""
        plural, is_namespaced = self._kind(target.api_version, target.kind)
        namespace = f"/namespaces/{target.namespace}" if is_namespaced and target.namespace else ""
        name = f"/{target.name}" if target.name else ""
        return f"{_root(target.api_version)}{namespace}/{plural}{name}"

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        return self._kind(api_version, kind)[1]

    def had_namespace(self, name: str) -> bool:
        """Return whether the namespace existed at the first call; a preview makes none, so the result is kept.

        Without the right to read the namespace the result is True: objects in it may be allowed nevertheless.
        """
        with self._lock:
            if name not in self._namespaces:
                self._namespaces[name] = self._may_exist(f"{_root('v1')}/namespaces/{name}")
            return self._namespaces[name]

    def get(self, target: ObjectReference) -> Object | None:
        """Return the current object, or None."""
        return self._get(self.path(target))

    def list_objects(self, target: ObjectReference, **selectors: str) -> list[Object]:
        """Return the objects of a kind in a namespace; `labelSelector` and `fieldSelector` filter them."""
        items: list[Object] = self.request("GET", self.path(target), query=selectors)["items"]
        return items

    def apply(self, target: ObjectReference, item: Object, manager: str, *, force: bool, dry_run: bool) -> Object:
        """Create or change the object by server-side apply, as field manager `manager`."""
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        return self.request("PATCH", self.path(target), query=query, body=item, content_type=APPLY)

    def create(self, target: ObjectReference, item: Object, manager: str, *, dry_run: bool) -> Object:
        """Create the object as field manager `manager`. Raises ApiError where it exists."""
        query = {"fieldManager": manager} | ({"dryRun": "All"} if dry_run else {})
        return self.request("POST", self.path(replace(target, name="")), query=query, body=item)

    def replace(self, target: ObjectReference, item: Object, manager: str, *, dry_run: bool) -> Object:
        """Put the object in the place of the one whose `resourceVersion` it has."""
        query = {"fieldManager": manager} | ({"dryRun": "All"} if dry_run else {})
        return self.request("PUT", self.path(target), query=query, body=item)

    def set_managed_fields(self, target: ObjectReference, entries: Sequence[Object]) -> Object:
        """Write who manages which field."""
        patch = [{"op": "replace", "path": "/metadata/managedFields", "value": list(entries)}]
        return self.request("PATCH", self.path(target), body=patch, content_type=JSON_PATCH)

    def delete(self, target: ObjectReference, propagation: str) -> None:
        """Delete the object, if it exists."""
        try:
            self.request("DELETE", self.path(target), body={"propagationPolicy": propagation})
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def request(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Object | list[Object] | None = None,
        content_type: str = JSON,
    ) -> Object:
        """Send one request. Raises ApiError for a refusal and ClusterUnreachableError without a response."""
        connection = self._connection
        headers = {"Accept": JSON, "Content-Type": content_type}
        if authorization := connection.authorization():
            headers["Authorization"] = authorization
        url = f"{connection.address}{path}?{urlencode(sorted((query or {}).items()))}".rstrip("?")
        data = json.dumps(body) if body is not None else None
        try:
            response = connection.pool.request(method, url, body=data, headers=headers, timeout=TIMEOUT)
            content = _parsed(response.data)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnreachableError(f"the cluster does not respond: {error}") from error
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError.of(response.status, content)
        return content

    @cached_property
    def _connection(self) -> ApiConnection:
        return connect(self._kubeconfig, self._context)

    def _get(self, path: str) -> Object | None:
        try:
            return self.request("GET", path)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _may_exist(self, path: str) -> bool:
        try:
            return self._get(path) is not None
        except ApiError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return True

    def _kind(self, api_version: str, kind: str) -> tuple[str, bool]:
        """Return the plural name of the kind, and whether it is namespaced."""
        with self._lock:
            if (api_version, kind) not in self._kinds:
                self._discover(api_version)
            entry = self._kinds.get((api_version, kind))
        if entry is None:
            raise UnknownKindError(f'no matches for kind "{kind}" in version "{api_version}"')
        return entry

    def _discover(self, api_version: str) -> None:
        try:
            resources = self.request("GET", _root(api_version))["resources"]
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return
        for each in resources:
            if "/" not in each["name"]:  # skip subresources such as "pods/log"
                self._kinds[api_version, each["kind"]] = (each["name"], each["namespaced"])


def _parsed(content: bytes) -> Object:
    """Return the response as an object; a plain text such as "404 page not found" becomes its message."""
    try:
        parsed: Object = json.loads(content or b"{}")
    except ValueError:
        return {"message": content.decode(errors="replace").strip()}
    return parsed


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
