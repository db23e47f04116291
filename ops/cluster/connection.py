"""A client for the API of a cluster: by a kubeconfig, in the context that the stack file names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config

from ops.errors import UnreachableError


@contextmanager
def connected(kubeconfig: Path, context: str | None) -> Iterator[Any]:
    """*context*: `synapse:context`; None is the current one. Raises UnreachableError where there is no such client."""
    try:
        api = config.new_client_from_config(str(kubeconfig), context=context)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError, yaml.YAMLError) as error:
        wanted = f" with the context {context}, which synapse:context names" if context else ""
        raise UnreachableError(f"{kubeconfig}: {error}; accepted: a kubeconfig file{wanted}") from error
    with api:
        yield api
