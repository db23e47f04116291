"""Fake engines that work together: speech carries its words in the samples, and transcription reads them."""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from aiohttp import web

from ops.smoke import sounds
from ops.smoke.sounds import Sound
from tests.gateway.fake_tts import upload_response
from tests.gateway.fakes import Fake, Handler
from tests.gateway.recordings import NATIVE
from tests.gateway.recordings import sent as form
from tests.gateway.router import Router
from tests.ops.smoke.fake_chat import chat

RATE = 8000
HIGH = 30_000
"""Size of a sample that carries one bit; no tone and no noise reaches half of it."""
MARK = (1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0)
"""Bits that begin an utterance; voice, length and text follow, eight bits each."""
SPOKEN_S = 1.0
GATE = 1600
BEGINS = {"flac": b"fLaC", "mp3": b"ID3", "ogg": b"OggS"}
TOPICS = (("bread", "flour", "dough"), ("car", "battery", "engine"), ("meow", "cats"))
"""Words that the fake embeddings take for the same topic."""


def speak(text: str, voice: str | int) -> Sound:
    """Return *text* in a voice, by its name or by the number that a recording of it carries."""
    number = voice if isinstance(voice, int) else sum(voice.encode()) % 251
    written = bytes([number, len(text), *text.encode()])
    bits = [*MARK, *(byte >> place & 1 for byte in written for place in range(8))]
    samples = [HIGH if bit else -HIGH for bit in bits]
    return Sound(rate=RATE, samples=array("h", [*samples, *sounds.tone(SPOKEN_S, RATE).samples]))


def utterances(samples: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """Yield the position, the voice and the text of each utterance."""
    loud = [abs(sample) > HIGH / 2 for sample in samples]
    at = 0
    while at < len(samples):
        if loud[at] and tuple(int(sample > 0) for sample in samples[at : at + len(MARK)]) == MARK:
            begin = at + len(MARK)
            voice, length = _bytes(samples, begin, 2)
            yield at, voice, bytes(_bytes(samples, begin + 16, length)).decode()
            at = begin + 8 * (2 + length)
        at += 1


def _bytes(samples: Sequence[int], begin: int, count: int) -> list[int]:
    bits = [int(sample > 0) for sample in samples[begin : begin + 8 * count]]
    return [sum(bit << place for place, bit in enumerate(bits[8 * index : 8 * index + 8])) for index in range(count)]


def audio(sound: Sound) -> web.Response:
    return web.Response(body=sound.wav(), content_type="audio/wav")


def file(request: web.BaseRequest, body: bytes, field: str = "file") -> Sound:
    return sounds.read(fields(request, body)[field][1])


def fields(request: web.BaseRequest, body: bytes) -> dict[str, Any]:
    class Request:
        headers = request.headers

    Request.body = body  # type: ignore[attr-defined]
    return form(Request)


def embed(request: web.BaseRequest, body: bytes) -> Any:
    texts = msgspec.json.decode(body)["input"]
    return {"data": [{"index": index, "embedding": _vector(text)} for index, text in enumerate(texts)]}


def _vector(text: str) -> list[float]:
    """Return small numbers that follow from the whole text, and a large one where it is on one of TOPICS."""
    vector = [byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()]
    for index, words in enumerate(TOPICS):
        vector[index] += 1000 * any(word in text.lower().replace(",", "").split() for word in words)
    return vector


def rerank(request: web.BaseRequest, body: bytes) -> Any:
    content = msgspec.json.decode(body)
    scores = [float(document == content["query"]) for document in content["documents"]]
    results = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
    return {"results": sorted(results, key=lambda each: -float(each["relevance_score"]))}


class FakeChatterbox:
    """Chatterbox that clones: it speaks in the voice of an uploaded recording."""

    def __init__(self) -> None:
        self._voices: dict[str, int] = {}

    def upload(self, request: web.BaseRequest, body: bytes) -> Any:
        response = upload_response(request, body)
        (_, voice, _), *_ = utterances(file(request, body, "files").samples)
        self._voices[response["uploaded_files"][0]] = voice
        return response

    def tts(self, _: web.BaseRequest, body: bytes) -> web.Response:
        request_body = msgspec.json.decode(body)
        named = request_body.get("predefined_voice_id")
        return audio(speak(request_body["text"], named or self._voices[request_body["reference_audio_filename"]]))


def speech(request: web.BaseRequest, body: bytes) -> web.Response:
    request_body = msgspec.json.decode(body)
    return audio(speak(request_body["input"], request_body["voice"]))


def transcribe(request: web.BaseRequest, body: bytes) -> Any:
    heard = " ".join(text for _, _, text in utterances(file(request, body).samples))
    return {**NATIVE, "text": heard}


def diarize(request: web.BaseRequest, body: bytes) -> Any:
    sound = file(request, body)
    spoken = list(utterances(sound.samples))
    ends = [at for at, _, _ in spoken[1:]] + [len(sound.samples)]
    turns = [
        {"speaker": f"SPEAKER_{voice}", "start": at / RATE, "end": end / RATE}
        for (at, voice, _), end in zip(spoken, ends, strict=True)
    ]
    return {"num_speakers": len({turn["speaker"] for turn in turns}), "segments": turns, "duration": sound.seconds}


def verify(request: web.BaseRequest, body: bytes) -> Any:
    voices = {voice for name in ("file1", "file2") for _, voice, _ in utterances(file(request, body, name).samples)}
    return {"is_same_speaker": len(voices) == 1, "similarity_score": 1 / len(voices), "threshold": 0.7}


def denoise(request: web.BaseRequest, body: bytes) -> web.Response:
    sound = file(request, body)
    return audio(Sound(rate=sound.rate, samples=[sample if abs(sample) > GATE else 0 for sample in sound.samples]))


def convert(request: web.BaseRequest, body: bytes) -> web.Response:
    form_fields, sound = fields(request, body), file(request, body)
    name, rate = form_fields["output_format"], int(form_fields.get("sample_rate", 0))
    if name in BEGINS:
        return web.Response(body=BEGINS[name] + bytes(64), content_type="audio/x")
    step = sound.rate / rate
    length = int(len(sound.samples) / step)
    return audio(Sound(rate=rate, samples=[sound.samples[int(at * step)] for at in range(length)]))


def engines() -> dict[str, Fake]:
    """Return one engine of every kind in the tested stack, by the name of its service."""
    router = Router()
    cloning = FakeChatterbox()
    chatter: dict[str, Handler] = {
        "POST /tts": cloning.tts,
        "POST /v1/audio/speech": speech,
        "POST /upload_reference": cloning.upload,
    }
    well: dict[str, Handler] = {"GET /api/ui/initial-data": lambda *_: {}}
    handlers: dict[str, dict[str, Handler]] = {
        "llama-embed": {"POST /v1/embeddings": embed},
        "reranker": {"POST /v1/rerank": rerank},
        "llama-router": {**router.handlers, "POST /v1/chat/completions": chat},
        "chatterbox": {**chatter, **well},
        "piper": {"POST /v1/audio/speech": speech},
        "whisper": {"POST /transcribe": transcribe},
        "pyannote": {"POST /diarize": diarize, "POST /verify": verify},
        "deepfilter": {"POST /denoise": denoise, "POST /convert": convert},
    }
    return {name: Fake(answers) for name, answers in handlers.items()}
