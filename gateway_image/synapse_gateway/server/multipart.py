"""multipart/form-data (RFC 7578): an incremental parser, and forms to send, whose length is known beforehand.

Parse: `FormParser(boundary(content_type)).feed(data)` returns events: a `FormPart` begins, bytes belong to the last.
Send: `Form(fields=[("language", "en")], files=[("file", upload)])` as the body of an `UpstreamCall`.
"""

import logging
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from synapse_gateway.errors import BadRequestError
from synapse_gateway.settings import KI

MEDIA = "multipart/form-data"
MOST_PARTS = 64
MOST_HEADERS = 8
HEADER_BYTES = 4 * KI
NAME_CHARACTERS = 255
OCTETS = "application/octet-stream"
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,64}/[\w!#$&^.+-]{1,64}(; ?[\w-]{1,32}=[\w.+-]{1,64})*", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})  # as browsers do: html.spec.whatwg.org, form data
logging.getLogger("python_multipart").setLevel(logging.ERROR)  # its warnings become errors for the client


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPart:
    """Head of one part. *filename*: the client's name of the file, without folders; None for a text field."""

    name: str
    filename: str | None
    content_type: str


class FormParser:
    """Incremental parser of a form. Raises BadRequestError (`invalid_form`) for an invalid one."""

    def __init__(self, boundary: bytes) -> None:
        self._events: list[FormPart | bytes] = []
        self._header = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._parts = 0
        self.is_complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_header,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_head,
                "on_part_data": self._on_data,
                "on_end": self._end,
            },
            max_header_count=MOST_HEADERS,
            max_header_size=HEADER_BYTES,
        )

    def feed(self, data: bytes) -> list[FormPart | bytes]:
        """Return the events that *data* completes."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _invalid("invalid multipart syntax, or the header of a part is too large") from error
        events, self._events = self._events, []
        return events

    def _begin(self) -> None:
        self._parts += 1
        self._headers = {}
        if self._parts > MOST_PARTS:
            raise BadRequestError(f"the form has more parts than the limit of {MOST_PARTS}", code="too_many_parts")

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.lower()] = bytes(self._header)
        self._name = b""
        self._header.clear()

    def _on_head(self) -> None:
        self._events.append(_part(self._headers))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end(self) -> None:
        self.is_complete = True


def boundary(content_type: str) -> bytes:
    """Return the boundary between the parts. Raises BadRequestError for another content type."""
    media, options = parse_options_header(content_type.encode("latin-1", "replace"))
    value = options.get(b"boundary", b"")
    if media.decode("latin-1") != MEDIA or not 0 < len(value) <= 70:
        raise BadRequestError(
            f"got content type {media.decode('latin-1')!r}; accepted: {MEDIA} with a boundary",
            code="wrong_content_type",
        )
    return value


def _part(headers: dict[bytes, bytes]) -> FormPart:
    kind, options = parse_options_header(headers.get(b"content-disposition"))
    if kind != b"form-data" or b"name" not in options:
        raise _invalid("a part has no Content-Disposition: form-data with a name")
    filename = options.get(b"filename")
    media = headers.get(b"content-type", b"").decode("latin-1").strip()
    return FormPart(
        name=_text(options[b"name"]),
        filename=None if filename is None else plain_name(_text(filename)),
        content_type=media if MEDIA_TYPE.fullmatch(media) else OCTETS,
    )


def plain_name(name: str) -> str:
    """Return *name* without folders and control characters, cut to its last 255 characters."""
    last = re.split(r"[/\\]", CONTROL.sub("", name))[-1].strip()
    return "" if last in {".", ".."} else last[-NAME_CHARACTERS:]


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _invalid("the header of a part is not UTF-8") from error


def _invalid(why: str) -> BadRequestError:
    return BadRequestError(f"invalid form: {why}", code="invalid_form")


class FormFile(Protocol):
    """File of a form to send. `chunks` may be called again: each backend that is tried reads it from the start."""

    @property
    def name(self) -> str: ...

    @property
    def content_type(self) -> str: ...

    @property
    def size(self) -> int:
        """Size in bytes."""
        ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class Form:
    """Form to send: an async iterable of *length* bytes; *media* is its Content-Type."""

    def __init__(self, *, fields: Iterable[tuple[str, str]] = (), files: Iterable[tuple[str, FormFile]] = ()) -> None:
        boundary = secrets.token_hex(16)
        self.media = f"{MEDIA}; boundary={boundary}"
        self._pieces = list(_pieces(boundary.encode(), fields, files))
        self.length = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                async for data in piece.chunks():
                    yield data


def _pieces(
    boundary: bytes, fields: Iterable[tuple[str, str]], files: Iterable[tuple[str, FormFile]]
) -> Iterator[bytes | FormFile]:
    head = b"".join(
        b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, _disposition(name), value.encode()) for name, value in fields
    )
    for name, file in files:
        media = file.content_type.translate(ESCAPES).encode("latin-1", "replace")
        disposition = _disposition(name, file.name)
        yield head + b"--%b\r\n%b\r\ncontent-type: %b\r\n\r\n" % (boundary, disposition, media)
        yield file
        head = b"\r\n"
    yield head + b"--%b--\r\n" % boundary


def _disposition(name: str, filename: str | None = None) -> bytes:
    more = "" if filename is None else f'; filename="{filename.translate(ESCAPES)}"'
    return f'content-disposition: form-data; name="{name.translate(ESCAPES)}"{more}'.encode()
