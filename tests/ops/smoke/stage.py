"""A stack that runs without a cluster: the real gateway, configured by the real plan, before engines that are not."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from anyio.from_thread import BlockingPortal, start_blocking_portal

from infra.plan.stack import Plan, plan
from ops.smoke.checks import CHECKS
from ops.smoke.run import Result, run
from tests.conftest import Config, config_of, settings_of
from tests.gateway.fakes import Fake, Handler
from tests.gateway.router import FAST
from tests.gateway.running import Running, running
from tests.ops.smoke.engines import engines

WITHIN_S = 8.0


def config() -> Config:
    """Every kind of engine, and one route with a second choice."""
    found = config_of("forge-llamacpp")
    found["synapse:services"]["piper"] = {"memory": {"request": "1Gi", "limit": "1Gi"}}
    found["synapse:routes"]["chatterbox"] = [{"service": "chatterbox"}, {"service": "piper", "model": "tts-1"}]
    return found


def planned(services: Mapping[str, Any] | None = None) -> Plan:
    """The stack's plan, with other services in place of its own."""
    found = config()
    if services is not None:
        found["synapse:services"] = dict(services)
        names = set(services)
        routes = found["synapse:routes"].items()
        found["synapse:routes"] = {
            model: stops for model, stops in routes if {stop["service"] for stop in stops} <= names
        }
    return plan(settings_of(found))


@dataclass(kw_only=True)
class Stage:
    """What runs; `break_` puts another answer in the place of an engine's."""

    gateway: Running
    engines: dict[str, Fake]
    plan: Plan
    portal: BlockingPortal

    @property
    def url(self) -> str:
        return self.gateway.url

    def break_(self, engine: str, question: str, answer: Handler) -> None:
        assert question in self.engines[engine].handlers
        self.engines[engine].handlers[question] = answer

    def stop(self, engine: str) -> None:
        self.portal.call(self.engines[engine].stop)

    def results(self, *checks: str, within_s: float = WITHIN_S) -> dict[str, Result]:
        """What came of *checks*, or of all, by their names; of several models the last."""
        wanted = [check for check in CHECKS if check.name in checks or not checks]
        with httpx.Client(base_url=self.url) as http:
            return {result.question.check.name: result for result in run(self.plan, http, within_s, wanted)}

    def faults(self, *checks: str, within_s: float = WITHIN_S) -> dict[str, str]:
        found = self.results(*checks, within_s=within_s)
        return {name: result.fault for name, result in found.items() if result.fault is not None}


@asynccontextmanager
async def _standing(
    folder: Path, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Running, dict[str, Fake], Plan]]:
    found = planned()
    async with AsyncExitStack() as entered:
        made = engines()
        for engine in made.values():
            await entered.enter_async_context(engine)
        document = yaml.safe_load(found.routes.gateway_config())
        backends = {name: section | {"url": made[name].url} for name, section in document["backends"].items()}
        routes = {route["model"]: route["targets"] for route in document["routes"]}
        gateway = await entered.enter_async_context(running(folder, backends, routes, {**FAST, **environment}))
        yield gateway, made, found


@contextmanager
def staged(folder: Path, **environment: str) -> Iterator[Stage]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_standing(folder, environment)) as (gateway, made, found),
    ):
        yield Stage(gateway=gateway, engines=made, plan=found, portal=portal)
