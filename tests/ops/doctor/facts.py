"""Facts of a healthy node, as the API server gives them, with single values changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from kubernetes.client import V1Node, V1NodeCondition, V1NodeSpec, V1NodeStatus, V1NodeSystemInfo, V1ObjectMeta

from infra.plan.stack import Plan, plan
from infra.quantities import GI
from ops.check_results import CheckResult
from ops.doctor.certificate import TLS, TlsSecret
from ops.doctor.checks import CHECKS
from ops.doctor.facts import GPU, NodeFacts
from ops.doctor.probe import GpuReading
from ops.doctor.registry import registries
from tests.conftest import Config, forge_config, settings_of

VERSION = "v1.34.2+k3s1"
LABELS = {
    "nvidia.com/cuda.driver-version.major": "580",
    "nvidia.com/gpu.family": "blackwell",
    "nvidia.com/gpu.memory": "32607",
    "nvidia.com/gpu.replicas": "1",
}
"""Labels of GPU feature discovery for an RTX 5090."""
CAPACITY = {"cpu": "64", "memory": f"{200 * GI}", "ephemeral-storage": f"{900 * GI}", GPU: "1"}
HOST = "llm.arunlabs.com"
NO_SUCH_IMAGE = (
    'ErrImagePull failed to pull and unpack image "ghcr.io/synapse-doctor/no-such-image:none": failed to resolve '
    "reference: ghcr.io/synapse-doctor/no-such-image:none: not found"
)
"""The kubelet's message where the registry answers."""
READING = GpuReading(name="NVIDIA GeForce RTX 5090", driver="580.95.05", memory=32 * GI, free=31 * GI, compute="12.0")


def node(
    *, version: str = VERSION, labels: dict[str, str] | None = None, capacity: dict[str, str] | None = None, **more: Any
) -> V1Node:
    conditions = {"Ready": "True"} | more.pop("conditions", {})
    info = V1NodeSystemInfo(
        **dict.fromkeys(
            (
                "architecture",
                "boot_id",
                "container_runtime_version",
                "kernel_version",
                "kube_proxy_version",
                "machine_id",
                "operating_system",
                "os_image",
                "system_uuid",
            ),
            "",
        ),
        kubelet_version=version,
    )
    status = V1NodeStatus(
        allocatable=CAPACITY if capacity is None else capacity,
        capacity=CAPACITY if capacity is None else capacity,
        conditions=[
            V1NodeCondition(type=kind, status=value, message="as reported") for kind, value in conditions.items()
        ],
        node_info=info,
    )
    metadata = V1ObjectMeta(name="forge", labels=LABELS if labels is None else labels)
    return V1Node(metadata=metadata, spec=V1NodeSpec(**more), status=status)


def tls_secret(*hosts: str, days: int = 90, kind: str = TLS) -> TlsSecret:
    """Return a Secret with a certificate for *hosts* that ends in *days*."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    end = datetime.now(UTC) + timedelta(days=days)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(end - timedelta(days=365)).not_valid_after(end)
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return TlsSecret(
        kind=kind,
        certificate=certificate.public_bytes(Encoding.PEM),
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def facts(**changes: Any) -> NodeFacts:
    """Return the facts of a healthy node, with some changed."""
    healthy = NodeFacts(
        node=node(),
        nodes=("forge",),
        runtime_classes={"nvidia": "nvidia"},
        storage_classes={"local-path": "rancher.io/local-path"},
        ingress_classes=("traefik",),
        dns_pods=(True,),
        traefik=None,
        gpu_holders={},
        gpus=(READING,),
        tls=tls_secret(HOST, "*.other.example"),
        provisioners={"local-path-provisioner-6c-x": True},
        disk_free=800 * GI,
        registries=dict.fromkeys(registries(planned()), NO_SUCH_IMAGE),
    )
    return replace(healthy, **changes)


def planned(**changes: Any) -> Plan:
    """Return the plan of the forge, with top-level keys of its stack file changed."""
    config: Config = forge_config()
    for key, value in changes.items():
        section = config.get(f"synapse:{key}", {})
        config[f"synapse:{key}"] = section | value if isinstance(value, dict) else value
    return plan(settings_of(config))


def results(facts: NodeFacts, plan: Plan | None = None) -> list[CheckResult]:
    return [result for check in CHECKS for result in check.results(facts, plan or planned())]


def faults(node_facts: NodeFacts, **changes: Any) -> list[tuple[str, str, str, str]]:
    return [
        (each.name, each.state, each.says, each.do)
        for each in results(node_facts, planned(**changes))
        if each.state != "ok"
    ]
