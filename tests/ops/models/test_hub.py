"""What the hub says becomes an order; what is fetched by it lies where the hub's clients look for it."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.models import hub
from ops.models.fetching import Fetcher
from ops.models.headers import read
from ops.models.inventory import ModelError, another, find
from tests.infra.sizing.test_safetensors import CONFIG, ENTRY, single
from tests.ops.models.serving import Files

MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"
COMMIT = 40 * "c"
WEIGHTS = single({"w": ENTRY}, 2000)
SMALL = json.dumps(CONFIG).encode()


@pytest.fixture(autouse=True)
def endpoint(server: Files, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return server


@pytest.fixture(scope="module")
def forge() -> Plan:
    return plan(load("forge"))


def blob(content: bytes) -> str:
    done = subprocess.run(["/usr/bin/git", "hash-object", "--stdin"], input=content, capture_output=True, check=True)
    return done.stdout.decode().strip()


def publish(server: Files) -> None:
    """A repository with its weights twice, and in a folder of its own."""
    lfs = {"sha256": hashlib.sha256(WEIGHTS).hexdigest(), "size": len(WEIGHTS)}
    large = {"blobId": "pointer", "size": len(WEIGHTS), "lfs": lfs}
    server.documents[f"/api/models/{MODEL}/revision/main"] = {
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


def test_a_repository_lies_as_the_hub_keeps_it(server: Files, forge: Plan, tmp_path: Path) -> None:
    publish(server)
    with hub.client() as http:
        order = hub.order(http, find(forge, MODEL))
    assert order.root == "/models/hub/models--meta-llama--Meta-Llama-3.1-8B-Instruct"
    root = tmp_path / "hub"
    Fetcher(lambda _: None).run(type(order)(**{**vars(order), "root": str(root)}))
    snapshot = root / "snapshots" / COMMIT
    assert sorted(str(path.relative_to(snapshot)) for path in snapshot.rglob("*.*")) == [
        "config.json",
        "model.safetensors",
        "parts/again.json",
    ]
    assert (snapshot / "parts/again.json").read_bytes() == SMALL
    model_spec, stored = read("snapshot", root, MODEL)
    assert (model_spec.layers, stored) == (4, 2000)


def test_a_small_file_that_was_changed_on_the_way_is_refused(server: Files, forge: Plan, tmp_path: Path) -> None:
    publish(server)
    server.files[f"/{MODEL}/resolve/{COMMIT}/config.json"] = SMALL.replace(b"512", b"513")
    with hub.client() as http:
        order = hub.order(http, find(forge, MODEL))
    with pytest.raises(Exception, match="its digest is git:"):
        Fetcher(lambda _: None).run(type(order)(**{**vars(order), "root": str(tmp_path)}))


def test_the_hub_tells_a_files_digest_before_it_sends_on(server: Files) -> None:
    model = find(plan(load("forge-llamacpp")), "Qwen3-8B-Q4_K_M")
    path = "/unsloth/Qwen3-8B-GGUF/resolve/main/Qwen3-8B-Q4_K_M.gguf"
    server.redirects[path] = (
        "http://store.invalid/x",
        {"X-Linked-Size": "5027784800", "X-Linked-Etag": f'"{64 * "a"}"'},
    )
    with hub.client() as http:
        (item,) = hub.order(http, model).items
    assert (item.url, item.path) == (f"{server.url}{path}", "Qwen3-8B-Q4_K_M.gguf")
    assert (item.size, item.digest, item.is_doubted) == (5_027_784_800, 64 * "a", False)


def test_another_server_tells_a_size_at_least(server: Files) -> None:
    server.files["/real.gguf"] = b"12345"
    server.redirects["/unsloth/Qwen3-8B-GGUF/resolve/main/Qwen3-8B-Q4_K_M.gguf"] = (f"{server.url}/real.gguf", {})
    with hub.client() as http:
        (item,) = hub.order(http, find(plan(load("forge-llamacpp")), "Qwen3-8B-Q4_K_M"), sha256=64 * "b").items
    assert (item.size, item.digest, item.is_doubted) == (5, 64 * "b", True)


def test_the_token_is_for_the_hub_alone(server: Files, forge: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    publish(server)
    with hub.client() as http:
        hub.order(http, find(forge, MODEL))
    assert server.asked[-1][2] == "Bearer hf_secret"
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    server.files["/other.gguf"] = b"12345"
    other = another(plan(load("forge-llamacpp")), f"{server.url}/other.gguf", "llama-router")
    with hub.client() as http:
        hub.order(http, other)
    assert server.asked[-1] == ("/other.gguf", None, None)


def test_what_the_hub_refuses_is_told(server: Files, forge: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.client() as http, pytest.raises(ModelError, match=f"{MODEL}: 404 Not Found from 127.0.0.1"):
        hub.order(http, find(forge, MODEL))
    server.statuses = [401]
    with hub.client() as http, pytest.raises(ModelError, match="accept its licence there and set HF_TOKEN"):
        hub.order(http, find(forge, MODEL))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with hub.client() as http, pytest.raises(ModelError, match="HF_ENDPOINT may name a mirror"):
        hub.order(http, find(forge, MODEL))
