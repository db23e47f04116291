"""Authentication for the dashboard: its access token, as a bearer token or at the login, or the cookie of a login.

The dashboard's own scripts may call the API with that cookie. Another site cannot make a browser do that: the cookie is
SameSite=Strict, and the header that must accompany it can only be sent by a script of the same origin.
"""

from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic

from synapse_gateway.auth.keys import Identity, same
from synapse_gateway.auth.sessions import LASTS_S, Sessions
from synapse_gateway.errors import AuthenticationError, RateLimitedError, UnavailableError
from synapse_gateway.settings import DashboardSettings

OPERATOR = Identity(name="dashboard", scope="admin")
SCRIPT = "x-synapse-dashboard"
"""Header that marks a request of a dashboard script."""
FAILURES, WINDOW_S = 10, 60.0
"""Wrong tokens accepted per replica within the window, over all clients: behind an ingress all have one address."""


class DashboardAuth:
    """Authentication of requests to the dashboard. *now* returns the seconds of a monotonic clock."""

    def __init__(self, settings: DashboardSettings, now: Callable[[], float] = monotonic) -> None:
        self._settings = settings
        self._sessions = Sessions(settings.token) if settings.token else None
        self._now = now
        self._failures: deque[float] = deque(maxlen=FAILURES)

    def authenticate(self, headers: Mapping[str, str]) -> Identity:
        """Return the operator. Raises AuthenticationError, RateLimitedError, and UnavailableError if disabled."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            self._check(token.strip())
        elif not self._open_sessions.holds(self._cookie(headers)):
            raise AuthenticationError("log in at /dashboard/login, or send the access token", code="invalid_token")
        return OPERATOR

    def log_in(self, token: str) -> str:
        """Return the Set-Cookie header of a new session. Raises the errors of `authenticate`."""
        self._check(token)
        return self._set_cookie(self._open_sessions.begin(), LASTS_S)

    def log_out(self) -> str:
        """Return the Set-Cookie header that deletes the cookie."""
        return self._set_cookie("", 0)

    def is_script(self, headers: Mapping[str, str]) -> bool:
        """Return True for a request of a dashboard script with the cookie of a login."""
        return (
            SCRIPT in headers
            and headers.get("sec-fetch-site", "same-origin") == "same-origin"
            and self.is_logged_in(headers)
        )

    def is_logged_in(self, headers: Mapping[str, str]) -> bool:
        """Return True for a request with the cookie of a login; enough for read-only pages."""
        return self._sessions is not None and self._sessions.holds(self._cookie(headers))

    @property
    def _open_sessions(self) -> Sessions:
        if self._sessions is None:
            raise UnavailableError(
                "the dashboard is disabled; set SYNAPSE_DASHBOARD_ACCESS_TOKEN to enable it", code="auth_not_configured"
            )
        return self._sessions

    def _check(self, token: str) -> None:
        _ = self._open_sessions
        wait_s = self._wait_s()
        if wait_s > 0:
            raise RateLimitedError("too many wrong access tokens; retry later", retry_after_s=wait_s)
        if not same(token, self._settings.token or ""):
            self._failures.append(self._now())
            raise AuthenticationError("wrong access token", code="invalid_token")

    def _wait_s(self) -> float:
        return self._failures[0] + WINDOW_S - self._now() if len(self._failures) == FAILURES else 0

    def _cookie(self, headers: Mapping[str, str]) -> str:
        for part in headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == self._settings.cookie_name:
                return value
        return ""

    def _set_cookie(self, value: str, lasts_s: int) -> str:
        secure = "; Secure" if self._settings.is_cookie_secure else ""
        return f"{self._settings.cookie_name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}"
