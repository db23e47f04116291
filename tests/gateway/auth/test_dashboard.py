"""Authentication for the dashboard: tokens, sessions, and the limit of wrong tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_gateway.auth.dashboard import FAILURES, SCRIPT, WINDOW_S, DashboardAuth
from synapse_gateway.auth.sessions import LASTS_S, Sessions
from synapse_gateway.errors import AuthenticationError, RateLimitedError, UnavailableError
from synapse_gateway.settings import DashboardSettings

TOKEN = "correct horse"  # noqa: S105 - of this test alone
SESSIONS = Sessions(TOKEN)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _cookie(set_cookie: str) -> str:
    return set_cookie.partition(";")[0]


def test_a_session_is_valid_on_every_replica_until_it_expires(clock: Clock) -> None:
    cookie = Sessions(TOKEN, clock).begin()
    other = Sessions(TOKEN, clock)
    assert other.holds(cookie)
    clock.now += LASTS_S
    assert not other.holds(cookie)


def test_a_new_token_ends_every_session() -> None:
    assert not Sessions("another").holds(SESSIONS.begin())


def test_sessions_differ_and_do_not_contain_the_token() -> None:
    cookies = {SESSIONS.begin() for _ in range(100)}
    assert len(cookies) == 100
    assert not any(TOKEN in cookie for cookie in cookies)


@given(st.text(max_size=300))
def test_a_forged_session_is_refused(text: str) -> None:
    assert not SESSIONS.holds(text)


def test_a_changed_expiry_is_refused() -> None:
    name, ends, mac = SESSIONS.begin().split(".")
    assert SESSIONS.holds(f"{name}.{ends}.{mac}")
    assert not SESSIONS.holds(f"{name}.{int(ends) + 1}.{mac}")


def test_the_token_and_the_cookie_of_a_login_authenticate() -> None:
    auth = DashboardAuth(DashboardSettings(token=TOKEN))
    assert auth.authenticate(_bearer(TOKEN)).name == "dashboard"
    assert auth.authenticate({"authorization": f"bearer  {TOKEN} "}).is_admin
    assert auth.authenticate({"cookie": f"other=1; {_cookie(auth.log_in(TOKEN))}; last=2"}).is_admin


@pytest.mark.parametrize(
    "headers",
    [{}, {"cookie": "synapse_dash_token=x"}, {"cookie": f"synapse_dash_token={TOKEN}"}, _bearer(""), _bearer("é")],
)
def test_other_headers_do_not_authenticate(headers: dict[str, str]) -> None:
    with pytest.raises(AuthenticationError):
        DashboardAuth(DashboardSettings(token=TOKEN)).authenticate(headers)


def test_the_cookie_is_http_only_and_same_site() -> None:
    auth = DashboardAuth(DashboardSettings(token=TOKEN, cookie_name="own", is_cookie_secure=True))
    name_value, *rest = auth.log_in(TOKEN).split("; ")
    assert name_value.startswith("own=")
    assert rest == ["Path=/", f"Max-Age={LASTS_S}", "HttpOnly", "SameSite=Strict", "Secure"]
    assert "Secure" not in DashboardAuth(DashboardSettings(token=TOKEN)).log_in(TOKEN)
    assert auth.log_out().startswith("own=; Path=/; Max-Age=0;")


def test_without_a_token_the_dashboard_is_disabled() -> None:
    auth = DashboardAuth(DashboardSettings())
    for attempt in (lambda: auth.authenticate({}), lambda: auth.authenticate(_bearer("")), lambda: auth.log_in("")):
        with pytest.raises(UnavailableError) as caught:
            attempt()
        assert caught.value.code == "auth_not_configured"
    assert not auth.is_script({SCRIPT: "1", "cookie": "synapse_dash_token="})


def test_wrong_tokens_are_limited_over_login_and_bearer(clock: Clock) -> None:
    auth = DashboardAuth(DashboardSettings(token=TOKEN), clock)
    session = {"cookie": _cookie(auth.log_in(TOKEN))}
    for number in range(FAILURES):
        with pytest.raises(AuthenticationError):
            auth.log_in("wrong") if number % 2 else auth.authenticate(_bearer("wrong"))
        clock.now += 1
    with pytest.raises(RateLimitedError) as caught:
        auth.log_in(TOKEN)
    assert caught.value.retry_after_s == WINDOW_S - FAILURES
    assert auth.authenticate(session).is_admin
    clock.now += WINDOW_S - FAILURES
    assert auth.log_in(TOKEN)


def test_a_script_of_the_dashboard_needs_the_session_and_the_header() -> None:
    auth = DashboardAuth(DashboardSettings(token=TOKEN))
    cookie = {"cookie": _cookie(auth.log_in(TOKEN))}
    assert auth.is_script({**cookie, SCRIPT: "1"})
    assert auth.is_script({**cookie, SCRIPT: "1", "sec-fetch-site": "same-origin"})
    assert not auth.is_script(cookie)
    assert not auth.is_script({SCRIPT: "1"})
    assert not auth.is_script({**cookie, SCRIPT: "1", "sec-fetch-site": "cross-site"})
