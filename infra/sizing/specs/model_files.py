"""Model spec and size of a local model, read from the header of a GGUF file or from a folder of safetensors."""

from pathlib import Path

from infra.errors import ModelFileError
from infra.sizing.specs import gguf_spec, safetensors
from infra.sizing.specs.model_spec import ModelSpec


def model_spec(path: Path) -> tuple[ModelSpec, int]:
    """Return the spec of the model at *path* and the bytes of its weights; the weights are not read.

    *path* is a GGUF file, a folder of safetensors, or the `config.json` in such a folder.
    Raises ModelFileError, which names the file and the fault.
    """
    try:
        if path.name == safetensors.CONFIG:
            return safetensors.read(path.parent)
        return safetensors.read(path) if path.is_dir() else gguf_spec.read(path)
    except OSError as error:
        raise ModelFileError(f"{error.filename or path}: cannot be read: {error.strerror}") from error
