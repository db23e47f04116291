"""Smoke check: a name, the services it needs, and a function that sends requests and tests the responses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.services import Task
from ops.gateway.client import GatewayClient
from ops.smoke.recordings import Recordings

Figures = Mapping[str, str | int | float]
"""Figures of a response. The end of a name is its unit: `_ms`, `_s`, `_hz`, `_db`; `bounds.py` adds limits."""


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """Everything a check works with; *model* is the public name to request, if there is one."""

    client: GatewayClient
    plan: Plan
    recordings: Recordings
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class SmokeCheck:
    """One check. *run* returns the figures of the response, or raises WrongAnswerError.

    *needs*: tasks that services must all do; *any_of*: tasks of which one is enough; *uses*: tasks that take part where
    the stack has them. *each*: run once for every model of this task, and only for one whose services all meet *suits*;
    *suited* names such a model. *adapter*: run only where a service has this kind of API. *voices*: how many the speech
    must have.
    """

    name: str
    run: Callable[[CheckContext], Figures]
    needs: tuple[Task, ...] = ()
    any_of: tuple[Task, ...] = ()
    uses: tuple[Task, ...] = ()
    each: Task | None = None
    adapter: str | None = None
    suits: Callable[[ServicePlan], bool] = lambda service: True  # noqa: ARG005
    suited: str = "model"
    voices: int = 1
