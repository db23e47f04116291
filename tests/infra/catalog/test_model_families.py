"""Parsers of tool calls and reasoning: the right ones for a family, and only names that the pinned release has."""

import re

import pytest

from infra.catalog import parser_names
from infra.catalog.kinds import CATALOG
from infra.catalog.model_catalog import MODEL_SPECS
from infra.catalog.model_families import FAMILIES, UNKNOWN, VLLM_EXAMPLES, ModelFamily, family_of
from infra.catalog.parser_names import ParserNames
from infra.settings.engine_services import SglangService, VllmService

RELEASES = [parser_names.VLLM, parser_names.SGLANG]


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.engine)
def test_the_recorded_names_are_those_of_the_pinned_release(release: ParserNames) -> None:
    image = CATALOG[release.engine].image
    assert image is not None
    assert f":v{release.version}@" in image
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", release.read)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.engine)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_names_parsers_that_exist(family: ModelFamily, release: ParserNames) -> None:
    parsers = family.parsers(release.engine)
    assert {parsers.tool_call} - release.tool_call <= {None}
    assert {parsers.reasoning} - release.reasoning <= {None}


@pytest.mark.parametrize(
    ("model", "vllm", "sglang"),
    [
        ("Qwen/Qwen3-8B", ("hermes", "qwen3"), ("qwen", "qwen3")),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", ("hermes", None), ("qwen", None)),
        ("Qwen/Qwen3-30B-A3B-Thinking-2507", ("hermes", "qwen3"), ("qwen", "qwen3-thinking")),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", ("qwen3_xml", None), ("qwen3_coder", None)),
        ("Qwen/Qwen3.6-27B", ("qwen3_coder", "qwen3"), ("qwen3_coder", "qwen3")),
        ("Qwen/Qwen2.5-7B-Instruct", ("hermes", None), ("qwen", None)),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", ("llama3_json", None), ("llama3", None)),
        ("meta-llama/Llama-3.1-8B-Instruct", ("llama3_json", None), ("llama3", None)),
        ("meta-llama/Llama-3.3-70B-Instruct", ("llama3_json", None), ("llama3", None)),
        ("NousResearch/Hermes-3-Llama-3.1-8B", ("hermes", None), ("hermes", None)),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", (None, "deepseek_r1"), (None, "deepseek-r1")),
        ("openai/gpt-oss-20b", ("openai", "openai_gptoss"), ("gpt-oss", "gpt-oss")),
        ("mistralai/Mistral-7B-Instruct-v0.3", ("mistral", None), ("mistral", None)),
        ("google/gemma-3-12b-it", (None, None), (None, None)),
        ("nvidia/Qwen3.6-27B-NVFP4", ("qwen3_coder", "qwen3"), ("qwen3_coder", "qwen3")),
        ("meta-models/Muse-Glimmer-30B", ("muse_glimmer", "muse_glimmer"), ("muse", None)),
        ("LiquidAI/LFM2-8B-A1B", ("lfm2", None), ("lfm2", None)),
        ("microsoft/Phi-4-mini-instruct", ("phi4_mini_json", None), (None, None)),
        ("microsoft/phi-4", (None, None), (None, None)),
        ("HuggingFaceTB/SmolLM3-3B", ("hermes", None), ("hermes", None)),
        ("acme/secret-7b", (None, None), (None, None)),
    ],
)
def test_a_model_gets_the_parsers_of_its_family(
    model: str, vllm: tuple[str | None, str | None], sglang: tuple[str | None, str | None]
) -> None:
    family = family_of(model)
    assert (family.vllm.tool_call, family.vllm.reasoning) == vllm
    assert (family.sglang.tool_call, family.sglang.reasoning) == sglang


def test_a_model_without_a_family_has_no_parsers() -> None:
    assert family_of("acme/secret-7b") is UNKNOWN


def test_every_family_can_be_reached() -> None:
    """A pattern that an earlier family matches as well would never decide."""
    for family in FAMILIES:
        names = [pattern.replace("*", "x").replace("[5-9]", "5") for pattern in family.patterns]
        assert [family_of(name) for name in names] == [family] * len(names)


def flags_of(service: VllmService | SglangService) -> tuple[str, ...]:
    return service.flags(service.vram(MODEL_SPECS, 2**35), MODEL_SPECS, 2**35)


def test_llama_gets_the_template_that_vllm_recommends() -> None:
    arguments = flags_of(VllmService(model="meta-llama/Llama-3.1-8B-Instruct"))
    template = f"--chat-template={VLLM_EXAMPLES}/tool_chat_template_llama3.1_json.jinja"
    assert {"--enable-auto-tool-choice", "--tool-call-parser=llama3_json", template} <= set(arguments)
    assert not [each for each in arguments if each.startswith("--reasoning-parser")]


@pytest.mark.parametrize("kind", [VllmService, SglangService])
def test_the_stack_file_overrides_and_switches_off(kind: type[VllmService | SglangService]) -> None:
    arguments = flags_of(kind(tool_call_parser="mistral", reasoning_parser="none"))
    assert "--tool-call-parser=mistral" in arguments
    assert not [each for each in arguments if each.startswith("--reasoning-parser")]
    arguments = flags_of(kind(tool_call_parser="none", reasoning_parser="none"))
    assert not [each for each in arguments if "parser" in each or "auto-tool" in each or "chat-template" in each]


def test_the_template_can_be_switched_off() -> None:
    arguments = flags_of(VllmService(model="meta-llama/Llama-3.1-8B-Instruct", chat_template="none"))
    assert "--tool-call-parser=llama3_json" in arguments
    assert not [each for each in arguments if each.startswith("--chat-template")]


def test_a_model_that_returns_vectors_has_no_parsers() -> None:
    assert not [each for each in flags_of(VllmService(task="embeddings")) if "parser" in each or "auto-tool" in each]
