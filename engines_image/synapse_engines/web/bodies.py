"""What clients send: JSON of a known shape, and forms whose files are on disk while they are looked at."""

import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from synapse_engines.errors import BadInputError, InvalidError, TooLargeError

MOST_JSON = 16 * 1024 * 1024
T = TypeVar("T")


async def json(request: Request, shape: type[T]) -> T:
    """The body as *shape*. Raises BadInputError, InvalidError and TooLargeError."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MOST_JSON:
            raise TooLargeError(f"the body is longer than {MOST_JSON} bytes")
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise InvalidError(str(error), _where(str(error))) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInputError("the body is no JSON that can be read") from error


def _where(message: str) -> str:
    """The field that msgspec names at the end, "... - at `$.text`"."""
    _, found, path = message.rpartition("`$.")
    return path.rstrip("`") if found else "body"


@dataclass(frozen=True)
class File:
    """An upload: the *name* it came with, and where its content is for now."""

    name: str
    path: Path


@dataclass(frozen=True)
class Form:
    """The fields and files of a form. Asking for what is not there raises InvalidError."""

    texts: Mapping[str, list[str]]
    files: Mapping[str, list[File]]

    def file(self, name: str) -> File:
        if not self.files.get(name):
            raise InvalidError("Field required: a file", name)
        return self.files[name][0]

    def text(self, name: str, default: str = "") -> str:
        return self.texts.get(name, [default])[0]

    def number(self, name: str, least: int = 1) -> int | None:
        """A whole number from *least*; None where it is missing or empty."""
        text = self.text(name)
        if text and (not text.isascii() or not text.isdigit() or int(text[:9]) < least):
            raise InvalidError(f"got {text[:32]!r}; accepted: a whole number from {least}", name)
        return int(text) if text else None

    def flag(self, name: str, *, default: bool) -> bool:
        text = self.text(name, str(default)).strip().lower()
        if text not in FLAGS:
            raise InvalidError(f"got {text[:32]!r}; accepted: {', '.join(FLAGS)}", name)
        return FLAGS[text]


FLAGS: Mapping[str, bool] = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@asynccontextmanager
async def form(request: Request, most_bytes: int) -> AsyncIterator[Form]:
    """The form of *request*; its files are gone afterwards.

    Raises BadInputError for what is no form, TooLargeError for more than *most_bytes* in all.
    """
    with TemporaryDirectory(prefix="synapse-") as folder:
        parsed = await _parsed(_Counted(request, most_bytes))
        try:
            yield Form(_texts(parsed), await run_in_threadpool(_files, parsed, Path(folder)))
        finally:
            await parsed.close()


class _Counted(Request):
    """A request that counts the bytes of its body."""

    def __init__(self, request: Request, most_bytes: int) -> None:
        super().__init__(request.scope, request.receive)
        self._left = most_bytes
        self._most = most_bytes

    async def stream(self) -> AsyncGenerator[bytes, None]:
        async for part in super().stream():
            self._left -= len(part)
            if self._left < 0:
                raise TooLargeError(f"the form is longer than {self._most} bytes")
            yield part


async def _parsed(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidError("Field required: send multipart/form-data", "file")
    try:
        return await request.form(max_files=16, max_fields=64)
    except HTTPException as error:
        raise BadInputError(error.detail) from error


def _texts(parsed: FormData) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parsed.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def _files(parsed: FormData, folder: Path) -> dict[str, list[File]]:
    found: dict[str, list[File]] = {}
    for number, (name, value) in enumerate(parsed.multi_items()):
        if isinstance(value, UploadFile):
            path = folder / str(number)
            with path.open("wb") as target:
                shutil.copyfileobj(value.file, target)
            found.setdefault(name, []).append(File(value.filename or "", path))
    return found
