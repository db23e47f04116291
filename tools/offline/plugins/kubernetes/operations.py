"""Create, change, read and delete one object for the engine."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.configuration import ProviderSettings
from tools.offline.plugins.kubernetes.errors import (
    ApiError,
    ClusterUnreachableError,
    KubernetesError,
    NotReadyError,
    UnknownKindError,
)
from tools.offline.plugins.kubernetes.managers import field_manager
from tools.offline.plugins.kubernetes.naming import with_namespace, without_namespace
from tools.offline.plugins.kubernetes.normalize import normalized, with_dashes, with_underscores
from tools.offline.plugins.kubernetes.objects import ObjectReference, annotation, reference
from tools.offline.plugins.kubernetes.state import (
    API_VERSION,
    checkpoint,
    imported,
    pruned,
    stored,
    with_secrets,
)
from tools.offline.plugins.kubernetes.waiting import Waiter, skips_deletion, timeout_s
from tools.offline.plugins.kubernetes.writes import Writer, is_patch_of
from tools.offline.plugins.responses import InitFailedError
from tools.offline.plugins.values import Object, concealed, has_unknown, revealed

PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"
POLICIES: Final = {"orphan": "Orphan", "background": "Background"}
NOT_LIVE: Final = "reported that it failed to fully initialize or become live"
NO_KIND: Final = (
    "reported that the apiVersion for this resource does not exist. Verify that any required CRDs have been created"
)
REQUIRED: Final = (
    "this Patch resource is currently managing a required field, so it can't be deleted directly. Either set the "
    "`retainOnDelete` resource option, or transfer ownership of the field before deleting: {}"
)


@dataclass(frozen=True)
class Operations:
    """Operations on objects of one cluster."""

    api: KubernetesApi
    settings: ProviderSettings
    waiting: Waiter

    @property
    def writer(self) -> Writer:
        return Writer(self.api, self.settings, self.waiting)

    def preview_create(self, urn: str, inputs: Object) -> Object:
        """Return the preview of a new object: the server's dry run where possible, else the inputs."""
        if has_unknown(inputs) or is_patch_of(urn, inputs) or not self._is_served(inputs):
            return inputs
        namespace = reference(self._item(inputs)).namespace
        if namespace and not self.api.had_namespace(namespace):
            return inputs  # saves 50 ms per object: the server would wait for the namespace
        manager = field_manager(inputs, {})
        try:
            live = self.writer.create(urn, self._item(inputs), manager, preview=True)
        except ClusterUnreachableError:
            return inputs
        except ApiError as error:
            if error.status == HTTPStatus.FORBIDDEN or error.is_missing_namespace or error.reason == "AlreadyExists":
                return inputs
            raise KubernetesError(_not_created(urn, error)) from error
        except KubernetesError as error:
            raise KubernetesError(_not_created(urn, error)) from error
        return checkpoint(inputs, _without_status(live), manager, inputs["apiVersion"])

    def create(self, urn: str, inputs: Object, requested_s: float) -> tuple[str, Object]:
        """Create the object; return its id and outputs. Raises InitFailedError where it did not become ready."""
        manager = field_manager(inputs, {})
        try:
            live = self.writer.create(urn, self._item(inputs), manager, preview=False)
        except UnknownKindError as error:
            kind = f"{inputs['apiVersion']}/{inputs['kind']}"
            raise KubernetesError(
                f'creation of resource "{urn}" with kind {kind} failed because the Kubernetes API server {NO_KIND}: '
                f"{error}"
            ) from error
        except KubernetesError as error:
            raise KubernetesError(_not_created(urn, error)) from error
        try:
            ready = self.waiting.until_ready(urn, inputs, live, None, timeout_s(inputs, requested_s))
        except KubernetesError as error:
            why = f'resource "{urn}" was successfully created, but the Kubernetes API server {NOT_LIVE}: {error}'
            outputs = checkpoint(inputs, self._last_seen(live), manager, inputs["apiVersion"])
            raise InitFailedError(reference(live).id, outputs, None, why, _reasons(error)) from error
        return reference(live).id, checkpoint(inputs, ready, manager, inputs["apiVersion"])

    def preview_update(self, urn: str, olds: Object, inputs: Object) -> Object:
        """Return the preview of a changed object."""
        if has_unknown(inputs) or not self._is_served(inputs):
            return inputs
        manager = field_manager(inputs, olds)
        old = reference(self._item(stored(olds)[1]))
        try:
            live = self.writer.update(urn, self._item(inputs), self._existing(old), manager, preview=True)
        except ApiError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return inputs
            raise self._not_updated(urn, inputs, olds, manager, error) from error
        except ClusterUnreachableError:
            return inputs
        except KubernetesError as error:
            raise self._not_updated(urn, inputs, olds, manager, error) from error
        return checkpoint(inputs, live, manager, _api_version(olds, inputs))

    def update(self, urn: str, olds: Object, inputs: Object, requested_s: float) -> Object:
        """Change the object; return its outputs. Raises InitFailedError where it did not become ready."""
        old_inputs, old_live = stored(olds)
        manager, old_manager = field_manager(inputs, olds), field_manager(normalized(old_inputs), olds)
        try:
            before = self._existing(reference(self._item(old_live)))
            live = self.writer.update(urn, self._item(inputs), before, manager, preview=False)
            ready = self.waiting.until_ready(urn, inputs, live, before, timeout_s(inputs, requested_s))
        except UnknownKindError as error:
            raise KubernetesError(
                f'update of resource "{urn}" failed because the Kubernetes API server {NO_KIND}: {error}'
            ) from error
        except KubernetesError as error:
            raise self._not_updated(urn, inputs, olds, manager, error) from error
        if old_manager != manager:
            self.writer.release(reference(ready), old_manager)
        return checkpoint(inputs, ready, manager, _api_version(olds, inputs))

    def read(self, target: ObjectReference, olds: Object, old_inputs: Object) -> tuple[Object, Object] | None:
        """Return the current outputs and inputs, or None where the object is gone.

        Raises InitFailedError for an object that is not ready, so that the next update continues with it.
        """
        live = self._live(target)
        if live is None:
            return None
        plain = normalized(_dashed(old_inputs))
        inputs = imported(live) if not (old_inputs or olds) else pruned(live, plain)
        inputs = with_secrets(_mapping(concealed(with_underscores(inputs), old_inputs)))
        manager = field_manager(plain, olds)
        outputs = checkpoint(inputs, live, manager, _api_version(olds, live))
        if old_inputs or olds:
            try:
                self.waiting.check(live, plain)
            except NotReadyError as error:
                raise InitFailedError(target.id, outputs, inputs, str(error), error.reasons) from error
        return outputs, inputs

    def delete(self, urn: str, target: ObjectReference, olds: Object, requested_s: float) -> None:
        """Delete the object and wait until it is gone, or give up a patch of it; a missing object is fine."""
        inputs, _ = stored(olds)
        try:
            if is_patch_of(urn, inputs):
                self._release(target, field_manager(inputs, olds))
                return
            live = self.api.get(target)
        except UnknownKindError:  # its definition was removed, and with it every object
            return
        if live is None:
            return
        self.api.delete(target, POLICIES.get(annotation(inputs, PROPAGATION).lower(), "Foreground"))
        if not skips_deletion(inputs):
            self.waiting.until_gone(urn, target, live["metadata"]["uid"], timeout_s(inputs, requested_s))

    def _release(self, target: ObjectReference, manager: str) -> None:
        try:
            self.writer.release(target, manager)
        except ApiError as error:
            if error.required_field:
                raise KubernetesError(REQUIRED.format(error.required_field)) from error
            raise

    def _live(self, target: ObjectReference) -> Object | None:
        try:
            return self.api.get(target)
        except UnknownKindError:  # its definition was removed, and with it every object
            return None

    def _existing(self, target: ObjectReference) -> Object:
        """Return the object. Raises ApiError where it is gone."""
        return self.api.request("GET", self.api.path(target))

    def _is_served(self, inputs: Object) -> bool:
        try:
            self.api.is_namespaced(inputs["apiVersion"], inputs["kind"])
        except (UnknownKindError, ClusterUnreachableError):
            return False
        return True

    def _item(self, inputs: Object) -> Object:
        """Return the object for the cluster: without secret marks, and with a namespace only where its kind has one."""
        item: Object = normalized(_dashed(inputs))
        try:
            is_namespaced = self.api.is_namespaced(item["apiVersion"], item["kind"])
        except UnknownKindError:
            return item
        return with_namespace(item, self.settings.namespace) if is_namespaced else without_namespace(item)

    def _not_updated(
        self, urn: str, inputs: Object, olds: Object, manager: str, error: KubernetesError
    ) -> KubernetesError | InitFailedError:
        """Return the error of an update that failed: the state keeps the new inputs, so that the next one continues."""
        try:
            live = self._existing(reference(self._item(stored(olds)[1])))
        except KubernetesError as reading:
            why = f'update of resource "{urn}" failed: {error}\nunable to get cluster state: {reading}'
            return KubernetesError(why)
        target = reference(live)
        why = (
            f'the Kubernetes API server reported that "{target.id}" failed to fully initialize or become live: {error}'
        )
        outputs = checkpoint(inputs, live, manager, _api_version(olds, inputs))
        return InitFailedError(target.id, outputs, None, why, _reasons(error))

    def _last_seen(self, live: Object) -> Object:
        try:
            return self.api.get(reference(live)) or live
        except KubernetesError:
            return live


def _not_created(urn: str, error: KubernetesError) -> str:
    return f'resource "{urn}" was not successfully created by the Kubernetes API server: {error}'


def _reasons(error: KubernetesError) -> list[str]:
    return error.reasons if isinstance(error, NotReadyError) else []


def _api_version(olds: Object, inputs: Object) -> str:
    return str(revealed(olds).get(API_VERSION) or inputs["apiVersion"])


def _without_status(live: Object) -> Object:
    return {key: value for key, value in live.items() if key != "status"}


def _dashed(item: Object) -> Object:
    return _mapping(with_dashes(item))


def _mapping(value: object) -> Object:
    return value if isinstance(value, dict) else {}
