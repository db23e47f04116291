"""Configuration of the Kubernetes stand-in, and what it does not support."""

from pathlib import Path

import pytest
from pulumi.runtime.proto import provider_pb2 as messages

from tests.tools.conftest import Make
from tests.tools.kubernetes_objects import CONFIG_MAP
from tests.tools.plugin_calls import FakeContext, PluginRefusedError
from tools.offline.plugins.values import Object, encode

pytestmark = pytest.mark.engine


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
        ("kubernetes:kustomize:Directory", {"directory": "a"}),
    ],
)
def test_unsupported_types_name_the_official_plugin(make: Make, kind: str, inputs: Object) -> None:
    with pytest.raises(PluginRefusedError, match="needs the official Pulumi Kubernetes plugin"):
        make(kind).check(inputs)


def test_a_list_is_refused_as_by_the_official_plugin(make: Make) -> None:
    items = {"apiVersion": "v1", "kind": "ConfigMapList", "items": []}
    with pytest.raises(PluginRefusedError, match="cannot be created directly"):
        make("kubernetes:core/v1:ConfigMapList").check(items)
