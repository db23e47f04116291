"""The gateway: the single entry point, configured by the route table."""

from collections.abc import Mapping
from urllib.parse import quote

import pulumi

from components.backend import BackendComponent, Extras
from components.deployment_access import DeploymentAccess, DeploymentAccessArgs
from infra.catalog.gateway import FEED_BUS_KIND, FEED_CHANNEL, FEED_PASSWORD, FEED_URL
from infra.plan.service import ServicePlan
from infra.plan.timeout_classes import classes
from infra.settings.api_keys import API_KEYS, hashed


class Gateway(BackendComponent):
    """Replicas of the gateway; `url` is the address of the platform inside the cluster."""

    pulumi_type = "synapse:components:Gateway"

    def extras(self) -> Extras:
        return Extras(
            environment={
                "SYNAPSE_DASHBOARD_COOKIE_SECURE": str(self.args.plan.settings.ingress is not None).lower(),
                **classes(self.args.plan.services),
                **self._feed(),
                **self._router_environment(),
            },
            fields={"SYNAPSE_INSTANCE_ID": "metadata.name"},  # a replica recognises its own events on the bus by it
            files={"/config": {"backends.yaml": self.args.routes.gateway_config()}},
            watches_files=True,
        )

    def account(self) -> pulumi.Input[str] | None:
        """Return an account that may change the context size of the router, which is an argument of its Deployment."""
        router, name = self._router(), self.args.service.service_name
        if router is None:
            return None
        access = DeploymentAccessArgs(
            account=name, component="gateway", deployment=router.service_name, namespace=self.args.namespace
        )
        return DeploymentAccess(f"{self._name}-router", access, pulumi.ResourceOptions(parent=self)).account

    def secrets(self) -> Mapping[str, pulumi.Output[str]]:
        """Return the secrets with hashed API keys, and the address of the feed's bus with its password."""
        secrets, bus = dict(super().secrets()), self._bus()
        if API_KEYS in secrets:
            secrets[API_KEYS] = secrets[API_KEYS].apply(hashed)
        password = secrets.pop(FEED_PASSWORD, None)
        if password is not None and bus:
            secrets[FEED_PASSWORD] = password.apply(lambda text: f"redis://:{quote(text, safe='')}@{bus}/0")
        return secrets

    def _router(self) -> ServicePlan | None:
        return next((each for each in self.args.plan.services if each.backend.gateway_sets_context), None)

    def _router_environment(self) -> dict[str, str]:
        """Return the variables that name the router's Deployment and the container with the arguments."""
        router, prefix = self._router(), "SYNAPSE_LLAMA_ROUTER"
        if router is None:
            return {}
        return {
            f"{prefix}_DEPLOYMENT_NAMESPACE": self.args.plan.settings.namespace,
            f"{prefix}_DEPLOYMENT_NAME": router.service_name,
            f"{prefix}_CONTAINER_NAME": router.backend.kind,
        }

    def _feed(self) -> dict[str, str]:
        """Return the variables of the terminal feed, where the stack has a bus."""
        bus = self._bus()
        if not bus:
            return {}
        url = {} if FEED_PASSWORD in self.args.secrets else {FEED_URL: f"redis://{bus}/0"}
        modes = {"SYNAPSE_TERMINAL_FEED_MODE": "live", "SYNAPSE_TERMINAL_FEED_BUS_MODE": "redis"}
        return {**modes, "SYNAPSE_TERMINAL_FEED_REDIS_CHANNEL": FEED_CHANNEL, **url}

    def _bus(self) -> str | None:
        """Return host and port of the bus."""
        plan = self.args.plan
        buses = (service for service in plan.services if service.backend.kind == FEED_BUS_KIND)
        return next((service.address(plan.settings.namespace) for service in buses), None)
