"""Chat requests of the checks: deterministic, without reasoning, and parsed."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from ops.gateway.client import parse
from ops.gateway.responses import ChatResponse
from ops.smoke.check import CheckContext
from ops.smoke.scope import adapters

CHAT: Final = "/v1/chat/completions"
MAX_TOKENS: Final = 256
"""Enough for one sentence, and for a short reasoning of a model that cannot leave it out."""
T = TypeVar("T", bound=BaseModel)


def body(context: CheckContext, prompt: str, **more: object) -> dict[str, object]:
    """Return the body of a chat request for the model of *context*."""
    model = {} if context.model is None else {"model": context.model}
    messages = [{"role": "user", "content": prompt}]
    sampling = {"max_tokens": MAX_TOKENS, "temperature": 0}
    return {**model, "messages": messages, **sampling, **_no_reasoning(context), **more}


def response(context: CheckContext, prompt: str, **more: object) -> ChatResponse:
    """Return the response to *prompt*. Raises WrongAnswerError."""
    return context.client.json(ChatResponse, "POST", CHAT, json=body(context, prompt, **more))


def structured(context: CheckContext, prompt: str, kind: type[T], schema: Mapping[str, Any] | None = None) -> T:
    """Return the answer to *prompt* parsed as *kind*, the schema of the request. Raises WrongAnswerError."""
    json_schema = {
        "name": kind.__name__.strip("_").lower(),
        "schema": schema or kind.model_json_schema(),
        "strict": True,
    }
    answer = response(context, prompt, response_format={"type": "json_schema", "json_schema": json_schema})
    return parse(kind, answer.message.answer)


def _no_reasoning(context: CheckContext) -> dict[str, object]:
    """Return the fields that switch reasoning off: the chat template's, and the one that Ollama reads."""
    template = {"chat_template_kwargs": {"enable_thinking": False}}
    return template | ({"reasoning_effort": "none"} if "ollama" in adapters(context.plan, context.model) else {})
