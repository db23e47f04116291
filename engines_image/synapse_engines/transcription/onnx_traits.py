"""Kinds of models of onnx-asr, as data: what each takes and tells."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faster_whisper.tokenizer import _LANGUAGE_CODES as CODES


@dataclass(frozen=True, kw_only=True)
class Traits:
    """*takes_language*: its file *vocabulary* has a token for each; *default_language*: taken where none is given."""

    takes_language: bool = False
    translates: bool = False
    has_word_times: bool = True
    default_language: str | None = None
    tokens_per_s: float = 12.5
    vocabulary: str = "vocab.txt"


TRAITS: Mapping[str, Traits] = {
    "aed": Traits(takes_language=True, translates=True, has_word_times=False, default_language="en"),
    "canary": Traits(takes_language=True, translates=True, has_word_times=False, default_language="en"),
    "whisper": Traits(takes_language=True, has_word_times=False, tokens_per_s=50.0, vocabulary="added_tokens.json"),
}
"""Part of the name of a model's type -> its traits; others are transducers and CTC models."""
EUROPEAN = "bg hr cs da nl en et fi fr de el hu it lv lt mt pl pt ro sk sl es sv ru uk".split()  # noqa: SIM905 - shorter
LANGUAGES: Mapping[str, Sequence[str]] = {
    "parakeet-tdt-0.6b-v3": EUROPEAN,
    "canary-1b-v2": EUROPEAN,
    "canary": ("en", "de", "es", "fr"),
    "parakeet": ("en",),
    "gigaam-v": ("ru",),
    "-ru": ("ru",),
    "t-one": ("ru",),
}
"""Part of a folder's name -> languages of the model; the first that fits."""


def traits(kind: str) -> Traits:
    return next((each for part, each in TRAITS.items() if part in kind), Traits())


def languages(folder: Path, kind: Traits) -> Sequence[str]:
    """Return the ISO 639-1 codes that the model in *folder* takes; empty where nobody knows."""
    named = next((codes for part, codes in LANGUAGES.items() if part in folder.name), ())
    if not kind.takes_language:
        return named
    tokens = _tokens(folder / kind.vocabulary)
    return tuple(code for code in named or CODES if f"<|{code}|>" in tokens)


def _tokens(file: Path) -> frozenset[str]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".json":
        return frozenset(json.loads(text))
    return frozenset(line.rpartition(" ")[0] for line in text.splitlines())
