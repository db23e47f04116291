"""A changed configuration file is put in force without dropping a request; a bad one is refused, the old one kept."""

import asyncio
import logging

from synapse_gateway.gateway import Gateway
from synapse_gateway.routing import config

LOOK_S = 2.0
log = logging.getLogger("synapse_gateway.routing.reload")


class Watch:
    """Looks at the file every two seconds: a mounted ConfigMap is swapped under its name, which no event tells."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._path = gateway.settings.config_path
        self._seen = self._content()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Load the file if it is not what it was."""
        content = self._content()
        if content is None or content == self._seen:
            return
        self._seen = content
        outcomes = self._gateway.metrics.config_reloads
        try:
            self._gateway.use(config.parse(content, str(self._path)))
        except config.ConfigError as error:
            outcomes.labels("refused").inc()
            log.error("the changed configuration is refused, the former one stays: %s", error)  # noqa: TRY400
            return
        outcomes.labels("applied").inc()
        log.info("the changed configuration is in force")

    def _content(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
