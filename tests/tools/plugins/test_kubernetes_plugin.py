"""Stand-in for Pulumi's Kubernetes plugin, with a real API server, scheduler and controllers."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.conftest import Make, eventually
from tests.tools.kubernetes_objects import CONFIG_MAP, DEPLOYMENT, KEYS, changed, config_map, deployment, edit, secret
from tests.tools.plugin_calls import PluginRefusedError, kinds
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.objects import ObjectReference
from tools.offline.plugins.values import UNKNOWN, Object, Secret, revealed

pytestmark = pytest.mark.engine


def test_a_name_is_generated_once_and_kept(make: Make, namespace: str, api: KubernetesApi) -> None:
    resource = make(CONFIG_MAP, "words")
    inputs = config_map(namespace, a="1")
    del inputs["metadata"]["name"]
    name = resource.create(inputs)["metadata"]["name"]
    assert name.startswith("words-")
    assert len(name) == len("words-") + 8
    assert resource.check(inputs)["metadata"]["name"] == name
    assert kinds(resource.diff(inputs)) == {}
    assert api.get(ObjectReference("v1", "ConfigMap", name, namespace))


def test_no_namespace_means_the_providers_own(make: Make, namespace: str) -> None:
    resource = make(CONFIG_MAP, namespace=namespace)
    inputs = config_map(namespace, a="1")
    del inputs["metadata"]["namespace"]
    assert resource.create(inputs)["metadata"]["namespace"] == namespace
    assert resource.id == f"{namespace}/settings"


def test_a_cluster_wide_kind_gets_no_namespace(make: Make) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": []}
    inputs = make("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole").check(role)
    assert "namespace" not in inputs["metadata"]


def test_a_preview_shows_the_servers_defaults(make: Make, namespace: str, api: KubernetesApi) -> None:
    outputs = make(DEPLOYMENT).preview_create(deployment(namespace))
    assert outputs["spec"]["strategy"]["type"] == "RollingUpdate"  # a default of the server's
    assert "status" not in outputs
    assert api.get(ObjectReference("apps/v1", "Deployment", "web", namespace)) is None


def test_a_preview_shows_the_inputs_where_no_dry_run_is_possible(make: Make, namespace: str) -> None:
    resource = make(CONFIG_MAP)
    unknown = config_map(namespace, a=UNKNOWN)
    assert resource.preview_create(unknown)["data"] == {"a": UNKNOWN}
    assert "uid" not in resource.preview_create(config_map("not-yet", a="1"))["metadata"]
    nowhere = make(CONFIG_MAP, kubeconfig="apiVersion: v1\nkind: Config\n")
    assert nowhere.preview_create(config_map(namespace, a="1"))["data"] == {"a": "1"}


def test_a_preview_reads_a_missing_namespace_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server waits 50 ms each time, in case the namespace is being made."""
    requests: list[tuple[str, str]] = []
    send = KubernetesApi.request

    def recorded(self: KubernetesApi, method: str, path: str, *arguments: Any, **options: Any) -> Object:
        requests.append((method, path))
        return send(self, method, path, *arguments, **options)

    monkeypatch.setattr(KubernetesApi, "request", recorded)
    resource = make(CONFIG_MAP)
    for number in range(3):
        assert "uid" not in resource.preview_create(config_map("not-yet", a=str(number)))["metadata"]
    assert requests == [("GET", "/api/v1"), ("GET", "/api/v1/namespaces/not-yet")]


def test_without_the_right_to_read_the_namespace_the_server_still_previews(
    make: Make, namespace: str, api: KubernetesApi, twin_kubeconfig: Path
) -> None:
    group, verbs = "rbac.authorization.k8s.io", ["get", "create", "patch"]
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    for kind, content in (
        ("Role", {"rules": rules}),
        ("RoleBinding", {"subjects": [subject], "roleRef": {"apiGroup": group, "kind": "Role", "name": "maker"}}),
    ):
        item = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "maker"}} | content
        api.apply(ObjectReference(f"{group}/v1", kind, "maker", namespace), item, "test", force=False, dry_run=False)
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default/token"
    kubeconfig = yaml.safe_load(twin_kubeconfig.read_text())
    kubeconfig["users"][0]["user"] = {"token": api.request("POST", path, body=body)["status"]["token"]}
    resource = make(CONFIG_MAP, kubeconfig=yaml.safe_dump(kubeconfig))
    eventually(lambda: "uid" in resource.preview_create(config_map(namespace, a="1"))["metadata"], "no right yet")


def test_a_preview_of_an_invalid_object_fails(make: Make, namespace: str) -> None:
    with pytest.raises(PluginRefusedError, match=r"selector. does not match template"):
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
def test_a_change_of_an_immutable_field_replaces_the_object(make: Make, kind: str, path: str, value: object) -> None:
    version, kind = kind.split()
    spec = {"template": {"spec": None}, "containers": [{}]}
    inputs = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "it", "namespace": "x"},
        "spec": spec,
        "data": {"b": "1"},
    }
    resource = make(f"kubernetes:{version}:{kind}")
    resource.pretend(inputs)
    response = resource.diff(changed(inputs, path, value))
    assert [each.replace("[0]", ".0") for each in response.replaces] == [path]
    assert response.deleteBeforeReplace == (not path.startswith("metadata"))


