"""The private Pulumi engine on a twin: life of a stack, interruptions, and its files."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.processes import has_name
from tests.tools.conftest import PulumiProject, eventually
from tools.offline.engine import PulumiEngine
from tools.offline.plugins.discovery import PLUGINS, find, provide
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.objects import ObjectReference

LANGUAGE, KUBERNETES, _ = PLUGINS
OFFICIAL = b"\x7fELF"
PROGRAM = """
import pulumi
from pulumi_kubernetes import apps, core
config = pulumi.Config()
labels = {"app": "web"}
space = core.v1.Namespace("space", metadata={"name": config.require("space")})
wait = {"pulumi.com/timeoutSeconds": config.get("wait") or "60"}
metadata = {"name": "web", "namespace": space.metadata.name, "annotations": wait}
core.v1.Secret("keys", metadata=metadata, string_data={"token": config.get("token") or "canary-of-the-state"})
core.v1.Service("web", metadata=metadata, spec={"selector": labels, "ports": [{"port": 80}]})
apps.v1.Deployment("web", metadata=metadata, spec={
    "replicas": 1,
    "selector": {"match_labels": labels},
    "template": {
        "metadata": {"labels": labels},
        "spec": {"containers": [{
            "name": "web",
            "image": config.get("image") or "example.test/web:1",
            "resources": {"requests": {"memory": config.get("memory") or "1024Mi"}},
        }]},
    },
})
"""
SLEEPING = "from pulumi_command import local\nlocal.Command('nap', create='echo $$ > {}; sleep 600 & wait')\n"
INTERRUPTED = """
import sys
from pathlib import Path
from cli import unwind_on_sigterm
from tools.offline.engine import PulumiEngine
unwind_on_sigterm()
state, project = map(Path, sys.argv[1:])
sys.exit(PulumiEngine("test", state, None, project).run("up", "--yes", "--skip-preview", "--non-interactive"))
"""


@pytest.fixture
def deployed(tmp_path: Path, twin_kubeconfig: Path) -> PulumiProject:
    return PulumiProject(tmp_path, twin_kubeconfig)


def started(engine: PulumiEngine, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a command of the engine without waiting for it."""
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        [engine.pulumi, *arguments], cwd=engine.mirror, env=engine.environment(), stdout=quiet, stderr=quiet
    )


@pytest.mark.engine
def test_the_life_of_a_stack(deployed: PulumiProject, api: KubernetesApi) -> None:
    """Create, no change, change, drift, repair, destroy; in one test because each step takes seconds."""
    deployed.program(PROGRAM, space="life")
    assert "5 created" in deployed.pulumi("up", "--yes")
    deployed.pulumi("preview", "--expect-no-changes")
    exported = deployed.pulumi("stack", "export")
    assert "example.test/web:1" in exported
    assert "canary-of-the-state" not in exported
    assert "Y2FuYXJ5LW9mLXRoZS1zdGF0ZQ" not in exported

    deployed.program(PROGRAM, space="life", image="example.test/web:2", token="other")  # noqa: S106 (a canary)
    preview = deployed.pulumi("preview", "--diff")
    assert '~ image: "example.test/web:1" => "example.test/web:2"' in preview
    assert "token: [secret] => [secret]" in preview
    assert "1 to update" in preview
    assert "1 to replace" in preview
    deployed.pulumi("up", "--yes", "--skip-preview")

    target = ObjectReference("apps/v1", "Deployment", "web", "life")
    body = {"spec": {"replicas": 2}}
    api.request("PATCH", api.path(target), {"fieldManager": "someone"}, body, "application/merge-patch+json")
    deployed.pulumi("refresh", "--yes", "--skip-preview")
    assert 'conflict with "someone"' in deployed.pulumi_fails("preview")
    changed = {"space": "life", "image": "example.test/web:2", "token": "other"}
    deployed.program(PROGRAM, **changed, kubernetes__enablePatchForce="true")
    assert "~ replicas: 2 => 1" in deployed.pulumi("preview", "--diff")
    deployed.pulumi("up", "--yes", "--skip-preview")
    live = api.get(target)
    assert live is not None
    assert live["spec"]["replicas"] == 1

    deployed.pulumi("destroy", "--yes", "--skip-preview")
    assert api.get(target) is None
    assert '"resources"' not in deployed.pulumi("stack", "export")


