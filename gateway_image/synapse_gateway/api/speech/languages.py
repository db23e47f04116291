"""Languages that a text-to-speech backend speaks, by ISO 639-1 code."""

from collections.abc import Mapping, Sequence

from synapse_gateway.errors import ValidationError

NAMES: Mapping[str, str] = {
    "en": "English",
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
    "zh": "Chinese",
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "fi": "Finnish",
    "hu": "Hungarian",
    "nb": "Norwegian Bokmål",
    "ro": "Romanian",
    "sv": "Swedish",
    "uk": "Ukrainian",
    "el": "Greek",
    "he": "Hebrew",
    "ms": "Malay",
    "no": "Norwegian",
    "sw": "Swahili",
}
USUAL = tuple(NAMES)[:23]
"""What is offered where the configuration does not say."""


def check(language: str, offered: Sequence[str]) -> None:
    """Raises ValidationError for a language that is not *offered*; empty leaves it to the backend."""
    if language and language not in offered:
        raise ValidationError(
            f"got language {language[:16]!r}; accepted: {', '.join(offered)}, or empty", param="language"
        )
