"""The gateway: the one entry point, configured by the route table."""

from collections.abc import Mapping
from urllib.parse import quote

import pulumi

from components.backend import Backend, Extras
from components.deployment_access import DeploymentAccess, DeploymentAccessArgs
from infra.catalog.gateway import FEED_BUS_KIND, FEED_CHANNEL, FEED_PASSWORD, FEED_URL
from infra.plan.service import ServicePlan
from infra.plan.timeouts import classes
from infra.settings.api_keys import API_KEYS, hashed
from infra.settings.services import GatewayService


class Gateway(Backend):
    """The gateway's replicas; `url` is the address of the whole platform inside the cluster."""

    def extras(self) -> Extras:
        options = self.args.service.options
        assert isinstance(options, GatewayService)  # noqa: S101 - its catalog entry says so
        return Extras(
            environment={
                "SYNAPSE_LOG_LEVEL": options.log_level,
                "SYNAPSE_DASHBOARD_COOKIE_SECURE": str(self.args.plan.settings.ingress is not None).lower(),
                **classes(self.args.plan.services),
                **self._feed(),
                **self._router_environment(),
            },
            fields={"SYNAPSE_INSTANCE_ID": "metadata.name"},  # replicas tell their own lines on the bus by it
            files={"/config": {"backends.yaml": self.args.routes.gateway_config()}},
            watches_files=True,
        )

    def account(self) -> pulumi.Input[str] | None:
        """One that may change the context size of the stack's router, which is an argument of its Deployment."""
        router, name = self._router(), self.args.service.service_name
        if router is None:
            return None
        rights = DeploymentAccessArgs(
            account=name, component="gateway", deployment=router.service_name, namespace=self.args.namespace
        )
        return DeploymentAccess(f"{self._name}-router", rights, pulumi.ResourceOptions(parent=self)).account

    def secrets(self) -> Mapping[str, pulumi.Output[str]]:
        """The password of the feed's bus goes into the bus's address, and of the keys nothing but their hashes."""
        known, bus = dict(super().secrets()), self._bus()
        if API_KEYS in known:
            known[API_KEYS] = known[API_KEYS].apply(hashed)
        password = known.pop(FEED_PASSWORD, None)
        if password is not None and bus:
            known[FEED_PASSWORD] = password.apply(lambda text: f"redis://:{quote(text, safe='')}@{bus}/0")
        return known

    def _router(self) -> ServicePlan | None:
        return next((found for found in self.args.plan.services if found.backend.adapter == "llama-router"), None)

    def _router_environment(self) -> dict[str, str]:
        """Where the router's Deployment is, and the container whose arguments are changed."""
        router, prefix = self._router(), "SYNAPSE_LLAMA_ROUTER"
        if router is None:
            return {}
        return {
            f"{prefix}_DEPLOYMENT_NAMESPACE": self.args.plan.settings.namespace,
            f"{prefix}_DEPLOYMENT_NAME": router.service_name,
            f"{prefix}_CONTAINER_NAME": router.backend.kind,
        }

    def _feed(self) -> dict[str, str]:
        """The terminal feed, over the bus of the stack if it has one."""
        bus = self._bus()
        if not bus:
            return {}
        url = {} if FEED_PASSWORD in self.args.secrets else {FEED_URL: f"redis://{bus}/0"}
        modes = {"SYNAPSE_TERMINAL_FEED_MODE": "live", "SYNAPSE_TERMINAL_FEED_BUS_MODE": "redis"}
        return {**modes, "SYNAPSE_TERMINAL_FEED_REDIS_CHANNEL": FEED_CHANNEL, **url}

    def _bus(self) -> str | None:
        """Host and port of the bus."""
        plan = self.args.plan
        buses = (service for service in plan.services if service.backend.kind == FEED_BUS_KIND)
        return next((service.address(plan.settings.namespace) for service in buses), None)
