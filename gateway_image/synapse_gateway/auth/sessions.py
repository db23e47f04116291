"""Dashboard sessions: signed cookies that every replica can verify; no replica stores a list of them.

A cookie is a random id, its expiry, and a MAC over both. The key of the MAC is derived from the access token by scrypt:
a leaked cookie does not help to guess the token, and a new token ends every session.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from time import time

LASTS_S = 12 * 3600
SALT = b"synapse dashboard session"
LONGEST = 256
"""Length limit of a cookie, in characters."""


class Sessions:
    """Sessions under the access token *token*. *now* returns Unix seconds."""

    def __init__(self, token: str, now: Callable[[], float] = time) -> None:
        self._key = hashlib.scrypt(token.encode(), salt=SALT, n=2**14, r=8, p=1, dklen=32)
        self._now = now

    def begin(self) -> str:
        """Return the cookie of a new session."""
        payload = f"{secrets.token_urlsafe(16)}.{int(self._now()) + LASTS_S}"
        return f"{payload}.{self._mac(payload)}"

    def holds(self, cookie: str) -> bool:
        """Return True if *cookie* is valid and has not expired."""
        if len(cookie) > LONGEST:
            return False
        payload, _, mac = cookie.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(payload).encode()):
            return False
        return int(payload.rpartition(".")[2]) > self._now()

    def _mac(self, payload: str) -> str:
        return hmac.new(self._key, payload.encode(), hashlib.sha256).hexdigest()
