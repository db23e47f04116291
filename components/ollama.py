"""Ollama: models on the CPU, loaded on demand from its volume."""

from components.backend import BackendComponent, Extras
from infra.settings.services import OllamaService


class Ollama(BackendComponent):
    """One Ollama server."""

    pulumi_type = "synapse:components:Ollama"

    def extras(self) -> Extras:
        options = self.args.service.options
        assert isinstance(options, OllamaService)  # noqa: S101 - defined by its catalog entry
        return Extras(environment=environment(options))


def environment(options: OllamaService) -> dict[str, str]:
    """Return Ollama's settings (https://docs.ollama.com/faq); a keep-alive of -1 s never unloads a model."""
    keep_alive = "-1" if options.keep_alive_s < 0 else f"{options.keep_alive_s}s"
    return {
        "OLLAMA_KEEP_ALIVE": keep_alive,
        "OLLAMA_NUM_PARALLEL": str(options.parallel),
        "OLLAMA_MAX_LOADED_MODELS": str(options.loaded_models),
        "OLLAMA_CONTEXT_LENGTH": str(options.context_tokens),
    }
