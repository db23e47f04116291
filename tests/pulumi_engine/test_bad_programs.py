"""Bad programs through the real engine: a preview fails, each resource by its own rule."""

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
"""Workloads that exceed a sum; each needs its own preview, where the rule names it."""

UNSUPPORTED = {"release"}
"""Types that the stand-in for the Kubernetes plugin does not support."""


def program(resources: Sequence[Resource]) -> str:
    """Return a program that registers *resources* unchanged; the SDK's classes would correct some of them."""
    lines = [
        REGISTER.format(token=token, name=f"{number}-{props['metadata']['name']}", props=_whole(token, props))
        for number, (token, props) in enumerate(resources)
    ]
    return "\n" + "".join(lines)


def _whole(token: str, props: dict[str, Any]) -> dict[str, Any]:
    version = token.split(":")[1].removeprefix("core/")
    return {"apiVersion": version, **props}


def blocked(project: MakeProject, resources: Sequence[Resource]) -> list[tuple[str, str]]:
    """Return the violations in a preview of *resources*."""
    return violations(refused(project(program(resources)).capture("preview", *PACK)))


def violations(output: str) -> list[tuple[str, str]]:
    """Return rule and message of every violation in an output."""
    blocks = re.split(r"^ *- \[mandatory\] +", output, flags=re.MULTILINE)[1:]
    return [(block.split(maxsplit=1)[0], block) for block in blocks]


def is_blocked(bad: Bad, reported: Sequence[tuple[str, str]]) -> bool:
    return any(rule == bad.rule and f"/{bad.name}: " in text and bad.fragment in text for rule, text in reported)


@pytest.mark.parametrize("kind", [ResourceValidationPolicy, StackValidationPolicy])
def test_every_bad_program_is_blocked_by_its_rule(project: MakeProject, kind: type[Policy]) -> None:
    names = {rule.name for rule in RULES if isinstance(rule, kind)}
    tested = [bad for bad in EACH if bad.rule in names and bad.name not in UNSUPPORTED]
    reported = blocked(project, [resource for bad in tested for resource in bad.resources])
    assert len(tested) >= (50 if kind is ResourceValidationPolicy else 10)
    assert [bad.name for bad in tested if not is_blocked(bad, reported)] == []


@pytest.mark.parametrize("bad", [bad for bad in SUMS if bad.name in ALONE], ids=lambda bad: bad.name)
def test_every_exceeded_sum_is_blocked(project: MakeProject, bad: Bad) -> None:
    assert is_blocked(bad, blocked(project, bad.resources))


def test_a_hardened_server_is_allowed(project: MakeProject) -> None:
    ok(project(program([placed(server("good")), *DEFAULT_DENY])).capture("preview", *PACK))


def test_exceptions_can_be_configured(project: MakeProject, tmp_path: Path) -> None:
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
