"""A port of loopback that stays its holder's while nobody listens there."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held() -> Iterator[int]:
    """Bound and not listened on: the system gives it to nobody else, who connects is refused, a server may take it.

    The server has to set SO_REUSEADDR, as they do. A port that is let go before its server has started may be another
    process's by then.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
