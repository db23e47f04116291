"""Choice of the model for `auto`: the coder model if the last question is about code, else the general one."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from synapse_gateway.routing.registry import Registry
from synapse_gateway.settings import Settings

AUTO = frozenset({"", "auto", "synapse:auto", "synapse-auto"})


class ContentPart(msgspec.Struct):
    text: str = ""


class ChatMessage(msgspec.Struct):
    """The fields of a message that the choice depends on."""

    role: str = ""
    content: str | list[ContentPart] | None = None


def is_auto(model: str | None) -> bool:
    """Return True if the client leaves the choice to the gateway."""
    return model is None or model.lower() in AUTO


def choice(registry: Registry, settings: Settings, messages: Sequence[msgspec.Raw]) -> str | None:
    """Return the model for a chat of *messages*; None where no model can chat.

    Where the stack has neither of the two models, it is the first route that can chat.
    """
    is_code = _pattern(settings.coder_words).search(_last_question(messages)) is not None
    preferred = (settings.coder_model, settings.general_model) if is_code else (settings.general_model,)
    has_router = registry.by_lifecycle("router") is not None
    model = next((name for name in preferred if has_router or name in registry.routes), None)
    return model or _first_chat_model(registry)


def _first_chat_model(registry: Registry) -> str | None:
    for name, route in registry.routes.items():
        if any(target.upstream.path("chat") for target in route):
            return name
    return None


def _last_question(messages: Sequence[msgspec.Raw]) -> str:
    for raw in reversed(messages):
        try:
            message = msgspec.json.decode(raw, type=ChatMessage)
        except msgspec.ValidationError:
            continue
        if message.role == "user":
            return "\n".join(_texts(message.content))
    return ""


def _texts(content: str | list[ContentPart] | None) -> Iterable[str]:
    if isinstance(content, list):
        return (part.text for part in content)
    return (content or "",)


@lru_cache(maxsize=8)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern for whole *words*, in any case; the words of a phrase may be on two lines."""
    choices = "|".join(r"\s+".join(re.escape(part) for part in word.split()) for word in words)
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)
