"""Node of a stack as this machine sees it: this machine itself, another machine, or a simulated node of a twin."""

import socket
from enum import Enum
from pathlib import Path
from typing import Any, Final

import urllib3
import yaml
from kubernetes import client, config

from tools.errors import ImageError

SIMULATED: Final = "kwok.x-k8s.io/node"
"""Annotation of a twin's node: it has no containers, so no images."""
MACHINE_ID: Final = Path("/etc/machine-id")
TIMEOUT_S: Final = 30
REMEDY: Final = (
    "accepted: run this on the node; synapse:buildHost with the node's SSH server; or synapse:registry, which the node "
    "pulls from"
)


class Place(Enum):
    """Place of a node, seen from this machine."""

    HERE = "here"
    SIMULATED = "simulated"
    ELSEWHERE = "elsewhere"


def ensure_here(name: str, context: str | None, kubeconfig: Path | None = None) -> bool:
    """Return True where the node is this machine, False for a simulated one. Raises ImageError for another machine.

    *kubeconfig* None: that of the environment.
    """
    node = read(name, context, kubeconfig)
    place = place_of(node)
    if place is Place.ELSEWHERE:
        addresses = ", ".join(each.address for each in node.status.addresses or [])
        raise ImageError(
            f"node {name} ({addresses}) is not this machine ({socket.gethostname()}), so that no image can be "
            f"imported into it; {REMEDY}"
        )
    return place is Place.HERE


def read(name: str, context: str | None, kubeconfig: Path | None) -> Any:  # noqa: ANN401 - the client's models are untyped
    """Return the Node *name* of the kubeconfig's cluster. Raises ImageError."""
    try:
        with config.new_client_from_config(kubeconfig and str(kubeconfig), context) as api:  # type: ignore[no-untyped-call]
            listed: Any = client.CoreV1Api(api).list_node(_request_timeout=TIMEOUT_S).items
    except client.ApiException as error:
        raise ImageError(
            f"node {name}: the cluster answers {error.status} {error.reason} to a list of nodes"
        ) from error
    except (config.ConfigException, urllib3.exceptions.HTTPError, OSError, yaml.YAMLError) as error:
        raise ImageError(f"node {name}: the cluster of the kubeconfig does not answer: {error}") from error
    nodes = {node.metadata.name: node for node in listed}
    if name not in nodes:
        raise ImageError(
            f"synapse:node.name: got {name!r}; accepted: {', '.join(nodes) or 'none'}, the nodes of the cluster in the "
            "kubeconfig"
        )
    return nodes[name]


def place_of(node: Any) -> Place:  # noqa: ANN401 - the client's models are untyped
    """Return the place of a Node, by its machine id, or by its host name where it has none."""
    if SIMULATED in (node.metadata.annotations or {}):
        return Place.SIMULATED
    own = MACHINE_ID.read_text(encoding="ascii").strip() if MACHINE_ID.is_file() else ""
    theirs = node.status.node_info.machine_id
    if own and theirs:
        return Place.HERE if own == theirs else Place.ELSEWHERE
    host = (node.metadata.labels or {}).get("kubernetes.io/hostname")
    return Place.HERE if host == socket.gethostname().lower() else Place.ELSEWHERE
