"""The gateway: the one entry point, configured by the route table."""

from dataclasses import dataclass

import pulumi

from components.backend import Backend, BackendArgs, Extras
from infra.options import GatewayService
from infra.routes import RouteTable

UNBUILT = f"@sha256:{64 * '0'}"


@dataclass(frozen=True, kw_only=True)
class GatewayArgs(BackendArgs):
    """A backend of the catalogue, and the routes it serves."""

    routes: RouteTable


class Gateway(Backend):
    """The gateway's replicas; `url` is the address of the whole platform inside the cluster."""

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._routes = args.routes
        super().__init__(name, args, opts)
        if args.service.image.endswith(UNBUILT):
            pulumi.log.warn(
                f"{args.service.image} is no image: its pods will not start on a real node. "
                "Build gateway_image/, push it, and set synapse:services.gateway.image to the digest.",
                self,
            )

    def extras(self) -> Extras:
        options = self.args.service.options
        assert isinstance(options, GatewayService)  # noqa: S101 - its catalogue entry says so
        return Extras(
            environment={"SYNAPSE_LOG_LEVEL": options.log_level},
            files={"/config": {"backends.yaml": self._routes.gateway_config()}},
        )
