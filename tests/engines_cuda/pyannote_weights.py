"""Program for the environment `pyannote`: a pipeline of the real shapes with random values.

    python pyannote_weights.py FOLDER

FOLDER gets the files of the repository pyannote/speaker-diarization-community-1.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Trainer
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.embedding import WeSpeakerResNet34
from pyannote.audio.models.segmentation import PyanNet

SEED = 7
SPEAKERS = 3
"""Speakers of a chunk of 10 s, of whom two may speak at once: seven classes."""
VOICE, SPACE = 256, 128
"""Dimensions of a voice, and of the space in which voices are compared."""
CONFIG = """\
dependencies:
  pyannote.audio: 4.0.0
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: VBxClustering
    segmentation: $model/segmentation
    segmentation_batch_size: 32
    embedding: $model/embedding
    embedding_batch_size: 32
    embedding_exclude_overlap: true
    plda: $model/plda
params:
  clustering:
    threshold: 0.6
    Fa: 0.07
    Fb: 0.8
  segmentation:
    min_duration_off: 0.0
"""


def main() -> None:
    folder = Path(sys.argv[1])
    torch.manual_seed(SEED)
    chunk = {"duration": 10.0, "min_duration": 10.0, "warm_up": (0.0, 0.0)}
    segmentation = PyanNet(sincnet={"stride": 10}, lstm={"num_layers": 4, "hidden_size": 128, "bidirectional": True})
    segmentation.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        classes=[f"speaker#{number}" for number in range(1, SPEAKERS + 1)],
        powerset_max_classes=2,
        permutation_invariant=True,
        **chunk,
    )
    segmentation.build()
    embedding = WeSpeakerResNet34()
    embedding.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, classes=[], **chunk
    )
    for name, model in (("segmentation", segmentation), ("embedding", embedding)):
        _save(model, folder / name / "pytorch_model.bin")
    save_comparison(folder / "plda")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")


def save_comparison(folder: Path) -> None:
    """Write the projection of voices, and the covariances with which they are compared."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(SEED)
    projection, _ = np.linalg.qr(random.standard_normal((VOICE, SPACE)))
    rotation, _ = np.linalg.qr(random.standard_normal((SPACE, SPACE)))
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(VOICE), mean2=np.zeros(SPACE), lda=projection)
    np.savez(folder / "plda.npz", mu=np.zeros(SPACE), tr=rotation, psi=np.linspace(9.0, 0.1, SPACE))


def _save(model: torch.nn.Module, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu")
    trainer.strategy.connect(model)
    trainer.save_checkpoint(file)


if __name__ == "__main__":
    main()
