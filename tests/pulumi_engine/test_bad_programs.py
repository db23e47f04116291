"""Bad programs through the real engine: a preview is blocked, each thing in it by the rule that is meant for it."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy import Policy, ResourceValidationPolicy, StackValidationPolicy

from policies.pack import RULES
from tests.policies.bad import EACH, SUMS
from tests.policies.bad.builders import Bad, placed, server
from tests.policies.run_pack import DEFAULT_DENY, NAMESPACE, Resource
from tests.pulumi_engine.conftest import PACK, MakeProject, ok, refused

pytestmark = pytest.mark.engine

REGISTER = "pulumi.CustomResource({token!r}, {name!r}, {props!r}, opts=opts)\n"
ALONE = (
    "memory-sidecar",
    "memory-scaled",
    "memory-groups",
    "memory-rollout",
    "requests-only",
    "gpu-init",
    "vram-context",
)
"""Of each sum, the workload that goes past it is named and no other, so these have a preview each."""

REFUSED_BEFORE = {"release"}
"""What the stand-in for the Kubernetes plugin does not know."""


def program(resources: Sequence[Resource]) -> str:
    """Python that registers *resources* as they are: the classes of the SDK would correct some of them."""
    lines = [
        REGISTER.format(token=token, name=f"{number}-{props['metadata']['name']}", props=_whole(token, props))
        for number, (token, props) in enumerate(resources)
    ]
    return "\n" + "".join(lines)


def _whole(token: str, props: dict[str, Any]) -> dict[str, Any]:
    version = token.split(":")[1].removeprefix("core/")
    return {"apiVersion": version, **props}


def blocked(project: MakeProject, resources: Sequence[Resource]) -> list[tuple[str, str]]:
    """What the preview of a program with *resources* is refused for."""
    return violations(refused(project(program(resources)).capture("preview", *PACK)))


def violations(output: str) -> list[tuple[str, str]]:
    """Rule and message of everything that a preview was refused for."""
    found = re.split(r"^ *- \[mandatory\] +", output, flags=re.MULTILINE)[1:]
    return [(block.split(maxsplit=1)[0], block) for block in found]


def is_blocked(bad: Bad, found: Sequence[tuple[str, str]]) -> bool:
    return any(rule == bad.rule and f"/{bad.name}: " in text and bad.fragment in text for rule, text in found)


@pytest.mark.parametrize("kind", [ResourceValidationPolicy, StackValidationPolicy])
def test_every_bad_program_is_blocked_by_its_rule(project: MakeProject, kind: type[Policy]) -> None:
    names = {rule.name for rule in RULES if isinstance(rule, kind)}
    meant = [bad for bad in EACH if bad.rule in names and bad.name not in REFUSED_BEFORE]
    found = blocked(project, [resource for bad in meant for resource in bad.resources])
    assert len(meant) >= (50 if kind is ResourceValidationPolicy else 10)
    assert [bad.name for bad in meant if not is_blocked(bad, found)] == []


@pytest.mark.parametrize("bad", [bad for bad in SUMS if bad.name in ALONE], ids=lambda bad: bad.name)
def test_every_way_past_a_sum_is_blocked(project: MakeProject, bad: Bad) -> None:
    assert is_blocked(bad, blocked(project, bad.resources))


def test_a_hardened_server_is_let_through(project: MakeProject) -> None:
    ok(project(program([placed(server("good")), *DEFAULT_DENY])).capture("preview", *PACK))


def test_a_person_may_make_exceptions(project: MakeProject, tmp_path: Path) -> None:
    config = tmp_path / "pack.json"
    config.write_text(
        json.dumps(
            {
                "nothing-is-exposed": {"allow": [f"Service/{NAMESPACE}/node-port"]},
                "images-are-pinned": "advisory",
                "harmful-images-are-denied": {"enforcementLevel": "disabled", "denied": {"redis": ["8"]}},
            }
        )
    )
    chosen = [bad for bad in EACH if bad.name in ("node-port", "tag", "litellm-image")]
    resources = [*DEFAULT_DENY, *(resource for bad in chosen for resource in bad.resources)]
    engine = project(program(resources))
    refused(engine.capture("preview", *PACK))
    output = ok(engine.capture("preview", *PACK, "--policy-pack-config", str(config)))
    assert "[advisory]  images-are-pinned" in output
