"""`synapse:context`: every command that uses a cluster uses the context that the stack file names."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import cli
from tests.cli.test_commands import project
from tests.conftest import changed
from tests.ops.models.file_server import serving
from tests.pulumi_engine.consumer import NAME, migration

HERE, THERE = "here", "there"
Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Run a command on a stack file that names the context THERE; return its exit code or message."""
    config = changed("consumers", {NAME: {"namespace": "cortex", "migration": migration()}})
    monkeypatch.chdir(project(tmp_path, config | {"synapse:phase": 1, "synapse:context": THERE}))
    monkeypatch.setattr(cli, "unwind_on_sigterm", lambda: None)  # it would change the test process too

    def run(*command: str) -> str:
        monkeypatch.setattr(sys, "argv", ["synapse", *command, "--stack", "mine"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return str(ended.value.code)

    return run


def kubeconfig(folder: Path, **servers: str) -> str:
    """Write a kubeconfig with a context for each of *servers*; the current one is HERE."""
    content: dict[str, Any] = {
        "clusters": [{"name": name, "cluster": {"server": url}} for name, url in servers.items()],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in servers],
        "current-context": HERE,
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(content))
    return str(folder / "kubeconfig")


@pytest.mark.parametrize("option", ["--dry-run", "--rollback"])
def test_a_consumer_is_moved_on_the_cluster_of_the_stack_file(tmp_path: Path, refused: Refused, option: str) -> None:
    """The consumer does not exist, so the command fails; only the cluster that got the requests counts."""
    with serving() as here, serving() as there:
        path = kubeconfig(tmp_path, here=here.url, there=there.url)
        assert refused("migrate", NAME, option, "--kubeconfig", path) == "1"
        assert any("/namespaces/" in requested for _, requested, _, _ in there.requests)
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
def test_a_missing_context_is_refused(tmp_path: Path, refused: Refused, command: tuple[str, ...]) -> None:
    """Every command that uses a cluster refuses it: none falls back to the current context."""
    path = kubeconfig(tmp_path, here="http://127.0.0.1:9")
    assert f"a kubeconfig file with the context {THERE}" in refused(*command, "--kubeconfig", path)
