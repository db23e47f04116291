"""Rule for PVC retention: PVCs, and the namespaces that contain them, outlive `pulumi destroy`.

The engine does not pass `retainOnDelete` to a policy pack, so a PVC or namespace needs the annotation
`synapse.dev/keep: "true"` beside the option. `protect` is passed, and needs no annotation.
"""

from collections.abc import Iterator, Sequence

from infra.annotations import KEEP
from policies.reading.objects import Object
from policies.reading.pods import at
from policies.rule import Config, ObjectViolation, stack_rule

RETENTION = ("spec", "persistentVolumeClaimRetentionPolicy")
REMEDY = f'set retain_on_delete and annotation {KEEP}: "true", or protect'


def _check(stack: Sequence[Object], _: Config) -> Iterator[ObjectViolation]:
    namespaces = {item.namespace for item in stack if _claims(item)}
    for item in (item for item in stack if not item.is_patch):
        if item.kind == "PersistentVolumeClaim" and not _is_kept(item):
            yield ObjectViolation(object=item, message=f"is deleted with its data by `pulumi destroy`; {REMEDY}")
        if item.kind == "Namespace" and item.bare_name in namespaces and not _is_kept(item):
            yield ObjectViolation(object=item, message=f"is deleted with all its PVCs by `pulumi destroy`; {REMEDY}")
    for item in stack:
        for when in ("whenDeleted", "whenScaled"):
            if item.kind == "StatefulSet" and at(item.manifest, (*RETENTION, when)) not in (None, "Retain"):
                yield ObjectViolation(
                    object=item, message=f"deletes its PVCs ({RETENTION[-1]}.{when}); set it to Retain"
                )


def _claims(item: Object) -> bool:
    return item.kind == "PersistentVolumeClaim" or bool(item.spec.get("volumeClaimTemplates"))


def _is_kept(item: Object) -> bool:
    return item.protected or item.annotations.get(KEEP) == "true"


claims_survive_destroy = stack_rule(
    "claims-survive-destroy",
    "No PersistentVolumeClaim, and no namespace with one, is deleted with the stack.",
    _check,
    reason="Volumes hold models that took days to download, and data that exists nowhere else.",
)
