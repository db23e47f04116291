"""Deployments: ready once the ReplicaSet of the current revision has its pods ready and their claims are bound."""

from typing import Final

from tools.offline.plugins.kubernetes.awaiting.pods import pod_warnings
from tools.offline.plugins.kubernetes.awaiting.rule import Progress, Rule, condition, is_observed, label_selector, owned
from tools.offline.plugins.kubernetes.objects import at
from tools.offline.plugins.values import Object

REVISION: Final = "deployment.kubernetes.io/revision"
FIRST: Final = "1"
NOT_AVAILABLE: Final = "Minimum number of live Pods was not attained"
NOT_LIVE: Final = "Minimum number of Pods to consider the application live was not attained"
NOT_ROLLED: Final = "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"


class DeploymentRule(Rule):
    """A passed progress deadline is only a reason: the wait goes on until the timeout."""

    def look(self, live: Object) -> Progress:
        if not self.wait.is_read and not is_observed(live):
            return Progress()
        is_live = _is_available(live) and (_revision(live) == FIRST or _has_progressed(live))
        if is_live and self._is_rolled_out(live, self._replica_set(live)):  # read only where it can decide
            return Progress(is_ready=not self._unbound(live))
        ready, desired = at(live, "status", "readyReplicas", default=0), at(live, "spec", "replicas", default=1)
        return Progress(message=f"Waiting for app ReplicaSet to be available ({ready}/{desired} Pods available)")

    def errors(self, live: Object) -> list[str]:
        errors = _unmet(live)
        if unbound := self._unbound(live):
            errors.append(f'Failed to bind PersistentVolumeClaim(s): "{",".join(unbound)}"')
        is_new = _revision(live) == FIRST
        if not _is_available(live):
            errors.append(NOT_AVAILABLE)
        elif not is_new and not _has_progressed(live):
            errors.append(NOT_LIVE)
        elif not self._is_rolled_out(live, self._replica_set(live)):
            errors.append(NOT_LIVE if is_new else NOT_ROLLED)
        return [*errors, *self._pod_warnings(live)]

    def warnings(self, live: Object) -> list[str]:
        unbound = [
            f"PersistentVolumeClaim: [{name}] is not ready. status.phase currently at: {phase}"
            for name, phase in self._unbound(live).items()
        ]
        return [*_unmet(live), *unbound, *self._pod_warnings(live)]

    def _is_rolled_out(self, live: Object, replica_set: Object | None) -> bool:
        before = self.wait.before
        if replica_set is None:
            return False
        is_rollout = before is None or _revision(before) != _revision(live)
        return _ready(replica_set) >= _desired(replica_set) and (not is_rollout or bool(_revision(live)))

    def _replica_set(self, live: Object) -> Object | None:
        sets = owned(self.beside("ReplicaSet", "apps/v1", labelSelector=label_selector(live)), live)
        return next((each for each in sets if _revision(each) == _revision(live)), None)

    def _pod_warnings(self, live: Object) -> list[str]:
        replica_set = self._replica_set(live)
        if replica_set is None:
            return []
        pods = owned(self.beside("Pod", labelSelector=label_selector(live)), replica_set)
        return [warning for pod in pods for warning in pod_warnings(pod)]

    def _unbound(self, live: Object) -> dict[str, str]:
        """Return the phases of the pods' claims that are not bound."""
        volumes = at(live, "spec", "template", "spec", "volumes", default=[])
        names = {at(volume, "persistentVolumeClaim", "claimName") for volume in volumes} - {None}
        if not names:
            return {}
        claims = {each["metadata"]["name"]: each for each in self.beside("PersistentVolumeClaim")}
        phases = {name: at(claims[name], "status", "phase", default="") for name in sorted(names & claims.keys())}
        return {name: phase for name, phase in phases.items() if phase != "Bound"}


def _unmet(live: Object) -> list[str]:
    """Return the conditions that are not met, each with its reason and message."""
    conditions = (condition(live, name) for name in ("Progressing", "Available"))
    unmet = [each for each in conditions if each and each.get("status") != "True"]
    return [f"[{each['reason']}] {each['message']}" for each in unmet if each.get("reason") and each.get("message")]


def _is_available(live: Object) -> bool:
    return condition(live, "Available").get("status") == "True"


def _has_progressed(live: Object) -> bool:
    progressing = condition(live, "Progressing")
    return (progressing.get("status"), progressing.get("reason")) == ("True", "NewReplicaSetAvailable")


def _revision(item: Object) -> str:
    return str(at(item, "metadata", "annotations", REVISION, default=""))


def _desired(replica_set: Object | None) -> int:
    return int(at(replica_set, "spec", "replicas", default=1 if replica_set else 0))


def _ready(replica_set: Object | None) -> int:
    return int(at(replica_set, "status", "readyReplicas", default=0))
