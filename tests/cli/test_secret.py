"""`synapse secret`, as a person runs it: neither an engine nor a cluster is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.settings.model import ROOT
from tests.conftest import forge_config

VALUE = "hf_canary_4711"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.mine.yaml").write_text(yaml.safe_dump({"config": forge_config()}))
    return tmp_path


def secret(folder: Path, *arguments: str, value: str = "") -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [Path(sys.executable).with_name("synapse"), "secret", *arguments, "--stack", "mine"]
    environment = os.environ | {"SYNAPSE_STATE": str(folder / "state"), "COLUMNS": "160"}
    return subprocess.run(
        command, cwd=folder, env=environment, input=value, capture_output=True, text=True, check=False
    )


def test_a_secret_is_set_listed_shown_and_removed(folder: Path) -> None:
    assert "`synapse up --stack mine`" in secret(folder, "set", "hfToken", value=f"{VALUE}\n").stderr
    listed = secret(folder, "list")
    assert (listed.returncode, listed.stdout) == (0, "synapse:hfToken\n")
    assert secret(folder, "show", "synapse:hfToken").stdout == f"{VALUE}\n"
    assert secret(folder, "remove", "hfToken").returncode == 0
    assert secret(folder, "list").stdout == ""
    assert VALUE not in "".join(path.read_text() for path in folder.glob("state/**/*") if path.is_file())
    assert yaml.safe_load((folder / "Pulumi.mine.yaml").read_text()) == {"config": forge_config()}


def test_each_cluster_of_a_stack_has_its_own(folder: Path) -> None:
    (folder / "kubeconfig").touch()
    assert secret(folder, "set", "hfToken", "--kubeconfig", "kubeconfig", value=VALUE).returncode == 0
    assert secret(folder, "list").stdout == ""
    assert secret(folder, "list", "--kubeconfig", "kubeconfig").stdout == "synapse:hfToken\n"


def test_lines_of_a_key_stay_apart(folder: Path) -> None:
    secret(folder, "set", "buildKey", value="first\nsecond\n")
    assert secret(folder, "show", "buildKey").stdout == "first\nsecond\n"


def test_a_random_value_is_made(folder: Path) -> None:
    shown = []
    for _ in range(2):
        secret(folder, "set", "dashboardToken", "--generate")
        shown.append(secret(folder, "show", "dashboardToken").stdout.strip())
    assert min(map(len, shown)) >= 32
    assert len(set(shown)) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("set", "dashbordToken"), "got dashbordToken; accepted: apiKeys, buildKey, dashboardToken"),
        (("set", "dashbordToken"), "did you mean dashboardToken?"),
        (("set", "hfToken"), "synapse:hfToken: got nothing; accepted: a value on standard input"),
        (("set", "hfToken", "--generate"), "got --generate; accepted: the value that was given to you"),
        (("show", "hfToken"), "synapse:hfToken: not kept for mine; `synapse secret list --stack mine` prints what is"),
        (("remove", "hfToken"), "synapse:hfToken: not kept for mine"),
        (("set", "hfToken", VALUE), "unexpected extra argument"),
    ],
)
def test_a_wrong_call_is_refused(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    done = secret(folder, *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
