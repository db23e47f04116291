"""The stand-in of the Kubernetes plugin beside the official one: same states, and each goes on with the other's.

It runs only where the official plugin is on this machine.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tools.conftest import PulumiProject
from tools.offline.plugins.discovery import PLUGINS, ResolvedPlugin, find, provide
from tools.offline.toolchain import resolve

pytestmark = pytest.mark.engine
_, KUBERNETES, _ = PLUGINS
PROGRAM = """
import pulumi
from pulumi_kubernetes import Provider, apps, core, networking
config = pulumi.Config()
name = config.require("space")
provider = Provider("cluster", upsert_existing_objects=config.get_bool("upsert"), enable_config_map_mutable=True)
opts = pulumi.ResourceOptions(provider=provider)
space = core.v1.Namespace("space", metadata={"name": name}, opts=opts)
here = {"namespace": space.metadata.name}
labels = {"app": "web"}
core.v1.ConfigMap("settings", metadata={**here, "name": "settings"}, data={"a": config.get("a") or "1"}, opts=opts)
core.v1.ConfigMap("autonamed", metadata=here, data={"a": "1"}, opts=opts)
core.v1.Secret("keys", metadata={**here, "name": "keys"}, string_data={"token": "canary"}, opts=opts)
core.v1.ResourceQuota("quota", metadata={**here, "name": "quota"}, spec={"hard": {"requests.cpu": "2000m"}}, opts=opts)
core.v1.Service("web", metadata={**here, "name": "web"}, spec={"selector": labels, "ports": [{"port": 80}]}, opts=opts)
networking.v1.Ingress("web", metadata={**here, "name": "web", "annotations": {"pulumi.com/skipAwait": "true"}}, spec={
    "rules": [{"host": "web.test", "http": {"paths": [
        {"path": "/", "path_type": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
    ]}}],
}, opts=opts)
apps.v1.Deployment("web", metadata={**here, "name": "web"}, spec={
    "replicas": 1,
    "selector": {"match_labels": labels},
    "template": {
        "metadata": {"labels": labels},
        "spec": {
            "host_network": False,
            "enable_service_links": False,
            "volumes": [{"name": "scratch", "empty_dir": {"size_limit": "1024Mi"}}],
            "containers": [{
                "name": "web",
                "image": "example.test/web:1",
                "env": [
                    {"name": "EMPTY", "value": ""},
                    {"name": "IP", "value_from": {"field_ref": {"field_path": "status.podIP"}}},
                ],
                "volume_mounts": [{"name": "scratch", "mount_path": "/scratch"}],
                "readiness_probe": {"http_get": {"path": "/", "port": 80}, "initial_delay_seconds": 0},
                "resources": {"requests": {"cpu": "0.1", "memory": "64Mi"}},
            }],
        },
    },
}, opts=opts)
"""
VOLATILE = {"clusterIP", "clusterIPs", "creationTimestamp", "generation", "resourceVersion", "time", "uid"}
DRAWN = "__fieldManager"
Use = Callable[[PulumiProject, bool], None]


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the official plugin, which is then found neither on PATH nor by an engine of its own."""
    resolved = find(KUBERNETES, resolve("pulumi").path)
    if resolved.path is None:
        pytest.skip("the official Kubernetes plugin is not on this machine")
    folders = [each for each in os.environ["PATH"].split(os.pathsep) if not (Path(each) / KUBERNETES.program).exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    return resolved.path


@pytest.fixture
def use(official: Path) -> Use:
    """Return a function that gives a project's engine the official plugin or the stand-in."""

    def choose(project: PulumiProject, is_official: bool) -> None:  # noqa: FBT001 (a parameter of the tests)
        path = official if is_official else None
        provide(ResolvedPlugin(plugin=KUBERNETES, path=path), project.engine.state / "home")

    return choose


@pytest.fixture
def deployed(tmp_path: Path, twin_kubeconfig: Path) -> PulumiProject:
    return PulumiProject(tmp_path, twin_kubeconfig)


def resources(project: PulumiProject, space: str) -> dict[str, Any]:
    """Return inputs and outputs by name, without what differs from run to run."""
    state = json.loads(project.pulumi("stack", "export", "--show-secrets"))
    kept = [each for each in state["deployment"]["resources"] if each["type"].startswith("kubernetes:")]
    return {
        each["urn"].rpartition("$")[2].partition("::")[2]: {
            kind: plain(each.get(kind, {}), space, str(each["outputs"].get(DRAWN))) for kind in ("inputs", "outputs")
        }
        for each in kept
    }


def plain(value: Any, space: str, manager: str) -> Any:
    if isinstance(value, dict):
        return {
            key: plain(each, space, manager)
            for key, each in value.items()
            if key not in VOLATILE and each is not None and key != "status"
        }
    if isinstance(value, list):
        return [plain(each, space, manager) for each in value if not is_of_status(each)]
    return value.replace(space, "SPACE").replace(manager, "MANAGER") if isinstance(value, str) else value


def is_of_status(entry: object) -> bool:
    """Return whether a managed field is a controller's or of the status, which are written at some moment."""
    if not (isinstance(entry, dict) and "fieldsV1" in entry):
        return False
    return entry.get("subresource") == "status" or "kube-controller-manager" in str(entry.get("manager"))


@pytest.mark.parametrize("upsert", ["true", "false"])
def test_both_keep_the_same_state(use: Use, deployed: PulumiProject, upsert: str) -> None:
    states = []
    for is_official in (True, False):
        space = f"same-{upsert}-{is_official}".lower()
        deployed.program(PROGRAM, space=space, upsert=upsert)
        use(deployed, is_official)
        deployed.pulumi("up", "--yes", "--skip-preview")
        states.append(resources(deployed, space))
        deployed.pulumi("destroy", "--yes", "--skip-preview")
    by_name = [{name.partition("-")[0]: state for name, state in each.items()} for each in states]
    assert by_name[0].keys() == by_name[1].keys()
    for name, state in by_name[0].items():
        if "autonamed" not in name and "pulumi:providers" not in name:
            assert by_name[1][name] == state, name


@pytest.mark.parametrize("is_official_first", [True, False])
def test_each_goes_on_with_the_state_of_the_other(
    use: Use, deployed: PulumiProject, *, is_official_first: bool
) -> None:
    space = f"other-{is_official_first}".lower()
    deployed.program(PROGRAM, space=space, upsert="true")
    use(deployed, is_official_first)
    deployed.pulumi("up", "--yes", "--skip-preview")
    use(deployed, not is_official_first)
    deployed.pulumi("preview", "--expect-no-changes")
    deployed.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    deployed.program(PROGRAM, space=space, upsert="true", a="2")
    use(deployed, not is_official_first)
    assert "1 updated" in deployed.pulumi("up", "--yes", "--skip-preview")
    use(deployed, is_official_first)
    deployed.pulumi("preview", "--expect-no-changes")
    deployed.pulumi("destroy", "--yes", "--skip-preview")


@pytest.mark.parametrize("is_official", [True, False])
def test_drift_is_a_conflict_with_both(use: Use, deployed: PulumiProject, *, is_official: bool) -> None:
    """Another program with the same object is a second manager of it."""
    space = f"drift-{is_official}".lower()
    deployed.program(PROGRAM, space=space, upsert="true")
    use(deployed, is_official)
    deployed.pulumi("up", "--yes", "--skip-preview")
    state = deployed.pulumi("stack", "export")
    deployed.program(PROGRAM, space=space, upsert="true", a="2")
    use(deployed, is_official)
    deployed.pulumi("state", "delete", "--yes", urn(state, "settings"))
    output = deployed.pulumi_fails("up", "--yes", "--skip-preview")
    assert "server-side apply field conflict detected" in output
    assert 'had an apply conflict: Apply failed with 1 conflict: conflict with "pulumi-kubernetes-' in output
    assert ".data.a" in output
    deployed.pulumi("destroy", "--yes", "--skip-preview")


def urn(state: str, name: str) -> str:
    names = [str(each["urn"]) for each in json.loads(state)["deployment"]["resources"]]
    return next(each for each in names if each.endswith(f"::{name}"))
