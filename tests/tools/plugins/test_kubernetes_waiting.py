"""Waiting by the Kubernetes stand-in: deployments, time limits, annotations, and reading of what is not ready."""

from dataclasses import replace
from threading import Thread

import pytest
from google.protobuf.empty_pb2 import Empty

from tests.tools.conftest import Make, eventually
from tests.tools.kubernetes_objects import CONFIG_MAP, DEPLOYMENT, config_map, deployment, edit
from tests.tools.plugin_calls import FakeContext, LogLines, PluginRefusedError, PluginResource
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.errors import ClusterUnreachableError
from tools.offline.plugins.kubernetes.objects import ObjectReference, reference
from tools.offline.plugins.kubernetes.waiting import TIMEOUT_S, Waiter, timeout_s
from tools.offline.plugins.values import Object

pytestmark = pytest.mark.engine
NOT_AVAILABLE = "Minimum number of live Pods was not attained"


def waits_for_events(resource: PluginResource, *, of: str) -> PluginResource:
    """Start the resource's wait when the cluster has an event of a kind: a busy one may take longer than the wait."""

    class WaitsForEvents(Waiter):
        def until_ready(
            self, urn: str, inputs: Object, live: Object, before: Object | None, timeout_s: float
        ) -> Object:
            events = ObjectReference("v1", "Event", "", reference(live).namespace)
            eventually(lambda: self.api.list_objects(events, fieldSelector=f"reason={of}"), f"no {of}")
            return super().until_ready(urn, inputs, self.api.get(reference(live)) or live, before, timeout_s)

    replace_waiting(resource, WaitsForEvents)
    return resource


def replace_waiting(resource: PluginResource, kind: type[Waiter]) -> None:
    operations = resource.provider._operations
    waiting = operations.waiting
    resource.provider._operations = replace(operations, waiting=kind(waiting.api, waiting.log, waiting.cancelled))


def refused_reasons(error: PluginRefusedError) -> list[str]:
    assert error.kept is not None
    return list(error.kept.reasons)


def test_a_deployment_is_waited_for(make: Make, namespace: str, lines: LogLines) -> None:
    outputs = make(DEPLOYMENT).create(deployment(namespace))
    assert outputs["status"]["availableReplicas"] == 2
    assert lines.lines[-1] == ""


def test_a_deployment_that_does_not_fit_is_kept_with_its_reasons(make: Make, namespace: str) -> None:
    resource = waits_for_events(make(DEPLOYMENT), of="FailedScheduling")
    with pytest.raises(PluginRefusedError, match="'web' timed out waiting to be Ready") as caught:
        resource.create(deployment(namespace, memory="64Gi"), timeout_s=2)
    message, *reasons = refused_reasons(caught.value)
    assert message.startswith(f'resource "{resource.urn}" was successfully created, but the Kubernetes API server')
    assert "[MinimumReplicasUnavailable] Deployment does not have minimum availability." in reasons
    assert NOT_AVAILABLE in reasons
    assert resource.id == f"{namespace}/web"
    with pytest.raises(PluginRefusedError, match="Resource 'web' was created but failed to initialize") as read:
        resource.refresh()
    assert NOT_AVAILABLE in refused_reasons(read.value)
    replace_waiting(resource, Waiter)
    assert resource.update(deployment(namespace))["status"]["availableReplicas"] == 2


