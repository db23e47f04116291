"""One small twin for all tests of the plugins and the engine, and a Pulumi project for each test."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2 as messages

from infra.settings.model import ROOT
from tests.tools.plugin_calls import FakeContext, LogLines, PluginResource
from tools.offline.engine import PulumiEngine
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.objects import ObjectReference
from tools.offline.plugins.kubernetes.provider import KubernetesProvider
from tools.offline.plugins.values import encode
from tools.twin import SimulatedNode, Twin

GIB = 1 << 30
NODE = SimulatedNode(name="small", memory=16 * GIB, cpu=8_000, gpus=0)
DEADLINE_S = 300.0
POLL_S = 0.1
MANAGER = "a-person"
RUNTIME = {"name": "python", "options": {"toolchain": "uv", "virtualenv": sys.prefix}}
"""For a project or pack: without it the official language host would run it with `python3` of PATH."""
NAMES = count()
Make = Callable[..., PluginResource]


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(POLL_S)


@pytest.fixture(scope="session")
def twin_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    twin = Twin("plugins", tmp_path_factory.mktemp("twin"), owner_pid=os.getpid())
    try:
        yield twin.up(NODE)
    finally:
        twin.down()


@pytest.fixture(scope="session")
def api(twin_kubeconfig: Path) -> KubernetesApi:
    return KubernetesApi(str(twin_kubeconfig), None)


@pytest.fixture
def namespace(api: KubernetesApi) -> Iterator[str]:
    """A new namespace; its deletion is not waited for."""
    name = f"test-{next(NAMES)}"
    target = ObjectReference("v1", "Namespace", name)
    item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.apply(target, item, MANAGER, force=False, dry_run=False)
    account = ObjectReference("v1", "ServiceAccount", "default", name)
    eventually(lambda: api.get(account), "no service account")
    yield name
    api.delete(target, "Background")


def lock(folder: Path) -> None:
    """Put the lock file into a project or pack: the official language host reads the packages in it."""
    (folder / "uv.lock").symlink_to(ROOT / "uv.lock")


class PulumiProject:
    """A Pulumi project with one program, and its engine."""

    def __init__(self, folder: Path, kubeconfig: Path | None) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "trial", "runtime": RUNTIME}))
        lock(self.folder)
        (self.folder / "Pulumi.test.yaml").write_text("config: {}\n")
        self.engine = PulumiEngine("test", folder / "state", kubeconfig, self.folder)

    def program(self, source: str, **config: str) -> None:
        """Write the program and its configuration; `a__b` is the key `b` of the namespace `a`."""
        (self.folder / "__main__.py").write_text(source)
        keys = {key: key.replace("__", ":") if "__" in key else f"trial:{key}" for key in config}
        self.engine.prepare({keys[key]: value for key, value in config.items()})

    def pulumi(self, *arguments: str) -> str:
        """Return the output of a command that must succeed."""
        done = self.engine.capture(*arguments)
        assert done.code == 0, done.output
        return done.output

    def pulumi_fails(self, *arguments: str) -> str:
        """Return the output of a command that must fail."""
        done = self.engine.capture(*arguments)
        assert done.code != 0, done.output
        return done.output


@pytest.fixture
def project(tmp_path: Path) -> PulumiProject:
    """A project without a cluster."""
    return PulumiProject(tmp_path, None)


@pytest.fixture
def lines() -> LogLines:
    return LogLines()


@pytest.fixture
def make(twin_kubeconfig: Path, lines: LogLines) -> Make:
    """Return a function that makes a resource of a new provider with the given settings."""

    def resource(kind: str, name: str = "it", **settings: str) -> PluginResource:
        provider = KubernetesProvider(lines)
        configuration = {"kubeconfig": str(twin_kubeconfig), **settings}
        provider.Configure(messages.ConfigureRequest(args=encode(configuration)), FakeContext())
        return PluginResource(provider, kind, name)

    return resource
