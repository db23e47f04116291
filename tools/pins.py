"""The programs that Synapse runs and no Python package brings: one version each, and where it comes from.

A release is used only where its checksum is pinned here, else the Go modules under `go/` are built, whose `go.sum` pins
every source file. A new version is a new row here and, for Go, `go get` and `go mod tidy` in the module's folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

MODULES: Final = Path(__file__).parent / "go"
KUBERNETES: Final = "1.34.2"
PULUMI: Final = "3.259.0"
ETCD: Final = "3.6.4"
KWOK: Final = "0.8.0"
COREDNS: Final = "1.13.1"
KUBE_ROUTER: Final = "2.2.1"
LOCAL_PATH: Final = "0.0.30"
PROMETHEUS: Final = "3.15.0"
ALERTMANAGER: Final = "0.34.1"
BLACKBOX: Final = "0.28.0"
NODE_EXPORTER: Final = "1.12.1"
KUBE_STATE_METRICS: Final = "2.19.1"
KUBE_SCORE: Final = "1.20.0"
TRAEFIK: Final = "3.6.12"


@dataclass(frozen=True, kw_only=True)
class Release:
    """An official download for Linux; `{arch}` in a text is the publisher's word for this machine."""

    url: str
    program: str | None = None  # its path inside the archive; without it the download is the program
    only: tuple[str, ...] = ()  # what to keep of the archive; all of it where nothing is named
    arch: Mapping[str, str]  # by `platform.machine()`, as below
    checksum: Mapping[str, str] = field(default_factory=dict)  # sha256 or sha512 in hex, told by its length


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Files that a module's publisher makes before each build, where it has none of them or we want others."""

    module: str
    files: Mapping[str, str]  # their content, by their path in the module


@dataclass(frozen=True, kw_only=True)
class GoPackage:
    """A main package of one of our Go modules."""

    module: Path  # the folder of its go.mod and go.sum
    package: str
    version: str = ""  # of its Go module, where that is numbered otherwise
    tags: tuple[str, ...] = ()  # what to leave out of it, and what to keep
    variables: Mapping[str, str] = field(default_factory=dict)  # set at link time, as the publisher does
    patch: Patch | None = None
    minutes: int  # roughly, on two cores with nothing cached


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One program: the version we run, and the versions found on PATH that do as well."""

    name: str
    version: str
    at_least: tuple[int, ...]
    below: tuple[int, ...]
    ask: str = "--version"  # the argument that makes it print its version
    release: Release
    source: GoPackage


GO_ARCH: Final = {"x86_64": "amd64", "aarch64": "arm64"}
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


_PULUMI: Final = Pin(
    name="pulumi",
    version=PULUMI,
    at_least=(3, 200),
    below=(4,),
    ask="version",
    release=Release(
        url=f"https://get.pulumi.com/releases/sdk/pulumi-v{PULUMI}-linux-{{arch}}.tar.gz",
        program="pulumi/pulumi",
        arch={"x86_64": "x64", "aarch64": "arm64"},
        checksum={
            "x86_64": "94ba357acac23d01474084c4b00098dc0f7bc70ce13f34c777459254a5f718e5",
            "aarch64": "edc8327463a72160bb36cf82cf5062da9c8a244290a706d9980988e7bf486853",
        },
    ),
    source=GoPackage(
        module=MODULES / "pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        variables={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": f"v{PULUMI}"},
        minutes=4,
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
    at_least=(0, 8),  # the first whose stages can make volumes: `apply` in twin/stages.yaml
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

_PROMETHEUS_VERSION: Final = "github.com/prometheus/common/version.Version"


def _checker(name: str, project: str, version: str, source: GoPackage) -> Pin:
    """What the tests ask about the files that a server would read; it is built, since it pins no release's checksum."""
    major, minor, _ = map(int, version.split("."))
    folder = f"{project}-{version}.linux-{{arch}}"
    return Pin(
        name=name,
        version=version,
        at_least=(major, minor),
        below=(major, minor + 1),
        release=Release(
            url=f"https://github.com/prometheus/{project}/releases/download/v{version}/{folder}.tar.gz",
            program=f"{folder}/{name}",
            arch=GO_ARCH,
        ),
        source=source,
    )


_PROMTOOL: Final = _checker(
    "promtool",
    "prometheus",
    PROMETHEUS,
    GoPackage(
        module=MODULES / "prometheus",
        package="github.com/prometheus/prometheus/cmd/promtool",
        version="0.315.0",
        tags=("remove_all_sd", "enable_dns_sd"),  # half of it is clients for clouds
        variables={_PROMETHEUS_VERSION: PROMETHEUS},
        minutes=2,
    ),
)
_AMTOOL: Final = _checker(
    "amtool",
    "alertmanager",
    ALERTMANAGER,
    GoPackage(
        module=MODULES / "prometheus",
        package="github.com/prometheus/alertmanager/cmd/amtool",
        variables={_PROMETHEUS_VERSION: ALERTMANAGER},
        minutes=1,
    ),
)

