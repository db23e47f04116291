"""Rendering without an engine: every object in the order to apply them, without secrets."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from infra.plan.stack import plan
from stacks.rendering import SEALED, manifests, record, write
from tests.conftest import changed, settings_of


def test_manifests_are_the_same_every_time(forge_objects: list[dict[str, Any]]) -> None:
    from tests.conftest import planned  # noqa: PLC0415

    assert manifests(planned()) == forge_objects


def test_the_namespace_comes_first_and_the_claims_before_their_users(forge_objects: list[dict[str, Any]]) -> None:
    kinds = [item["kind"] for item in forge_objects]
    assert kinds[0] == "Namespace"
    assert max(i for i, kind in enumerate(kinds) if kind == "PersistentVolumeClaim") < kinds.index("Deployment")


def test_files_contain_the_rendered_objects(forge_objects: list[dict[str, Any]], tmp_path: Path) -> None:
    paths = write(forge_objects, tmp_path / "new" / "folder")
    assert [yaml.safe_load(path.read_text()) for path in paths] == forge_objects


def test_a_token_reaches_its_pod_only_through_a_secret() -> None:
    objects = manifests(plan(settings_of(changed("hfToken", {"secure": "v1:abc"}))))
    (secret,) = [item for item in objects if item["kind"] == "Secret"]
    assert secret["metadata"]["name"] == "vllm-inference-hf-token"
    assert secret["stringData"] == {"token": SEALED}
    names = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    vllm = names["Deployment", "vllm-inference"]
    (only,) = vllm["spec"]["template"]["spec"]["containers"]
    (token,) = [entry for entry in only["env"] if entry["name"] == "HF_TOKEN"]
    assert token["valueFrom"] == {"secretKeyRef": {"name": "vllm-inference-hf-token", "key": "token"}}


def test_without_a_token_there_is_no_secret(forge_objects: list[dict[str, Any]]) -> None:
    assert not [item for item in forge_objects if item["kind"] == "Secret"]


SECRETS = changed("hfToken", {"secure": "v1:abc"})
PROGRAM = """
import asyncio, json, sys

async def nothing() -> None: ...

asyncio.run(nothing())  # leaves the thread without an event loop
from infra.plan.stack import plan
from infra.settings.loader import parse
from stacks.rendering import manifests

settings = parse(json.load(sys.stdin), "Pulumi.test.yaml", lambda key: key == "synapse:hfToken")
assert settings.secrets
print(len(manifests(plan(settings))))
"""


def test_secrets_are_rendered_after_an_event_loop_was_closed() -> None:
    """A separate process, so that the loops of other tests do not matter."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(SECRETS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(manifests(plan(settings_of(SECRETS))))


def test_secrets_are_rendered_in_a_thread_without_an_event_loop() -> None:
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(manifests, plan(settings_of(SECRETS))).result()


def test_the_event_loop_of_the_caller_is_not_changed() -> None:
    async def render() -> asyncio.AbstractEventLoop:
        await asyncio.to_thread(manifests, plan(settings_of(SECRETS)))
        return asyncio.get_running_loop()

    with asyncio.Runner() as runner:
        assert runner.run(render()) is runner.get_loop()


def test_options_of_a_resource_are_recorded() -> None:
    def program() -> None:
        pulumi.ComponentResource("test:Kept", "kept", None, pulumi.ResourceOptions(retain_on_delete=True))
        pulumi.ComponentResource("test:Plain", "plain", None, pulumi.ResourceOptions(protect=True))

    recorded = {
        each.name: (each.retain_on_delete, each.protect) for each in record(program)
    }  # they arrive in any order
    assert recorded == {"kept": (True, False), "plain": (False, True)}


def test_errors_of_the_program_are_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        record(lambda: 1 // 0)
