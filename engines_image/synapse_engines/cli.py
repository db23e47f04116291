"""`synapse-engines`: serve a kind, make models, or measure what the engines can do."""

import argparse
import asyncio
import sys
from importlib import import_module
from pathlib import Path

from synapse_engines import __version__, settings
from synapse_engines.kinds import KINDS, build
from synapse_engines.server import serve


def main() -> None:
    """Exit 2 with the reason when something cannot be used."""
    options = _parser().parse_args()
    options.run(options)


def _serve(options: argparse.Namespace) -> None:
    try:
        app = build(options.command, settings.load())
    except (settings.SettingError, OSError) as error:
        sys.exit(_refused(error))
    serve(app, options.host, options.port)


def _make(options: argparse.Namespace) -> None:
    """What writes models is imported here: the packages for it are not in the image that runs."""
    try:
        making, pins = import_module("synapse_engines.models.making"), import_module("synapse_engines.models.pins")
        making.make(options.folder, _say, None if options.offline else pins.INSTRUCT)
    except ImportError as error:
        sys.exit(_refused(f"{error}: install synapse-engines[models]"))
    except (ValueError, OSError) as error:
        sys.exit(_refused(error))


def _measure(_: argparse.Namespace) -> None:
    measuring = import_module("synapse_engines.measuring.table")
    asyncio.run(measuring.write(_say))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _refused(error: object) -> int:
    sys.stderr.write(f"synapse-engines: {error}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="synapse-engines", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    for kind, module in KINDS.items():
        command = commands.add_parser(kind, help=f"serve the contract of {kind} ({module})")
        command.add_argument("--host", default="0.0.0.0", help="the address to listen on (default: every one)")  # noqa: S104
        command.add_argument("--port", type=int, default=8000, help="the port to listen on")
        command.set_defaults(run=_serve)
    make = commands.add_parser("models", help="write the models that llama-embed and llama-router start with")
    make.add_argument("folder", type=Path)
    make.add_argument("--offline", action="store_true", help="fetch nothing")
    make.set_defaults(run=_make)
    commands.add_parser("measure", help="print the word error rates and the rest").set_defaults(run=_measure)
    return parser
