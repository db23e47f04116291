"""Routes of a stack after a model took the place of another one."""

from typing import Any

import pytest
import yaml

from infra.catalog.model_catalog import find
from ops.models.model_source import CATALOG, NamedModel
from ops.models.route_edit import edits, public_name
from ops.models.service_edit import target
from ops.stack_file import StackText
from tests.conftest import forge_config

NEW = "Qwen/Qwen3-4B"
OLD = {"service": "vllm", "model": "Qwen/Qwen3-8B"}
OTHER = {"service": "ollama", "model": "qwen3:8b"}
TO_NEW = {"service": "vllm", "model": NEW}


def routes_after(routes: dict[str, Any], model: str = NEW, service: str | None = None) -> dict[str, Any]:
    config = forge_config() | {"synapse:routes": routes}
    text = StackText(stack="mine", text=yaml.safe_dump({"config": config}, sort_keys=False))
    spec = find(model).spec
    named = NamedModel(name=model, spec=spec, stored=1, source=CATALOG)
    changed = text.changed(edits(text.settings(), target(text.services(), text.settings(), service), named))
    result: dict[str, Any] = changed.config()["synapse:routes"]
    return result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"qwen3-8b": [OLD]}, {"qwen3-4b": [TO_NEW]}),
        ({"qwen3-8b": [OLD, OTHER]}, {"qwen3-8b": [OTHER], "qwen3-4b": [TO_NEW]}),
        ({"qwen3-8b": [OTHER, OLD]}, {"qwen3-8b": [OTHER], "qwen3-4b": [TO_NEW]}),
        ({"Qwen/Qwen3-8B": [{"service": "vllm"}]}, {"qwen3-4b": [TO_NEW]}),
        ({"chat": [OLD, OTHER]}, {"chat": [TO_NEW, OTHER], "qwen3-4b": [TO_NEW]}),
        ({"qwen3-4b": [OTHER]}, {"qwen3-4b": [TO_NEW, OTHER]}),
        ({"qwen3-4b": [OTHER, OLD]}, {"qwen3-4b": [OTHER, TO_NEW]}),
        ({"qwen3-4b": [{"service": "vllm", "model": "stale"}]}, {"qwen3-4b": [TO_NEW]}),
        ({"other": [OTHER]}, {"other": [OTHER], "qwen3-4b": [TO_NEW]}),
        ({}, {"qwen3-4b": [TO_NEW]}),
    ],
)
def test_routes_follow_the_model(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert routes_after(before) == after


@pytest.mark.parametrize("routes", [{"qwen3-8b": [OLD, OTHER]}, {"chat": [OLD]}])
def test_the_same_model_keeps_its_routes(routes: dict[str, Any]) -> None:
    assert routes_after(routes, "Qwen/Qwen3-8B") == routes


def test_a_new_service_leaves_the_routes_of_the_others() -> None:
    before = {"qwen3-8b": [OLD, OTHER]}
    assert routes_after(before, NEW, "second") == before | {"qwen3-4b": [{"service": "second", "model": NEW}]}


def test_a_public_name_has_no_owner_and_no_capitals() -> None:
    assert public_name("nvidia/Qwen3.6-27B-NVFP4") == "qwen3.6-27b-nvfp4"
