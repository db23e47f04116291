"""Libraries of CUDA in the environments, and the start of an engine on a machine without a GPU."""

import json
import subprocess
from pathlib import Path

import pytest

from synapse_engines.models.gpu import driver_gpus
from tests.engines_cuda.environments import NAMES, environment, libraries

NO_GPU = pytest.mark.skipif(driver_gpus() > 0, reason="this machine has a GPU")
RUN_S = 600
KINDS = {
    "chatterbox": ("chatterbox", {"SYNAPSE_ENGINES_SYNTHESIZER": "chatterbox"}),
    "kokoro": ("kokoro", {}),
    "pyannote": ("pyannote", {"SYNAPSE_ENGINES_DIARIZER": "pyannote", "SPEAKER_HF_TOKEN": "hf_of_a_test"}),
    "whisper": ("whisper", {}),
}
"""Environment -> its kind, and the variables that choose its library."""
TORCH = """
import json, torch
print(json.dumps([torch.version.cuda, torch.backends.cudnn.version(), torch.cuda.get_arch_list()]))
"""
LOADED = """
print(json.dumps(sorted({line.split()[-1].rpartition("/")[2] for line in open("/proc/self/maps") if ".so" in line})))
"""
PRELOADED = {
    "kokoro": "import json, onnxruntime; onnxruntime.preload_dlls()",
    "whisper": """
import ctypes, json
from synapse_engines.transcription.faster_whisper import preload_cublas
preload_cublas()
ctypes.CDLL("libcublas.so.12")  # by its name only, as CTranslate2 opens it
""",
}
NEEDED = {
    "kokoro": {
        "libcublas.so.13",
        "libcublasLt.so.13",
        "libcudart.so.13",
        "libcudnn.so.9",
        "libcufft.so.12",
        "libcurand.so.10",
        "libnvrtc.so.13",
    },
    "whisper": {"libcublas.so.12", "libcublasLt.so.12"},
}
SESSION = """
import sys
from pathlib import Path
from synapse_engines.errors import FailedError
from synapse_engines.settings import Settings
from synapse_engines.synthesis.onnx_session import create_session
try:
    create_session(Path(sys.argv[1]), Settings(device="cuda"))
except FailedError as error:
    print(error)
"""


def run(name: str, arguments: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(environment(name) / "bin/python"), *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=RUN_S, check=False)


@NO_GPU
@pytest.mark.parametrize("name", NAMES)
def test_a_missing_gpu_is_reported_in_one_line(name: str, variables: dict[str, str], models: Path) -> None:
    kind, more = KINDS[name]
    settings = {"SYNAPSE_ENGINES_DEVICE": "cuda", "SYNAPSE_ENGINES_MODELS": str(models), **more}
    result = run(name, ["-m", "synapse_engines", kind, "--port", "0"], {**variables, **settings})
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("synapse-engines: SYNAPSE_ENGINES_DEVICE: got 'cuda', but ")
    assert line.endswith("accepted: cpu, or a machine with them")


@pytest.mark.parametrize("name", ["chatterbox", "pyannote"])
def test_torch_is_built_for_cuda_13_and_blackwell(name: str, variables: dict[str, str]) -> None:
    result = run(name, ["-c", TORCH], variables)
    assert result.returncode == 0, result.stderr
    cuda, cudnn, architectures = json.loads(result.stdout)
    assert cuda.split(".")[0] == "13"
    assert cudnn // 10_000 == 9
    assert "sm_120" in architectures


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_the_libraries_of_cuda_are_loaded_from_packages(name: str, variables: dict[str, str]) -> None:
    result = run(name, ["-c", PRELOADED[name] + LOADED], variables)
    assert result.returncode == 0, result.stderr
    assert set(json.loads(result.stdout.splitlines()[-1])) >= NEEDED[name]


@pytest.mark.parametrize("name", ["chatterbox", "pyannote"])
def test_the_libraries_of_torch_are_in_packages(name: str) -> None:
    folder = libraries(environment(name)) / "nvidia"
    names = {file.name for file in folder.glob("*/lib/*.so*")}
    assert names >= {"libcublas.so.13", "libcublasLt.so.13", "libcudart.so.13", "libcudnn.so.9", "libcufft.so.12"}


@NO_GPU
def test_a_session_that_falls_back_to_the_cpu_is_an_error(variables: dict[str, str], models: Path) -> None:
    """Without that check the engine would run, slowly, and only the log of onnxruntime would have the reason."""
    model = min((models / "kokoro").glob("*.onnx"))
    result = run("kokoro", ["-c", SESSION, str(model)], variables)
    assert f"onnxruntime cannot run {model.name} on the GPU" in result.stdout, result.stderr
