"""Kinds that the Kubernetes stand-in waits for, each as the official provider does."""

import time
from collections.abc import Iterator
from threading import Thread

import pytest

from tests.tools.conftest import Make, eventually
from tests.tools.kubernetes_objects import CONFIG_MAP, DEPLOYMENT, LABELS, config_map, deployment
from tests.tools.plugin_calls import LogLines, PluginRefusedError, kinds
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.awaiting import network, polled
from tools.offline.plugins.kubernetes.awaiting.rule import Wait
from tools.offline.plugins.kubernetes.objects import ObjectReference, reference
from tools.offline.plugins.kubernetes.pace import settle_s
from tools.offline.plugins.values import Object

pytestmark = pytest.mark.engine
SERVICE = "kubernetes:core/v1:Service"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
JOB = "kubernetes:batch/v1:Job"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 (a type)
SKIP = {"pulumi.com/skipAwait": "true"}


def service(namespace: str, name: str = "web", **spec: object) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}], **spec}}


def ingress(namespace: str, to: str = "web") -> Object:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": to, "port": {"number": 80}}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"rules": [{"host": "web.test", "http": {"paths": [path]}}]},
    }


def claim(namespace: str, storage_class: str) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk", "namespace": namespace},
        "spec": spec | {"resources": {"requests": {"storage": "1Gi"}}},
    }


def with_annotations(item: Object, annotations: dict[str, str]) -> Object:
    return item | {"metadata": {**item["metadata"], "annotations": annotations}}


def set_status(api: KubernetesApi, item: Object, status: Object) -> None:
    path = f"{api.path(reference(item))}/status"
    api.request("PATCH", path, {"fieldManager": "controller"}, {"status": status}, "application/merge-patch+json")


def reasons(error: PluginRefusedError) -> list[str]:
    assert error.kept is not None
    return list(error.kept.reasons)[1:]


def test_a_service_settles_while_its_pods_have_no_address(make: Make, namespace: str, api: KubernetesApi) -> None:
    pods = make(DEPLOYMENT)
    pods.create(with_annotations(deployment(namespace, memory="64Gi"), SKIP))
    collection = ObjectReference("v1", "Pod", "", namespace)
    eventually(lambda: len(api.list_objects(collection)) == 2, "no pods")
    began = time.monotonic()
    make(SERVICE).create(service(namespace, selector=LABELS))
    assert time.monotonic() - began >= settle_s()
    pods.delete()


def test_a_service_without_any_pod_is_ready_once_settled(make: Make, namespace: str, lines: LogLines) -> None:
    began = time.monotonic()
    resource = make(SERVICE)
    resource.create(service(namespace, selector={"app": "none"}))
    assert time.monotonic() - began >= settle_s()
    assert "[1/3] Finding Pods to direct traffic to" in lines.lines


