"""Generated text with its token counts and times."""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal


@dataclass(kw_only=True)
class Generation:
    """State of a running or complete generation; times are in seconds."""

    prompt_tokens: int
    text: str = ""
    tokens: int = 0
    max_tokens: int = 0
    finish_reason: Literal["stop", "length"] = "length"
    started: float = field(default_factory=perf_counter)
    prompt_s: float = 0.0
    predicted_s: float = 0.0

    @property
    def is_at_limit(self) -> bool:
        return self.tokens >= self.max_tokens

    def usage(self) -> dict[str, Any]:
        return {
            "completion_tokens": self.tokens,
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + self.tokens,
        }

    def timings(self) -> dict[str, Any]:
        """Return llama.cpp's timings in milliseconds and tokens per second."""
        return {
            "prompt_n": self.prompt_tokens,
            "prompt_ms": self.prompt_s * 1000,
            "prompt_per_second": _rate(self.prompt_tokens, self.prompt_s),
            "predicted_n": self.tokens,
            "predicted_ms": self.predicted_s * 1000,
            "predicted_per_second": _rate(self.tokens, self.predicted_s),
        }

    def count_token(self) -> None:
        """Count a generated token; the time until the first one is that of the prompt."""
        now = perf_counter() - self.started
        if not self.tokens:
            self.prompt_s = now
        self.tokens += 1
        self.predicted_s = now - self.prompt_s


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
