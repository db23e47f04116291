"""The manifests without an engine: every object, in an order that applies, and no secret in them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from infra.plan.stack import plan
from stacks.rendering import SEALED, manifests, write
from tests.conftest import changed, settings_of


def test_manifests_are_the_same_every_time(forge_objects: list[dict[str, Any]]) -> None:
    from tests.conftest import planned  # noqa: PLC0415

    assert manifests(planned()) == forge_objects


def test_the_namespace_comes_first_and_the_claims_before_their_users(forge_objects: list[dict[str, Any]]) -> None:
    kinds = [found["kind"] for found in forge_objects]
    assert kinds[0] == "Namespace"
    assert max(i for i, kind in enumerate(kinds) if kind == "PersistentVolumeClaim") < kinds.index("Deployment")


def test_files_hold_what_was_rendered(forge_objects: list[dict[str, Any]], tmp_path: Path) -> None:
    paths = write(forge_objects, tmp_path / "new" / "folder")
    assert [yaml.safe_load(path.read_text()) for path in paths] == forge_objects


def test_a_token_reaches_its_pod_through_a_secret_only() -> None:
    objects = manifests(plan(settings_of(changed("hfToken", {"secure": "v1:abc"}))))
    (secret,) = [found for found in objects if found["kind"] == "Secret"]
    assert secret["metadata"]["name"] == "vllm-inference-hf-token"
    assert secret["stringData"] == {"token": SEALED}
    (vllm,) = [f for f in objects if f["kind"] == "Deployment" and f["metadata"]["name"] == "vllm-inference"]
    (only,) = vllm["spec"]["template"]["spec"]["containers"]
    (token,) = [entry for entry in only["env"] if entry["name"] == "HF_TOKEN"]
    assert token["valueFrom"] == {"secretKeyRef": {"name": "vllm-inference-hf-token", "key": "token"}}


def test_without_a_token_there_is_no_secret(forge_objects: list[dict[str, Any]]) -> None:
    assert not [found for found in forge_objects if found["kind"] == "Secret"]


def test_rendering_needs_no_event_loop_of_its_thread() -> None:
    """As after somebody else's has ended in it; a process of its own keeps the loops of other tests out of this one."""
    program = (
        "import asyncio; asyncio.set_event_loop(None)\n"
        "from stacks.rendering import manifests\n"
        "from infra.plan.stack import plan\n"
        "from infra.settings.loader import load\n"
        "assert manifests(plan(load('forge')))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
