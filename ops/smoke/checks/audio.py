"""Checks of noise reduction and of audio conversion."""

from ops.errors import WrongAnswerError
from ops.smoke import round_trip, sounds
from ops.smoke.bounds import at_least
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import SENTENCE
from ops.smoke.sounds import Sound

NOISE_ALONE_S = 1.0
SETTLED_S = 0.4
"""Seconds of noise after which a denoiser has adapted to it."""
NOISE = 400.0
"""Root mean square; speech is some ten times as loud."""
MIN_GAIN_DB = 6.0
SLACK_S = 0.3
"""Difference in length that is accepted: engines work in frames."""
RATE = 16_000
SIGNATURES = {"flac": (b"fLaC",), "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3"), "ogg": (b"OggS",)}
"""First bytes of a file, by format."""


def denoise(context: CheckContext) -> Figures:
    """Send a second of noise, then a sentence under the same noise.

    The sentence must stand out further than before, and still be understood.
    """
    speech = context.recordings.speech(SENTENCE)
    before = sounds.add_noise(sounds.join(sounds.silence(NOISE_ALONE_S, speech.rate), speech), NOISE)
    after = sounds.read(context.client.content("POST", "/audio/denoise", files=_file(before)))
    _check_length(before, after)
    gain_db = contrast_db(after) - contrast_db(before)
    return {
        **at_least("noise_down_db", gain_db, MIN_GAIN_DB, "speech stands out from noise by that much more than before"),
        "rate_hz": after.rate,
        **round_trip.transcribed(context, {"default": after}, SENTENCE),
    }


def contrast_db(sound: Sound) -> float:
    """Return the loudness of the sentence relative to the noise before it."""
    noise, speech = sound.part(SETTLED_S, NOISE_ALONE_S - 0.1), sound.part(NOISE_ALONE_S, sound.seconds)
    return sounds.decibels(speech.loudness(), noise.loudness())


def convert(context: CheckContext) -> Figures:
    """Convert a tone to every format, and to another sample rate."""
    tone = sounds.tone(1)
    for name, signatures in SIGNATURES.items():
        content = context.client.content("POST", "/audio/convert", data={"output_format": name}, files=_file(tone))
        if not content.startswith(signatures):
            raise WrongAnswerError(f"{name} was requested; the response begins with {content[:8]!r}")
    form = {"output_format": "wav", "sample_rate": str(RATE)}
    converted = sounds.read(context.client.content("POST", "/audio/convert", data=form, files=_file(tone)))
    if converted.rate != RATE:
        raise WrongAnswerError(f"{RATE} Hz were requested; the response has {converted.rate} Hz")
    _check_length(tone, converted)
    return {"formats": ", ".join([*SIGNATURES, "wav"]), "rate_hz": converted.rate}


def _check_length(before: Sound, after: Sound) -> None:
    if abs(before.seconds - after.seconds) > SLACK_S:
        raise WrongAnswerError(f"the recording has {before.seconds:.2f} s, and the response {after.seconds:.2f} s")


def _file(sound: Sound) -> dict[str, tuple[str, bytes, str]]:
    return {"file": ("sound.wav", sound.wav(), "audio/wav")}


CHECKS = (
    SmokeCheck(name="denoise", run=denoise, needs=("speech", "audio"), uses=("transcription",)),
    SmokeCheck(name="convert", run=convert, needs=("audio",)),
)
