"""Arguments and variables of llama.cpp's servers, against the table of options in its source."""

import re

import pytest

from infra.catalog.cpu import LLAMA_SOURCE
from infra.settings.model import ROOT
from tests.upstream.container import Container
from tests.upstream.llama_source import VERSION, Option, options
from tests.upstream.records import RECORDS
from tests.upstream.stack import engine, of_kind

KINDS = ("llama-embed", "llama-router")


def named() -> dict[str, Option]:
    return {name: option for option in options() for name in option.names}


def unread(arguments: tuple[str, ...]) -> list[str]:
    """Return the arguments that the server would refuse: unknown ones, and words where no value is awaited."""
    refused, words = [], list(arguments)
    while words:
        word = words.pop(0)
        option = named().get(word)
        if option is None or (option.takes_value and not words):
            refused.append(word)
        elif option.takes_value:
            words.pop(0)
    return refused


def unknown_variables(pod: Container) -> set[str]:
    variables = {option.variable for option in options()}
    return {name for name in pod.environment if name.startswith("LLAMA_") and name not in variables}


def test_the_table_is_read() -> None:
    assert len(options()) > 150
    assert named()["--ctx-size"].takes_value
    assert not named()["--metrics"].takes_value
    assert named()["--threads"].variable == "LLAMA_ARG_THREADS"


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_knows_every_argument(kind: str) -> None:
    pod = of_kind(kind)
    assert unread(pod.arguments) == []
    assert unread((*pod.arguments, "--no-such-option", "1")) == ["--no-such-option", "1"]
    assert unknown_variables(pod) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_on_the_cpu_knows_every_argument(kind: str) -> None:
    pod = engine(kind)
    assert (pod.command, unread(pod.arguments), unknown_variables(pod)) == ((), [], set())


def test_the_image_is_compiled_from_the_source_whose_table_is_read() -> None:
    (package,) = (ROOT / LLAMA_SOURCE / "requirements.txt").read_text(encoding="utf-8").split()[:1]
    assert package == f"llama-cpp-python=={VERSION}" == f"llama-cpp-python=={RECORDS['llama'].version}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_starts_the_program_of_upstreams_image(kind: str) -> None:
    dockerfile = (ROOT / LLAMA_SOURCE / "Dockerfile").read_text(encoding="utf-8")
    (entrypoint,) = re.findall(r'^ENTRYPOINT \["(.*)"\]$', dockerfile, re.MULTILINE)
    assert (entrypoint,) == RECORDS[kind].entrypoint == RECORDS["llama"].entrypoint
