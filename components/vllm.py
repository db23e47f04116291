"""vLLM: one model on a GPU, its memory flags derived from the same figures as the ledger."""

from components.backend import Backend, Extras
from infra.settings.services import VllmService
from infra.sizing import vllm_flags


class Vllm(Backend):
    """One vLLM engine; a Recreate rollout lets go of the GPU before the next pod wants it."""

    def extras(self) -> Extras:
        service = self.args.service
        assert isinstance(service.options, VllmService)  # noqa: S101 - its catalog entry says so
        assert service.vram is not None  # noqa: S101 - an EngineService always has some
        smallest = min(gpu.memory for gpu in self.args.node.gpus)
        return Extras(command=("vllm", "serve"), arguments=vllm_flags.write(service.options, service.vram, smallest))
