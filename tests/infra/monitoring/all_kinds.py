"""A plan with a service of every kind, for checks of everything that a stack may deploy."""

from dataclasses import replace

from infra.catalog.kinds import CATALOG
from infra.plan.service import ServicePlan, resolve
from infra.plan.stack import Plan
from tests.conftest import planned


def one_of_each() -> Plan:
    """Return a plan with one service of every kind with default options; it fits no node."""
    plan = planned()
    services = tuple(_placed(kind, plan) for kind in CATALOG)
    return replace(plan, services=services)


def _placed(kind: str, plan: Plan) -> ServicePlan:
    return resolve(kind, CATALOG[kind].options(), plan.settings.model_specs)
