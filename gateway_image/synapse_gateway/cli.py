"""`synapse-gateway`: serve a configuration file."""

import argparse
import asyncio
import socket
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from synapse_gateway import __version__, settings
from synapse_gateway.gateway import Gateway
from synapse_gateway.observe.logs import set_up
from synapse_gateway.routing import config
from synapse_gateway.server.serve import serve
from synapse_gateway.server.workers import supervise


def main() -> None:
    """Serve until told to stop; exit 2 with the reason when the settings or the file cannot be used."""
    options = _parser().parse_args()
    try:
        found = settings.load()
        if options.config:
            found = replace(found, config_path=options.config)
        set_up(found.log_level)
        gateway = Gateway(found, config.load(found.config_path))
        listener = _bind(options.host, options.port, is_shared=options.workers != 1)
    except (settings.SettingError, config.ConfigError, OSError) as error:
        sys.exit(_refused(error))
    if options.workers > 1:
        port = listener.getsockname()[1]  # bound and never listened on: it keeps the port for the workers
        arguments = ["--config", str(found.config_path), "--host", options.host, "--port", str(port), "--workers", "0"]
        sys.exit(asyncio.run(supervise(arguments, options.workers)))
    uvloop.run(serve(gateway, listener, sys.stdin.fileno() if options.workers == 0 else None))


def _refused(error: Exception) -> int:
    sys.stderr.write(f"{error}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="synapse-gateway", description=__doc__)
    parser.add_argument("--config", type=Path, help="the backends and routes (default: $SYNAPSE_GATEWAY_CONFIG_PATH)")
    parser.add_argument("--host", default="0.0.0.0", help="the address to listen on (default: every one)")  # noqa: S104
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on; 0 picks a free one")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the port; 0 is one of them")
    parser.add_argument("--version", action="version", version=__version__)
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
