"""Wrong answers of every check: the engine that gives them, the answer, and a part of the message that is expected."""

from ops.smoke import sounds
from ops.smoke.checks.chat import LIBRARY, RAIN
from ops.smoke.checks.embeddings import RANKED
from ops.smoke.recordings import SENTENCE
from ops.smoke.sounds import Sound
from tests.gateway.fakes import ANSWER, Handler
from tests.ops.smoke.engines import speak
from tests.ops.smoke.fake_chat import SENTENCES, USAGE, calling, chat_response, choosing, saying
from tests.ops.smoke.handlers import (
    always,
    at_another_rate,
    deafened,
    halved,
    hearing,
    in_the_default_voice,
    muted,
    scores,
    speaking,
    status,
    streaming,
    turns,
    unchanged,
    vectors,
    verdict,
)

CHAT = ("llama-router", "POST /v1/chat/completions")
REQUESTS = {
    "health": ("whisper", "GET /health"),
    "models": ("llama-router", "GET /v1/models"),
    "embedding": ("llama-embed", "POST /v1/embeddings"),
    "embedding ranking": ("llama-embed", "POST /v1/embeddings"),
    "rerank": ("reranker", "POST /v1/rerank"),
    "chat": CHAT,
    "chat streamed": CHAT,
    "chat facts": CHAT,
    "chat JSON": CHAT,
    "tool call": CHAT,
    "synthesize": ("chatterbox", "POST /tts"),
    "speech": ("chatterbox", "POST /v1/audio/speech"),
    "transcribe digits": ("whisper", "POST /transcribe"),
    "transcribe sentence": ("whisper", "POST /transcribe"),
    "diarize": ("pyannote", "POST /diarize"),
    "verify same speaker": ("pyannote", "POST /verify"),
    "verify other speaker": ("pyannote", "POST /verify"),
    "denoise": ("deepfilter", "POST /denoise"),
    "convert": ("deepfilter", "POST /convert"),
    "clone": ("chatterbox", "POST /tts"),
    "load and unload": ("llama-router", "POST /models/load"),
}
"""Check -> the engine that serves it, and its request."""
GERMAN = "Regen ist Wasser, das in vielen kleinen Tropfen aus den Wolken auf die Erde fällt."
LOOP = "Rain is the water of the rain and the water of the rain and the water of the rain."
ONE_HOT = [[float(at == index) for at in range(5)] for index in range(5)]
FAR = [1.0, 0, 0, 0]

