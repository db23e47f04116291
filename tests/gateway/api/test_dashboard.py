"""Pages of the dashboard: login, access without a session, and headers of files."""

import re
from typing import Any

import pytest

from synapse_gateway.api.static_files import FOLDER, UI_FILES
from tests.gateway.feed_client import BEARER, TOKEN

pytestmark = pytest.mark.anyio
SET = {"SYNAPSE_DASHBOARD_ACCESS_TOKEN": TOKEN}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PATHS = ("/", "/ui", "/dashboard")
SCRIPT = {"X-Synapse-Dashboard": "1"}


async def _logged_in(gateway: Any) -> dict[str, str]:
    answer = await gateway.http.post("/dashboard/login", data={"access_token": TOKEN})
    gateway.http.cookies.clear()
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


@pytest.mark.parametrize("path", PATHS)
async def test_the_pages_are_served_for_a_session_and_for_the_token(start: Any, path: str) -> None:
    gateway = await start({}, **SET)
    for headers in (await _logged_in(gateway), BEARER):
        answer = await gateway.http.get(path, headers=headers)
        assert answer.status_code == 200
        assert answer.content == UI_FILES["index.html"].data
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_session_browsers_get_the_form_and_others_an_error(start: Any, path: str) -> None:
    gateway = await start({}, **SET)
    form = await gateway.http.get(path, headers=BROWSER)
    assert form.status_code == 401
    assert '<form method="post" action="/dashboard/login"' in form.text
    assert "{{" not in form.text
    envelope = await gateway.http.get(path)
    assert envelope.status_code == 401
    assert envelope.json()["error"]["code"] == "invalid_token"


@pytest.mark.parametrize("path", [*PATHS, "/dashboard/login", f"/dashboard/login?access_token={TOKEN}"])
async def test_without_a_token_the_dashboard_is_disabled(start: Any, path: str) -> None:
    gateway = await start({})
    page = await gateway.http.get(path, headers=BROWSER)
    assert page.status_code == 503
    assert "set SYNAPSE_DASHBOARD_ACCESS_TOKEN to enable it" in page.text
    assert "<form" not in page.text
    if path != "/dashboard/login":
        assert (await gateway.http.get(path)).json()["error"]["code"] == "auth_not_configured"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_token_is_exchanged_for_a_session(start: Any, method: str) -> None:
    gateway = await start({}, **SET)
    if method == "GET":
        answer = await gateway.http.get("/dashboard/login", params={"access_token": TOKEN})
    else:
        answer = await gateway.http.post("/dashboard/login", data={"access_token": f" {TOKEN} "})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/dashboard"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert TOKEN not in answer.headers["set-cookie"]
    assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]


async def test_a_wrong_token_is_reported_without_the_token(start: Any) -> None:
    gateway = await start({}, **SET)
    answer = await gateway.http.post("/dashboard/login", data={"access_token": "canary"}, headers=BROWSER)
    assert answer.status_code == 401
    assert "wrong access token" in answer.text
    assert "canary" not in answer.text
    assert "set-cookie" not in answer.headers
    machine = await gateway.http.get("/dashboard/login?access_token=canary")
    assert machine.json()["error"]["code"] == "invalid_token"
    assert machine.headers["referrer-policy"] == "no-referrer"


async def test_too_many_wrong_tokens_are_rate_limited(start: Any) -> None:
    gateway = await start({}, **SET)
    for _ in range(10):
        await gateway.http.post("/dashboard/login", data={"access_token": "wrong"})
    answer = await gateway.http.post("/dashboard/login", data={"access_token": TOKEN}, headers=BROWSER)
    assert answer.status_code == 429
    assert 50 < int(answer.headers["retry-after"]) <= 60
    assert "too many" in answer.text


async def test_the_login_page_redirects_a_session_to_the_dashboard(start: Any) -> None:
    gateway = await start({}, **SET)
    form = await gateway.http.get("/dashboard/login")
    assert form.status_code == 200
    assert "<form" in form.text
    inside = await gateway.http.get("/dashboard/login", headers=await _logged_in(gateway))
    assert inside.status_code == 303


async def test_logging_out_removes_the_cookie(start: Any) -> None:
    gateway = await start({}, **SET)
    answer = await gateway.http.post("/dashboard/logout")
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.parametrize("name", sorted(name for name in UI_FILES if not name.endswith(".html")))
async def test_every_file_has_its_type_etag_and_security_headers(start: Any, name: str) -> None:
    gateway = await start({}, **SET)
    answer = await gateway.http.get(f"/ui/{name}")
    assert answer.status_code == 200
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
    assert answer.headers["content-type"] == types[name.rpartition(".")[2]]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "media-src blob:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    again = await gateway.http.get(f"/ui/{name}", headers={"If-None-Match": f'"old", W/{answer.headers["etag"]}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    "name", ["index.html", "login.html", "nothing.js", "../settings.py", "%2e%2e/settings.py", "views/%2e%2e/main.js"]
)
async def test_other_paths_are_not_found(start: Any, name: str) -> None:
    gateway = await start({}, **SET)
    answer = await gateway.http.get(f"/ui/{name}")
    assert answer.status_code in {401, 404}


async def test_a_session_may_call_the_api_where_keys_are_configured(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()}, SYNAPSE_API_KEYS="key", **SET)
    session = await _logged_in(gateway)
    path, body = "/v1/chat/completions", {"model": "stub", "messages": []}
    assert (await gateway.http.post(path, json=body, headers={**session, **SCRIPT})).status_code == 200
    for headers in ({}, session, SCRIPT, {**session, **SCRIPT, "Sec-Fetch-Site": "cross-site"}, BEARER):
        assert (await gateway.http.post(path, json=body, headers=headers)).status_code == 401


async def test_a_key_takes_precedence_over_a_session(start: Any) -> None:
    gateway = await start({}, SYNAPSE_API_KEYS="key", **SET)
    assert (await gateway.http.get("/api/backend-routes")).status_code == 401
    assert (await gateway.http.get("/api/backend-routes", headers={"Authorization": "Bearer key"})).status_code == 200


def test_files_are_short_and_have_no_external_addresses() -> None:
    for path in FOLDER.rglob("*.*"):
        text = path.read_text()
        assert len(text.splitlines()) <= 300, path
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), path
        assert "innerHTML" not in text, path
        assert not re.search(r"<[^>]+\s(style|onclick)=", text), path
