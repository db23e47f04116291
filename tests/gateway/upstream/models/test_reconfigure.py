"""Context size of a profile: rolled out through the Kubernetes API, which may be unavailable."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from synapse_gateway.settings import load
from synapse_gateway.upstream.models.router_restart import with_option
from tests.gateway.kubernetes import Kubernetes, account, serving
from tests.gateway.polling import until
from tests.gateway.router import CODER, GENERAL, Router, asking, models_of

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
WANTED = {"runtime_ctx_size": 4096}
ARGS = ["--host", "0.0.0.0", "--ctx-size", "16384", "--metrics"]  # noqa: S104 - of no server


@pytest.fixture
async def kubernetes(router: Router, tmp_path: Path) -> AsyncIterator[Kubernetes]:
    def roll_out(args: list[str]) -> None:
        router.context_tokens = int(args[args.index("--ctx-size") + 1])
        router.restart()

    folder = tmp_path / "account"
    tls = account(folder)
    async with serving(Kubernetes(folder, ARGS, roll_out), tls) as api:
        yield api


@pytest.fixture
def environment(kubernetes: Kubernetes) -> dict[str, str]:
    return kubernetes.environment


async def test_a_load_with_another_size_restarts_the_router_first(
    launch: Any, router: Router, kubernetes: Kubernetes
) -> None:
    gateway = await launch()
    router.states[CODER] = "loaded"
    answer = await gateway.http.post("/models/load", json={"model": GENERAL, **WANTED})
    assert answer.json() == {"success": True, "synapse_defaults": WANTED}
    (patch,) = kubernetes.patches
    args = ["--host", "0.0.0.0", "--ctx-size", "4096", "--metrics"]  # noqa: S104
    assert patch == {"template": {"spec": {"containers": [{"name": "llama-server", "args": args}]}}}
    assert (router.loads, router.states[CODER]) == ([GENERAL], "unloaded")


async def test_the_present_size_needs_no_restart(launch: Any, kubernetes: Kubernetes) -> None:
    gateway = await launch()
    await gateway.http.post("/models/load", json={"model": GENERAL, "runtime_ctx_size": 16384})
    assert (kubernetes.reads, kubernetes.patches) == (0, [])


async def test_a_chat_waits_for_the_size_of_its_model(launch: Any, kubernetes: Kubernetes, router: Router) -> None:
    gateway = await launch()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    await gateway.http.put(f"/models/{GENERAL}/profile", json=WANTED)
    assert kubernetes.patches == []
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert router.context_tokens == 4096
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert (kubernetes.reads, len(kubernetes.patches)) == (1, 1)


async def test_applying_a_profile_with_a_load_restarts(launch: Any, router: Router) -> None:
    gateway = await launch()
    await gateway.http.put(f"/models/{GENERAL}/profile", json=WANTED)
    answer = await gateway.http.post(f"/models/{GENERAL}/profile/apply", json={"load_model": True})
    assert answer.json()["load"]["success"] is True
    assert (router.context_tokens, router.states[GENERAL]) == (4096, "loaded")


@pytest.mark.parametrize(
    ("path", "body"), [("/models/load", {"model": CODER}), (CHAT, asking(CODER)), (CHAT, asking(GENERAL))]
)
async def test_a_restart_waits_for_every_call(
    launch: Any, router: Router, kubernetes: Kubernetes, path: str, body: dict[str, Any]
) -> None:
    gateway = await launch()
    router.go.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.chats[GENERAL])
    await gateway.http.put(f"/models/{body['model']}/profile", json=WANTED)
    change = asyncio.create_task(gateway.http.post(path, json=body))
    await until(models_of(gateway)._change.locked)
    await asyncio.sleep(0.1)  # time enough for the restart that must not be
    assert kubernetes.patches == []
    router.go.set()
    assert (await call).status_code == 200
    assert (await change).status_code == 200
    assert len(kubernetes.patches) == 1


async def test_a_second_change_is_refused_while_one_rolls_out(
    launch: Any, router: Router, kubernetes: Kubernetes
) -> None:
    gateway = await launch()
    kubernetes._rolled_out = lambda args: None  # it takes its time
    first = asyncio.create_task(gateway.http.post("/models/load", json={"model": GENERAL, **WANTED}))
    await until(lambda: kubernetes.patches)
    refused = await gateway.http.post("/models/load", json={"model": CODER, "runtime_ctx_size": 8192})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "reconfigure_in_progress")
    applied = await gateway.http.post(f"/models/{CODER}/profile/apply", json={"load_model": True})
    assert applied.json()["load"]["status_code"] == 409
    router.context_tokens = 4096
    assert (await first).status_code == 200
    assert len(kubernetes.patches) == 1


async def test_a_concurrent_change_is_not_overwritten(launch: Any, kubernetes: Kubernetes) -> None:
    gateway = await launch()

    def meddle() -> None:
        kubernetes.version += 1

    kubernetes.on_read = meddle
    refused = await gateway.http.post("/models/load", json={"model": GENERAL, **WANTED})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "reconfigure_in_progress")
    assert kubernetes.args == ARGS


async def test_a_router_that_does_not_restart_times_out(launch: Any, kubernetes: Kubernetes, backend: Any) -> None:
    gateway = await launch(SYNAPSE_RUNTIME_RECONFIGURE_TIMEOUT_SECONDS="0.3")
    stopped: list[asyncio.Task[None]] = []
    kubernetes._rolled_out = lambda args: stopped.append(asyncio.create_task(backend.stop()))
    refused = await gateway.http.post("/models/load", json={"model": GENERAL, **WANTED})
    assert (refused.status_code, refused.json()["error"]["code"]) == (504, "reconfigure_timeout")
    await stopped[0]


async def test_a_change_that_is_made_already_is_not_repeated(
    launch: Any, kubernetes: Kubernetes, router: Router
) -> None:
    gateway = await launch()
    kubernetes.args = ["--ctx-size", "4096"]

    def settle() -> None:
        router.context_tokens = 4096

    kubernetes.on_read = settle
    assert (await gateway.http.post("/models/load", json={"model": GENERAL, **WANTED})).status_code == 200
    assert kubernetes.patches == []


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_serving_continues_while_kubernetes_refuses(
    launch: Any, kubernetes: Kubernetes, router: Router, status: int
) -> None:
    gateway = await launch()
    kubernetes.status = status
    refused = await gateway.http.post("/models/load", json={"model": GENERAL, **WANTED})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "reconfigure_unavailable")
    assert router.loads == []
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert router.context_tokens == 16384


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"KUBERNETES_SERVICE_PORT": "1"}, "does not respond"),
        ({"KUBERNETES_SERVICE_HOST": ""}, "not running in a cluster"),
        ({"SYNAPSE_SERVICE_ACCOUNT_DIR": "/nowhere"}, "no service account"),
        ({"SYNAPSE_LLAMA_ROUTER_CONTAINER_NAME": "other"}, "no container 'other'"),
        ({"SYNAPSE_LLAMA_ROUTER_DEPLOYMENT_NAME": "other"}, "status 403"),
    ],
)
async def test_serving_continues_without_kubernetes(
    launch: Any, caplog: pytest.LogCaptureFixture, wrong: dict[str, str], reason: str
) -> None:
    gateway = await launch(**wrong)
    refused = await gateway.http.post("/models/load", json={"model": GENERAL, **WANTED})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "reconfigure_unavailable")
    assert reason in refused.json()["error"]["message"]
    assert "/nowhere" not in refused.text
    assert "127.0.0.1" not in refused.text
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert "with the router's present context size" in caplog.text


async def test_the_token_is_not_sent_to_an_untrusted_server(
    launch: Any, kubernetes: Kubernetes, tmp_path: Path
) -> None:
    gateway = await launch()
    account(tmp_path / "other")
    (kubernetes.account / "ca.crt").write_bytes((tmp_path / "other" / "ca.crt").read_bytes())
    refused = await gateway.http.post("/models/load", json={"model": GENERAL, **WANTED})
    assert refused.json()["error"]["code"] == "reconfigure_unavailable"
    assert kubernetes.reads == 0


async def test_the_token_is_read_for_each_request(launch: Any, kubernetes: Kubernetes) -> None:
    gateway = await launch()
    for token, tokens in (("second", 4096), ("third", 8192)):
        kubernetes.rotate(token)
        answer = await gateway.http.post("/models/load", json={"model": GENERAL, "runtime_ctx_size": tokens})
        assert answer.status_code == 200


async def test_an_invalid_deployment_is_an_error(launch: Any, kubernetes: Kubernetes) -> None:
    gateway = await launch()
    kubernetes._deployment = lambda: {"kind": "Status"}  # type: ignore[method-assign]
    refused = await gateway.http.post("/models/load", json={"model": GENERAL, **WANTED})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "reconfigure_unavailable")


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], ["--ctx-size", "8"]),
        (["--metrics"], ["--metrics", "--ctx-size", "8"]),
        (["--ctx-size", "4", "--metrics"], ["--ctx-size", "8", "--metrics"]),
        (["--metrics", "--ctx-size=4", "-x"], ["--metrics", "--ctx-size", "8", "-x"]),
        (["-a", "-c", "4", "--ctx-size", "2", "-b"], ["-a", "--ctx-size", "8", "-b"]),
        (["-a", "--ctx-size"], ["-a", "--ctx-size", "8"]),
    ],
)
def test_an_option_replaces_the_former_one(args: list[str], expected: list[str]) -> None:
    assert with_option(args, 8) == expected


@pytest.mark.parametrize(
    ("environment", "api"),
    [
        ({}, None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, "https://10.0.0.1:6443"),
        ({"KUBERNETES_SERVICE_HOST": "fd00::1"}, "https://[fd00::1]:443"),
    ],
)
def test_the_address_is_from_the_kubelets_variables(environment: dict[str, str], api: str | None) -> None:
    assert load(environment).router.api == api
