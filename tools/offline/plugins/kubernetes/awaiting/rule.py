"""A rule that tells whether an object is ready, and the texts that the official provider has for it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.objects import ObjectReference, at, reference
from tools.offline.plugins.values import Object


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of an object; `is_failed` is final."""

    message: str = ""
    is_ready: bool = False
    is_failed: bool = False


READY: Final = Progress(is_ready=True)


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A wait for one object: as it was applied, and as it was before; None where it is new."""

    api: KubernetesApi
    applied: Object
    before: Object | None
    is_read: bool = False  # a refresh looks once
    settle_s: float = 0.0


class Rule(ABC):
    """Rule of a kind; it may remember what it has seen, so each wait has its own."""

    limit_s: float | None = None
    """Fixed limit of a kind that is polled: neither a custom timeout nor an annotation changes it."""
    restarts_with_changes = False
    """True: each change of the object starts the timeout anew."""
    is_read = True
    """True: a refresh looks at it too."""

    def __init__(self, wait: Wait) -> None:
        self.wait = wait

    @abstractmethod
    def look(self, live: Object) -> Progress:
        """Return the progress of the current object."""

    def errors(self, live: Object) -> list[str]:
        """Return the reasons why it is not ready, after a timeout or a failure."""
        return []

    def warnings(self, live: Object) -> list[str]:
        """Return what is shown from time to time during the wait."""
        return []

    def is_enough(self, live: Object) -> bool:
        """Return whether a timeout is a success nevertheless."""
        return False

    def timeout_message(self, name: str) -> str:
        return f"'{name}' timed out waiting to be Ready"

    def cancel_message(self, name: str) -> str:
        return f'Resource operation was cancelled for "{name}"'

    def beside(self, kind: str, api_version: str = "v1", **selectors: str) -> list[Object]:
        """Return the objects of another kind in the namespace."""
        collection = ObjectReference(api_version, kind, "", reference(self.wait.applied).namespace)
        return self.wait.api.list_objects(collection, **selectors)


def is_observed(live: Object) -> bool:
    """Return whether the controller has seen the current generation."""
    observed: int = at(live, "status", "observedGeneration", default=0)
    generation: int = at(live, "metadata", "generation", default=0)
    return observed >= generation


def condition(live: Object, name: str) -> Object:
    """Return the condition of a type, or an empty object."""
    conditions: Iterable[Object] = at(live, "status", "conditions", default=[])
    return next((each for each in conditions if each.get("type") == name), {})


def owned(items: Iterable[Object], owner: Object) -> list[Object]:
    """Return the objects that the owner controls."""
    uid = at(owner, "metadata", "uid")
    return [
        each for each in items if any(of["uid"] == uid for of in at(each, "metadata", "ownerReferences", default=[]))
    ]


def label_selector(live: Object) -> str:
    labels = at(live, "spec", "selector", "matchLabels", default={})
    return ",".join(f"{key}={value}" for key, value in labels.items())
