"""Requests that create or change an object, as the official provider sends them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.configuration import ProviderSettings
from tools.offline.plugins.kubernetes.errors import ApiError, KubernetesError, UnknownKindError
from tools.offline.plugins.kubernetes.managers import CREATED_BY, is_client_side, taken_over
from tools.offline.plugins.kubernetes.objects import ObjectReference, at, is_annotated, is_patch, reference
from tools.offline.plugins.kubernetes.pace import retry_pauses_s
from tools.offline.plugins.kubernetes.waiting import Waiter
from tools.offline.plugins.values import Object

PATCH_FORCE: Final = "pulumi.com/patchForce"
CONFLICT_GUIDE: Final = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/"
    "#handle-field-conflicts-on-existing-resources"
)
IMMUTABLE: Final = "field is immutable"
EXISTS: Final = """{}

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""


@dataclass(frozen=True)
class Writer:
    """Writes objects of one cluster."""

    api: KubernetesApi
    settings: ProviderSettings
    waiting: Waiter

    def create(self, urn: str, item: Object, manager: str, *, preview: bool) -> Object:
        """Create the object, or apply it where that is a patch or existing objects are adopted."""
        applies = self.settings.upsert or is_patch_of(urn, item)

        def attempt() -> Object:
            if not applies:
                return self.api.create(reference(item), item, CREATED_BY, dry_run=preview)
            return self._apply_new(item, manager, preview=preview)

        try:
            return self._retried(urn, attempt, preview=preview)
        except ApiError as error:
            if error.reason == "AlreadyExists" and not preview:
                raise KubernetesError(EXISTS.format(error)) from error
            raise

    def update(self, urn: str, item: Object, live: Object, manager: str, *, preview: bool) -> Object:
        """Change the object; a CustomResourceDefinition is replaced."""
        target = reference(live)
        if item["kind"] == "CustomResourceDefinition":
            versioned = {**item["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
            return self.api.replace(target, item | {"metadata": versioned}, manager, dry_run=preview)
        if not preview and not is_patch_of(urn, item):
            live = self._take_over(target, live, manager)
        force = self._is_forced(item, live, preview=preview)
        return self.apply(target, item, manager, force=force, preview=preview)

    def release(self, target: ObjectReference, manager: str) -> None:
        """Give up the fields of a manager; fields without another owner are removed."""
        metadata = {"name": target.name} | ({"namespace": target.namespace} if target.namespace else {})
        bare = {"apiVersion": target.api_version, "kind": target.kind, "metadata": metadata}
        self.api.apply(target, bare, manager, force=False, dry_run=False)

    def apply(self, target: ObjectReference, item: Object, manager: str, *, force: bool, preview: bool) -> Object:
        """Apply the object; a conflict names both field managers. Raises KubernetesError."""
        try:
            return self.api.apply(target, item, manager, force=force, dry_run=preview)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            raise KubernetesError(
                f"server-side apply field conflict detected, see {CONFLICT_GUIDE} for troubleshooting help\n"
                f'The resource managed by field manager "{manager}" had an apply conflict: {error}'
            ) from error

    def _apply_new(self, item: Object, manager: str, *, preview: bool) -> Object:
        force = self._is_forced(item, None, preview=preview)
        try:
            return self.apply(reference(item), item, manager, force=force, preview=preview)
        except ApiError as error:
            if not preview or error.reason != "Invalid" or IMMUTABLE not in str(error):
                raise
        name = f"{item['metadata']['name']}{secrets.token_hex(3)[:5]}"
        renamed = item | {"metadata": {**item["metadata"], "name": name}}
        return self.apply(reference(renamed), renamed, manager, force=force, preview=True)

    def _retried(self, urn: str, attempt: Callable[[], Object], *, preview: bool) -> Object:
        last: KubernetesError
        for number, pause_s in enumerate(retry_pauses_s()):
            try:
                return attempt()
            except (ApiError, UnknownKindError) as error:
                last = error
                is_missing = isinstance(error, UnknownKindError) or error.status == HTTPStatus.NOT_FOUND
                if not is_missing or (preview and isinstance(error, ApiError) and error.is_missing_namespace):
                    raise
                self.waiting.log.status(urn, f"Retry #{number}; creation failed: {error}")
            if self.waiting.cancelled.wait(pause_s):
                break
        raise last

    def _take_over(self, target: ObjectReference, live: Object, manager: str) -> Object:
        entries = taken_over(live, manager)
        return live if entries is None else self.api.set_managed_fields(target, entries)

    def _is_forced(self, item: Object, live: Object | None, *, preview: bool) -> bool:
        if is_annotated(item, PATCH_FORCE) or self.settings.patch_force:
            return True
        if live is None:
            return preview
        return (preview and is_client_side(live)) or not at(live, "metadata", "managedFields")


def is_patch_of(urn: str, item: Object) -> bool:
    """Return whether the resource patches an object of another owner."""
    return is_patch(urn.split("::")[2], item)
