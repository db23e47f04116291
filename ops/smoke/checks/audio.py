"""Recordings without noise, and in other formats."""

from ops.errors import WrongAnswerError
from ops.smoke import sounds
from ops.smoke.check import Check, Figures, Talk
from ops.smoke.recordings import SENTENCE
from ops.smoke.sounds import Sound

NOISE_ALONE_S = 1.0
SETTLED_S = 0.4
"""From where on a denoiser has heard enough of the noise to know it."""
NOISE = 400.0
"""Root mean square; speech is some ten times as loud."""
LEAST_GAIN_DB = 6.0
SLACK_S = 0.3
"""By which a result may be longer or shorter: engines work in frames."""
RATE = 16_000
BEGINNINGS = {"flac": (b"fLaC",), "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3"), "ogg": (b"OggS",)}
"""How files of a format begin."""


def denoise(talk: Talk) -> Figures:
    """A second of noise, then a sentence under the same noise: the sentence stands out further than before."""
    said = talk.recordings.said(SENTENCE)
    before = sounds.noisy(sounds.joined(sounds.silence(NOISE_ALONE_S, said.rate), said), NOISE)
    after = sounds.read(talk.ask.content("POST", "/audio/denoise", files=_file(before)))
    _same_length(before, after)
    gain_db = contrast_db(after) - contrast_db(before)
    if gain_db < LEAST_GAIN_DB:
        raise WrongAnswerError(
            f"speech stands out from noise by {gain_db:.1f} dB more than before; at least {LEAST_GAIN_DB} expected"
        )
    return {"noise_down_db": round(gain_db, 1), "rate_hz": after.rate}


def contrast_db(sound: Sound) -> float:
    """How much louder the sentence is than the noise before it."""
    noise, speech = sound.part(SETTLED_S, NOISE_ALONE_S - 0.1), sound.part(NOISE_ALONE_S, sound.seconds)
    return sounds.decibels(speech.loudness(), noise.loudness())


def convert(talk: Talk) -> Figures:
    """To every format, and to another sample rate."""
    tone = sounds.tone(1)
    for name, beginnings in BEGINNINGS.items():
        content = talk.ask.content("POST", "/audio/convert", data={"output_format": name}, files=_file(tone))
        if not content.startswith(beginnings):
            raise WrongAnswerError(f"{name} was asked for; what came begins with {content[:8]!r}")
    form = {"output_format": "wav", "sample_rate": str(RATE)}
    found = sounds.read(talk.ask.content("POST", "/audio/convert", data=form, files=_file(tone)))
    if found.rate != RATE:
        raise WrongAnswerError(f"{RATE} Hz were asked for, and {found.rate} Hz came")
    _same_length(tone, found)
    return {"formats": ", ".join([*BEGINNINGS, "wav"]), "rate_hz": found.rate}


def _same_length(before: Sound, after: Sound) -> None:
    if abs(before.seconds - after.seconds) > SLACK_S:
        raise WrongAnswerError(f"{before.seconds:.2f} s went in and {after.seconds:.2f} s came out")


def _file(sound: Sound) -> dict[str, tuple[str, bytes, str]]:
    return {"file": ("sound.wav", sound.wav(), "audio/wav")}


CHECKS = (
    Check(name="denoise", ask=denoise, needs=("speech", "audio")),
    Check(name="convert", ask=convert, needs=("audio",)),
)
