"""Traits of a service that decide how its answers are tested, and that no response tells: they follow from the plan."""

from collections.abc import Mapping
from typing import Final

from infra.plan.service import ServicePlan
from infra.settings.engine_services import EngineService

VOICES: Final[Mapping[str, tuple[str, ...]]] = {"chatterbox": ("Alice.wav", "Michael.wav", "Emily.wav")}
"""Voices of women and men by the adapter of a speech service, a woman's and a man's first."""
USUAL_VOICES: Final = ("nova", "onyx", "alloy")
ONE_VOICE: Final = frozenset({("piper", "cpu"), ("chatterbox", "cuda")})
"""Kinds and engines that have one voice under all its names, or one at all before its owner adds recordings."""
CPU: Final = "cpu"


def voices(service: ServicePlan) -> tuple[str, ...]:
    """Return the voices to test: one where its engine has no other."""
    names = VOICES.get(service.backend.adapter, USUAL_VOICES)
    return names[:1] if (service.backend.kind, service.options.engine) in ONE_VOICE else names


def calls_tools(service: ServicePlan) -> bool:
    """Tell if its models can call tools: vLLM and SGLang need a parser."""
    return not isinstance(service.options, EngineService) or service.options.parsers.tool_call is not None


def clones(service: ServicePlan) -> bool:
    """Tell if it clones a voice itself; the CPU engine takes the nearest of its own voices."""
    return service.options.engine != CPU
