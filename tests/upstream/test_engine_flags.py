"""Flags of vLLM and SGLang, in every combination of their options, read by their own parsers, and their values."""

import itertools
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from infra.catalog import engine_arguments
from infra.catalog.model_catalog import MODEL_SPECS
from infra.catalog.parser_names import EngineName
from infra.settings.engine_services import EngineService, SglangService, VllmService
from infra.settings.services import Service
from infra.sizing.engines.engine_flags import QUANTIZATIONS
from infra.sizing.engines.sglang_flags import KV_NAMES
from infra.sizing.quantization import KV_BYTES
from tests.upstream.environments import ENGINES
from tests.upstream.records import RECORDS
from tests.upstream.stack import of_kind

SCRIPT = Path(__file__).parent / "engine_parsers.py"
GPU = 32 << 30
SERVICES: dict[str, type[EngineService]] = {"vllm": VllmService, "sglang": SglangService}
SHARED = frozenset({"kind", "engine", "image"})
"""Options that no flag is written from."""


def values(name: str, field: FieldInfo, default: Service) -> list[Any]:
    """Return every value of an option that is one of a few, and the default of any other."""
    if field.annotation is bool:
        return [False, True]
    options = [field.annotation, *get_args(field.annotation)]
    named = [value for each in options if get_origin(each) is Literal for value in get_args(each)]
    return list(dict.fromkeys([getattr(default, name), *named])) if named else [getattr(default, name)]


def combinations(service: type[EngineService]) -> Iterator[EngineService]:
    """Yield the service in every combination of its options."""
    fields, default = service.model_fields, service()
    varied = {name: values(name, field, default) for name, field in fields.items() if name not in SHARED}
    varied = {name: choices for name, choices in varied.items() if len(choices) > 1}
    for chosen in itertools.product(*varied.values()):
        yield default.model_copy(update=dict(zip(varied, chosen, strict=True)))


def of_parsers(service: type[EngineService]) -> Iterator[EngineService]:
    """Yield the service with every parser that the stack file accepts."""
    names = service.parser_names
    yield from (service(tool_call_parser=name) for name in names.tool_call)
    yield from (service(reasoning_parser=name) for name in names.reasoning)


def of_formats(service: type[EngineService]) -> Iterator[EngineService]:
    """Yield the service with every format of the weights and of the cache that the stack file accepts."""
    accepted = engine_arguments.ENGINES[service.parser_names.engine]
    yield from (service(quantization=name) for name in sorted(accepted.quantizations))
    yield from (service(kv_dtype=name) for name in sorted(accepted.kv_dtypes))


def of_memory(service: type[EngineService]) -> Iterator[EngineService]:
    """Yield the service with options that no combination has."""
    yield service(batched_tokens=4096, cache_tokens=40_000, sequences=64, tensor_parallel=2)
    yield from (service(adapters={"a": "acme/a", "b": "acme/b"}, adapter_rank=rank) for rank in (8, 256))
    drafts = ({"method": "ngram"}, {"method": "mtp", "tokens": 2}, {"method": "eagle3", "model": "Qwen/Qwen3-4B"})
    yield from (service.model_validate({"speculative": draft}) for draft in drafts)


def command_lines(service: type[EngineService]) -> list[tuple[str, ...]]:
    """Return each distinct list of flags: of every combination, built-in model and parser."""
    models = (service(model=model, context_tokens=512) for model in MODEL_SPECS)
    options = [*combinations(service), *models, *of_parsers(service), *of_formats(service), *of_memory(service)]
    return list(dict.fromkeys(each.flags(each.vram(MODEL_SPECS, GPU), MODEL_SPECS, GPU) for each in options))


def refusals(engine: str, lists: Sequence[Sequence[str]]) -> list[str | None]:
    """Return what the engine's parser says against each list of arguments."""
    done = subprocess.run(
        [ENGINES.folder() / "bin/python", SCRIPT, engine],
        input=json.dumps(lists),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[str | None] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize("engine", SERVICES)
def test_the_engine_reads_every_flag(engine: str) -> None:
    lists = command_lines(SERVICES[engine])
    rendered = of_kind(engine).arguments
    wrong = (*rendered, "--no-such-flag=1")
    *answers, of_wrong = refusals(engine, [*lists, rendered, wrong])
    assert len(lists) > 10
    assert not {text: arguments for text, arguments in zip(answers, [*lists, rendered], strict=True) if text}
    assert of_wrong
    assert "no-such-flag" in of_wrong


def test_templates_are_files_of_the_image() -> None:
    flag, folder = "--chat-template=", f"{RECORDS['vllm'].folder}/examples/"
    templates = {word.removeprefix(flag) for line in command_lines(VllmService) for word in line if flag in word}
    assert templates
    assert all(template.startswith(folder) for template in templates)


PROGRAMS = {
    "vllm": """
import json, typing
from vllm.config.cache import CacheDType
from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS
print(json.dumps({"quantizations": QUANTIZATION_METHODS, "kv": typing.get_args(CacheDType)}))
""",
    "sglang": """
import json
from sglang.srt.server_args import QUANTIZATION_CHOICES, ServerArgs
import sglang.srt.mem_cache.kv_cache_dtype as kv, inspect, re
print(json.dumps({"quantizations": QUANTIZATION_CHOICES, "kv": re.findall(r'"([a-z0-9_]+)"', inspect.getsource(kv))}))
""",
}
"""Engine -> a program that prints the values of its release."""


def accepted(engine: str) -> dict[str, list[str]]:
    done = subprocess.run(
        [ENGINES.folder() / "bin/python", "-c", PROGRAMS[engine]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    values: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return values


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_every_value_is_one_of_the_engine(engine: EngineName) -> None:
    release, ours = accepted(engine), engine_arguments.ENGINES[engine]
    assert {QUANTIZATIONS.get(name, name) for name in ours.quantizations} <= set(release["quantizations"])
    names = KV_NAMES if engine == "sglang" else {}
    assert {names.get(name, name) for name in ours.kv_dtypes} <= {"auto", *release["kv"]}


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_the_size_of_every_cache_is_calculated(engine: EngineName) -> None:
    assert engine_arguments.ENGINES[engine].kv_dtypes - {"auto"} <= set(KV_BYTES)
