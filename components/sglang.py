"""SGLang: one model on a GPU, its memory flags derived from the same figures as the ledger."""

from components.backend import Backend, Extras
from infra.settings.services import SglangService
from infra.sizing import sglang_flags


class Sglang(Backend):
    """One SGLang engine; a Recreate rollout lets go of the GPU before the next pod wants it."""

    def extras(self) -> Extras:
        service = self.args.service
        assert isinstance(service.options, SglangService)  # noqa: S101 - its catalog entry says so
        assert service.vram is not None  # noqa: S101 - an EngineService always has some
        smallest = min(gpu.memory for gpu in self.args.node.gpus)
        return Extras(arguments=sglang_flags.write(service.options, service.vram, smallest))
