"""Client of a cluster's API: by a kubeconfig, in the context that the stack file names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import urllib3
import yaml
from kubernetes import config
from urllib3.exceptions import HTTPError

from ops.cluster.api_errors import error_text
from ops.errors import UnreachableError

TIMEOUT: Final = urllib3.Timeout(connect=5.0, read=15.0)
"""Seconds of the first request, which tells whether an API server answers at all; the client sets no limit itself."""
SCHEMES: Final = ("https://", "http://")
UNREADABLE: Final = (config.ConfigException, OSError, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError)
"""Errors of the client's loader; it takes a file of another shape for a kubeconfig until a part of it is missing."""
SHOWN: Final = 200
"""Characters of an error in the message."""


@contextmanager
def connect(kubeconfig: Path, context: str | None) -> Iterator[Any]:
    """Yield an API client for *context* (`synapse:context`; None: the current context). Raises UnreachableError."""
    with read_kubeconfig(kubeconfig, context) as api:
        _check_answer(api, kubeconfig)
        yield api


@contextmanager
def read_kubeconfig(kubeconfig: Path, context: str | None) -> Iterator[Any]:
    """Yield an API client that has sent no request yet. Raises UnreachableError where the file is no kubeconfig."""
    try:
        api = config.new_client_from_config(str(kubeconfig), context=context)  # type: ignore[no-untyped-call]
    except UNREADABLE as error:
        needed = f" with the context {context}, which synapse:context names" if context else ""
        raise UnreachableError(
            f"{kubeconfig}: {_reason(error)}; accepted: a kubeconfig file{needed}, such as a copy of K3s' "
            f"/etc/rancher/k3s/k3s.yaml; see `kubectl --kubeconfig {kubeconfig} config view`"
        ) from error
    with api:
        yield api


def check_reachable(kubeconfig: Path, context: str | None) -> None:
    """Raise UnreachableError unless *kubeconfig* can be read and its API server answers."""
    with connect(kubeconfig, context):
        return


def _check_answer(api: Any, kubeconfig: Path) -> None:  # noqa: ANN401 - the client is untyped
    """Send one request without retries: the client's own repeat, and each prints a warning. Any response will do."""
    host = api.configuration.host
    if not host.startswith(SCHEMES):
        raise UnreachableError(f"{kubeconfig}: server: got {host}; accepted: an address such as https://forge:6443")
    try:
        api.rest_client.pool_manager.request("GET", f"{host}/version", timeout=TIMEOUT, retries=False).release_conn()
    except (HTTPError, OSError, ValueError) as error:
        raise UnreachableError(
            f"{kubeconfig}: the cluster at {host} cannot be reached: {_reason(error)}; see that it runs, and "
            f"`kubectl --kubeconfig {kubeconfig} get nodes`, or name another cluster with --kubeconfig"
        ) from error


def _reason(error: Exception) -> str:
    """Return one line; the loader's `Invalid kube-config file.` is left out, since the message says so."""
    return error_text(error).removeprefix("Invalid kube-config file. ")[:SHOWN]
