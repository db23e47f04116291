"""Arguments and variables of llama.cpp's servers, against the table of options in its source."""

import pytest

from tests.upstream.container import Container
from tests.upstream.llama_source import Option, options
from tests.upstream.stack import of_kind

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
