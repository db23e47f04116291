"""A pod has a token for the Kubernetes API only if it asks for an account by name: the default one is for nobody."""

from collections.abc import Iterator

from policies.reading.claims import containers
from policies.reading.pods import Pods
from policies.reading.unknowns import UNKNOWN
from policies.rule import pod_rule


def _check(pods: Pods) -> Iterator[str]:
    account = pods.spec.get("serviceAccountName") or pods.spec.get("serviceAccount") or "default"
    has_its_own = account is UNKNOWN or account != "default"
    if containers(pods.spec) and not has_its_own and pods.spec.get("automountServiceAccountToken") is not False:
        yield (
            "mounts a token for the Kubernetes API that it did not ask for; "
            "set automountServiceAccountToken to false, or name its own serviceAccountName"
        )


tokens_are_asked_for = pod_rule("tokens-are-asked-for", "No pod mounts the default account's token.", _check)
