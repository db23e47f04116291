"""Kubernetes API client for one Deployment: reads it, and changes the arguments of one of its containers."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import msgspec

from synapse_gateway.errors import ConflictError, UnavailableError
from synapse_gateway.settings import RouterSettings
from synapse_gateway.upstream.http import Client, UpstreamError, UpstreamRequest

TIMEOUT_S = 15.0
MOST_BYTES = 4 * 1024 * 1024
PATCH = "application/strategic-merge-patch+json"


class Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class Container(msgspec.Struct):
    name: str
    args: list[str] = []


class PodSpec(msgspec.Struct):
    containers: list[Container]


class Template(msgspec.Struct):
    spec: PodSpec


class Spec(msgspec.Struct):
    template: Template


class Deployment(msgspec.Struct):
    """Subset of a Deployment that this module uses."""

    metadata: Metadata
    spec: Spec

    def container(self, name: str) -> Container | None:
        return next((item for item in self.spec.template.spec.containers if item.name == name), None)


class Deployments:
    """One named Deployment, accessed with the pod's service account. The token rotates, so each request reads it."""

    def __init__(self, settings: RouterSettings) -> None:
        self._api = settings.api
        self._account: Path = settings.account
        self._path = f"/apis/apps/v1/namespaces/{settings.namespace}/deployments/{settings.deployment}"

    async def read(self) -> Deployment:
        """Return the Deployment. Raises UnavailableError."""
        return _decoded(await self._send("GET", b"", "application/json"))

    async def change(self, read: Deployment, container: str, args: list[str]) -> None:
        """Set the arguments of *container*, unless the Deployment was changed since it was *read*.

        Raises UnavailableError and ConflictError.
        """
        pod: Any = {"containers": [{"name": container, "args": args}]}
        version = {"resourceVersion": read.metadata.resource_version}
        await self._send(
            "PATCH", msgspec.json.encode({"metadata": version, "spec": {"template": {"spec": pod}}}), PATCH
        )

    async def _send(self, method: str, body: bytes, media: str) -> bytes:
        client, token = await self._client()
        headers = (("authorization", f"Bearer {token}"), ("accept", "application/json"), ("content-type", media))
        try:
            with await client.send(UpstreamRequest(method, self._path, body, headers), TIMEOUT_S) as response:
                if response.status == 409:
                    raise ConflictError(
                        "the router's Deployment was changed concurrently; retry", code="reconfigure_in_progress"
                    )
                if response.status != 200:
                    raise _unavailable(f"the API server returned status {response.status}")
                return await response.read(MOST_BYTES)
        except UpstreamError as error:
            raise _unavailable("the API server does not respond") from error
        finally:
            client.close()

    async def _client(self) -> tuple[Client, str]:
        if self._api is None:
            raise _unavailable("the gateway is not running in a cluster")
        try:
            tls, token = await asyncio.to_thread(self._credentials)
        except (OSError, ValueError) as error:
            raise _unavailable("no service account is mounted in the gateway's pod") from error
        return Client(self._api, tls=tls), token

    def _credentials(self) -> tuple[ssl.SSLContext, str]:
        token = (self._account / "token").read_text(encoding="ascii").strip()
        tls = ssl.create_default_context(cafile=self._account / "ca.crt")
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 requires extensions that cluster CAs lack
        return tls, token


def _decoded(data: bytes) -> Deployment:
    try:
        return msgspec.json.decode(data, type=Deployment)
    except msgspec.DecodeError as error:
        raise _unavailable("the API server's response is not a Deployment") from error


def _unavailable(reason: str) -> UnavailableError:
    return UnavailableError(
        f"the router's Deployment cannot be changed through the Kubernetes API: {reason}",
        code="reconfigure_unavailable",
        retry_after_s=30,
    )
