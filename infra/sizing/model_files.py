"""Model spec and size of a local model, read from the header of a GGUF file or from a folder of safetensors."""

from pathlib import Path

from infra.errors import ModelFileError
from infra.sizing import gguf_spec, safetensors
from infra.sizing.model_specs import ModelSpec


def model_spec(path: Path) -> tuple[ModelSpec, int]:
    """Return the spec of the model at *path* and the bytes of its weights; the weights are not read.

    Raises ModelFileError, which names the file and the fault.
    """
    try:
        return safetensors.read(path) if path.is_dir() else gguf_spec.read(path)
    except OSError as error:
        raise ModelFileError(f"{error.filename or path}: cannot be read: {error.strerror}") from error
