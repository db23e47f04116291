"""The Kubernetes stand-in against a real API server, scheduler and controllers."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as messages

from tests.tools.conftest import eventually
from tests.tools.plugin_calls import Context, Lines, RefusedError, Resource, kinds
from tools.plugins.kubernetes.api import Api
from tools.plugins.kubernetes.errors import UnreachableError
from tools.plugins.kubernetes.objects import Reference
from tools.plugins.kubernetes.provider import KubernetesProvider
from tools.plugins.kubernetes.waiting import Waiting
from tools.plugins.values import UNKNOWN, Object, Secret, encode, revealed

pytestmark = pytest.mark.engine

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
KEYS = "kubernetes:core/v1:Secret"
LABELS = {"app": "web"}
Make = Callable[..., Resource]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def make(twin_kubeconfig: Path, lines: Lines) -> Make:
    """Make a resource of a fresh provider with these settings."""

    def resource(kind: str, name: str = "it", **settings: str) -> Resource:
        provider = KubernetesProvider(lines)
        configuration = {"kubeconfig": str(twin_kubeconfig), **settings}
        provider.Configure(messages.ConfigureRequest(args=encode(configuration)), Context())
        return Resource(provider, kind, name)

    return resource


def config_map(namespace: str, **data: object) -> Object:
    metadata = {"name": "settings", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def secret(namespace: str, **content: object) -> Object:
    metadata = {"name": "keys", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **content}


def deployment(
    namespace: str, memory: str = "64Mi", replicas: int = 2, annotations: dict[str, str] | None = None
) -> Object:
    container = {"name": "web", "image": "example.test/web:1", "resources": {"requests": {"memory": memory}}}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace, "annotations": annotations or {}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template},
    }


def changed(item: Object, path: str, value: object) -> Object:
    """A copy with one field changed; `path` has dots and list indexes."""
    item = copy.deepcopy(item)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    holder: Any = item
    for key in parents:
        holder = holder[key]
    holder[last] = value
    return item


def edit(api: Api, target: Reference, patch: Object) -> None:
    """Change an object as `kubectl edit` does: without Pulumi, and as the owner of what it writes."""
    api.request("PATCH", api.path(target), {"fieldManager": "kubectl-edit"}, patch, "application/merge-patch+json")


def test_a_name_is_made_up_once_and_kept(make: Make, namespace: str, api: Api) -> None:
    resource = make(CONFIG_MAP, "words")
    inputs = config_map(namespace, a="1")
    del inputs["metadata"]["name"]
    name = resource.create(inputs)["metadata"]["name"]
    assert name.startswith("words-")
    assert len(name) == len("words-") + 8
    assert resource.check(inputs)["metadata"]["name"] == name
    assert kinds(resource.diff(inputs)) == {}
    assert api.get(Reference("v1", "ConfigMap", name, namespace))


def test_no_namespace_means_the_providers_own(make: Make, namespace: str) -> None:
    resource = make(CONFIG_MAP, namespace=namespace)
    inputs = config_map(namespace, a="1")
    del inputs["metadata"]["namespace"]
    assert resource.create(inputs)["metadata"]["namespace"] == namespace
    assert resource.id == f"{namespace}/settings"


def test_a_kind_without_namespaces_gets_none(make: Make) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": []}
    inputs = make("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole").check(role)
    assert "namespace" not in inputs["metadata"]


def test_an_object_that_exists_is_not_taken_over_unless_asked(make: Make, namespace: str, api: Api) -> None:
    make(CONFIG_MAP).create(config_map(namespace, a="1"))
    with pytest.raises(RefusedError, match=f"ConfigMap {namespace}/settings already exists.*upsertExistingObjects"):
        make(CONFIG_MAP, "other").create(config_map(namespace, a="2"))
    make(CONFIG_MAP, "other", upsertExistingObjects="true").create(config_map(namespace, a="1", b="2"))
    live = api.get(Reference("v1", "ConfigMap", "settings", namespace))
    assert live is not None
    assert live["data"] == {"a": "1", "b": "2"}


def test_a_field_of_another_manager_is_not_taken_over_even_then(make: Make, namespace: str) -> None:
    make(CONFIG_MAP).create(config_map(namespace, a="1"))
    adopter = make(CONFIG_MAP, "other", upsertExistingObjects="true")
    with pytest.raises(RefusedError, match=r"conflict with .*\.data\.a"):
        adopter.create(config_map(namespace, a="2"))


def test_a_preview_shows_what_the_server_would_make_of_it(make: Make, namespace: str, api: Api) -> None:
    outputs = make(DEPLOYMENT).preview_create(deployment(namespace))
    assert outputs["spec"]["strategy"]["type"] == "RollingUpdate"  # a default of the server's
    assert "status" not in outputs
    assert api.get(Reference("apps/v1", "Deployment", "web", namespace)) is None


def test_a_preview_passes_on_what_cannot_be_tried(make: Make, namespace: str) -> None:
    resource = make(CONFIG_MAP)
    unknown = config_map(namespace, a=UNKNOWN)
    assert resource.preview_create(unknown)["data"] == {"a": UNKNOWN}
    assert "uid" not in resource.preview_create(config_map("not-yet", a="1"))["metadata"]
    nowhere = make(CONFIG_MAP, kubeconfig="apiVersion: v1\nkind: Config\n")
    assert nowhere.preview_create(config_map(namespace, a="1"))["data"] == {"a": "1"}


def test_a_preview_is_refused_for_an_object_that_is_wrong(make: Make, namespace: str) -> None:
    with pytest.raises(RefusedError, match=r"selector. does not match template"):
        make(DEPLOYMENT).preview_create(
            changed(deployment(namespace), "spec.template.metadata.labels", {"no": "match"})
        )


def test_a_diff_names_the_field(make: Make, namespace: str) -> None:
    resource = make(DEPLOYMENT)
    resource.create(deployment(namespace))
    news = changed(deployment(namespace), "spec.template.spec.containers.0.image", "example.test/web:2")
    news["metadata"]["labels"] = {"a.b/c": "d"}
    response = resource.diff(news)
    assert kinds(response) == {"metadata.labels": "ADD", "spec.template.spec.containers[0].image": "UPDATE"}
    assert not response.replaces
    preview = resource.update(news, preview=True)
    assert preview["spec"]["template"]["spec"]["containers"][0]["image"] == "example.test/web:2"
    assert resource.update(news)["status"]["updatedReplicas"] == 2


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("apps/v1 Deployment", "spec.selector", {"matchLabels": {"app": "other"}}),
        ("apps/v1 Deployment", "metadata.name", "other"),
        ("apps/v1 Deployment", "metadata.namespace", "other"),
        ("apps/v1 StatefulSet", "spec.serviceName", "other"),
        ("apps/v1 DaemonSet", "spec.selector", {}),
        ("batch/v1 Job", "spec.template.spec", {}),
        ("rbac.authorization.k8s.io/v1 RoleBinding", "roleRef", {}),
        ("storage.k8s.io/v1 StorageClass", "provisioner", "other"),
        ("v1 ConfigMap", "data.a", "2"),
        ("v1 PersistentVolumeClaim", "spec.storageClassName", "other"),
        ("v1 Pod", "spec.containers.0.image", "other"),
        ("v1 Secret", "type", "other"),
        ("v1 Service", "spec.clusterIP", "192.0.2.1"),
    ],
)
def test_what_an_object_keeps_for_life_takes_a_new_one(make: Make, kind: str, path: str, value: object) -> None:
    version, kind = kind.split()
    spec = {"template": {"spec": None}, "containers": [{}]}
    inputs = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "it", "namespace": "x"},
        "spec": spec,
        "data": {},
    }
    resource = make(f"kubernetes:{version}:{kind}")
    resource.inputs = resource.check(inputs)
    response = resource.diff(changed(inputs, path, value))
    assert [each.replace("[0]", ".0") for each in response.replaces] == [path]
    assert response.deleteBeforeReplace == ("metadata" not in path)


def test_a_claim_grows_in_place(make: Make) -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk", "namespace": "x"}}
    claim["spec"] = {"resources": {"requests": {"storage": "1Gi"}}}
    resource = make("kubernetes:core/v1:PersistentVolumeClaim")
    resource.inputs = claim
    response = resource.diff(changed(claim, "spec.resources.requests.storage", "2Gi"))
    assert kinds(response) == {"spec.resources.requests.storage": "UPDATE"}


def test_a_config_map_changes_in_place_where_the_provider_says_so(make: Make) -> None:
    resource = make(CONFIG_MAP, enableConfigMapMutable="true")
    resource.inputs = config_map("x", a="1")
    assert kinds(resource.diff(config_map("x", a="2"))) == {"data.a": "UPDATE"}
    fixed = config_map("x", a="2") | {"immutable": True}
    assert resource.diff(fixed).replaces == ["data.a"]


def test_defaults_and_other_ways_to_write_a_quantity_are_no_change(make: Make, namespace: str) -> None:
    resource = make(DEPLOYMENT)
    inputs = deployment(namespace)
    inputs["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "0.1"
    outputs = resource.create(inputs)
    assert outputs["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "100m"
    assert resource.refresh()
    assert kinds(resource.diff(inputs)) == {}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": namespace}}
    quota["spec"] = {"hard": {"requests.cpu": "2000m"}}  # the server makes it 2
    limit = make("kubernetes:core/v1:ResourceQuota")
    limit.create(quota)
    assert limit.refresh()
    assert kinds(limit.diff(quota)) == {}


def test_a_refresh_sees_what_others_changed_and_an_update_undoes_it(make: Make, namespace: str, api: Api) -> None:
    resource = make(DEPLOYMENT)
    inputs = deployment(namespace, annotations={"team": "a"})
    resource.create(inputs)
    target = Reference("apps/v1", "Deployment", "web", namespace)
    edit(api, target, {"spec": {"replicas": 3}, "metadata": {"annotations": {"team": None}}})
    eventually(lambda: (api.get(target) or {})["status"].get("availableReplicas") == 3, "not scaled")
    assert resource.refresh()
    assert kinds(resource.diff(inputs)) == {"metadata.annotations.team": "ADD", "spec.replicas": "UPDATE"}
    outputs = resource.update(inputs)
    assert outputs["spec"]["replicas"] == 2
    assert outputs["metadata"]["annotations"]["team"] == "a"


def test_what_others_changed_unseen_is_not_overwritten(make: Make, namespace: str, api: Api) -> None:
    resource = make(DEPLOYMENT)
    resource.create(deployment(namespace))
    edit(api, Reference("apps/v1", "Deployment", "web", namespace), {"spec": {"replicas": 3}})
    with pytest.raises(RefusedError, match=r"conflict with .kubectl-edit."):
        resource.update(deployment(namespace, replicas=4))
    forced = deployment(namespace, replicas=4, annotations={"pulumi.com/patchForce": "true"})
    assert resource.update(forced)["spec"]["replicas"] == 4


def test_a_field_that_is_no_longer_asked_for_goes(make: Make, namespace: str, api: Api) -> None:
    resource = make(CONFIG_MAP, enableConfigMapMutable="true")
    resource.create(config_map(namespace, a="1", b="2"))
    resource.update(config_map(namespace, a="1"))
    live = api.get(Reference("v1", "ConfigMap", "settings", namespace))
    assert live is not None
    assert live["data"] == {"a": "1"}


def test_a_secrets_content_is_secret_everywhere(make: Make, namespace: str) -> None:
    resource = make(KEYS)
    outputs = resource.create(secret(namespace, stringData={"token": "canary"}))
    assert isinstance(resource.inputs["stringData"], Secret)
    assert isinstance(outputs["data"], Secret)
    assert isinstance(outputs["__inputs"]["stringData"], Secret)
    assert revealed(outputs["data"]) == {"token": "Y2FuYXJ5"}


def test_a_secret_input_stays_secret_in_any_kind(make: Make, namespace: str) -> None:
    outputs = make(CONFIG_MAP).create(config_map(namespace, a=Secret("canary")))
    assert outputs["data"] == {"a": Secret("canary")}


def test_a_changed_secret_is_seen_though_it_was_written_as_text(make: Make, namespace: str, api: Api) -> None:
    resource = make(KEYS)
    inputs = secret(namespace, stringData={"token": "mine"})
    resource.create(inputs)
    assert resource.refresh()
    assert kinds(resource.diff(inputs)) == {}
    edit(api, Reference("v1", "Secret", "keys", namespace), {"data": {"token": "b3RoZXI="}})
    assert resource.refresh()
    assert revealed(resource.inputs["stringData"]) == {"token": "other"}
    assert kinds(resource.diff(inputs)) == {"stringData.token": "UPDATE_REPLACE"}


def test_a_deployment_is_waited_for(make: Make, namespace: str, lines: Lines) -> None:
    outputs = make(DEPLOYMENT).create(deployment(namespace))
    assert outputs["status"]["availableReplicas"] == 2
    assert any("of 2 replicas" in line or "waiting for the controller" in line for line in lines.lines)
    assert lines.lines[-1] == "ready"


def test_a_deployment_that_does_not_fit_says_why_and_is_kept(make: Make, namespace: str, lines: Lines) -> None:
    resource = make(DEPLOYMENT)
    with pytest.raises(RefusedError, match="Insufficient memory") as caught:
        resource.create(deployment(namespace, memory="64Gi"), timeout_s=2)
    assert resource.id == f"{namespace}/web"
    assert caught.value.kept is not None
    assert any("Insufficient memory" in reason for reason in caught.value.kept.reasons)
    assert any("0 of 2 replicas are available: Unschedulable" in line for line in lines.lines)
    with pytest.raises(RefusedError, match="Insufficient memory"):
        resource.refresh()
    assert resource.update(deployment(namespace))["status"]["availableReplicas"] == 2


def test_a_deployment_over_its_quota_says_so(make: Make, namespace: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": namespace}}
    make("kubernetes:core/v1:ResourceQuota").create(quota | {"spec": {"hard": {"requests.memory": "100Mi"}}})
    with pytest.raises(RefusedError, match="exceeded quota"):
        make(DEPLOYMENT).create(deployment(namespace, memory="200Mi"), timeout_s=2)


def test_a_timeout_may_be_an_annotation_and_a_wait_may_be_skipped(make: Make, namespace: str) -> None:
    short = deployment(namespace, memory="64Gi", annotations={"pulumi.com/timeoutSeconds": "1"})
    with pytest.raises(RefusedError, match="timed out"):
        make(DEPLOYMENT).create(short, timeout_s=0)
    skipped = deployment(namespace, memory="64Gi", annotations={"pulumi.com/skipAwait": "true"})
    skipped["metadata"]["name"] = "unawaited"
    make(DEPLOYMENT, "unawaited").create(skipped)


def test_a_wait_ends_when_the_person_cancels(make: Make, namespace: str, lines: Lines) -> None:
    resource = make(DEPLOYMENT)
    errors: list[str] = []

    def create() -> None:
        with pytest.raises(RefusedError) as caught:
            resource.create(deployment(namespace, memory="64Gi"), timeout_s=600)
        errors.append(str(caught.value))

    thread = Thread(target=create)
    thread.start()
    eventually(lambda: lines.lines, "it does not wait")
    resource.provider.Cancel(Empty(), Context())
    thread.join(timeout=10)
    assert "cancelled while waiting" in errors[0]
    assert resource.id == f"{namespace}/web"


def test_a_service_is_waited_for_until_a_pod_answers(make: Make, namespace: str) -> None:
    metadata = {"name": "web", "namespace": namespace}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    service["spec"] = {"selector": LABELS, "ports": [{"port": 80}]}
    resource = make("kubernetes:core/v1:Service")
    with pytest.raises(RefusedError, match="no ready pod matches its selector"):
        resource.create(service, timeout_s=1)
    make(DEPLOYMENT).create(deployment(namespace))
    resource.update(service)
    external = service | {"metadata": metadata | {"name": "far"}}
    external["spec"] = {"type": "ExternalName", "externalName": "example.test"}
    make("kubernetes:core/v1:Service", "far").create(external)


def test_a_failed_job_fails_at_once(make: Make, namespace: str, api: Api) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "example.test/a:1"}]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": namespace}}
    job["spec"] = {"template": {"spec": pod}, "activeDeadlineSeconds": 1}
    with pytest.raises(RefusedError, match="DeadlineExceeded"):
        make("kubernetes:batch/v1:Job").create(job, timeout_s=60)


def test_an_object_is_gone_after_its_deletion_and_twice_is_fine(make: Make, namespace: str, api: Api) -> None:
    resource = make(DEPLOYMENT)
    resource.create(deployment(namespace))
    resource.delete()
    assert api.get(Reference("apps/v1", "Deployment", "web", namespace)) is None
    resource.delete()
    assert not resource.refresh()


def test_an_import_takes_what_a_person_would_have_written(make: Make, namespace: str) -> None:
    make(CONFIG_MAP).create(config_map(namespace, a="1"))
    imported = make(CONFIG_MAP, "imported")
    imported.id = f"{namespace}/settings"
    assert imported.refresh()
    assert imported.inputs == config_map(namespace, a="1")


def test_a_moment_without_an_answer_does_not_lose_an_object(make: Make, namespace: str) -> None:
    resource = make(DEPLOYMENT)
    operations = resource.provider._operations

    class Flaky(Waiting):
        def until_ready(self, urn: str, live: Object, timeout_s: float) -> Object:
            raise UnreachableError(f"nobody answers for {timeout_s} s: {urn}, {live['kind']}")

    waiting = operations.waiting
    flaky = Flaky(waiting.api, waiting.log, waiting.cancelled)
    resource.provider._operations = replace(operations, waiting=flaky)
    with pytest.raises(RefusedError, match="nobody answers"):
        resource.create(deployment(namespace))
    assert resource.id == f"{namespace}/web"


def test_a_kind_may_be_defined_in_the_same_update(make: Make, namespace: str, api: Api) -> None:
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
    api.delete(Reference("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.test"), "Background")


def test_another_cluster_makes_everything_anew_unless_it_is_named(make: Make, twin_kubeconfig: Path) -> None:
    provider = make(CONFIG_MAP).provider

    def diff(old: Object, new: Object) -> list[str]:
        request = messages.DiffRequest(old_inputs=encode(old), news=encode(new))
        return list(provider.DiffConfig(request, Context()).replaces)

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
        ("kubernetes:core/v1:ConfigMapPatch", {"apiVersion": "v1", "kind": "ConfigMap"}),
        ("kubernetes:core/v1:ConfigMapList", {"apiVersion": "v1", "kind": "ConfigMapList", "items": []}),
    ],
)
def test_what_only_the_official_plugin_does_says_so(make: Make, kind: str, inputs: Object) -> None:
    with pytest.raises(RefusedError, match="needs the official Pulumi Kubernetes plugin"):
        make(kind).check(inputs)
