"""Ollama: models on the CPU, loaded on demand from a disk of its own."""

from components.backend import Backend, Extras
from infra.settings.services import OllamaService


class Ollama(Backend):
    """One Ollama server; other components need only its `url`."""

    def extras(self) -> Extras:
        options = self.args.service.options
        assert isinstance(options, OllamaService)  # noqa: S101 - its catalog entry says so
        return Extras(environment=environment(options))


def environment(options: OllamaService) -> dict[str, str]:
    """Ollama's settings: https://docs.ollama.com/faq. A keep-alive of -1 s never unloads."""
    keep_alive = "-1" if options.keep_alive_s < 0 else f"{options.keep_alive_s}s"
    return {
        "OLLAMA_KEEP_ALIVE": keep_alive,
        "OLLAMA_NUM_PARALLEL": str(options.parallel),
        "OLLAMA_MAX_LOADED_MODELS": str(options.loaded_models),
        "OLLAMA_CONTEXT_LENGTH": str(options.context_tokens),
    }
