"""Command `synapse-engines`: serve an engine, or benchmark the engines."""

import argparse
import asyncio
import logging
import signal
import sys
from importlib import import_module

import uvicorn
from starlette.types import ASGIApp

from synapse_engines import __version__, settings
from synapse_engines.kinds import KINDS, build

SHUTDOWN_GRACE_S = 3
"""Time that running requests have to finish after SIGTERM."""
LOOP = "asyncio"
"""Not uvloop, which uvicorn prefers where it is installed: it starts ffmpeg by fork(). OpenBLAS ends its threads before
a fork, so a product of matrices in another thread never ends. asyncio uses vfork(), which libraries do not see."""


def main() -> None:
    """Run a sub-command; exit with 2 and the reason if a setting or a file cannot be used."""
    options = _parser().parse_args()
    options.run(options)


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve *app* until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again after a clean shutdown; without a handler the exit code would not be 0.
        signal.signal(number, lambda *_: None)
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop=LOOP,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
        log_config=None,
    )


def _serve(options: argparse.Namespace) -> None:
    try:
        app = build(options.command, settings.load())
    except (settings.SettingError, OSError) as error:
        sys.exit(_report_error(error))
    serve(app, options.host, options.port)


def _benchmark(_: argparse.Namespace) -> None:
    report = import_module("synapse_engines.benchmark.report")
    asyncio.run(report.write(_print_line))


def _print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _report_error(error: object) -> int:
    sys.stderr.write(f"synapse-engines: {error}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="synapse-engines", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    for kind in KINDS:
        command = commands.add_parser(kind, help=f"serve the API of {kind}")
        command.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all addresses)")  # noqa: S104
        command.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
        command.set_defaults(run=_serve)
    measure = commands.add_parser("measure", help="print the benchmark of the engines: word error rates and others")
    measure.set_defaults(run=_benchmark)
    return parser
