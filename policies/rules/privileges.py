"""Rules for privileges: an ordinary user without capabilities, a read-only root filesystem, no unneeded API token."""

from collections.abc import Iterator

from policies.reading.claims import Container, containers
from policies.reading.gpu_exemptions import exemption
from policies.reading.pods import Pods, at
from policies.reading.security_context import contexts, effective
from policies.reading.unknowns import UNKNOWN
from policies.rule import pod_rule

ADDABLE = frozenset({"NET_BIND_SERVICE"})


def _unprivileged(pods: Pods) -> Iterator[str]:
    if not exemption(pods).runs_as_root:
        yield from _root(pods)
    for container in containers(pods.spec):
        yield from (f"container {container.get('name')} {violation}" for violation in _rights(container))


def _root(pods: Pods) -> Iterator[str]:
    for holder, context in contexts(pods):
        if context.get("runAsNonRoot") is False:
            yield f"{holder} has runAsNonRoot false; set it to true"
    for container in containers(pods.spec):
        yield from (f"container {container.get('name')} {violation}" for violation in _user(pods, container))


def _user(pods: Pods, container: Container) -> Iterator[str]:
    if effective(pods, container, ("runAsNonRoot",)) not in (True, False):
        yield "may run as root; set runAsNonRoot to true"
    for field in ("runAsUser", "runAsGroup"):
        number = effective(pods, container, (field,))
        if number is UNKNOWN or not number:
            state = "is left to the image" if number is None else f"is {number}"
            yield f"may be root: its {field} {state}; set it to a number above 0, such as 10000"


def _rights(container: Container) -> Iterator[str]:
    own = container.get("securityContext")
    if at(own, ("allowPrivilegeEscalation",)) is not False:
        yield "may gain privileges; set allowPrivilegeEscalation to false"
    dropped, added = at(own, ("capabilities", "drop")), at(own, ("capabilities", "add")) or []
    if not isinstance(dropped, list) or "ALL" not in dropped:
        yield "keeps capabilities; set capabilities.drop to [ALL]"
    if added is UNKNOWN or not ADDABLE.issuperset(added):
        yield f"adds capabilities {added}; accepted: {', '.join(sorted(ADDABLE))}"


def _read_only_root(pods: Pods) -> Iterator[str]:
    for container in containers(pods.spec):
        if at(container.get("securityContext"), ("readOnlyRootFilesystem",)) is not True:
            yield (
                f"container {container.get('name')} can write to its root filesystem; "
                "set readOnlyRootFilesystem to true, and mount an emptyDir where it must write"
            )


def _tokens(pods: Pods) -> Iterator[str]:
    account = pods.spec.get("serviceAccountName") or pods.spec.get("serviceAccount") or "default"
    has_its_own = account is UNKNOWN or account != "default"
    if containers(pods.spec) and not has_its_own and pods.spec.get("automountServiceAccountToken") is not False:
        yield (
            "mounts a token of the default account for the Kubernetes API; "
            "set automountServiceAccountToken to false, or name its own serviceAccountName"
        )


containers_run_unprivileged = pod_rule(
    "containers-run-unprivileged",
    "Containers run as an ordinary user, with all capabilities dropped.",
    _unprivileged,
    reason="An attacker who takes over a container has no privileges to attack the node with.",
)
root_is_read_only = pod_rule(
    "root-is-read-only",
    "Containers have a read-only root filesystem.",
    _read_only_root,
    reason="A container cannot change its own programs: it writes to volumes, which have a size and a purpose.",
)
tokens_are_asked_for = pod_rule(
    "tokens-are-asked-for",
    "No pod mounts the default account's token.",
    _tokens,
    reason="Only a pod that names an account needs a token for the Kubernetes API.",
)
