"""Kubernetes objects of a resource as plain values: the resource itself, or each item of a list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs

from policies.reading.unknowns import UNKNOWN, mapping, plain

BUILT_IN = frozenset({"core", "apps", "batch", "extensions", "policy", "networking.k8s.io", "autoscaling"})
WRAPPERS = ("kubernetes:yaml", "kubernetes:helm.sh/v4", "kubernetes:kustomize")
"""Components whose objects are registered as separate resources."""


@dataclass(frozen=True, kw_only=True)
class Object:
    """One Kubernetes object. *group* is its API group: `core`, `apps`, `traefik.io`."""

    kind: str
    group: str
    manifest: dict[str, Any]
    urn: str
    protected: bool = False
    is_patch: bool = False

    @property
    def name(self) -> str:
        """Name for messages: `Kind/name`."""
        return f"{self.kind}/{self.bare_name}"

    @property
    def bare_name(self) -> str:
        name = self.metadata.get("name")
        return name if isinstance(name, str) else self.urn.rsplit("::", 1)[-1]

    @property
    def namespace(self) -> str:
        """Namespace; an unknown one gets a name that no namespace can have."""
        namespace = self.metadata.get("namespace")
        return "(unknown)" if namespace is UNKNOWN else str(namespace or "default")

    @property
    def metadata(self) -> dict[str, Any]:
        return mapping(self.manifest.get("metadata"))

    @property
    def annotations(self) -> dict[str, Any]:
        return mapping(self.metadata.get("annotations"))

    @property
    def spec(self) -> dict[str, Any]:
        return mapping(self.manifest.get("spec"))


def objects(resource: PolicyResource | ResourceValidationArgs) -> Iterator[Object]:
    """Yield the objects of one resource; none for other providers and for components."""
    token = resource.resource_type
    if not token.startswith("kubernetes:") or token.startswith(WRAPPERS):
        return
    _, version, kind = token.rsplit(":", 2) if token.count(":") > 1 else ("", "core", token)
    whole = Object(
        kind=kind.removesuffix("Patch"),
        group=_group(version),
        manifest=mapping(plain(resource.props)),
        urn=resource.urn,
        protected=bool(resource.opts.protect),
        is_patch=kind.endswith("Patch"),
    )
    yield from _items(whole) if whole.kind.endswith("List") else [whole]


def _items(whole: Object) -> Iterator[Object]:
    content, kind = whole.manifest.get("items"), whole.kind.removesuffix("List")
    for item in content if isinstance(content, list) else [content]:
        manifest: Mapping[str, Any] = {"spec": UNKNOWN, "template": UNKNOWN} if item is UNKNOWN else mapping(item)
        yield Object(
            kind=str(manifest.get("kind", kind)),
            group=_group(str(manifest["apiVersion"])) if "apiVersion" in manifest else whole.group,
            manifest=dict(manifest),
            urn=whole.urn,
            protected=whole.protected,
        )


def _group(version: str) -> str:
    """Return the API group of `apps/v1`, or of a bare `v1`."""
    return version.rpartition("/")[0] or "core"
