"""Kubernetes kinds with the names and types of the SDK, registered without loading the classes of the SDK.

`pulumi_kubernetes` has a class for every field of every kind: loading those of Pods takes as long as the rest of the
program. mypy uses the classes; a run registers the same type tokens with the same inputs. One of the patches that only
save time: with `SYNAPSE_FAST_PREVIEW=0` the classes are loaded (`infra/fast_preview.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata as packages
from typing import TYPE_CHECKING, Any

import pulumi

from infra import fast_preview

ACRONYMS = {
    **{word: word.upper() for word in ("api", "cidr", "fqdn", "id", "io", "ip", "ipc", "pid", "uri", "uuid")},
    **{f"{word}s": f"{word.upper()}s" for word in ("cidr", "ip", "url", "wwn")},
}
"""Words that Kubernetes writes in capitals: `cluster_ip` is `clusterIP`."""
PLAIN = frozenset(
    {"annotations", "binary_data", "data", "labels", "match_labels", "node_selector", "string_data"}
    | {"hard", "limits", "requests", "user_annotations", "volume_attributes"}
)
"""Fields whose keys are user-defined names."""
SECRET = ("data", "stringData")


@pulumi.output_type
class Metadata(dict[str, object]):
    """Fields of `metadata` that components read; the SDK's class has all of them."""

    name: str
    resource_version: str = pulumi.property("resourceVersion")


class Object(pulumi.CustomResource):
    """One object of a built-in kind: `Object(ApiVersion("apps/v1"), "Deployment", "name", spec={...})`."""

    metadata: pulumi.Output[Metadata]

    def __init__(
        self, api: ApiVersion, kind: str, name: str, opts: pulumi.ResourceOptions | None = None, **fields: object
    ) -> None:
        """Register the object; *fields* are those of the SDK's class, with names in snake case at any depth."""
        inputs = {"apiVersion": api.version, "kind": kind.removesuffix("Patch"), **camel(fields)}
        own = pulumi.ResourceOptions(version=_sdk_version())
        if kind == "Secret":
            inputs |= {key: pulumi.Output.secret(inputs[key]) for key in SECRET if key in inputs}
            own.additional_secret_outputs = list(SECRET)
        super().__init__(f"kubernetes:{api.token}:{kind}", name, inputs, pulumi.ResourceOptions.merge(own, opts))


@cache
def _sdk_version() -> str:
    """Return the version of the SDK's package, whose metadata is a file to read and parse."""
    return packages.version("pulumi-kubernetes")


def camel(value: Any) -> Any:  # noqa: ANN401 - inputs are JSON with outputs in it
    """Return *value* with its field names in the notation of Kubernetes."""
    if isinstance(value, Mapping):
        return {_field(key): _plain(key, item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [camel(item) for item in value]
    return value


def _plain(key: str, item: object) -> object:
    return item if key in PLAIN and isinstance(item, Mapping) else camel(item)  # a LimitRange's limits are a list


def _field(name: str) -> str:
    """Return `accessModes` for `access_modes`, and `from` for `from_` (a keyword of Python)."""
    first, *rest = name.rstrip("_").split("_")
    return "".join([first, *(ACRONYMS.get(word, word.title()) for word in rest)])


@dataclass(frozen=True)
class ApiVersion:
    """Kinds of one version of an API group; each attribute makes an `Object`."""

    token: str
    """Part of a type token: `core/v1`, `apps/v1`."""

    @property
    def version(self) -> str:
        """`apiVersion` of an object: `v1`, `apps/v1`."""
        return self.token.removeprefix("core/")

    def __getattr__(self, kind: str) -> partial[Object]:
        if kind.startswith("_"):
            raise AttributeError(kind)
        return partial(Object, self, kind)


@dataclass(frozen=True)
class Group:
    """An API group, by its name in the SDK."""

    v1: ApiVersion


if TYPE_CHECKING or not fast_preview.is_on():
    from pulumi_kubernetes import apps, batch, core, meta, networking, policy, rbac
else:
    apps, batch, core, meta = (Group(ApiVersion(f"{name}/v1")) for name in ("apps", "batch", "core", "meta"))
    networking, policy = Group(ApiVersion("networking.k8s.io/v1")), Group(ApiVersion("policy/v1"))
    rbac = Group(ApiVersion("rbac.authorization.k8s.io/v1"))

__all__ = ["apps", "batch", "core", "meta", "networking", "policy", "rbac"]
