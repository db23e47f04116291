"""Which model `auto` is: the coder where the last question speaks of code, else the general one."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from synapse_gateway.routing.registry import Registry
from synapse_gateway.settings import Settings

AUTO = frozenset({"", "auto", "synapse:auto", "synapse-auto"})


class Part(msgspec.Struct):
    text: str = ""


class Message(msgspec.Struct):
    """A message, as far as the choice looks at it."""

    role: str = ""
    content: str | list[Part] | None = None


def is_auto(model: str | None) -> bool:
    """Whether the client leaves the choice to the gateway."""
    return model is None or model.lower() in AUTO


def choice(registry: Registry, settings: Settings, messages: Sequence[msgspec.Raw]) -> str | None:
    """The model for a chat of *messages*; None where there is none to choose.

    Where the stack has neither of the two models, it is the first one that chats.
    """
    is_code = _words(settings.coder_words).search(_last_question(messages)) is not None
    wanted = (settings.coder_model, settings.general_model) if is_code else (settings.general_model,)
    has_router = registry.first("router") is not None
    return next((name for name in wanted if has_router or name in registry.routes), None) or _first(registry)


def _first(registry: Registry) -> str | None:
    for name, route in registry.routes.items():
        if any(target.backend.path("chat") for target in route):
            return name
    return None


def _last_question(messages: Sequence[msgspec.Raw]) -> str:
    for message in reversed(messages):
        try:
            found = msgspec.json.decode(message, type=Message)
        except msgspec.ValidationError:
            continue
        if found.role == "user":
            return "\n".join(_texts(found.content))
    return ""


def _texts(content: str | list[Part] | None) -> Iterable[str]:
    if isinstance(content, list):
        return (part.text for part in content)
    return (content or "",)


@lru_cache(maxsize=8)
def _words(words: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words alone, in any case; those of a phrase may stand on two lines."""
    found = "|".join(r"\s+".join(re.escape(part) for part in word.split()) for word in words)
    return re.compile(rf"(?<!\w)(?:{found})(?!\w)", re.IGNORECASE)
