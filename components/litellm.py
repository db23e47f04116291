"""LiteLLM: another gateway engine, configured by the same routes as our own."""

from components.backend import Backend, Extras


class Litellm(Backend):
    """LiteLLM's replicas; its catalog entry has it restarted each night, since its memory grows under load."""

    def extras(self) -> Extras:
        return Extras(files={"/config": {"config.yaml": self.args.routes.litellm_config(self.args.service.timeout_s)}})
