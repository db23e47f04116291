"""The dashboard: its pages, which strangers do not get, and the way in."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from synapse_gateway.api.dashboard.static_files import HEADERS, MEDIA, PAGES
from synapse_gateway.errors import GatewayError, NotFoundError
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.settings import KI

HOME, LOGIN = "/dashboard", "/dashboard/login"
HTML = MEDIA[".html"]


async def page(call: Call) -> Response | Stream:
    """The dashboard. A stranger's browser gets the login form, any other client the envelope."""
    try:
        call.gateway.dashboard_auth.authenticate(call.request.headers)
    except GatewayError as error:
        return _turned_away(call, error)
    return PAGES["index.html"].send(call)


async def show_login(call: Call) -> Response | Stream:
    """The form; or, where the query has the token, what the form would get."""
    tokens = parse_qs(call.request.query).get("access_token")
    if tokens:
        return _log_in(call, tokens[-1])
    try:
        call.gateway.dashboard_auth.authenticate(call.request.headers)
    except GatewayError as error:
        return _form(call, 200 if error.status == 401 else error.status, "" if error.status == 401 else error.message)
    return _see(call, HOME)


async def log_in(call: Call) -> Response | Stream:
    """What the form sends. Raises the errors of `DashboardAuth.log_in`."""
    fields = parse_qs((await call.body()).decode("utf-8", "replace"))
    return _log_in(call, fields.get("access_token", [""])[-1])


async def log_out(call: Call) -> Response | Stream:
    return _see(call, LOGIN, call.gateway.dashboard_auth.log_out())


async def asset(call: Call) -> Response | Stream:
    """A script or a style: the program's own, the same for everybody. Raises NotFoundError."""
    found = PAGES.get(call.parameters["name"])
    if found is None or found.media == HTML:
        raise NotFoundError("the dashboard has no such file")
    return found.send(call)


def _log_in(call: Call, token: str) -> Response:
    try:
        return _see(call, HOME, call.gateway.dashboard_auth.log_in(token.strip()))
    except GatewayError as error:
        return _turned_away(call, error)


def _see(call: Call, path: str, cookie: str | None = None) -> Response:
    more = {"set-cookie": cookie} if cookie else {}
    return call.respond(b"", HTML, 303, {**HEADERS, "location": path, "cache-control": "no-store", **more})


def _turned_away(call: Call, error: GatewayError) -> Response:
    if "text/html" not in call.request.headers.get("accept", ""):
        refusal = call.failure(error)
        refusal.headers = {**refusal.headers, "referrer-policy": "no-referrer"}
        return refusal
    message = "" if error.status == 401 and call.request.path != LOGIN else error.message
    return _form(call, error.status, message, call.failure(error).headers)


def _form(call: Call, status: int, message: str, more: Mapping[str, str] | None = None) -> Response:
    headers = {name: value for name, value in (more or {}).items() if name in {"retry-after", "www-authenticate"}}
    name = "shut.html" if status == 503 else "login.html"
    return call.respond(PAGES[name].filled(message), HTML, status, {**HEADERS, "cache-control": "no-store", **headers})


# The pages are open in this table because they ask the gate themselves: a stranger is to see the form.
ENDPOINTS = (
    Endpoint(method="GET", path="/", handler=page, access="open"),
    Endpoint(method="GET", path="/ui", handler=page, access="open"),
    Endpoint(method="GET", path=HOME, handler=page, access="open"),
    Endpoint(method="GET", path=LOGIN, handler=show_login, access="open"),
    Endpoint(method="POST", path=LOGIN, handler=log_in, access="open", body_limit=16 * KI),
    Endpoint(method="POST", path="/dashboard/logout", handler=log_out, access="open", body_limit=KI),
    Endpoint(method="GET", path="/ui/{name:path}", handler=asset, access="open"),
)
