"""Requests of the chat checks: deterministic, and without reasoning on every kind of server."""

from typing import Any

import httpx
import pytest

from infra.plan.stack import Plan
from infra.plan.stack import plan as plan_of
from ops.errors import WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.gateway.responses import Message
from ops.smoke.chat_client import body
from ops.smoke.check import CheckContext
from ops.smoke.checks.chat import tool_call as check_tool_call
from ops.smoke.recordings import Recordings
from tests.conftest import config_of, settings_of


def fields(plan: Plan, model: str | None) -> dict[str, Any]:
    with httpx.Client() as http:
        client = GatewayClient(http, 1)
        recordings = Recordings(client=client, model=None, voices=("a",))
        return body(CheckContext(client=client, plan=plan, recordings=recordings, model=model), "Hello?")


def test_a_chat_is_deterministic_and_without_reasoning() -> None:
    request = fields(plan_of(settings_of(config_of("local"))), "chat")
    assert request["temperature"] == 0
    assert request["chat_template_kwargs"] == {"enable_thinking": False}
    assert request["model"] == "chat"
    assert "reasoning_effort" not in request  # of Ollama only: some engines refuse it


def test_ollama_gets_its_own_field_also_as_a_fallback() -> None:
    assert fields(plan_of(settings_of(config_of("forge"))), "qwen3-8b")["reasoning_effort"] == "none"


def tool_call(stack: str, model: str) -> dict[str, Any]:
    """Return the figures of the tool call where the gateway relays Ollama's refusal."""
    error = {"error": {"message": "registry.ollama.ai/library/x does not support tools", "code": None}}
    transport = httpx.MockTransport(lambda _: httpx.Response(400, json=error))
    with httpx.Client(transport=transport, base_url="http://gateway") as http:
        client = GatewayClient(http, 1)
        recordings = Recordings(client=client, model=None, voices=("a",))
        plan = plan_of(settings_of(config_of(stack)))
        return dict(check_tool_call(CheckContext(client=client, plan=plan, recordings=recordings, model=model)))


def test_only_an_ollama_may_refuse_tools() -> None:
    assert tool_call("forge", "qwen3-8b") == {"called": "nothing: the model has no tools"}
    with pytest.raises(WrongAnswerError, match="does not support tools"):
        tool_call("forge-llamacpp", "Qwen3-8B-Q4_K_M")


def test_the_answer_is_the_content_without_reasoning() -> None:
    assert Message(content="<think>Well.</think>\n\nYes.").answer == "Yes."
    assert Message(content=None, reasoning_content="Well.").answer == ""
    assert Message(content="Yes.").answer == "Yes."
