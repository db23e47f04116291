"""Licences: a stack with a model that forbids commercial use is refused unless it allows that licence."""

import pytest

from infra.catalog.licences import LICENCES, find
from infra.catalog.model_catalog import MODEL_SPECS
from infra.errors import SettingsError
from tests.conftest import changed, settings_of

FIGURES = {"parameters": 8_000_000_000, "layers": 32, "kvHeads": 8, "headSize": 128, "contextTokens": 32_768}


def with_licence(licence: str | None, *allowed: str) -> dict[str, object]:
    """Return the forge with vLLM serving a model of that licence."""
    config = changed("services.vllm.model", "owner/model")
    config["synapse:models"] = {"owner/model": FIGURES | ({"licence": licence} if licence else {})}
    config["synapse:allowLicences"] = list(allowed)
    config["synapse:routes"].pop("qwen3-8b")
    return config


def test_a_licence_against_commercial_use_is_refused() -> None:
    with pytest.raises(SettingsError) as error:
        settings_of(with_licence("cc-by-nc-4.0"))
    assert "services.vllm: got model 'owner/model', whose licence CC-BY-NC-4.0 forbids commercial use" in str(
        error.value
    )
    assert "synapse:allowLicences with CC-BY-NC-4.0" in str(error.value)


def test_a_licence_that_the_stack_file_allows_is_accepted() -> None:
    assert settings_of(with_licence("CC-BY-NC-4.0", "cc-by-nc-4.0")).allow_licences == ("cc-by-nc-4.0",)


def test_another_licence_that_is_allowed_does_not_help() -> None:
    with pytest.raises(SettingsError):
        settings_of(with_licence("CC-BY-NC-4.0", "qwen-research"))


@pytest.mark.parametrize("licence", ["Apache-2.0", "llama3.1", "a-licence-of-its-own", None])
def test_every_other_licence_is_accepted(licence: str | None) -> None:
    assert settings_of(with_licence(licence)).models["owner/model"].licence == licence


def test_every_built_in_model_has_a_listed_licence() -> None:
    for name, spec in MODEL_SPECS.items():
        assert spec.licence in LICENCES, name
        assert find(spec.licence).is_commercial, name
