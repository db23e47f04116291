"""Servers without probes, nodes that cannot be drained, data that is deleted with the stack."""

from infra.annotations import KEEP
from tests.policies.bad.builders import (
    Bad,
    bad,
    disruption,
    moved,
    server,
    small,
)
from tests.policies.run_pack import thing

PROBED, CLAIMS = "servers-are-probed", "claims-survive-destroy"

LIFECYCLE: tuple[Bad, ...] = (
    bad(PROBED, "no-readiness", "has no readinessProbe", server("no-readiness", readinessProbe=None)),
    bad(PROBED, "no-liveness", "has no livenessProbe", server("no-liveness", kind="StatefulSet", livenessProbe=None)),
    bad(PROBED, "no-startup", "has no startupProbe", server("no-startup", kind="DaemonSet", startupProbe=None)),
    bad(
        PROBED,
        "no-probe-sidecar",
        "container side has no readinessProbe, livenessProbe, startupProbe",
        server(
            "no-probe-sidecar",
            pod={
                "initContainers": [
                    small(
                        name="side", restartPolicy="Always", readinessProbe=None, livenessProbe=None, startupProbe=None
                    )
                ]
            },
        ),
    ),
    bad(
        "startup-outlasts-loading",
        "slow-loader",
        "loads for up to 1800 s (synapse.dev/load-seconds), and its startup probe gives up after 30 s",
        server("slow-loader", annotations={"synapse.dev/load-seconds": "1800"}),
    ),
    bad(
        "startup-outlasts-loading",
        "unready-loader",
        "gives up after 0 s",
        server("unready-loader", startupProbe=None, annotations={"synapse.dev/load-seconds": "20"}),
        also=PROBED,
    ),
    bad(
        "drains-are-not-blocked",
        "budget-min",
        "minAvailable 1 allows the eviction of none of the 1 pods of Deployment/alone",
        server("alone"),
        disruption("budget-min", "alone", minAvailable=1),
    ),
    bad(
        "drains-are-not-blocked",
        "budget-percent",
        "minAvailable 100% allows the eviction of none of the 3 pods",
        server("three", spec={"replicas": 3}),
        disruption("budget-percent", "three", minAvailable="100%"),
    ),
    bad(
        "drains-are-not-blocked",
        "budget-max",
        "maxUnavailable 0 allows the eviction of none of the 2 pods",
        server("two", kind="StatefulSet", spec={"replicas": 2}),
        disruption("budget-max", "two", maxUnavailable=0),
    ),
    bad(
        CLAIMS,
        "lost-claim",
        "is deleted with its data by `pulumi destroy`",
        thing("PersistentVolumeClaim", {"accessModes": ["ReadWriteOnce"]}, name="lost-claim"),
    ),
    bad(
        CLAIMS,
        "lost-namespace",
        "is deleted with all its PVCs",
        thing("Namespace", name="lost-namespace"),
        moved("lost-namespace", thing("PersistentVolumeClaim", {}, name="kept", annotations={KEEP: "true"})),
    ),
    bad(
        CLAIMS,
        "lost-set",
        "(persistentVolumeClaimRetentionPolicy.whenScaled); set it to Retain",
        server(
            "lost-set",
            kind="StatefulSet",
            spec={"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Delete"}},
        ),
    ),
)
