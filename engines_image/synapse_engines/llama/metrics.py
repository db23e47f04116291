"""Metrics under the names of llama.cpp's server."""

from dataclasses import dataclass

from synapse_engines.llama.generation import Generation


@dataclass
class LlamaMetrics:
    """Counters since the model was loaded."""

    prompt_tokens: int = 0
    prompt_s: float = 0.0
    tokens: int = 0
    predicted_s: float = 0.0
    max_tokens: int = 0

    def add(self, generation: Generation) -> None:
        self.prompt_tokens += generation.prompt_tokens
        self.prompt_s += generation.prompt_s
        self.tokens += generation.tokens
        self.predicted_s += generation.predicted_s
        self.max_tokens = max(self.max_tokens, generation.prompt_tokens + generation.tokens)

    def text(self, running: int, waiting: int) -> str:
        """Return the metrics in Prometheus' text format, with the numbers of running and waiting requests."""
        counters: tuple[tuple[str, str, float], ...] = (
            ("prompt_tokens_total", "Number of prompt tokens processed.", self.prompt_tokens),
            ("prompt_seconds_total", "Prompt process time", self.prompt_s),
            ("tokens_predicted_total", "Number of generation tokens processed.", self.tokens),
            ("tokens_predicted_seconds_total", "Predict process time", self.predicted_s),
            ("n_decode_total", "Total number of llama_decode() calls", self.tokens),
            ("n_tokens_max", "Largest observed n_tokens.", self.max_tokens),
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
        return _metric_lines("counter", counters) + _metric_lines("gauge", gauges)


def _metric_lines(kind: str, items: tuple[tuple[str, str, float], ...]) -> str:
    return "".join(
        f"# HELP llamacpp:{name} {help_text}\n# TYPE llamacpp:{name} {kind}\nllamacpp:{name} {value:g}\n"
        for name, help_text, value in items
    )


def _rate(count: float, seconds: float) -> float:
    return count / seconds if seconds else 0.0
