"""`synapse migrate` on the real API server: killed at every step, rolled back, decommissioned."""

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
    ConsumerProject,
    FakeOllama,
    ollamas,
)
from tests.pulumi_engine.migration_process import MigrationRun, exit_code

pytestmark = pytest.mark.engine

FORWARD = [f"alias {ALIAS}", f"keys {CONFIG_MAP}", *(f"restart {name}" for name in DEPLOYMENTS), "verify"]
BACKWARD = [*FORWARD[1:4], FORWARD[0]]
MOMENTS = ("started", "ended")
DELETES = ["delete Deployment ollama", "delete Service ollama", "delete claim ollama-models"]
MakeRun = Callable[..., MigrationRun]
Migrate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def servers() -> Iterator[tuple[FakeOllama, FakeOllama]]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(ollamas()) as both:
        yield both


@pytest.fixture
def project(core: Any, namespace: str, tmp_path: Path) -> Iterator[ConsumerProject]:
    """Deploy the consumer and wait until it is ready."""
    consumer = ConsumerProject(core=core, platform=namespace, folder=tmp_path / "project")
    try:
        consumer.deploy()
        eventually(consumer.is_ready, "the consumer is not ready")
        yield consumer
    finally:
        for name in (consumer.platform, consumer.namespace):
            with contextlib.suppress(client.ApiException):
                core.delete_namespace(name)


@pytest.fixture
def run(kubeconfig: Path, project: ConsumerProject, servers: tuple[FakeOllama, FakeOllama]) -> MakeRun:
    shared, own = servers
    return lambda **options: MigrationRun(
        kubeconfig=kubeconfig, folder=project.folder, url=shared.url, own_url=own.url, **options
    )


@pytest.fixture
def migrate(kubeconfig: Path, project: ConsumerProject, servers: tuple[FakeOllama, FakeOllama]) -> Migrate:
    """Return a function that runs `synapse migrate` for the consumer: `migrate("--dry-run")`."""
    shared, own = servers
    options = ("--stack", "mine", "--kubeconfig", str(kubeconfig), "--url", shared.url, "--own-url", own.url)
    return lambda *more: synapse(project.folder, "migrate", NAME, *options, *more)


def test_a_consumer_is_moved_and_a_second_run_changes_nothing(project: ConsumerProject, migrate: Migrate) -> None:
    dry_run = migrate("--dry-run")
    assert dry_run.returncode == 0, dry_run.stdout + dry_run.stderr
    for part in (*FORWARD, f"OLLAMA_URL={project.url}", "to do", "nothing was changed", "4 dimensions"):
        assert part in dry_run.stdout
    assert project.is_as_before()

    done = migrate()
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[1] for line in done.stderr.splitlines() if "done" in line] == FORWARD
    assert f"{NAME} is moved: it has called ollama since" in done.stdout
    assert "--decommission" in done.stdout
    assert project.is_moved()

    before = project.generations()
    again = json.loads(migrate("--json").stdout)
    assert (again["state"], again["number"], again["fault"]) == ("moved", 1, None)
    assert project.generations() == before


@pytest.mark.parametrize("what", MOMENTS)
@pytest.mark.parametrize("step", FORWARD)
def test_a_killed_run_is_continued(project: ConsumerProject, run: MakeRun, step: str, what: str) -> None:
    assert exit_code(run(), (step, what)) == -9
    assert project.record()["state"] == "moving"
    assert exit_code(run()) == 0
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
def test_a_killed_rollback_is_continued(
    project: ConsumerProject,
    servers: tuple[FakeOllama, FakeOllama],
    run: MakeRun,
    step: str,
    what: str,
) -> None:
    shared, _ = servers
    assert exit_code(run(), ("verify", "started")) == -9
    shared.dimensions += 1
    assert exit_code(run(), (step, what)) == -9
    assert project.record()["state"] == "going back"
    shared.dimensions -= 1  # the decision to roll back is kept
    assert exit_code(run()) == 3
    assert project.is_as_before()
    assert project.record()["state"] == "back"


