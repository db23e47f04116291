"""How an exchange with a backend fails.

UpstreamError
├── ConnectError         no connection was made: nothing was sent, so it may be tried again
├── BrokenAnswerError    the connection ended, or what came was no HTTP
└── SilentBackendError   the deadline passed
"""


class UpstreamError(Exception):
    """An exchange with a backend that did not come to its end."""


class ConnectError(UpstreamError):
    """No connection: refused, no such name, or no answer in time."""


class BrokenAnswerError(UpstreamError):
    """The answer broke off, or cannot be read."""


class SilentBackendError(UpstreamError):
    """The backend did not answer, or stopped talking, within its time."""
