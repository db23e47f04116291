"""What goes wrong while a request is served, and the status that says so.

EngineError
├── BadInputError       400  what was sent cannot be used
├── NotFoundError       404  a name that nothing here has
├── TooLargeError       413  more bytes than are taken
├── InvalidError        422  a field is missing or out of its range
├── FailedError         500  the engine could not do it
├── NotOfferedError     501  the engine has no such thing
└── UnavailableError    503  not now
"""

from typing import ClassVar


class EngineError(Exception):
    """*type* is the word that llama.cpp has for it; *more* stands beside the message there."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"

    def __init__(self, message: str, **more: int) -> None:
        super().__init__(message)
        self.message = message
        self.more = more


class BadInputError(EngineError):
    status = 400
    type = "invalid_request_error"


class ContextSizeError(BadInputError):
    """A prompt that is longer than what the model can look at."""

    type = "exceed_context_size_error"


class NotFoundError(EngineError):
    status = 404
    type = "not_found_error"


class TooLargeError(EngineError):
    status = 413
    type = "invalid_request_error"


class InvalidError(EngineError):
    """*where*: the field."""

    status = 422
    type = "invalid_request_error"

    def __init__(self, message: str, where: str = "body") -> None:
        super().__init__(message)
        self.where = where


class FailedError(EngineError):
    """It was tried."""


class NotOfferedError(EngineError):
    status = 501
    type = "not_supported_error"


class UnavailableError(EngineError):
    status = 503
    type = "unavailable_error"
