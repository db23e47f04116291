"""HTTP client for a gateway's API: typed responses, a deadline for each request, and the time it took."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from ops.errors import DisconnectedError, WrongAnswerError

T = TypeVar("T")
CHUNK = TypeVar("CHUNK", bytes, str)
DONE: Final = "[DONE]"
SHOWN: Final = 160
"""Characters of a response in an error message."""


@dataclass(frozen=True, kw_only=True)
class ServerSentEvent:
    """One event of a stream; *at_s*: seconds from the request to its arrival."""

    data: str
    at_s: float


class GatewayClient:
    """Client whose responses must be complete within *within_s* seconds. All methods raise WrongAnswerError."""

    def __init__(self, http: httpx.Client, within_s: float) -> None:
        self.seconds = 0.0
        """The time of all requests so far."""
        self.within_s = within_s
        self.fallback_backend: str | None = None
        """The backend that served in place of the first of its route, as the last such response names it."""
        self._http = http

    def json(self, kind: type[T], method: str, path: str, **content: Any) -> T:  # noqa: ANN401 - as httpx
        """Return the response parsed as *kind*."""
        return parse(kind, self.content(method, path, **content))

    def content(self, method: str, path: str, **content: Any) -> bytes:  # noqa: ANN401 - as httpx
        """Return the body of the response."""
        with self._request(method, path, **content) as (response, start):
            return b"".join(self._until_deadline(response.iter_bytes(), start))

    def events(self, path: str, body: object) -> list[ServerSentEvent]:
        """Return the events of a streamed response; it must end with `[DONE]`, which is left out."""
        with self._request("POST", path, json=body) as (response, start):
            events = list(_events(self._until_deadline(response.iter_lines(), start), start))
        if not events or events[-1].data != DONE:
            last = events[-1].data[:SHOWN] if events else "none"
            raise WrongAnswerError(f"a stream that ends without {DONE}; its last event: {last}")
        return events[:-1]

    @contextmanager
    def _request(self, method: str, path: str, **content: Any) -> Iterator[tuple[httpx.Response, float]]:  # noqa: ANN401
        start, has_begun = perf_counter(), False
        try:
            with self._http.stream(method, path, timeout=self.within_s, **content) as response:
                has_begun = True
                if response.is_error or response.is_redirect:
                    raise _error(response, b"".join(self._until_deadline(response.iter_bytes(), start)))
                self._note_fallback(response)
                yield response, start
        except httpx.TimeoutException as error:
            raise self._timeout() from error
        except httpx.HTTPError as error:
            is_closed = isinstance(error, httpx.RemoteProtocolError) and not has_begun
            kind = DisconnectedError if is_closed else WrongAnswerError
            raise kind(f"the connection broke: {error}") from error
        finally:
            self.seconds += perf_counter() - start

    def _until_deadline(self, chunks: Iterable[CHUNK], start: float) -> Iterator[CHUNK]:
        """Yield *chunks* until the deadline: httpx limits each read only, which a slow stream never exceeds."""
        for chunk in chunks:
            if perf_counter() - start > self.within_s:
                raise self._timeout()
            yield chunk

    def _note_fallback(self, response: httpx.Response) -> None:
        if response.headers.get("x-synapse-fallback") == "1":
            self.fallback_backend = response.headers.get("x-synapse-backend")

    def _timeout(self) -> WrongAnswerError:
        return WrongAnswerError(f"no answer within {self.within_s:g} s")


def parse(kind: type[T], content: bytes | str) -> T:
    """Parse JSON as *kind*. Raises WrongAnswerError, which names the missing or mistyped field."""
    try:
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the response"
        raise WrongAnswerError(f"{field}: {first['msg']}; {_excerpt(content)}") from error


def _events(lines: Iterable[str], start: float) -> Iterator[ServerSentEvent]:
    for line in lines:
        if line.startswith("data:"):
            yield ServerSentEvent(data=line.removeprefix("data:").strip(), at_s=perf_counter() - start)


class _Error(BaseModel):
    message: str
    code: str | None


class _Envelope(BaseModel):
    error: _Error


def _error(response: httpx.Response, content: bytes) -> WrongAnswerError:
    try:
        error = _Envelope.model_validate_json(content).error
    except ValidationError:
        return WrongAnswerError(f"{response.status_code} without an error envelope; {_excerpt(content)}")
    return WrongAnswerError(f"{response.status_code} {error.code}: {error.message}", error.code)


def _excerpt(content: bytes | str) -> str:
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    return f"the response: {text[:SHOWN]!r}"
