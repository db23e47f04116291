"""The folder of models that the engines start with."""

from collections.abc import Callable
from pathlib import Path

from synapse_engines.models import bigram, minilm
from synapse_engines.models.fetch import AwayError, fetch
from synapse_engines.models.pins import INSTRUCT, Pin
from synapse_engines.models.samples import GENERATED

Say = Callable[[str], None]


def make(folder: Path, say: Say, pin: Pin | None = INSTRUCT) -> None:
    """Write `chat/` and `embeddings/` of *folder*; without *pin* nothing is fetched. Raises ModelError."""
    chat, embeddings = folder / "chat", folder / "embeddings"
    for each in (chat, embeddings):
        each.mkdir(parents=True, exist_ok=True)
    for name, model in GENERATED.items():
        bigram.write(model, chat / f"{name}.gguf")
        say(f"generated chat/{name}.gguf: its words mean nothing")
    minilm.write(embeddings / f"{minilm.NAME}.gguf")
    say(f"converted embeddings/{minilm.NAME}.gguf")
    if pin is not None:
        _fetch(pin, chat / f"{pin.name}.gguf", say)


def _fetch(pin: Pin, path: Path, say: Say) -> None:
    """Instead of the generated one of the same name, where there is a way to it."""
    try:
        fetch(pin, path)
        say(f"fetched chat/{path.name}: {pin.url}")
    except AwayError as error:
        say(f"nothing fetched, chat/{path.name} stays the generated one: {error}")
