"""Connection to a gateway: the address, the server and the key are checked before anything else."""

from collections.abc import Callable

import pytest

from ops.errors import UnreachableError
from ops.gateway.connect import connect_gateway
from tests.gateway.fakes import forever
from tests.ops.smoke.stage import Stage


def refusal(url: str, key: str | None = None) -> str:
    with pytest.raises(UnreachableError) as caught, connect_gateway(url, key):
        pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "http://127.0.0.1:9",
            "no server answers at http://127.0.0.1:9: [Errno 111] Connection refused; name a gateway",
        ),
        ("http://synapse.invalid", "no server answers at http://synapse.invalid"),
        ("127.0.0.1:8000", "accepted: an address such as http://127.0.0.1:8000"),
        ("not an address", "accepted: an address such as http://127.0.0.1:8000"),
        ("http://127.0.0.1:port", "accepted: an address such as http://127.0.0.1:8000"),
    ],
)
def test_an_address_without_a_server(url: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert message in refusal(url)


def test_an_address_of_another_server(stage: Stage) -> None:
    assert "is not a Synapse gateway: it answers 404 to GET /livez" in refusal(stage.engines["whisper"].url)


def test_a_server_that_never_answers(stage: Stage) -> None:
    stage.engines["whisper"].handlers["GET /livez"] = forever
    url = stage.engines["whisper"].url
    with pytest.raises(UnreachableError, match=r"gave no answer within 0\.2 s"), connect_gateway(url, None, 0.2):
        pass


@pytest.mark.parametrize("key", [None, "wrong"])
def test_a_wrong_key_is_one_error(stage_with: Callable[..., Stage], key: str | None) -> None:
    url = stage_with(SYNAPSE_API_KEYS="right").url
    assert refusal(url, key) == f"{url}: the gateway refuses the key; set a valid one with --key or SYNAPSE_API_KEY"


def test_the_right_key_is_accepted(stage_with: Callable[..., Stage]) -> None:
    with connect_gateway(stage_with(SYNAPSE_API_KEYS="right").url, "right") as http:
        assert http.get("/voices").json() == []


def test_this_machine_is_connected_without_a_proxy(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with connect_gateway(stage.url, None) as http:
        assert http.get("/livez").status_code == 200
