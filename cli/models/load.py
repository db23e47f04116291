"""`synapse models load` and `unload`: load a model into memory and unload it, by the API of its server."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Final, Literal

import httpx
import typer

from cli import output
from cli.models.connections import backend_client, cluster_pods, gateway_client, planned
from cli.models.options import Key, Name, Service, Url
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.plan.stack import Plan
from infra.settings.services import ModelLoading
from ops.errors import WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.gateway.responses import ModelList, SuccessResponse
from ops.models import ollama
from ops.models.inventory import ModelError, StackModel, find

Verb = Literal["load", "unload"]
Operation = Callable[[httpx.Client, StackModel, Verb, float], None]
POLL_S: Final = 0.5
LOADED: Final = frozenset({"loaded", "sleeping"})
HELP: Final = {
    "load": "Load a model into memory and wait for it; exit 1 if that fails.",
    "unload": "Unload a model from memory and wait for it; exit 1 while a request uses it.",
}
Within = Annotated[float, typer.Option("--within", min=1, help="Timeout in seconds.")]


@dataclass(frozen=True, kw_only=True)
class ConnectionOptions:
    """Options that say how to reach the stack."""

    stack: str
    url: str | None
    kubeconfig: Path | None
    key: str | None


def _command(verb: Verb) -> Callable[..., None]:
    def command(  # noqa: PLR0913, PLR0917 - a command has its options
        name: Name,
        service: Service = None,
        stack: Stack = DEFAULT_STACK,
        phase: Phase = None,
        url: Url = None,
        kubeconfig: Kubeconfig = None,
        key: Key = None,
        within_s: Within = 300.0,
        as_json: AsJson = False,
    ) -> None:
        plan = planned(stack, phase)
        model, start = find(plan, name, service), monotonic()
        operation = _operation(model)
        connection = ConnectionOptions(stack=stack, url=url, kubeconfig=kubeconfig, key=key)
        with _client(plan, model, connection) as http, _waiting(name):
            operation(http, model, verb, within_s)
        _print(model, verb, monotonic() - start, as_json=as_json)

    command.__name__, command.__doc__ = verb, HELP[verb]
    return command


load, unload = _command("load"), _command("unload")


def _operation(model: StackModel) -> Operation:
    """Return how the server loads models. Raises ModelError if it keeps its model in memory as long as it runs."""
    if api := model.service.options.model_loading:
        return LOADING[api]
    raise ModelError(
        f"{model.name}: {model.service.service_name} keeps it in memory as long as it runs; accepted: a model of "
        "a llama.cpp router, of an Ollama, or of a vLLM with `sleep: true`"
    )


@contextmanager
def _client(plan: Plan, model: StackModel, connection: ConnectionOptions) -> Iterator[httpx.Client]:
    """Yield a client for the gateway in front of a router, whose requests it counts, else for the server itself."""
    if model.service.options.model_loading == "router":
        with gateway_client(plan, connection.stack, connection.url, connection.kubeconfig, connection.key) as http:
            yield http
    else:
        with (
            cluster_pods(plan, connection.stack, connection.kubeconfig) as cluster,
            backend_client(cluster, model.service) as http,
        ):
            yield http


@contextmanager
def _waiting(name: str) -> Iterator[None]:
    with output.waiting(f"waiting for {name}"):
        try:
            yield
        except WrongAnswerError as error:
            raise ModelError(f"{name}: {error}") from error


def _router(http: httpx.Client, model: StackModel, verb: Verb, within_s: float) -> None:
    """Raises WrongAnswerError with the refusal of the gateway, and ModelError."""
    client, deadline = GatewayClient(http, within_s), monotonic() + within_s
    if (_router_state(client, model) in LOADED) == (verb == "load"):
        return
    client.json(SuccessResponse, "POST", f"/models/{verb}", json={"model": model.name})
    while (state := _router_state(client, model)) not in (LOADED if verb == "load" else {"unloaded"}):
        if monotonic() > deadline:
            raise ModelError(f"{model.name}: timeout after {within_s:g} s; it is {state}")
        sleep(POLL_S)


def _router_state(client: GatewayClient, model: StackModel) -> str:
    entry = next((each for each in client.json(ModelList, "GET", "/models").data if each.id == model.name), None)
    if entry is None:
        raise ModelError(f"{model.name}: not on the router; download it first: synapse models pull {model.name}")
    if entry.status.failed:
        raise ModelError(f"{model.name}: the router failed to load it; see: synapse logs {model.service.name}")
    return entry.status.value


def _ollama(http: httpx.Client, model: StackModel, verb: Verb, within_s: float) -> None:
    http.timeout = httpx.Timeout(within_s)
    ollama.keep_alive(http, model.name, model.service.options.idle_seconds if verb == "load" else ollama.UNLOAD)


def _vllm(http: httpx.Client, model: StackModel, verb: Verb, within_s: float) -> None:
    path, sleeping = ("/wake_up", False) if verb == "load" else ("/sleep?level=1", True)
    try:
        if http.get("/is_sleeping").raise_for_status().json()["is_sleeping"] != sleeping:
            http.post(path, timeout=within_s).raise_for_status()
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise ModelError(f"{model.name}: vLLM failed to {verb} it: {error}") from error


LOADING: Final[Mapping[ModelLoading, Operation]] = {"router": _router, "ollama": _ollama, "sleep": _vllm}


def _print(model: StackModel, verb: Verb, seconds: float, *, as_json: bool) -> None:
    result = {
        "model": model.name,
        "service": model.service.service_name,
        "state": f"{verb}ed",
        "seconds": round(seconds, 2),
    }
    typer.echo(json.dumps(result) if as_json else f"{model.name}: {verb}ed in {seconds:.1f} s")
