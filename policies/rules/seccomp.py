"""Rule for seccomp, AppArmor and SELinux: containers run under the profiles of the runtime."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.reading.claims import containers
from policies.reading.pods import Pods, at
from policies.reading.security_context import contexts, effective
from policies.rule import pod_rule

PROFILES = ("RuntimeDefault", "Localhost")
SELINUX_TYPES = (None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
APPARMOR_PROFILES = ("runtime/default", "localhost/")
SECCOMP = ("seccompProfile", "type")


def _check(pods: Pods) -> Iterator[str]:
    for container in containers(pods.spec):
        profile = effective(pods, container, SECCOMP)
        if profile not in PROFILES:
            yield f"container {container.get('name')} has seccomp profile {profile}; set it to RuntimeDefault"
    for holder, context in contexts(pods):
        yield from (f"{holder} {violation}" for violation in _context(context))
    for key, value in pods.annotations.items():
        if key.startswith(APPARMOR) and not str(value).startswith(APPARMOR_PROFILES):
            yield f"annotation {key} is {value}; set it to {APPARMOR_PROFILES[0]}"


def _context(context: Mapping[str, Any]) -> Iterator[str]:
    if (profile := at(context, ("appArmorProfile", "type"))) not in (None, *PROFILES):
        yield f"has AppArmor profile {profile}; set it to RuntimeDefault"
    if (kind := at(context, ("seLinuxOptions", "type"))) not in SELINUX_TYPES:
        yield f"has SELinux type {kind}; remove it"
    for field in ("user", "role"):
        if value := at(context, ("seLinuxOptions", field)):
            yield f"has SELinux {field} {value}; remove it"


containers_stay_confined = pod_rule(
    "containers-stay-confined",
    "Containers run under the runtime's seccomp, AppArmor and SELinux profiles.",
    _check,
    reason="These profiles limit what an attacker who takes over a container can ask of the kernel.",
)
