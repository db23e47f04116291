"""The gateway: the one entry point, configured by the route table."""

from collections.abc import Mapping
from urllib.parse import quote

import pulumi

from components.backend import Backend, Extras
from infra.kinds.entry import FEED_BUS_KIND, FEED_PASSWORD, FEED_URL
from infra.options import GatewayService
from infra.timeouts import classes


class Gateway(Backend):
    """The gateway's replicas; `url` is the address of the whole platform inside the cluster."""

    def extras(self) -> Extras:
        options = self.args.service.options
        assert isinstance(options, GatewayService)  # noqa: S101 - its catalogue entry says so
        return Extras(
            environment={"SYNAPSE_LOG_LEVEL": options.log_level, **classes(self.args.plan.services), **self._feed()},
            fields={"SYNAPSE_INSTANCE_ID": "metadata.name"},  # replicas tell their own lines on the bus by it
            files={"/config": {"backends.yaml": self.args.routes.gateway_config()}},
        )

    def secrets(self) -> Mapping[str, pulumi.Output[str]]:
        """The password of the feed's bus goes into the bus's address."""
        known, bus = dict(super().secrets()), self._bus()
        password = known.pop(FEED_PASSWORD, None)
        if password is not None and bus:
            known[FEED_PASSWORD] = password.apply(lambda text: f"redis://:{quote(text, safe='')}@{bus}/0")
        return known

    def _feed(self) -> dict[str, str]:
        """The terminal feed, over the bus of the stack if it has one."""
        bus = self._bus()
        if not bus:
            return {}
        url = {} if FEED_PASSWORD in self.args.secrets else {FEED_URL: f"redis://{bus}/0"}
        return {"SYNAPSE_TERMINAL_FEED_MODE": "live", "SYNAPSE_TERMINAL_FEED_BUS_MODE": "redis", **url}

    def _bus(self) -> str | None:
        """Host and port of the bus."""
        plan = self.args.plan
        buses = (service for service in plan.services if service.backend.kind == FEED_BUS_KIND)
        return next((service.address(plan.settings.namespace) for service in buses), None)
