"""Official OpenAI and Ollama clients with the address of a gateway."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import ollama
import openai
import pytest

from tests.gateway.running_gateway import RunningGateway


@pytest.fixture
def ollama_client(stack: AsyncExitStack) -> Callable[[RunningGateway], ollama.AsyncClient]:
    """`ollama_client(gateway)`."""

    def make(gateway: RunningGateway) -> ollama.AsyncClient:
        made = ollama.AsyncClient(gateway.url)
        stack.push_async_callback(made.close)
        return made

    return make


@pytest.fixture
def openai_client(stack: AsyncExitStack) -> Callable[..., openai.AsyncOpenAI]:
    """`openai_client(gateway)`; without retries, so that failures show."""

    def make(gateway: RunningGateway, key: str = "unused", **more: Any) -> openai.AsyncOpenAI:
        made = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, **more)
        stack.push_async_callback(made.close)
        return made

    return make
