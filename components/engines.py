"""Language engines: their flags and variables follow from the options of the service (`infra/settings`)."""

from components.backend import BackendComponent


class Ollama(BackendComponent):
    """One Ollama server."""

    pulumi_type = "synapse:components:Ollama"


class Vllm(BackendComponent):
    """One vLLM engine; its Recreate strategy releases the GPU before the next pod claims it."""

    pulumi_type = "synapse:components:Vllm"


class Sglang(BackendComponent):
    """One SGLang engine; its Recreate strategy releases the GPU before the next pod claims it."""

    pulumi_type = "synapse:components:Sglang"
