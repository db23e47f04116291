"""Listening, until told to stop."""

import logging
import signal

import uvicorn
from starlette.types import ASGIApp

GRACE_S = 3
"""How long requests that are under way may take once the process is told to stop."""


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Answer until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises it once more when it has ended, which is no failure
    uvicorn.run(app, host=host, port=port, access_log=False, timeout_graceful_shutdown=GRACE_S, log_config=None)
