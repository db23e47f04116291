"""Builder of the packaged voiceprints: `python -m synapse_engines.synthesis.build_voiceprints MODELS`.

It is run again when the model, the sample or the voice encoder changes.
"""

import asyncio
import logging
import sys
from pathlib import Path

import numpy as np

from synapse_engines.settings import Settings
from synapse_engines.speakers.voice_encoder import Vector
from synapse_engines.synthesis.nearest_voice_synthesizer import NearestVoiceSynthesizer
from synapse_engines.synthesis.speech_queue import SpeechQueue
from synapse_engines.synthesis.voiceprints import PACKAGED, digest_of, is_english

LOG = logging.getLogger(__name__)


async def build(models: Path) -> None:
    """Write the voiceprints of the English voices in *models*."""
    queue = SpeechQueue("voiceprints")
    synthesizer = NearestVoiceSynthesizer(Settings(models=models), queue)
    prints: dict[str, Vector] = {}
    for name in filter(is_english, synthesizer.voices.names()):
        vector = await synthesizer.prints.of_style(synthesizer.voices.style(name))
        prints[digest_of(synthesizer.voices.path(name))] = vector.astype(np.float16)
        LOG.info("%s: %d values", name, len(vector))
    np.savez_compressed(PACKAGED, allow_pickle=False, **prints)
    queue.close()
    synthesizer.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asyncio.run(build(Path(sys.argv[1])))
