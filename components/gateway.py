"""The gateway: the one entry point, configured by the route table."""

from components.backend import Backend, Extras
from infra.options import GatewayService


class Gateway(Backend):
    """The gateway's replicas; `url` is the address of the whole platform inside the cluster."""

    def extras(self) -> Extras:
        options = self.args.service.options
        assert isinstance(options, GatewayService)  # noqa: S101 - its catalogue entry says so
        return Extras(
            environment={"SYNAPSE_LOG_LEVEL": options.log_level},
            files={"/config": {"backends.yaml": self.args.routes.gateway_config()}},
        )
