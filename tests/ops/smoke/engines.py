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
from tests.gateway.fakes import ANSWER, Fake, Handler, events
from tests.gateway.recordings import NATIVE
from tests.gateway.recordings import sent as form
from tests.gateway.router import Router

RATE = 8000
MARK = (-32_768, 32_767, -32_768)
"""Marks the beginning of an utterance; no tone has these samples side by side."""
SPOKEN_S = 1.0
GATE = 1600
BEGINS = {"flac": b"fLaC", "mp3": b"ID3", "ogg": b"OggS"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def speak(text: str, voice: str) -> Sound:
    written = [*MARK, sum(voice.encode()) % 251, len(text), *text.encode()]
    return Sound(rate=RATE, samples=array("h", [*written, *sounds.tone(SPOKEN_S, RATE).samples]))


def utterances(samples: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """Yield the position, the voice and the text of each utterance."""
    for at in range(len(samples) - len(MARK)):
        if tuple(samples[at : at + 3]) == MARK:
            voice, length = samples[at + 3], samples[at + 4]
            yield at, voice, bytes(list(samples[at + 5 : at + 5 + length])).decode()


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
    vectors = [[byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()] for text in texts]
    return {"data": [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]}


def rerank(request: web.BaseRequest, body: bytes) -> Any:
    content = msgspec.json.decode(body)
    scores = [float(document == content["query"]) for document in content["documents"]]
    results = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
    return {"results": sorted(results, key=lambda each: -float(each["relevance_score"]))}


def chat(request: web.BaseRequest, body: bytes) -> Any:
    if not msgspec.json.decode(body).get("stream"):
        return ANSWER
    parts = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("Bl", "ue.")]
    return events(request, *parts, {"choices": [], "usage": USAGE})


def tts(request: web.BaseRequest, body: bytes) -> web.Response:
    request_body = msgspec.json.decode(body)
    return audio(
        speak(request_body["text"], request_body.get("predefined_voice_id") or request_body["reference_audio_filename"])
    )


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
    chatter: dict[str, Handler] = {
        "POST /tts": tts,
        "POST /v1/audio/speech": speech,
        "POST /upload_reference": upload_response,
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