def test_a_claim_grows_in_place(make: Make) -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk", "namespace": "x"}}
    claim["spec"] = {"resources": {"requests": {"storage": "1Gi"}}}
    resource = make("kubernetes:core/v1:PersistentVolumeClaim")
    resource.pretend(claim)
    response = resource.diff(changed(claim, "spec.resources.requests.storage", "2Gi"))
    assert kinds(response) == {"spec.resources.requests.storage": "UPDATE"}


def test_a_config_map_changes_in_place_where_the_provider_says_so(make: Make) -> None:
    resource = make(CONFIG_MAP, enableConfigMapMutable="true")
    resource.pretend(config_map("x", a="1"))
    assert kinds(resource.diff(config_map("x", a="2"))) == {"data.a": "UPDATE"}
    fixed = config_map("x", a="2") | {"immutable": True}
    assert resource.diff(fixed).replaces == ["data.a"]


def test_defaults_and_equal_quantities_are_no_change(make: Make, namespace: str) -> None:
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


def test_a_field_that_is_no_longer_an_input_is_removed(make: Make, namespace: str, api: KubernetesApi) -> None:
    resource = make(CONFIG_MAP, enableConfigMapMutable="true")
    resource.create(config_map(namespace, a="1", b="2"))
    resource.update(config_map(namespace, a="1"))
    live = api.get(ObjectReference("v1", "ConfigMap", "settings", namespace))
    assert live is not None
    assert live["data"] == {"a": "1"}


def test_a_secrets_content_is_secret_everywhere(make: Make, namespace: str) -> None:
    resource = make(KEYS)
    outputs = resource.create(secret(namespace, stringData={"token": "canary"}))
    for content in (resource.inputs["data"], outputs["data"], outputs["__inputs"]["data"]):
        assert isinstance(content, Secret)
        assert revealed(content) == {"token": "Y2FuYXJ5"}
    assert "stringData" not in resource.inputs


def test_a_secret_input_stays_secret_in_any_kind(make: Make, namespace: str) -> None:
    outputs = make(CONFIG_MAP).create(config_map(namespace, a=Secret("canary")))
    assert outputs["data"] == {"a": Secret("canary")}


def test_a_list_with_a_secret_is_secret_as_a_whole(make: Make, namespace: str) -> None:
    inputs = deployment(namespace)
    container = inputs["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "KEY", "value": Secret("canary")}]
    outputs = make(DEPLOYMENT).create(inputs)
    assert isinstance(outputs["spec"]["template"]["spec"]["containers"], Secret)


def test_a_changed_secret_is_seen_as_data(make: Make, namespace: str, api: KubernetesApi) -> None:
    resource = make(KEYS)
    inputs = secret(namespace, stringData={"token": "mine"})
    resource.create(inputs)
    assert resource.refresh()
    assert kinds(resource.diff(inputs)) == {}
    edit(api, ObjectReference("v1", "Secret", "keys", namespace), {"data": {"token": "b3RoZXI="}})
    assert resource.refresh()
    assert revealed(resource.inputs["data"]) == {"token": "b3RoZXI="}
    assert kinds(resource.diff(inputs)) == {"data.token": "UPDATE_REPLACE"}


def test_an_earlier_state_with_string_data_is_no_change(make: Make, namespace: str) -> None:
    resource = make(KEYS)
    inputs = secret(namespace, stringData={"token": Secret("mine")})
    resource.create(inputs)
    resource.inputs = inputs
    resource.outputs["__inputs"] = inputs
    assert kinds(resource.diff(inputs)) == {}


def test_inputs_are_kept_as_kubernetes_types_write_them(make: Make, namespace: str) -> None:
    """The official provider converts them to Go types and back; both plugins can go on with the other's state."""
    item = deployment(namespace)
    pod = item["spec"]["template"]["spec"]
    pod["hostNetwork"], pod["enableServiceLinks"], pod["volumes"] = False, False, []
    pod["containers"][0]["resources"]["requests"] = {"memory": "1024Mi", "cpu": "0.5"}
    pod["containers"][0]["env"] = [{"name": "EMPTY", "value": ""}]
    item["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    checked = make(DEPLOYMENT).check(item)
    assert "annotations" not in checked["metadata"]
    assert "creationTimestamp" not in checked["metadata"]
    pod = checked["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["requests"] == {"memory": "1Gi", "cpu": "500m"}
    assert pod["containers"][0]["env"] == [{"name": "EMPTY"}]
    assert (pod["enableServiceLinks"], "hostNetwork" in pod, "volumes" in pod) == (False, False, False)


def test_a_state_has_what_the_official_provider_keeps(make: Make, namespace: str) -> None:
    resource = make(CONFIG_MAP, upsertExistingObjects="true")
    outputs = resource.create(config_map(namespace, a="1"))
    assert outputs["__initialApiVersion"] == "v1"
    assert outputs["__fieldManager"].startswith("pulumi-kubernetes-")
    assert outputs["__inputs"] == resource.inputs
    assert outputs["metadata"]["managedFields"][0]["manager"] == outputs["__fieldManager"]
    assert "kubectl.kubernetes.io/last-applied-configuration" not in str(outputs)


def test_a_generated_name_is_refused(make: Make, namespace: str) -> None:
    item = config_map(namespace, a="1")
    item["metadata"] = {"generateName": "a-", "namespace": namespace}
    with pytest.raises(PluginRefusedError, match=r"generateName. field is not supported in Server-Side Apply mode"):
        make(CONFIG_MAP).check(item)
