"""vLLM: one model on a GPU, with memory flags from the same figures as the ledger."""

from components.backend import BackendComponent, Extras
from infra.settings.services import VllmService
from infra.sizing import vllm_flags


class Vllm(BackendComponent):
    """One vLLM engine; its Recreate strategy releases the GPU before the next pod claims it."""

    pulumi_type = "synapse:components:Vllm"

    def extras(self) -> Extras:
        service = self.args.service
        assert isinstance(service.options, VllmService)  # noqa: S101 - defined by its catalog entry
        assert service.vram is not None  # noqa: S101 - set for every EngineService
        smallest = min(gpu.memory for gpu in self.args.node.gpus)
        return Extras(command=("vllm", "serve"), arguments=vllm_flags.write(service.options, service.vram, smallest))
