"""`python3 -m tools.images FOLDER --registry REGISTRY`: build an image, push it, and print its reference by digest.

Instead of a registry, `--cluster NAME` imports it into a private cluster, `--node NAME` into K3s on this machine if it
is the node of the stack, and `--k3s` into K3s on this machine. A build host runs `--registry` and `--k3s` with Python's
standard library alone.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.errors import ToolsError
from tools.images import k3s
from tools.images.build import Images


def main(words: Sequence[str]) -> None:
    """Print the reference, or end with exit code 1 and one message."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # ends the builder first
    try:
        print(_published(_arguments(words)))  # noqa: T201 - the result
    except ToolsError as error:
        sys.exit(f"synapse: {error}")


def _published(arguments: argparse.Namespace) -> str:
    images, folder = Images(), Path(arguments.folder)
    if arguments.registry:
        return images.push(folder, arguments.registry.rstrip("/"))
    if arguments.k3s:
        return k3s.publish(images, folder)
    from tools.images import publish  # noqa: PLC0415 - a build host has no code for clusters

    if arguments.cluster:
        return publish.to_cluster(images, folder, arguments.cluster)
    return publish.to_node(images, folder, arguments.node, arguments.context)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.images")
    parser.add_argument("folder", help="folder with a Dockerfile, or FOLDER#ENVIRONMENT")
    parser.add_argument("--context", help="context of the kubeconfig in which the node is; the current one by default")
    destination = parser.add_mutually_exclusive_group(required=True)
    destination.add_argument("--registry", help="registry to push to, HOST/PATH")
    destination.add_argument("--cluster", help="private cluster to import into")
    destination.add_argument("--node", help="node to import into, if it is this machine")
    destination.add_argument("--k3s", action="store_true", help="import into K3s on this machine")
    return parser.parse_args(words)


if __name__ == "__main__":
    main(sys.argv[1:])
