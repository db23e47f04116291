"""Sizes of images, to plan the first start: downloads as people reported them, for the nearest version seen.

No registry is asked. An image that is not listed is a server without CUDA; OTHER is more than most of them.
"""

from collections.abc import Mapping
from typing import Final

GB: Final = 10**9
DOWNLOADS: Final[Mapping[str, int]] = {
    "docker.io/vllm/vllm-openai": 12_640_000_000,  # https://github.com/vllm-project/vllm/issues/27154, 2025-10
    "docker.io/lmsysorg/sglang": 11 * GB,  # https://github.com/sgl-project/sglang/issues/3673, 2025-02
    "docker.io/ollama/ollama": 3_500_000_000,  # https://github.com/stratosphereips/stratocyberlab/issues/57, 2026-09
    "ghcr.io/ggml-org/llama.cpp:server-cuda": 2_600_000_000,  # https://github.com/huggingface/hub-docs/pull/2593, 2026
    "nvcr.io/nvidia/k8s/dcgm-exporter": GB,  # https://github.com/NVIDIA/dcgm-exporter/issues/176, 2023-07
}
"""Beginning of an image's reference -> bytes of its compressed layers."""
OTHER: Final = 300_000_000
UNPACKED: Final = 2.3
"""Bytes on the disk by bytes of the download: vLLM's 12.64 GB are 28.6 GB (vllm-project/vllm#22377).

containerd keeps the compressed layers beside the unpacked ones.
"""


def download_size(image: str) -> int:
    """Return the bytes of a pull of *image*, roughly; the longest beginning that is listed decides."""
    listed = [name for name in DOWNLOADS if image.startswith(name)]
    return DOWNLOADS[max(listed, key=len)] if listed else OTHER


def disk_size(image: str) -> int:
    """Return the bytes that *image* takes on the node's disk, roughly."""
    return round(download_size(image) * (1 + UNPACKED))
