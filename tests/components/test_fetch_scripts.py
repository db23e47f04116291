"""The scripts of the Jobs that fetch models, with a real curl, against servers of this machine."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from components.fetch import arguments
from infra.plan.fetching import FetchPlan
from tests.components import ollama_stand_in
from tests.components.fetch_script import CONTENT, NO_RETRY, PATH, SHA256, Script, busybox, gets, plan_of
from tests.components.ollama_stand_in import OllamaStandIn
from tests.ops.models.file_server import FileServer

WRONG = 64 * "0"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the scripts of the image run curl")


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with ollama_stand_in.serving() as server:
        server.offers |= {"llama3.1:8b", "mxbai-embed-large"}
        yield server


def test_a_file_is_fetched_once(script: Script, server: FileServer) -> None:
    code, log = script.file(server)
    assert (code, script.target.read_bytes()) == (0, CONTENT), log
    assert "model.gguf: checking the SHA-256" in log
    assert script.file(server) == (0, "model.gguf: complete\n")
    assert gets(server) == [None]
    assert [*script.target.parent.iterdir()] == [script.target]


def test_an_interrupted_transfer_is_continued(script: Script, server: FileServer) -> None:
    server.cuts = [300_000, 200_000]
    code, log = script.file(server)
    assert (code, script.target.read_bytes()) == (0, CONTENT), log
    assert gets(server) == [None, "bytes=300000-", "bytes=500000-"]


def test_the_next_run_continues_a_part_file(script: Script, server: FileServer) -> None:
    script.part.parent.mkdir()
    script.part.write_bytes(CONTENT[:1000])
    assert script.file(server)[0] == 0
    assert (gets(server), script.target.read_bytes()) == (["bytes=1000-"], CONTENT)


def test_a_part_file_that_is_whole_is_only_checked(script: Script, server: FileServer) -> None:
    script.part.parent.mkdir()
    script.part.write_bytes(CONTENT)
    assert script.file(server)[0] == 0
    assert (gets(server), script.target.read_bytes()) == ([], CONTENT)


def test_a_server_without_ranges_sends_everything_again(script: Script, server: FileServer) -> None:
    server.has_ranges = False
    server.cuts = [300_000]
    code, log = script.file(server)
    assert (code, script.target.read_bytes()) == (0, CONTENT), log


def test_a_wrong_digest_is_refused(script: Script, server: FileServer) -> None:
    code, log = script.file(server, WRONG)
    assert code == NO_RETRY
    assert f"its SHA-256 is {SHA256}; accepted: {WRONG}" in log
    assert [*script.target.parent.iterdir()] == []


def test_a_wrong_file_is_kept_until_the_right_one_is_complete(script: Script, server: FileServer) -> None:
    script.target.parent.mkdir()
    script.target.write_bytes(bytes(len(CONTENT)))
    assert script.file(server, WRONG)[0] == NO_RETRY
    assert script.target.read_bytes() == bytes(len(CONTENT))
    assert script.file(server)[0] == 0
    assert script.target.read_bytes() == CONTENT


def test_the_hub_tells_size_and_digest(script: Script, server: FileServer) -> None:
    server.headers[PATH] = {"X-Linked-Etag": f'"{WRONG}"', "X-Linked-Size": str(len(CONTENT))}
    code, log = script.file(server, None, 0)
    assert (code, f"accepted: {WRONG}" in log) == (NO_RETRY, True)
    server.headers[PATH]["X-Linked-Etag"] = f'"{SHA256}"'
    assert script.file(server, None, 0)[0] == 0
    assert script.target.read_bytes() == CONTENT


def test_another_server_tells_nothing(script: Script, server: FileServer) -> None:
    code, log = script.file(server, None, 0)
    assert (code, script.target.read_bytes()) == (0, CONTENT)
    assert "no SHA-256 is known" in log


@pytest.mark.parametrize("status", [401, 404])
def test_a_missing_or_gated_file_is_not_tried_again(script: Script, server: FileServer, status: int) -> None:
    server.statuses = [status, status]
    code, log = script.file(server)
    assert (code, len(gets(server))) == (NO_RETRY, 1)
    assert f"returned error: {status}; the file is not there, or it needs the token" in log


def test_a_server_that_does_not_recover_ends_the_pod(script: Script, server: FileServer) -> None:
    server.statuses = 8 * [503]
    code, log = script.file(server)
    assert (code, len(gets(server))) == (1, 8)
    assert "returned error: 503; giving up after 8 attempts" in log
    server.statuses = [503]
    assert script.file(server)[0] == 0


def test_a_full_disk_is_found_before_the_download(script: Script, server: FileServer) -> None:
    whole = replace(script, environment={**script.environment, "RESERVE": str(2**62)})
    code, log = whole.file(server)
    assert (code, gets(server)) == (NO_RETRY, [])
    assert "model.gguf: 1 MB are missing" in log


def test_a_pod_that_is_stopped_leaves_the_part_file(script: Script, server: FileServer) -> None:
    server.statuses = 8 * [503]
    slow = replace(script, environment={**script.environment, "PAUSE_S": "60"})
    fetch = plan_of(server, script.target, SHA256, len(CONTENT))
    script.part.parent.mkdir()
    script.part.write_bytes(CONTENT[:1000])
    with slow.start(fetch, *arguments(fetch, 0)) as process:
        assert process.stdout
        assert any("interrupted at 0 MB" in line for line in process.stdout)
        os.killpg(process.pid, signal.SIGKILL)  # its pause as well, as at the end of a pod
    assert script.part.read_bytes() == CONTENT[:1000]


def pull(script: Script, server: OllamaStandIn, *models: str) -> tuple[int, str]:
    return script.run(FetchPlan(service="ollama", models=models), server.url, *models)


def test_ollama_pulls_what_it_does_not_have(script: Script, ollama: OllamaStandIn) -> None:
    ollama.has.add("mxbai-embed-large")
    code, log = pull(script, ollama, "llama3.1:8b", "mxbai-embed-large")
    assert (code, ollama.pulls) == (0, ["llama3.1:8b"]), log
    assert log.splitlines()[-2:] == ["llama3.1:8b: complete", "mxbai-embed-large: complete"]
    assert pull(script, ollama, "llama3.1:8b")[0] == 0
    assert ollama.pulls == ["llama3.1:8b"]


def test_the_progress_of_a_pull_is_shown(ollama: OllamaStandIn, tmp_path: Path) -> None:
    """Only with the awk of busybox: others read ahead of a slow server."""
    ollama.pause_s = 1.1
    code, log = pull(busybox(tmp_path, tmp_path), ollama, "llama3.1:8b")
    assert code == 0
    shown = [line for line in log.splitlines() if " of 40 MB, " in line]
    assert [line.partition(",")[0] for line in shown] == [f"llama3.1:8b: {percent} %" for percent in (25, 50, 75, 100)]
    assert all(0 < float(line.split()[-2]) < 20 for line in shown), log


def test_a_pull_that_breaks_off_is_repeated(script: Script, ollama: OllamaStandIn) -> None:
    ollama.cuts = 2
    code, log = pull(script, ollama, "llama3.1:8b")
    assert (code, len(ollama.pulls)) == (0, 3)
    assert log.count("Ollama ended the download before it was complete") == 2


def test_a_model_that_does_not_exist_is_not_tried_again(script: Script, ollama: OllamaStandIn) -> None:
    code, log = pull(script, ollama, "llama9:1b", "llama3.1:8b")
    assert (code, ollama.pulls) == (NO_RETRY, ["llama9:1b"])
    assert "llama9:1b: error of Ollama: pull model manifest: file does not exist" in log


def test_a_server_that_is_away_ends_the_pod(script: Script, ollama: OllamaStandIn) -> None:
    code, log = script.run(FetchPlan(service="ollama", models=("a",)), "http://127.0.0.1:9", "a")
    assert (code, ollama.pulls) == (1, [])
    assert "a: giving up after 8 attempts" in log
