"""The small parts that the engines are made of."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from synapse_engines.audio.activity import spoken
from synapse_engines.audio.pitch import pitch
from synapse_engines.audio.sound import Sound
from synapse_engines.hearing.whisper_model import Whisper
from synapse_engines.llama.requests import Embeddings, Sampling
from synapse_engines.llama.tail import Tail
from synapse_engines.measuring.errors import distance, rate
from synapse_engines.speakers.clustering import clusters
from synapse_engines.voice.references import cleaned
from synapse_engines.web.turns import Stop

RATE = 16_000


def tone(hz: float, seconds: float = 1.0) -> Sound:
    """A voice-like sound: a tone with its overtones."""
    moments = np.arange(round(seconds * RATE)) / RATE
    waves = np.sum([np.sin(2 * np.pi * hz * order * moments) / order for order in range(1, 6)], axis=0)
    return Sound((0.2 * waves).astype(np.float32), RATE)


@pytest.mark.parametrize("hz", [80, 120, 165, 220, 330])
def test_the_pitch_of_a_tone_is_its_frequency(hz: float) -> None:
    assert pitch(tone(hz)) == pytest.approx(hz, rel=0.02)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(1).standard_normal(RATE).astype(np.float32) * np.float32(0.1)
    assert pitch(Sound(noise, RATE)) is None
    assert pitch(Sound(np.zeros(RATE, np.float32), RATE)) is None


def test_speech_is_where_it_is_loud() -> None:
    quiet = np.zeros(RATE // 2, np.float32)
    samples = np.concatenate([quiet, tone(200).samples, quiet, tone(200).samples, quiet])
    found = spoken(Sound(samples, RATE), 0.3)
    assert [(round(span.start, 1), round(span.end, 1)) for span in found] == [(0.5, 1.5), (2.0, 3.0)]
    assert len(spoken(Sound(samples, RATE), 0.6)) == 1


@pytest.mark.parametrize("stops", [[], ["end"], ["."], ["x", "word"]])
def test_a_tail_gives_whole_characters_alone(stops: list[str]) -> None:
    text = "na\u00efve \u4f60\u597d \U0001f600 tail"
    tail = Tail(stops)
    parts = [tail.feed(bytes([byte])) for byte in text.encode()]
    assert "".join(parts) + tail.end() == text
    assert "\ufffd" not in "".join(parts)


def test_a_tail_keeps_what_may_become_a_stop_word() -> None:
    tail = Tail(["STOP"])
    assert [tail.feed(part.encode()) for part in ("a S", "TO", "x ST", "OP and more")] == ["a ", "", "STOx ", ""]
    assert tail.is_stopped
    assert tail.end() == ""


def test_half_a_character_at_the_end_is_marked() -> None:
    tail = Tail([])
    assert tail.feed("\u00e9".encode()[:1]) == ""
    assert tail.end() == "\ufffd"


def test_word_errors_are_counted() -> None:
    assert distance(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert rate([("One, two.", "one two"), ("three four", "three")]) == 0.25


def test_clusters_are_numbered_as_they_come() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0.1], [0.1, 1], [1, 0.05]], np.float64)
    assert clusters(vectors, 0.8) == [0, 1, 0, 1, 0]
    assert clusters(vectors, 0.8, most=1) == [0] * 5
    assert len(set(clusters(vectors, -1, least=3))) == 3
    assert clusters(vectors[:1], 0.8, least=4) == [0]


def test_clusters_join_by_the_mean_of_their_members() -> None:
    """Checked beside the definition, which is slow: the mean over all pairs of the two groups."""
    vectors = np.random.default_rng(3).standard_normal((40, 4))
    found = clusters(vectors, 0.3)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T
    groups = [np.flatnonzero(np.array(found) == name) for name in set(found)]
    assert len(groups) > 3
    for place, first in enumerate(groups):
        for second in groups[place + 1 :]:
            assert likeness[np.ix_(first, second)].mean() < 0.3


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.wav", "a.wav"),
        ("../../x.wav", "x.wav"),
        (".hidden", "hidden"),
        ("a b\n.mp3", "a_b_.mp3"),
        ("", "_"),
        ("..", "_"),
    ],
)
def test_a_file_name_is_nothing_but_one(name: str, safe: str) -> None:
    assert cleaned(name) == safe


def test_inputs_are_texts_or_tokens() -> None:
    assert Embeddings(input="a").inputs == ["a"]
    assert Embeddings(input=["a", "b"]).inputs == ["a", "b"]
    assert Embeddings(input=[1, 2]).inputs == [[1, 2]]
    assert Embeddings(input=[[1], [2, 3]]).inputs == [[1], [2, 3]]


def test_a_negative_length_is_none() -> None:
    assert Sampling(max_tokens=-1).most_tokens is None
    assert Sampling(max_tokens=0).most_tokens == 0
    assert Sampling(stop="a").stops == ["a"]
    assert Sampling(stop=["a", ""]).stops == ["a"]


def test_whisper_writes_what_sphinx_writes() -> None:
    """A model as faster-whisper has them."""
    word = SimpleNamespace(word=" Hello", start=0.1, end=0.5, probability=0.98765)
    segment = SimpleNamespace(text=" Hello. ", start=0.1, end=0.6, words=[word])
    about = SimpleNamespace(language="de", language_probability=0.9)
    asked: dict[str, Any] = {}

    class Model:
        def transcribe(self, samples: Any, **options: Any) -> Any:
            asked.update(options, count=len(samples))
            return iter([segment, segment]), about

        def detect_language(self, _: Any) -> Any:
            return "de", 0.9, [("fr", 0.1), ("de", 0.9), *((code, 0.0) for code in ("en", "es", "it", "nl"))]

    found = Whisper(Model()).transcribe(tone(200), None, Stop())
    assert (found.text, found.language, found.duration) == ("Hello. Hello.", "de", 1.0)
    assert [each.id for each in found.segments] == [1, 2]
    assert found.segments[0].words is not None
    assert found.segments[0].words[0].probability == 0.988
    assert asked == {"language": None, "word_timestamps": True, "count": RATE}
    heard = Whisper(Model()).detect(tone(200), Stop())
    assert [each.code for each in heard][:2] == ["de", "fr"]
    assert len(heard) == 5
