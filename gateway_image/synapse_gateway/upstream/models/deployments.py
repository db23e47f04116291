"""The Kubernetes API, for one Deployment: read it, and change the arguments of one of its containers."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import msgspec

from synapse_gateway.errors import ConflictError, UnavailableError
from synapse_gateway.settings import Router
from synapse_gateway.upstream.http import Client, Request, UpstreamError

ANSWER_S = 15.0
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
    """The part of a Deployment that matters here."""

    metadata: Metadata
    spec: Spec

    def container(self, name: str) -> Container | None:
        return next((found for found in self.spec.template.spec.containers if found.name == name), None)


class Deployments:
    """One named Deployment, seen with the pod's own service account, whose token is read anew: it changes."""

    def __init__(self, settings: Router) -> None:
        self._api = settings.api
        self._account: Path = settings.account
        self._path = f"/apis/apps/v1/namespaces/{settings.namespace}/deployments/{settings.deployment}"

    async def read(self) -> Deployment:
        """Raises UnavailableError."""
        return _decoded(await self._ask("GET", b"", "application/json"))

    async def change(self, former: Deployment, container: str, args: list[str]) -> None:
        """Give *container* other arguments, unless somebody changed the Deployment since it was *former*.

        Raises UnavailableError and ConflictError.
        """
        pod: Any = {"containers": [{"name": container, "args": args}]}
        version = {"resourceVersion": former.metadata.resource_version}
        await self._ask("PATCH", msgspec.json.encode({"metadata": version, "spec": {"template": {"spec": pod}}}), PATCH)

    async def _ask(self, method: str, body: bytes, media: str) -> bytes:
        client, token = await self._client()
        headers = (("authorization", f"Bearer {token}"), ("accept", "application/json"), ("content-type", media))
        try:
            with await client.send(Request(method, self._path, body, headers), ANSWER_S) as answer:
                if answer.status == 409:
                    raise ConflictError(
                        "the router's Deployment is being changed by somebody else", code="reconfigure_in_progress"
                    )
                if answer.status != 200:
                    raise _unavailable(f"it answered with status {answer.status}")
                return await answer.read(MOST_BYTES)
        except UpstreamError as error:
            raise _unavailable("it does not answer") from error
        finally:
            client.close()

    async def _client(self) -> tuple[Client, str]:
        if self._api is None:
            raise _unavailable("the gateway does not run in a cluster")
        try:
            tls, token = await asyncio.to_thread(self._credentials)
        except (OSError, ValueError) as error:
            raise _unavailable("the gateway's pod has no service account mounted") from error
        return Client(self._api, tls=tls), token

    def _credentials(self) -> tuple[ssl.SSLContext, str]:
        token = (self._account / "token").read_text(encoding="ascii").strip()
        tls = ssl.create_default_context(cafile=self._account / "ca.crt")
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 asks more of a CA than clusters' own ones have
        return tls, token


def _decoded(data: bytes) -> Deployment:
    try:
        return msgspec.json.decode(data, type=Deployment)
    except msgspec.DecodeError as error:
        raise _unavailable("what it answered is no Deployment") from error


def _unavailable(reason: str) -> UnavailableError:
    return UnavailableError(
        f"the router's Deployment cannot be changed through the Kubernetes API: {reason}",
        code="reconfigure_unavailable",
        retry_after_s=30,
    )
