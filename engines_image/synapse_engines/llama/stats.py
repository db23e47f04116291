"""llama.cpp's metrics, under its own names."""

from dataclasses import dataclass

from synapse_engines.llama.answer import Answer


@dataclass
class Stats:
    """Sums since the model was loaded."""

    prompt_tokens: int = 0
    prompt_s: float = 0.0
    tokens: int = 0
    predicted_s: float = 0.0
    most_tokens: int = 0

    def add(self, answer: Answer) -> None:
        self.prompt_tokens += answer.prompt_tokens
        self.prompt_s += answer.prompt_s
        self.tokens += answer.tokens
        self.predicted_s += answer.predicted_s
        self.most_tokens = max(self.most_tokens, answer.prompt_tokens + answer.tokens)

    def text(self, running: int, waiting: int) -> str:
        """Prometheus text. *running* requests are under way, *waiting* ones are not yet."""
        counters: tuple[tuple[str, str, float], ...] = (
            ("prompt_tokens_total", "Number of prompt tokens processed.", self.prompt_tokens),
            ("prompt_seconds_total", "Prompt process time", self.prompt_s),
            ("tokens_predicted_total", "Number of generation tokens processed.", self.tokens),
            ("tokens_predicted_seconds_total", "Predict process time", self.predicted_s),
            ("n_decode_total", "Total number of llama_decode() calls", self.tokens),
            ("n_tokens_max", "Largest observed n_tokens.", self.most_tokens),
        )
        gauges: tuple[tuple[str, str, float], ...] = (
            (
                "prompt_tokens_seconds",
                "Average prompt throughput in tokens/s.",
                _rate(self.prompt_tokens, self.prompt_s),
            ),
            (
                "predicted_tokens_seconds",
                "Average generation throughput in tokens/s.",
                _rate(self.tokens, self.predicted_s),
            ),
            ("requests_processing", "Number of requests processing.", running),
            ("requests_deferred", "Number of requests deferred.", waiting),
        )
        return _lines("counter", counters) + _lines("gauge", gauges)


def _lines(kind: str, items: tuple[tuple[str, str, float], ...]) -> str:
    return "".join(
        f"# HELP llamacpp:{name} {about}\n# TYPE llamacpp:{name} {kind}\nllamacpp:{name} {value:g}\n"
        for name, about, value in items
    )


def _rate(count: float, seconds: float) -> float:
    return count / seconds if seconds else 0.0
