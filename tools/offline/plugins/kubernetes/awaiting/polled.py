"""Kinds that are polled, each with a limit of its own: claims, volumes, quotas and tokens of service accounts."""

from typing import Final

from tools.offline.plugins.kubernetes.awaiting.rule import Progress, Rule
from tools.offline.plugins.kubernetes.errors import ApiError
from tools.offline.plugins.kubernetes.objects import ObjectReference, at
from tools.offline.plugins.values import Object

TOKEN: Final = "kubernetes.io/service-account-token"  # noqa: S105 (a type)


class Polled(Rule):
    """Rule of a polled kind; a refresh does not look at it."""

    is_read = False

    def timeout_message(self, name: str) -> str:
        return f"Timeout occurred polling for '{name}'"

    def cancel_message(self, name: str) -> str:
        return f"Resource operation was cancelled for '{name}'"


class ClaimRule(Polled):
    """A new claim of a class that waits for its first pod must be *Pending*: one that is bound already fails."""

    limit_s = 300.0

    def look(self, live: Object) -> Progress:
        phase = at(live, "status", "phase", default="")
        if self.wait.before is not None and phase == "Bound":
            return Progress(is_ready=True)
        waits = self._binding_mode(live) == "WaitForFirstConsumer"
        return Progress(is_ready=phase == ("Pending" if waits else "Bound"))

    def warnings(self, live: Object) -> list[str]:
        name = at(live, "metadata", "name")
        return [] if at(live, "spec", "storageClassName") else [f'no storage class found for "{name}"']

    def _binding_mode(self, live: Object) -> str:
        name = at(live, "spec", "storageClassName", default="")
        if not name:
            return ""
        try:
            storage_class = self.wait.api.get(ObjectReference("storage.k8s.io/v1", "StorageClass", name))
        except ApiError:  # without the right to read it
            return ""
        return str(at(storage_class, "volumeBindingMode", default=""))


class VolumeRule(Polled):
    """A volume is available or bound."""

    limit_s = 300.0

    def look(self, live: Object) -> Progress:
        return Progress(is_ready=at(live, "status", "phase") in ("Available", "Bound"))


class QuotaRule(Polled):
    """The controller has taken over the limits."""

    limit_s = 60.0

    def look(self, live: Object) -> Progress:
        hard = at(live, "spec", "hard")
        return Progress(is_ready=isinstance(hard, dict) and hard == at(live, "status", "hard"))


class SecretRule(Polled):
    """The controller has made the token of a service account; other Secrets are ready at once."""

    limit_s = 5.0

    def look(self, live: Object) -> Progress:
        return Progress(is_ready=live.get("type") != TOKEN or bool(live.get("data")))
