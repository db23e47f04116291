"""`python3 -m tools.images FOLDER REGISTRY` on a build host: builds, pushes, and prints the reference by digest.

Nothing but Python's own library is there: what it needs comes in the parcel.
"""

import sys
from pathlib import Path

from tools.errors import ToolsError
from tools.images.build import Images


def main(folder: str, registry: str) -> None:
    """Ends with exit code 1 and one message where something is wrong."""
    try:
        print(Images().push(Path(folder), registry.rstrip("/")))  # noqa: T201 - the answer
    except ToolsError as error:
        sys.exit(f"synapse: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