def test_a_deployment_over_its_quota_waits_until_the_timeout(make: Make, namespace: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": namespace}}
    make("kubernetes:core/v1:ResourceQuota").create(quota | {"spec": {"hard": {"requests.memory": "100Mi"}}})
    with pytest.raises(PluginRefusedError, match="timed out waiting to be Ready") as caught:
        waits_for_events(make(DEPLOYMENT), of="FailedCreate").create(deployment(namespace, memory="200Mi"), timeout_s=2)
    assert NOT_AVAILABLE in refused_reasons(caught.value)


def test_a_passed_progress_deadline_is_a_reason_not_the_end(make: Make, namespace: str, api: KubernetesApi) -> None:
    slow = deployment(namespace, memory="64Gi")
    slow["spec"]["progressDeadlineSeconds"] = 1
    target = reference(slow)
    resource = make(DEPLOYMENT)
    skipped = slow | {"metadata": {**slow["metadata"], "annotations": {"pulumi.com/skipAwait": "true"}}}
    resource.create(skipped)
    stalled = "ProgressDeadlineExceeded"
    eventually(lambda: stalled in str((api.get(target) or {}).get("status")), "no deadline")
    with pytest.raises(PluginRefusedError, match="timed out waiting to be Ready") as caught:
        resource.update(slow, timeout_s=2)
    assert any(f"[{stalled}]" in reason for reason in refused_reasons(caught.value))


def test_the_timeout_is_the_resources_own_or_the_annotations_or_ten_minutes() -> None:
    def limit(text: str, requested_s: float = 0) -> float:
        return timeout_s({"metadata": {"annotations": {"pulumi.com/timeoutSeconds": text}}}, requested_s)

    assert timeout_s({}, 0) == TIMEOUT_S == 600
    assert limit("1800") == 1800
    assert limit("1800", 5) == 5
    assert limit("half an hour") == TIMEOUT_S


def test_a_timeout_may_be_an_annotation_and_a_wait_may_be_skipped(make: Make, namespace: str, lines: LogLines) -> None:
    short = deployment(namespace, memory="64Gi", annotations={"pulumi.com/timeoutSeconds": "1"})
    with pytest.raises(PluginRefusedError, match="timed out"):
        make(DEPLOYMENT).create(short, timeout_s=0)
    skipped = deployment(namespace, memory="64Gi", annotations={"pulumi.com/skipAwait": "true"})
    skipped["metadata"]["name"] = "unawaited"
    resource = make(DEPLOYMENT, "unawaited")
    resource.create(skipped)
    assert "Skipping await logic" in lines.lines
    assert resource.refresh()


def test_a_wait_ends_when_the_user_cancels(make: Make, namespace: str, lines: LogLines) -> None:
    resource = make(DEPLOYMENT)
    errors: list[str] = []

    def create() -> None:
        with pytest.raises(PluginRefusedError) as caught:
            resource.create(deployment(namespace, memory="64Gi"), timeout_s=600)
        errors.append(str(caught.value))

    thread = Thread(target=create)
    thread.start()
    eventually(lambda: lines.lines, "it does not wait")
    resource.provider.Cancel(Empty(), FakeContext())
    thread.join(timeout=300)
    assert 'Resource operation was cancelled for "web"' in errors[0]
    assert resource.id == f"{namespace}/web"


def test_an_object_is_gone_after_its_deletion_and_can_be_deleted_twice(
    make: Make, namespace: str, api: KubernetesApi
) -> None:
    resource = make(DEPLOYMENT)
    resource.create(deployment(namespace))
    resource.delete()
    assert api.get(ObjectReference("apps/v1", "Deployment", "web", namespace)) is None
    resource.delete()
    assert not resource.refresh()


def test_a_deletion_that_a_finalizer_prevents_has_a_warning(
    make: Make, namespace: str, api: KubernetesApi, lines: LogLines
) -> None:
    resource = make(CONFIG_MAP)
    resource.create(config_map(namespace, a="1"))
    target = ObjectReference("v1", "ConfigMap", "settings", namespace)
    edit(api, target, {"metadata": {"finalizers": ["example.test/kept"]}})
    with pytest.raises(PluginRefusedError, match="timed out waiting for the condition"):
        resource.delete(timeout_s=1)
    assert "finalizers might be preventing deletion (example.test/kept)" in lines.lines
    edit(api, target, {"metadata": {"finalizers": None}})


@pytest.mark.parametrize(("policy", "sent"), [("background", "Background"), ("Orphan", "Orphan"), ("", "Foreground")])
def test_a_deletion_propagates_as_the_annotation_says(
    make: Make, namespace: str, monkeypatch: pytest.MonkeyPatch, policy: str, sent: str
) -> None:
    policies: list[str] = []
    delete = KubernetesApi.delete

    def recorded(self: KubernetesApi, target: ObjectReference, propagation: str) -> None:
        policies.append(propagation)
        delete(self, target, propagation)

    monkeypatch.setattr(KubernetesApi, "delete", recorded)
    item = config_map(namespace, a="1")
    item["metadata"]["annotations"] = {"pulumi.com/deletionPropagationPolicy": policy}
    resource = make(CONFIG_MAP)
    resource.create(item)
    resource.delete()
    assert policies == [sent]


def test_an_import_has_the_inputs_without_server_fields(make: Make, namespace: str) -> None:
    make(CONFIG_MAP).create(config_map(namespace, a="1"))
    imported = make(CONFIG_MAP, "imported")
    imported.id = f"{namespace}/settings"
    assert imported.refresh()
    assert imported.inputs == config_map(namespace, a="1")


def test_an_unreachable_cluster_does_not_lose_an_object(make: Make, namespace: str) -> None:
    resource = make(DEPLOYMENT)

    class Flaky(Waiter):
        def until_ready(
            self, urn: str, inputs: Object, live: Object, before: Object | None, timeout_s: float
        ) -> Object:
            raise ClusterUnreachableError(f"no response in {timeout_s} s: {urn}, {live['kind']}, {inputs}, {before}")

    replace_waiting(resource, Flaky)
    with pytest.raises(PluginRefusedError, match="no response"):
        resource.create(deployment(namespace))
    assert resource.id == f"{namespace}/web"
