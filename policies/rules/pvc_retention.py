"""What took days to download or exists nowhere else outlives `pulumi destroy`.

The engine does not tell a pack about `retainOnDelete`, so a claim, and the namespace that holds it, says so itself:
annotation `synapse.dev/keep: "true"` beside the option. `protect` is seen, and needs no annotation.
"""

from collections.abc import Iterator, Sequence

from infra.annotations import KEEP
from policies.reading.objects import Object
from policies.reading.pods import at
from policies.rule import Config, Fault, objects_rule

RETENTION = ("spec", "persistentVolumeClaimRetentionPolicy")
REMEDY = f'set retain_on_delete and annotation {KEEP}: "true", or protect'


def _check(found: Sequence[Object], _: Config) -> Iterator[Fault]:
    holding = {item.namespace for item in found if _claims(item)}
    for item in (item for item in found if not item.is_patch):
        if item.kind == "PersistentVolumeClaim" and not _is_kept(item):
            yield Fault(object=item, message=f"would be deleted by `pulumi destroy`, and its data with it; {REMEDY}")
        if item.kind == "Namespace" and item.bare_name in holding and not _is_kept(item):
            yield Fault(object=item, message=f"would be deleted by `pulumi destroy`, and every claim in it; {REMEDY}")
    for item in found:
        for when in ("whenDeleted", "whenScaled"):
            if item.kind == "StatefulSet" and at(item.manifest, (*RETENTION, when)) not in (None, "Retain"):
                yield Fault(object=item, message=f"deletes its claims: {RETENTION[-1]}.{when}; set it to Retain")


def _claims(item: Object) -> bool:
    return item.kind == "PersistentVolumeClaim" or bool(item.spec.get("volumeClaimTemplates"))


def _is_kept(item: Object) -> bool:
    return item.protected or item.annotations.get(KEEP) == "true"


claims_survive_destroy = objects_rule(
    "claims-survive-destroy", "No claim, nor the namespace around it, goes with the stack.", _check
)
