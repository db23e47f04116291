"""Models that are fetched where the internet is there."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A file at *url*, of so many *bytes* with this SHA-256."""

    name: str
    url: str
    bytes: int
    sha256: str


_REVISION = "9e6855bc4be717fca1ef21360a1db4b29d5c559a"
INSTRUCT = Pin(
    name="chat",
    url=(
        f"https://huggingface.co/unsloth/SmolLM2-135M-Instruct-GGUF/resolve/{_REVISION}/"
        "SmolLM2-135M-Instruct-Q4_K_M.gguf"
    ),
    bytes=105_454_144,
    sha256="ed5fa30c487b282ec156c29062f1222e5c20875a944ac98289dbd242e947f747",
)
"""A small model that follows instructions, Apache-2.0. It takes the place of the generated one of its name."""
