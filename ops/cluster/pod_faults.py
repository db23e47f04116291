"""Faults of a pod that no waiting ends: its image or its configuration must change."""

from collections.abc import Iterator
from typing import Any, Final

HOPELESS: Final = frozenset({"ErrImageNeverPull", "InvalidImageName"})
"""Reasons that say so themselves."""
PULLS: Final = frozenset({"ErrImagePull", "ImagePullBackOff"})
ABSENT: Final = ("not found", "manifest unknown", "manifest_unknown", "does not exist")
"""Texts of a registry that answered: it has no such image. Any other failure of a pull may end by itself."""


def hopeless(pod: Any, *, is_offline: bool) -> str | None:  # noqa: ANN401 - the client is untyped
    """Return the fault of the first container that cannot start; *is_offline*: the node reaches no registry."""
    return next(_faults(pod, is_offline=is_offline), None)


def _faults(pod: Any, *, is_offline: bool) -> Iterator[str]:  # noqa: ANN401 - the client is untyped
    for status in [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]:
        waiting = status.state.waiting if status.state else None
        if waiting is None:
            continue
        text = (waiting.message or "").lower()
        is_absent = waiting.reason in PULLS and (is_offline or any(part in text for part in ABSENT))
        if waiting.reason in HOPELESS or is_absent:
            yield f"{pod.metadata.name}: {waiting.reason}: {waiting.message or status.image}"
