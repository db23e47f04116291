"""Voice activity detection finds speech, and nothing else."""

import numpy as np
import pytest

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.voice_activity import BLOCK_S, SpeechSpan, speech_spans
from synapse_engines.audio.waveform import Waveform
from tests.engines_image.speech import SENTENCES, VOICES, Say

pytestmark = pytest.mark.anyio
RATE = 16_000
TOLERANCE_S = 0.25
PAUSE_S = 0.5


async def spoken(say: Say, text: str = SENTENCES[0], voice: str = "af_heart") -> Waveform:
    return await resample(say(text, voice), RATE)


def quiet(seconds: float) -> Waveform:
    """Return faint noise, as a microphone in a quiet room."""
    samples = np.random.default_rng(1).standard_normal(round(seconds * RATE)) * 1e-4
    return Waveform(samples.astype(np.float32), RATE)


def joined(*parts: Waveform) -> Waveform:
    return Waveform(np.concatenate([part.samples for part in parts]), RATE)


def close(span: SpeechSpan, start: float, end: float) -> bool:
    return abs(span.start - start) < TOLERANCE_S and abs(span.end - end) < TOLERANCE_S


@pytest.mark.parametrize("voice", VOICES)
async def test_speech_between_pauses_is_found_in_each_voice(say: Say, voice: str) -> None:
    first, second = await spoken(say, SENTENCES[0], voice), await spoken(say, SENTENCES[1], voice)
    recording = joined(quiet(1), first, quiet(2), second, quiet(1))
    one, two = speech_spans(recording, PAUSE_S)
    assert close(one, 1, 1 + first.seconds)
    assert close(two, 3 + first.seconds, 3 + first.seconds + second.seconds)


async def test_a_pause_up_to_the_limit_is_part_of_the_speech(say: Say) -> None:
    first = await spoken(say)
    recording = joined(first, quiet(1), first)
    assert len(speech_spans(recording, 0.5)) == 2
    (whole,) = speech_spans(recording, 1.5)
    assert close(whole, 0, recording.seconds)


async def test_short_speech_is_left_out(say: Say) -> None:
    word = await spoken(say, "Yes.")
    recording = joined(quiet(1), word, quiet(2), await spoken(say))
    assert len(speech_spans(recording, PAUSE_S)) == 2
    assert len(speech_spans(recording, PAUSE_S, min_speech_s=1.5)) == 1


async def test_long_speech_is_cut(say: Say) -> None:
    recording = joined(*[await spoken(say, text) for text in SENTENCES])
    spans = speech_spans(recording, PAUSE_S, max_speech_s=5)
    assert len(spans) > 1
    assert all(span.seconds <= 5.1 for span in spans)
    assert sum(span.seconds for span in spans) > 0.85 * recording.seconds


async def test_speech_over_the_end_of_a_block_is_one_span(say: Say) -> None:
    sentence = await spoken(say)
    recording = joined(quiet(BLOCK_S - 1.2), sentence, quiet(1), sentence)
    first, second = speech_spans(recording, PAUSE_S)
    assert close(first, BLOCK_S - 1.2, BLOCK_S - 1.2 + sentence.seconds)
    assert close(second, recording.seconds - sentence.seconds, recording.seconds)


@pytest.mark.parametrize("level", [0.0, 1e-3, 0.1], ids=["silence", "faint noise", "loud noise"])
def test_silence_and_noise_are_no_speech(level: float) -> None:
    samples = np.random.default_rng(2).standard_normal(4 * RATE).astype(np.float32) * np.float32(level)
    assert speech_spans(Waveform(samples, RATE), PAUSE_S) == []


def test_an_empty_recording_has_no_speech() -> None:
    assert speech_spans(Waveform(np.empty(0, np.float32), RATE), PAUSE_S) == []


def test_another_sample_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="got a waveform of 24000 Hz; accepted: 16000 Hz"):
        speech_spans(Waveform(np.zeros(100, np.float32), 24_000), PAUSE_S)
