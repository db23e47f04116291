"""Create, change, read and delete one object for the engine."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.configuration import ProviderSettings
from tools.offline.plugins.kubernetes.errors import ApiError, ClusterUnreachableError, KubernetesError, UnknownKindError
from tools.offline.plugins.kubernetes.naming import field_manager, with_namespace, without_namespace
from tools.offline.plugins.kubernetes.objects import ObjectReference, annotation, is_annotated, is_patch, reference
from tools.offline.plugins.kubernetes.readiness import has_rule, progress
from tools.offline.plugins.kubernetes.reasons import reasons
from tools.offline.plugins.kubernetes.state import MANAGER, checkpoint, observed, previewed
from tools.offline.plugins.kubernetes.waiting import SKIP_AWAIT, Waiter, timeout_s
from tools.offline.plugins.responses import InitFailedError
from tools.offline.plugins.values import Object, has_unknown, revealed

PATCH_FORCE: Final = "pulumi.com/patchForce"
PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"
NOT_YET: Final = {
    HTTPStatus.NOT_FOUND,
    HTTPStatus.FORBIDDEN,
}  # no such namespace yet, or no right to a dry run


@dataclass(frozen=True)
class Operations:
    """Operations on objects of one cluster."""

    api: KubernetesApi
    settings: ProviderSettings
    waiting: Waiter

    def preview_create(self, urn: str, inputs: Object) -> Object:
        """Return the preview of a new object: the server's dry run where possible, else the inputs."""
        if has_unknown(inputs):
            return inputs
        return self._preview(inputs, lambda: self._dry_run_create(urn, inputs))

    def create(self, urn: str, inputs: Object, requested_s: float) -> tuple[str, Object]:
        """Create the object; return its id and outputs. Raises InitFailedError where it did not become ready."""
        manager = field_manager(urn)
        live = self.waiting.until_served(lambda: self._create(urn, inputs, manager))
        return reference(live).id, self._ready(urn, inputs, live, manager, requested_s)

    def preview_update(self, urn: str, olds: Object, old_inputs: Object, inputs: Object) -> Object:
        """Return the preview of a changed object."""
        if has_unknown(inputs):
            return inputs
        manager = _manager(urn, olds)

        def dry_run() -> Object:
            return previewed(inputs, self._update(olds, old_inputs, inputs, manager, dry_run=True), manager)

        return self._preview(inputs, dry_run)

    def update(self, urn: str, olds: Object, old_inputs: Object, inputs: Object, requested_s: float) -> Object:
        """Change the object; return its outputs. Raises InitFailedError where it did not become ready."""
        manager = _manager(urn, olds)
        live = self._update(olds, old_inputs, inputs, manager, dry_run=False)
        return self._ready(urn, inputs, live, manager, requested_s)

    def read(self, urn: str, target: ObjectReference, olds: Object, old_inputs: Object) -> tuple[Object, Object] | None:
        """Return the current outputs and inputs, or None where the object is gone.

        Raises InitFailedError for an object that is not ready, so that the next update continues with it.
        """
        live = self._live(target)
        if live is None:
            return None
        inputs = observed(old_inputs, olds, live)
        outputs = checkpoint(inputs, live, _manager(urn, olds))
        now = progress(self.api, live)
        if has_rule(live) and not is_annotated(live, SKIP_AWAIT) and not now.is_ready:
            why = "\n".join([now.failure or now.message, *reasons(self.api, live)])
            raise _not_ready(target, outputs, inputs, why)
        return outputs, inputs

    def delete(self, urn: str, target: ObjectReference, olds: Object, requested_s: float) -> None:
        """Delete the object and wait until it is gone, or give up a patch of it; a missing object is fine."""
        live = self._live(target)
        if live is None:
            return
        if _is_patch(urn, live):
            self._release(target, _manager(urn, olds))
            return
        self.api.delete(target, annotation(live, PROPAGATION) or "Foreground")
        if not is_annotated(live, SKIP_AWAIT):
            self.waiting.until_gone(urn, target, live["metadata"]["uid"], timeout_s(revealed(olds), requested_s))

    def _release(self, target: ObjectReference, manager: str) -> None:
        """Give up the fields of a patch; fields without another owner are removed."""
        metadata = {"name": target.name} | ({"namespace": target.namespace} if target.namespace else {})
        bare = {"apiVersion": target.api_version, "kind": target.kind, "metadata": metadata}
        self.api.apply(target, bare, manager, force=False, dry_run=False)

    def _live(self, target: ObjectReference) -> Object | None:
        try:
            return self.api.get(target)
        except UnknownKindError:  # its definition was removed, and with it every object
            return None

    def _preview(self, inputs: Object, dry_run: Callable[[], Object]) -> Object:
        try:
            return dry_run()
        except (UnknownKindError, ClusterUnreachableError):
            return inputs
        except ApiError as error:
            if error.status in NOT_YET:
                return inputs
            raise

    def _dry_run_create(self, urn: str, inputs: Object) -> Object:
        item, manager = self._item(inputs), field_manager(urn)
        namespace = reference(item).namespace
        if namespace and not self.api.had_namespace(namespace):
            return inputs  # saves 50 ms per object: the server would wait for the namespace
        exists, is_patch_of = self.api.get(reference(item)) is not None, _is_patch(urn, item)
        if exists != is_patch_of and not (exists and self.settings.upsert):
            return inputs  # the object may be deleted or made in the same update
        return previewed(inputs, self._apply(item, manager, force=False, dry_run=True), manager)

    def _create(self, urn: str, inputs: Object, manager: str) -> Object:
        item = self._item(inputs)
        target = reference(item)
        if _is_patch(urn, item):
            self._check_patched(target)
        elif not self.settings.upsert and self.api.get(target):
            raise KubernetesError(
                f"{target} already exists, and Pulumi does not know it. Delete it, import it with `pulumi import`, "
                "or set upsertExistingObjects on the provider to take it over."
            )
        return self._apply(item, manager, force=False, dry_run=False)

    def _check_patched(self, target: ObjectReference) -> None:
        """Raise KubernetesError for a missing object: applying a patch would create an incomplete one."""
        if self.api.get(target) is None:
            home = ObjectReference("v1", "Namespace", target.namespace)
            missing = home if target.namespace and self.api.get(home) is None else target
            raise KubernetesError(
                f"{target} cannot be patched: there is no {missing}, and a patch changes only an existing object. "
                "Deploy what it belongs to first, or take the patch out of the program."
            )

    def _update(self, olds: Object, old_inputs: Object, inputs: Object, manager: str, *, dry_run: bool) -> Object:
        item = self._item(inputs)
        try:
            return self._apply(item, manager, force=False, dry_run=dry_run)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT or not self._was_seen(reference(item), olds, old_inputs):
                raise
        return self._apply(item, manager, force=True, dry_run=dry_run)

    def _was_seen(self, target: ObjectReference, olds: Object, old_inputs: Object) -> bool:
        """Return whether the state has all changes by others: then the diff has shown that they are undone."""
        live = self.api.get(target)
        return live is not None and observed(old_inputs, olds, live) == old_inputs

    def _apply(self, item: Object, manager: str, *, force: bool, dry_run: bool) -> Object:
        is_forced = force or self.settings.patch_force or is_annotated(item, PATCH_FORCE)
        return self.api.apply(reference(item), item, manager, force=is_forced, dry_run=dry_run)

    def _item(self, inputs: Object) -> Object:
        """Return the object for the cluster: without secret marks, and with a namespace only where its kind has one."""
        item: Object = revealed(inputs)
        if self.api.is_namespaced(item["apiVersion"], item["kind"]):
            return with_namespace(item, self.settings.namespace)
        return without_namespace(item)

    def _ready(self, urn: str, inputs: Object, live: Object, manager: str, requested_s: float) -> Object:
        """Wait until the object is ready and return its outputs; after an error the object must stay in the state."""
        target = reference(live)
        try:
            ready = self.waiting.until_ready(urn, live, timeout_s(live, requested_s))
        except Exception as error:
            outputs = checkpoint(inputs, self._last_seen(target, live), manager)
            raise _not_ready(target, outputs, inputs, str(error)) from error
        return checkpoint(inputs, ready, manager)

    def _last_seen(self, target: ObjectReference, live: Object) -> Object:
        try:
            return self.api.get(target) or live
        except KubernetesError:
            return live


def _not_ready(target: ObjectReference, outputs: Object, inputs: Object, why: str) -> InitFailedError:
    return InitFailedError(target.id, outputs, inputs, f"{target} is in the cluster, but it is not ready:\n{why}")


def _is_patch(urn: str, item: Object) -> bool:
    return is_patch(urn.split("::")[2], item)


def _manager(urn: str, olds: Object) -> str:
    return str(revealed(olds).get(MANAGER) or field_manager(urn))
