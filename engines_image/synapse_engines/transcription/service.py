"""Transcription service that both APIs use: one recording at a time, in order of arrival."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from synapse_engines.audio.ffmpeg import decode
from synapse_engines.audio.waveform import Waveform
from synapse_engines.models.memory import resident_bytes
from synapse_engines.settings import Settings
from synapse_engines.transcription.models import Models
from synapse_engines.transcription.recognizer import SAMPLE_RATE, Request, check
from synapse_engines.transcription.transcribe import collect, detect_languages, transcribe
from synapse_engines.transcription.transcript import DetectedLanguage, Segment, Start, Transcript
from synapse_engines.web.requests import UploadForm
from synapse_engines.web.work_queue import CancelEvent, WorkQueue

Item = Start | Segment


@dataclass(frozen=True)
class Job:
    """Recording, the model that decodes it, and the request."""

    model: str
    waveform: Waveform
    request: Request


class Service:
    """Models and the queue in front of them."""

    def __init__(self, settings: Settings, models: Models) -> None:
        self.settings = settings
        self.models = models
        self._queue = WorkQueue("transcribe")

    async def read(self, form: UploadForm) -> Waveform:
        """Return the recording of *form*. Raises BadInputError, InvalidError and TooLargeError."""
        return await decode(form.file("file").path, SAMPLE_RATE, self.settings.max_seconds)

    async def transcribe(self, job: Job) -> Transcript:
        return await self._queue.run(lambda cancel: collect(self._items(job, cancel), job.waveform.seconds))

    def stream(self, job: Job) -> AsyncGenerator[Item, None]:
        """Yield the start and then each segment while the next one is decoded."""
        return self._queue.stream(lambda cancel: self._items(job, cancel))

    async def detect_languages(self, model: str, waveform: Waveform) -> list[DetectedLanguage]:
        def work(_: CancelEvent) -> list[DetectedLanguage]:
            with self.models.use(model) as recognizer:
                return detect_languages(recognizer, waveform)

        return await self._queue.run(work)

    def health(self) -> dict[str, object]:
        """Return the state of the default model and the memory of the process."""
        name = self.models.default
        loaded = self.models.is_loaded(name)
        return {"status": "ok", "model_loaded": loaded, "model": name, "memory_bytes": resident_bytes()}

    def close(self) -> None:
        self._queue.close()
        self.models.close()

    def _items(self, job: Job, cancel: CancelEvent) -> Iterator[Item]:
        with self.models.use(job.model) as recognizer:
            check(recognizer, job.model, job.request)
            yield from transcribe(recognizer, job.waveform, job.request, cancel)
