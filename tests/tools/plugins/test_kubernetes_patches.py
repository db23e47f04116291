"""Patches: fields of another owner's object, taken over and given up again."""

import pytest

from tests.tools.conftest import MANAGER, Make, eventually
from tests.tools.kubernetes_objects import CONFIG_MAP, DEPLOYMENT, config_map, deployment, edit
from tests.tools.plugin_calls import PluginRefusedError, kinds
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.objects import ObjectReference, is_patch
from tools.offline.plugins.values import Object

pytestmark = pytest.mark.engine

KEYS, RESTART = f"{CONFIG_MAP}Patch", f"{DEPLOYMENT}Patch"
MUTABLE = {"enableConfigMapMutable": "true"}
FORCED = {"pulumi.com/patchForce": "true"}


def patch(namespace: str, **data: str) -> Object:
    item = config_map(namespace, **data)
    item["metadata"]["annotations"] = FORCED
    return item


def restart(namespace: str, value: str) -> Object:
    metadata = {"name": "web", "namespace": namespace, "annotations": FORCED}
    template = {"metadata": {"annotations": {"changed": value}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}


def make_as_owner(api: KubernetesApi, item: Object) -> ObjectReference:
    """Make *item* as its owner, which is not Pulumi."""
    metadata = item["metadata"]
    target = ObjectReference(item["apiVersion"], item["kind"], metadata["name"], metadata["namespace"])
    api.apply(target, item, MANAGER, force=True, dry_run=False)
    return target


def live(api: KubernetesApi, target: ObjectReference) -> Object:
    item = api.get(target)
    assert item is not None
    return item


def test_a_kind_whose_name_ends_in_patch_is_not_a_patch() -> None:
    assert is_patch("kubernetes:core/v1:ConfigMapPatch", {"kind": "ConfigMap"})
    assert not is_patch("kubernetes:kuma.io/v1alpha1:MeshProxyPatch", {"kind": "MeshProxyPatch"})
    assert is_patch("kubernetes:kuma.io/v1alpha1:MeshProxyPatchPatch", {"kind": "MeshProxyPatch"})


def test_keys_are_taken_over_and_others_kept(make: Make, namespace: str, api: KubernetesApi) -> None:
    target = make_as_owner(api, config_map(namespace, url="old", mode="own"))
    resource = make(KEYS, **MUTABLE)
    resource.create(patch(namespace, url="new"))
    assert resource.id == f"{namespace}/settings"
    assert live(api, target)["data"] == {"url": "new", "mode": "own"}
    assert resource.refresh()
    assert kinds(resource.diff(patch(namespace, url="new"))) == {}


def test_changes_by_the_owner_are_seen_and_undone(make: Make, namespace: str, api: KubernetesApi) -> None:
    target = make_as_owner(api, config_map(namespace, url="old"))
    resource = make(KEYS, **MUTABLE)
    resource.create(patch(namespace, url="new"))
    edit(api, target, {"data": {"url": "old", "more": "x"}})
    assert resource.refresh()
    assert kinds(resource.diff(patch(namespace, url="new"))) == {"data.url": "UPDATE"}
    resource.update(patch(namespace, url="new"))
    assert live(api, target)["data"] == {"url": "new", "more": "x"}


def test_a_conflict_is_an_error_unless_forced(make: Make, namespace: str, api: KubernetesApi) -> None:
    make_as_owner(api, config_map(namespace, url="old"))
    with pytest.raises(PluginRefusedError, match=rf"conflict with .{MANAGER}.*\.data\.url"):
        make(KEYS).create(config_map(namespace, url="new"))


def test_deleting_a_patch_keeps_the_object(make: Make, namespace: str, api: KubernetesApi) -> None:
    item = config_map(namespace, url="old", mode="own")
    target = make_as_owner(api, item)
    resource = make(KEYS, **MUTABLE)
    resource.create(patch(namespace, url="new"))
    resource.delete()
    left = live(api, target)
    assert left["data"] == {"mode": "own"}
    assert not left["metadata"].get("annotations")
    api.apply(target, item, MANAGER, force=False, dry_run=False)
    assert live(api, target)["data"] == {"url": "old", "mode": "own"}


def test_deleting_a_patch_of_a_deleted_object_makes_an_empty_one(
    make: Make, namespace: str, api: KubernetesApi
) -> None:
    """Giving up fields is an apply, which makes what is not there: as the official provider does."""
    target = make_as_owner(api, config_map(namespace, url="old"))
    resource = make(KEYS, **MUTABLE)
    resource.create(patch(namespace, url="new"))
    api.delete(target, "Background")
    resource.delete()
    assert "data" not in live(api, target)


def test_a_patch_of_a_required_field_alone_cannot_be_deleted(make: Make, namespace: str, api: KubernetesApi) -> None:
    resource = make(RESTART)
    make_as_owner(api, deployment(namespace))
    resource.create(restart(namespace, "1"))
    api.delete(ObjectReference("apps/v1", "Deployment", "web", namespace), "Background")
    with pytest.raises(PluginRefusedError, match="this Patch resource is currently managing a required field"):
        resource.delete()


def test_a_restart_is_waited_for(make: Make, namespace: str, api: KubernetesApi) -> None:
    target = make_as_owner(api, deployment(namespace))
    eventually(lambda: live(api, target)["status"].get("availableReplicas") == 2, "not available")
    resource = make(RESTART)
    outputs = resource.create(restart(namespace, "1"))
    assert outputs["status"]["updatedReplicas"] == outputs["status"]["availableReplicas"] == 2
    assert outputs["metadata"]["generation"] == 2
    assert resource.update(restart(namespace, "2"))["metadata"]["generation"] == 3
    resource.delete()
    assert "annotations" not in live(api, target)["spec"]["template"]["metadata"]


@pytest.mark.parametrize("upsert", ["true", "false"])
def test_a_patch_of_a_missing_object_makes_it(make: Make, namespace: str, api: KubernetesApi, upsert: str) -> None:
    """A stack that patches a consumer must look for itself: the provider makes what it can."""
    make(KEYS, upsertExistingObjects=upsert).create(patch(namespace, url="new"))
    assert live(api, ObjectReference("v1", "ConfigMap", "settings", namespace))["data"] == {"url": "new"}
    with pytest.raises(PluginRefusedError, match=r"spec\.selector: Required value"):
        make(RESTART, upsertExistingObjects=upsert).create(restart(namespace, "1"))


def test_a_patch_needs_a_name(make: Make, namespace: str) -> None:
    unnamed = patch(namespace, url="new")
    del unnamed["metadata"]["name"]
    with pytest.raises(PluginRefusedError, match=r"patch resources require the `\.metadata\.name` field to be set"):
        make(KEYS).create(unnamed)


def test_a_preview_shows_the_inputs_of_a_patch(make: Make, namespace: str, api: KubernetesApi) -> None:
    make_as_owner(api, config_map(namespace, url="old", mode="own"))
    shown = make(KEYS).preview_create(patch(namespace, url="new"))
    assert shown["data"] == {"url": "new"}
    assert "uid" not in shown["metadata"]
