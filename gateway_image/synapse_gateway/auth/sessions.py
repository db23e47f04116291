"""Who has logged in to the dashboard: a cookie that every replica can check and nobody else can make.

Its value is a random id, when it ends, and a MAC over both. The MAC's key is drawn from the access token by scrypt, so
a cookie that leaks does not help to find the token, and a new token ends every session. No replica keeps a list.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from time import time

LASTS_S = 12 * 3600
SALT = b"synapse dashboard session"
LONGEST = 256
"""Characters of a cookie that could be one of ours."""


class Sessions:
    """The sessions that *token* opens. *now* gives Unix seconds."""

    def __init__(self, token: str, now: Callable[[], float] = time) -> None:
        self._key = hashlib.scrypt(token.encode(), salt=SALT, n=2**14, r=8, p=1, dklen=32)
        self._now = now

    def begin(self) -> str:
        """The cookie of a new session."""
        named = f"{secrets.token_urlsafe(16)}.{int(self._now()) + LASTS_S}"
        return f"{named}.{self._mac(named)}"

    def holds(self, cookie: str) -> bool:
        """Whether *cookie* is one of ours, and not over."""
        if len(cookie) > LONGEST:
            return False
        named, _, mac = cookie.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(named).encode()):
            return False
        return int(named.rpartition(".")[2]) > self._now()

    def _mac(self, named: str) -> str:
        return hmac.new(self._key, named.encode(), hashlib.sha256).hexdigest()
