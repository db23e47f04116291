"""Stack without a cluster: the real gateway, configured by the real plan, before fake engines."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from anyio.from_thread import BlockingPortal, start_blocking_portal

from infra.plan.stack import Plan
from infra.plan.stack import plan as plan_of
from ops.smoke.checks import CHECKS
from ops.smoke.run import SmokeResult, run
from tests.conftest import Config, config_of, settings_of
from tests.gateway.fakes import Fake, Handler
from tests.gateway.router import FAST
from tests.gateway.running_gateway import RunningGateway, running
from tests.infra.catalog.rerankers import add_reranker
from tests.ops.smoke.engines import engines

WITHIN_S = 8.0


def config() -> Config:
    """Return a config with every kind of engine and a reranker, and one route with a fallback.

    Speech and audio run on images of their own kinds: the shipped stack has CPU engines, which are asked for less.
    """
    changed = add_reranker(config_of("forge-llamacpp"))
    for name in ("chatterbox", "whisper", "pyannote", "deepfilter"):
        changed["synapse:services"][name] = {"image": f"registry.example/{name}@sha256:{64 * 'a'}"}
    changed["synapse:services"]["piper"] = {"memory": {"request": "1Gi", "limit": "1Gi"}}
    changed["synapse:routes"]["chatterbox"] = [{"service": "chatterbox"}, {"service": "piper", "model": "tts-1"}]
    return changed


def planned(services: Mapping[str, Any] | None = None) -> Plan:
    """Return the stack's plan, with other services in place of its own."""
    changed = config()
    if services is not None:
        changed["synapse:services"] = dict(services)
        names = set(services)
        routes = changed["synapse:routes"].items()
        changed["synapse:routes"] = {
            model: stops for model, stops in routes if {stop["service"] for stop in stops} <= names
        }
    return plan_of(settings_of(changed))


@dataclass(kw_only=True)
class Stage:
    """Gateway and engines that run; `break_` replaces one answer of an engine."""

    gateway: RunningGateway
    engines: dict[str, Fake]
    plan: Plan
    portal: BlockingPortal

    @property
    def url(self) -> str:
        return self.gateway.url

    def break_(self, engine: str, request: str, answer: Handler) -> None:
        assert request in self.engines[engine].handlers
        self.engines[engine].handlers[request] = answer

    def stop(self, engine: str) -> None:
        self.portal.call(self.engines[engine].stop)

    def results(self, *checks: str, within_s: float = WITHIN_S) -> dict[str, SmokeResult]:
        """Return the results of *checks*, or of all, by name; of several models the last."""
        selected = [check for check in CHECKS if check.name in checks or not checks]
        with httpx.Client(base_url=self.url) as http:
            return {result.case.check.name: result for result in run(self.plan, http, within_s, selected)}

    def faults(self, *checks: str, within_s: float = WITHIN_S) -> dict[str, str]:
        results = self.results(*checks, within_s=within_s)
        return {name: result.fault for name, result in results.items() if result.fault is not None}


@asynccontextmanager
async def _standing(
    folder: Path, environment: Mapping[str, str]
) -> AsyncIterator[tuple[RunningGateway, dict[str, Fake], Plan]]:
    plan = planned()
    async with AsyncExitStack() as entered:
        fakes = engines()
        for engine in fakes.values():
            await entered.enter_async_context(engine)
        document = yaml.safe_load(plan.routes.gateway_config())
        backends = {name: section | {"url": fakes[name].url} for name, section in document["backends"].items()}
        routes = {route["model"]: route["targets"] for route in document["routes"]}
        gateway = await entered.enter_async_context(running(folder, backends, routes, {**FAST, **environment}))
        yield gateway, fakes, plan


@contextmanager
def staged(folder: Path, **environment: str) -> Iterator[Stage]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_standing(folder, environment)) as (gateway, fakes, plan),
    ):
        yield Stage(gateway=gateway, engines=fakes, plan=plan, portal=portal)
