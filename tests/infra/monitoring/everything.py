"""A plan with a service of every kind, for what is to hold whatever a stack deploys."""

from dataclasses import replace

from infra.catalog.kinds import CATALOG
from infra.plan.service import ServicePlan, resolve
from infra.plan.stack import Plan
from tests.conftest import planned


def one_of_each() -> Plan:
    """Of every kind one service, with nothing said about it; it fits no node."""
    plan = planned()
    services = tuple(_placed(kind, plan) for kind in CATALOG)
    return replace(plan, services=services)


def _placed(kind: str, plan: Plan) -> ServicePlan:
    return resolve(kind, CATALOG[kind].options(), plan.settings.model_specs)
