"""Cluster of a command: the named one, the private one of this machine, or a twin."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from infra.settings.loader import load
from infra.settings.model import Settings
from ops.cluster import target
from ops.cluster.connection import read_kubeconfig
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


def test_an_embedded_node_gets_real_pods_and_any_other_a_twin() -> None:
    assert isinstance(target.cluster_for("local", load("local")), Cluster)
    assert isinstance(target.cluster_for("forge", load("forge")), Twin)


def test_a_named_cluster_is_used(kubeconfig: Path) -> None:
    assert target.ensure_cluster("forge", load("forge"), kubeconfig) == kubeconfig
    assert target.existing_cluster("local", kubeconfig) == kubeconfig


def test_a_named_cluster_that_cannot_pull_the_images_is_refused(kubeconfig: Path) -> None:
    sources = "engines_image, gateway_image, llama_image, models_image"
    with pytest.raises(ToolsError, match=rf"cannot pull the images that are built here \({sources}\)"):
        target.ensure_cluster("local", local(), kubeconfig)
    assert target.ensure_cluster("local", local(registry="registry.example/team"), kubeconfig) == kubeconfig


@pytest.mark.parametrize("context", [None, "the-forge"])
def test_a_private_cluster_gets_the_context_of_the_stack_file_as_an_alias(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: str | None
) -> None:
    """The current context stays; a second call changes nothing."""
    credentials = Credentials(tmp_path, USERS, {})
    credentials.ensure()
    credentials.write_kubeconfigs({ADMIN: "127.0.0.1:6443"})
    monkeypatch.setattr(Twin, "up", lambda *_: credentials.kubeconfig(ADMIN))
    settings = load("forge").model_copy(update={"context": context})
    for _ in range(2):
        with read_kubeconfig(target.ensure_cluster("forge", settings, None), context) as api:
            assert api.configuration.host == "https://127.0.0.1:6443"
    written = yaml.safe_load(credentials.kubeconfig(ADMIN).read_text())
    assert [item["name"] for item in written["contexts"]] == ["synapse", *([context] if context else [])]
    assert written["current-context"] == "synapse"
    assert credentials.kubeconfig(ADMIN).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("size", [{"memory": "9000Gi"}, {"cpus": 4000}])
def test_a_machine_smaller_than_its_description_is_refused(size: dict[str, Any]) -> None:
    node = {**config_of("local")["synapse:node"], **size}
    with pytest.raises(ToolsError, match=r"and this machine has .*: lower synapse:node, or run `make twin`"):
        target.ensure_cluster("local", local(node=node), None)


def test_a_stack_that_does_not_run_is_refused_with_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ClusterError, match=r"^the stack local does not run here; running: none\. Start it with `make up "
    ):
        target.existing_cluster("local", None)
    monkeypatch.setattr(Cluster, "status", lambda self: SimpleNamespace(api_ready=self.name == "local"))
    with pytest.raises(
        TwinError, match=r"^the stack forge does not run here; running: local\. Start it with"
    ) as raised:
        target.existing_cluster("forge", None)
    assert "`make up STACK=forge`" in str(raised.value)
    assert "--stack" in str(raised.value)
    assert "--kubeconfig" in str(raised.value)


def test_a_twin_is_listed_as_running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Twin, "status", lambda self: SimpleNamespace(api_ready=self.name == "forge", node=None))
    assert target.running_stacks() == ("forge",)


def test_a_stack_whose_name_no_cluster_can_have_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Pulumi.yaml", "Pulumi.Mine.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert target.running_stacks() == ()


def test_the_gateway_is_forwarded_by_its_service() -> None:
    assert target.forwards(load("local")) == (Forward("gateway", "synapse-gateway.llm-infra.svc.cluster.local", 8000),)
    assert target.forwards(target.at_phase(load("local"), 2)) == ()


def test_a_secret_that_cannot_be_opened_is_refused_on_real_pods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNAPSE_STATE", str(tmp_path / "state"))
    (tmp_path / "Pulumi.yaml").touch()
    (tmp_path / "Pulumi.mine.yaml").write_text("config: {'synapse:hfToken': {secure: 'v1:abc'}}\n")
    with pytest.raises(ToolsError, match=r"^Pulumi\.mine\.yaml: synapse:hfToken: encrypted for another engine"):
        target.engine("mine", local(), Cluster("mine").kubeconfig)
    assert not (tmp_path / "state").exists()
