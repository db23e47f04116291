"""OpenAI-compatible gateway to chat, embedding, speech, speaker and audio backends."""

from typing import Final

__version__: Final = "0.1.0"
