"""Which questions a stack gets, and who has a part in their answers: both follow from its plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.plan.routes import Target
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.services import Task
from ops.errors import UnreachableError
from ops.gateway.client import Asker
from ops.smoke.check import Check
from ops.smoke.recordings import USUAL_VOICES, VOICES, Recordings

GATEWAY = "gateway"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A check as one stack gets it; *services* are those that answer it."""

    check: Check
    model: str | None
    services: tuple[ServicePlan, ...]


def gateway(plan: Plan) -> ServicePlan:
    """The service that is asked. Raises UnreachableError."""
    found = next((service for service in plan.services if service.backend.kind == GATEWAY), None)
    if found is None:
        raise UnreachableError(
            f"no gateway to ask: the stack has no service of kind {GATEWAY} at phase {plan.settings.phase}"
        )
    return found


def questions(plan: Plan, checks: Sequence[Check]) -> Iterator[Question]:
    """Those of *checks* that the stack can answer, once for each model where they ask for one."""
    for check in checks:
        if missing(plan, check) is None:
            for model in models(plan, check.each) if check.each else (None,):
                yield Question(check=check, model=model, services=_services(plan, check, model))


def missing(plan: Plan, check: Check) -> str | None:
    """What the stack lacks for *check*."""
    done = {task for service in plan.services for task in service.backend.tasks}
    if lacking := [task for task in check.needs if task not in done]:
        return f"no service for {', '.join(lacking)}"
    if check.any_of and done.isdisjoint(check.any_of):
        return f"no service for {' or '.join(check.any_of)}"
    adapters = {service.backend.adapter for service in plan.services}
    return None if check.adapter in {None, *adapters} else f"no {check.adapter}"


def models(plan: Plan, task: Task) -> tuple[str | None, ...]:
    """What to ask for to have *task* done: each public name for it, or no name where its service has no route."""
    return public_names(plan, task) or (None,)


def public_names(plan: Plan, task: Task) -> tuple[str, ...]:
    """The routes whose first stop does *task*."""
    return tuple(route.model for route in plan.routes.routes if task == _task(plan, route.targets[0]))


def recordings(plan: Plan, ask: Asker) -> Recordings:
    """Of whoever speaks here first."""
    model = models(plan, "speech")[0]
    return Recordings(ask=ask, model=model, voices=voices(plan, model))


def voices(plan: Plan, model: str | None) -> tuple[str, str]:
    """Two voices that the first stop of *model* has."""
    first = next(iter(_stops(plan, model)), None)
    return VOICES.get(first.service.backend.adapter, USUAL_VOICES) if first else USUAL_VOICES


def listener(plan: Plan, model: str | None) -> ServicePlan:
    """Who hears for *model* first, or whoever does where no route leads there."""
    targets = [target.service for target in _stops(plan, model)]
    return next(service for service in [*targets, *plan.services] if "transcription" in service.backend.tasks)


def _task(plan: Plan, target: Target) -> Task:
    """What a stop's model is for; a service that does several tasks tells by the model's card: encoders embed."""
    tasks, served = target.service.backend.tasks, target.service.options.served_models()
    names = [model.model_spec for model in served if model.name == target.model and "embeddings" in tasks]
    return "embeddings" if any(plan.settings.model_specs[name].kv_heads == 0 for name in names) else tasks[0]


def _services(plan: Plan, check: Check, model: str | None) -> tuple[ServicePlan, ...]:
    """Who has a part in the answer: the stops of the model's route, or whoever does the task; else the gateway."""
    routed = {target.service.name for target in _stops(plan, model)}
    tasks = {task for task in check.needs if not (routed and task == check.each)}
    found = tuple(
        service
        for service in plan.services
        if service.name in routed or tasks & set(service.backend.tasks) or service.backend.adapter == check.adapter
    )
    return found or (gateway(plan),)


def _stops(plan: Plan, model: str | None) -> tuple[Target, ...]:
    return next((route.targets for route in plan.routes.routes if route.model == model), ())
