"""Figures of a model spec in a stack file: they are the model spec again when the file is read."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.catalog import model_catalog
from infra.quantities import MI
from infra.settings.model_figures import figures
from infra.settings.model_specs import ModelSpecSection
from infra.sizing.specs import model_files
from infra.sizing.specs.model_spec import ModelSpec
from tests.ops.models.test_model_source import two_files


def read_again(spec: ModelSpec) -> ModelSpec:
    return ModelSpecSection.model_validate(figures(spec)).model_spec()


@pytest.mark.parametrize("name", model_catalog.names())
def test_every_model_of_the_catalog_survives(name: str) -> None:
    spec = model_catalog.find(name).spec
    again = read_again(spec)
    assert again == replace(spec, stored=again.stored)
    assert 0 <= (again.stored or 0) - (spec.stored or 0) < MI


def test_two_layers_that_are_one_survive() -> None:
    spec = model_catalog.find("Qwen/Qwen3-8B").spec
    both = replace(spec, groups=(spec.groups[0], replace(spec.groups[0], kind="recurrent", convolution=3, beside=True)))
    assert read_again(both) == both


def test_defaults_are_left_out(tmp_path: Path) -> None:
    spec, _ = model_files.model_spec(two_files(tmp_path))
    assert figures(spec) == {
        "parameters": 500_000,
        "contextTokens": 2048,
        "heads": 8,
        "hidden": 512,
        "feedForward": 2048,
        "vocabulary": 100,
        "embedding": 51_200,
        "groups": [{"kind": "full", "layers": 4, "kvHeads": 2, "headSize": 64}],
    }
