"""`python3 -m tools.images FOLDER REGISTRY` on a build host: build, push, and print the reference by digest.

The host has only Python's standard library: all imported modules come in the build context.
"""

import sys
from pathlib import Path

from tools.errors import ToolsError
from tools.images.build import Images


def main(folder: str, registry: str) -> None:
    """Build and push an image; an error is one message and exit code 1."""
    try:
        print(Images().push(Path(folder), registry.rstrip("/")))  # noqa: T201 - the result
    except ToolsError as error:
        sys.exit(f"synapse: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
