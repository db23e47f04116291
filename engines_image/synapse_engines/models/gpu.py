"""Check at the start that the libraries of an engine can use a GPU, instead of an error of the first request."""

import ctypes
from collections.abc import Callable

from synapse_engines.settings import SettingError, Settings


def check_gpu(settings: Settings, library: str, count: Callable[[], int]) -> None:
    """Raise SettingError if the device is `cuda` and *count*, which counts the GPUs for *library*, returns 0."""
    if settings.device == "cuda" and not count():
        raise SettingError(
            f"SYNAPSE_ENGINES_DEVICE: got 'cuda', but {library} sees no GPU of NVIDIA, or no driver that "
            "is new enough; accepted: cpu, or a machine with them"
        )


def driver_gpus() -> int:
    """Return the number of GPUs that the driver of NVIDIA offers to this process."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:  # the driver comes from the machine, not from the image
        return 0
    count = ctypes.c_int()
    return 0 if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) else count.value
