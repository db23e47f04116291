"""Errors of the Kubernetes client as text."""

import pytest
from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.cluster.api_errors import error_text, translate_errors
from ops.errors import UnreachableError


def refusal(body: str | None) -> client.ApiException:
    error = client.ApiException(status=403, reason="Forbidden")
    error.body = body
    return error


@pytest.mark.parametrize("body", [None, "", "<html>", "[]", '{"kind": "Status"}'])
def test_a_refusal_without_a_message_is_its_status(body: str | None) -> None:
    assert error_text(refusal(body)) == "403 Forbidden"


def test_a_refusal_has_the_message_of_the_api_server() -> None:
    assert error_text(refusal('{"message": "pods is forbidden"}')) == "403 Forbidden: pods is forbidden"


def test_another_error_is_its_first_line() -> None:
    assert error_text(OSError("no route\nto host")) == "no route"
    assert error_text(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (refusal(None), "the cluster refused the request: 403 Forbidden"),
        (HTTPError("closed"), "the cluster cannot be reached: closed"),
        (OSError("closed"), "the cluster cannot be reached: closed"),
    ],
)
def test_errors_are_translated(error: Exception, message: str) -> None:
    with pytest.raises(UnreachableError, match=message), translate_errors(UnreachableError):
        raise error
