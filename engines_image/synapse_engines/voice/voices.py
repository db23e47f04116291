"""Voices by the names that the servers have for them, which clients use."""

from collections.abc import Mapping

from synapse_engines.voice.espeak import Voice

HIGH, LOW = ("f1", "f2", "f3", "f4", "f5"), ("m1", "m2", "m3", "m4", "m5", "m6", "m7")
"""espeak-ng's variants that sound like a woman, and like a man."""
WOMEN = (
    *("Abigail", "Alice", "Cora", "Elena", "Emily", "Gianna"),
    *("Jade", "Jordan", "Layla", "Olivia", "Taylor"),
)
MEN = (
    *("Adrian", "Alexander", "Austin", "Axel", "Connor", "Eli"),
    *("Everett", "Gabriel", "Henry", "Ian", "Jeremiah", "Julian"),
    *("Leonardo", "Michael", "Miles", "Ryan", "Thomas"),
)


def _spread(names: tuple[str, ...], variants: tuple[str, ...]) -> dict[str, Voice]:
    """A variant for each name in turn; the pitch is another in each round."""
    return {
        f"{name}.wav": Voice(variants[place % len(variants)], 50 + 14 * (place // len(variants)))
        for place, name in enumerate(names)
    }


CHATTERBOX: Mapping[str, Voice] = dict(sorted({**_spread(WOMEN, HIGH), **_spread(MEN, LOW)}.items()))
"""The 28 voices of the Chatterbox TTS server."""
PIPER: Mapping[str, Voice] = {
    "alloy": Voice("f2", 45),
    "echo": Voice("m2"),
    "fable": Voice("m5", 60),
    "onyx": Voice("m7", 35),
    "nova": Voice("f3", 60),
    "shimmer": Voice("f5", 70),
}
"""OpenAI's six, which openedai-speech has."""
