"""`synapse smoke` as a person or a script runs it."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.smoke.checks import CHECKS
from tests.cli.test_commands import project, synapse
from tests.ops.smoke.cluster import GATEWAY, Cluster, cluster, pod
from tests.ops.smoke.stage import Stage, config

Smoke = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def smoke(tmp_path: Path) -> Smoke:
    """`smoke("--url", url)`, for the stack of the stage."""
    folder = tmp_path / "project"
    folder.mkdir()
    project(folder, config())
    return lambda *arguments: synapse(folder, "smoke", "--stack", "mine", *arguments)


@pytest.fixture
def there(stage: Stage, tmp_path: Path) -> Iterator[tuple[Cluster, Path]]:
    """A cluster, and its kubeconfig."""
    with stage.portal.wrap_async_context_manager(cluster(tmp_path, stage.gateway.port)) as found:
        yield found


def broken(stage: Stage) -> None:
    stage.break_("whisper", "POST /transcribe", lambda *_: {"text": "nine nine", "segments": []})


def test_a_table_says_what_came_back(smoke: Smoke, stage: Stage) -> None:
    done = smoke("--url", stage.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{stage.url} (as given)" in done.stdout
    for part in ("dimensions 32", "word error rate 0.0", "first token", "ms", "pass", "Qwen3-8B-Q4_K_M"):
        assert part in done.stdout
    assert "FAIL" not in done.stdout
    assert done.stdout.count("pass") == len(CHECKS) + 2  # two models chat


def test_a_failure_is_told_and_the_exit_code_is_one(smoke: Smoke, stage: Stage) -> None:
    broken(stage)
    done = smoke("--url", stage.url)
    assert done.returncode == 1
    assert done.stdout.count("FAIL") == 2
    assert "heard 'nine nine' for 'seven six two zero'" in " ".join(done.stdout.split())


def test_one_question_alone(smoke: Smoke, stage: Stage) -> None:
    broken(stage)
    done = smoke("--url", stage.url, "--only", "embedding", "--only", "health", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [entry["check"] for entry in json.loads(done.stdout)["checks"]] == ["health", "embedding"]


def test_a_question_there_is_not(smoke: Smoke, stage: Stage) -> None:
    done = smoke("--url", stage.url, "--only", "embeddings")
    assert done.returncode == 1
    assert "--only: got embeddings; accepted: health, models, embedding, chat" in " ".join(done.stderr.split())


def test_a_question_that_the_stack_has_no_service_for(tmp_path: Path, stage: Stage) -> None:
    changed = config()
    changed["synapse:services"] = {
        name: service for name, service in changed["synapse:services"].items() if name != "deepfilter"
    }
    done = synapse(project(tmp_path, changed), "smoke", "--stack", "mine", "--url", stage.url, "--only", "denoise")
    assert done.returncode == 1
    assert "--only: got denoise (the stack has no" in " ".join(done.stderr.split())


def test_programs_get_one_document(smoke: Smoke, stage: Stage) -> None:
    broken(stage)
    done = smoke("--url", stage.url, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["url"], found["passed"], found["leftOut"], found["logs"]) == (stage.url, False, {}, {})
    failed = [entry for entry in found["checks"] if not entry["passed"]]
    assert [entry["check"] for entry in failed] == ["transcribe digits", "transcribe sentence"]
    assert failed[0]["model"] == "whisper-large-v3-turbo"
    assert failed[0]["services"] == ["chatterbox-tts", "whisper-stt", "piper-tts"]
    embedding: dict[str, Any] = next(entry for entry in found["checks"] if entry["check"] == "embedding")
    assert embedding["figures"]["dimensions"] == 32
    assert embedding["seconds"] > 0
    assert embedding["fault"] is None


def test_the_gateway_is_reached_through_its_cluster(smoke: Smoke, there: tuple[Cluster, Path]) -> None:
    found, kubeconfig = there
    done = smoke("--kubeconfig", str(kubeconfig))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"(the port 8000 of pod {GATEWAY})" in done.stdout
    assert found.opened >= 1


def test_who_failed_is_quoted(smoke: Smoke, stage: Stage, there: tuple[Cluster, Path]) -> None:
    found, kubeconfig = there
    broken(stage)
    found.logs["whisper-stt-5c-x"] = "loaded\nout of [memory]"
    done = smoke("--kubeconfig", str(kubeconfig))
    assert done.returncode == 1
    assert "whisper-stt-5c-x said last:\n  loaded\n  out of [memory]" in done.stdout
    assert GATEWAY not in done.stdout.split("said last")[0].rsplit("\n", 2)[-1]


def test_logs_are_in_the_document_too(smoke: Smoke, stage: Stage, there: tuple[Cluster, Path]) -> None:
    found, kubeconfig = there
    broken(stage)
    found.logs["whisper-stt-5c-x"] = "loaded"
    done = smoke("--url", stage.url, "--kubeconfig", str(kubeconfig), "--json")
    assert json.loads(done.stdout)["logs"] == {"whisper-stt-5c-x": ["loaded"]}


def test_what_the_stack_cannot_answer_is_told(tmp_path: Path, stage: Stage) -> None:
    without = config()
    del without["synapse:services"]["deepfilter"]
    done = synapse(project(tmp_path, without), "smoke", "--stack", "mine", "--url", stage.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not asked, as the stack has no service for audio: denoise, convert" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--url", "http://127.0.0.1:9"), "synapse: nobody answers at http://127.0.0.1:9"),
        (("--url", "nonsense"), "synapse: nonsense: "),
        ((), "synapse: there is no twin of mine"),
    ],
)
def test_nobody_to_ask_is_one_error(smoke: Smoke, arguments: tuple[str, ...], said: str) -> None:
    done = smoke(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_pod_of_the_gateway_is_one_error(smoke: Smoke, there: tuple[Cluster, Path]) -> None:
    found, kubeconfig = there
    found.pods = [pod("synapse-gateway", "synapse-gateway-0", is_ready=False)]
    done = smoke("--kubeconfig", str(kubeconfig), "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "none of the 1 pods of synapse-gateway in llm-infra is ready" in done.stderr


def test_the_key_of_the_environment_is_used(
    smoke: Smoke, stage_with: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = stage_with(SYNAPSE_API_KEYS="mine;scope=admin").url
    assert "the gateway refuses the key" in smoke("--url", url).stderr
    monkeypatch.setenv("SYNAPSE_API_KEY", "mine")
    assert smoke("--url", url).returncode == 0
