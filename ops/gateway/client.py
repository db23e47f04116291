"""Puts questions to a gateway over HTTP, and counts the seconds until they are answered."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from ops.errors import WrongAnswerError

T = TypeVar("T")
PART = TypeVar("PART", bytes, str)
DONE: Final = "[DONE]"
MOST_SHOWN: Final = 160


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of a stream, and when it came: seconds after the question."""

    data: str
    at_s: float


class Asker:
    """Every question must be answered, to its end, within *within_s* seconds. All methods raise WrongAnswerError."""

    def __init__(self, http: httpx.Client, within_s: float) -> None:
        self.seconds = 0.0
        self.within_s = within_s
        self.stood_in: str | None = None
        """The backend that answered in place of the first of its route, the last time that one did."""
        self._http = http

    def json(self, kind: type[T], method: str, path: str, **content: Any) -> T:  # noqa: ANN401 - what httpx takes
        """The answer read as *kind*."""
        return read(kind, self.content(method, path, **content))

    def content(self, method: str, path: str, **content: Any) -> bytes:  # noqa: ANN401 - what httpx takes
        """The answer's bytes."""
        with self._asked(method, path, **content) as (response, began):
            return b"".join(self._in_time(response.iter_bytes(), began))

    def events(self, path: str, body: object) -> list[Event]:
        """The answer's events up to `[DONE]`, which must come."""
        with self._asked("POST", path, json=body) as (response, began):
            found = list(_events(self._in_time(response.iter_lines(), began), began))
        if not found or found[-1].data != DONE:
            last = found[-1].data[:MOST_SHOWN] if found else "nothing"
            raise WrongAnswerError(f"a stream that ends without {DONE}; its last event: {last}")
        return found[:-1]

    @contextmanager
    def _asked(self, method: str, path: str, **content: Any) -> Iterator[tuple[httpx.Response, float]]:  # noqa: ANN401
        began = perf_counter()
        try:
            with self._http.stream(method, path, timeout=self.within_s, **content) as response:
                if response.is_error or response.is_redirect:
                    raise _refused(response, b"".join(self._in_time(response.iter_bytes(), began)))
                self._remember(response)
                yield response, began
        except httpx.TimeoutException as error:
            raise self._late() from error
        except httpx.HTTPError as error:
            raise WrongAnswerError(f"the connection broke: {error}") from error
        finally:
            self.seconds += perf_counter() - began

    def _in_time(self, parts: Iterable[PART], began: float) -> Iterator[PART]:
        """A server that sends a little all the time never exceeds the time of one read."""
        for part in parts:
            if perf_counter() - began > self.within_s:
                raise self._late()
            yield part

    def _remember(self, response: httpx.Response) -> None:
        if response.headers.get("x-synapse-fallback") == "1":
            self.stood_in = response.headers.get("x-synapse-backend")

    def _late(self) -> WrongAnswerError:
        return WrongAnswerError(f"no answer within {self.within_s:g} s")


def read(kind: type[T], content: bytes | str) -> T:
    """JSON as *kind*. Raises WrongAnswerError, which names what is missing or of another type."""
    try:
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the answer"
        raise WrongAnswerError(f"{place}: {first['msg']}; {_shown(content)}") from error


def _events(lines: Iterable[str], began: float) -> Iterator[Event]:
    for line in lines:
        if line.startswith("data:"):
            yield Event(data=line.removeprefix("data:").strip(), at_s=perf_counter() - began)


class _Error(BaseModel):
    message: str
    code: str | None


class _Envelope(BaseModel):
    error: _Error


def _refused(response: httpx.Response, content: bytes) -> WrongAnswerError:
    try:
        error = _Envelope.model_validate_json(content).error
    except ValidationError:
        return WrongAnswerError(f"{response.status_code} without an error envelope; {_shown(content)}")
    return WrongAnswerError(f"{response.status_code} {error.code}: {error.message}", error.code)


def _shown(content: bytes | str) -> str:
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    return f"came back: {text[:MOST_SHOWN]!r}"