def test_a_service_waits_while_an_endpoint_is_not_ready(make: Make, namespace: str, api: KubernetesApi) -> None:
    """The endpoints are made by hand, for a Service without a selector: a controller would replace them."""
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web", "namespace": namespace}}
    live = make(SERVICE).create(service(namespace))
    live = live | {"spec": {**live["spec"], "selector": LABELS}}
    unready = {"subsets": [{"notReadyAddresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 80}]}]}
    api.apply(reference(endpoints), endpoints | unready, "test", force=True, dry_run=False)
    rule = network.ServiceRule(Wait(api=api, applied=live, before=None, settle_s=0))
    assert not rule.look(live).is_ready
    assert not rule.is_enough(live)
    assert rule.errors(live) == [network.NO_PODS]
    ready = {"subsets": [{"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 80}]}]}
    api.apply(reference(endpoints), endpoints | ready, "test", force=True, dry_run=False)
    assert rule.look(live).is_ready
    assert rule.errors(live) == []


@pytest.mark.parametrize(
    "spec",
    [{"clusterIP": "None", "selector": LABELS}, {}, {"type": "ExternalName", "externalName": "example.test"}],
)
def test_a_service_that_directs_no_traffic_is_ready_at_once(make: Make, namespace: str, spec: Object) -> None:
    began = time.monotonic()
    make(SERVICE).create(service(namespace, **spec))
    assert time.monotonic() - began < settle_s() + 5


def test_a_load_balancer_needs_an_address(make: Make, namespace: str, api: KubernetesApi) -> None:
    item = service(namespace, type="LoadBalancer", selector={"app": "none"})
    resource = make(SERVICE)
    with pytest.raises(PluginRefusedError, match="'web' timed out waiting to be Ready") as caught:
        resource.create(item, timeout_s=2)
    assert reasons(caught.value) == [network.NO_PODS, network.NO_ADDRESS]
    set_status(api, item, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})
    assert resource.refresh()


def test_an_ingress_waits_for_an_address(make: Make, namespace: str, api: KubernetesApi, lines: LogLines) -> None:
    make(SERVICE, "backend").create(service(namespace, selector={"app": "none"}))
    resource = make(INGRESS)
    with pytest.raises(PluginRefusedError, match="'web' timed out waiting to be Ready") as caught:
        resource.create(ingress(namespace), timeout_s=2)
    assert reasons(caught.value) == [network.NO_INGRESS]
    assert "[2/3] Waiting for update of .status.loadBalancer with hostname/IP" in lines.lines
    with pytest.raises(PluginRefusedError, match="Resource 'web' was created but failed to initialize"):
        resource.refresh()
    set_status(api, ingress(namespace), {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})
    assert resource.refresh()
    resource.update(ingress(namespace))


def test_an_ingress_of_a_missing_service_has_a_warning(
    make: Make, namespace: str, api: KubernetesApi, lines: LogLines
) -> None:
    resource = make(INGRESS)

    def create() -> None:
        resource.create(ingress(namespace, to="nobody"), timeout_s=300)

    thread = Thread(target=create)
    thread.start()
    eventually(lambda: api.get(reference(ingress(namespace))), "no ingress")
    eventually(
        lambda: 'No matching service found for ingress rule: "web.test/" -> "nobody"' in lines.lines, "no warning"
    )
    set_status(api, ingress(namespace), {"loadBalancer": {"ingress": [{"hostname": "a.test"}]}})
    thread.join(timeout=300)
    assert resource.id == f"{namespace}/web"


def test_an_ingress_may_be_skipped(make: Make, namespace: str) -> None:
    make(INGRESS).create(with_annotations(ingress(namespace), SKIP))


@pytest.fixture
def bound(api: KubernetesApi, namespace: str) -> Iterator[Object]:
    """A claim of a class that waits for its first pod, already bound to a volume, as after a `destroy`."""
    spec = {"storageClassName": namespace, "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
    disk = claim(namespace, namespace)
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace}}
    volume |= {"spec": spec | {"hostPath": {"path": "/nowhere"}, "claimRef": {"name": "disk", "namespace": namespace}}}
    for item in (waiting_class(namespace), volume, disk):
        api.apply(reference(item), item, "someone", force=True, dry_run=False)
    eventually(lambda: phase(api, disk) == "Bound", "not bound")
    yield disk
    for item in (disk, volume, waiting_class(namespace)):
        api.delete(reference(item), "Background")


def waiting_class(name: str) -> Object:
    item = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    return item | {"provisioner": "example.test/none", "volumeBindingMode": "WaitForFirstConsumer"}


def phase(api: KubernetesApi, item: Object) -> str:
    return str((api.get(reference(item)) or {}).get("status", {}).get("phase"))


def test_a_new_claim_waits_for_pending_where_its_class_waits_for_a_pod(
    make: Make, namespace: str, api: KubernetesApi
) -> None:
    api.apply(reference(waiting_class(namespace)), waiting_class(namespace), "test", force=True, dry_run=False)
    outputs = make(CLAIM).create(claim(namespace, namespace))
    assert outputs["status"]["phase"] == "Pending"
    api.delete(reference(waiting_class(namespace)), "Background")


def test_a_claim_of_a_class_that_binds_at_once_waits_until_it_is_bound(
    make: Make, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polled.ClaimRule, "limit_s", 1.0)
    with pytest.raises(PluginRefusedError, match="Timeout occurred polling for 'disk'"):
        make(CLAIM).create(claim(namespace, "no-such-class"))


def test_a_bound_claim_cannot_be_adopted_unless_its_wait_is_skipped(
    make: Make, bound: Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polled.ClaimRule, "limit_s", 2.0)
    with pytest.raises(PluginRefusedError, match="Timeout occurred polling for 'disk'"):
        make(CLAIM, upsertExistingObjects="true").create(bound, timeout_s=300)
    adopted = make(CLAIM, upsertExistingObjects="true")
    outputs = adopted.create(with_annotations(bound, SKIP))
    assert outputs["status"]["phase"] == "Bound"
    adopted.update(with_annotations(bound, {"a": "b"}))  # bound is right in an update
    assert adopted.refresh()


def test_the_limits_of_polled_kinds_are_their_own() -> None:
    limits = (polled.ClaimRule, polled.VolumeRule, polled.QuotaRule, polled.SecretRule)
    assert [rule.limit_s for rule in limits] == [300, 300, 60, 5]


def test_a_quota_waits_for_its_status(make: Make, namespace: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": namespace}}
    outputs = make("kubernetes:core/v1:ResourceQuota").create(quota | {"spec": {"hard": {"pods": "7"}}})
    assert outputs["status"]["hard"] == {"pods": "7"}


def test_a_token_of_a_service_account_is_waited_for(make: Make, namespace: str) -> None:
    metadata = {
        "name": "token",
        "namespace": namespace,
        "annotations": {"kubernetes.io/service-account.name": "default"},
    }
    token = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": polled.TOKEN}
    assert "data" in make(SECRET).create(token)


def job(namespace: str) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "example.test/a:1"}]}
    item = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": namespace}}
    return item | {"spec": {"template": {"spec": pod}}}


def test_a_failed_job_fails_at_once(make: Make, namespace: str) -> None:
    late = job(namespace)
    late["spec"]["activeDeadlineSeconds"] = 1
    with pytest.raises(PluginRefusedError, match="Resource 'job' was created but failed to initialize") as caught:
        make(JOB).create(late, timeout_s=60)
    assert reasons(caught.value)[0].startswith("[DeadlineExceeded]")


def test_a_job_that_is_not_ready_is_made_anew_where_an_annotation_says_so(make: Make, namespace: str) -> None:
    item = with_annotations(job(namespace), {"pulumi.com/replaceUnready": "true", **SKIP})
    resource = make(JOB)
    resource.create(item)
    response = resource.diff(item)
    assert list(response.replaces) == ['.metadata.annotations["pulumi.com/replaceUnready"]']
    assert response.deleteBeforeReplace


def test_replace_unready_of_another_kind_has_a_warning(make: Make, namespace: str, lines: LogLines) -> None:
    item = with_annotations(config_map(namespace, a="1"), {"pulumi.com/replaceUnready": "true"})
    resource = make(CONFIG_MAP)
    resource.create(item)
    assert kinds(resource.diff(item)) == {}
    assert "replaceUnready annotation is not supported for this resource" in lines.lines


def test_a_pod_is_ready_once_its_conditions_say_so(make: Make, namespace: str) -> None:
    metadata = {"name": "one", "namespace": namespace}
    spec = {"containers": [{"name": "a", "image": "example.test/a:1"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    assert make("kubernetes:core/v1:Pod").create(pod)["status"]["phase"] == "Running"
