"""SGLang: one model on a GPU, with memory flags from the same figures as the ledger."""

from components.backend import BackendComponent, Extras
from infra.settings.services import SglangService
from infra.sizing import sglang_flags


class Sglang(BackendComponent):
    """One SGLang engine; its Recreate strategy releases the GPU before the next pod claims it."""

    pulumi_type = "synapse:components:Sglang"

    def extras(self) -> Extras:
        service = self.args.service
        assert isinstance(service.options, SglangService)  # noqa: S101 - defined by its catalog entry
        assert service.vram is not None  # noqa: S101 - set for every EngineService
        smallest = min(gpu.memory for gpu in self.args.node.gpus)
        return Extras(arguments=sglang_flags.write(service.options, service.vram, smallest))
