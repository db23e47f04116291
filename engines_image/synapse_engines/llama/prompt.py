"""Messages as the text that a model was taught: its own template, which is in its file."""

from typing import Any

from jinja2 import TemplateError
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from synapse_engines.errors import BadInputError
from synapse_engines.llama.engine import Engine
from synapse_engines.llama.requests import Chat

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""For models that have none."""


def prompt(engine: Engine, asked: Chat) -> list[int]:
    """The tokens of the prompt. Raises BadInputError for messages that the template does not take."""
    llama = engine.llama
    template = llama.metadata.get("tokenizer.chat_template", CHATML)
    formatter = Jinja2ChatFormatter(
        template=template, eos_token=_text(engine, llama.token_eos()), bos_token=_text(engine, llama.token_bos())
    )
    messages: Any = [_flat(message) for message in asked.messages]
    try:
        written = formatter(messages=messages, tools=asked.tools)  # type: ignore[arg-type]
    except (TemplateError, ValueError, TypeError) as error:
        raise BadInputError(f"the messages do not fit the model's template: {error}") from error
    return engine.checked(engine.tokens(written.prompt, is_bare=True))


def _text(engine: Engine, token: int) -> str:
    return engine.llama._model.token_get_text(token) if token >= 0 else ""  # noqa: SLF001 - there is no other way to it


def _flat(message: dict[str, Any]) -> dict[str, Any]:
    """*message* with its parts of text as one. Raises BadInputError for a role or content that cannot be used."""
    if not isinstance(message.get("role"), str):
        raise BadInputError("each message needs a 'role'")
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    elif not isinstance(content, str | None):
        raise BadInputError("a message's 'content' is a string, or a list of parts of type 'text'")
    return {**message, "content": content or ""}


def _part(part: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise BadInputError("the model reads text alone: each part of 'content' needs type 'text' and a 'text'")
    return str(part["text"])
