"""`synapse models load` and `unload`: into memory and out of it, each kind of server by its own way."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Final, Literal

import httpx
import typer
from rich.console import Console

from cli.models.options import Key, Name, Service, Url, backend, cluster_pods, gateway, planned
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.plan.stack import Plan
from infra.settings.services import OllamaService, VllmService
from ops.errors import WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.gateway.responses import ModelList, SuccessResponse
from ops.models import ollama
from ops.models.inventory import Model, ModelError, find

Verb = Literal["load", "unload"]
Ways = Callable[[httpx.Client, Model, Verb, float], None]
PAUSE_S: Final = 0.5
LOADED: Final = frozenset({"loaded", "sleeping"})
ABOUT: Final = {
    "load": "Have a model in memory, and wait for it; exit 1 when it does not come.",
    "unload": "Take a model out of memory, and wait until it is; exit 1 while somebody uses it.",
}
Within = Annotated[float, typer.Option("--within", min=1, help="Seconds that it may take.")]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How a command is told to reach the stack."""

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
        model, began = find(plan, name, service), monotonic()
        way = _way(model)
        with _there(plan, model, Reach(stack=stack, url=url, kubeconfig=kubeconfig, key=key)) as http, _waiting(name):
            way(http, model, verb, within_s)
        _say(model, verb, monotonic() - began, as_json=as_json)

    command.__name__, command.__doc__ = verb, ABOUT[verb]
    return command


load, unload = _command("load"), _command("unload")


def _way(model: Model) -> Ways:
    """Raises ModelError for a server that has its model as long as it runs."""
    options = model.service.options
    if model.service.backend.adapter == "llama-router":
        return _router
    if isinstance(options, OllamaService):
        return _ollama
    if isinstance(options, VllmService) and options.sleep:
        return _vllm
    raise ModelError(
        f"{model.name}: {model.service.service_name} has it in memory as long as it runs; what can be told to load and "
        "unload: a llama.cpp router, an Ollama, and a vLLM with `sleep: true`"
    )


@contextmanager
def _there(plan: Plan, model: Model, reach: Reach) -> Iterator[httpx.Client]:
    """The gateway for a router, as it knows who uses the model; the server itself for every other."""
    if model.service.backend.adapter == "llama-router":
        with gateway(plan, reach.stack, reach.url, reach.kubeconfig, reach.key) as http:
            yield http
    else:
        with cluster_pods(plan, reach.stack, reach.kubeconfig) as known, backend(known, model.service) as http:
            yield http


@contextmanager
def _waiting(name: str) -> Iterator[None]:
    with Console(stderr=True).status(f"waiting for {name}"):
        try:
            yield
        except WrongAnswerError as error:
            raise ModelError(f"{name}: {error}") from error


def _router(http: httpx.Client, model: Model, verb: Verb, within_s: float) -> None:
    """Raises WrongAnswerError with the gateway's refusal, and ModelError."""
    asker, until = GatewayClient(http, within_s), monotonic() + within_s
    if (_router_state(asker, model) in LOADED) == (verb == "load"):
        return
    asker.json(SuccessResponse, "POST", f"/models/{verb}", json={"model": model.name})
    while (state := _router_state(asker, model)) not in (LOADED if verb == "load" else {"unloaded"}):
        if monotonic() > until:
            raise ModelError(f"{model.name}: is {state} after {within_s:g} s")
        sleep(PAUSE_S)


def _router_state(asker: GatewayClient, model: Model) -> str:
    found = next((each for each in asker.json(ModelList, "GET", "/models").data if each.id == model.name), None)
    if found is None:
        raise ModelError(f"{model.name}: the router does not have it; fetch it first: synapse models pull {model.name}")
    if found.status.failed:
        raise ModelError(f"{model.name}: the router has tried and failed; see: synapse logs {model.service.name}")
    return found.status.value


def _ollama(http: httpx.Client, model: Model, verb: Verb, within_s: float) -> None:
    options = model.service.options
    assert isinstance(options, OllamaService)  # noqa: S101 - `_way` has looked
    http.timeout = httpx.Timeout(within_s)
    ollama.hold(http, model.name, options.keep_alive_s if verb == "load" else ollama.NOT_A_MOMENT)


def _vllm(http: httpx.Client, model: Model, verb: Verb, within_s: float) -> None:
    path, wished = ("/wake_up", False) if verb == "load" else ("/sleep?level=1", True)
    try:
        if http.get("/is_sleeping").raise_for_status().json()["is_sleeping"] != wished:
            http.post(path, timeout=within_s).raise_for_status()
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise ModelError(f"{model.name}: vLLM does not {verb} it: {error}") from error


def _say(model: Model, verb: Verb, seconds: float, *, as_json: bool) -> None:
    done = {
        "model": model.name,
        "service": model.service.service_name,
        "state": f"{verb}ed",
        "seconds": round(seconds, 2),
    }
    typer.echo(json.dumps(done) if as_json else f"{model.name}: {verb}ed in {seconds:.1f} s")
