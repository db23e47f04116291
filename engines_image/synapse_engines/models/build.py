"""Build of the model folder that the engines start with."""

from collections.abc import Callable
from pathlib import Path

from synapse_engines.models import bigram, minilm
from synapse_engines.models.download import INSTRUCT, PinnedFile, UnreachableError, download

PrintLine = Callable[[str], None]


def build(folder: Path, print_line: PrintLine, pinned: PinnedFile | None = INSTRUCT) -> None:
    """Write `chat/` and `embeddings/` in *folder*; without *pinned* nothing is downloaded. Raises ModelBuildError."""
    chat, embeddings = folder / "chat", folder / "embeddings"
    for each in (chat, embeddings):
        each.mkdir(parents=True, exist_ok=True)
    for name, model in bigram.MODELS.items():
        bigram.write(model, chat / f"{name}.gguf")
        print_line(f"generated chat/{name}.gguf: its words mean nothing")
    minilm.write(embeddings / f"{minilm.NAME}.gguf")
    print_line(f"converted embeddings/{minilm.NAME}.gguf")
    if pinned is not None:
        _download(pinned, chat / f"{pinned.name}.gguf", print_line)


def _download(pinned: PinnedFile, path: Path, print_line: PrintLine) -> None:
    """Replace the generated model of the same name; keep it if the download address cannot be reached."""
    try:
        download(pinned, path)
        print_line(f"downloaded chat/{path.name}: {pinned.url}")
    except UnreachableError as error:
        print_line(f"download failed, chat/{path.name} remains the generated model: {error}")
