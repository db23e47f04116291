"""Errors of an exchange with a backend.

UpstreamError
├── ConnectError            no connection was made: nothing was sent, a retry is safe
├── BrokenResponseError     the connection ended, or the data was not HTTP
└── UpstreamTimeoutError    the deadline passed
"""


class UpstreamError(Exception):
    """An exchange with a backend that was not completed."""


class ConnectError(UpstreamError):
    """No connection: refused, unknown host, or a timeout."""


class BrokenResponseError(UpstreamError):
    """The response broke off, or cannot be parsed."""


class UpstreamTimeoutError(UpstreamError):
    """The backend did not answer, or stopped sending, within its time."""
