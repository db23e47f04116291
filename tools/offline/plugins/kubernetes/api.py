"""The API server, as far as the plugin needs it: any kind of object by discovery."""

import json
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


class KubernetesApi:
    """One cluster, reached as a kubeconfig says; safe to use from many threads."""

    def __init__(self, kubeconfig: str | None, context: str | None) -> None:
        """`kubeconfig` is a path or the content itself; without it the usual places are searched."""
        self._kubeconfig = kubeconfig
        self._context = context
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self._namespaces: dict[str, bool] = {}
        self._lock = Lock()

    def path(self, target: ObjectReference) -> str:
        """The object's URL path; without a name, its collection's."""
        plural, is_namespaced = self._kind(target.api_version, target.kind)
        namespace = f"/namespaces/{target.namespace}" if is_namespaced and target.namespace else ""
        name = f"/{target.name}" if target.name else ""
        return f"{_root(target.api_version)}{namespace}/{plural}{name}"

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        return self._kind(api_version, kind)[1]

    def had_namespace(self, name: str) -> bool:
        """Whether the namespace was there when it was first asked for: good enough for a preview, which makes none.

        To whoever may not look it is there: the right to make objects in it does not bring that of reading it.
        """
        with self._lock:
            if name not in self._namespaces:
                self._namespaces[name] = self._may_be_there(f"{_root('v1')}/namespaces/{name}")
            return self._namespaces[name]

    def get(self, target: ObjectReference) -> Object | None:
        """The object as it is now, or None where there is none."""
        return self._found(self.path(target))

    def listed(self, target: ObjectReference, **selectors: str) -> list[Object]:
        """The objects of a kind in a namespace; `labelSelector` and `fieldSelector` narrow it down."""
        items: list[Object] = self.request("GET", self.path(target), query=selectors)["items"]
        return items

    def apply(self, target: ObjectReference, item: Object, manager: str, *, force: bool, dry_run: bool) -> Object:
        """Create or change the object so that it has these fields, which `manager` then owns."""
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        return self.request("PATCH", self.path(target), query=query, body=item, content_type=APPLY)

    def delete(self, target: ObjectReference, propagation: str) -> None:
        """Ask for the object's end; one that is not there is fine."""
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
        body: Object | None = None,
        content_type: str = JSON,
    ) -> Object:
        """One call; raises ApiError for a refusal and UnreachableError where nobody answers."""
        connection = self._connection
        headers = {"Accept": JSON, "Content-Type": content_type}
        if authorization := connection.authorization():
            headers["Authorization"] = authorization
        url = f"{connection.address}{path}?{urlencode(sorted((query or {}).items()))}".rstrip("?")
        content = json.dumps(body) if body is not None else None
        try:
            response = connection.pool.request(method, url, body=content, headers=headers, timeout=TIMEOUT)
            answer = _parsed(response.data)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnreachableError(f"the cluster does not answer: {error}") from error
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError.of(response.status, answer)
        return answer

    @cached_property
    def _connection(self) -> ApiConnection:
        return connect(self._kubeconfig, self._context)

    def _found(self, path: str) -> Object | None:
        try:
            return self.request("GET", path)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _may_be_there(self, path: str) -> bool:
        try:
            return self._found(path) is not None
        except ApiError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return True

    def _kind(self, api_version: str, kind: str) -> tuple[str, bool]:
        """Its plural name, and whether its objects live in namespaces."""
        with self._lock:
            if (api_version, kind) not in self._kinds:
                self._discover(api_version)
            known = self._kinds.get((api_version, kind))
        if known is None:
            raise UnknownKindError(
                f"the cluster has no {kind} in {api_version}; is its CustomResourceDefinition there?"
            )
        return known

    def _discover(self, api_version: str) -> None:
        try:
            resources = self.request("GET", _root(api_version))["resources"]
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return
        for each in resources:
            if "/" not in each["name"]:  # "pods/log" is a part of a pod
                self._kinds[api_version, each["kind"]] = (each["name"], each["namespaced"])


def _parsed(content: bytes) -> Object:
    """The answer's object; what is not one, such as a plain "404 page not found", becomes its message."""
    try:
        answer: Object = json.loads(content or b"{}")
    except ValueError:
        return {"message": content.decode(errors="replace").strip()}
    return answer


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
