"""`python3 -m tools.images FOLDER REGISTRY`: build an image, push it, and print its reference by digest.

A build host runs it with Python's standard library alone. On the machine of the stack,
`--registry` names the registry as well, and `--cluster NAME` imports the image into a private cluster instead.
"""

import argparse
import signal
import sys
from pathlib import Path

from tools.errors import ToolsError
from tools.images.build import Images


def main(folder: str, registry: str | None = None, cluster: str | None = None) -> None:
    """Print the reference, or end with exit code 1 and one message."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # ends the builder first
    try:
        print(_published(Path(folder), registry, cluster))  # noqa: T201 - the result
    except ToolsError as error:
        sys.exit(f"synapse: {error}")


def _published(folder: Path, registry: str | None, cluster: str | None) -> str:
    if cluster is None:
        return Images().push(folder, str(registry).rstrip("/"))
    from tools.images import publish  # noqa: PLC0415 - a build host has no code for clusters

    return publish.to_cluster(Images(), folder, cluster)


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.images")
    parser.add_argument("folder", help="folder with a Dockerfile")
    destination = parser.add_mutually_exclusive_group(required=True)
    destination.add_argument("destination", nargs="?", metavar="registry", help="registry to push to, HOST/PATH")
    destination.add_argument("--registry", help="registry to push to, HOST/PATH")
    destination.add_argument("--cluster", help="private cluster to import into")
    return parser.parse_args(words)


if __name__ == "__main__":
    arguments = _arguments(sys.argv[1:])
    main(arguments.folder, arguments.registry or arguments.destination, arguments.cluster)
