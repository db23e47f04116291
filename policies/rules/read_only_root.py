"""A container cannot change its own programs: what it may write to is a volume, with a size and a purpose."""

from collections.abc import Iterator

from policies.reading.claims import containers
from policies.reading.pods import Pods, at
from policies.rule import pod_rule


def _check(pods: Pods) -> Iterator[str]:
    for container in containers(pods.spec):
        if at(container.get("securityContext"), ("readOnlyRootFilesystem",)) is not True:
            yield (
                f"container {container.get('name')} can write to its root filesystem; "
                "set readOnlyRootFilesystem to true, and mount an emptyDir where it must write"
            )


root_is_read_only = pod_rule("root-is-read-only", "Containers have a read-only root filesystem.", _check)
