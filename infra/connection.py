"""A client for the API of a cluster: by a kubeconfig, in the context that the stack file names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config

from infra.smoke.errors import UnreachableError
from tools.control_plane.files import write_private


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


def also_called(kubeconfig: Path, context: str | None) -> Path:
    """Let the one context of a private *kubeconfig* go by the name that the stack file has for the real cluster's."""
    content = yaml.safe_load(kubeconfig.read_text())
    known = {item["name"]: item["context"] for item in content["contexts"]}
    if context and context not in known:
        content["contexts"].append({"name": context, "context": known[content["current-context"]]})
        write_private(kubeconfig, yaml.safe_dump(content))
    return kubeconfig
