"""Diarization with pyannote.audio and its models, which need PyTorch, and an account that accepted their terms.

The library is not a dependency of this package: an image that uses it installs `pyannote.audio` beside it.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from synapse_engines.audio.voice_activity import SpeechSpan
from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError, UnavailableError
from synapse_engines.models.gpu import check_gpu
from synapse_engines.models.holder import ModelHolder
from synapse_engines.settings import SettingError, Settings
from synapse_engines.speakers.diarizer import RATE, Diarization, SpeakerCount, SpeakerTurn, Vector
from synapse_engines.speakers.voice_encoder import speech_of, unit
from synapse_engines.web.work_queue import CancelEvent

MODEL = "pyannote/speaker-diarization-community-1"
OPEN = "or choose the free models: SYNAPSE_ENGINES_DIARIZER=open"


class PyannoteDiarizer:
    """Diarizer of the first folder `pyannote/NAME` of the models, or of MODEL from the hub.

    Raises SettingError without the library or its device, or without both a folder and a token.
    """

    threshold = 0.5

    def __init__(self, settings: Settings) -> None:
        if find_spec("pyannote") is None or find_spec("pyannote.audio") is None:
            raise SettingError(f"pyannote.audio is not installed: install pyannote.audio==4.0.7, {OPEN}")
        check_gpu(settings, "torch", lambda: int(import_module("torch").cuda.device_count()))
        self._settings = settings
        self._folder = _find_folder(settings.models / "pyannote")
        if self._folder is None and not settings.hf_token:
            raise SettingError(
                f"{settings.models}/pyannote/NAME/config.yaml is missing, and so is SPEAKER_HF_TOKEN: set it to a token"
                f" of an account that accepted the terms on https://huggingface.co/{MODEL}, {OPEN}"
            )
        self.name = self._folder.name if self._folder else MODEL
        self._pipeline: ModelHolder[Any] = ModelHolder(self.name, self._load, settings.idle_unload_s)

    @property
    def is_loaded(self) -> bool:
        return self._pipeline.is_loaded

    def diarize(self, waveform: Waveform, count: SpeakerCount, cancel: CancelEvent) -> Diarization:
        with self._pipeline.use() as pipeline:
            output = pipeline(
                {"waveform": _tensor(waveform.samples)[None], "sample_rate": waveform.rate},
                min_speakers=count.minimum,
                max_speakers=count.maximum,
                hook=_stop_when(cancel),
            )
        return _in_order(output, waveform.seconds)

    def embed(self, waveform: Waveform, cancel: CancelEvent) -> Vector:  # noqa: ARG002 - one call of the model
        samples = speech_of(waveform)
        if not len(samples):
            raise BadInputError("no voice in the recording")
        with self._pipeline.use() as pipeline:
            model = pipeline._embedding  # noqa: SLF001 - the library has no public name for it
            repeated = np.resize(samples, max(len(samples), model.min_num_samples, RATE))
            return unit(model(_tensor(repeated)[None, None])[0])

    def close(self) -> None:
        self._pipeline.close()

    def _load(self) -> Any:  # noqa: ANN401 - the library is imported at run time
        # The library reports each use to its makers unless it is told not to before it is imported.
        os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
        torch, library = import_module("torch"), import_module("pyannote.audio")
        torch.set_num_threads(self._settings.threads)
        pipeline = library.Pipeline.from_pretrained(self._folder or MODEL, token=self._settings.hf_token or None)
        if pipeline is None:
            raise UnavailableError(
                f"{MODEL} could not be downloaded: does the account of SPEAKER_HF_TOKEN accept its terms? {OPEN}"
            )
        return pipeline.to(torch.device(self._settings.device))


class _CancelledError(Exception):
    """End of a job whose result is no longer needed."""


def _stop_when(cancel: CancelEvent) -> Any:  # noqa: ANN401 - a hook of the library
    """Return a hook, which the library calls after each batch."""

    def hook(*_: object, **__: object) -> None:
        if cancel.is_set():
            raise _CancelledError

    return hook


def _find_folder(parent: Path) -> Path | None:
    return min((config.parent for config in parent.glob("*/config.yaml")), default=None)


def _tensor(samples: Vector) -> Any:  # noqa: ANN401 - a tensor of PyTorch
    # A copy, because PyTorch warns of memory that it may not write.
    return import_module("torch").from_numpy(np.array(samples, np.float32))


def _in_order(output: Any, seconds: float) -> Diarization:  # noqa: ANN401 - DiarizeOutput of the library
    """Return the library's result for *seconds* of sound, with the speakers numbered in order of appearance."""
    tracks = list(_tracks(output.speaker_diarization, seconds))
    labels = output.speaker_diarization.labels()
    order = list(dict.fromkeys(label for _, label in tracks))
    turns = [SpeakerTurn(span, order.index(label)) for span, label in tracks]
    rows = [labels.index(label) for label in order]
    return Diarization(turns, unit(np.nan_to_num(output.speaker_embeddings[rows])))


def _tracks(annotation: Any, seconds: float) -> Iterator[tuple[SpeechSpan, str]]:  # noqa: ANN401 - of the library
    """Yield the turns; the library pads the last part of a recording, and its turns may end in the padding."""
    for segment, _, label in annotation.itertracks(yield_label=True):
        if segment.start < seconds:
            yield SpeechSpan(segment.start, min(segment.end, seconds)), label
