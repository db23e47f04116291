"""Reload of a changed configuration file without dropped requests; an invalid file is refused, the old one kept."""

import asyncio
import logging

from synapse_gateway.gateway import Gateway
from synapse_gateway.routing import config

POLL_S = 2.0
log = logging.getLogger("synapse_gateway.routing.reload")


class ConfigWatcher:
    """Poller of the file: a mounted ConfigMap is replaced through a symlink, which file system events miss."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._path = gateway.settings.config_path
        self._last = self._content()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            self.check()

    def check(self) -> None:
        """Load the file if its content has changed."""
        content = self._content()
        if content is None or content == self._last:
            return
        self._last = content
        outcomes = self._gateway.metrics.config_reloads
        try:
            self._gateway.use(config.parse(content, str(self._path)))
        except config.ConfigError as error:
            outcomes.labels("refused").inc()
            log.error("configuration reload refused, the former one stays active: %s", error)  # noqa: TRY400
            return
        outcomes.labels("applied").inc()
        log.info("configuration reloaded")

    def _content(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
