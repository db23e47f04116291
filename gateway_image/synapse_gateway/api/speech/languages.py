"""Languages of text-to-speech backends, by ISO 639-1 code."""

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
DEFAULT = tuple(NAMES)[:23]
"""Languages of a backend whose configuration lists none."""


def check(language: str, offered: Sequence[str]) -> None:
    """Raise ValidationError for a language that is not *offered*; an empty one is left to the backend."""
    if language and language not in offered:
        raise ValidationError(
            f"got language {language[:16]!r}; accepted: {', '.join(offered)}, or empty", param="language"
        )
