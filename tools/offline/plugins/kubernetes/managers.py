"""Field managers of server-side apply: their names, and fields that are taken over from clients without it."""

import secrets
from typing import Any, Final

from tools.offline.plugins.kubernetes.objects import annotation, at
from tools.offline.plugins.values import Object, revealed

FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
MANAGER_KEY: Final = "__fieldManager"
CREATED_BY: Final = "pulumi-kubernetes"
"""Manager of an object that was created without `upsertExistingObjects`, until its first update."""
CLIENT_SIDE: Final = (CREATED_BY, "pulumi-kubernetes.exe", "pulumi-resource-kubernetes")
TAKEN_OVER: Final = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    *((name, "Update") for name in CLIENT_SIDE),
)
"""Prefixes of the managers, and their operations, whose fields an update takes over."""
Entry = dict[str, Any]


def field_manager(inputs: Object, olds: Object) -> str:
    """Return the manager that the annotation names, else the state's, else a new one."""
    return annotation(inputs, FIELD_MANAGER) or str(
        revealed(olds).get(MANAGER_KEY) or f"pulumi-kubernetes-{secrets.token_hex(4)}"
    )


def taken_over(live: Object, manager: str) -> list[Entry] | None:
    """Return the object's managed fields with those of `TAKEN_OVER` as the manager's; None where there are none."""
    entries: list[Entry] = at(live, "metadata", "managedFields", default=[])
    others = [entry for entry in entries if _is_taken_over(entry)]
    if not others:
        return None
    own = [entry for entry in entries if (entry["manager"], entry["operation"]) == (manager, "Apply")]
    merged = (own or others)[0]
    fields: Any = {}
    for entry in (*own, *others):
        fields = _union(fields, entry.get("fieldsV1", {}))
    kept = [entry for entry in entries if entry not in own and entry not in others]
    return [*kept, {**merged, "manager": manager, "operation": "Apply", "fieldsV1": fields}]


def is_client_side(live: Object) -> bool:
    """Return whether a field still belongs to a creation without server-side apply."""
    entries = at(live, "metadata", "managedFields", default=[])
    return any(each["operation"] == "Update" and each["manager"] in CLIENT_SIDE for each in entries)


def _is_taken_over(entry: Entry) -> bool:
    return not entry.get("subresource") and any(
        entry["manager"].startswith(name) and entry["operation"] == operation for name, operation in TAKEN_OVER
    )


def _union(one: Entry, other: Entry) -> Entry:
    return {key: _union(one.get(key, {}), other.get(key, {})) for key in (*one, *other)}
