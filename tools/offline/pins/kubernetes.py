"""Pinned Kubernetes programs, etcd, and kwok, which simulates a node."""

from typing import Final

from tools.offline.pins.pin import GO_ARCH, MODULES, GoPackage, Pin, Release

KUBERNETES: Final = "1.34.2"
ETCD: Final = "3.6.4"
KWOK: Final = "0.8.0"
CONTROL_PLANE: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE: Final = ("kubelet", "kube-proxy")
_SERVER: Final = "kubernetes/server/bin"
_VERSION: Final = "k8s.io/component-base/version"


def _kubernetes(name: str, minutes: int) -> Pin:
    major, minor, _ = KUBERNETES.split(".")
    return Pin(
        name=name,
        version=KUBERNETES,
        at_least=(int(major), int(minor)),
        below=(int(major), int(minor) + 1),
        release=Release(
            url=f"https://dl.k8s.io/v{KUBERNETES}/kubernetes-server-linux-{{arch}}.tar.gz",
            program=f"{_SERVER}/{name}",
            only=tuple(f"{_SERVER}/{part}" for part in CONTROL_PLANE + NODE),
            arch=GO_ARCH,
            checksum={  # from Kubernetes' own CHANGELOG-1.34.md
                "x86_64": "016b09cb70b4335201095b96cd564059eece9ece9e945e045b4558afa9dbd998"
                "40cd7a48ed6c06a888276c939c8dc30afc8a7435689c9efd295a9f9de1f477c3",
                "aarch64": "b5a74b68e3e88f420ff6bae262f0611a80360672a05170b71613babb4fd072f3"
                "6b2f067347feb16f0a9c1b20bca01fc8c07d83e3a55ecd133615c9fa6e5066ca",
            },
        ),
        source=GoPackage(
            module=MODULES / "kubernetes",
            package=f"k8s.io/kubernetes/cmd/{name}",
            variables={
                f"{_VERSION}.gitVersion": f"v{KUBERNETES}",
                f"{_VERSION}.gitMajor": major,
                f"{_VERSION}.gitMinor": minor,
            },
            minutes=minutes,
        ),
    )


_ETCD: Final = Pin(
    name="etcd",
    version=ETCD,
    at_least=(3, 4),
    below=(4,),
    release=Release(
        url=f"https://github.com/etcd-io/etcd/releases/download/v{ETCD}/etcd-v{ETCD}-linux-{{arch}}.tar.gz",
        program=f"etcd-v{ETCD}-linux-{{arch}}/etcd",
        only=(f"etcd-v{ETCD}-linux-{{arch}}/etcd",),
        arch=GO_ARCH,
        checksum={
            "x86_64": "4d5f3101daa534e45ccaf3eec8d21c19b7222db377bcfd5e5a9144155238c105",
            "aarch64": "323421fa279f4f3d7da4c7f2dfa17d9e49529cb2b4cdf40899a7416bccdde42d",
        },
    ),
    source=GoPackage(module=MODULES / "kubernetes", package="go.etcd.io/etcd/server/v3", minutes=1),
)

_KWOK: Final = Pin(
    name="kwok",
    version=KWOK,
    at_least=(0, 8),  # the first with stages that make volumes: `apply` in twin/stages.yaml
    below=(1,),
    release=Release(
        url=f"https://github.com/kubernetes-sigs/kwok/releases/download/v{KWOK}/kwok-linux-{{arch}}",
        arch=GO_ARCH,
        checksum={
            "x86_64": "f5a4385a2ae1b9dd7f8acae18e002a75c0ebba124ae9d7259aa8dadb50711f46",
            "aarch64": "628f7d277860f524a2a775c217adcc58828e7b59ab0933680315784f1b8b0e37",
        },
    ),
    source=GoPackage(module=MODULES / "kwok", package="sigs.k8s.io/kwok/cmd/kwok", minutes=1),
)

ALL: Final = (_ETCD, *map(_kubernetes, CONTROL_PLANE + NODE, (3, 1, 1, 2, 1)), _KWOK)
