"""Where a command goes: the cluster it is given, the private one of this machine, or a twin."""

from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cli.down import down
from infra.settings.loader import load
from infra.settings.model import Settings
from ops.cluster import target
from ops.cluster.connection import connected
from tests.conftest import config_of, settings_of
from tools.cluster import Cluster, Forward
from tools.control_plane.credentials import ADMIN, USERS, Credentials
from tools.errors import ClusterError, ToolsError, TwinError
from tools.twin import Twin


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNAPSE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    (tmp_path / "kubeconfig").write_text("apiVersion: v1\n")
    return tmp_path / "kubeconfig"


def local(**changes: Any) -> Settings:
    config = config_of("local")
    for key, value in changes.items():
        config[f"synapse:{key}"] = value
    return settings_of(config)


def test_the_stack_file_says_whether_pods_are_real() -> None:
    assert isinstance(target.own("local", load("local")), Cluster)
    assert isinstance(target.own("forge", load("forge")), Twin)


def test_a_cluster_that_is_named_is_taken(kubeconfig: Path) -> None:
    assert target.cluster("forge", load("forge"), kubeconfig) == kubeconfig
    assert target.existing_cluster("local", kubeconfig) == kubeconfig


def test_one_that_would_get_no_images_is_refused(kubeconfig: Path) -> None:
    with pytest.raises(ToolsError, match=r"gets none of the images that are built \(engines_image, gateway_image\)"):
        target.cluster("local", local(), kubeconfig)
    assert target.cluster("local", local(registry="registry.example/team"), kubeconfig) == kubeconfig


@pytest.mark.parametrize("context", [None, "the-forge"])
def test_a_private_one_answers_to_the_context_of_the_stack_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: str | None
) -> None:
    """Its own name for it stays the current one; a second time changes nothing."""
    made = Credentials(tmp_path, USERS, {})
    made.ensure()
    made.write_kubeconfigs({ADMIN: "127.0.0.1:6443"})
    monkeypatch.setattr(Twin, "up", lambda *_: made.kubeconfig(ADMIN))
    settings = load("forge").model_copy(update={"context": context})
    for _ in range(2):
        with connected(target.cluster("forge", settings, None), context) as api:
            assert api.configuration.host == "https://127.0.0.1:6443"
    written = yaml.safe_load(made.kubeconfig(ADMIN).read_text())
    assert [item["name"] for item in written["contexts"]] == ["synapse", *([context] if context else [])]
    assert written["current-context"] == "synapse"
    assert made.kubeconfig(ADMIN).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("size", [{"memory": "9000Gi"}, {"cpus": 4000}])
def test_a_machine_that_is_smaller_than_its_description_is_refused(size: dict[str, Any]) -> None:
    node = {**config_of("local")["synapse:node"], **size}
    with pytest.raises(ToolsError, match=r"and this machine has .*: lower synapse:node, or run `make twin`"):
        target.cluster("local", local(node=node), None)


def test_a_cluster_that_does_not_run_is_said() -> None:
    with pytest.raises(ClusterError, match="the cluster of local does not run: run `make up STACK=local`"):
        target.existing_cluster("local", None)
    with pytest.raises(TwinError, match="there is no twin of forge"):
        target.existing_cluster("forge", None)


def test_the_gateway_is_reached_by_its_service() -> None:
    assert target.forwards(load("local")) == (Forward("gateway", "synapse-gateway.llm-infra.svc.cluster.local", 8000),)
    assert target.forwards(target.at_phase(load("local"), 2)) == ()


def test_secrets_of_a_stack_are_not_made_up_for_real_pods() -> None:
    settings = local(hfToken={"secure": "v1:abc"})
    with pytest.raises(ToolsError, match=r"only the stack's own engine can open its secrets \(hfToken\)"):
        target.engine("local", settings, Cluster("local").kubeconfig)


def test_the_data_of_a_named_cluster_is_never_removed(kubeconfig: Path) -> None:
    with pytest.raises(ToolsError, match="kubectl delete namespace llm-infra"):
        down("local", kubeconfig, volumes=True)


def test_down_of_what_does_not_run_is_fine(state: Path) -> None:
    try:
        down("local")
    except typer.Exit as end:
        pytest.fail(f"exit {end.exit_code}")
    assert not (state / "clusters/local").exists()
