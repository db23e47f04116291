"""Errors of a call, with their HTTP status and the message for the client.

GatewayError
├── BadRequestError 400          ├── ConflictError 409         ├── RateLimitedError 429
├── AuthenticationError 401      ├── TooLargeError 413         ├── InternalError 500
├── PermissionDeniedError 403    ├── ValidationError 422       ├── BadGatewayError 502
├── NotFoundError 404            └── SlowClientError 408       ├── UnavailableError 503
├── MethodNotAllowedError 405                                  └── BackendTimeoutError 504
(RefusedError: the status of the backend, below 500)

Messages reach the client: they must not hold a backend's address, a local path, a header or a key.
"""

import msgspec


class GatewayError(Exception):
    """An error that is reported to the client. *retry_after_s*: value of its `Retry-After` header, in seconds."""

    status: int = 500
    type: str = "server_error"
    code: str = "internal_error"

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.param = param
        self.retry_after_s = retry_after_s


class BadRequestError(GatewayError):
    status = 400
    type = "invalid_request_error"
    code = "bad_request"


class AuthenticationError(GatewayError):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class PermissionDeniedError(GatewayError):
    status = 403
    type = "permission_error"
    code = "insufficient_scope"


class NotFoundError(GatewayError):
    status = 404
    type = "invalid_request_error"
    code = "route_not_found"


class MethodNotAllowedError(GatewayError):
    """*allowed*: the accepted methods, as the `Allow` header lists them."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"got method {method}; accepted: {allowed}")
        self.allowed = allowed


class SlowClientError(GatewayError):
    status = 408
    type = "invalid_request_error"
    code = "request_timeout"


class ConflictError(GatewayError):
    status = 409
    type = "invalid_request_error"
    code = "conflict"


class TooLargeError(GatewayError):
    status = 413
    type = "invalid_request_error"
    code = "payload_too_large"


class ValidationError(GatewayError):
    status = 422
    type = "invalid_request_error"
    code = "validation_error"


class RateLimitedError(GatewayError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limited"


class InternalError(GatewayError):
    """A bug, or a failure of local storage."""


class BadGatewayError(GatewayError):
    status = 502
    type = "upstream_error"
    code = "backend_error"


class UnavailableError(GatewayError):
    status = 503
    type = "unavailable_error"
    code = "backend_unavailable"


class BackendTimeoutError(GatewayError):
    status = 504
    type = "timeout_error"
    code = "backend_timeout"


class RefusedError(GatewayError):
    """A request that a backend refused; its status is passed on."""

    type = "invalid_request_error"

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(message, code=code or "backend_refused", param=param)
        self.status = status
        self.type = type or self.type


def envelope(error: GatewayError) -> bytes:
    """Return the JSON body of an error response."""
    return msgspec.json.encode(
        {"error": {"message": error.message, "type": error.type, "code": error.code, "param": error.param}}
    )
