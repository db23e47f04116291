"""Models of a hub, which is a server on this machine, arrive where the engines look for them."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from ops.models.headers import read
from synapse_models import hub
from synapse_models.cli import main
from synapse_models.download import Downloader, DownloadError
from tests.infra.sizing.specs.small_config import CONFIG
from tests.infra.sizing.specs.test_safetensors import ENTRY, single
from tests.ops.models.file_server import FileServer, serving

pytestmark = pytest.mark.usefixtures("hub_client", "endpoint")

MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"
COMMIT = 40 * "c"
WEIGHTS = single({"w": ENTRY}, 2000)
SMALL = json.dumps(CONFIG).encode()
FILE = "/unsloth/Qwen3-8B-GGUF/resolve/main/Qwen3-8B-Q4_K_M.gguf"


@pytest.fixture
def endpoint(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)


def blob(content: bytes) -> str:
    done = subprocess.run(["/usr/bin/git", "hash-object", "--stdin"], input=content, capture_output=True, check=True)
    return done.stdout.decode().strip()


def publish(server: FileServer) -> None:
    """A repository with its weights in two formats, and with a file in a folder."""
    lfs = {"sha256": hashlib.sha256(WEIGHTS).hexdigest(), "size": len(WEIGHTS), "pointerSize": 130}
    large = {"blobId": "pointer", "size": len(WEIGHTS), "lfs": lfs}
    server.documents[f"/api/models/{MODEL}/revision/main"] = {
        "id": MODEL,
        "sha": COMMIT,
        "siblings": [
            {"rfilename": "config.json", "blobId": blob(SMALL), "size": len(SMALL)},
            {"rfilename": "model.safetensors", **large},
            {"rfilename": "parts/again.json", "blobId": blob(SMALL), "size": len(SMALL)},
            {"rfilename": "original/consolidated.00.pth", **large},
            {"rfilename": "../../escape.json", "blobId": blob(SMALL), "size": len(SMALL)},
        ],
    }
    address = f"/{MODEL}/resolve/{COMMIT}"
    server.files = {f"{address}/config.json": SMALL, f"{address}/parts/again.json": SMALL}
    server.files[f"{address}/model.safetensors"] = WEIGHTS


def pull(root: Path) -> None:
    Downloader(lambda _: None).run(hub.snapshot(MODEL, root))


def test_a_repository_has_the_layout_of_the_hubs_cache(server: FileServer, tmp_path: Path) -> None:
    publish(server)
    pull(tmp_path)
    snapshot = tmp_path / "snapshots" / COMMIT
    assert sorted(str(path.relative_to(snapshot)) for path in snapshot.rglob("*.*")) == [
        "config.json",
        "model.safetensors",
        "parts/again.json",
    ]
    assert (snapshot / "parts/again.json").read_bytes() == SMALL
    model_spec, stored = read("snapshot", tmp_path, MODEL)
    assert (model_spec.layers, stored) == (4, 2000)
    server.requests.clear()
    pull(tmp_path)
    assert [path for _, path, _, _ in server.requests] == [f"/api/models/{MODEL}/revision/main"]


def test_the_library_of_the_hub_finds_the_repository(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So do vLLM and SGLang, which use it."""
    publish(server)
    pull(tmp_path / f"models--{MODEL.replace('/', '--')}")
    path = huggingface_hub.snapshot_download(MODEL, cache_dir=tmp_path, local_files_only=True)
    assert Path(path).name == COMMIT
    cached = huggingface_hub.try_to_load_from_cache(MODEL, "config.json", tmp_path)
    assert isinstance(cached, str)
    assert Path(cached).read_bytes() == SMALL


def test_a_repository_is_not_visible_before_it_is_complete(server: FileServer, tmp_path: Path) -> None:
    publish(server)
    server.files[f"/{MODEL}/resolve/{COMMIT}/model.safetensors"] = WEIGHTS[:-1] + b"\1"
    with pytest.raises(DownloadError, match="its digest is"):
        pull(tmp_path)
    assert not (tmp_path / "refs").exists()
    assert not (tmp_path / "snapshots").exists()


