"""Model files and sessions of onnxruntime, with the threads and the device of the settings."""

from pathlib import Path

import onnxruntime

from synapse_engines.errors import FailedError
from synapse_engines.models.gpu import check_gpu, driver_gpus
from synapse_engines.settings import SettingError, Settings

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


def check_device(settings: Settings) -> None:
    """Raise SettingError if onnxruntime cannot use the device."""
    if settings.device == "cuda" and CUDA not in onnxruntime.get_available_providers():
        raise SettingError("SYNAPSE_ENGINES_DEVICE: got 'cuda'; this image has no onnxruntime-gpu; accepted: cpu")
    check_gpu(settings, "onnxruntime-gpu", driver_gpus)


def create_session(path: Path, settings: Settings) -> onnxruntime.InferenceSession:
    """Load the model *path*. Raises FailedError if it cannot use the GPU of the settings.

    Without a number of threads onnxruntime would start one for each core of the host.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    if settings.device == "cpu":
        return onnxruntime.InferenceSession(str(path), options, providers=[CPU])
    onnxruntime.preload_dlls()  # the libraries of CUDA are in packages, where the loader of the system does not look
    session = onnxruntime.InferenceSession(str(path), options, providers=[CUDA, CPU])
    if CUDA not in session.get_providers():  # without the GPU, onnxruntime takes the CPU and only logs it
        raise FailedError(f"onnxruntime cannot run {path.name} on the GPU: its log has the reason")
    return session


def model_files(folder: Path) -> list[Path]:
    """Return the models in *folder* by name. Raises SettingError if there is none."""
    files = sorted(folder.glob("*.onnx"))
    if not files:
        raise SettingError(f"SYNAPSE_ENGINES_MODELS: {folder} has no file *.onnx")
    return files


def model_file(folder: Path, name: str) -> Path:
    """Return the model *name*, or the first one for an empty name. Raises SettingError if it is missing."""
    files = model_files(folder)
    if not name:
        return files[0]
    if match := next((path for path in files if name in {path.name, path.stem}), None):
        return match
    raise SettingError(f"SYNAPSE_ENGINES_MODEL: got {name!r}; accepted: {', '.join(path.stem for path in files)}")
