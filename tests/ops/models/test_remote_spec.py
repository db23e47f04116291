"""Model specs from a hub: small files, the headers of large ones, and answers that are none."""

import json
import struct
from collections.abc import Iterator

import pytest

from infra.errors import ModelFileError
from ops.models import remote_spec
from ops.models.remote_spec import FIRST, Hub
from tests.infra.sizing.gguf_bytes import LLAMA, STORED, TENSORS, whole
from tests.infra.sizing.specs.small_config import CONFIG
from tests.ops.models.hub_server import INDEX, REPOSITORY, HubServer, address, hub_serving


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_serving() as server:
        server.publish("config.json", CONFIG)
        server.publish("model.safetensors.index.json", INDEX)
        yield server


def single(names: int) -> bytes:
    """A safetensors file with one tensor for each name, and 2000 bytes of weights for each."""
    entries = {
        f"layer.{number}": {"dtype": "BF16", "shape": [10, 100], "data_offsets": [2000 * number, 2000 * number + 2000]}
        for number in range(names)
    }
    content = json.dumps(entries).encode()
    return struct.pack("<Q", len(content)) + content + bytes(2000 * names)


def read(server: HubServer, name: str = REPOSITORY, token: str | None = None) -> tuple[int, int]:
    spec, stored = remote_spec.read(name, Hub(endpoint=server.url, token=token))
    return spec.layers, stored


def test_config_and_index_are_enough(hub: HubServer) -> None:
    assert read(hub) == (4, 1_000_000)
    paths = [address("config.json"), address("model.safetensors.index.json"), f"/api/models/{REPOSITORY}"]
    assert [seen.path for seen in hub.hub.requests] == paths


@pytest.mark.parametrize("has_ranges", [True, False])
def test_of_one_file_only_the_header_is_read(hub: HubServer, *, has_ranges: bool) -> None:
    del hub.hub.files[address("model.safetensors.index.json")]
    hub.publish("model.safetensors", single(1000))
    hub.hub.has_ranges = has_ranges
    assert read(hub) == (4, 2_000_000)
    assert hub.hub.requests[-2].range == f"bytes=0-{FIRST - 1}"


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_header_longer_than_the_first_range_is_read_whole(hub: HubServer, *, has_ranges: bool) -> None:
    del hub.hub.files[address("model.safetensors.index.json")]
    content = single(20_000)
    length = int(struct.unpack("<Q", content[:8])[0])
    assert length > FIRST
    hub.publish("model.safetensors", content)
    hub.hub.has_ranges = has_ranges
    assert read(hub) == (4, 40_000_000)
    assert hub.hub.requests[-2].range == f"bytes={FIRST}-{8 + length - 1}"


@pytest.mark.parametrize("has_ranges", [True, False])
@pytest.mark.parametrize("words", [2, 600_000])
def test_the_range_grows_until_the_header_of_a_gguf_is_whole(hub: HubServer, words: int, *, has_ranges: bool) -> None:
    metadata = LLAMA | {"tokenizer.ggml.tokens": ["word"] * words}
    hub.publish("sub/chat-Q4_K_M.gguf", whole(metadata, TENSORS))
    hub.hub.has_ranges = has_ranges
    assert read(hub, f"{REPOSITORY}/sub/chat-Q4_K_M.gguf") == (2, STORED)
    assert len(hub.hub.requests) == (1 if words == 2 else 3)


def test_an_address_of_a_gguf_is_read_without_the_token(hub: HubServer) -> None:
    hub.hub.files["/files/chat.gguf"] = whole(LLAMA, TENSORS)
    spec, _ = remote_spec.read(f"{hub.url}/files/chat.gguf?x=1", Hub(token="secret"))  # noqa: S106 - of a test
    assert spec.layers == 2
    assert hub.hub.requests[0].token is None


def test_the_token_goes_to_the_hub_and_not_to_the_host_of_a_redirect(hub: HubServer) -> None:
    with hub_serving() as other:
        other.publish("config.json", CONFIG)
        hub.hub.redirects[address("config.json")] = f"{other.url}{address('config.json')}"
        assert read(hub, token="secret") == (4, 1_000_000)  # noqa: S106 - of a test
        assert {seen.token for seen in hub.hub.requests} == {"Bearer secret"}
        assert [seen.token for seen in other.hub.requests] == [None]


