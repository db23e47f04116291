"""The scripts of the Jobs that fetch models, with a real curl, against servers of this machine."""

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from components.fetch import arguments, command
from infra.catalog.spec import Download
from infra.plan.fetching import FetchPlan
from tests.components import ollama_stand_in
from tests.components.ollama_stand_in import OllamaStandIn
from tests.ops.models import file_server
from tests.ops.models.file_server import FileServer
from tools.cluster.packages import programs

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = 64 * "0"
PATH = "/owner/model/resolve/main/model.gguf"
NO_RETRY = 65
APPLETS = ("awk", "cat", "df", "mkdir", "mv", "rm", "sed", "sha256sum", "sleep", "stat", "tr")
FAST = {"PAUSE_S": "0", "SHOW_S": "1"}

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the scripts of the image run curl")


@dataclass(frozen=True)
class Script:
    """A shell that runs a script of the image, as the Job's container would."""

    shell: tuple[str, ...]
    target: Path
    environment: Mapping[str, str] = field(default_factory=lambda: FAST)

    def start(self, fetch: FetchPlan, *arguments: str) -> subprocess.Popen[str]:
        words = [*self.shell, *command(fetch)[1:], *arguments]
        environment = {**os.environ, **self.environment}
        return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, fetch: FetchPlan, *arguments: str) -> tuple[int, str]:
        process = self.start(fetch, *arguments)
        output, _ = process.communicate()
        return process.returncode, output

    def file(self, server: FileServer, sha256: str | None = SHA256, size: int = len(CONTENT)) -> tuple[int, str]:
        """Fetch the file to the target; return the exit code and the log."""
        fetch = plan_of(server, self.target, sha256, size)
        return self.run(fetch, *arguments(fetch, 0))

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")


def plan_of(server: FileServer, target: Path, sha256: str | None, size: int) -> FetchPlan:
    file = Download(url=f"{server.url}{PATH}", path=str(target), sha256=sha256, size=size)
    return FetchPlan(service="llama-embed", files=(file,))


def busybox(folder: Path, target: Path) -> Script:
    program = programs().program("busybox")
    (folder / "bin").mkdir()
    for applet in ("sh", *APPLETS):
        (folder / "bin" / applet).symlink_to(program)
    path = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    return Script((str(folder / "bin" / "sh"),), target, FAST | path)


@pytest.fixture(params=["sh", "busybox"])
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Script:
    """Return a script for the programs of this machine, and for those of the image, which are busybox' but for curl."""
    target = tmp_path / "models" / "model.gguf"
    return Script(("/bin/sh",), target) if request.param == "sh" else busybox(tmp_path, target)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server.serving() as server:
        server.files[PATH] = CONTENT
        yield server


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with ollama_stand_in.serving() as server:
        server.offers |= {"llama3.1:8b", "mxbai-embed-large"}
        yield server


def gets(server: FileServer) -> list[str | None]:
    """Return the ranges of all downloads."""
    return [byte_range for method, _, byte_range, _ in server.requests if method == "GET"]


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
        assert "interrupted at 0 MB" in process.stdout.readline() + process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert script.part.read_bytes() == CONTENT[:1000]


def two_sources(script: Script, server: FileServer, packaged: Path, names: Sequence[str] = ("a", "b")) -> FetchPlan:
    """Return files that *server* has, and beside it a folder of this machine."""
    folder = script.target.parent
    files = [
        Download(
            url=f"{server.url}/{name}",
            path=str(folder / name),
            sha256=SHA256,
            size=len(CONTENT),
            packaged=str(packaged / name),
        )
        for name in names
    ]
    return FetchPlan(service="llama-embed", files=tuple(files), source="models_image")


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    folder = tmp_path / "packaged"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(CONTENT)
    return folder


def contents(script: Script) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in script.target.parent.iterdir()}


def test_the_first_source_is_used_where_it_answers(script: Script, server: FileServer, packaged: Path) -> None:
    server.files |= {"/a": CONTENT, "/b": CONTENT}
    fetch = two_sources(script, server, packaged)
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert (code, contents(script)) == (0, {"a": CONTENT, "b": CONTENT}), log
    assert len(gets(server)) == 2
    assert "next source" not in log


def test_a_host_that_fails_is_asked_once_and_the_next_source_is_used(
    script: Script, server: FileServer, packaged: Path
) -> None:
    server.statuses = 8 * [503]
    fetch = two_sources(script, server, packaged)
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert (code, contents(script)) == (0, {"a": CONTENT, "b": CONTENT}), log
    assert len(gets(server)) == 1
    assert "a: trying its next source" in log


def test_a_file_that_is_missing_or_changed_at_its_first_source_comes_from_the_next(
    script: Script, server: FileServer, packaged: Path
) -> None:
    server.files["/b"] = bytes(len(CONTENT))
    fetch = two_sources(script, server, packaged)
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert (code, contents(script)) == (0, {"a": CONTENT, "b": CONTENT}), log
    assert len(gets(server)) == 2  # a missing file does not make its host unreachable


def test_the_last_source_decides(script: Script, server: FileServer, packaged: Path) -> None:
    server.statuses = 8 * [503]
    (packaged / "a").write_bytes(bytes(len(CONTENT)))
    fetch = two_sources(script, server, packaged, ["a"])
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert code == NO_RETRY
    assert "its SHA-256 is" in log
    assert contents(script) == {}


def test_a_job_without_the_image_of_packaged_models_has_one_source(script: Script, server: FileServer) -> None:
    fetch = two_sources(script, server, script.target)
    assert len(arguments(fetch, 0)) == 16
    assert len(arguments(replace(fetch, source=None), 0)) == 8


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
