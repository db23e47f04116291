"""Kubernetes' kinds under the SDK's names and types, registered without loading the SDK's classes.

`pulumi_kubernetes` has a class for every field of every kind: loading those of Pods alone takes as long as all else
that a program needs. mypy reads them here; a run registers the same type tokens with the same properties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import metadata as packages
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes import meta

ACRONYMS = {
    **{word: word.upper() for word in ("api", "cidr", "fqdn", "id", "io", "ip", "ipc", "pid", "uri", "uuid")},
    **{f"{word}s": f"{word.upper()}s" for word in ("cidr", "ip", "url", "wwn")},
}
"""Words that Kubernetes does not write in camel case: `cluster_ip` is `clusterIP`."""
PLAIN = frozenset(
    {"annotations", "binary_data", "data", "labels", "match_labels", "node_selector", "string_data"}
    | {"hard", "limits", "requests", "user_annotations", "volume_attributes"}
)
"""Fields whose keys are names of a person's own."""
SECRET = ("data", "stringData")


class Object(pulumi.CustomResource):
    """One object of a built-in kind: `Object(Api("apps/v1"), "Deployment", "name", metadata={...}, spec={...})`."""

    metadata: pulumi.Output[meta.v1.outputs.ObjectMeta]

    def __init__(
        self, api: Api, kind: str, name: str, opts: pulumi.ResourceOptions | None = None, **fields: object
    ) -> None:
        """*fields* are those of the SDK's class, dictionaries with its names in snake case at any depth."""
        found = {"apiVersion": api.version, "kind": kind.removesuffix("Patch"), **camel(fields)}
        own = pulumi.ResourceOptions(version=packages.version("pulumi-kubernetes"))
        if kind == "Secret":
            found |= {key: pulumi.Output.secret(found[key]) for key in SECRET if key in found}
            own.additional_secret_outputs = list(SECRET)
        super().__init__(f"kubernetes:{api.token}:{kind}", name, found, pulumi.ResourceOptions.merge(own, opts))


def camel(value: Any) -> Any:  # noqa: ANN401 - inputs are JSON with outputs in it
    """*value* with the names of its fields as Kubernetes writes them."""
    if isinstance(value, Mapping):
        return {_field(key): _plain(key, item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [camel(item) for item in value]
    return value


def _plain(key: str, item: object) -> object:
    return item if key in PLAIN and isinstance(item, Mapping) else camel(item)  # a LimitRange's limits are a list


def _field(name: str) -> str:
    """`access_modes` -> `accessModes`; `from_`, which is a word of Python's, -> `from`."""
    first, *rest = name.rstrip("_").split("_")
    return "".join([first, *(ACRONYMS.get(word, word.title()) for word in rest)])


@dataclass(frozen=True)
class Api:
    """The kinds of one version of an API group; each makes an `Object`."""

    token: str
    """As in a type token: `core/v1`, `apps/v1`."""

    @property
    def version(self) -> str:
        """As in an object: `v1`, `apps/v1`."""
        return self.token.removeprefix("core/")

    def __getattr__(self, kind: str) -> partial[Object]:
        if kind.startswith("_"):
            raise AttributeError(kind)
        return partial(Object, self, kind)


@dataclass(frozen=True)
class Group:
    """An API group by the SDK's name for it."""

    v1: Api


if TYPE_CHECKING:
    from pulumi_kubernetes import apps, batch, core, networking, policy, rbac
else:
    apps, batch, core = (Group(Api(f"{name}/v1")) for name in ("apps", "batch", "core"))
    networking, policy = Group(Api("networking.k8s.io/v1")), Group(Api("policy/v1"))
    rbac = Group(Api("rbac.authorization.k8s.io/v1"))

__all__ = ["apps", "batch", "core", "meta", "networking", "policy", "rbac"]
