"""GGUF files of a folder."""

from pathlib import Path

SUFFIX = ".gguf"


def gguf_files(folder: Path) -> dict[str, Path]:
    """Return the files by name without suffix, sorted; a missing folder has none."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*{SUFFIX}"))}
