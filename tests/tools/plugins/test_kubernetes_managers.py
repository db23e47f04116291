"""Field managers of the Kubernetes stand-in: who owns a field, conflicts, drift and adoption."""

from threading import Thread

import pytest

from tests.tools.conftest import MANAGER, Make, eventually
from tests.tools.kubernetes_objects import CONFIG_MAP, DEPLOYMENT, config_map, deployment, edit
from tests.tools.plugin_calls import LogLines, PluginRefusedError, kinds
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.managers import taken_over
from tools.offline.plugins.kubernetes.objects import ObjectReference, reference
from tools.offline.plugins.kubernetes.pace import PACE, RETRY_PAUSES_S
from tools.offline.plugins.values import Object

pytestmark = pytest.mark.engine
UPSERT = {"upsertExistingObjects": "true", "enableConfigMapMutable": "true"}
NAMED = {"pulumi.com/patchFieldManager": "synapse"}


def managers(api: KubernetesApi, item: Object) -> set[tuple[str, str]]:
    live = api.get(reference(item)) or {}
    entries = live["metadata"]["managedFields"]
    return {(each["manager"], each["operation"]) for each in entries if not each.get("subresource")}


def data(api: KubernetesApi, namespace: str) -> Object:
    content: Object = (api.get(ObjectReference("v1", "ConfigMap", "settings", namespace)) or {})["data"]
    return content


def named(namespace: str, **values: object) -> Object:
    item = config_map(namespace, **values)
    item["metadata"]["annotations"] = NAMED
    return item


def test_an_existing_object_is_refused_without_upsert(make: Make, namespace: str) -> None:
    make(CONFIG_MAP).create(config_map(namespace, a="1"))
    other = make(CONFIG_MAP, "other")
    with pytest.raises(PluginRefusedError, match='configmaps "settings" already exists') as caught:
        other.create(config_map(namespace, a="2"))
    assert "Intentional upsert: set upsertExistingObjects on the provider" in str(caught.value)
    assert str(caught.value).startswith(f'resource "{other.urn}" was not successfully created by the Kubernetes API')
    assert other.preview_create(config_map(namespace, a="2"))["data"] == {"a": "2"}


def test_each_creation_by_apply_has_a_manager_of_its_own(make: Make, namespace: str, api: KubernetesApi) -> None:
    item = config_map(namespace, a="1")
    first, second = make(CONFIG_MAP, **UPSERT), make(CONFIG_MAP, **UPSERT)
    names = {each.create(item)["__fieldManager"] for each in (first, second)}
    assert len(names) == 2
    assert managers(api, item) == {(name, "Apply") for name in names}
    assert second.update(config_map(namespace, a="1"))["__fieldManager"] == second.outputs["__fieldManager"]


def test_a_named_manager_is_one_for_all_attempts(make: Make, namespace: str, api: KubernetesApi) -> None:
    make(CONFIG_MAP, **UPSERT).create(named(namespace, a="1"))
    again = make(CONFIG_MAP, **UPSERT)
    again.create(named(namespace, a="2", b="3"))
    again.update(named(namespace, a="2"))
    assert managers(api, named(namespace)) == {("synapse", "Apply")}
    assert data(api, namespace) == {"a": "2"}


def test_a_value_that_changed_between_two_creations_is_a_conflict(make: Make, namespace: str) -> None:
    first = make(CONFIG_MAP, **UPSERT)
    first.create(config_map(namespace, a="1"))
    adopter = make(CONFIG_MAP, "other", **UPSERT)
    with pytest.raises(PluginRefusedError, match="server-side apply field conflict detected") as caught:
        adopter.create(config_map(namespace, a="2"))
    assert f'conflict with "{first.outputs["__fieldManager"]}": .data.a' in str(caught.value)
    forced = make(CONFIG_MAP, "other", enablePatchForce="true", **UPSERT)
    assert forced.create(config_map(namespace, a="2"))["data"] == {"a": "2"}


def test_a_field_that_another_manager_has_too_is_not_removed(make: Make, namespace: str, api: KubernetesApi) -> None:
    """An adopted object keeps what its first manager set, whatever the second one removes."""
    make(CONFIG_MAP, **UPSERT).create(config_map(namespace, a="1", b="2"))
    adopter = make(CONFIG_MAP, "other", **UPSERT)
    adopter.create(config_map(namespace, a="1", b="2"))
    adopter.update(config_map(namespace, a="1"))
    assert data(api, namespace) == {"a": "1", "b": "2"}


def test_the_first_update_takes_over_what_the_creation_set(make: Make, namespace: str, api: KubernetesApi) -> None:
    item = config_map(namespace, a="1", b="2")
    resource = make(CONFIG_MAP, enableConfigMapMutable="true")
    resource.create(item)
    assert managers(api, item) == {("pulumi-kubernetes", "Update")}
    assert resource.update(config_map(namespace, a="3"), preview=True)["data"] == {"a": "3", "b": "2"}
    resource.update(config_map(namespace, a="3"))
    assert managers(api, item) == {(resource.outputs["__fieldManager"], "Apply")}
    assert data(api, namespace) == {"a": "3"}


def test_another_manager_name_gives_up_the_fields_of_the_old_one(
    make: Make, namespace: str, api: KubernetesApi
) -> None:
    resource = make(CONFIG_MAP, **UPSERT)
    resource.create(config_map(namespace, a="1"))
    resource.update(named(namespace, a="1"))
    assert managers(api, named(namespace)) == {("synapse", "Apply")}
    assert resource.outputs["__fieldManager"] == "synapse"


