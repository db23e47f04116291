"""`synapse-gateway`: serve a configuration file."""

import argparse
import asyncio
import socket
import sys
from pathlib import Path

import msgspec
import uvloop

from synapse_gateway import __version__, settings
from synapse_gateway.api.endpoint_table import table
from synapse_gateway.environment import SettingError
from synapse_gateway.gateway import Gateway
from synapse_gateway.observe.logs import set_up
from synapse_gateway.routing import config
from synapse_gateway.server.serve import serve
from synapse_gateway.server.workers import supervise


def main() -> None:
    """Serve until a signal; exit with code 2 and a message if the settings or the file are invalid."""
    options = _parser().parse_args()
    try:
        values = settings.load()
        if options.config:
            values = msgspec.structs.replace(values, config_path=options.config)
        set_up(values.log_level)
        gateway = Gateway(values, config.load(values.config_path))
        listener = _bind(options.host, options.port, is_shared=options.workers != 1)
    except (SettingError, config.ConfigError, OSError) as error:
        sys.exit(_report(error))
    if options.workers > 1:
        port = listener.getsockname()[1]  # bound, but never listened on: it reserves the port for the workers
        arguments = ["--config", str(values.config_path), "--host", options.host, "--port", str(port), "--workers", "0"]
        sys.exit(asyncio.run(supervise(arguments, options.workers)))
    uvloop.run(serve(gateway, table(), listener, sys.stdin.fileno() if options.workers == 0 else None))


def _report(error: Exception) -> int:
    sys.stderr.write(f"{error}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="synapse-gateway", description=__doc__)
    parser.add_argument(
        "--config", type=Path, help="file of backends and routes (default: $SYNAPSE_GATEWAY_CONFIG_PATH)"
    )
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 picks a free one (default: 8000)")
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="number of processes that share the port (default: 1); 0 is for internal use: one of them",
    )
    parser.add_argument("--version", action="version", version=__version__, help="version of the gateway")
    return parser


def _bind(host: str, port: int, *, is_shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(is_shared))
    try:
        listener.bind((host, port))
    except OSError as error:
        raise OSError(f"{host}:{port}: {error.strerror}; choose another address with --host and --port") from error
    return listener


if __name__ == "__main__":
    main()
