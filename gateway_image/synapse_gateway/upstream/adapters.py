"""Adapters: the API paths of each type of backend. To add a type, add its entry to `ADAPTERS`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Task = Literal["chat", "embeddings", "rerank", "transcription", "speech", "speakers", "audio"]
Operation = Literal[
    "chat",
    "completions",
    "responses",
    "embeddings",
    "rerank",
    "models",
    "speech",
    "synthesize",
    "upload-reference",
    "transcriptions",
    "translations",
    "transcribe",
    "detect-language",
    "transcribe-stream",
    "diarize",
    "verify",
    "denoise",
    "convert",
    "ollama-chat",
    "ollama-generate",
    "ollama-embed",
    "ollama-embeddings",
    "ollama-show",
    "ollama-ps",
]
TASKS: Mapping[Operation, Task] = {
    "chat": "chat",
    "completions": "chat",
    "responses": "chat",
    "embeddings": "embeddings",
    "rerank": "rerank",
    "speech": "speech",
    "synthesize": "speech",
    "upload-reference": "speech",
    "transcriptions": "transcription",
    "translations": "transcription",
    "transcribe": "transcription",
    "detect-language": "transcription",
    "transcribe-stream": "transcription",
    "diarize": "speakers",
    "verify": "speakers",
    "denoise": "audio",
    "convert": "audio",
    "ollama-chat": "chat",
    "ollama-generate": "chat",
    "ollama-embed": "embeddings",
    "ollama-embeddings": "embeddings",
}
"""Task of each operation; the operations that are missing belong to every task."""
LANGUAGE: Mapping[Operation, str] = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "models": "/v1/models",
}
RESPONSES: Mapping[Operation, str] = {"responses": "/v1/responses"}
SPEECH: Mapping[Operation, str] = {"speech": "/v1/audio/speech"}
TRANSCRIPTION: Mapping[Operation, str] = {
    "transcriptions": "/v1/audio/transcriptions",
    "translations": "/v1/audio/translations",
    "transcribe": "/v1/audio/transcriptions",
    "transcribe-stream": "/v1/audio/transcriptions",
}
RERANK: Mapping[Operation, str] = {"rerank": "/v1/rerank"}
OLLAMA: Mapping[Operation, str] = {
    "ollama-chat": "/api/chat",
    "ollama-generate": "/api/generate",
    "ollama-embed": "/api/embed",
    "ollama-embeddings": "/api/embeddings",
    "ollama-show": "/api/show",
    "ollama-ps": "/api/ps",
}
LifecycleKind = Literal["none", "router", "sleep"]


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One type of backend: the paths of its API, and the lifecycle of its models.

    *repetition_penalty*: the field of its chat API for the option that Ollama calls `repeat_penalty`.
    """

    paths: Mapping[Operation, str]
    health: str = "/health"
    repetition_penalty: str = "repeat_penalty"
    lifecycle: LifecycleKind = "none"
    default_tasks: tuple[Task, ...] = field(default=())

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Tasks of a backend of this type, unless the configuration narrows them."""
        return self.default_tasks or tuple(dict.fromkeys(TASKS[name] for name in self.paths if name in TASKS))


ADAPTERS: Mapping[str, Adapter] = {
    "openai": Adapter(paths={**LANGUAGE, **RESPONSES, **RERANK, **SPEECH, **TRANSCRIPTION}),
    "llama-router": Adapter(paths={**LANGUAGE, **RERANK}, lifecycle="router", default_tasks=("chat",)),
    "vllm": Adapter(
        paths={**LANGUAGE, **RESPONSES, **RERANK, **TRANSCRIPTION},
        repetition_penalty="repetition_penalty",
        lifecycle="sleep",
        default_tasks=("chat",),
    ),
    "sglang": Adapter(
        paths={**LANGUAGE, **RESPONSES, **RERANK},
        repetition_penalty="repetition_penalty",
        default_tasks=("chat",),
    ),
    "ollama": Adapter(
        paths={**LANGUAGE, **RESPONSES, **OLLAMA},
        health="/",
        default_tasks=("chat", "embeddings"),
    ),
    "litellm": Adapter(
        paths={**LANGUAGE, **RESPONSES, **RERANK, **SPEECH, **TRANSCRIPTION}, health="/health/liveliness"
    ),
    "chatterbox": Adapter(
        paths={**SPEECH, "synthesize": "/tts", "upload-reference": "/upload_reference"},
        health="/api/ui/initial-data",
    ),
    "whisper": Adapter(
        paths={
            "transcribe": "/transcribe",
            "transcriptions": "/transcribe",
            "detect-language": "/detect-language",
            "transcribe-stream": "/stream",
        }
    ),
    "pyannote": Adapter(paths={"diarize": "/diarize", "verify": "/verify"}),
    "deepfilter": Adapter(paths={"denoise": "/denoise", "convert": "/convert"}),
}
"""Adapters by the `type` of a backend in the configuration file."""
