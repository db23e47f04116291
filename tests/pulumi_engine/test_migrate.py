"""`synapse migrate` on the real API server: killed at every step, rolled back, and without its own server."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from kubernetes import client

from ops.migrate.errors import ConcurrentRunError
from ops.migrate.record import MigrationRecord, MigrationRecords, SavedValues
from tests.cli.test_commands import synapse
from tests.cluster.conftest import eventually
from tests.pulumi_engine.consumer import (
    ALIAS,
    CHATS,
    CONFIG_MAP,
    DEPLOYMENTS,
    EMBEDS,
    NAME,
    OLD,
    Ollama,
    Project,
    ollamas,
)
from tests.pulumi_engine.killed import Run, ended

pytestmark = pytest.mark.engine

FORWARD = [f"alias {ALIAS}", f"keys {CONFIG_MAP}", *(f"restart {name}" for name in DEPLOYMENTS), "verify"]
BACKWARD = [*FORWARD[1:4], FORWARD[0]]
MOMENTS = ("started", "ended")
DELETES = ["delete Deployment ollama", "delete Service ollama", "delete claim ollama-models"]
Migrate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def servers() -> Iterator[tuple[Ollama, Ollama]]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(ollamas()) as found:
        yield found


@pytest.fixture
def project(core: Any, namespace: str, tmp_path: Path) -> Iterator[Project]:
    """The consumer is there and ready."""
    found = Project(core=core, platform=namespace, folder=tmp_path / "project")
    try:
        found.deploy()
        eventually(found.is_ready, "the consumer is not ready")
        yield found
    finally:
        for name in (found.platform, found.namespace):
            with contextlib.suppress(client.ApiException):
                core.delete_namespace(name)


@pytest.fixture
def run(kubeconfig: Path, project: Project, servers: tuple[Ollama, Ollama]) -> Callable[..., Run]:
    shared, own = servers
    return lambda **more: Run(kubeconfig=kubeconfig, folder=project.folder, url=shared.url, own_url=own.url, **more)


@pytest.fixture
def migrate(kubeconfig: Path, project: Project, servers: tuple[Ollama, Ollama]) -> Migrate:
    """`migrate("--dry-run")`, for the consumer of the project."""
    shared, own = servers
    where = ("--stack", "mine", "--kubeconfig", str(kubeconfig), "--url", shared.url, "--own-url", own.url)
    return lambda *more: synapse(project.folder, "migrate", NAME, *where, *more)


def test_a_consumer_is_moved_and_a_second_run_changes_nothing(project: Project, migrate: Migrate) -> None:
    preview = migrate("--dry-run")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    for part in (*FORWARD, f"OLLAMA_URL={project.url}", "to do", "nothing was changed", "4 dimensions"):
        assert part in preview.stdout
    assert project.is_as_before()

    done = migrate()
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[1] for line in done.stderr.splitlines() if "done" in line] == FORWARD
    assert f"{NAME} calls ollama since" in done.stdout
    assert "--decommission" in done.stdout
    assert project.is_moved()

    before = project.generations()
    again = json.loads(migrate("--json").stdout)
    assert (again["state"], again["number"], again["fault"]) == ("moved", 1, None)
    assert project.generations() == before


@pytest.mark.parametrize("what", MOMENTS)
@pytest.mark.parametrize("step", FORWARD)
def test_a_killed_run_is_continued(project: Project, run: Callable[..., Run], step: str, what: str) -> None:
    assert ended(run(), (step, what)) == -9
    assert project.record()["state"] == "moving"
    assert ended(run()) == 0
    assert project.is_moved()
    record = project.record()
    assert (record["state"], record["number"], record["before"]["config_maps"]) == (
        "moved",
        1,
        {CONFIG_MAP: {"OLLAMA_URL": OLD["OLLAMA_URL"], "OLLAMA_BASE_URL": None}},
    )
    assert project.generations() == [2, 2]


@pytest.mark.parametrize("what", MOMENTS)
@pytest.mark.parametrize("step", BACKWARD)
def test_a_killed_rollback_is_completed(
    project: Project, servers: tuple[Ollama, Ollama], run: Callable[..., Run], step: str, what: str
) -> None:
    shared, _ = servers
    assert ended(run(), ("verify", "started")) == -9
    shared.dimensions += 1
    assert ended(run(), (step, what)) == -9
    assert project.record()["state"] == "going back"
    shared.dimensions -= 1  # what was decided stays decided
    assert ended(run()) == 3
    assert project.is_as_before()
    assert project.record()["state"] == "back"


def test_a_failed_verification_is_rolled_back_and_can_be_repeated(
    project: Project, servers: tuple[Ollama, Ollama], run: Callable[..., Run], migrate: Migrate
) -> None:
    shared, _ = servers
    assert ended(run(), ("verify", "started")) == -9
    shared.handlers["POST /v1/chat/completions"] = lambda *_: {"choices": [], "usage": {"completion_tokens": 0}}
    failed = migrate()
    assert failed.returncode == 3
    assert f"its old values hold again: verify: chat with {CHATS} on ollama" in failed.stderr
    assert project.is_as_before()
    shared.handlers["POST /v1/chat/completions"] = lambda *_: {
        "choices": [{"message": {"content": "white"}}],
        "usage": {"completion_tokens": 1},
    }
    assert migrate().returncode == 0
    assert project.is_moved()
    assert project.record()["number"] == 2


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("model", f"model {EMBEDS} on ollama: missing; available: {CHATS}"),
        ("dimensions", f"embeddings of {EMBEDS} on ollama: 5 dimensions, not 4"),
        ("own", "cortex/ollama: 5 dimensions, not 4"),
        ("config map", "does not exist; deploy the consumer first"),
        ("deployment", "Deployment indexer"),
        ("alias", "is a Service of type ClusterIP; choose another alias"),
    ],
)
def test_a_failed_check_changes_nothing(
    project: Project, servers: tuple[Ollama, Ollama], migrate: Migrate, broken: str, message: str
) -> None:
    shared, own = servers
    if broken == "model":
        shared.models = [CHATS]
    elif broken == "config map":
        project.core.delete_namespaced_config_map(CONFIG_MAP, project.namespace)
    elif broken == "deployment":
        project.apps.delete_namespaced_deployment("indexer", project.namespace)
    elif broken == "alias":
        project.declare(alias="ollama")
    else:
        (shared if broken == "dimensions" else own).dimensions = 5
    done = migrate()
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert message in done.stderr
    assert project.aliases() == {}
    with pytest.raises(client.ApiException, match="Not Found"):
        project.record()
    preview = migrate("--dry-run", "--json")
    assert preview.returncode == 1
    assert "failure" in {each["state"] for each in json.loads(preview.stdout)["findings"]}


def test_a_moved_consumer_can_be_rolled_back(project: Project, run: Callable[..., Run], migrate: Migrate) -> None:
    assert ended(run()) == 0
    done = migrate("--rollback")
    assert done.returncode == 0, done.stderr
    assert f"{NAME} is back: requested" in done.stdout
    assert project.is_as_before()


def test_a_change_by_the_consumer_is_migrated_again(project: Project, run: Callable[..., Run]) -> None:
    """Its own deployment has set the old address again, and its pods may use that."""
    assert ended(run()) == 0
    project.core.patch_namespaced_config_map(CONFIG_MAP, project.namespace, {"data": OLD})
    assert ended(run()) == 0
    assert project.is_moved()
    assert project.generations() == [3, 3]


def test_an_interrupted_migration_is_not_continued_to_other_values(
    project: Project, run: Callable[..., Run], migrate: Migrate
) -> None:
    assert ended(run(), ("verify", "started")) == -9
    project.declare(configMaps={CONFIG_MAP: {"OLLAMA_URL": "{url}/other"}})
    done = migrate()
    assert done.returncode == 1
    assert "a migration to other values than those of the settings was interrupted" in done.stderr
    assert migrate("--rollback").returncode == 0
    assert project.is_as_before()


def test_the_next_migration_saves_the_values_of_the_first(project: Project, run: Callable[..., Run]) -> None:
    """Its rollback restores the first service, not the consumer's own."""
    assert ended(run()) == 0
    project.declare(configMaps={CONFIG_MAP: {"OLLAMA_URL": "{url}/v1"}})
    assert ended(run()) == 0
    assert project.data()["OLLAMA_URL"] == f"{project.url}/v1"
    assert ended(run(operation="roll_back")) == 0
    assert project.data()["OLLAMA_URL"] == project.url


