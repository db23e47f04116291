"""What a check is: a question to the gateway, and what is to come back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.plan.stack import Plan
from infra.settings.services import Task
from ops.gateway.client import Asker
from ops.smoke.recordings import Recordings

Figures = Mapping[str, str | int | float]
"""What came back, in figures and words. The end of a name is its unit: `_ms`, `_s`, `_hz`, `_db`."""


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What a check works with; *model* is the public name that it is to ask for, if there is one."""

    ask: Asker
    plan: Plan
    recordings: Recordings
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question. *needs*: all tasks that services must do for it; *any_of*: of which they must do one at least.

    *each*: once for every model of this task.
    *adapter*: only where a service of this kind of API is. *ask* returns what came back, or raises WrongAnswerError.
    """

    name: str
    ask: Callable[[Talk], Figures]
    needs: tuple[Task, ...] = ()
    any_of: tuple[Task, ...] = ()
    each: Task | None = None
    adapter: str | None = None
