"""Engines that run models; their flags and variables follow from their options and the ledger's figures.

The type tokens are part of every URN in the state of deployed stacks, which is why these engines have a class each.
"""

from components.backend import BackendComponent


class Ollama(BackendComponent):
    """One Ollama server: models on the CPU, loaded on demand from its volume (`OllamaService.derived_environment`)."""

    pulumi_type = "synapse:components:Ollama"


class Vllm(BackendComponent):
    """One vLLM engine (`VllmService.flags`); a Recreate rollout releases the GPU before the next pod claims it."""

    pulumi_type = "synapse:components:Vllm"


class Sglang(BackendComponent):
    """One SGLang engine (`SglangService.flags`); a Recreate rollout releases the GPU first, as for vLLM."""

    pulumi_type = "synapse:components:Sglang"
