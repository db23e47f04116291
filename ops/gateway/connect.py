"""A client for a gateway that is there, is one, and lets this caller in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from ops.errors import UnreachableError

HERE: Final = dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"))
"""These are reached without the proxy that the environment may name."""
PATIENCE_S: Final = 10.0


@contextmanager
def reached(url: str, key: str | None, within_s: float = PATIENCE_S) -> Iterator[httpx.Client]:
    """A client for the gateway at *url*, which bears *key* if there is one. Raises UnreachableError."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        client = httpx.Client(base_url=url, headers=headers, mounts=HERE, timeout=within_s)
    except (httpx.InvalidURL, UnicodeEncodeError) as error:
        raise _no_address(url, error) from error
    with client:
        _check(url, _asked(client, url, "/livez"), "/livez")
        _check(url, _asked(client, url, "/voices"), "/voices")
        yield client


def _asked(client: httpx.Client, url: str, path: str) -> httpx.Response:
    try:
        return client.get(path)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise _no_address(url, error) from error
    except httpx.TimeoutException as error:
        raise UnreachableError(
            f"{url} took the question and gave no answer within {client.timeout.read:g} s"
        ) from error
    except httpx.HTTPError as error:
        raise UnreachableError(
            f"nobody answers at {url}: {error}; name a gateway's address with --url, or a cluster with --kubeconfig"
        ) from error


def _check(url: str, answer: httpx.Response, path: str) -> None:
    if answer.status_code in {401, 403}:
        raise UnreachableError(f"{url}: the gateway refuses the key; give one of its own by --key or SYNAPSE_API_KEY")
    if answer.status_code == 404:
        raise UnreachableError(f"{url} is no Synapse gateway: it answers 404 to GET {path}")


def _no_address(url: str, error: Exception) -> UnreachableError:
    return UnreachableError(f"{url}: {error}; accepted: an address such as http://127.0.0.1:8000")