def test_a_small_file_that_was_changed_on_the_network_is_refused(server: FileServer, tmp_path: Path) -> None:
    publish(server)
    server.files[f"/{MODEL}/resolve/{COMMIT}/config.json"] = SMALL.replace(b"512", b"513")
    with pytest.raises(DownloadError, match="its digest is git:"):
        pull(tmp_path)


def test_the_hub_publishes_the_digest_of_a_file(server: FileServer, tmp_path: Path) -> None:
    headers = {"X-Linked-Size": "5027784800", "X-Linked-Etag": f'"{64 * "a"}"', "X-Repo-Commit": COMMIT}
    server.redirects[FILE] = ("http://store.invalid/x", headers)
    (file,) = hub.file(f"{hub.HUB}{FILE}", tmp_path / "q.gguf").files
    assert (file.url, file.path) == (f"{server.url}{FILE}", "q.gguf")
    assert (file.size, file.digest, file.verify_existing) == (5_027_784_800, 64 * "a", False)


def test_every_other_server_sends_at_least_the_size(server: FileServer, tmp_path: Path) -> None:
    with serving() as store:
        store.files["/real.gguf"] = b"12345"
        store.headers["/real.gguf"] = {"ETag": f'"{64 * "c"}"'}
        server.redirects[FILE] = (f"{store.url}/real.gguf", {})
        (file,) = hub.file(f"{hub.HUB}{FILE}", tmp_path / "q.gguf").files
        assert (file.size, file.digest, file.verify_existing) == (5, None, False)
        (file,) = hub.file(f"{hub.HUB}{FILE}", tmp_path / "q.gguf", 64 * "b").files
        assert (file.size, file.digest, file.verify_existing) == (5, 64 * "b", True)


def test_only_the_hub_gets_its_token(server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    publish(server)
    assert {file.token for file in hub.snapshot(MODEL, tmp_path).files} == {"hf_secret"}
    assert server.requests[-1][3] == "Bearer hf_secret"
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    server.files["/other.gguf"] = b"12345"
    (file,) = hub.file(f"{server.url}/other.gguf", tmp_path / "o.gguf").files
    assert file.token is None
    assert server.requests[-1] == ("HEAD", "/other.gguf", None, None)


def test_a_refusal_of_the_hub_is_one_line(server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"^{MODEL}: 404 Not Found$"):
        hub.snapshot(MODEL, tmp_path)
    with pytest.raises(DownloadError, match=r"gone\.gguf: 404 Not Found$"):
        hub.file(f"{server.url}/gone.gguf", tmp_path / "m")
    server.statuses = [401]
    with pytest.raises(DownloadError, match=r"401 Unauthorized; it needs the token .* set the stack's hfToken$"):
        hub.snapshot(MODEL, tmp_path)
    with pytest.raises(DownloadError, match=r"^a/b/c: .*Repo id"):
        hub.snapshot("a/b/c", tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match="HF_ENDPOINT may name a mirror"):
        hub.snapshot(MODEL, tmp_path)


def test_only_web_addresses_are_accepted(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="got file:///etc/hostname; accepted: an address"):
        hub.file("file:///etc/hostname", tmp_path / "m")


def run(server: FileServer, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Run the command as a container does; return its exit code and its events."""
    environment = {**os.environ, "HF_ENDPOINT": server.url, "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-m", "synapse_models.cli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_the_command_downloads_a_file(server: FileServer, tmp_path: Path) -> None:
    server.files["/m"] = b"model"
    code, events = run(server, "file", f"{server.url}/m", str(tmp_path / "disk/m"))
    assert (code, events[-1]["state"], (tmp_path / "disk/m").read_bytes()) == (0, "fetched", b"model")
    code, events = run(server, "file", f"{server.url}/m", str(tmp_path / "disk/m"), "--sha256", 64 * "0")
    assert (code, "its digest is" in events[-1]["fault"]) == (1, True)


def test_the_command_downloads_a_repository(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(server)
    assert main(["snapshot", MODEL, str(tmp_path)]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {event["file"]: event["state"] for event in events if "state" in event} == {
        "config.json": "fetched",
        "model.safetensors": "fetched",
        "parts/again.json": "fetched",
    }


def test_the_command_checks_the_room(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["room", str(tmp_path), "1"]) == 0
    assert main(["room", str(tmp_path), str(2**60)]) == 1
    assert "the download needs" in json.loads(capsys.readouterr().out)["fault"]
