"""docs/policies.md, rendered from the rules themselves: what each refuses, why, and what it takes to configure it."""

import sys
from collections.abc import Mapping
from typing import Any

from pulumi_policy import Policy

from infra.annotations import KEEP, LOAD_SECONDS, TIER, TIMEOUT_SECONDS
from infra.sizing.vram import ANNOTATION as VRAM
from policies.pack import RULES
from policies.reading.infrastructure import LEAVES
from policies.rule import schema_of

HEAD = """# Policies

The rules that `pulumi preview --policy-pack policies` holds a stack to. They read the resources, not the settings, so
that a pod that was written by hand is caught too: in every kind that makes pods, in init containers and sidecars, in
lists, in patches, in custom resources that hold a pod template, and as many as an autoscaler may make of it.

All are mandatory. A value that is not known before the update is refused where a rule needs it, and is otherwise left
alone; `up` judges it once it is known.

This file is rendered from the code: `uv run python -m policies.reference > docs/policies.md`.
"""
CONFIGURATION = """## Configuration

`pulumi preview --policy-pack policies --policy-pack-config FILE`, with one entry for each rule to be changed:

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
LEAVE = """## What serves the GPU

Pods that may do what no other pod may, if each of their containers runs the image's own program, pinned by digest. All
the other rules hold for them too (`policies/reading/infrastructure.py`).

| Image | In namespace | May | Because |
| --- | --- | --- | --- |
"""
ANNOTATIONS = f"""## Annotations

What an object says of itself for the rules to hold it to.

| Annotation | On | Says |
| --- | --- | --- |
| `{VRAM}` | a pod | GPU memory that its engine takes on each GPU, as a quantity |
| `{LOAD_SECONDS}` | a pod | how long its server may take to load |
| `{KEEP}` | a claim or a namespace | `"true"`: it outlives `pulumi destroy`; no pack sees `retainOnDelete` |
| `{TIMEOUT_SECONDS}` | what a request goes through | how long it waits for what lies behind it |
| `{TIER}` | beside a timeout | `ingress`, `gateway` or `backend` |
"""


def render() -> str:
    """The whole document."""
    rules = "\n".join(f"| `{rule.name}` | {rule.description} | {_reason(rule)} |" for rule in RULES)
    table = f"## Rules\n\n| Rule | Holds | Because |\n| --- | --- | --- |\n{rules}\n"
    return f"{HEAD}\n{table}\n{CONFIGURATION}\n{_keys()}\n{_leave()}\n{ANNOTATIONS}"


def _reason(rule: Policy) -> str:
    """The first line of the file that the rule is in."""
    (home,) = [
        module
        for name, module in sys.modules.items()
        if name.startswith("policies.") and name != "policies.pack" and rule in vars(module).values()
    ]
    return (home.__doc__ or "").splitlines()[0]


def _leave() -> str:
    rows = (f"| `{each.repository}` | {each.namespace or 'any'} | {each.words} | {each.because} |\n" for each in LEAVES)
    return LEAVE + "".join(rows)


def _keys() -> str:
    takers: dict[str, list[str]] = {}
    meanings: dict[str, Mapping[str, Any]] = {}
    for rule in RULES:
        for key, meaning in schema_of(rule).items():
            takers.setdefault(key, []).append(f"`{rule.name}`")
            meanings[key] = meaning
    rows = "\n".join(
        f"| `{key}` | {'every other rule' if key == 'allow' else ', '.join(names)} | {meanings[key]['description']} |"
        for key, names in takers.items()
    )
    return f"| Key | Of | Meaning |\n| --- | --- | --- |\n{rows}\n"


if __name__ == "__main__":
    sys.stdout.write(render())
