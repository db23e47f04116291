"""Recordings and transcripts, and a parser of the forms that fake backends receive."""

from email.message import Message
from email.parser import BytesParser
from typing import Any

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28)
FILE = {"file": ("talk.wav", WAV, "audio/x-wav")}
WORD = {"word": "Hello.", "start": 0.5, "end": 1.25, "probability": 0.95}
SEGMENT = {"id": 1, "text": "Hello.", "start": 0.0, "end": 1.5}
NATIVE = {
    "text": "Hello.",
    "language": "en",
    "language_probability": 0.97,
    "duration": 2.5,
    "segments": [{**SEGMENT, "words": [WORD]}],
}
"""Transcript of whisper-stt."""
VERBOSE = {
    "task": "transcribe",
    "text": "Hello.",
    "language": "en",
    "duration": 2.5,
    "segments": [{**SEGMENT, "id": 7, "seek": 0}, {**SEGMENT, "id": 8, "start": 1.5, "end": 2.5}],
    "words": [WORD, {**WORD, "start": 1.5}],
}
"""The same transcript in OpenAI's format, with more fields."""
SPEACHES = {"whisper-1": [{"backend": "speaches", "model": "Systran/faster-whisper"}]}


def sent(request: Any) -> dict[str, Any]:
    """Return the form of a request: field -> text, or (name, type, content) of a file; a list for a field `x[]`."""
    message = BytesParser().parsebytes(
        b"content-type: " + request.headers["Content-Type"].encode() + b"\n\n" + request.body
    )
    fields: dict[str, Any] = {}
    for part in message.get_payload():
        assert isinstance(part, Message)
        name, value = str(part.get_param("name", header="content-disposition")), _value(part)
        fields[name] = [*fields.get(name, []), value] if name.endswith("[]") else value
    return fields


def _value(part: Message) -> Any:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    name = part.get_filename()
    return data.decode() if name is None else (name, data, part.get_content_type())


def whisper(backend: Any) -> dict[str, str]:
    return {"url": backend.url, "type": "whisper"}


def speaches(backend: Any) -> dict[str, Any]:
    return {"url": backend.url, "type": "openai", "tasks": ["transcription"]}
