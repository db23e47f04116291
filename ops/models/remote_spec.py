"""Model spec of a repository on the Hugging Face hub, from its small files and the first bytes of its weights.

Read are `config.json` and the index of the safetensors; of a single file of weights, safetensors or GGUF, the header.
"""

import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

import httpx

from infra.errors import ModelFileError
from infra.sizing.specs import gguf, gguf_spec, safetensors
from infra.sizing.specs.model_config import MAX_JSON, ModelConfig, json_object
from infra.sizing.specs.model_spec import ModelSpec
from ops.models.inventory import ENDING
from ops.models.jobs import ENDPOINT, HUB
from ops.models.ranges import Answer, Start, read_start, read_whole

TOKEN: Final = "HF_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
FIRST: Final = 2**20
"""Bytes of a file of weights that are read first; four times as many each time that its header is longer."""
REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
FILE: Final = re.compile(rf"({REPOSITORY.pattern})/([\w./ -]+\.gguf)", re.IGNORECASE)
ADDRESS: Final = re.compile(r"https?://[^\s?#]+\.gguf(\?[^\s#]*)?", re.IGNORECASE)
NOT_FOUND, GATED = 404, frozenset({401, 403})
OFFLINE: Final = (
    f"download {safetensors.CONFIG} and {safetensors.INDEX} of the model elsewhere, and name their folder: --from DIR "
    "(these two small files suffice)"
)


class _ShortError(Exception):
    """The header continues after the bytes that were read."""


