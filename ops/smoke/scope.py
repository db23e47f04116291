"""Scope of a smoke test: the checks that a stack gets, and the services that take part; both follow from its plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.errors import RouteError
from infra.plan.routes import Target
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.services import Task
from ops.gateway.client import GatewayClient
from ops.gateway.locate import gateway_service
from ops.smoke import traits
from ops.smoke.check import SmokeCheck
from ops.smoke.recordings import Recordings
from tools.errors import ToolsError


@dataclass(frozen=True, kw_only=True)
class CheckCase:
    """A check for one stack and one model; *services* are those that serve it."""

    check: SmokeCheck
    model: str | None
    services: tuple[ServicePlan, ...]


def select(plan: Plan, checks: Sequence[SmokeCheck], names: Sequence[str]) -> Sequence[SmokeCheck]:
    """Return the checks called *names*, or all. Raises ToolsError for an unknown name, RouteError for one left out."""
    accepted = [check.name for check in checks]
    if unknown := [name for name in names if name not in accepted]:
        raise ToolsError(f"--only: got {', '.join(unknown)}; accepted: {', '.join(accepted)}")
    selected = [check for check in checks if check.name in names or not names]
    unable = [f"{check.name} (the stack has {why})" for check in selected if names and (why := missing(plan, check))]
    if unable:
        raise RouteError(f"--only: got {', '.join(unable)}; accepted: checks that the stack has a service for")
    return selected


def cases(plan: Plan, checks: Sequence[SmokeCheck]) -> Iterator[CheckCase]:
    """Yield a case for each of *checks* that the stack can serve, and for each model where the check has several."""
    for check in checks:
        if missing(plan, check) is None:
            for model in case_models(plan, check):
                yield CheckCase(check=check, model=model, services=_services(plan, check, model))


def missing(plan: Plan, check: SmokeCheck) -> str | None:
    """Return the service that the stack lacks for *check*, in words."""
    tasks = {task for service in plan.services for task in service.backend.tasks}
    if lacking := [task for task in check.needs if task not in tasks]:
        return f"no service for {', '.join(lacking)}"
    if check.any_of and tasks.isdisjoint(check.any_of):
        return f"no service for {' or '.join(check.any_of)}"
    if check.adapter not in {None, *(service.backend.adapter for service in plan.services)}:
        return f"no {check.adapter}"
    if "speech" in check.needs and len(voices(plan, recorded_model(plan))) < check.voices:
        return f"no speech with {check.voices} voices"
    return None if case_models(plan, check) else f"no {check.suited}"


def case_models(plan: Plan, check: SmokeCheck) -> tuple[str | None, ...]:
    """Return the models that the check is run for; (None,) where it is run once."""
    every = models(plan, check.each) if check.each else (None,)
    return tuple(model for model in every if all(check.suits(service) for service in _served_by(plan, check, model)))


def _served_by(plan: Plan, check: SmokeCheck, model: str | None) -> tuple[ServicePlan, ...]:
    """Return the services of *model*; where no route names it, those that do the task of the check."""
    routed = services(plan, model)
    return routed or tuple(service for service in plan.services if check.each in service.backend.tasks)


def models(plan: Plan, task: Task) -> tuple[str | None, ...]:
    """Return the model names to request for *task*: each public name, or None where its service has no route."""
    return public_names(plan, task) or (None,)


def public_names(plan: Plan, task: Task) -> tuple[str, ...]:
    """Return the routes whose first target does *task*."""
    return tuple(route.model for route in plan.routes.routes if task == _task(plan, route.targets[0]))


def recordings(plan: Plan, client: GatewayClient) -> Recordings:
    """Return recordings by the speech model with the most voices, the first of several."""
    model = recorded_model(plan)
    return Recordings(client=client, model=model, voices=voices(plan, model))


def recorded_model(plan: Plan) -> str | None:
    """Return the speech model of the recordings."""
    return max(models(plan, "speech"), key=lambda model: len(voices(plan, model)))


def voices(plan: Plan, model: str | None) -> tuple[str, ...]:
    """Return the voices to test of the first target of *model*, or of the first service that speaks."""
    speaking = (service for service in plan.services if "speech" in service.backend.tasks)
    first = next(iter((*services(plan, model), *speaking)), None)
    return traits.voices(first) if first else traits.USUAL_VOICES


def services(plan: Plan, model: str | None) -> tuple[ServicePlan, ...]:
    """Return the services of the route of *model*."""
    return tuple(target.service for target in _targets(plan, model))


def adapters(plan: Plan, model: str | None) -> frozenset[str]:
    """Return the kinds of API of the route of *model*, or of every service that chats."""
    chatting = tuple(service for service in plan.services if "chat" in service.backend.tasks)
    return frozenset(service.backend.adapter for service in services(plan, model) or chatting)


def _task(plan: Plan, target: Target) -> Task:
    """Return the task of a target's model; of a service with several tasks the model decides: encoders embed."""
    tasks, served = target.service.backend.tasks, target.service.options.served_models()
    names = [model.model_spec for model in served if model.name == target.model and "embeddings" in tasks]
    return "embeddings" if any(plan.settings.model_specs[name].is_encoder for name in names) else tasks[0]


def _services(plan: Plan, check: SmokeCheck, model: str | None) -> tuple[ServicePlan, ...]:
    """Return the targets of the model's route and the services of the other tasks; the gateway where there is none."""
    routed = {target.service.name for target in _targets(plan, model)}
    tasks = {task for task in (*check.needs, *check.uses) if not (routed and task == check.each)}
    services = tuple(
        service
        for service in plan.services
        if service.name in routed or tasks & set(service.backend.tasks) or service.backend.adapter == check.adapter
    )
    return services or (gateway_service(plan),)


def _targets(plan: Plan, model: str | None) -> tuple[Target, ...]:
    return next((route.targets for route in plan.routes.routes if route.model == model), ())
