"""The gate of the dashboard: by its token, as a bearer or at the login, or by the cookie that the login gave.

The dashboard's own scripts may call the API with that cookie. Another site cannot make a browser do it: the cookie is
SameSite=Strict, and the header that must come with it is one that only a script of this origin can send.
"""

from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic

from synapse_gateway.auth.keys import Identity, same
from synapse_gateway.auth.sessions import LASTS_S, Sessions
from synapse_gateway.errors import AuthenticationError, RateLimitedError, UnavailableError
from synapse_gateway.settings import Dashboard

OPERATOR = Identity(name="dashboard", scope="admin")
SCRIPT = "x-synapse-dashboard"
"""The header that says: a script of the dashboard asks."""
FAILURES, WINDOW_S = 10, 60.0
"""Wrong tokens that a replica hears out within that time, from everybody: behind an ingress all have one address."""


class Gate:
    """Who may see the dashboard. *now* gives seconds of a clock that never jumps."""

    def __init__(self, settings: Dashboard, now: Callable[[], float] = monotonic) -> None:
        self._settings = settings
        self._sessions = Sessions(settings.token) if settings.token else None
        self._now = now
        self._failures: deque[float] = deque(maxlen=FAILURES)

    def enter(self, headers: Mapping[str, str]) -> Identity:
        """Who asks. Raises AuthenticationError, RateLimitedError, and UnavailableError where no token is set."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            self._check(token.strip())
        elif not self._open.holds(self._cookie(headers)):
            raise AuthenticationError("log in at /dashboard/login, or send the access token", code="invalid_token")
        return OPERATOR

    def log_in(self, token: str) -> str:
        """The value of the Set-Cookie header; raises what `enter` raises."""
        self._check(token)
        return self._set(self._open.begin(), LASTS_S)

    def log_out(self) -> str:
        """The value of the Set-Cookie header that takes the cookie back."""
        return self._set("", 0)

    def is_script(self, headers: Mapping[str, str]) -> bool:
        """Whether a script of the dashboard asks, for one who has logged in."""
        return (
            SCRIPT in headers
            and headers.get("sec-fetch-site", "same-origin") == "same-origin"
            and self.is_logged_in(headers)
        )

    def is_logged_in(self, headers: Mapping[str, str]) -> bool:
        """Whether the cookie of a login comes along; of use for what is only looked at."""
        return self._sessions is not None and self._sessions.holds(self._cookie(headers))

    @property
    def _open(self) -> Sessions:
        if self._sessions is None:
            raise UnavailableError(
                "the dashboard is shut: SYNAPSE_DASHBOARD_ACCESS_TOKEN is not set", code="auth_not_configured"
            )
        return self._sessions

    def _check(self, token: str) -> None:
        _ = self._open
        wait_s = self._wait_s()
        if wait_s > 0:
            raise RateLimitedError("too many wrong access tokens; wait before the next", retry_after_s=wait_s)
        if not same(token, self._settings.token or ""):
            self._failures.append(self._now())
            raise AuthenticationError("this is not the access token", code="invalid_token")

    def _wait_s(self) -> float:
        return self._failures[0] + WINDOW_S - self._now() if len(self._failures) == FAILURES else 0

    def _cookie(self, headers: Mapping[str, str]) -> str:
        for part in headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == self._settings.cookie_name:
                return value
        return ""

    def _set(self, value: str, lasts_s: int) -> str:
        secure = "; Secure" if self._settings.is_cookie_secure else ""
        return f"{self._settings.cookie_name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}"
