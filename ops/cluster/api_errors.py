"""Errors of the Kubernetes client, as text and as errors of this program."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kubernetes import client
from urllib3.exceptions import HTTPError

NOT_FOUND: Final = 404
CONFLICT: Final = 409
GONE: Final = 410
API_ERRORS: Final = (client.ApiException, HTTPError, OSError)
"""Every error that a call of the client raises: a refusal, or a connection that failed."""


def error_text(error: Exception) -> str:
    """Return one line: `403 Forbidden: <the API server's message>`, or the first line of any other error."""
    if isinstance(error, client.ApiException):
        return ": ".join(filter(None, (f"{error.status} {error.reason}", _message(error))))
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def translate_errors(error_type: type[Exception], cluster: str = "the cluster") -> Iterator[None]:
    """Raise *error_type* in place of every error of the client; *cluster* names it in the message."""
    try:
        yield
    except client.ApiException as error:
        raise error_type(f"{cluster} refused the request: {error_text(error)}") from error
    except (HTTPError, OSError) as error:
        raise error_type(f"{cluster} cannot be reached: {error_text(error)}") from error


def _message(error: client.ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return ""
