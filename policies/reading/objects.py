"""Every Kubernetes object of a resource, as plain values: itself, or each item if it is a list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs

from policies.reading.unknowns import UNKNOWN, mapping, plain

BUILT_IN = frozenset({"core", "apps", "batch", "extensions", "policy", "networking.k8s.io", "autoscaling"})
WRAPPERS = ("kubernetes:yaml", "kubernetes:helm.sh/v4", "kubernetes:kustomize")
"""Components whose objects are resources of their own."""


@dataclass(frozen=True, kw_only=True)
class Object:
    """One object. *group* is that of its API: `core`, `apps`, `traefik.io`."""

    kind: str
    group: str
    manifest: dict[str, Any]
    urn: str
    protected: bool = False
    is_patch: bool = False

    @property
    def name(self) -> str:
        """As messages call it: `Kind/name`."""
        return f"{self.kind}/{self.bare_name}"

    @property
    def bare_name(self) -> str:
        name = self.metadata.get("name")
        return name if isinstance(name, str) else self.urn.rsplit("::", 1)[-1]

    @property
    def namespace(self) -> str:
        """One that is not known yet has a name that no other has."""
        found = self.metadata.get("namespace")
        return "(unknown)" if found is UNKNOWN else str(found or "default")

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
    """The objects of one resource; none where it is of another provider, or only holds other resources."""
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
    found, kind = whole.manifest.get("items"), whole.kind.removesuffix("List")
    for item in found if isinstance(found, list) else [found]:
        manifest: Mapping[str, Any] = {"spec": UNKNOWN, "template": UNKNOWN} if item is UNKNOWN else mapping(item)
        yield Object(
            kind=str(manifest.get("kind", kind)),
            group=_group(str(manifest["apiVersion"])) if "apiVersion" in manifest else whole.group,
            manifest=dict(manifest),
            urn=whole.urn,
            protected=whole.protected,
        )


def _group(version: str) -> str:
    """The API group of `apps/v1`, or of a bare `v1`."""
    return version.rpartition("/")[0] or "core"
