"""Reserved ports of loopback without a listener."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """Yield a port that is bound but not listened on: no other program gets it, and connections are refused.

    A server with SO_REUSEADDR can listen on it. A port that is only chosen and released may be taken by another process
    before the server starts.
    """
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
