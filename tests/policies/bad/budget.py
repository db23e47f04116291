"""Programs that do not fit the node. Only one violation is reported for each sum, so each program is checked alone."""

from infra.sizing.vram import ANNOTATION
from tests.policies.bad.builders import Bad, bad, patched, placed, server, small
from tests.policies.run_pack import thing

MEMORY = "memory-within-budget"
MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"

SUMS: tuple[Bad, ...] = (
    bad(MEMORY, "memory-pod", "memory limit of 200Gi", server("memory-pod", kind="Pod", memory="200Gi")),
    bad(MEMORY, "memory-bytes", "memory limit of 200Gi", server("memory-bytes", memory="214748364800")),
    bad(MEMORY, "memory-power", "over the node's budget", server("memory-power", memory="2.2e11")),
    bad(MEMORY, "memory-milli", "over the node's budget", server("memory-milli", memory="220000000000000m")),
    bad(MEMORY, "memory-replicas", "300 x 1Gi", server("memory-replicas", memory="1Gi", spec={"replicas": 300})),
    bad(
        MEMORY,
        "memory-sidecar",
        "memory limit of 200Gi",
        server("memory-sidecar", pod={"initContainers": [small("200Gi", name="side", restartPolicy="Always")]}),
    ),
    bad(MEMORY, "memory-init", "of 200Gi", server("memory-init", pod={"initContainers": [small("200Gi", name="i")]})),
    bad(
        MEMORY,
        "memory-whole-pod",
        "memory limit of 200Gi",
        server("memory-whole-pod", pod={"resources": {"limits": {"memory": "200Gi", "cpu": "1m"}}}),
        also="requests-within-budget",
    ),
    bad(
        MEMORY,
        "memory-cron",
        "300 x 1Gi",
        server("memory-cron", kind="CronJob", memory="1Gi", spec={"parallelism": 300}),
    ),
    bad(
        MEMORY,
        "memory-scaled",
        "300 x 1Gi",
        server("memory-scaled", memory="1Gi"),
        thing(
            "HorizontalPodAutoscaler",
            {"scaleTargetRef": {"kind": "Deployment", "name": "memory-scaled"}, "maxReplicas": 300},
            name="scaler",
        ),
    ),
    bad(
        MEMORY,
        "memory-keda",
        "100 x 2Gi",
        server("memory-keda", memory="2Gi"),
        thing("ScaledObject", {"scaleTargetRef": {"name": "memory-keda"}}, name="scaler"),
    ),
    bad(
        MEMORY,
        "memory-groups",
        "200 x 1Gi",
        server("memory-groups", kind="LeaderWorkerSet", memory="1Gi", spec={"replicas": 10, "size": 20}),
    ),
    bad(
        MEMORY,
        "memory-rollout",
        "3 x 100Gi",
        server("memory-rollout", kind="Rollout", memory="100Gi", spec={"replicas": 3}),
    ),
    bad(
        MEMORY,
        "memory-volume",
        "count towards the pod's memory limit",
        server(
            "memory-volume",
            pod={"volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Mi"}}]},
        ),
    ),
    bad(
        MEMORY,
        "memory-list",
        "memory limit of 200Gi",
        ("kubernetes:apps/v1:DeploymentList", {"items": [placed(server("memory-list", memory="200Gi"))[1]]}),
    ),
    bad(MEMORY, "memory-patch", "memory limit of 200Gi", patched(server("memory-patch", memory="200Gi"))),
    bad(
        MEMORY,
        "replicas-patch",
        "it changes the number of pods of another resource",
        patched(thing("Deployment", {"replicas": 50}, name="replicas-patch")),
        also="cpu-within-budget requests-within-budget gpu-claimed-once vram-within-gpu",
    ),
    bad("cpu-within-budget", "cpu-pod", "CPU limit of 100", server("cpu-pod", kind="Pod", cpu="100000m")),
    bad(
        "requests-within-budget",
        "requests-only",
        "memory request of 200Gi the requests add up to",
        server("requests-only", resources={"requests": {"memory": "200Gi", "cpu": "1m"}}),
        also="containers-have-limits",
    ),
    bad(
        "requests-within-budget",
        "requests-cpu",
        "CPU request of 100 the requests add up to",
        server("requests-cpu", resources={"requests": {"memory": "1Mi", "cpu": "100"}}),
        also="containers-have-limits",
    ),
    bad("gpu-claimed-once", "gpu-second", "claims 1 nvidia.com/gpu of the 1", server("gpu-second", gpus=1)),
    bad(
        "gpu-claimed-once",
        "gpu-init",
        "claims 1 nvidia.com/gpu of the 1",
        server("gpu-init", kind="Job", pod={"initContainers": [small(gpus=1, name="warm")]}),
    ),
    bad(
        "vram-within-gpu",
        "vram-context",
        "of VRAM fits on no GPU",
        server("vram-context", gpus=1, args=["vllm", "serve", MODEL, "--max-model-len=131072"]),
        also="gpu-claimed-once",
    ),
    bad(
        "vram-within-gpu",
        "sglang-context",
        "of VRAM fits on no GPU",
        server(
            "sglang-context",
            gpus=1,
            annotations={ANNOTATION: "1Gi"},
            command=["python3", "-m", "sglang.launch_server", "--model-path", MODEL],
            args=["--context-length=131072", "--max-running-requests", "2"],
        ),
        also="gpu-claimed-once",
    ),
    bad(
        "vram-within-gpu",
        "sglang-share",
        "of VRAM fits on no GPU",
        server(
            "sglang-share",
            gpus=1,
            image=f"docker.io/lmsysorg/sglang@sha256:{64 * 'a'}",
            args=["--model-path", "acme/unknown", "--mem-fraction-static", "0.97"],
        ),
        also="gpu-claimed-once",
    ),
    bad(
        "gpu-claimed-once",
        "sglang-second",
        "claims 1 nvidia.com/gpu of the 1",
        server(
            "sglang-second",
            gpus=1,
            command=["sglang", "serve", "--model-path", MODEL, "--context-length=64", "--max-total-tokens=64"],
        ),
        also="vram-within-gpu",
    ),
)
