"""LiteLLM: an alternative gateway, configured by the same routes."""

from components.backend import BackendComponent, Extras


class Litellm(BackendComponent):
    """Replicas of LiteLLM; the catalog restarts it each night, since its memory grows under load."""

    pulumi_type = "synapse:components:Litellm"

    def extras(self) -> Extras:
        return Extras(files={"/config": {"config.yaml": self.args.routes.litellm_config(self.args.service.timeout_s)}})
