"""A container runs as an ordinary user without capabilities: what breaks into it then has nothing to go on with."""

from collections.abc import Iterator

from policies.reading.claims import Container, containers
from policies.reading.infrastructure import leave
from policies.reading.pods import Pods, at
from policies.reading.security_context import contexts, effective
from policies.reading.unknowns import UNKNOWN
from policies.rule import pod_rule

ADDABLE = frozenset({"NET_BIND_SERVICE"})


def _check(pods: Pods) -> Iterator[str]:
    if not leave(pods).runs_as_root:
        yield from _root(pods)
    for container in containers(pods.spec):
        yield from (f"container {container.get('name')} {fault}" for fault in _rights(container))


def _root(pods: Pods) -> Iterator[str]:
    for holder, context in contexts(pods):
        if context.get("runAsNonRoot") is False:
            yield f"{holder} has runAsNonRoot false; set it to true"
    for container in containers(pods.spec):
        yield from (f"container {container.get('name')} {fault}" for fault in _user(pods, container))


def _user(pods: Pods, container: Container) -> Iterator[str]:
    if effective(pods, container, ("runAsNonRoot",)) not in (True, False):
        yield "may run as root; set runAsNonRoot to true"
    for field in ("runAsUser", "runAsGroup"):
        number = effective(pods, container, (field,))
        if number is UNKNOWN or not number:
            found = "is left to the image" if number is None else f"is {number}"
            yield f"may be root: its {field} {found}; set it to a number above 0, such as 10000"


def _rights(container: Container) -> Iterator[str]:
    own = container.get("securityContext")
    if at(own, ("allowPrivilegeEscalation",)) is not False:
        yield "may gain privileges; set allowPrivilegeEscalation to false"
    dropped, added = at(own, ("capabilities", "drop")), at(own, ("capabilities", "add")) or []
    if not isinstance(dropped, list) or "ALL" not in dropped:
        yield "keeps capabilities; set capabilities.drop to [ALL]"
    if added is UNKNOWN or not ADDABLE.issuperset(added):
        yield f"adds capabilities {added}; of these only {', '.join(sorted(ADDABLE))} is allowed"


containers_run_unprivileged = pod_rule(
    "containers-run-unprivileged", "Containers run as an ordinary user, with all capabilities dropped.", _check
)
