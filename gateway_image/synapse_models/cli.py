"""`synapse-models`: the command line. It prints one JSON event a line: progress, the end of a file, a fault."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import close_session

from synapse_models import hub
from synapse_models.download import Downloader, DownloadError, check_room


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0, or 1 after a fault."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except DownloadError as error:
        report({"fault": str(error)})
        return 1
    finally:
        close_session()
    return 0


def report(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)  # noqa: T201 - the output of the command


def _run(options: argparse.Namespace) -> None:
    if options.command == "room":
        check_room(options.folder, options.bytes)
    elif options.command == "file":
        Downloader(report).run(hub.file(options.url, options.path, options.sha256))
    else:
        Downloader(report).run(hub.snapshot(options.repository, options.folder, options.revision))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="synapse-models", description="Download models to a folder.")
    commands = parser.add_subparsers(dest="command", required=True)
    file = commands.add_parser("file", help="download one file")
    file.add_argument("url", help="address of the file")
    file.add_argument("path", type=Path, help="path of the file on this disk")
    file.add_argument("--sha256", help="expected digest of the file; default: the hub's")
    snapshot = commands.add_parser("snapshot", help="download a repository of the hub")
    snapshot.add_argument("repository", help="name of the repository, with its owner")
    snapshot.add_argument("folder", type=Path, help="folder models--OWNER--NAME of the hub's cache")
    snapshot.add_argument("--revision", default="main", help="branch, tag or commit; default: main")
    room = commands.add_parser("room", help="check the free space of a disk")
    room.add_argument("folder", type=Path, help="folder on the disk")
    room.add_argument("bytes", type=int, help="size of the download")
    return parser


if __name__ == "__main__":
    sys.exit(main())