@pytest.mark.engine
def test_a_workload_that_does_not_fit_stays_in_the_state_and_can_be_updated(deployed: PulumiProject) -> None:
    deployed.program(PROGRAM, space="tight", memory="64Gi", wait="6")  # enough for the scheduler to report the reason
    output = deployed.pulumi_fails("up", "--yes", "--skip-preview")
    assert "failed to fully initialize or become live: 'web' timed out waiting to be Ready" in output
    assert "Minimum number of live Pods was not attained" in output
    assert "kubernetes:apps/v1:Deployment::web" in deployed.pulumi("stack", "--show-urns")
    deployed.program(PROGRAM, space="tight", memory="64Mi")
    output = deployed.pulumi("up", "--yes", "--skip-preview")
    assert "3 updated" in output  # the annotation is on all of them
    assert "created" not in output


@pytest.mark.engine
def test_a_killed_engine_leaves_no_process_and_the_next_update_converges(
    deployed: PulumiProject, api: KubernetesApi
) -> None:
    nap = deployed.folder.parent / "nap"
    deployed.program(PROGRAM + SLEEPING.format(nap), space="killed", memory="64Gi")
    engine = started(deployed.engine, "up", "--yes", "--skip-preview", "--non-interactive")
    target = ObjectReference("apps/v1", "Deployment", "web", "killed")
    eventually(lambda: nap.exists() and nap.read_text() and api.get(target), "the update does not get there")
    family = [*psutil.Process(engine.pid).children(recursive=True), psutil.Process(int(nap.read_text()))]
    assert len(family) >= 5  # the language host, the program, two providers, the command
    engine.kill()
    engine.wait()
    eventually(lambda: not any(each.is_running() for each in family), f"still there: {family}")

    settings = {"kubernetes__upsertExistingObjects": "true", "kubernetes__enablePatchForce": "true"}
    deployed.program(PROGRAM, space="killed", **settings)
    deployed.pulumi("cancel", "--yes")
    deployed.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
    deployed.pulumi("up", "--yes", "--skip-preview")
    deployed.pulumi("preview", "--expect-no-changes")


