"""Models that the GPU engines of this repository fetch from the hub: their files, licences, languages, and gates."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from infra.catalog.spec import Download

HUB: Final = "https://huggingface.co"


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """One model of the hub, in *folder* below that of all models.

    *licence* is an SPDX name, *languages* are of ISO 639-1 (`*`: any); a gated one needs the token of an account that
    accepted its terms. *size*: bytes of all files, rounded; the hub reports those of each file, and its SHA-256.
    """

    name: str
    repository: str
    folder: str
    task: str
    kinds: tuple[str, ...]
    licence: str
    languages: tuple[str, ...]
    size: int
    files: tuple[str, ...]
    is_gated: bool = False

    @property
    def address(self) -> str:
        """Return the address of its page."""
        return f"{HUB}/{self.repository}"

    def downloads(self, folder: str) -> Iterator[Download]:
        """Yield its files below *folder*; the first one stands for the model."""
        for file in self.files:
            yield Download(
                url=f"{self.address}/resolve/main/{file}",
                path=f"{folder}/{self.folder}/{file}",
                estimate=self.size if file == self.files[0] else 0,
                model=self.name,
                is_part=file != self.files[0],
                is_gated=self.is_gated,
            )


MODELS: Final = (
    HubModel(
        name="large-v3-turbo",
        repository="mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        folder="whisper/large-v3-turbo",
        task="transcription",
        kinds=("whisper", "speaches"),
        licence="MIT",
        languages=("*",),
        size=1_620_000_000,
        files=("model.bin", "config.json", "preprocessor_config.json", "tokenizer.json", "vocabulary.json"),
    ),
    HubModel(
        name="chatterbox",
        repository="ResembleAI/chatterbox",
        folder="chatterbox",
        task="speech",
        kinds=("chatterbox",),
        licence="MIT",
        languages=("en",),
        size=3_190_000_000,
        files=("t3_cfg.safetensors", "s3gen.safetensors", "ve.safetensors", "tokenizer.json", "conds.pt"),
    ),
    HubModel(
        name="speaker-diarization-community-1",
        repository="pyannote/speaker-diarization-community-1",
        folder="pyannote/speaker-diarization-community-1",
        task="speakers",
        kinds=("pyannote",),
        licence="CC-BY-4.0",
        languages=("*",),
        size=34_000_000,
        files=(
            "config.yaml",
            "segmentation/pytorch_model.bin",
            "embedding/pytorch_model.bin",
            "plda/plda.npz",
            "plda/xvec_transform.npz",
        ),
        is_gated=True,
    ),
)


def downloads(kind: str, folder: str) -> tuple[Download, ...]:
    """Return the files of the models that *kind* serves, below *folder*."""
    return tuple(file for model in MODELS if kind in model.kinds for file in model.downloads(folder))


def rows() -> Iterator[tuple[str, ...]]:
    """Return the models as cells of a table, in the order of `packaged_models.COLUMNS`."""
    for model in MODELS:
        kinds = ", ".join(f"`{kind}`" for kind in model.kinds)
        languages = "any" if model.languages == ("*",) else " ".join(model.languages)
        gate = "gated: `hfToken`" if model.is_gated else "free"
        link = f"[{model.name}]({model.address})"
        yield link, model.task, kinds, model.licence, languages, gate, f"{model.size / 10**6:.0f} MB"
