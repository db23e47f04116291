"""One answer of a model, while it is made and when it is there."""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal


@dataclass(kw_only=True)
class Answer:
    """*text* so far, and how it ended; tokens are counted, times are in seconds."""

    prompt_tokens: int
    text: str = ""
    tokens: int = 0
    most_tokens: int = 0
    finish_reason: Literal["stop", "length"] = "length"
    began: float = field(default_factory=perf_counter)
    prompt_s: float = 0.0
    predicted_s: float = 0.0

    @property
    def is_full(self) -> bool:
        return self.tokens >= self.most_tokens

    def usage(self) -> dict[str, Any]:
        return {
            "completion_tokens": self.tokens,
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + self.tokens,
        }

    def timings(self) -> dict[str, Any]:
        """llama.cpp's own, in milliseconds and tokens a second."""
        return {
            "prompt_n": self.prompt_tokens,
            "prompt_ms": self.prompt_s * 1000,
            "prompt_per_second": _rate(self.prompt_tokens, self.prompt_s),
            "predicted_n": self.tokens,
            "predicted_ms": self.predicted_s * 1000,
            "predicted_per_second": _rate(self.tokens, self.predicted_s),
        }

    def count(self) -> None:
        """Another token is there; the time up to the first was the prompt's."""
        now = perf_counter() - self.began
        if not self.tokens:
            self.prompt_s = now
        self.tokens += 1
        self.predicted_s = now - self.prompt_s


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
