"""Services and Ingresses: their endpoints, and addresses of load balancers."""

import time
from typing import Final

from tools.offline.plugins.kubernetes.awaiting.rule import Progress, Rule, Wait
from tools.offline.plugins.kubernetes.objects import at, reference
from tools.offline.plugins.values import Object

FIRST_ENDPOINTS_S: Final = 6.0
"""Multiple of the settling time after which an Ingress no longer waits for endpoints that nobody makes."""
NO_PODS: Final = (
    "Service does not target any Pods. Selected Pods may not be ready, or "
    "field '.spec.selector' may not match labels on any Pods"
)
NO_ADDRESS: Final = "Service was not allocated an IP address; does your cloud provider support this?"
NO_INGRESS: Final = (
    "Ingress .status.loadBalancer field was not updated with a hostname/IP address. "
    "\n    for more information about this error, see https://pulumi.io/xdv72s"
)
NO_ENDPOINT: Final = "Ingress has at least one rule with an unavailable target endpoint."


class Settling:
    """Time since the last change: endpoints count only once they have not changed for a while."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._seen: object = None
        self._due: list[float] = []
        self.is_settled = False

    def see(self, endpoints: object) -> None:
        """Take the current endpoints; a change must settle first. No endpoints at all are no change."""
        now = time.monotonic()
        if endpoints != self._seen:
            self._seen = endpoints
            self._due.append(now + self._settle_s)
            self.is_settled = False
        if self._due and self._due[0] <= now:  # upstream's timers are not stopped by a later change
            self._due = [due for due in self._due if due > now]
            self.is_settled = True


class ServiceRule(Rule):
    """No endpoint is left that is not ready, and all have settled; a Service that selects no pod is ready too."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait)
        self._settling = Settling(wait.settle_s)

    def look(self, live: Object) -> Progress:
        if not _selects_pods(live):
            return Progress(is_ready=_has_address(live))
        endpoints = self._endpoints(live)
        if endpoints is not None:
            self._settling.see(endpoints.get("subsets", []))
        is_settled = self.wait.is_read or self._settling.is_settled
        if _has_address(live) and is_settled and not _are(endpoints, "notReadyAddresses"):
            return Progress(is_ready=True)
        is_found = is_settled and _are(endpoints, "addresses")
        step = (
            "[2/3] Attempting to allocate IP address to Service"
            if is_found
            else "[1/3] Finding Pods to direct traffic to"
        )
        return Progress(message=step)

    def errors(self, live: Object) -> list[str]:
        if at(live, "spec", "clusterIP") == "None" or at(live, "spec", "type") == "ExternalName":
            return []
        errors = [] if _are(self._endpoints(live), "addresses") else [NO_PODS]
        return errors if _has_address(live) else [*errors, NO_ADDRESS]

    def is_enough(self, live: Object) -> bool:
        return _has_address(live) and not _are(self._endpoints(live), "notReadyAddresses")

    def _endpoints(self, live: Object) -> Object | None:
        name = reference(live).name
        return next(iter(self.beside("Endpoints", fieldSelector=f"metadata.name={name}")), None)


def _selects_pods(live: Object) -> bool:
    spec = live.get("spec", {})
    return bool(spec.get("selector")) and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName"


def _has_address(live: Object) -> bool:
    is_balanced = at(live, "spec", "type") == "LoadBalancer"
    return not is_balanced or bool(at(live, "status", "loadBalancer", "ingress"))


def _are(endpoints: Object | None, kind: str) -> bool:
    return any(subset.get(kind) for subset in (endpoints or {}).get("subsets") or [])


class IngressRule(Rule):
    """It has an address, and each path's Service has endpoints, or a warning says which has none."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait)
        self._settling = Settling(wait.settle_s)
        self._since = time.monotonic()

    def look(self, live: Object) -> Progress:
        unknown = self._unknown_services(live)
        is_open = bool(unknown) and not self._is_settled()
        if _has_ingress(live) and not is_open:
            return Progress(is_ready=True)
        address = "[2/3] Waiting for update of .status.loadBalancer with hostname/IP"
        return Progress(message="[1/3] Finding a matching service for each Ingress path" if is_open else address)

    def errors(self, live: Object) -> list[str]:
        errors = [NO_ENDPOINT] if self._unknown_services(live) and not self._is_settled() else []
        return errors if _has_ingress(live) else [*errors, NO_INGRESS]

    def warnings(self, live: Object) -> list[str]:
        if not self._is_settled():
            return []
        return [f"No matching service found for ingress rule: {path}" for path in self._unknown_services(live)]

    def is_enough(self, live: Object) -> bool:
        return _has_ingress(live) and (not self._unknown_services(live) or self._is_settled())

    def _is_settled(self) -> bool:
        grace_s = FIRST_ENDPOINTS_S * self.wait.settle_s
        return self.wait.is_read or self._settling.is_settled or time.monotonic() > self._since + grace_s

    def _unknown_services(self, live: Object) -> list[str]:
        """Return the paths whose Service has no endpoints object, each with its Service."""
        endpoints = {each["metadata"]["name"]: each.get("subsets", []) for each in self.beside("Endpoints")}
        if endpoints:
            self._settling.see(endpoints)
        external = {each["metadata"]["name"] for each in self.beside("Service") if _is_external(each)}
        return [path for path, name in _backends(live) if name not in external and name not in endpoints]


def _is_external(service: Object) -> bool:
    return bool(at(service, "spec", "type") == "ExternalName")


def _has_ingress(live: Object) -> bool:
    return bool(at(live, "status", "loadBalancer", "ingress"))


def _backends(live: Object) -> list[tuple[str, str]]:
    """Return each path of the rules, as messages show it, with the name of its Service."""
    paths = [
        (f"{rule.get('host', '')}{path.get('path', '')}", at(path, "backend", "service", "name"))
        for rule in at(live, "spec", "rules", default=[])
        for path in at(rule, "http", "paths", default=[])
    ]
    return [
        (f'"{path}" -> "{name}"' if path else f'"" (default path) -> "{name}"', name) for path, name in paths if name
    ]