_KUBERNETES: Final = tuple(map(_kubernetes, CONTROL_PLANE + NODE, (3, 1, 1, 2, 1)))


def _in_cluster(name: str, version: str, source: GoPackage) -> Pin:
    """What a cluster of ours runs beside Kubernetes itself; it is built, since it pins no release's checksum.

    One on PATH does only where it is this very version: it may end up in an image, which has nothing but the program.
    """
    numbers = tuple(map(int, version.split(".")))
    below = (*numbers[:-1], numbers[-1] + 1)
    return Pin(
        name=name, version=version, at_least=numbers, below=below, release=Release(url="", arch=GO_ARCH), source=source
    )


_COREDNS: Final = _in_cluster(
    "coredns", COREDNS, GoPackage(module=MODULES / "coredns", package="synapse.tools/coredns", minutes=3)
)
_KUBE_ROUTER: Final = _in_cluster(
    "kube-router",
    KUBE_ROUTER,
    GoPackage(
        module=MODULES / "kube-router", package="github.com/cloudnativelabs/kube-router/v2/cmd/kube-router", minutes=3
    ),
)
_LOCAL_PATH: Final = _in_cluster(
    "local-path-provisioner",
    LOCAL_PATH,
    GoPackage(module=MODULES / "local-path", package="github.com/rancher/local-path-provisioner", minutes=2),
)
_PAUSE: Final = _in_cluster(
    "pause", "1.0.0", GoPackage(module=MODULES / "pause", package="synapse.tools/pause", minutes=1)
)
_PROBE: Final = _in_cluster(
    "probe", "1.0.0", GoPackage(module=MODULES / "probe", package="synapse.tools/probe", minutes=1)
)
_REGISTRY: Final = _in_cluster(
    "image-registry",
    "1.0.0",
    GoPackage(module=MODULES / "registry", package="synapse.tools/registry", version="0.21.0", minutes=1),
)
_PROMETHEUS: Final = _in_cluster(
    "prometheus",
    PROMETHEUS,
    replace(_PROMTOOL.source, package="github.com/prometheus/prometheus/cmd/prometheus"),
)
_ALERTMANAGER: Final = _in_cluster(
    "alertmanager",
    ALERTMANAGER,
    replace(
        _AMTOOL.source,
        package="github.com/prometheus/alertmanager/cmd/alertmanager",
        patch=Patch(
            module="github.com/prometheus/alertmanager",
            files={"ui/app/dist/index.html": "Built without its pages: ask /api/v2.\n"},
        ),
    ),
)


def _exporter(name: str, version: str, folder: str, package: str, minutes: int) -> Pin:
    source = GoPackage(
        module=MODULES / folder, package=package, variables={_PROMETHEUS_VERSION: version}, minutes=minutes
    )
    return _in_cluster(name, version, source)


_BLACKBOX: Final = _exporter(
    "blackbox_exporter", BLACKBOX, "blackbox", "github.com/prometheus/blackbox_exporter", minutes=1
)
_NODE_EXPORTER: Final = _exporter(
    "node_exporter", NODE_EXPORTER, "node-exporter", "github.com/prometheus/node_exporter", minutes=1
)
_KUBE_STATE_METRICS: Final = replace(
    _exporter(
        "kube-state-metrics", KUBE_STATE_METRICS, "kube-state-metrics", "k8s.io/kube-state-metrics/v2", minutes=2
    ),
    ask="version",
)
_KUBE_SCORE: Final = _in_cluster(
    "kube-score",
    KUBE_SCORE,
    GoPackage(
        module=MODULES / "kube-score",
        package="github.com/zegl/kube-score/cmd/kube-score",
        variables={"main.version": KUBE_SCORE},
        minutes=1,
    ),
)
_TRAEFIK: Final = replace(
    _in_cluster(
        "traefik",
        TRAEFIK,
        GoPackage(
            module=MODULES / "traefik",
            package="github.com/traefik/traefik/v3/cmd/traefik",
            variables={"github.com/traefik/traefik/v3/pkg/version.Version": TRAEFIK},
            patch=Patch(
                module="github.com/go-acme/lego/v4",
                files={"providers/dns/zz_gen_dns_providers.go": (MODULES / "traefik/dns.go").read_text("utf-8")},
            ),
            minutes=5,
        ),
    ),
    ask="version",
)

_ALL: Final = (
    _PULUMI,
    _ETCD,
    *_KUBERNETES,
    _KWOK,
    _COREDNS,
    _KUBE_ROUTER,
    _LOCAL_PATH,
    _PAUSE,
    _PROMTOOL,
    _AMTOOL,
    _PROMETHEUS,
    _ALERTMANAGER,
    _BLACKBOX,
    _NODE_EXPORTER,
    _KUBE_STATE_METRICS,
    _PROBE,
    _REGISTRY,
    _KUBE_SCORE,
    _TRAEFIK,
)
PINS: Final[Mapping[str, Pin]] = {pin.name: pin for pin in _ALL}
