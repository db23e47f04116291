"""Login to the registry that the stack's images are pulled from."""

import base64
import json
from typing import Final

REGISTRY_PASSWORD: Final = "registryPassword"  # noqa: S105 - key in the stack file
"""Secret with the password or access token of `registryUser`."""
DOCKER_HUB: Final = {"docker.io": "https://index.docker.io/v1/"}
"""Registry -> its name in a login; all others have the name of their host."""


def host(registry: str) -> str:
    """Return the host (and port) of a registry with a path."""
    return registry.partition("/")[0]


def docker_config(registry: str, user: str, password: str) -> str:
    """Return the content of a Secret of type `kubernetes.io/dockerconfigjson`."""
    name = host(registry)
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    login = {"username": user, "password": password, "auth": token}
    return json.dumps({"auths": {DOCKER_HUB.get(name, name): login}})