def test_a_renamed_repository_is_followed(hub: HubServer) -> None:
    hub.hub.redirects[address("config.json", "acme/Old")] = address("config.json")
    hub.hub.redirects[address("model.safetensors.index.json", "acme/Old")] = address("model.safetensors.index.json")
    assert read(hub, "acme/Old") == (4, 1_000_000)


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model_says_how_to_give_a_token(hub: HubServer, status: int) -> None:
    hub.hub.statuses[address("config.json")] = status
    with pytest.raises(ModelFileError, match=f"answered {status}.*licence on {hub.url}/{REPOSITORY}.*HF_TOKEN"):
        read(hub)
    with pytest.raises(ModelFileError, match="the token of HF_TOKEN does not open it") as error:
        read(hub, token="secret")  # noqa: S106 - of a test
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "acme/Chat-7B is not there; accepted: OWNER/NAME"), (503, "try again later, or download")],
)
def test_a_refusal_says_what_to_do(hub: HubServer, status: int, message: str) -> None:
    hub.hub.statuses[address("config.json")] = status
    with pytest.raises(ModelFileError, match=message):
        read(hub)


def test_a_repository_without_weights_is_refused(hub: HubServer) -> None:
    del hub.hub.files[address("model.safetensors.index.json")]
    with pytest.raises(ModelFileError, match=r"neither model.safetensors.index.json nor model.safetensors"):
        read(hub)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!doctype html><p>Log in", "a web page in place of JSON.*--from DIR"),
        (b'{"num_hidden_layers": 4', "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff\xfe", "not valid JSON"),
        (b"{}", "config.json"),
        (b"", "not valid JSON"),
    ],
)
def test_an_answer_that_is_no_config_is_named(hub: HubServer, content: bytes, message: str) -> None:
    hub.publish("config.json", content)
    with pytest.raises(ModelFileError, match=message):
        read(hub)


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_transfer_that_breaks_off_is_named(hub: HubServer, *, has_ranges: bool) -> None:
    hub.publish("chat.gguf", whole(LLAMA, TENSORS))
    hub.hub.cut, hub.hub.has_ranges = 100, has_ranges
    for name in (REPOSITORY, f"{REPOSITORY}/chat.gguf"):
        with pytest.raises(ModelFileError, match=r"the transfer failed .*; try again, or download"):
            read(hub, name)


def test_another_range_than_the_requested_one_is_refused(hub: HubServer) -> None:
    hub.publish("chat.gguf", whole(LLAMA, TENSORS))
    hub.hub.shift = 1
    with pytest.raises(ModelFileError, match="Content-Range"):
        read(hub, f"{REPOSITORY}/chat.gguf")


@pytest.mark.parametrize("content", [b"GGUF", b"<html>" * 100, whole(LLAMA, TENSORS)[:-40_000]])
def test_a_file_that_is_no_gguf_is_named(hub: HubServer, content: bytes) -> None:
    hub.publish("chat.gguf", content)
    with pytest.raises(ModelFileError, match=r"chat.gguf: (truncated|not a GGUF file)"):
        read(hub, f"{REPOSITORY}/chat.gguf")


def test_a_redirect_in_a_circle_ends(hub: HubServer) -> None:
    hub.hub.redirects[address("config.json")] = address("config.json")
    with pytest.raises(ModelFileError, match="redirects"):
        read(hub)


def test_without_a_network_two_small_files_suffice() -> None:
    with hub_serving() as closed:
        url = closed.url
    with pytest.raises(ModelFileError, match=r"cannot be reached .*--from DIR"):
        remote_spec.read(REPOSITORY, Hub(endpoint=url))


def test_the_hub_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror:8080/")
    monkeypatch.setenv("HF_TOKEN", "secret")
    hub = Hub.from_environment()
    assert hub == Hub(endpoint="http://mirror:8080", token="secret")  # noqa: S106 - of a test
    assert not hub.headers("http://mirror:8080.example.com/x")
    monkeypatch.setenv("HF_ENDPOINT", "mirror")
    with pytest.raises(ModelFileError, match="HF_ENDPOINT: got 'mirror'; accepted: an address such as https"):
        Hub.from_environment()


@pytest.mark.parametrize(
    ("details", "gated", "licence"),
    [
        ({"gated": "manual", "cardData": {"license": "other", "license_name": "llama3.1"}}, True, "llama3.1"),
        ({"gated": False, "cardData": {"license": "apache-2.0"}}, False, "apache-2.0"),
        ({"gated": False, "cardData": None}, False, None),
        ([], False, None),
    ],
)
def test_the_hub_says_whether_a_model_is_gated_and_its_licence(
    hub: HubServer, details: object, licence: str | None, *, gated: bool
) -> None:
    hub.hub.files[f"/api/models/{REPOSITORY}"] = json.dumps(details).encode()
    spec, _ = remote_spec.read(REPOSITORY, Hub(endpoint=hub.url))
    assert (spec.gated, spec.licence) == (gated, licence)
