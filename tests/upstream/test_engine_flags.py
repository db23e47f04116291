"""Flags of vLLM and SGLang, in every combination of their options, read by their own parsers."""

import itertools
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from infra.settings.engine_services import EngineService, SglangService, VllmService
from infra.settings.services import Service
from infra.sizing.model_specs import MODEL_SPECS
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
    return list(dict.fromkeys([getattr(default, name), *named]))


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


def command_lines(service: type[EngineService]) -> list[tuple[str, ...]]:
    """Return each distinct list of flags: of every combination, built-in model and parser."""
    models = (service(model=model, context_tokens=512) for model in MODEL_SPECS)
    options = [*combinations(service), *models, *of_parsers(service)]
    return list(dict.fromkeys(each.flags(each.vram(MODEL_SPECS), GPU) for each in options))


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
