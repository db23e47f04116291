"""What a check of the doctor is: a name, and a look at the facts beside the plan."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from infra.plan.stack import Plan
from ops.check_results import Finding, State
from ops.doctor.facts import Facts

Verdict = tuple[State, str, str]
"""How it is, what was found, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """*of*: `node` and `gpu` only where the node is there, `gpu` only where the stack file gives it cards."""

    name: str
    look: Callable[[Facts, Plan], Iterator[Verdict]]
    of: Literal["cluster", "node", "gpu"]

    def findings(self, facts: Facts, plan: Plan) -> Iterator[Finding]:
        has = {"cluster": True, "node": facts.node is not None, "gpu": bool(facts.node and plan.settings.node.gpus)}
        if not has[self.of]:
            return
        for state, says, do in self.look(facts, plan):
            yield Finding(name=self.name, state=state, says=says, do=do)


def well(says: str) -> Verdict:
    return "ok", says, ""


def unknown(says: str, do: str) -> Verdict:
    return "unknown", says, do


def warning(says: str, do: str) -> Verdict:
    return "warning", says, do


def failure(says: str, do: str) -> Verdict:
    return "failure", says, do


def missing(what: str, name: str, there: Collection[str], do: str) -> Verdict:
    """None is called *name*, and this is what those that are *there* are called."""
    others = f"but {', '.join(there)}" if there else "nor any other"
    return failure(f"there is no {what} {name}, {others}", do)
