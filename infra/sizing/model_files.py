"""Model spec and size of the weights, from the header of a GGUF file or a folder of safetensors."""

from pathlib import Path

from infra.errors import ModelFileError
from infra.sizing import gguf_spec, safetensors
from infra.sizing.model_specs import ModelSpec


def model_spec(path: Path) -> tuple[ModelSpec, int]:
    """The model spec of the model at *path*, and the bytes of its weights, of which none is read.

    Raises ModelFileError, which names the file and what is wrong with it.
    """
    try:
        return safetensors.read(path) if path.is_dir() else gguf_spec.read(path)
    except OSError as error:
        raise ModelFileError(f"{error.filename or path}: cannot be read: {error.strerror}") from error