@pytest.mark.parametrize("what", MOMENTS)
def test_its_own_server_is_stopped_and_then_deleted(
    project: Project, run: Callable[..., Run], migrate: Migrate, what: str
) -> None:
    assert ended(run(operation="decommission")) == 1  # there is no record yet
    assert ended(run()) == 0
    assert ended(run(operation="delete")) == 4
    assert ended(run(operation="decommission"), ("scale ollama", what)) == -9
    done = migrate("--decommission")
    assert done.returncode == 0, done.stderr
    assert "is stopped since" in done.stdout
    assert project.replicas() == 0
    for step in DELETES:
        assert ended(run(operation="delete"), (step, what)) == -9
    assert ended(run(operation="delete")) == 0
    assert "ollama" not in {
        each.metadata.name for each in project.apps.list_namespaced_deployment(project.namespace).items
    }
    assert [each.metadata.name for each in project.core.list_namespaced_service(project.namespace).items] == [ALIAS]
    assert project.core.list_namespaced_persistent_volume_claim(project.namespace).items == []
    assert ended(run()) == 0
    assert "its own server is deleted, so there is no rollback" in migrate("--rollback").stderr


def test_a_stopped_server_runs_again_before_the_rollback(project: Project, run: Callable[..., Run]) -> None:
    assert ended(run()) == 0
    assert ended(run(operation="decommission")) == 0
    assert ended(run(operation="roll_back")) == 0
    assert project.is_as_before()
    assert project.record()["stopped"] is None


