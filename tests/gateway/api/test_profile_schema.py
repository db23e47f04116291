"""Fields of profiles: families and accepted values."""

import math
from typing import Any

import msgspec
import pytest

from synapse_gateway.api.models.profile_schema import NOTES, family, fields, validated
from synapse_gateway.errors import BadRequestError


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-oss-20b", "gpt-oss"),
        ("GPT-OSS-120b", "gpt-oss"),
        ("my-gpt-oss-20b", "generic"),
        ("unsloth/GLM-4.7-Flash-GGUF", "glm-4.7-flash"),
        ("Qwen3-8B-Q4_K_M", "qwen"),
        ("llama", "generic"),
    ],
)
def test_the_family_follows_from_the_name(model: str, expected: str) -> None:
    assert family(model) == expected
    assert expected in NOTES


def test_one_family_has_an_additional_field() -> None:
    names = [field.name for field in fields("llama")]
    assert names == [
        *("system_prompt", "temperature", "top_p", "top_k", "min_p"),
        *("repeat_penalty", "max_tokens", "runtime_ctx_size"),
    ]
    assert [field.name for field in fields("gpt-oss-20b")] == [*names, "reasoning_effort"]


def test_a_field_shows_the_attributes_of_its_type() -> None:
    shown = {field.name: field.as_schema() for field in fields("gpt-oss-20b")}
    assert shown["temperature"].keys() == {
        *("name", "label", "type", "default", "applies_at", "description"),
        *("min", "max", "step"),
    }
    assert shown["reasoning_effort"]["choices"] == ("low", "medium", "high")
    assert "min" not in shown["system_prompt"]
    assert shown["runtime_ctx_size"]["applies_at"] == "load"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("system_prompt", "Be brief."),
        ("temperature", 0),
        ("temperature", 2),
        ("top_k", 1),
        ("top_k", 1000),
        ("max_tokens", 32768),
        ("runtime_ctx_size", 512),
        ("runtime_ctx_size", 131072),
        ("reasoning_effort", "low"),
        ("min_p", None),
    ],
)
def test_values_within_bounds_are_accepted(name: str, value: Any) -> None:
    assert validated("gpt-oss-20b", {name: value}) == {name: value}


def test_a_whole_number_may_be_a_float() -> None:
    values = validated("llama", {"top_k": 40.0})
    assert msgspec.json.encode(values) == b'{"top_k":40}'


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("temperature", 2.01, "out_of_range"),
        ("temperature", -0.01, "out_of_range"),
        ("temperature", math.nan, "out_of_range"),
        ("temperature", math.inf, "out_of_range"),
        ("temperature", 10**400, "out_of_range"),
        ("temperature", True, "invalid_value"),
        ("temperature", "1", "invalid_value"),
        ("top_k", 40.5, "invalid_value"),
        ("top_k", math.nan, "invalid_value"),
        ("top_k", math.inf, "invalid_value"),
        ("top_k", False, "invalid_value"),
        ("top_k", 0, "out_of_range"),
        ("runtime_ctx_size", 511, "out_of_range"),
        ("runtime_ctx_size", 131073, "out_of_range"),
        ("system_prompt", 1, "invalid_value"),
        ("reasoning_effort", "max", "invalid_value"),
        ("temprature", 1, "unknown_field"),
    ],
)
def test_an_error_names_its_field(name: str, value: Any, code: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        validated("gpt-oss-20b", {name: value})
    assert (refused.value.code, refused.value.param) == (code, name)


def test_a_field_of_another_family_is_unknown() -> None:
    with pytest.raises(BadRequestError, match="accepted: system_prompt, temperature") as refused:
        validated("llama", {"reasoning_effort": "low"})
    assert refused.value.code == "unknown_field"
