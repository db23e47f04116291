"""Health of a gateway and of its backends, as its `/health` reports it."""

from typing import Final

import httpx
from pydantic import ValidationError

from ops.errors import UnreachableError
from ops.gateway.connect import http_client
from ops.gateway.responses import GatewayHealth

HEALTHY: Final = "healthy"
TIMEOUT_S: Final = 30.0
"""The gateway probes its backends meanwhile, each for up to five seconds."""


def read_health(url: str) -> GatewayHealth:
    """Return the answer of GET /health, which needs no key. Raises UnreachableError."""
    try:
        with http_client(url, TIMEOUT_S) as http:
            return GatewayHealth.model_validate_json(http.get("/health").raise_for_status().content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreachableError(f"{url} does not report its health: {error}") from error
    except ValidationError as error:
        raise UnreachableError(
            f"{url} is not a Synapse gateway: its /health cannot be read; name a gateway's address with --url"
        ) from error