def test_drift_is_seen_after_a_refresh_and_ends_in_a_conflict(make: Make, namespace: str, api: KubernetesApi) -> None:
    resource = make(DEPLOYMENT, **UPSERT)
    inputs = deployment(namespace, annotations={"team": "a"})
    resource.create(inputs)
    target = reference(inputs)
    edit(api, target, {"spec": {"replicas": 3}, "metadata": {"annotations": {"team": None}}}, manager="someone")
    eventually(lambda: (api.get(target) or {})["status"].get("availableReplicas") == 3, "not scaled")
    assert kinds(resource.diff(inputs)) == {}
    assert resource.refresh()
    assert kinds(resource.diff(inputs)) == {"metadata.annotations": "ADD", "spec.replicas": "UPDATE"}
    for is_preview in (True, False):
        with pytest.raises(PluginRefusedError, match=r'conflict with "someone".*\.spec\.replicas') as caught:
            resource.update(inputs, preview=is_preview)
        assert f'"{namespace}/web" failed to fully initialize or become live' in str(caught.value)
        assert caught.value.kept is not None


def test_drift_is_repaired_where_the_provider_forces(make: Make, namespace: str, api: KubernetesApi) -> None:
    resource = make(DEPLOYMENT, enablePatchForce="true", **UPSERT)
    inputs = deployment(namespace, annotations={"team": "a"})
    resource.create(inputs)
    target = reference(inputs)
    edit(api, target, {"spec": {"replicas": 3}, "metadata": {"annotations": {"team": None}}}, manager="someone")
    eventually(lambda: (api.get(target) or {})["status"].get("availableReplicas") == 3, "not scaled")
    assert resource.refresh()
    outputs = resource.update(inputs)
    assert outputs["spec"]["replicas"] == 2
    assert outputs["metadata"]["annotations"]["team"] == "a"


def test_what_kubectl_changed_is_taken_over_by_an_update_but_not_in_its_preview(
    make: Make, namespace: str, api: KubernetesApi
) -> None:
    resource = make(DEPLOYMENT, **UPSERT)
    resource.create(deployment(namespace))
    target = reference(deployment(namespace))
    edit(api, target, {"spec": {"replicas": 3}}, manager="kubectl-patch")
    with pytest.raises(PluginRefusedError, match='conflict with "kubectl-patch"'):
        resource.update(deployment(namespace), preview=True)
    assert resource.update(deployment(namespace))["spec"]["replicas"] == 2


def test_only_managers_of_the_object_itself_are_taken_over() -> None:
    def entry(manager: str, operation: str, field: str, subresource: str = "") -> Object:
        fields: Object = {"f:spec": {f"f:{field}": {}}}
        return {"manager": manager, "operation": operation, "subresource": subresource, "fieldsV1": fields}

    kept = [entry("kubectl", "Update", "a", "scale"), entry("kube-controller-manager", "Update", "b")]
    own = entry("synapse", "Apply", "c")
    taken = [entry("kubectl-edit", "Update", "d"), entry("before-first-apply", "Update", "e")]
    live = {"metadata": {"managedFields": [*kept, own, *taken]}}
    assert taken_over({"metadata": {"managedFields": [*kept, own]}}, "synapse") is None
    merged = taken_over(live, "synapse")
    assert merged == [*kept, own | {"fieldsV1": {"f:spec": {"f:c": {}, "f:d": {}, "f:e": {}}}}]
    renamed = taken_over({"metadata": {"managedFields": taken[:1]}}, "synapse")
    assert renamed == [taken[0] | {"manager": "synapse", "operation": "Apply"}]


def test_a_field_reference_without_a_version_conflicts_with_its_default(make: Make, namespace: str) -> None:
    """The server adds `apiVersion: v1`, so the same value of another manager counts as another one."""
    item = deployment(namespace)
    field = {"fieldRef": {"fieldPath": "status.podIP"}}
    item["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "IP", "valueFrom": field}]
    make(DEPLOYMENT, **UPSERT).create(item)
    with pytest.raises(PluginRefusedError, match="fieldRef"):
        make(DEPLOYMENT, **UPSERT).create(item)
    field["fieldRef"]["apiVersion"] = "v1"
    make(DEPLOYMENT, **UPSERT).create(item)


def test_a_missing_namespace_is_retried(
    make: Make, lines: LogLines, monkeypatch: pytest.MonkeyPatch, api: KubernetesApi
) -> None:
    monkeypatch.setenv(PACE, "100")
    with pytest.raises(PluginRefusedError, match='namespaces "nowhere" not found'):
        make(CONFIG_MAP).create(config_map("nowhere", a="1"))
    retries = [line for line in lines.lines if line.startswith("Retry #")]
    assert [line.split(";")[0] for line in retries] == [f"Retry #{number}" for number in range(6)]
    assert sum(RETRY_PAUSES_S) == 63
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}}
    monkeypatch.setenv(PACE, "1")
    resource = make(CONFIG_MAP)
    thread = Thread(target=lambda: resource.create(config_map("later", a="1")))
    thread.start()
    eventually(lambda: any('namespaces "later" not found' in line for line in lines.lines), "no retry")
    api.apply(reference(home), home, MANAGER, force=False, dry_run=False)
    thread.join(timeout=300)
    assert resource.id == "later/settings"
    api.delete(reference(home), "Background")
