"""How many words the recognisers get wrong."""

from collections.abc import Mapping, Sequence
from contextlib import closing

from synapse_engines.hearing.grammars import GRAMMARS
from synapse_engines.hearing.sphinx import Sphinx
from synapse_engines.measuring.errors import rate
from synapse_engines.measuring.material import SENTENCES, VOICES, digits, said
from synapse_engines.voice.voices import CHATTERBOX
from synapse_engines.web.turns import Stop

Rows = Sequence[tuple[str, str]]
SPEAKERS = {"Alice.wav": CHATTERBOX["Alice.wav"], "Adrian.wav": CHATTERBOX["Adrian.wav"], "m3": VOICES["m3"]}
SLOW = 0.8


async def rows() -> list[tuple[str, str]]:
    """What was measured, and the word error rate."""
    found = []
    for name, grammar, texts in (("digits", GRAMMARS["digits"], digits(12)), ("sentences", None, SENTENCES)):
        with closing(Sphinx(grammar)) as model:
            for speed in (1.0, SLOW):
                for voice, wrong in (await _rates(model, texts, speed)).items():
                    found.append((f"word error rate, {name}, {voice}, speed {speed:g}", f"{wrong:.0%}"))
    return found


async def _rates(model: Sphinx, texts: Sequence[str], speed: float) -> Mapping[str, float]:
    found = {}
    for name, voice in SPEAKERS.items():
        sounds = [await said(text, voice, speed) for text in texts]
        heard = [model.transcribe(sound, None, Stop()).text for sound in sounds]
        found[name] = rate(list(zip(texts, heard, strict=True)))
    return found
