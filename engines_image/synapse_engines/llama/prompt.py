"""Prompt of a chat: the messages in the chat template of the model file."""

from typing import Any

from jinja2 import TemplateError
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from synapse_engines.errors import BadInputError
from synapse_engines.llama.llama_model import LlamaModel
from synapse_engines.llama.requests import ChatRequest

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Template of models without one."""


def prompt_tokens(model: LlamaModel, body: ChatRequest) -> list[int]:
    """Return the tokens of the prompt. Raises BadInputError for messages that the template refuses."""
    llama = model.llama
    template = llama.metadata.get("tokenizer.chat_template", CHATML)
    formatter = Jinja2ChatFormatter(
        template=template,
        eos_token=_token_text(model, llama.token_eos()),
        bos_token=_token_text(model, llama.token_bos()),
    )
    messages: Any = [_join_text_parts(message) for message in body.messages]
    try:
        formatted = formatter(messages=messages, tools=body.tools)  # type: ignore[arg-type]
    except (TemplateError, ValueError, TypeError) as error:
        raise BadInputError(f"the messages do not fit the model's template: {error}") from error
    return model.check_prompt(model.tokens(formatted.prompt, is_bare=True))


def _token_text(model: LlamaModel, token: int) -> str:
    return model.llama._model.token_get_text(token) if token >= 0 else ""  # noqa: SLF001 - there is no public method


def _join_text_parts(message: dict[str, Any]) -> dict[str, Any]:
    """Return *message* with one text as content. Raises BadInputError for an invalid role or content."""
    if not isinstance(message.get("role"), str):
        raise BadInputError("each message needs a 'role'")
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_text_of(part) for part in content)
    elif not isinstance(content, str | None):
        raise BadInputError(
            "the 'content' of a message is invalid; accepted: a string, or a list of parts of type 'text'"
        )
    return {**message, "content": content or ""}


def _text_of(part: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise BadInputError("the model accepts only text: each part of 'content' needs type 'text' and a 'text'")
    return str(part["text"])
