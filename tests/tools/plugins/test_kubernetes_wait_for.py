"""Conditions that an annotation names for the Kubernetes stand-in to wait for, and kinds that a program defines."""

from threading import Thread

import pytest

from tests.tools.conftest import Make, eventually
from tests.tools.kubernetes_objects import CONFIG_MAP, DEPLOYMENT, config_map, deployment, edit
from tests.tools.plugin_calls import PluginRefusedError, PluginResource, kinds
from tests.tools.plugins.test_kubernetes_awaiting import with_annotations
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.objects import reference
from tools.offline.plugins.values import Object

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    "expression",
    [
        "jsonpath={.data.state}=done",
        "jsonpath={.data.state}",
        '["jsonpath={.data.state}=done", "jsonpath={.metadata.name}=settings"]',
    ],
)
def test_an_expression_replaces_the_rule_of_the_kind(
    make: Make, namespace: str, api: KubernetesApi, expression: str
) -> None:
    item = with_annotations(config_map(namespace, a="1"), {"pulumi.com/waitFor": expression})
    resource = make(CONFIG_MAP)
    thread = Thread(target=lambda: resource.create(item, timeout_s=300))
    thread.start()
    eventually(lambda: api.get(reference(item)), "not made")
    edit(api, reference(item), {"data": {"state": "done"}})
    thread.join(timeout=300)
    assert resource.outputs["data"]["state"] == "done"


def test_a_condition_that_does_not_come_times_out(make: Make, namespace: str) -> None:
    annotations = {"pulumi.com/waitFor": "condition=Available=Unknown"}
    with pytest.raises(PluginRefusedError, match="timed out waiting for the condition"):
        make(DEPLOYMENT).create(with_annotations(deployment(namespace), annotations), timeout_s=1)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("phase=Ready", 'expected a "jsonpath=" or "condition=" prefix, got "phase=Ready"'),
        ("jsonpath=.a", "format should be"),
        ("jsonpath={..a}", "accepted by the stand-in"),
        ("[]", "at least one condition must be specified"),
    ],
)
def test_an_expression_that_cannot_be_read_is_refused(
    make: Make, namespace: str, expression: str, message: str
) -> None:
    item = with_annotations(config_map(namespace, a="1"), {"pulumi.com/waitFor": expression})
    with pytest.raises(PluginRefusedError, match=message):
        make(CONFIG_MAP).create(item)


def test_a_kind_may_be_defined_in_the_same_update(make: Make, api: KubernetesApi) -> None:
    metadata = {"name": "things.example.test"}
    schema = {"openAPIV3Schema": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    spec = {"group": "example.test", "scope": "Cluster", "names": names, "versions": [version]}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata}
    thing = {"apiVersion": "example.test/v1", "kind": "Thing", "metadata": {"name": "one"}, "size": 1}
    resource = make("kubernetes:example.test/v1:Thing")
    assert resource.preview_create(thing)["size"] == 1
    definitions = make("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")
    definitions.create(definition | {"spec": spec})
    assert kinds(definitions.diff(definition | {"spec": spec})) == {}
    resource.create(thing)
    assert resource.id == "one"
    assert kinds(resource.diff(thing | {"size": 2})) == {"size": "UPDATE"}
    definitions.delete()
    assert not resource.refresh()


def test_a_definition_is_replaced_by_an_update(make: Make, api: KubernetesApi) -> None:
    resource: PluginResource = make("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")
    schema = {"openAPIV3Schema": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "others", "singular": "other", "kind": "Other"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "others.example.test", "labels": {"a": "b"}},
        "spec": {"group": "example.test", "scope": "Cluster", "names": names, "versions": [version]},
    }
    resource.create(definition)
    # The API server writes the status after the creation: an update in that moment is a conflict.
    eventually(lambda: _is_established(api.get(reference(definition))), "the definition is not established")
    resource.update(definition | {"metadata": {"name": "others.example.test", "labels": {"a": "c"}}})
    assert (api.get(reference(definition)) or {})["metadata"]["labels"] == {"a": "c"}
    resource.delete()


def _is_established(definition: Object | None) -> bool:
    conditions = (definition or {}).get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == ("Established", "True") for each in conditions)
