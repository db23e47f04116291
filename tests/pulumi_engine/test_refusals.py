"""More resources beside the forge: refused in a preview by the policy pack, through the real engine."""

from typing import Any

import pytest

from tests.conftest import changed
from tests.policies.run_pack import HARDENED_CONTAINER, HARDENED_POD
from tests.pulumi_engine.conftest import PACK, MakeProject, ok, refused

pytestmark = pytest.mark.engine

POD = """
k8s.core.v1.Pod(
    "hand",
    metadata={{"name": "hand", "namespace": "default"{annotations}}},
    spec={{**{whole}, "containers": [{{**{only}, {more} "resources": {{"limits": {limits}}}}}]}},
    opts=opts,
)
k8s.networking.v1.NetworkPolicy(
    "shut",
    metadata={{"name": "shut", "namespace": "default"}},
    spec={{"pod_selector": {{}}, "policy_types": ["Ingress", "Egress"]}},
    opts=opts,
)
"""
MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"


def pod(limits: str, more: str = "", annotations: str = "") -> str:
    return POD.format(limits=limits, more=more, annotations=annotations, whole=HARDENED_POD, only=HARDENED_CONTAINER)


@pytest.mark.parametrize(
    ("by_hand", "rule", "message"),
    [
        (pod('{"memory": "40Gi", "cpu": "1"}'), "memory-within-budget", "14.51Gi over the node's budget of 156.8Gi"),
        (pod('{"memory": "1Gi", "cpu": "14"}'), "cpu-within-budget", "9.1 over the node's budget of 51.2"),
        (
            pod('{"memory": "1Gi", "cpu": "1", "nvidia.com/gpu": "1"}'),
            "gpu-claimed-once",
            "Pod/hand: claims 1 nvidia.com/gpu of the 1 that the node has; 1 already claimed by Deployment/vllm-inf",
        ),
        (pod('{"cpu": "1"}'), "containers-have-limits", "Pod/hand: container main has no memory limit"),
        (
            pod(
                '{"memory": "1Gi", "cpu": "1", "nvidia.com/gpu": "1"}',
                f'"args": ["vllm", "serve", "{MODEL}", "--max-model-len=131072"],',
            ),
            "vram-within-gpu",
            "Pod/hand: its 35.32Gi of VRAM fits on no GPU (rtx-5090 31.36Gi)",
        ),
    ],
    ids=["memory", "cpu", "gpu", "limit", "vram"],
)
def test_a_preview_under_the_pack_is_refused(project: MakeProject, by_hand: str, rule: str, message: str) -> None:
    output = refused(project(by_hand).capture("preview", *PACK))
    assert f"[mandatory]  {rule}" in output
    assert message in output


def test_a_pod_that_fits_is_allowed(project: MakeProject) -> None:
    output = ok(project(pod('{"memory": "8Gi", "cpu": "0.5"}')).capture("preview", *PACK))
    assert "kubernetes:core/v1:Pod hand create" in output


def test_an_unknown_limit_is_refused_and_another_unknown_value_is_not(project: MakeProject) -> None:
    later = """
    import pulumi_command as command

    later = command.local.Command("later", create="echo 1Gi").stdout
    """
    needed = later + pod('{"memory": later, "cpu": "1"}').replace("\n", "\n    ")
    assert "is not known before the update" in refused(project(needed).capture("preview", *PACK))
    elsewhere = later + pod('{"memory": "1Gi", "cpu": "0.5"}', '"env": [{"name": "X", "value": later}],').replace(
        "\n", "\n    "
    )
    ok(project(elsewhere).capture("preview", *PACK))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("services.vllm.memory.limit", "120Gi", "vllm-inference: with its memory limit of 120Gi"),
        ("services.vllm.sequences", 9, "vllm-inference: its 59.04Gi of VRAM (weights"),
        ("services.vllm-two", {"kind": "vllm"}, "vllm-two: claims 1 nvidia.com/gpu"),
        ("services.vllm.contextTokens", "eight", "Pulumi.forge.yaml: synapse:services.vllm.contextTokens: got 'eight'"),
        ("hfToken", "hf_plain", "synapse:hfToken: in plain text"),
    ],
)
def test_the_program_refuses_at_load_and_makes_nothing(
    project: MakeProject, core: Any, namespace: str, path: str, value: object, message: str
) -> None:
    output = refused(project(settings=changed(path, value)).capture("up", "--yes", "--skip-preview"))
    assert message in output
    assert "Traceback" not in output
    assert namespace not in {each.metadata.name for each in core.list_namespace().items}
