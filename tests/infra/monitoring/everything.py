"""A plan with a service of every kind, for checks of everything that a stack may deploy."""

from dataclasses import replace

from infra.catalog.kinds import CATALOGUE
from infra.plan.service import Placed, place
from infra.plan.stack import Plan
from tests.conftest import planned


def one_of_each() -> Plan:
    """Return a plan with one service of every kind with default options; it fits no node."""
    plan = planned()
    services = tuple(_placed(kind, plan) for kind in CATALOGUE)
    return replace(plan, services=services)


def _placed(kind: str, plan: Plan) -> Placed:
    return place(kind, CATALOGUE[kind].options(), plan.settings.cards)