class _Prefix(io.BytesIO):
    """First bytes of a file; reading beyond them raises _ShortError."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if size is not None and len(data) < size:
            raise _ShortError
        return data


@dataclass(frozen=True)
class Hub:
    """The hub, or a mirror of it: its address without the last slash, and a token that only it may see."""

    endpoint: str = HUB
    token: str | None = None

    @classmethod
    def from_environment(cls) -> "Hub":
        """Return the hub of `HF_ENDPOINT` and `HF_TOKEN`. Raises ModelFileError for an address without http."""
        endpoint = (os.environ.get(ENDPOINT) or HUB).rstrip("/")
        if not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?", endpoint):
            raise ModelFileError(f"{ENDPOINT}: got {endpoint!r}; accepted: an address such as {HUB}")
        return cls(endpoint=endpoint, token=os.environ.get(TOKEN) or None)

    def url(self, repository: str, file: str) -> str:
        return f"{self.endpoint}/{repository}/resolve/main/{quote(file)}"

    def headers(self, url: str) -> dict[str, str]:
        """Return the token as a header for an address of the hub; httpx drops it where a redirect leaves the host."""
        is_ours = self.token is not None and url.startswith(f"{self.endpoint}/")
        return {"Authorization": f"Bearer {self.token}"} if is_ours else {}


def is_remote(name: str) -> bool:
    """Return True for a repository, a GGUF file of one, and the address of a GGUF file."""
    return any(pattern.fullmatch(name) for pattern in (REPOSITORY, FILE, ADDRESS))


def read(name: str, hub: Hub | None = None) -> tuple[ModelSpec, int]:
    """Return the spec of the model *name* and the bytes of its weights. Raises ModelFileError."""
    hub = hub or Hub.from_environment()
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
        reader = _Reader(client, hub, name)
        if ADDRESS.fullmatch(name):
            return reader.gguf(name.replace("/blob/", "/resolve/", 1))
        if match := FILE.fullmatch(name):
            return reader.gguf(hub.url(match[1], match[2]))
        return reader.repository(name)


class _Reader:
    """Reader of the files of one model."""

    def __init__(self, client: httpx.Client, hub: Hub, name: str) -> None:
        self._client, self._hub, self._name = client, hub, name

    def repository(self, name: str) -> tuple[ModelSpec, int]:
        url = self._hub.url(name, safetensors.CONFIG)
        config = ModelConfig(url, self._document(url, self._whole(url)))
        size = self._weights(name)
        return replace(safetensors.spec(config, size), **self._access(name)), size.stored

    def gguf(self, url: str) -> tuple[ModelSpec, int]:
        start = self._checked(url, self._start(url, FIRST))
        while True:
            try:
                header = gguf.parse(_Prefix(start.content), url, start.size)
            except _ShortError:
                start = self._checked(url, self._start(url, min(4 * len(start.content), gguf.MAX_HEADER), start))
            else:
                return gguf_spec.of_header(header)

    def _weights(self, name: str) -> safetensors.Size:
        """Return the size of the weights: by the index, or by the header of the only file."""
        url = self._hub.url(name, safetensors.INDEX)
        index = self._whole(url)
        if index.status != NOT_FOUND:
            return safetensors.indexed(url, self._document(url, index))
        single = self._hub.url(name, safetensors.SINGLE)
        start = self._start(single, FIRST)
        if start.status == NOT_FOUND:
            raise ModelFileError(
                f"{name}: neither {safetensors.INDEX} nor {safetensors.SINGLE} on the hub; accepted: a repository of "
                f"safetensors, or a GGUF file of it: {name}/FILE{ENDING}"
            )
        return self._header(single, self._checked(single, start))

    def _access(self, name: str) -> dict[str, Any]:
        """Return whether the repository is gated, and its licence; nothing where a mirror does not say it."""
        url = f"{self._hub.endpoint}/api/models/{name}"
        try:
            details = self._document(url, self._whole(url))
        except ModelFileError:
            return {}
        card = details.get("cardData")
        names = [card.get(key) for key in ("license_name", "license")] if isinstance(card, dict) else []
        licence = next((name for name in names if isinstance(name, str)), None)
        return {"gated": bool(details.get("gated")), "licence": licence}

    def _header(self, url: str, start: Start) -> safetensors.Size:
        length = safetensors.header_length(url, start.content[: safetensors.PREFIX], start.size)
        end = safetensors.PREFIX + length
        if end > len(start.content):
            start = self._checked(url, self._start(url, end, start))
        return safetensors.tensors(url, start.content[safetensors.PREFIX : end], start.size)

    def _whole(self, url: str) -> Answer:
        return self._get(url, lambda: read_whole(self._client, url, self._hub.headers(url), MAX_JSON))

    def _start(self, url: str, length: int, before: Start | None = None) -> Answer:
        return self._get(url, lambda: read_start(self._client, url, self._hub.headers(url), length, before))

    def _get(self, url: str, request: Callable[[], Answer]) -> Answer:
        """Return the answer to *request*. Raises ModelFileError without one."""
        try:
            return request()
        except httpx.TimeoutException as error:
            raise ModelFileError(f"{url}: no answer in time; try again, or {OFFLINE}") from error
        except httpx.ConnectError as error:
            raise ModelFileError(f"{url}: cannot be reached ({error}); {OFFLINE}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelFileError(f"{url}: the transfer failed ({error}); try again, or {OFFLINE}") from error

    def _document(self, url: str, answer: Answer) -> dict[str, object]:
        content = self._checked(url, answer).content
        if content.lstrip()[:1] == b"<":
            raise ModelFileError(f"{url}: a web page in place of JSON: a login or a proxy is in between; {OFFLINE}")
        return json_object(url, content)

    def _checked(self, url: str, answer: Answer) -> Start:
        """Return the bytes of an answer. Raises ModelFileError for a refusal."""
        if answer.start:
            return answer.start
        refusals: dict[int, Callable[[], str]] = {NOT_FOUND: self._missing, **dict.fromkeys(GATED, self._gated)}
        reason = refusals.get(answer.status, lambda: f"try again later, or {OFFLINE}")()
        raise ModelFileError(f"{url}: the hub answered {answer.status} {answer.reason}: {reason}".rstrip())

    def _missing(self) -> str:
        return f"{self._name} is not there; accepted: OWNER/NAME as the hub writes it, with {safetensors.CONFIG}"

    def _gated(self) -> str:
        page = f"{self._hub.endpoint}/{'/'.join(self._name.split('/')[:2])}"
        if self._hub.token:
            return f"the token of {TOKEN} does not open it: accept its licence on {page} with the account of the token"
        return (
            f"the model is gated or private: accept its licence on {page}, then set {TOKEN} to a token of that account "
            f"(a wrong name is answered in the same way); or {OFFLINE}"
        )
