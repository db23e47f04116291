"""Ask every question, one after the other, and keep what came of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx

from infra.plan.stack import Plan
from ops.errors import WrongAnswerError
from ops.gateway.client import Asker
from ops.smoke.check import Check, Figures, Talk
from ops.smoke.checks import CHECKS
from ops.smoke.scope import Question, questions, recordings


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one question. *fault*: why it failed; *seconds*: what the gateway took, recordings left out."""

    question: Question
    seconds: float
    figures: Figures = field(default_factory=dict)
    fault: str | None = None

    @property
    def passed(self) -> bool:
        return self.fault is None


def run(plan: Plan, http: httpx.Client, within_s: float, checks: Sequence[Check] = CHECKS) -> Iterator[Result]:
    """The results as they come; each question has to be answered within *within_s* seconds."""
    made = recordings(plan, Asker(http, within_s))
    for question in questions(plan, checks):
        asker = Asker(http, within_s)
        yield _result(question, Talk(ask=asker, plan=plan, recordings=made, model=question.model))


def _result(question: Question, talk: Talk) -> Result:
    try:
        figures = question.check.ask(talk)
    except WrongAnswerError as error:
        return Result(question=question, seconds=talk.ask.seconds, fault=str(error))
    stood_in = {"stood_in": talk.ask.stood_in} if talk.ask.stood_in else {}
    return Result(question=question, seconds=talk.ask.seconds, figures={**figures, **stood_in})
