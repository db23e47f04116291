"""Waiting, reading and deleting by the Kubernetes stand-in, and its limits."""

from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as messages

from tests.tools.conftest import Make, eventually
from tests.tools.kubernetes_objects import CONFIG_MAP, DEPLOYMENT, LABELS, config_map, deployment
from tests.tools.plugin_calls import FakeContext, LogLines, PluginRefusedError, PluginResource, kinds
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.errors import ClusterUnreachableError
from tools.offline.plugins.kubernetes.objects import ObjectReference, reference
from tools.offline.plugins.kubernetes.reasons import reasons
from tools.offline.plugins.kubernetes.waiting import Waiter
from tools.offline.plugins.values import Object, encode

pytestmark = pytest.mark.engine


def waits_for_reason(resource: PluginResource, reason: str) -> PluginResource:
    """Start the resource's wait when the cluster reports *reason*: a busy cluster may take longer than the wait."""

    class WaitsForReason(Waiter):
        def until_ready(self, urn: str, live: Object, timeout_s: float) -> Object:
            eventually(lambda: any(reason in line for line in reasons(self.api, self._now(live))), f"not {reason}")
            return super().until_ready(urn, live, timeout_s)

        def _now(self, live: Object) -> Object:
            return self.api.get(reference(live)) or live

    replace_waiting(resource, WaitsForReason)
    return resource


def replace_waiting(resource: PluginResource, kind: type[Waiter]) -> None:
    operations = resource.provider._operations
    waiting = operations.waiting
    resource.provider._operations = replace(operations, waiting=kind(waiting.api, waiting.log, waiting.cancelled))


def test_a_deployment_is_waited_for(make: Make, namespace: str, lines: LogLines) -> None:
    outputs = make(DEPLOYMENT).create(deployment(namespace))
    assert outputs["status"]["availableReplicas"] == 2
    assert any("of 2 replicas" in line or "waiting for the controller" in line for line in lines.lines)
    assert lines.lines[-1] == "ready"


def test_a_deployment_that_does_not_fit_has_a_reason_and_is_kept(make: Make, namespace: str, lines: LogLines) -> None:
    resource = waits_for_reason(make(DEPLOYMENT), "Insufficient memory")
    with pytest.raises(PluginRefusedError, match="Insufficient memory") as caught:
        resource.create(deployment(namespace, memory="64Gi"), timeout_s=2)
    assert resource.id == f"{namespace}/web"
    assert caught.value.kept is not None
    assert any("Insufficient memory" in reason for reason in caught.value.kept.reasons)
    assert any("0 of 2 replicas are available: Unschedulable" in line for line in lines.lines)
    with pytest.raises(PluginRefusedError, match="Insufficient memory"):
        resource.refresh()
    replace_waiting(resource, Waiter)
    assert resource.update(deployment(namespace))["status"]["availableReplicas"] == 2


def test_a_deployment_over_its_quota_has_that_reason(make: Make, namespace: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": namespace}}
    make("kubernetes:core/v1:ResourceQuota").create(quota | {"spec": {"hard": {"requests.memory": "100Mi"}}})
    with pytest.raises(PluginRefusedError, match="exceeded quota"):
        waits_for_reason(make(DEPLOYMENT), "exceeded quota").create(deployment(namespace, memory="200Mi"), timeout_s=2)


def test_a_timeout_may_be_an_annotation_and_a_wait_may_be_skipped(make: Make, namespace: str) -> None:
    short = deployment(namespace, memory="64Gi", annotations={"pulumi.com/timeoutSeconds": "1"})
    with pytest.raises(PluginRefusedError, match="timed out"):
        make(DEPLOYMENT).create(short, timeout_s=0)
    skipped = deployment(namespace, memory="64Gi", annotations={"pulumi.com/skipAwait": "true"})
    skipped["metadata"]["name"] = "unawaited"
    make(DEPLOYMENT, "unawaited").create(skipped)


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
    assert "cancelled while waiting" in errors[0]
    assert resource.id == f"{namespace}/web"


def test_a_service_is_waited_for_until_a_pod_is_ready(make: Make, namespace: str) -> None:
    metadata = {"name": "web", "namespace": namespace}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    service["spec"] = {"selector": LABELS, "ports": [{"port": 80}]}
    resource = make("kubernetes:core/v1:Service")
    with pytest.raises(PluginRefusedError, match="no ready pod matches its selector"):
        resource.create(service, timeout_s=1)
    make(DEPLOYMENT).create(deployment(namespace))
    resource.update(service)
    external = service | {"metadata": metadata | {"name": "far"}}
    external["spec"] = {"type": "ExternalName", "externalName": "example.test"}
    make("kubernetes:core/v1:Service", "far").create(external)


def test_a_failed_job_fails_at_once(make: Make, namespace: str, api: KubernetesApi) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "example.test/a:1"}]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": namespace}}
    job["spec"] = {"template": {"spec": pod}, "activeDeadlineSeconds": 1}
    with pytest.raises(PluginRefusedError, match="DeadlineExceeded"):
        make("kubernetes:batch/v1:Job").create(job, timeout_s=60)


