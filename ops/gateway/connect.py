"""Connection to a gateway, after a check of its address, of the server that answers there, and of the key."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx

from ops.errors import UnreachableError

LOOPBACK: Final = dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"))
"""httpx mounts that bypass the environment's proxy for this machine."""
CONNECT_TIMEOUT_S: Final = 10.0
IDLE_S: Final = 4.0
"""Seconds until an idle connection is closed: before the server does it (uvicorn waits 5 s), amid the next request."""


def http_client(url: str, within_s: float, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """Return a client for the server at *url*. Raises httpx.InvalidURL."""
    limits = httpx.Limits(keepalive_expiry=IDLE_S)
    return httpx.Client(base_url=url, headers=headers, mounts=LOOPBACK, limits=limits, timeout=within_s)


@contextmanager
def connect_gateway(url: str, key: str | None, within_s: float = CONNECT_TIMEOUT_S) -> Iterator[httpx.Client]:
    """Yield a client for the gateway at *url* that sends *key*, if there is one. Raises UnreachableError."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        client = http_client(url, within_s, headers)
    except (httpx.InvalidURL, UnicodeEncodeError) as error:
        raise _invalid_address(url, error) from error
    with client:
        for path in ("/livez", "/voices"):  # the first needs no key, the second does
            _check(url, _get(client, url, path), path)
        yield client


def _get(client: httpx.Client, url: str, path: str) -> httpx.Response:
    try:
        return client.get(path)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise _invalid_address(url, error) from error
    except httpx.TimeoutException as error:
        raise UnreachableError(
            f"{url} accepted the request and gave no answer within {client.timeout.read:g} s"
        ) from error
    except httpx.HTTPError as error:
        raise UnreachableError(
            f"no server answers at {url}: {error}; name a gateway's address with --url, or a cluster with --kubeconfig"
        ) from error


def _check(url: str, response: httpx.Response, path: str) -> None:
    if response.status_code in {401, 403}:
        raise UnreachableError(f"{url}: the gateway refuses the key; set a valid one with --key or SYNAPSE_API_KEY")
    if response.status_code == 404:
        raise UnreachableError(
            f"{url} is not a Synapse gateway: it answers 404 to GET {path}; name a gateway's address with --url"
        )


def _invalid_address(url: str, error: Exception) -> UnreachableError:
    return UnreachableError(f"{url}: {error}; accepted: an address such as http://127.0.0.1:8000")
