"""multipart/form-data: parsing of split input, writing, and refusal of invalid forms."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synapse_gateway.errors import BadRequestError
from synapse_gateway.server.multipart import OCTETS, Form, FormParser, FormPart, boundary, plain_name

pytestmark = pytest.mark.anyio
BODY = (
    b'--x\r\nContent-Disposition: form-data; name="language"\r\n\r\nen\r\n'
    b'--x\r\ncontent-disposition: form-data; name="file"; filename="a b.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    b"RIFF\r\n--y\r\n-\r\n--x--\r\nepilogue"
)
LANGUAGE = FormPart(name="language", filename=None, content_type=OCTETS)
FILE = FormPart(name="file", filename="a b.wav", content_type="audio/wav")


@dataclass(frozen=True)
class Memory:
    """File to send."""

    name: str
    data: bytes
    content_type: str = "audio/wav"

    @property
    def size(self) -> int:
        return len(self.data)

    async def chunks(self) -> AsyncIterator[bytes]:
        for offset in range(0, len(self.data), 3):
            yield self.data[offset : offset + 3]


def parts(body: bytes, *cuts: int) -> list[tuple[FormPart, bytes]]:
    """Return every part of *body*, fed in pieces that are split at *cuts*."""
    parser, result, edges = FormParser(b"x"), list[tuple[FormPart, bytes]](), [0, *sorted(cuts), len(body)]
    for begin, end in pairwise(edges):
        for event in parser.feed(body[begin:end]):
            if isinstance(event, FormPart):
                result.append((event, b""))
            else:
                result[-1] = (result[-1][0], result[-1][1] + event)
    assert parser.is_complete
    return result


def one(disposition: bytes, more: bytes = b"") -> bytes:
    return b"--x\r\nContent-Disposition: " + disposition + more + b"\r\n\r\n.\r\n--x--\r\n"


@given(st.lists(st.integers(0, len(BODY)), max_size=6))
def test_a_form_is_parsed_the_same_wherever_it_is_split(cuts: list[int]) -> None:
    assert parts(BODY, *cuts) == [(LANGUAGE, b"en"), (FILE, b"RIFF\r\n--y\r\n-")]


def test_a_form_without_its_last_boundary_is_not_complete() -> None:
    parser = FormParser(b"x")
    parser.feed(BODY[: BODY.index(b"--x--")])
    assert not parser.is_complete


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"--z\r\n", "invalid_form"),
        (one(b"form-data"), "invalid_form"),
        (one(b'attachment; name="a"'), "invalid_form"),
        (one(b'form-data; name="\xff"'), "invalid_form"),
        (one(b'form-data; name="a"; filename="\xff"'), "invalid_form"),
        (b"--x\r\n\r\n.\r\n--x--\r\n", "invalid_form"),
        (b"--x\r\nbad header: 1\r\n\r\n", "invalid_form"),
        (one(b'form-data; name="a"', b"\r\na: 1" * 8), "invalid_form"),
        (one(b'form-data; name="' + b"a" * 5000 + b'"'), "invalid_form"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n.\r\n' * 65, "too_many_parts"),
    ],
)
def test_an_invalid_form_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        parts(body)
    assert refused.value.code == code


def test_the_maximum_number_of_parts_is_accepted() -> None:
    assert len(parts(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n.\r\n' * 64 + b"--x--")) == 64


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (b"audio/wav", "audio/wav"),
        (b"audio/ogg; codecs=opus", "audio/ogg; codecs=opus"),
        (b"", OCTETS),
        (b"audio/wav\nx-evil: 1", OCTETS),
        (b"audio", OCTETS),
        (b"audio/" + b"a" * 100, OCTETS),
    ],
)
def test_a_valid_content_type_is_kept(given_: bytes, kept: str) -> None:
    ((part, _),) = parts(one(b'form-data; name="a"; filename="b"', b"\r\nContent-Type: " + given_))
    assert part.content_type == kept


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.wav", "a.wav"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.wav", "a.wav"),
        ("..", ""),
        ("dir/", ""),
        ("a\x00\r\nb.wav", "ab.wav"),
        ("x" * 300 + ".wav", "x" * 251 + ".wav"),
        ("Grüße 你.wav", "Grüße 你.wav"),
    ],
)
def test_file_names_lose_folders_and_control_characters(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=" + "x" * 71,
        "x-multipart/form-data; boundary=x",
    ],
)
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        boundary(content_type)
    assert refused.value.code == "wrong_content_type"


@pytest.mark.parametrize("content_type", ['Multipart/Form-Data; boundary="a b"', "multipart/form-data;boundary=a b"])
def test_the_boundary_may_be_quoted(content_type: str) -> None:
    assert boundary(content_type) == b"a b"


async def test_a_written_form_has_its_length_and_is_read_by_another_parser() -> None:
    form = Form(fields=[("language", "dé")], files=[("file", Memory("a.wav", b"RIFF1")), ("file", Memory("b", b""))])
    data = b"".join([part async for part in form])
    assert len(data) == form.length
    message = message_from_bytes(f"Content-Type: {form.media}\r\n\r\n".encode() + data)
    (_, language, first, second) = message.walk()
    assert language.get_payload(decode=True) == "dé".encode()
    assert (first.get_filename(), first.get_payload(decode=True)) == ("a.wav", b"RIFF1")
    assert first.get_content_type() == "audio/wav"
    assert (second.get_filename(), second.get_payload(decode=True)) == ("b", b"")


async def test_a_form_can_be_read_again() -> None:
    form = Form(files=[("file", Memory("a.wav", b"RIFF1"))])
    assert [part async for part in form] == [part async for part in form]


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.text(st.characters(codec="utf-8"), max_size=30))
@example("a\r", "b\n")
@example("a\n", 'b"; x="\r')
async def test_names_cannot_add_headers(name: str, filename: str) -> None:
    form = Form(files=[(name, Memory(filename, b"!", "text/plain\r\nx: 1"))])
    data = b"".join([part async for part in form])
    head, _, rest = data.partition(b"\r\n\r\n")
    assert len(head.splitlines()) == 3
    assert rest.startswith(b"!\r\n--")


@given(st.text(st.characters(codec="utf-8", exclude_characters='\\"\r\n'), min_size=1, max_size=30))
async def test_a_written_value_is_parsed_unchanged(value: str) -> None:
    form = Form(fields=[("field", value)], files=[("file", Memory("f.wav", value.encode()))])
    parser, data = FormParser(boundary(form.media)), b"".join([part async for part in form])
    result = [event for event in parser.feed(data) if isinstance(event, bytes)]
    assert b"".join(result) == value.encode() * 2
    assert parser.is_complete


def test_a_body_of_near_boundaries_is_parsed_in_time() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + b"\r\n--x-\r" * 100_000 + b"\r\n--x--"
    began = process_time()
    ((_, data),) = parts(body)
    assert len(data) == 700_000
    assert process_time() - began < 5
