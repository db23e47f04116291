"""Check of the doctor: a name, and a function over the facts and the plan."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from infra.plan.stack import Plan
from ops.check_results import CheckResult, State
from ops.doctor.facts import NodeFacts

Verdict = tuple[State, str, str]
"""State, message, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class NodeCheck:
    """*scope*: `node` checks need the node to exist, `gpu` checks also need GPUs in the stack file."""

    name: str
    run: Callable[[NodeFacts, Plan], Iterator[Verdict]]
    scope: Literal["cluster", "node", "gpu"]

    def results(self, facts: NodeFacts, plan: Plan) -> Iterator[CheckResult]:
        applies = {"cluster": True, "node": facts.node is not None, "gpu": bool(facts.node and plan.settings.node.gpus)}
        if not applies[self.scope]:
            return
        for state, says, do in self.run(facts, plan):
            yield CheckResult(name=self.name, state=state, says=says, do=do)


def ok(says: str) -> Verdict:
    return "ok", says, ""


def unknown(says: str, do: str) -> Verdict:
    return "unknown", says, do


def warning(says: str, do: str) -> Verdict:
    return "warning", says, do


def failure(says: str, do: str) -> Verdict:
    return "failure", says, do


def missing(kind: str, name: str, existing: Collection[str], do: str) -> Verdict:
    """Return a failure: no object of *kind* is called *name*; *existing* are the names there are."""
    others = f"but {', '.join(existing)}" if existing else "nor any other"
    return failure(f"there is no {kind} {name}, {others}", do)