def test_the_quiet_hours_are_observed(project: Project, run: Callable[..., Run], migrate: Migrate) -> None:
    project.declare(own={"quietHours": 24})
    assert ended(run()) == 0
    early = migrate("--decommission")
    assert early.returncode == 4
    assert "quietHours is 24: wait until" in early.stderr
    assert project.replicas() == 1


def test_of_two_concurrent_runs_one_stops(project: Project) -> None:
    record = MigrationRecord(target="a", before=SavedValues(config_maps={}, aliases={}, marks={}))
    first, second = (MigrationRecords(project.core, project.platform, NAME) for _ in range(2))
    first.write(record)
    assert second.read() == record
    record.fault = "seen by the first alone"
    first.write(record)
    with pytest.raises(ConcurrentRunError, match="another run migrates the same consumer"):
        second.write(record)


@pytest.mark.parametrize(
    ("consumer", "arguments", "code", "message"),
    [
        ({"namespace": "a"}, (), 1, "synapse:consumers.memory.migration.by: got None; accepted: command"),
        ({"namespace": "a", "migration": {"service": "ollama", "alias": "b"}}, (), 1, "got 'stack'; accepted: command"),
        ({"namespace": "a", "migration": {"service": "gateway", "alias": "b", "by": "command"}}, (), 1, "at phase 1"),
        ({"namespace": "a"}, ("--rollback", "--dry-run"), 2, "one of --dry-run, --rollback"),
    ],
)
def test_a_consumer_that_cannot_be_moved_is_refused(
    kubeconfig: Path, tmp_path: Path, consumer: dict[str, Any], arguments: tuple[str, ...], code: int, message: str
) -> None:
    project = Project(core=None, platform="llm-infra", folder=tmp_path)
    project.write(consumer)
    done = synapse(tmp_path, "migrate", NAME, "--stack", "mine", "--kubeconfig", str(kubeconfig), *arguments)
    assert done.returncode == code, done.stderr
    assert message in " ".join(done.stderr.split())
