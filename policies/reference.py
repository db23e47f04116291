"""docs/policies.md, rendered from the rules: description, reason and configuration of each."""

import sys
from collections.abc import Mapping
from typing import Any

from infra.annotations import KEEP, LOAD_SECONDS, TIER, TIMEOUT_SECONDS
from infra.sizing.vram import ANNOTATION as VRAM
from policies.pack import RULES
from policies.reading.gpu_exemptions import EXEMPTIONS
from policies.rule import schema_of

HEAD = """# Policies

Rules of `pulumi preview --policy-pack policies`. They read the resources, not the settings, so they also check
pods that were written by hand: in every kind that makes pods, in init containers and sidecars, in lists, in patches, in
custom resources with a pod template, and with the maximum number of an autoscaler.

All rules are mandatory. A value that is unknown before the update is a violation where a rule needs it, and is ignored
otherwise; `up` checks it when it is known.

This file is rendered from the code: `uv run python -m policies.reference > docs/policies.md`.
"""
CONFIGURATION = """## Configuration

`pulumi preview --policy-pack policies --policy-pack-config FILE`, with one entry for each rule to change:

```json
{
  "servers-are-probed": "advisory",
  "nothing-is-exposed": { "allow": ["Service/kube-system/traefik"] },
  "harmful-images-are-denied": { "enforcementLevel": "mandatory", "denied": { "redis": ["8.0.0"] } },
  "memory-within-budget": { "node": { "name": "forge", "memory": "196Gi", "cpus": 64, "budgetPercent": 70 } }
}
```

`enforcementLevel` is `mandatory`, `advisory` or `disabled`; `all` in place of a rule's name sets it for every rule.
"""
EXEMPTION = """## GPU infrastructure

Exemptions for pods that provide or measure GPUs. Each of their containers must run the program of the image, pinned by
digest. All other rules apply to them too (`policies/reading/gpu_exemptions.py`).

| Image | Namespace | May | Reason |
| --- | --- | --- | --- |
"""
ANNOTATIONS = f"""## Annotations

Values that the rules read from objects.

| Annotation | On | Meaning |
| --- | --- | --- |
| `{VRAM}` | a pod | GPU memory that its engine uses on each GPU, as a quantity |
| `{LOAD_SECONDS}` | a pod | maximum load time of its server |
| `{KEEP}` | a PVC or a namespace | `"true"`: it outlives `pulumi destroy` (packs do not receive `retainOnDelete`) |
| `{TIMEOUT_SECONDS}` | an object of a request's path | timeout towards the tiers behind it |
| `{TIER}` | beside a timeout | `ingress`, `gateway` or `backend` |
"""


def render() -> str:
    """Return the whole document."""
    rules = "\n".join(f"| `{rule.name}` | {rule.description} | {rule.reason} |" for rule in RULES)
    table = f"## Rules\n\n| Rule | Requirement | Reason |\n| --- | --- | --- |\n{rules}\n"
    return f"{HEAD}\n{table}\n{CONFIGURATION}\n{_keys()}\n{_exemptions()}\n{ANNOTATIONS}"


def _exemptions() -> str:
    rows = (
        f"| `{each.repository}` | {each.namespace or 'any'} | {each.permissions} | {each.because} |\n"
        for each in EXEMPTIONS
    )
    return EXEMPTION + "".join(rows)


def _keys() -> str:
    rules: dict[str, list[str]] = {}
    schemas: dict[str, Mapping[str, Any]] = {}
    for rule in RULES:
        for key, schema in schema_of(rule).items():
            rules.setdefault(key, []).append(f"`{rule.name}`")
            schemas[key] = schema
    rows = "\n".join(
        f"| `{key}` | {'every other rule' if key == 'allow' else ', '.join(names)} | {schemas[key]['description']} |"
        for key, names in rules.items()
    )
    return f"| Key | Rules | Meaning |\n| --- | --- | --- |\n{rows}\n"


if __name__ == "__main__":
    sys.stdout.write(render())
