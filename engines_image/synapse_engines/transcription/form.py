"""Options of a request as its form has them, checked."""

from collections.abc import Collection, Sequence

from synapse_engines.errors import InvalidError
from synapse_engines.transcription.recognizer import Request, Task
from synapse_engines.web.requests import UploadForm

GRANULARITIES = ("word", "segment")


def read_request(form: UploadForm, task: Task, **more: bool) -> Request:
    """Return the request of *form*. Raises InvalidError."""
    return Request(
        task=task,
        language=_language(form.text("language")),
        prompt=form.text("prompt").strip() or None,
        hotwords=form.text("hotwords").strip() or None,
        temperature=_temperature(form.text("temperature")),
        vad_filter=form.flag("vad_filter", default=True),
        **more,
    )


def granularities(form: UploadForm) -> Collection[str]:
    """Return OpenAI's timestamp granularities: of segments by default. Raises InvalidError."""
    name = "timestamp_granularities[]"
    values = form.texts.get(name) or form.texts.get("timestamp_granularities") or ["segment"]
    return frozenset(choice(value, GRANULARITIES, name) for value in values)


def choice(value: str, accepted: Sequence[str], field: str) -> str:
    if value not in accepted:
        raise InvalidError(f"got {value[:32]!r}; accepted: {', '.join(accepted)}", field)
    return value


def _language(text: str) -> str | None:
    """Return the language of a tag: `en` of `en-US`."""
    return text.strip().lower().replace("_", "-").partition("-")[0] or None


def _temperature(text: str) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidError(f"got {text[:32]!r}; accepted: a number from 0 to 1", "temperature")
    return value
