"""A pipeline folder with the real networks of pyannote and random weights, written by the library itself."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

CONFIG = {
    "dependencies": {"pyannote.audio": "4.0.0"},
    "pipeline": {
        "name": "pyannote.audio.pipelines.SpeakerDiarization",
        "params": {
            "segmentation": "$model/segmentation",
            "embedding": "$model/embedding",
            "plda": "$model/plda",
            "clustering": "VBxClustering",
            "segmentation_batch_size": 32,
            "embedding_batch_size": 32,
            "embedding_exclude_overlap": True,
        },
    },
    "params": {
        "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
        "segmentation": {"min_duration_off": 0.0},
    },
}
"""Same keys as in speaker-diarization-community-1."""
CONTRAST = 50
"""Factor of the last layer's weights, so that the random network changes its mind over time."""


def write_pipeline(folder: Path) -> Path:
    """Write the folder and return it; PyTorch and pyannote.audio are imported here, not by other tests."""
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import WeSpeakerResNet34
    from pyannote.audio.models.segmentation import PyanNet

    torch.manual_seed(1)
    segmentation, embedding = PyanNet(lstm={"num_layers": 4, "monolithic": True}), WeSpeakerResNet34()
    segmentation.specifications = Specifications(
        Problem.MONO_LABEL_CLASSIFICATION,
        Resolution.FRAME,
        duration=10.0,
        classes=["speaker#1", "speaker#2", "speaker#3"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    embedding.specifications = Specifications(Problem.REPRESENTATION, Resolution.CHUNK, duration=5.0, classes=["a"])
    for model in (segmentation, embedding):
        model.setup()
    segmentation.classifier.weight.data *= CONTRAST
    _save(segmentation, folder / "segmentation")
    _save(embedding, folder / "embedding")
    _write_plda(folder / "plda")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


def _save(model: Any, folder: Path) -> None:
    """Write the checkpoint that Lightning's trainer would write."""
    import lightning
    import torch

    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
        "epoch": 0,
        "global_step": 0,
    }
    model.on_save_checkpoint(checkpoint)
    folder.mkdir(parents=True)
    torch.save(checkpoint, folder / "pytorch_model.bin")


def _write_plda(folder: Path) -> None:
    """Write a transformation of 256 values to 128, and a covariance of speakers, of the real shapes."""
    random = np.random.default_rng(2)
    folder.mkdir()
    lda = np.linalg.qr(random.standard_normal((256, 128)))[0]
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(256), mean2=np.zeros(128), lda=lda)
    np.savez(folder / "plda.npz", mu=np.zeros(128), tr=np.eye(128), psi=np.linspace(2, 0.1, 128))
