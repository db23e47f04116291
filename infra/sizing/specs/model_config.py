"""Figures of a model's `config.json`, read with an error that names the file and the key."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.errors import ModelFileError

MAX_JSON: Final = 100_000_000
"""Bytes of a JSON document; the limit of the safetensors format for a header."""
MAX_SHOWN: Final = 60
"""Characters of a value in a message."""
MAX_FIGURE: Final = 10**12
"""More than any figure of a model; a larger one is a damaged file, or an attack on this machine's memory."""
TEXT_KEYS: Final = ("text_config", "llm_config", "language_config", "thinker_config")
"""Keys under which a model for images or sound has the config of its language model."""


class ModelConfig:
    """Figures of a `config.json`; those of its language model win. A missing figure is a ModelFileError."""

    def __init__(self, source: str, whole: Mapping[str, Any]) -> None:
        self.source = source
        self.whole = whole
        self._values = _language_model(whole)

    @classmethod
    def read(cls, path: Path) -> "ModelConfig":
        """Read the file *path*. Raises ModelFileError or OSError."""
        return cls(str(path), document(path))

    @property
    def model_type(self) -> str:
        """Type of the language model, as its library names it."""
        return str(self.get("model_type"))

    def get(self, *keys: str) -> Any:  # noqa: ANN401 - a config holds anything
        """Return the first of *keys* that has a value, or None."""
        return next((value for key in keys if (value := self._values.get(key)) is not None), None)

    def figure(self, *keys: str, default: int | None = None) -> int:
        """Return the first of *keys* as a positive whole number; *default* where none has a value.

        The largest counts where there is one for each layer.
        """
        value = self.get(*keys)
        if isinstance(value, list) and all(isinstance(each, int) for each in value):
            value = max(value, default=None)
        if default is not None and (value is None or value == 0):  # some configs write 0 for "none"
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_FIGURE:
            fault = "missing" if value is None else f"{shortened(value)}, not a positive number"
            raise self.error(f"{' or '.join(keys)}: {fault}")
        return value

    def names(self, *keys: str) -> list[str] | None:
        """Return the first of *keys* as a list of texts, or None where none has a value."""
        value = self.get(*keys)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(f"{' or '.join(keys)}: {shortened(value)}, not a list of texts")
        return value

    def error(self, fault: str) -> ModelFileError:
        return ModelFileError(f"{self.source}: {fault}")


def _language_model(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    inner: Mapping[str, Any] | None = whole
    while inner:
        values |= inner
        inner = next((value for key in TEXT_KEYS if isinstance(value := inner.get(key), Mapping)), None)
    return values


def shortened(value: object) -> str:
    """Return a value as text for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def document(path: Path) -> dict[str, Any]:
    """Return the JSON object in *path*. Raises ModelFileError or OSError."""
    if path.stat().st_size > MAX_JSON:
        raise ModelFileError(f"{path}: larger than {MAX_JSON} bytes")
    return json_object(str(path), path.read_bytes())


def json_object(source: str, content: bytes) -> dict[str, Any]:
    """Return *content* as a JSON object. Raises ModelFileError, which names *source*."""
    try:
        result = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{source}: not valid JSON: {error}") from error
    if not isinstance(result, dict):
        raise ModelFileError(f"{source}: not a JSON object")
    return result
