"""Client of a cluster's API: by a kubeconfig, in the context that the stack file names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config

from ops.errors import UnreachableError


@contextmanager
def connect(kubeconfig: Path, context: str | None) -> Iterator[Any]:
    """Yield an API client for *context* (`synapse:context`; None: the current context). Raises UnreachableError."""
    try:
        api = config.new_client_from_config(str(kubeconfig), context=context)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError, yaml.YAMLError) as error:
        needed = f" with the context {context}, which synapse:context names" if context else ""
        raise UnreachableError(f"{kubeconfig}: {error}; accepted: a kubeconfig file{needed}") from error
    with api:
        yield api
