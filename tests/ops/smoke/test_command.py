"""`synapse smoke` as a person or a script runs it."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.smoke.checks import CHECKS
from tests.cli.test_commands import project, synapse
from tests.ops.smoke.fake_cluster import GATEWAY, FakeCluster, fake_cluster, pod
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
def there(stage: Stage, tmp_path: Path) -> Iterator[tuple[FakeCluster, Path]]:
    """Yield a cluster, and its kubeconfig."""
    with stage.portal.wrap_async_context_manager(fake_cluster(tmp_path, stage.gateway.port)) as fake:
        yield fake


HEARD = ["synthesize", "speech", "transcribe digits", "transcribe sentence", "denoise", "clone"]
"""Checks that transcribe."""


def broken(stage: Stage) -> None:
    stage.break_("whisper", "POST /transcribe", lambda *_: {"text": "nine nine", "segments": []})


def test_a_table_has_the_figures(smoke: Smoke, stage: Stage) -> None:
    done = smoke("--url", stage.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{stage.url} (as given)" in done.stdout
    for part in ("dimensions 32", "word error rate 0.0 (at most 0.15)", "first token", "ms", "pass", "Qwen3-8B-Q4_K_M"):
        assert part in done.stdout
    assert "FAIL" not in done.stdout
    of_chat = [check for check in CHECKS if check.each == "chat"]
    assert done.stdout.count(" pass\n") == len(CHECKS) + len(of_chat)  # two models chat


def test_a_failure_is_shown_with_exit_code_one(smoke: Smoke, stage: Stage) -> None:
    broken(stage)
    done = smoke("--url", stage.url)
    assert done.returncode == 1
    assert done.stdout.count(" FAIL\n") == len(HEARD)
    assert "heard 'nine nine' for 'seven six two zero'" in " ".join(done.stdout.split())


def test_selected_checks_run_alone(smoke: Smoke, stage: Stage) -> None:
    broken(stage)
    done = smoke("--url", stage.url, "--only", "embedding", "--only", "health", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [entry["check"] for entry in json.loads(done.stdout)["checks"]] == ["health", "embedding"]


def test_an_unknown_check_is_refused(smoke: Smoke, stage: Stage) -> None:
    done = smoke("--url", stage.url, "--only", "embeddings")
    assert done.returncode == 1
    assert "--only: got embeddings; accepted: health, models, embedding, embedding ranking" in " ".join(
        done.stderr.split()
    )


def test_a_check_without_a_service_is_refused(tmp_path: Path, stage: Stage) -> None:
    changed = config()
    changed["synapse:services"] = {
        name: service for name, service in changed["synapse:services"].items() if name != "deepfilter"
    }
    done = synapse(project(tmp_path, changed), "smoke", "--stack", "mine", "--url", stage.url, "--only", "denoise")
    assert done.returncode == 1
    assert "--only: got denoise (the stack has no" in " ".join(done.stderr.split())


def test_json_is_one_document(smoke: Smoke, stage: Stage) -> None:
    broken(stage)
    done = smoke("--url", stage.url, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["url"], document["passed"], document["leftOut"], document["logs"]) == (stage.url, False, {}, {})
    failed = [entry for entry in document["checks"] if not entry["passed"]]
    assert [entry["check"] for entry in failed] == HEARD
    digits = failed[HEARD.index("transcribe digits")]
    assert digits["model"] == "whisper-base"
    assert digits["services"] == ["chatterbox-tts", "whisper-stt", "piper-tts"]
    embedding: dict[str, Any] = next(entry for entry in document["checks"] if entry["check"] == "embedding")
    assert embedding["figures"]["dimensions"] == 32
    assert (embedding["figures"]["same_text"], embedding["figures"]["same_text_at_least"]) == (1.0, 0.999)
    assert embedding["seconds"] > 0
    assert embedding["fault"] is None


def test_the_gateway_is_reached_through_the_cluster(smoke: Smoke, there: tuple[FakeCluster, Path]) -> None:
    fake, kubeconfig = there
    done = smoke("--kubeconfig", str(kubeconfig))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"(the port 8000 of pod {GATEWAY})" in done.stdout
    assert fake.opened >= 1


def test_the_logs_of_the_services_that_failed_are_shown(
    smoke: Smoke, stage: Stage, there: tuple[FakeCluster, Path]
) -> None:
    fake, kubeconfig = there
    broken(stage)
    fake.logs["whisper-stt-5c-x"] = "loaded\nout of [memory]"
    done = smoke("--kubeconfig", str(kubeconfig))
    assert done.returncode == 1
    assert "last lines of whisper-stt-5c-x:\n  loaded\n  out of [memory]" in done.stdout
    assert f"last lines of {GATEWAY}" not in done.stdout


def test_logs_are_in_the_document_too(smoke: Smoke, stage: Stage, there: tuple[FakeCluster, Path]) -> None:
    fake, kubeconfig = there
    broken(stage)
    fake.logs["whisper-stt-5c-x"] = "loaded"
    done = smoke("--url", stage.url, "--kubeconfig", str(kubeconfig), "--json")
    assert json.loads(done.stdout)["logs"] == {"whisper-stt-5c-x": ["loaded"]}


def test_checks_without_a_service_are_listed(tmp_path: Path, stage: Stage) -> None:
    without = config()
    del without["synapse:services"]["deepfilter"]
    done = synapse(project(tmp_path, without), "smoke", "--stack", "mine", "--url", stage.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not tested, since the stack has no service for audio: denoise, convert" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--url", "http://127.0.0.1:9"), "synapse: no server answers at http://127.0.0.1:9"),
        (("--url", "nonsense"), "synapse: nonsense: "),
        ((), "synapse: the stack mine does not run here; running: none"),
    ],
)
def test_an_unreachable_gateway_is_one_error(smoke: Smoke, arguments: tuple[str, ...], message: str) -> None:
    done = smoke(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_pod_of_the_gateway_is_one_error(smoke: Smoke, there: tuple[FakeCluster, Path]) -> None:
    fake, kubeconfig = there
    fake.pods = [pod("synapse-gateway", "synapse-gateway-0", is_ready=False)]
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
