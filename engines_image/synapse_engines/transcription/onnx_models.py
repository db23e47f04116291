"""Models of onnx-asr: NVIDIA's Parakeet and Canary, GigaAM, Whisper and others as folders of ONNX files.

https://github.com/istupakov/onnx-asr: `config.json` has the type of a model (`model_type`), or the folder has the name
of one that the library knows. Nothing is downloaded.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx_asr
import onnxruntime
from onnx_asr.adapters import TextResultsAsrAdapter
from onnx_asr.utils import ModelFileNotFoundError

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import FailedError, NotOfferedError
from synapse_engines.settings import Settings
from synapse_engines.transcription.onnx_traits import Traits, languages, traits
from synapse_engines.transcription.onnx_words import segment
from synapse_engines.transcription.recognizer import BOTH, TRANSCRIBE, Decoding, Request
from synapse_engines.transcription.transcript import UNKNOWN_LANGUAGE, DetectedLanguage, Segment

PROVIDERS: Mapping[str, Sequence[str]] = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
}
"""Device -> execution providers of onnxruntime, the preferred one first."""
QUANTIZATIONS: Mapping[str, Sequence[str | None]] = {"int8": ("int8", None), "float16": ("fp16", None, "int8")}
"""Compute type -> endings of the files (`encoder-model.int8.onnx`) that are tried in turn; None: no ending."""
COMPUTE_TYPES: Mapping[str, str] = {"cpu": "int8", "cuda": "float16"}
LOG = logging.getLogger(__name__)


def load(folder: Path, settings: Settings) -> "OnnxRecognizer":
    """Load a model onto the device of *settings*, or onto the CPU without onnxruntime-gpu. Raises FailedError."""
    settings = replace(settings, device=_device(folder.name, settings.device))
    kind = _model_type(folder)
    compute_type = settings.compute_type or COMPUTE_TYPES[settings.device]
    try:
        model = _load_first(kind, folder, settings, QUANTIZATIONS.get(compute_type, (None, "int8")))
    except Exception as error:  # onnxruntime's errors have no common class
        raise FailedError(f"the model {folder.name} cannot be loaded as {kind}: {error}") from error
    return OnnxRecognizer(model, traits(kind), languages(folder, traits(kind)))


class OnnxRecognizer:
    """Model of onnx-asr, which takes each stretch of speech by itself."""

    longest_s = 0.0
    detects_languages = False

    def __init__(self, model: TextResultsAsrAdapter, kind: Traits, codes: Sequence[str]) -> None:
        self._model = model.with_timestamps()
        self._traits = kind
        self.languages = codes
        self.has_word_times = kind.has_word_times
        self.tokens_per_s = kind.tokens_per_s
        self.tasks = BOTH if kind.translates else TRANSCRIBE

    def decode(self, waveform: Waveform, request: Request) -> Decoding:
        code = request.language or self._default_language()
        return Decoding(DetectedLanguage(code=code, probability=0.0), self._segments(waveform, request))

    def detect_languages(self, waveform: Waveform) -> list[DetectedLanguage]:  # noqa: ARG002 - it tells none
        if len(self.languages) == 1:
            return [DetectedLanguage(code=self.languages[0], probability=1.0)]
        raise NotOfferedError("this model tells no language; use a Whisper model, such as base")

    def _segments(self, waveform: Waveform, request: Request) -> Iterator[Segment]:
        result = self._model.recognize(waveform.samples, sample_rate=16_000, **self._options(request))
        if result.text.strip():
            yield segment(result, waveform.seconds, with_words=request.with_words and self.has_word_times)

    def _options(self, request: Request) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self._traits.takes_language and request.language:
            options["language"] = request.language
        if self._traits.translates:
            options["target_language"] = "en" if request.task == "translate" else request.language
        return options

    def _default_language(self) -> str:
        return self._traits.default_language or (self.languages[0] if len(self.languages) == 1 else UNKNOWN_LANGUAGE)


def _device(name: str, device: str) -> str:
    """Return the device for the model *name*: the image for GPUs has CTranslate2 with CUDA, but not onnxruntime."""
    if set(PROVIDERS[device]) <= set(onnxruntime.get_available_providers()):
        return device
    LOG.warning("%s runs on the CPU: onnxruntime has no provider for %s; onnxruntime-gpu has one", name, device)
    return "cpu"


def _model_type(folder: Path) -> str:
    """Return the type in `config.json`, or else the name of the folder, which the library may know."""
    config = folder / "config.json"
    content = json.loads(config.read_bytes()) if config.is_file() else {}
    return str(content.get("model_type") or folder.name)


def _load_first(
    kind: str, folder: Path, settings: Settings, quantizations: Sequence[str | None]
) -> TextResultsAsrAdapter:
    """Load the first quantization that the folder has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    providers = PROVIDERS[settings.device]
    for quantization in quantizations[:-1]:
        try:
            return onnx_asr.load_model(
                kind, folder, quantization=quantization, sess_options=options, providers=providers
            )
        except ModelFileNotFoundError:
            continue
    return onnx_asr.load_model(kind, folder, quantization=quantizations[-1], sess_options=options, providers=providers)