def test_an_object_is_gone_after_its_deletion_and_can_be_deleted_twice(
    make: Make, namespace: str, api: KubernetesApi
) -> None:
    resource = make(DEPLOYMENT)
    resource.create(deployment(namespace))
    resource.delete()
    assert api.get(ObjectReference("apps/v1", "Deployment", "web", namespace)) is None
    resource.delete()
    assert not resource.refresh()


def test_an_import_has_the_inputs_without_server_fields(make: Make, namespace: str) -> None:
    make(CONFIG_MAP).create(config_map(namespace, a="1"))
    imported = make(CONFIG_MAP, "imported")
    imported.id = f"{namespace}/settings"
    assert imported.refresh()
    assert imported.inputs == config_map(namespace, a="1")


def test_an_unreachable_cluster_does_not_lose_an_object(make: Make, namespace: str) -> None:
    resource = make(DEPLOYMENT)

    class Flaky(Waiter):
        def until_ready(self, urn: str, live: Object, timeout_s: float) -> Object:
            raise ClusterUnreachableError(f"no response in {timeout_s} s: {urn}, {live['kind']}")

    replace_waiting(resource, Flaky)
    with pytest.raises(PluginRefusedError, match="no response"):
        resource.create(deployment(namespace))
    assert resource.id == f"{namespace}/web"


def test_a_kind_may_be_defined_in_the_same_update(make: Make, namespace: str, api: KubernetesApi) -> None:
    metadata = {"name": "things.example.test"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    spec = {"group": "example.test", "scope": "Cluster", "names": names, "versions": [version]}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata}
    thing = {"apiVersion": "example.test/v1", "kind": "Thing", "metadata": {"name": "one"}, "size": 1}
    resource = make("kubernetes:example.test/v1:Thing")
    assert resource.preview_create(thing)["size"] == 1
    make("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition").create(definition | {"spec": spec})
    resource.create(thing)
    assert resource.id == "one"
    assert kinds(resource.diff(thing | {"size": 2})) == {"size": "UPDATE"}
    api.delete(
        ObjectReference("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.test"), "Background"
    )


def test_another_cluster_replaces_everything_unless_its_identifier_is_the_same(
    make: Make, twin_kubeconfig: Path
) -> None:
    provider = make(CONFIG_MAP).provider

    def diff(old: Object, new: Object) -> list[str]:
        request = messages.DiffRequest(old_inputs=encode(old), news=encode(new))
        return list(provider.DiffConfig(request, FakeContext()).replaces)

    here, content = {"kubeconfig": str(twin_kubeconfig)}, {"kubeconfig": twin_kubeconfig.read_text()}
    elsewhere = {"kubeconfig": content["kubeconfig"].replace("server: https://", "server: https://other.")}
    assert diff(here, content) == []
    assert diff(here, elsewhere) == ["kubeconfig"]
    assert diff(here | {"clusterIdentifier": "a"}, elsewhere | {"clusterIdentifier": "a"}) == []
    assert diff(here | {"clusterIdentifier": "a"}, here | {"clusterIdentifier": "b"}) == ["clusterIdentifier"]


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("kubernetes:helm.sh/v3:Release", {"chart": "a"}),
        ("kubernetes:core/v1:ConfigMapList", {"apiVersion": "v1", "kind": "ConfigMapList", "items": []}),
    ],
)
def test_unsupported_types_name_the_official_plugin(make: Make, kind: str, inputs: Object) -> None:
    with pytest.raises(PluginRefusedError, match="needs the official Pulumi Kubernetes plugin"):
        make(kind).check(inputs)
