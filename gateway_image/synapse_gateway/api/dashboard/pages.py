"""Pages of the dashboard, its login and logout."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from synapse_gateway.api.static_files import HEADERS, MEDIA_TYPES, UI_FILES
from synapse_gateway.errors import GatewayError, NotFoundError
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.settings import KI

HOME, LOGIN = "/dashboard", "/dashboard/login"
HTML = MEDIA_TYPES[".html"]


async def page(call: Call) -> Response | Stream:
    """Return the dashboard. Without a session, a browser gets the login form, any other client the error as JSON."""
    try:
        call.gateway.dashboard_auth.authenticate(call.request.headers)
    except GatewayError as error:
        return _rejection(call, error)
    return UI_FILES["index.html"].respond(call)


async def show_login(call: Call) -> Response | Stream:
    """Return the login form. A token in the query logs in at once; a session is sent on to the dashboard."""
    tokens = parse_qs(call.request.query).get("access_token")
    if tokens:
        return _log_in(call, tokens[-1])
    try:
        call.gateway.dashboard_auth.authenticate(call.request.headers)
    except GatewayError as error:
        return _form(call, 200 if error.status == 401 else error.status, "" if error.status == 401 else error.message)
    return _redirect(call, HOME)


async def log_in(call: Call) -> Response | Stream:
    """Log in with the submitted form. Raises the errors of `DashboardAuth.log_in`."""
    fields = parse_qs((await call.body()).decode("utf-8", "replace"))
    return _log_in(call, fields.get("access_token", [""])[-1])


async def log_out(call: Call) -> Response | Stream:
    return _redirect(call, LOGIN, call.gateway.dashboard_auth.log_out())


async def asset(call: Call) -> Response | Stream:
    """Return a script or a style sheet; they need no session. Raises NotFoundError."""
    file = UI_FILES.get(call.parameters["name"])
    if file is None or file.media == HTML:
        raise NotFoundError("the dashboard has no such file")
    return file.respond(call)


def _log_in(call: Call, token: str) -> Response:
    try:
        return _redirect(call, HOME, call.gateway.dashboard_auth.log_in(token.strip()))
    except GatewayError as error:
        return _rejection(call, error)


def _redirect(call: Call, path: str, cookie: str | None = None) -> Response:
    more = {"set-cookie": cookie} if cookie else {}
    return call.respond(b"", HTML, 303, {**HEADERS, "location": path, "cache-control": "no-store", **more})


def _rejection(call: Call, error: GatewayError) -> Response:
    if "text/html" not in call.request.headers.get("accept", ""):
        response = call.failure(error)
        response.headers = {**response.headers, "referrer-policy": "no-referrer"}
        return response
    message = "" if error.status == 401 and call.request.path != LOGIN else error.message
    return _form(call, error.status, message, call.failure(error).headers)


def _form(call: Call, status: int, message: str, more: Mapping[str, str] | None = None) -> Response:
    headers = {name: value for name, value in (more or {}).items() if name in {"retry-after", "www-authenticate"}}
    name = "disabled.html" if status == 503 else "login.html"
    data = UI_FILES[name].with_message(message)
    return call.respond(data, HTML, status, {**HEADERS, "cache-control": "no-store", **headers})


# The pages are `open` in this table because they check the session themselves: without one the form is shown.
ENDPOINTS = (
    Endpoint(method="GET", path="/", handler=page, access="open"),
    Endpoint(method="GET", path="/ui", handler=page, access="open"),
    Endpoint(method="GET", path=HOME, handler=page, access="open"),
    Endpoint(method="GET", path=LOGIN, handler=show_login, access="open"),
    Endpoint(method="POST", path=LOGIN, handler=log_in, access="open", body_limit=16 * KI),
    Endpoint(method="POST", path="/dashboard/logout", handler=log_out, access="open", body_limit=KI),
    Endpoint(method="GET", path="/ui/{name:path}", handler=asset, access="open"),
)