CHAT_ANSWERS: list[tuple[str, Handler, str]] = [
    ("chat", always({**ANSWER, "choices": []}), "words 0 (at least 8): ''"),
    ("chat", always(chat_response(SENTENCES[RAIN]) | {"usage": {"completion_tokens": 0}}), "0 tokens"),
    ("chat", always({"choices": ANSWER["choices"]}), "usage: Field required"),
    ("chat", status(500), "502"),
    ("chat", always(chat_response("Rain is wet.")), "words 3 (at least 8)"),
    ("chat", always(chat_response(GERMAN)), "common words 0.067 (at least 0.25)"),
    ("chat", always(chat_response(LOOP)), "different words 0.316 (at least 0.4)"),
    ("chat", always(chat_response(SENTENCES[LIBRARY])), "the answer mentions none of water, cloud"),
    ("chat", always(chat_response(None, reasoning_content=SENTENCES[RAIN])), "words 0 (at least 8)"),
    ("chat", always(chat_response(f"<think>{SENTENCES[RAIN]}</think>\nI do not know.")), "words 4 (at least 8)"),
    ("chat streamed", always(ANSWER), "a stream that ends without [DONE]"),
    ("chat streamed", streaming(saying("Blue.")), "1 of them with text, 0 with usage"),
    ("chat streamed", streaming({"choices": [], "usage": USAGE}), "0 of them with text"),
    ("chat streamed", streaming({"error": {"message": "out of memory"}}), "choices: Field required"),
    (
        "chat streamed",
        streaming(saying(SENTENCES[RAIN]), {"choices": [], "usage": USAGE}),
        "the answer mentions none of book",
    ),
    ("chat facts", choosing("London", "Rome", "red", "cat", "bread", "Mars"), "right 1 (at least 5)"),
    ("chat facts", choosing("Paris", "Rome", "red", "dog", "book", "Mars"), "What colour is grass? red, On which"),
    ("chat facts", always(chat_response('{"answer": "yes"}')), "'yes', which is none of London, Paris"),
    ("chat facts", always(chat_response('{"answer": "Paris"}')), "which is none of red, blue"),
    ("chat facts", always(chat_response("Paris")), "Invalid JSON"),
    ("chat facts", always(chat_response('{"answers": ["Paris"]}')), "answer: Field required"),
    ("chat JSON", always(chat_response('{"name": "Anna", "age": 43, "city": "Oslo"}')), "age=43"),
    (
        "chat JSON",
        always(chat_response('{"name": "Anna", "age": "34", "city": "Oslo"}')),
        "age: Input should be a valid integer",
    ),
    ("chat JSON", always(chat_response('{"name": "Anna", "age": 34}')), "city: Field required"),
    ("chat JSON", always(chat_response('{"name": "Anna", "age": 34, "city": "Oslo", "x": 1}')), "x: Extra inputs"),
    ("chat JSON", always(chat_response("Anna is 34 and lives in Oslo.")), "Invalid JSON"),
    ("tool call", always(chat_response("It is sunny in Paris.")), "no tool call; the answer: 'It is sunny in Paris.'"),
    ("tool call", always(chat_response('<tool_call>{"name": "get_weather"}</tool_call>')), "no tool call"),
    ("tool call", always(calling("get_time", '{"city": "Paris"}')), "get_time('Paris'); get_weather('Paris')"),
    ("tool call", always(calling("get_weather", '{"city": "London"}')), "get_weather('London')"),
    ("tool call", always(calling("get_weather", '{"town": "Paris"}')), "city: Field required"),
    ("tool call", always(calling("get_weather", "Paris")), "Invalid JSON"),
]
EMBEDDING_ANSWERS: list[tuple[str, Handler, str]] = [
    ("embedding", vectors([1.0, 0], [1.0, 0], [1.0, 0]), "one text have a cosine of 1.000, those of two texts 1.000"),
    ("embedding", vectors([1.0, 0], [0.0, 1], [-1.0, 0]), "same text 0.0 (at least 0.999)"),
    ("embedding", vectors([1.0, 0], [1.0, 0]), "3 texts gave 2 vectors"),
    ("embedding", vectors([1.0, 0], [1.0, 0], [1.0]), "vectors of [1, 2] numbers"),
    ("embedding", vectors([0.0], [0.0], [0.0]), "only zeros"),
    ("embedding", always({"data": [{"index": 0}]}), "data.0.embedding: Field required"),
    ("embedding ranking", vectors(*5 * [FAR]), f"margin 0.0 (at least 0.05): {RANKED[0][0]}"),
    ("embedding ranking", vectors(*ONE_HOT), "margin 0.0 (at least 0.05)"),
    ("embedding ranking", vectors(FAR, [1.0, 1, 0, 0], FAR, ONE_HOT[2][:4], ONE_HOT[3][:4]), "margin -0.293"),
    ("embedding ranking", vectors(*4 * [FAR]), "5 texts gave 4 vectors"),
    ("rerank", scores(0.9, 0.1), "the query itself scores 0.100, and another text 0.900"),
    ("rerank", scores(0.9), "2 documents gave the scores of [0]"),
    ("rerank", always([{"index": 0, "score": 0.9}]), "Input should be an object"),
]
AUDIO_ANSWERS: list[tuple[str, Handler, str]] = [
    ("synthesize", always(sounds.silence(2, 8000)), "loudness 0 (at least 50): no speech"),
    ("synthesize", always(sounds.tone(0.1, 8000)), "sound 0.1 s (at least 0.4 s)"),
    ("synthesize", always(b"RIFF"), "no WAV file"),
    ("synthesize", always(Sound(rate=8000, samples=[])), "0 bytes of sound"),
    ("synthesize", always(sounds.tone(2, 8000)), "word error rate 1.0 (at most 0.15): heard ''"),
    ("speech", always(b"ID3"), "no WAV file"),
    ("speech", always(sounds.tone(2, 8000)), "word error rate 1.0 (at most 0.15): heard ''"),
    ("speech", always(sounds.silence(2, 8000)), "loudness 0 (at least 50)"),
    ("speech", speaking("Emily.wav", "quite another text"), "in the voice Emily.wav"),
    ("speech", speaking("Michael.wav", "quite another text"), "in the voice Michael.wav"),
    ("transcribe digits", hearing("seven six two nine"), "word error rate 0.25 (at most 0.15)"),
    ("transcribe digits", hearing(""), "word error rate 1.0 (at most 0.15)"),
    ("transcribe sentence", hearing("a slow red fox sleeps"), "(at most 0.15)"),
    ("transcribe sentence", hearing(f"{SENTENCE} {SENTENCE} and more of it"), "word error rate 1.286 (at most 0.15)"),
    (
        "transcribe sentence",
        hearing(SENTENCE.replace("quick brown fox", "thick crown box")),
        "rate 0.214 (at most 0.15)",
    ),
    ("diarize", turns("A", "A"), "were diarized as A 0.0-1.0 s, A 1.2-2.2 s"),
    ("diarize", turns(), "were diarized as no speaker"),
    ("diarize", always({"segments": [{"speaker": "A"}]}), "segments.0.start: Field required"),
    ("verify same speaker", verdict(is_same=False), "one voice was taken for two: similarity 0.50"),
    ("verify same speaker", verdict(0.4, is_same=True), "similarity 0.4 (at least 0.5)"),
    ("verify other speaker", verdict(is_same=True), "two voices were taken for one"),
    ("verify other speaker", verdict(0.9, is_same=False), "similarity 0.9 (at most 0.5)"),
    ("verify other speaker", verdict(is_same=False), "margin 0.0 (at least 0.1)"),
    ("denoise", unchanged, "noise down 0.0 dB (at least 6.0 dB)"),
    ("denoise", muted, "(at least 6.0 dB)"),
    ("denoise", deafened, "word error rate 1.0 (at most 0.15): heard ''"),
    ("denoise", halved, "s, and the response"),
    ("denoise", always(b"no sound"), "no WAV file"),
    ("convert", always(b"RIFF"), "flac was requested; the response begins with b'RIFF'"),
    ("convert", at_another_rate, "16000 Hz were requested; the response has 24000 Hz"),
    ("clone", status(500), "502"),
    ("clone", always(speak("any", "Alice.wav")), "the default voice, sample by sample"),
    ("clone", always(sounds.silence(2, 8000)), "sample by sample"),
    ("clone", in_the_default_voice, "similarity 0.5 (at least 0.7): one voice"),
]
OTHER_ANSWERS: list[tuple[str, Handler, str]] = [
    ("health", status(500), "degraded: whisper unhealthy (500)"),
    ("models", status(500), "not listed: Qwen3-8B-Q4_K_M"),
    ("load and unload", status(400), "400"),
]
WRONG = [*CHAT_ANSWERS, *EMBEDDING_ANSWERS, *AUDIO_ANSWERS, *OTHER_ANSWERS]
