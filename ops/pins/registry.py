"""Tags of a repository, by the distribution API of its registry (opencontainers/distribution-spec)."""

import re
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

import httpx

from ops.errors import UnreachableError
from ops.pins.image_reference import ImageReference

TIMEOUT_S: Final = 20.0
PAGE: Final = 1000
PAGES: Final = 200
"""Pages after which a registry that links to itself is given up."""
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class Registry:
    """A client for the registries of all images; anonymous, with a token where a registry wants one."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(timeout=TIMEOUT_S, follow_redirects=True, transport=transport)
        self._tokens: dict[tuple[str, str], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def tags(self, image: ImageReference) -> list[str]:
        """Return every tag of the image's repository.

        Raises UnreachableError for a registry that does not answer, or refuses.
        """
        try:
            return list(self._tags(image))
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise UnreachableError(f"{image.host}: cannot list the tags of {image.repository}: {error}") from error

    def _tags(self, image: ImageReference) -> Iterator[str]:
        url = httpx.URL(f"{image.api}/v2/{image.repository}/tags/list", params={"n": str(PAGE)})
        for _ in range(PAGES):
            response = self._get(url, image)
            yield from response.json()["tags"] or ()
            following = response.links.get("next", {}).get("url")
            if not following:
                return
            url = url.join(following)
        raise ValueError(f"more than {PAGES} pages of tags")

    def _get(self, url: httpx.URL, image: ImageReference) -> httpx.Response:
        key = (image.api, image.repository)
        response = self._http.get(url, headers=self._headers(key))
        if response.status_code == httpx.codes.UNAUTHORIZED and key not in self._tokens:
            self._tokens[key] = self._token(response.headers.get("www-authenticate", ""))
            response = self._http.get(url, headers=self._headers(key))
        return response.raise_for_status()

    def _headers(self, key: tuple[str, str]) -> dict[str, str]:
        return {"authorization": f"Bearer {self._tokens[key]}"} if key in self._tokens else {}

    def _token(self, challenge: str) -> str:
        """Return an anonymous token from the server that the challenge names."""
        scheme, _, rest = challenge.partition(" ")
        parameters = dict(_PARAMETER.findall(rest))
        if scheme.lower() != "bearer" or "realm" not in parameters:
            raise ValueError(f"it asks for {challenge or 'credentials'}, which this command does not have")
        realm = parameters.pop("realm")
        answer = self._http.get(realm, params=parameters).raise_for_status().json()
        return str(answer.get("token") or answer["access_token"])
