"""`synapse:context`: the commands that ask a cluster ask the one that the stack file names."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import cli
from tests.cli.test_commands import project
from tests.conftest import changed
from tests.ops.models.serving import serving
from tests.pulumi_engine.consumer import NAME, migration

HERE, THERE = "here", "there"
Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """`refused("status", ...)`: how it ends, where the stack file names THERE and has a consumer to move."""
    config = changed("consumers", {NAME: {"namespace": "cortex", "migration": migration()}})
    monkeypatch.chdir(project(tmp_path, config | {"synapse:phase": 1, "synapse:context": THERE}))
    monkeypatch.setattr(cli, "heed_termination", lambda: None)  # of the tests, too

    def run(*command: str) -> str:
        monkeypatch.setattr(sys, "argv", ["synapse", *command, "--stack", "mine"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return str(ended.value.code)

    return run


def kubeconfig(folder: Path, **servers: str) -> str:
    """Contexts -> the address of a cluster; the current one is HERE."""
    found: dict[str, Any] = {
        "clusters": [{"name": name, "cluster": {"server": url}} for name, url in servers.items()],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in servers],
        "current-context": HERE,
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(found))
    return str(folder / "kubeconfig")


@pytest.mark.parametrize("way", ["--dry-run", "--rollback"])
def test_a_consumer_is_moved_on_the_cluster_of_the_stack_file(tmp_path: Path, refused: Refused, way: str) -> None:
    """It is not there, as nothing is; what matters is who was asked for it."""
    with serving() as here, serving() as there:
        known = kubeconfig(tmp_path, here=here.url, there=there.url)
        assert refused("migrate", NAME, way, "--kubeconfig", known) == "1"
        assert any("/namespaces/" in path for _, path, _, _ in there.requests)
        assert here.requests == []


@pytest.mark.parametrize(
    "command",
    [
        ("migrate", NAME),
        ("status",),
        ("health",),
        ("logs",),
        ("clean",),
        ("doctor",),
        ("models", "verify"),
        ("smoke", "--phase", "3"),
        ("bench", "stack"),
    ],
    ids=" ".join,
)
def test_a_context_that_is_lacking_is_said(tmp_path: Path, refused: Refused, command: tuple[str, ...]) -> None:
    """By every command that asks a cluster: none makes do with the current context."""
    known = kubeconfig(tmp_path, here="http://127.0.0.1:9")
    assert f"a kubeconfig file with the context {THERE}" in refused(*command, "--kubeconfig", known)
