"""Pods without limits, invisible pods, and GPUs that are used without a claim or released too late."""

from tests.policies.bad.builders import Bad, bad, context, server, small, variable
from tests.policies.run_pack import thing

GPU_HIDDEN, HOST = "no-hidden-gpu", "pods-keep-off-the-host"

GPUS: tuple[Bad, ...] = (
    bad("containers-have-limits", "no-memory", "has no memory limit", server("no-memory", memory=None)),
    bad("containers-have-limits", "no-cpu", "has no cpu limit", server("no-cpu", kind="StatefulSet", cpu=None)),
    bad(
        "containers-have-limits",
        "no-limit-init",
        "container once has no memory limit",
        server("no-limit-init", pod={"initContainers": [small(None, name="once")]}),
    ),
    bad("pods-are-visible", "release", "inside the cluster", thing("Release", {}, name="release")),
    bad("pods-are-visible", "helm-chart", "inside the cluster", thing("HelmChart", {}, name="helm-chart")),
    bad(
        GPU_HIDDEN, "gpu-runtime", "runtimeClassName nvidia", server("gpu-runtime", pod={"runtimeClassName": "nvidia"})
    ),
    bad(
        GPU_HIDDEN,
        "gpu-variable",
        "NVIDIA_VISIBLE_DEVICES to 'all'",
        server("gpu-variable", kind="DaemonSet", **variable("NVIDIA_VISIBLE_DEVICES", "all")),
    ),
    bad(
        GPU_HIDDEN,
        "gpu-index",
        "NVIDIA_VISIBLE_DEVICES to '0'",
        server("gpu-index", **variable("NVIDIA_VISIBLE_DEVICES", "0")),
    ),
    bad(
        GPU_HIDDEN,
        "gpu-elsewhere",
        "NVIDIA_VISIBLE_DEVICES to 'a value from a reference'",
        server(
            "gpu-elsewhere",
            env=[{"name": "NVIDIA_VISIBLE_DEVICES", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}],
        ),
    ),
    bad(
        GPU_HIDDEN,
        "gpu-more",
        "NVIDIA_VISIBLE_DEVICES to 'all'",
        server("gpu-more", gpus=1, **variable("NVIDIA_VISIBLE_DEVICES", "all")),
        also="gpu-claimed-once",
    ),
    bad(
        GPU_HIDDEN,
        "gpu-device",
        "the hostPath /dev/nvidia0",
        server("gpu-device", pod={"volumes": [{"name": "gpu", "hostPath": {"path": "/dev/nvidia0"}}]}),
        also=HOST,
    ),
    bad(
        GPU_HIDDEN,
        "gpu-slice",
        "claims nvidia.com/mig-1g.5gb",
        server("gpu-slice", resources={"limits": {"memory": "1Mi", "cpu": "1m", "nvidia.com/mig-1g.5gb": "1"}}),
    ),
    bad(
        GPU_HIDDEN,
        "gpu-privileged",
        "is privileged, and so sees every GPU",
        server("gpu-privileged", securityContext=context(privileged=True)),
        also=HOST,
    ),
    bad(
        GPU_HIDDEN,
        "gpu-claim",
        "resourceClaims gives access to the GPU",
        server("gpu-claim", pod={"resourceClaims": [{"name": "gpu", "resourceClaimName": "card"}]}),
    ),
    bad(
        GPU_HIDDEN,
        "gpu-annotated",
        "annotation cdi.k8s.io/gpu",
        server("gpu-annotated", annotations={"cdi.k8s.io/gpu": "nvidia.com/gpu=all"}),
    ),
    bad(
        "gpu-is-released-first",
        "gpu-rolls",
        "its strategy is RollingUpdate",
        server("gpu-rolls", gpus=1, spec={"strategy": {"type": "RollingUpdate"}}),
        also="gpu-claimed-once",
    ),
    bad(
        "gpu-is-released-first",
        "gpu-default",
        "left out, so RollingUpdate",
        server("gpu-default", gpus=1, spec={"strategy": {}}),
        also="gpu-claimed-once",
    ),
    bad(
        "gpu-is-released-first",
        "gpu-surges",
        "lets a second pod start beside it",
        server(
            "gpu-surges",
            kind="DaemonSet",
            gpus=1,
            spec={"updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}},
        ),
        also="gpu-claimed-once",
    ),
)
