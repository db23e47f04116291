"""Errors of a request, with their HTTP statuses, and the error of a model build.

EngineError
├── BadInputError       400  unusable input
│   └── ContextSizeError     prompt longer than the context
├── NotFoundError       404  unknown name
├── TooLargeError       413  more bytes or seconds than the limit
├── InvalidError        422  missing field, or field outside its range
├── FailedError         500  failure of the engine
├── NotOfferedError     501  feature that the engine does not have
└── UnavailableError    503  temporary: retry later
ModelBuildError          model that cannot be built
"""

from typing import ClassVar


class EngineError(Exception):
    """Error of a request; *type* is llama.cpp's error type, *more* are further fields of its error object."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"

    def __init__(self, message: str, **more: int) -> None:
        super().__init__(message)
        self.message = message
        self.more = more


class BadInputError(EngineError):
    """Input that cannot be used (400)."""

    status = 400
    type = "invalid_request_error"


class ContextSizeError(BadInputError):
    """Prompt that is longer than the context of the model (400)."""

    type = "exceed_context_size_error"


class NotFoundError(EngineError):
    """Name that the engine does not have (404)."""

    status = 404
    type = "not_found_error"


class TooLargeError(EngineError):
    """Upload or recording above its limit (413)."""

    status = 413
    type = "invalid_request_error"


class InvalidError(EngineError):
    """Invalid value of the request field *field* (422)."""

    status = 422
    type = "invalid_request_error"

    def __init__(self, message: str, field: str = "body") -> None:
        super().__init__(message)
        self.field = field


class FailedError(EngineError):
    """Failure of the engine while it served the request (500)."""


class NotOfferedError(EngineError):
    """Feature that the engine does not have (501)."""

    status = 501
    type = "not_supported_error"


class UnavailableError(EngineError):
    """Temporary refusal: the queue is full, or the model is loading or unloading (503)."""

    status = 503
    type = "unavailable_error"


class ModelBuildError(ValueError):
    """Model that cannot be built: a file is missing or has the wrong content."""
