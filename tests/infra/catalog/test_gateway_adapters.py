"""Catalog and gateway agree: every adapter and every task of one exists in the other."""

from typing import get_args

import pytest

from infra.catalog.kinds import CATALOG
from infra.plan.timeout_classes import CLASSES
from infra.settings.engine_services import VllmService
from infra.settings.services import Task
from synapse_gateway.routing.config import parse
from synapse_gateway.settings import Timeouts
from synapse_gateway.upstream.adapters import ADAPTERS, Adapter
from synapse_gateway.upstream.adapters import Task as GatewayTask
from tests.infra.catalog.rerankers import MODEL, with_reranker

BACKENDS = sorted(kind for kind, spec in CATALOG.items() if spec.tasks)


@pytest.mark.parametrize("kind", BACKENDS)
def test_the_gateway_has_the_adapter_of_every_kind(kind: str) -> None:
    assert CATALOG[kind].adapter in ADAPTERS


@pytest.mark.parametrize("kind", BACKENDS)
def test_the_adapter_of_a_kind_can_do_its_tasks(kind: str) -> None:
    paths = ADAPTERS[CATALOG[kind].adapter].paths
    assert set(CATALOG[kind].tasks) <= set(Adapter(paths=paths).tasks)


def test_every_adapter_of_the_gateway_has_a_kind() -> None:
    assert ADAPTERS.keys() <= {spec.adapter for spec in CATALOG.values()}


def test_catalog_and_gateway_have_the_same_tasks() -> None:
    assert set(get_args(Task)) == set(get_args(GatewayTask))


def test_every_task_has_a_kind() -> None:
    chosen = set(get_args(VllmService.model_fields["task"].annotation))
    assert chosen | {task for spec in CATALOG.values() for task in spec.tasks} == set(get_args(Task))


def test_the_adapter_of_vllm_can_do_the_tasks_that_a_stack_file_may_choose() -> None:
    chosen = set(get_args(VllmService.model_fields["task"].annotation))
    assert chosen <= set(Adapter(paths=ADAPTERS["vllm"].paths).tasks)


def test_every_task_has_a_timeout_of_the_gateway() -> None:
    assert CLASSES.keys() == set(get_args(Task))
    assert {name.lower() for name in CLASSES.values()} <= set(Timeouts.__struct_fields__)


def test_a_reranker_has_a_target_in_the_configuration_of_the_gateway() -> None:
    config = parse(with_reranker().routes.gateway_config(), "backends.yaml")
    reranker = config.backends["reranker"]
    (target,) = next(route.targets for route in config.routes if route.model == "bge-reranker")
    assert (target.backend, target.model) == ("reranker", MODEL)
    assert reranker.served_tasks == ("rerank",)
    assert reranker.adapter.paths["rerank"] == "/v1/rerank"
