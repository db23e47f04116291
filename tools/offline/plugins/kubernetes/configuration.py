"""Settings of the provider, and the changes of them that mean another cluster."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import yaml

from tools.offline.plugins.kubernetes.objects import at
from tools.offline.plugins.values import UNKNOWN, Object, revealed

VARIABLES: Final = {
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}
MUTABLE: Final = {"ConfigMap": "enableConfigMapMutable", "Secret": "enableSecretMutable"}


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """The supported settings of the official plugin; others are accepted and ignored."""

    kubeconfig: str | None = None  # a path or the content
    context: str | None = None
    namespace: str = "default"
    upsert: bool = False  # whether to take over an existing object
    patch_force: bool = False
    mutable_kinds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, properties: Object) -> Self:
        """Return the settings of the provider's inputs; a missing flag may be set by its environment variable."""
        plain = {key: value for key, value in revealed(properties).items() if value is not UNKNOWN}
        return cls(
            kubeconfig=plain.get("kubeconfig") or None,
            context=plain.get("context") or None,
            namespace=plain.get("namespace") or "default",
            upsert=_flag(plain, "upsertExistingObjects"),
            patch_force=_flag(plain, "enablePatchForce"),
            mutable_kinds=frozenset(kind for kind, name in MUTABLE.items() if _flag(plain, name)),
        )


def replaced_settings(old: Object, new: Object) -> list[str]:
    """Return the changed settings that mean another cluster, where all objects must be made anew.

    `clusterIdentifier` decides where it is set, else the address of the cluster.
    """
    before, after = revealed(old), revealed(new)
    if "clusterIdentifier" in before or "clusterIdentifier" in after:
        is_same = before.get("clusterIdentifier") == after.get("clusterIdentifier")
        return [] if is_same else ["clusterIdentifier"]
    if _server(before) == _server(after):
        return []
    return [key for key in ("kubeconfig", "context") if before.get(key) != after.get(key)]


def _server(properties: Object) -> object:
    """Return the active cluster's address, or the text of a kubeconfig that cannot be read."""
    text, context = properties.get("kubeconfig"), properties.get("context")
    try:
        content = yaml.safe_load(_content(text)) if isinstance(text, str) else {}
    except (OSError, yaml.YAMLError):
        return text, context
    active = _named(content, "contexts", context or at(content, "current-context"))
    cluster = at(active, "context", "cluster")
    return at(_named(content, "clusters", cluster), "cluster", "server", default=(text, context))


def _content(kubeconfig: str) -> str:
    path = Path(kubeconfig).expanduser()
    return path.read_text() if "\n" not in kubeconfig and path.is_file() else kubeconfig


def _named(content: object, group: str, name: object) -> object:
    return next((each for each in at(content, group, default=[]) if each.get("name") == name), {})


def _flag(properties: Object, name: str) -> bool:
    given = properties.get(name, os.environ.get(VARIABLES[name], ""))
    return str(given).lower() == "true"