def test_a_failed_verification_is_rolled_back_and_can_be_retried(
    project: ConsumerProject, servers: tuple[FakeOllama, FakeOllama], run: MakeRun, migrate: Migrate
) -> None:
    shared, _ = servers
    assert exit_code(run(), ("verify", "started")) == -9
    shared.handlers["POST /v1/chat/completions"] = lambda *_: {"choices": [], "usage": {"completion_tokens": 0}}
    failed = migrate()
    assert failed.returncode == 3
    assert f"its old values are restored: verify: chat with {CHATS} on ollama" in failed.stderr
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
def test_a_failed_check_before_the_start_changes_nothing(
    project: ConsumerProject, servers: tuple[FakeOllama, FakeOllama], migrate: Migrate, broken: str, message: str
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
    dry_run = migrate("--dry-run", "--json")
    assert dry_run.returncode == 1
    assert "failure" in {each["state"] for each in json.loads(dry_run.stdout)["findings"]}


def test_a_migrated_consumer_can_be_rolled_back(project: ConsumerProject, run: MakeRun, migrate: Migrate) -> None:
    assert exit_code(run()) == 0
    done = migrate("--rollback")
    assert done.returncode == 0, done.stderr
    assert f"{NAME} is rolled back: requested" in done.stdout
    assert project.is_as_before()


def test_values_reset_by_the_consumer_are_set_again(project: ConsumerProject, run: MakeRun) -> None:
    """The consumer's own deployment has set the old address, so its pods are restarted too."""
    assert exit_code(run()) == 0
    project.core.patch_namespaced_config_map(CONFIG_MAP, project.namespace, {"data": OLD})
    assert exit_code(run()) == 0
    assert project.is_moved()
    assert project.generations() == [3, 3]


def test_an_interrupted_migration_is_not_continued_with_other_values(
    project: ConsumerProject, run: MakeRun, migrate: Migrate
) -> None:
    assert exit_code(run(), ("verify", "started")) == -9
    project.declare(configMaps={CONFIG_MAP: {"OLLAMA_URL": "{url}/other"}})
    done = migrate()
    assert done.returncode == 1
    assert "a migration to other values than those of the settings was interrupted" in done.stderr
    assert migrate("--rollback").returncode == 0
    assert project.is_as_before()


def test_a_second_migration_rolls_back_to_the_first(project: ConsumerProject, run: MakeRun) -> None:
    """The rollback restores the first migration's values, not the consumer's own."""
    assert exit_code(run()) == 0
    project.declare(configMaps={CONFIG_MAP: {"OLLAMA_URL": "{url}/v1"}})
    assert exit_code(run()) == 0
    assert project.data()["OLLAMA_URL"] == f"{project.url}/v1"
    assert exit_code(run(operation="roll_back")) == 0
    assert project.data()["OLLAMA_URL"] == project.url


@pytest.mark.parametrize("what", MOMENTS)
def test_its_own_server_is_stopped_and_then_deleted(
    project: ConsumerProject, run: MakeRun, migrate: Migrate, what: str
) -> None:
    assert exit_code(run(operation="decommission")) == 1  # there is no record yet
    assert exit_code(run()) == 0
    assert exit_code(run(operation="delete")) == 4
    assert exit_code(run(operation="decommission"), ("scale ollama", what)) == -9
    done = migrate("--decommission")
    assert done.returncode == 0, done.stderr
    assert "was stopped at" in done.stdout
    assert project.replicas() == 0
    for step in DELETES:
        assert exit_code(run(operation="delete"), (step, what)) == -9
    assert exit_code(run(operation="delete")) == 0
    assert "ollama" not in {
        each.metadata.name for each in project.apps.list_namespaced_deployment(project.namespace).items
    }
    assert [each.metadata.name for each in project.core.list_namespaced_service(project.namespace).items] == [ALIAS]
    assert project.core.list_namespaced_persistent_volume_claim(project.namespace).items == []
    assert exit_code(run()) == 0
    assert "its own server is deleted, so there is no rollback" in migrate("--rollback").stderr


def test_a_rollback_starts_a_stopped_server_again(project: ConsumerProject, run: MakeRun) -> None:
    assert exit_code(run()) == 0
    assert exit_code(run(operation="decommission")) == 0
    assert exit_code(run(operation="roll_back")) == 0
    assert project.is_as_before()
    assert project.record()["stopped"] is None


def test_a_decommission_before_the_quiet_time_is_refused(
    project: ConsumerProject, run: MakeRun, migrate: Migrate
) -> None:
    project.declare(own={"quietHours": 24})
    assert exit_code(run()) == 0
    early = migrate("--decommission")
    assert early.returncode == 4
    assert "quietHours is 24: wait until" in early.stderr
    assert project.replicas() == 1


def test_the_second_of_two_concurrent_runs_fails(project: ConsumerProject) -> None:
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
def test_an_invalid_migration_has_a_message(
    kubeconfig: Path, tmp_path: Path, consumer: dict[str, Any], arguments: tuple[str, ...], code: int, message: str
) -> None:
    project = ConsumerProject(core=None, platform="llm-infra", folder=tmp_path)
    project.write(consumer)
    done = synapse(tmp_path, "migrate", NAME, "--stack", "mine", "--kubeconfig", str(kubeconfig), *arguments)
    assert done.returncode == code, done.stderr
    assert message in " ".join(done.stderr.split())