def napping(project: PulumiProject) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """Start an `up` in a new session; return it and the command that it waits for."""
    nap = project.folder.parent / "nap"
    project.program(SLEEPING.format(nap))
    arguments = [str(project.engine.state), str(project.folder)]
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, *arguments], start_new_session=True)
    eventually(lambda: nap.exists() and nap.read_text(), "the command does not start")
    return process, psutil.Process(int(nap.read_text()))


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Send SIGINT as a terminal does for Ctrl-C."""
    os.killpg(process.pid, signal.SIGINT)


@pytest.mark.engine
@pytest.mark.parametrize(("end", "code"), [(interrupt, 1), (subprocess.Popen.terminate, 128 + signal.SIGTERM)])
def test_an_ended_command_lets_pulumi_end_first(
    project: PulumiProject, end: Callable[[subprocess.Popen[bytes]], None], code: int
) -> None:
    process, command = napping(project)
    family = psutil.Process(process.pid).children(recursive=True)
    assert any(has_name(each, "pulumi") for each in family)
    end(process)
    assert process.wait(timeout=300) == code
    eventually(lambda: not any(each.is_running() for each in (*family, command)), f"still there: {family}")
    project.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")  # it is not locked


@pytest.mark.engine
def test_the_lock_of_a_killed_run_is_removed(project: PulumiProject) -> None:
    process, command = napping(project)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    eventually(lambda: not command.is_running(), "the command goes on")
    refresh = ("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
    assert "currently locked" in project.engine.capture(*refresh).output
    project.engine.prepare()
    project.pulumi(*refresh)


@pytest.mark.engine
def test_the_lock_of_a_running_command_holds(project: PulumiProject) -> None:
    process, _ = napping(project)
    try:
        project.engine.prepare()
        assert "currently locked" in project.engine.capture("refresh", "--yes", "--skip-preview").output
    finally:
        interrupt(process)
        process.wait()


@pytest.mark.engine
def test_the_checkout_is_never_written_to(project: PulumiProject) -> None:
    (project.folder / "Pulumi.test.yaml").write_text("config:\n  trial:size: 1\n  trial:phase: 1\n")
    before = {path.name: path.read_bytes() for path in project.folder.iterdir()}
    project.program("", phase="2")
    project.pulumi("config", "set", "--secret", "trial:token", "canary")
    project.engine.prepare({"trial:phase": 3})
    own = (project.engine.mirror / "Pulumi.test.yaml").read_text()
    assert "phase: 3" in own
    assert "size: 1" in own
    assert "encryptionsalt" in own  # from the first run
    assert "encryptionsalt" in (project.engine.mirror / "Pulumi.test.yaml").read_text()
    (project.folder / "__main__.py").unlink()
    assert {path.name: path.read_bytes() for path in project.folder.iterdir()} == before


@pytest.mark.engine
def test_only_the_owner_can_read_it(project: PulumiProject) -> None:
    project.program("")
    modes = {name: stat.S_IMODE((project.engine.state / name).stat().st_mode) for name in ("", "passphrase", "home")}
    assert modes == {"": 0o700, "passphrase": 0o600, "home": 0o700}


@pytest.mark.engine
def test_pulumi_keeps_a_log_only_where_debugging_is_on(project: PulumiProject, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = project.engine.state / "home/logs"
    for is_debugging in (False, True, False):
        with monkeypatch.context() as environment:
            if is_debugging:
                environment.setenv("SYNAPSE_DEBUG", "1")
            project.program("")
            project.pulumi("preview")
        assert (logs.is_dir() and any(logs.iterdir())) is is_debugging


@pytest.mark.engine
def test_a_file_removed_from_the_checkout_is_removed_from_the_mirror(project: PulumiProject) -> None:
    (project.folder / "old.py").touch()
    project.program("")
    assert (project.engine.mirror / "old.py").is_symlink()
    (project.folder / "old.py").unlink()
    project.program("")
    assert not (project.engine.mirror / "old.py").is_symlink()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Pulumi's plugins, whose `pulumi` cannot download."""
    for variable, name in {"PATH": "bin", "PULUMI_HOME": "own", "SYNAPSE_CACHE": "cache"}.items():
        monkeypatch.setenv(variable, str(tmp_path / name))
    (tmp_path / "bin").mkdir()
    install(tmp_path / "pulumi/pulumi", f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexit 1\n'.encode())
    return tmp_path


def install(program: Path, content: bytes = OFFICIAL) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_bytes(content)
    program.chmod(0o755)


def test_a_missing_plugin_is_downloaded_once_then_replaced_by_the_stand_in(machine: Path) -> None:
    for _ in range(2):
        assert str(find(KUBERNETES, machine / "pulumi/pulumi")) == "kubernetes: stand-in"
    (call,) = (machine / "calls").read_text().splitlines()
    assert call.startswith(f"plugin install resource kubernetes {KUBERNETES.version}")


@pytest.mark.parametrize("folder", ["bin", "pulumi"])
def test_an_official_language_host_is_used(machine: Path, folder: str) -> None:
    install(machine / folder / LANGUAGE.program)
    assert str(find(LANGUAGE, machine / "pulumi/pulumi")) == "python language host: official"


@pytest.mark.parametrize(
    ("folder", "choice"),
    [
        ("bin", "kubernetes: official"),
        ("own/plugins/resource-kubernetes-v4.99.0", "kubernetes: official 4.99.0"),
        ("own/plugins/resource-kubernetes-v4.0.0", "kubernetes: stand-in"),
        ("own/plugins/resource-kubernetes-v5.0.0", "kubernetes: stand-in"),
    ],
)
def test_an_official_plugin_is_used_where_its_version_fits(machine: Path, folder: str, choice: str) -> None:
    install(machine / folder / KUBERNETES.program)
    assert str(find(KUBERNETES, machine / "pulumi/pulumi")) == choice


def test_the_stand_in_is_not_taken_for_the_official_plugin(machine: Path) -> None:
    provide(find(KUBERNETES, machine / "pulumi/pulumi"), machine / "own")
    assert str(find(KUBERNETES, machine / "pulumi/pulumi")) == "kubernetes: stand-in"


def test_an_engine_has_one_version_of_a_plugin(machine: Path) -> None:
    home = machine / "home"
    provide(find(KUBERNETES, machine / "pulumi/pulumi"), home)
    install(machine / "own/plugins/resource-kubernetes-v4.99.0/pulumi-resource-kubernetes")
    provide(find(KUBERNETES, machine / "pulumi/pulumi"), home)
    (program,) = (home / "plugins").glob("*/*")
    assert program.parent.name == "resource-kubernetes-v4.99.0"
    assert program.read_bytes() == OFFICIAL
